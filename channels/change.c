/* SPDX-License-Identifier: Apache-2.0 */

/*
 * PATCH /v1/channels/{id} (contract c.3) and POST /v1/channels/{id}/enable (contract o.13).
 *
 * Happy path: the body is read. One store job changes the row, writes the audit row and reads the
 * answer. Then the engine reads the channel again. Failure: 400 with the field, 404 for another
 * team's channel, 409 for a name that is taken.
 */
#include "channels/change.h"

#include <errno.h>

#include "api/api.h"
#include "channels/call.h"
#include "channels/draft.h"
#include "channels/release.h"
#include "channels/rows.h"
#include "core/json.h"

static void note_change(const struct api_call *call)
{
	deliveries_changed(channels_of(call)->deliveries, &call->id);
}

/* ---- PATCH ----------------------------------------------------------------------------- */

struct update {
	struct option_call change;
	struct draft draft;
	enum update_result result;
};

static void end_update(struct api_call *call)
{
	draft_done(&container_of(call, struct update, change.call)->draft);
}

static int run_update(struct db *db, struct store_job *job)
{
	struct update *update = container_of(job, struct update, change.call.job);
	struct api_call *call = &update->change.call;
	const struct change change = {
		.who = &call->who,
		.audit_mode = channels_of(call)->audit_mode,
		.now_us = call->now_us,
	};

	buf_reset(&call->json);
	return channel_update(db, &call->id, &update->draft, &change, &call->json, &update->result);
}

static void answer_change(struct option_call *change)
{
	api_call_answer(&change->call, 200);
}

static void end_change(struct update *update)
{
	if (channel_options_are_named(update->draft.tree)) {
		release_held(&update->change, answer_change);
		return;
	}
	note_change(&update->change.call);
	answer_change(&update->change);
}

static void answer_update(struct update *update)
{
	struct api_call *call = &update->change.call;

	switch (update->result) {
	case UPDATE_DONE:
		end_change(update);
		break;
	case UPDATE_NAME_TAKEN:
		api_call_refuse_text(call, HTTP_CONFLICT, "name",
				     "the team has a channel of this name already");
		break;
	case UPDATE_UNKNOWN_KIND:
		api_call_refuse_text(call, HTTP_INVALID_REQUEST, "events",
				     "events names a kind that no channel can subscribe to and "
				     "that this channel does not have");
		break;
	case UPDATE_NO_TEAM:
		api_call_refuse_text(call, HTTP_FORBIDDEN, NULL, "the team was deleted");
		break;
	case UPDATE_NOT_FOUND:
	case UPDATE_OVERTAKEN:
		api_call_no_channel(call);
		break;
	}
}

static void on_updated(struct store_job *job, int rc)
{
	struct update *update = container_of(job, struct update, change.call.job);

	if (rc == -EEXIST) { /* the control plane was faster */
		update->result = UPDATE_NAME_TAKEN;
		rc = 0;
	}
	if (rc < 0)
		fail_change(&update->change.call, rc);
	else
		answer_update(update);
}

void update_channel(struct http_request *request, void *owner)
{
	struct api_call *call;
	struct update *update;
	struct reason why = { .text = "" };
	int rc;

	if (!body_is_json(request))
		return;
	call = api_call_new_for_channel(owner, request, sizeof(*update));
	if (!call)
		return;
	update = container_of(call, struct update, change.call);
	call->done = end_update;
	rc = draft_parse(http_request_body(request),
			 DRAFT_NAME | DRAFT_EVENTS | DRAFT_UNKNOWN_EVENTS | DRAFT_OPTIONS,
			 &update->draft, &why);
	if (rc < 0) {
		api_call_refuse_input(call, rc, &why);
		return;
	}
	call->job.run = run_update;
	call->job.on_done = on_updated;
	submit_change(call);
}

/* ---- enabling -------------------------------------------------------------------------- */

/* Each piece of the backlog is a job of its own, so that other writers get their turn in
 * between. */
struct enabling {
	struct api_call call;
	struct backlog_piece piece;
};

static int run_enable(struct db *db, struct store_job *job)
{
	struct enabling *enabling = container_of(job, struct enabling, call.job);
	struct api_call *call = &enabling->call;
	const struct change change = {
		.who = &call->who,
		.audit_mode = channels_of(call)->audit_mode,
		.now_us = call->now_us,
	};

	buf_reset(&call->json);
	return channel_enable(db, &call->id, &enabling->piece, &change, &call->json, &call->found);
}

static void on_enabled(struct store_job *job, int rc)
{
	struct enabling *enabling = container_of(job, struct enabling, call.job);
	struct api_call *call = &enabling->call;

	if (rc == 0 && enabling->piece.has_more) {
		/* Rows of exactly this place that did not fit come with the next piece. */
		enabling->piece.from_ms = enabling->piece.last_ms;
		enabling->piece.from_seq = enabling->piece.last_seq;
		submit_change(call);
		return;
	}
	if (rc == 0 && call->found)
		note_change(call);
	api_call_on_shown(job, rc);
}

/* Reads `backlog` of the body, which may be empty. */
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
	struct api_call *call;
	struct reason why = { .text = "" };
	bool skips;
	int rc;

	if (!body_is_json(request))
		return;
	call = api_call_new_for_channel(owner, request, sizeof(struct enabling));
	if (!call)
		return;
	rc = read_backlog(http_request_body(request), &skips, &why);
	if (rc < 0) {
		api_call_refuse_input(call, rc, &why);
		return;
	}
	container_of(call, struct enabling, call)->piece.skips = skips;
	call->job.run = run_enable;
	call->job.on_done = on_enabled;
	submit_change(call);
}
