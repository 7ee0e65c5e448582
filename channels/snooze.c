/* SPDX-License-Identifier: Apache-2.0 */

/*
 * POST /v1/channels/{id}/snooze: silences the channel, or one resource on it, until a time. DELETE
 * ends that early.
 *
 * Happy path: one store job changes the options, writes the audit row and reads the answer. Then
 * the new options decide about deliveries that are already held (release.h). Failure: 400 with the
 * field, 404 for another team's channel, 409 when too many resources are snoozed.
 */
#include "channels/snooze.h"

#include <errno.h>

#include "api/api.h"
#include "channels/call.h"
#include "channels/release.h"
#include "channels/rows.h"
#include "core/json.h"
#include "core/rfc3339.h"
#include "core/utf8.h"

#define LONGEST_US (INT64_C(30) * 86400 * 1000000)

struct snoozing {
	struct option_call change;
	char resource[SNOOZE_MAX_RESOURCE + 1]; /* empty: the whole channel */
	int64_t until_us;                       /* 0: ends */
	enum update_result result;
};

static struct snoozing *snoozing_of(struct option_call *change)
{
	return container_of(change, struct snoozing, change);
}

/* ---- storing --------------------------------------------------------------------------- */

static int run_snooze(struct db *db, struct store_job *job)
{
	struct snoozing *snoozing = container_of(job, struct snoozing, change.call.job);
	struct api_call *call = &snoozing->change.call;
	const struct change change = {
		.who = &call->who,
		.audit_mode = channels_of(call)->audit_mode,
		.now_us = call->now_us,
	};
	const struct snooze_change snooze = { .resource = str_of(snoozing->resource),
					      .until_us = snoozing->until_us };

	buf_reset(&call->json);
	return channel_snooze(db, &call->id, &snooze, &change, &call->json, &snoozing->result);
}

static void answer(struct option_call *change)
{
	api_call_answer(&change->call, 200);
}

static void on_snoozed(struct store_job *job, int rc)
{
	struct snoozing *snoozing = container_of(job, struct snoozing, change.call.job);
	struct api_call *call = &snoozing->change.call;

	if (rc == -E2BIG)
		api_call_refuse_text(call, HTTP_CONFLICT, "resource",
				     "the channel has 50 snoozed resources already; end one of "
				     "them, or snooze the whole channel");
	else if (rc < 0)
		api_call_fail(call, rc);
	else if (snoozing->result == UPDATE_DONE)
		release_held(&snoozing->change, answer);
	else if (snoozing->result == UPDATE_NO_TEAM)
		api_call_refuse_text(call, HTTP_FORBIDDEN, NULL, "the team was deleted");
	else
		api_call_no_channel(call);
}
_Static_assert(SNOOZE_MAX_RESOURCES == 50, "the sentence above");

static void submit(struct snoozing *snoozing)
{
	struct api_call *call = &snoozing->change.call;

	call->job.run = run_snooze;
	call->job.on_done = on_snoozed;
	submit_change(call);
}

/* ---- the requests ---------------------------------------------------------------------- */

static int take_resource(struct snoozing *snoozing, struct str resource, struct reason *why)
{
	if (utf8_is_blank(resource) || resource.len > SNOOZE_MAX_RESOURCE)
		return reason_set(why, -EINVAL, "resource",
				  "resource must be the id of a capsule, host or snapshot, of 1 to "
				  "%d bytes",
				  SNOOZE_MAX_RESOURCE);
	memcpy(snoozing->resource, resource.at, resource.len);
	return 0;
}

static int take_until(struct snoozing *snoozing, const cJSON *until, struct reason *why)
{
	int64_t now_us = snoozing->change.call.now_us;

	if (!cJSON_IsString(until) ||
	    rfc3339_parse(str_of(until->valuestring), &snoozing->until_us) < 0)
		return reason_set(why, -EINVAL, "until",
				  "until must be a time such as 2026-05-24T08:00:00Z");
	if (snoozing->until_us <= now_us || snoozing->until_us > now_us + LONGEST_US)
		return reason_set(why, -EINVAL, "until",
				  "until must be a time from now on, at most 30 days away");
	return 0;
}

static int take_span(struct snoozing *snoozing, const cJSON *span, struct reason *why)
{
	int64_t ms = 0;

	if (!cJSON_IsString(span) || duration_parse(str_of(span->valuestring), &ms) < 0 ||
	    ms <= 0 || ms > LONGEST_US / 1000)
		return reason_set(why, -EINVAL, "for",
				  "for must be a span such as 30m, 8h or 2d, at most 30d");
	snoozing->until_us = snoozing->change.call.now_us + ms * 1000;
	return 0;
}

static int read_body(struct snoozing *snoozing, const cJSON *tree, struct reason *why)
{
	static const char *const names[] = { "until", "for", "resource", NULL };
	const cJSON *until = json_get(tree, "until");
	const cJSON *span = json_get(tree, "for");
	const cJSON *resource = json_get(tree, "resource");
	/* A misspelt `resource` would snooze the whole channel. */
	int rc = json_check_object(tree, names, "", why);

	if (rc < 0)
		return rc;
	if (!until == !span)
		return reason_set(why, -EINVAL, "until",
				  "one of until (a time) and for (a span such as 8h) is required, "
				  "not both");
	if (resource)
		rc = take_resource(snoozing, str_of(cJSON_GetStringValue(resource)), why);
	if (rc < 0)
		return rc;
	return until ? take_until(snoozing, until, why) : take_span(snoozing, span, why);
}

static int parse_body(struct snoozing *snoozing, struct str body, struct reason *why)
{
	cJSON *tree = NULL;
	int rc = body_parse(body, &tree, why);

	if (rc == 0)
		rc = read_body(snoozing, tree, why);
	cJSON_Delete(tree);
	return rc;
}

static struct snoozing *begin(struct http_request *request, void *owner)
{
	struct api_call *call = api_call_new_for_channel(owner, request, sizeof(struct snoozing));

	return call ? snoozing_of(container_of(call, struct option_call, call)) : NULL;
}

void snooze_channel(struct http_request *request, void *owner)
{
	struct snoozing *snoozing;
	struct reason why = { .text = "" };
	int rc;

	if (!body_is_json(request))
		return;
	snoozing = begin(request, owner);
	if (!snoozing)
		return;
	rc = parse_body(snoozing, http_request_body(request), &why);
	if (rc < 0)
		api_call_refuse_input(&snoozing->change.call, rc, &why);
	else
		submit(snoozing);
}

static int read_pair(struct str name, struct str value, void *arg, struct reason *why)
{
	return str_is(name, "resource") ? take_resource(arg, value, why) : 0;
}

void end_snooze(struct http_request *request, void *owner)
{
	struct snoozing *snoozing = begin(request, owner);
	struct reason why = { .text = "" };

	if (!snoozing)
		return;
	if (http_query_each(http_request_query(request), read_pair, snoozing, &why) < 0)
		api_call_refuse(&snoozing->change.call, HTTP_INVALID_REQUEST, &why);
	else
		submit(snoozing);
}
