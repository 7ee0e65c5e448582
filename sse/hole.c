/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Sends listeners a notice of a hole, and keeps the history in order across it.
 *
 * Happy path: every listener has received everything and gets one frame. A listener that still
 * waits for events is closed, comes back with a cursor from before the hole and gets it then. If
 * there is no memory for the frame, all listeners are closed.
 */
#include "sse/hole.h"

#include "core/clock.h"
#include "core/log.h"
#include "sse/greeting.h"
#include "sse/hub.h"
#include "sse/preload.h"
#include "sse/source.h"
#include "sse/subscriber.h"

static void send_or_end(struct subscriber *sub, struct item *gap)
{
	metric_add(sub->topic->sse->metrics.gaps, 1);
	if (!gap || sub->replay || !sub->type->send(sub, gap))
		subscriber_end(sub, CLOSE_GAP);
}

static void send_to_topic(struct topic *topic, void *gap)
{
	LIST_EACH_SAFE (link, &topic->others)
		send_or_end(list_item(link, struct subscriber, link), gap);
	LIST_EACH_SAFE (link, &topic->front_line)
		send_or_end(list_item(link, struct subscriber, link), gap);
}

void hole_open(struct sse *sse, struct stream_id from)
{
	struct history *history = &sse->history;
	struct item *gap = NULL;
	bool is_ahead = stream_id_compare(from, history->head) > 0;
	int64_t kept_back;

	if (log_limit_passes(&sse->hole_lines, clock_mono_ms(), &kept_back))
		log_warn("events were missed; live streams get a notice of the gap",
			 log_stream_id("after", history->head),
			 log_stream_id("resumes_after", from),
			 log_int("listeners", (int64_t)sse->listeners),
			 log_int("kept_back", kept_back));
	preload_abandon(sse);
	hub_flush(sse);
	/* A cursor right before the next entry misses no trimmed entry. */
	history->hole = is_ahead ? stream_id_previous(from) : history->head;
	history->resume = from;
	history->head = from;
	history->went_back = false;
	sse->source.newest = (struct stream_id){ .ms = 0 }; /* its ids may be of another stream */
	if (greeting_make_gap(sse, from, &gap) < 0)
		gap = NULL;
	history_each_topic(history, send_to_topic, gap);
	item_unref(gap);
	source_on_head(sse);
}

/* ---- smaller ids ------------------------------------------------------------------------- */

/* Ends the listeners that still need an item. */
static void end_topic(struct topic *topic, void *arg)
{
	(void)arg;
	LIST_EACH_SAFE (link, &topic->others) {
		struct subscriber *sub = list_item(link, struct subscriber, link);

		if (sub->cursor || sub->replay)
			subscriber_end(sub, CLOSE_GAP);
	}
	LIST_EACH_SAFE (link, &topic->front_line)
		if (topic->front)
			subscriber_end(list_item(link, struct subscriber, link), CLOSE_GAP);
	topic->front = NULL;
}

void hole_make_room(struct sse *sse, struct stream_id id)
{
	struct history *history = &sse->history;
	int64_t kept_back;

	if (history->went_back || stream_id_compare(id, history->hole) > 0)
		return;
	if (log_limit_passes(&sse->hole_lines, clock_mono_ms(), &kept_back))
		log_warn("ids of the stream went back, dropping the events from before",
			 log_stream_id("to", id), log_stream_id("from", history->hole),
			 log_int("kept_back", kept_back));
	hub_flush(sse);
	history_each_topic(history, end_topic, NULL);
	hub_forget(sse);
	history->floor = history->head;
	history->went_back = true;
}
