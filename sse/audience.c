/* SPDX-License-Identifier: Apache-2.0 */

/*
 * How many listeners a team had when an event came.
 *
 * Happy path: the arrival notes the number of the team's open streams and waits in the item, which
 * costs listeners nothing. Whatever their filters are, they count. Failure: an event that was not
 * read live, or is no longer in memory, has no number, and neither has an event of another
 * team.
 */
#include "sse/audience.h"

#include "core/stream_id.h"
#include "sse/live.h"
#include "sse/turn.h"

static void answer(struct http_request *request, const struct item *item)
{
	struct buf json;

	buf_init(&json, 64);
	buf_add_char(&json, '{');
	if (item && item->batch > 0)
		buf_addf(&json, "\"listeners\":%u", item->listeners);
	buf_add_char(&json, '}');
	http_respond_json(request, 200, &json);
	buf_done(&json);
}

void audience_show(struct http_request *request, void *owner)
{
	struct sse *sse = owner;
	struct stream_id id;
	struct topic *topic;

	if (stream_id_parse(http_request_param(request, 0), &id) < 0) {
		http_respond_fault(request, HTTP_INVALID_REQUEST, NULL,
				   "the event's id must look like 1779598928123-0");
		return;
	}
	topic = history_topic(&sse->history, &http_request_identity(request)->team);
	if (!topic) {
		http_respond_error(request, HTTP_INTERNAL_ERROR, NULL);
		return;
	}
	answer(request, history_find(topic, id));
	if (topic_is_unused(topic))
		turn_mark(topic);
}
