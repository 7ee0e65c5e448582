/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Telling of a hole, and keeping the order of the history across it.
 *
 * Happy path: everybody has got everything and is told with one frame. Who is behind is closed, comes back
 * with a cursor from before the hole and is told then. Failure: no memory for the frame; then everybody is closed.
 */
#include "sse/hole.h"

#include <string.h>

#include "core/log.h"
#include "sse/greeting.h"
#include "sse/preload.h"
#include "sse/source.h"

static const char last_words[] = ": events were missed, come back with your cursor\n\n";

bool hole_concerns(const struct history *history, struct stream_id cursor)
{
	if (stream_id_compare(cursor, history->hole) > 0)
		return false;
	if (!history->went_back)
		return !stream_id_is_zero(history->hole);
	/* Ids of both sides may be the same; then what is kept is from after the hole. */
	return stream_id_compare(cursor, history->head) != 0 && !history_has(history, cursor);
}

/* ---- everybody --------------------------------------------------------------------------- */

typedef void (*topic_fn)(struct topic *topic, struct item *item);

static void for_each_topic(struct sse *sse, topic_fn visit, struct item *item)
{
	visit(&sse->history.all, item);
	for (size_t i = 0; i < HISTORY_TEAM_BUCKETS; i++)
		LIST_EACH (link, &sse->history.teams[i])
			visit(list_item(link, struct topic, link), item);
}

static void tell_one(struct subscriber *sub, struct item *gap)
{
	bool can_be_told = gap && sub->stream && !sub->replay && !sub->partial && !sub->blocked;

	metric_add(sub->topic->sse->metrics.gaps, 1);
	if (can_be_told)
		stream_send(sub, gap);
	else
		subscriber_end(sub, CLOSE_GAP, last_words);
}

static void tell_topic(struct topic *topic, struct item *gap)
{
	LIST_EACH_SAFE (link, &topic->others)
		tell_one(list_item(link, struct subscriber, link), gap);
	LIST_EACH_SAFE (link, &topic->front_line)
		tell_one(list_item(link, struct subscriber, link), gap);
}

void sse_on_gap(struct stream_id from, void *owner)
{
	struct sse *sse = owner;
	struct history *history = &sse->history;
	struct item *gap = NULL;
	bool is_ahead = stream_id_compare(from, history->head) > 0;

	log_warn("events were missed, live streams are told of a gap",
		 log_stream_id("after", history->head), log_stream_id("going_on_after", from),
		 log_int("listeners", (int64_t)sse->listeners));
	preload_abandon(sse);
	hub_flush(sse);
	/* A cursor right before what comes next misses nothing of what was trimmed. */
	history->hole = is_ahead ? stream_id_previous(from) : history->head;
	history->resume = from;
	history->head = from;
	history->went_back = false;
	sse->source.newest = (struct stream_id){ .ms = 0 }; /* its ids may be of another stream */
	if (greeting_make_gap(sse, from, &gap) < 0)
		gap = NULL;
	for_each_topic(sse, tell_topic, gap);
	item_unref(gap);
	source_on_head(sse);
}

/* ---- smaller ids ------------------------------------------------------------------------- */

static void end_topic(struct topic *topic, struct item *item)
{
	(void)item;
	LIST_EACH_SAFE (link, &topic->others) {
		struct subscriber *sub = list_item(link, struct subscriber, link);

		if (sub->cursor || sub->replay)
			subscriber_end(sub, CLOSE_GAP, last_words);
	}
	LIST_EACH_SAFE (link, &topic->front_line)
		if (topic->front)
			subscriber_end(list_item(link, struct subscriber, link), CLOSE_GAP,
				       last_words);
	topic->front = NULL;
}

void hole_make_room(struct sse *sse, struct stream_id id)
{
	struct history *history = &sse->history;

	if (history->went_back || stream_id_compare(id, history->hole) > 0)
		return;
	log_warn("ids of the stream went back, events from before are forgotten",
		 log_stream_id("to", id), log_stream_id("from", history->hole));
	hub_flush(sse);
	for_each_topic(sse, end_topic, NULL);
	hub_forget(sse);
	history->floor = history->head;
	history->went_back = true;
}

/* ---- whose stream it is ------------------------------------------------------------------ */

void sse_on_server(const struct redis_identity *identity, bool continues, void *owner)
{
	struct sse *sse = owner;

	memcpy(sse->server, identity->run_id, sizeof(sse->server));
	sse->history.other_history = sse->history.other_history || !continues;
}
