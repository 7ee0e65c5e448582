/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Replays. Reading pauses by itself while the listener's socket is full, since the next step is
 * only asked for when everything taken has been sent; few reads run at a time, the others queue.
 * Failure: a read that fails is tried again, at once when Redis is back and else after a pause. The
 * listener meanwhile stays where it is.
 */
#include "sse/replay.h"

#include <errno.h>
#include <stdlib.h>

#include "sse/source.h"

static void start_reads(struct sse *sse);

int replay_start(struct subscriber *sub, struct stream_id position)
{
	struct replay *replay = calloc(1, sizeof(*replay));

	if (!replay)
		return -ENOMEM;
	replay->sub = sub;
	replay->sse = sub->topic->sse;
	replay->position = position;
	list_init(&replay->link);
	deadline_init(&replay->pause);
	sub->replay = replay;
	return 0;
}

void replay_drop_before(struct replay *replay, const struct item *next)
{
	while (replay->first && replay->first != next) {
		struct item *item = replay->first;

		replay->first = item->next[CHAIN_TEAM];
		item_unref(item);
	}
	if (!replay->first)
		replay->last = NULL;
}

void replay_stop(struct subscriber *sub)
{
	struct replay *replay = sub->replay;

	if (!replay)
		return;
	sub->replay = NULL;
	replay->sub = NULL;
	replay_drop_before(replay, NULL);
	list_remove(&replay->link);
	deadline_stop(&replay->pause);
	if (!replay->reading)
		free(replay);
}

/* ---- reading Redis ----------------------------------------------------------------------- */

static bool is_for(const struct subscriber *sub, const struct event *event)
{
	const struct topic *topic = sub->topic;

	if (topic->chain == CHAIN_TEAM && !uuid_eq(&event->team, &topic->team))
		return false;
	return filter_lets_through(sub->filter, event->kind, event->outcome, event->resource_id);
}

static int take_event(struct replay *replay, const struct event *event, size_t *bytes)
{
	struct item *item;
	int rc = item_from_event(event, &replay->sse->scratch, &item);

	if (rc < 0)
		return rc;
	/* Rows have long caught up with events this old, so b.4 is not for them, unless
	 * mark_newest() finds that nothing came later. */
	item->superseded = true;
	item->topic = replay->sub->topic;
	*bytes += item_cost(item);
	if (replay->last)
		replay->last->next[CHAIN_TEAM] = item;
	else
		replay->first = item;
	replay->last = item;
	return 0;
}

/* With everything up to the floor taken and the rest in the history, it can be said which events
 * are the newest of their capsule. */
static void mark_newest(struct replay *replay)
{
	for (struct item *item = replay->first; item; item = item->next[CHAIN_TEAM]) {
		const struct item *later = item->next[CHAIN_TEAM];

		if (!item->has_capsule || history_knows_capsule(&replay->sse->history, item))
			continue;
		while (later && !item_is_same_capsule(later, item))
			later = later->next[CHAIN_TEAM];
		item->superseded = later;
	}
}

/* Whether the answer holds everything up to the floor. That the stream ended says so only about the
 * floor of that time: while the answer was on its way, the history may have taken in and let go
 * entries that came after it. */
static bool reaches_floor(const struct replay *replay, const struct bus_range *range)
{
	struct stream_id floor = replay->sse->history.floor;

	if (stream_id_compare(range->head, floor) >= 0)
		return true;
	return range->at_end && stream_id_compare(replay->floor, floor) == 0;
}

/* Takes what is wanted up to the floor and moves the position as far as was looked at. */
static int take_events(struct replay *replay, const struct bus_range *range)
{
	struct stream_id floor = replay->sse->history.floor;
	size_t bytes = 0;

	for (size_t i = 0; i < range->count; i++) {
		const struct event *event = range->events[i];
		int rc = 0;

		if (stream_id_compare(event->id, floor) > 0)
			break;
		if (is_for(replay->sub, event))
			rc = take_event(replay, event, &bytes);
		if (rc < 0)
			return rc;
		replay->position = event->id;
		if (bytes >= REPLAY_STEP_BYTES)
			return 0;
	}
	replay->position = range->head;
	if (reaches_floor(replay, range)) {
		replay->position = floor;
		mark_newest(replay);
	}
	return 0;
}

/* Puts what was taken aside. */
static void hold(struct replay *replay, struct stream_id asked_after)
{
	replay->held = replay->first;
	replay->held_last = replay->last;
	replay->read_to = replay->position;
	replay->first = NULL;
	replay->last = NULL;
	replay->position = asked_after;
}

static void release_held(struct replay *replay)
{
	replay->first = replay->held;
	replay->last = replay->held_last;
	replay->held = NULL;
	replay->held_last = NULL;
}

/* Asked for behind the read, so what is not trimmed by now was not trimmed then. */
static bool may_have_lost(const struct replay *replay, const struct bus_edges *edges)
{
	struct stream_id last_gone = stream_id_is_zero(edges->oldest)
					     ? edges->newest
					     : stream_id_previous(edges->oldest);

	return edges->trimmed && stream_id_compare(last_gone, replay->position) > 0;
}

/* The read is over, and nothing calls back any more. */
static void end_read(struct replay *replay, const struct bus_edges *edges)
{
	struct sse *sse = replay->sse;
	struct subscriber *sub = replay->sub;

	replay->reading = false;
	sse->reads_running--;
	release_held(replay);
	if (!sub) {
		replay_drop_before(replay, NULL);
		free(replay);
	} else if (replay->read_failed || edges->rc < 0 || !source_is_shared(sse)) {
		replay_drop_before(replay, NULL);
		deadline_start(&sse->read_pauses, &replay->pause);
	} else if (may_have_lost(replay, edges)) {
		subscriber_end(sub, CLOSE_GAP,
			       ": events were missed, come back with your cursor\n\n");
	} else {
		replay->position = replay->read_to;
		subscriber_pump(sub);
	}
	start_reads(sse);
	sse_release(sse);
}

static void on_range(const struct bus_range *range, void *owner)
{
	static const struct bus_edges unknown = { .rc = -ENOMEM };
	struct replay *replay = owner;
	struct stream_id asked_after = replay->position;

	replay->sse->pending--;
	replay->read_failed = range->rc < 0;
	if (replay->sub && !replay->read_failed) {
		if (take_events(replay, range) < 0)
			subscriber_end(replay->sub, CLOSE_FAILED,
				       ": out of memory, come back with your cursor\n\n");
		else
			hold(replay, asked_after);
	}
	if (!replay->asks_edges)
		end_read(replay, &unknown);
}

static void on_edges(const struct bus_edges *edges, void *owner)
{
	struct replay *replay = owner;

	replay->sse->pending--;
	end_read(replay, edges);
}

static void start_read(struct replay *replay)
{
	struct sse *sse = replay->sse;
	int rc = bus_range(sse->options.redis, replay->position, REPLAY_STEP_ENTRIES, on_range,
			   replay);

	if (rc < 0) {
		deadline_start(&sse->read_pauses, &replay->pause);
		return;
	}
	sse->pending++;
	if (!replay->has_read)
		metric_add(sse->metrics.from_redis, 1);
	replay->floor = sse->history.floor;
	replay->has_read = true;
	replay->reading = true;
	sse->reads_running++;
	replay->asks_edges = bus_edges(sse->options.redis, on_edges, replay) == 0;
	if (replay->asks_edges)
		sse->pending++;
}

static void start_reads(struct sse *sse)
{
	while (sse->reads_running < REPLAY_MAX_READS && !list_is_empty(&sse->reads)) {
		struct replay *replay = list_item(sse->reads.next, struct replay, link);

		list_remove(&replay->link);
		start_read(replay);
	}
}

static void queue_read(struct replay *replay)
{
	if (replay->reading || !list_is_empty(&replay->link) || deadline_is_waiting(&replay->pause))
		return;
	list_add_tail(&replay->sse->reads, &replay->link);
	start_reads(replay->sse);
}

void on_read_pause_due(struct deadline *deadline, void *owner)
{
	(void)owner;
	queue_read(container_of(deadline, struct replay, pause));
}

void replay_retry(struct sse *sse)
{
	while (!list_is_empty(&sse->read_pauses.waiting)) {
		struct deadline *deadline =
			list_item(sse->read_pauses.waiting.next, struct deadline, link);

		deadline_stop(deadline);
		list_add_tail(&sse->reads, &container_of(deadline, struct replay, pause)->link);
	}
	start_reads(sse);
}

/* ---- the hand-over ----------------------------------------------------------------------- */

bool replay_continue(struct subscriber *sub)
{
	struct replay *replay = sub->replay;
	struct history *history = &replay->sse->history;
	struct item *item;

	/* The listener has seen ids that we have not: another worker was faster. They will come. What is
	 * from before a hole may lie beyond the head, and is here. */
	if (stream_id_compare(replay->position, history->head) > 0 &&
	    stream_id_compare(replay->position, history->hole) > 0)
		return false;
	if (stream_id_compare(replay->position, history->floor) < 0) {
		queue_read(replay);
		return false;
	}
	item = history_after(sub->topic, replay->position);
	if (!item)
		sub->from_serial = history->serial; /* it has got everything that arrived */
	if (!replay->has_read)
		metric_add(replay->sse->metrics.from_memory, 1);
	replay_stop(sub);
	sub->cursor = item ? item_ref(item) : NULL;
	return true;
}
