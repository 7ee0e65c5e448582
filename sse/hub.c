/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Brings what the tail read to whom it concerns.
 *
 * Happy path: an event becomes an item at the end of the history and marks two topics; the end of
 * the batch flushes them, so a burst leaves in one write per listener. Failure: what cannot be kept
 * for want of memory is not lost: the stream has it still. Every listener is closed and, coming
 * back with its cursor, is served from there.
 */
#include "sse/hub.h"

#include "core/log.h"
#include "sse/hole.h"
#include "sse/lookup.h"
#include "sse/preload.h"
#include "sse/source.h"
#include "sse/subscriber.h"

/* ---- flushing ---------------------------------------------------------------------------- */

static void on_turn(uv_check_t *handle)
{
	hub_flush(handle->data);
}

/* Only there so that the loop does not sleep before the turn ends. */
static void on_turn_soon(uv_idle_t *handle)
{
	(void)handle;
}

void hub_wake(struct sse *sse)
{
	if (uv_is_closing((uv_handle_t *)&sse->turn))
		return;
	uv_check_start(&sse->turn, on_turn);
	uv_idle_start(&sse->turn_soon, on_turn_soon);
}

void hub_mark(struct topic *topic)
{
	if (!list_is_empty(&topic->dirty))
		return;
	list_add_tail(&topic->sse->dirty, &topic->dirty);
	hub_wake(topic->sse);
}

/* Those who had got everything begin at the first item that is meant for them. */
static void give_cursors(struct topic *topic, struct item *arrived)
{
	LIST_EACH (link, &topic->others) {
		struct subscriber *sub = list_item(link, struct subscriber, link);
		struct item *item = arrived;

		if (sub->cursor || sub->replay)
			continue;
		while (item && item->serial <= sub->from_serial)
			item = item->next[topic->chain];
		sub->cursor = item ? item_ref(item) : NULL;
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
		subscriber_pump(list_item(link, struct subscriber, link));
	topic_close_slow(topic);
	if (topic_is_unused(topic))
		topic_free(topic);
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
	struct list dirty;

	if (sse->losing)
		hub_lose(sse, sse->history.head);
	/* What a pump marks again has its next turn after everybody else's. */
	list_init(&dirty);
	list_splice_tail(&dirty, &sse->dirty);
	while (!list_is_empty(&dirty)) {
		struct topic *topic = list_item(dirty.next, struct topic, dirty);

		list_remove(&topic->dirty);
		flush_topic(topic);
	}
	while (history_is_full(&sse->history))
		evict_oldest(sse);
	lookup_submit(sse);
	metric_set(sse->metrics.history_bytes, (int64_t)sse->history.bytes);
	if (!list_is_empty(&sse->dirty) || sse->losing)
		return;
	uv_check_stop(&sse->turn);
	uv_idle_stop(&sse->turn_soon);
}

/* ---- losing ------------------------------------------------------------------------------ */

static void end_all(struct list *listeners, enum close_reason reason, const char *last_words)
{
	LIST_EACH_SAFE (link, listeners)
		subscriber_end(list_item(link, struct subscriber, link), reason, last_words);
}

static void lose_topic(struct topic *topic)
{
	static const char last_words[] = ": events were missed, come back with your cursor\n\n";

	end_all(&topic->front_line, CLOSE_FAILED, last_words);
	end_all(&topic->others, CLOSE_FAILED, last_words);
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
	log_warn("live streams are closed because events were missed", log_stream_id("up_to", last),
		 log_int("listeners", (int64_t)sse->listeners));
	sse->losing = false;
	preload_abandon(sse);
	lose_topic(&sse->history.all);
	for (size_t i = 0; i < HISTORY_TEAM_BUCKETS; i++)
		LIST_EACH (link, &sse->history.teams[i])
			lose_topic(list_item(link, struct topic, link));
	hub_forget(sse);
	sse->history.floor = last;
	sse->history.head = last;
}

void hub_lose_soon(struct sse *sse)
{
	sse->losing = true;
	hub_wake(sse);
}

/* ---- what the tail says ------------------------------------------------------------------ */

static void append(struct sse *sse, struct event *event)
{
	struct topic *all = &sse->history.all;
	struct topic *topic;
	struct item *item;

	if (item_from_event(event, &sse->scratch, &item) < 0 ||
	    history_append(&sse->history, item) < 0) {
		hub_lose(sse, event->kind == EVENT_CAPSULE_STATE_CHANGED ? sse->history.head
									 : event->id);
		return;
	}
	topic = item->topic;
	if (topic->streams > 0) {
		topic->arrived = topic->arrived ? topic->arrived : item;
		hub_mark(topic);
	}
	if (all->streams > 0) {
		all->arrived = all->arrived ? all->arrived : item;
		hub_mark(all);
	}
}

void sse_on_start(struct stream_id from, void *owner)
{
	struct sse *sse = owner;

	sse->history.floor = from;
	sse->history.head = from;
	sse->started = true;
	preload_start(sse);
}

void sse_on_event(struct event *event, void *owner)
{
	struct sse *sse = owner;

	/* An entry read again must not be sent again. */
	if (sse->closing || event->kind == EVENT_UNKNOWN || event_is_about_nothing(event) ||
	    stream_id_compare(event->id, sse->history.head) <= 0)
		return;
	hole_make_room(sse, event->id);
	append(sse, event);
}

void sse_on_batch_end(struct stream_id head, void *owner)
{
	struct sse *sse = owner;

	if (stream_id_compare(head, sse->history.head) > 0)
		sse->history.head = head;
	hub_flush(sse);
	source_on_head(sse);
	sse->history.batch++;
}

void sse_on_transient(struct event *event, void *owner)
{
	struct sse *sse = owner;

	if (!sse->closing && sse->started && event->kind == EVENT_CAPSULE_STATE_CHANGED &&
	    !event_is_about_nothing(event))
		append(sse, event);
}
