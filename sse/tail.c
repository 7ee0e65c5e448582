/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The tail's callbacks.
 *
 * Happy path: an event becomes an item at the end of the history and marks two topics, its team's
 * and that of all teams. The end of the batch flushes them, so a burst costs one write for each
 * listener. Failure: all listeners lose an item that cannot be made (hub_lose()).
 */
#include "sse/endpoints.h"
#include "sse/hole.h"
#include "sse/hub.h"
#include "sse/preload.h"
#include "sse/server.h"
#include "sse/source.h"
#include "sse/turn.h"

static void note_arrival(struct topic *topic, struct item *item)
{
	if (topic->streams == 0)
		return;
	if (!topic->arrived)
		topic->arrived = item;
	turn_mark(topic);
}

static void append(struct sse *sse, struct event *event)
{
	bool is_state = event->kind == EVENT_CAPSULE_STATE_CHANGED;
	struct item *item;

	if (item_from_event(event, &sse->scratch, &item) < 0 ||
	    history_append(&sse->history, item) < 0) {
		hub_lose(sse, is_state ? sse->history.head : event->id);
		return;
	}
	item->listeners = item->topic->streams;
	note_arrival(item->topic, item);
	note_arrival(&sse->history.all, item);
}

void sse_on_start(struct stream_id from, void *owner)
{
	struct sse *sse = owner;

	sse->history.floor = from;
	sse->history.head = from;
	sse->started = true;
	preload_start(sse, openings_resume);
}

void sse_on_event(struct event *event, void *owner)
{
	struct sse *sse = owner;

	/* The tail may read an entry twice. */
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

void sse_on_gap(struct stream_id from, void *owner)
{
	hole_open(owner, from);
}

void sse_on_server(const struct redis_identity *identity, bool continues, void *owner)
{
	server_set(owner, identity, continues);
}

void sse_on_source(bool up, void *owner)
{
	source_set_up(owner, up);
}
