/* SPDX-License-Identifier: Apache-2.0 */

/*
 * PATCH /v1/channels/{id} (contract c.3) and POST /v1/channels/{id}/enable (contract o.13).
 *
 * Happy path: the body is read, one store job changes the row, writes the audit row and reads what is
 * answered, and the engine looks at the channel again. Failure: 400 with the field, 404 for another
 * team's channel, 409 for a name that is taken.
 */
#include <errno.h>

#include "channels/draft.h"
#include "channels/endpoints.h"
#include "channels/errand.h"
#include "channels/rows.h"
#include "core/json.h"

static void note_change(const struct errand *errand)
{
	if (errand->channels->engine)
		engine_changed(errand->channels->engine, &errand->id);
}

/* ---- PATCH ----------------------------------------------------------------------------- */

struct update {
	struct errand errand;
	struct draft draft;
	enum update_result result;
};

static void end_update(struct errand *errand)
{
	draft_done(&container_of(errand, struct update, errand)->draft);
}

static int run_update(struct db *db, struct store_job *job)
{
	struct update *update = container_of(job, struct update, errand.job);
	struct errand *errand = &update->errand;
	const struct change change = {
		.who = &errand->who,
		.audit_mode = errand->channels->audit_mode,
		.now_us = errand->now_us,
	};

	buf_reset(&errand->json);
	return channel_update(db, &errand->id, &update->draft, &change, &errand->json,
			      &update->result);
}

static void answer_update(struct update *update)
{
	struct errand *errand = &update->errand;

	switch (update->result) {
	case UPDATE_DONE:
		note_change(errand);
		errand_answer(errand, 200);
		break;
	case UPDATE_NAME_TAKEN:
		errand_refuse_text(errand, HTTP_CONFLICT, "name",
				   "the team has a channel of this name already");
		break;
	case UPDATE_UNKNOWN_KIND:
		errand_refuse_text(errand, HTTP_INVALID_REQUEST, "events",
				   "events has a kind nobody can subscribe to, which the channel "
				   "does not have already");
		break;
	case UPDATE_NO_TEAM:
		errand_refuse_text(errand, HTTP_FORBIDDEN, NULL, "the team is gone");
		break;
	case UPDATE_NOT_FOUND:
	case UPDATE_OVERTAKEN:
		errand_not_found(errand);
		break;
	}
}

static void on_updated(struct store_job *job, int rc)
{
	struct update *update = container_of(job, struct update, errand.job);

	if (rc == -EEXIST) { /* the control plane was faster */
		update->result = UPDATE_NAME_TAKEN;
		rc = 0;
	}
	if (rc < 0)
		errand_fail(&update->errand, rc);
	else
		answer_update(update);
}

void update_channel(struct http_request *request, void *owner)
{
	struct errand *errand;
	struct update *update;
	struct reason why = { .text = "" };
	int rc;

	if (!errand_body_is_json(request))
		return;
	errand = errand_new_of_channel(owner, request, sizeof(*update));
	if (!errand)
		return;
	update = container_of(errand, struct update, errand);
	errand->done = end_update;
	rc = draft_parse(http_request_body(request),
			 DRAFT_NAME | DRAFT_EVENTS | DRAFT_UNKNOWN_EVENTS, &update->draft, &why);
	if (rc < 0) {
		errand_refuse_draft(errand, rc, &why);
		return;
	}
	errand->job.run = run_update;
	errand->job.on_done = on_updated;
	errand_submit(errand, store_write);
}

/* ---- enabling -------------------------------------------------------------------------- */

/* Each piece of the backlog is a job of its own, so that others get at the writer in between. */
struct enabling {
	struct errand errand;
	struct backlog_piece piece;
};

static int run_enable(struct db *db, struct store_job *job)
{
	struct enabling *enabling = container_of(job, struct enabling, errand.job);
	struct errand *errand = &enabling->errand;
	const struct change change = {
		.who = &errand->who,
		.audit_mode = errand->channels->audit_mode,
		.now_us = errand->now_us,
	};

	buf_reset(&errand->json);
	return channel_enable(db, &errand->id, &enabling->piece, &change, &errand->json,
			      &errand->found);
}

static void on_enabled(struct store_job *job, int rc)
{
	struct enabling *enabling = container_of(job, struct enabling, errand.job);
	struct errand *errand = &enabling->errand;

	if (rc == 0 && enabling->piece.has_more) {
		/* What has this very place and did not fit comes with the next piece. */
		enabling->piece.from_ms = enabling->piece.last_ms;
		enabling->piece.from_seq = enabling->piece.last_seq;
		errand_submit(errand, store_write);
		return;
	}
	if (rc == 0 && errand->found)
		note_change(errand);
	errand_on_shown(job, rc);
}

/* `backlog` of the body, which may be missing altogether. */
static int read_backlog(struct str body, bool *skips, struct reason *why)
{
	const cJSON *backlog;
	cJSON *tree = NULL;
	int rc = 0;

	*skips = false;
	if (body.len == 0)
		return 0;
	rc = body_parse(body, &tree, why);
	if (rc < 0)
		return rc;
	backlog = json_get(tree, "backlog");
	if (!cJSON_IsObject(tree))
		rc = reason_set(why, -EINVAL, "", "the body must be a JSON object");
	else if (cJSON_IsString(backlog) && str_is(str_of(backlog->valuestring), "skip"))
		*skips = true;
	else if (backlog &&
		 !(cJSON_IsString(backlog) && str_is(str_of(backlog->valuestring), "deliver")))
		rc = reason_set(why, -EINVAL, "backlog", "backlog must be deliver or skip");
	cJSON_Delete(tree);
	return rc;
}

void enable_channel(struct http_request *request, void *owner)
{
	struct errand *errand;
	struct reason why = { .text = "" };
	bool skips;
	int rc;

	if (!errand_body_is_json(request))
		return;
	errand = errand_new_of_channel(owner, request, sizeof(struct enabling));
	if (!errand)
		return;
	rc = read_backlog(http_request_body(request), &skips, &why);
	if (rc < 0) {
		errand_refuse_draft(errand, rc, &why);
		return;
	}
	container_of(errand, struct enabling, errand)->piece.skips = skips;
	errand->job.run = run_enable;
	errand->job.on_done = on_enabled;
	errand_submit(errand, store_write);
}
