/* SPDX-License-Identifier: Apache-2.0 */

#include "audit/proofs.h"

#include <string.h>

#include "api/api.h"
#include "audit/checkpoint.h"
#include "core/id.h"
#include "core/json.h"

static const struct db_query read_keys = {
	.sql = "SELECT vkey, first_used_at, last_used_at FROM audit_keys "
	       "ORDER BY last_used_at DESC LIMIT 1000",
};

static int run_checkpoint(struct db *db, struct store_job *job)
{
	struct api_call *call = container_of(job, struct api_call, job);
	struct audit_checkpoint newest;
	char team[ID_TEXT_SIZE];
	int rc = audit_checkpoint_read(db, &call->who.team, &newest);

	buf_reset(&call->json);
	call->found = rc == 0 && newest.size >= 0;
	if (!call->found)
		return rc;
	id_format(ID_TEAM, &call->who.team, team);
	buf_add_char(&call->json, '{');
	json_add_member(&call->json, "team_id", str_of(team));
	field_add_number(&call->json, "size", newest.size);
	field_add_time(&call->json, "created_at", newest.at_us);
	json_add_member(&call->json, "note", str_of(newest.note));
	buf_add_char(&call->json, '}');
	return call->json.err;
}

static void on_checkpoint(struct store_job *job, int rc)
{
	struct api_call *call = container_of(job, struct api_call, job);

	if (rc < 0)
		api_call_fail(call, rc);
	else if (!call->found)
		api_call_refuse_text(call, HTTP_NOT_FOUND, NULL,
				     "there is no checkpoint yet; the first one is made within an "
				     "hour after the first row");
	else
		api_call_answer(call, 200);
}

void show_checkpoint(struct http_request *request, void *owner)
{
	struct api_call *call = api_call_new(owner, request, sizeof(*call));

	if (!call)
		return;
	call->job.run = run_checkpoint;
	call->job.on_done = on_checkpoint;
	api_call_submit(call, store_read_for_request);
}

static int on_key(const struct db_row *row, void *arg)
{
	struct buf *out = arg;

	if (out->bytes[out->len - 1] != '[')
		buf_add_char(out, ',');
	buf_add_char(out, '{');
	json_add_member(out, "key", row_text(row, 0));
	field_add_time(out, "first_used_at", row_time(row, 1));
	field_add_time(out, "last_used_at", row_time(row, 2));
	buf_add_char(out, '}');
	return out->err;
}

static int run_keys(struct db *db, struct store_job *job)
{
	struct api_call *call = container_of(job, struct api_call, job);
	int rc;

	buf_reset(&call->json);
	buf_add_text(&call->json, "{\"items\":[");
	if (call->json.err)
		return call->json.err;
	rc = db_run_now(db, &read_keys, NULL, 0, on_key, &call->json, NULL);
	buf_add_text(&call->json, "]}");
	return rc < 0 ? rc : call->json.err;
}

static void on_keys(struct store_job *job, int rc)
{
	struct api_call *call = container_of(job, struct api_call, job);

	if (rc < 0)
		api_call_fail(call, rc);
	else
		api_call_answer(call, 200);
}

void show_keys(struct http_request *request, void *owner)
{
	struct api_call *call = api_call_new(owner, request, sizeof(*call));

	if (!call)
		return;
	call->job.run = run_keys;
	call->job.on_done = on_keys;
	api_call_submit(call, store_read_for_request);
}
