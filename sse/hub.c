/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The end of a turn, step by step: replays, topics, evictions, ends, look-ups.
 *
 * Failure: without memory an event cannot be kept, but the stream still has it. Every listener is
 * closed, comes back with its cursor and is served from Redis.
 */
#include "sse/hub.h"

#include "core/log.h"
#include "sse/backlog.h"
#include "sse/closing_frame.h"
#include "sse/front_line.h"
#include "sse/lookup.h"
#include "sse/preload.h"
#include "sse/pump.h"
#include "sse/turn.h"

/* Listeners that had received everything begin at the first arrival that is meant for them. */
static void give_cursors(struct topic *topic, struct item *arrived)
{
	LIST_EACH (link, &topic->others) {
		struct subscriber *sub = list_item(link, struct subscriber, link);
		struct item *item = arrived;

		if (sub->cursor || sub->replay)
			continue;
		while (item && item->serial <= sub->from_serial)
			item = item->next[topic->chain];
		subscriber_set_cursor(sub, item);
	}
}

static void flush_topic(struct topic *topic)
{
	struct item *arrived = topic->arrived;

	topic->arrived = NULL;
	if (arrived && !topic->front)
		topic->front = arrived;
	if (arrived)
		give_cursors(topic, arrived);
	front_line_flush(topic);
	LIST_EACH_SAFE (link, &topic->others)
		pump(list_item(link, struct subscriber, link));
	backlog_end_slow(topic);
	if (topic_is_unused(topic))
		topic_free(topic);
}

/* A topic that a pump marks again gets its next turn after all others. */
static void flush_topics(struct sse *sse)
{
	struct list dirty;

	list_init(&dirty);
	list_splice_tail(&dirty, &sse->dirty);
	while (!list_is_empty(&dirty)) {
		struct topic *topic = list_item(dirty.next, struct topic, dirty);

		list_remove(&topic->dirty);
		flush_topic(topic);
	}
}

static void evict_oldest(struct sse *sse)
{
	struct history *history = &sse->history;
	struct item *item = history->all.oldest;
	struct topic *topic = item->topic;

	if (topic->front == item)
		front_line_scatter(topic);
	if (history->all.front == item)
		front_line_scatter(&history->all);
	history_evict(history);
	if (topic_is_unused(topic))
		topic_free(topic);
}

void hub_flush(struct sse *sse)
{
	if (sse->losing)
		hub_lose(sse, sse->history.head);
	pump_replays(sse);
	flush_topics(sse);
	while (history_is_full(&sse->history))
		evict_oldest(sse);
	closing_frame_run(sse);
	lookup_submit(sse);
	metric_set(sse->metrics.history_bytes, (int64_t)sse->history.bytes);
	if (list_is_empty(&sse->dirty) && list_is_empty(&sse->reads.done) &&
	    list_is_empty(&sse->ending) && !sse->losing)
		turn_rest(sse);
}

/* ---- closing all listeners when memory ran out ------------------------------------------- */

static void lose_topic(struct topic *topic, void *arg)
{
	(void)arg;
	subscriber_end_all(topic, CLOSE_LOST);
	topic->front = NULL;
	topic->arrived = NULL;
}

void hub_forget(struct sse *sse)
{
	while (sse->history.all.oldest)
		evict_oldest(sse);
}

void hub_lose(struct sse *sse, struct stream_id last)
{
	log_warn("out of memory, closing all live streams", log_stream_id("up_to", last),
		 log_int("listeners", (int64_t)sse->listeners));
	sse->losing = false;
	preload_abandon(sse);
	history_each_topic(&sse->history, lose_topic, NULL);
	hub_forget(sse);
	sse->history.floor = last;
	sse->history.head = last;
}
