/* SPDX-License-Identifier: Apache-2.0 */

/*
 * An administrator erases a person. Each piece is a job of its own, so that other writers get their
 * turn in between. Failure: erased values stay erased, and the same request sent again does the
 * rest.
 */
#include "audit/forget_call.h"

#include <errno.h>

#include "api/api.h"
#include "audit/forget.h"
#include "core/json.h"

struct forget_call {
	struct api_call call;
	struct audit_forgetting before;
	struct audit_forgetting after; /* the end of the running piece; its job may run twice */
};

static int run_piece(struct db *db, struct store_job *job)
{
	struct forget_call *forget = container_of(job, struct forget_call, call.job);

	forget->after = forget->before;
	return audit_forget_piece(db, &forget->after, forget->call.now_us);
}

static void answer(struct forget_call *forget)
{
	struct buf *json = &forget->call.json;

	buf_add_char(json, '{');
	field_add_number(json, "teams", forget->after.teams);
	field_add_number(json, "rows", forget->after.rows);
	buf_add_char(json, '}');
	api_call_answer(&forget->call, 200);
}

static void on_piece(struct store_job *job, int rc)
{
	struct forget_call *forget = container_of(job, struct forget_call, call.job);

	if (rc == -EAGAIN) {
		api_call_refuse_text(&forget->call, HTTP_INVALID_STATE, NULL,
				     "new rows of the trail are not in its tree yet; send the "
				     "request again in a few seconds");
	} else if (rc < 0) {
		api_call_fail(&forget->call, rc);
	} else if (forget->after.is_done) {
		answer(forget);
	} else {
		forget->before = forget->after;
		api_call_submit(&forget->call, store_write);
	}
}

static int read_user(struct str body, struct audit_forgetting *out, struct reason *why)
{
	const cJSON *user;
	struct uuid id;
	cJSON *tree = NULL;
	int rc = body_parse(body, &tree, why);

	if (rc < 0)
		return rc;
	user = json_get(tree, "user_id");
	if (!cJSON_IsString(user) || id_parse(ID_USER, str_of(user->valuestring), &id) < 0)
		rc = reason_set(why, -EINVAL, "user_id",
				"user_id must be the id of a user: usr- and 25 characters of "
				"0-9a-z");
	else
		id_format(ID_USER, &id, out->user);
	cJSON_Delete(tree);
	return rc;
}

void forget_person(struct http_request *request, void *owner)
{
	struct forget_call *forget;
	struct api_call *call;
	struct reason why = { .text = "" };
	int rc;

	if (!body_is_json(request))
		return;
	call = api_call_new(owner, request, sizeof(*forget));
	if (!call)
		return;
	forget = container_of(call, struct forget_call, call);
	rc = read_user(http_request_body(request), &forget->before, &why);
	if (rc < 0) {
		api_call_refuse_input(call, rc, &why);
		return;
	}
	call->job.run = run_piece;
	call->job.on_done = on_piece;
	call->job.needs_audit_lock = true;
	api_call_submit(call, store_write);
}
