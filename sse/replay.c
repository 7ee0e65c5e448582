/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Replays.
 *
 * Happy path: a step is read, its items are sent, and only then is the next step read, so reading
 * pauses while the listener's socket is full. Few reads run at a time, the others queue. Failure: a
 * read that fails is tried again, at once when Redis is back and else after a pause. Meanwhile the
 * listener stays where it is.
 */
#include "sse/replay.h"

#include <errno.h>
#include <stdlib.h>

#include "sse/filter.h"
#include "sse/server.h"
#include "sse/turn.h"

/* Items of a read are held until the stream's edges prove that nothing before them was trimmed. */
struct reader {
	struct replay replay;
	struct sse *sse;
	struct topic *topic; /* this and the filter are valid while the replay has a listener */
	const struct filter *filter;
	struct deadline pause; /* in sse->read_pauses */
	struct item *held;     /* what the read under way has brought, linked as above */
	struct item *held_last;
	struct stream_id read_to;
	struct stream_id floor; /* of the history when the read was started */
	bool reading;
	bool has_read;
	bool read_failed;
	bool asks_edges;
};

static void start_reads(struct sse *sse);

static struct reader *reader_of(struct replay *replay)
{
	return container_of(replay, struct reader, replay);
}

struct replay *replay_open(struct topic *topic, const struct filter *filter,
			   struct stream_id position, struct subscriber *sub)
{
	struct reader *reader = calloc(1, sizeof(*reader));

	if (!reader)
		return NULL;
	reader->replay.sub = sub;
	reader->replay.position = position;
	reader->sse = topic->sse;
	reader->topic = topic;
	reader->filter = filter;
	list_init(&reader->replay.link);
	deadline_init(&reader->pause);
	return &reader->replay;
}

void replay_drop_before(struct replay *replay, const struct item *next)
{
	while (replay->first && replay->first != next) {
		struct item *item = replay->first;

		replay->first = item->next[CHAIN_TEAM];
		item_unref(item);
	}
}

void replay_stop(struct replay *replay)
{
	if (!replay)
		return;
	replay->sub = NULL;
	replay_drop_before(replay, NULL);
	list_remove(&replay->link);
	deadline_stop(&reader_of(replay)->pause);
	if (!reader_of(replay)->reading)
		free(reader_of(replay));
}

/* ---- the entries of a read --------------------------------------------------------------- */

static bool is_wanted(const struct reader *reader, const struct event *event)
{
	const struct topic *topic = reader->topic;

	if (topic->chain == CHAIN_TEAM && !uuid_eq(&event->team, &topic->team))
		return false;
	return filter_lets_through(reader->filter, event->kind, event->outcome, event->resource_id);
}

static int hold_event(struct reader *reader, const struct event *event, size_t *bytes)
{
	struct item *item;
	int rc = item_from_event(event, &reader->sse->scratch, &item);

	if (rc < 0)
		return rc;
	/* The row is newer than an event this old, so contract b.4 does not apply, unless
	 * mark_newest() finds no later event. */
	item->superseded = true;
	item->topic = reader->topic;
	*bytes += item_cost(item);
	if (reader->held_last)
		reader->held_last->next[CHAIN_TEAM] = item;
	else
		reader->held = item;
	reader->held_last = item;
	return 0;
}

static void drop_held(struct reader *reader)
{
	while (reader->held) {
		struct item *item = reader->held;

		reader->held = item->next[CHAIN_TEAM];
		item_unref(item);
	}
	reader->held_last = NULL;
}

/* Everything up to the floor is held and the rest is in the history, so we know which event is the
 * newest of its capsule. */
static void mark_newest(struct reader *reader)
{
	for (struct item *item = reader->held; item; item = item->next[CHAIN_TEAM]) {
		const struct item *later = item->next[CHAIN_TEAM];

		if (!item->has_capsule || history_knows_capsule(&reader->sse->history, item))
			continue;
		while (later && !item_is_same_capsule(later, item))
			later = later->next[CHAIN_TEAM];
		item->superseded = later;
	}
}

/* Whether the answer holds everything up to the floor. An answer at the end of the stream proves it
 * only for the floor at the time of the request: meanwhile the history may have taken in and
 * evicted entries that came later. */
static bool reaches_floor(const struct reader *reader, const struct bus_range *range)
{
	struct stream_id floor = reader->sse->history.floor;

	if (stream_id_compare(range->head, floor) >= 0)
		return true;
	return range->at_end && stream_id_compare(reader->floor, floor) == 0;
}

/* Holds the wanted entries up to the floor, and notes how far it came. */
static int hold_events(struct reader *reader, const struct bus_range *range)
{
	struct stream_id floor = reader->sse->history.floor;
	size_t bytes = 0;

	for (size_t i = 0; i < range->count; i++) {
		const struct event *event = range->events[i];
		int rc = 0;

		if (stream_id_compare(event->id, floor) > 0)
			break;
		if (is_wanted(reader, event))
			rc = hold_event(reader, event, &bytes);
		if (rc < 0)
			return rc;
		reader->read_to = event->id;
		if (bytes >= REPLAY_STEP_BYTES)
			return 0;
	}
	reader->read_to = range->head;
	if (reaches_floor(reader, range)) {
		reader->read_to = floor;
		mark_newest(reader);
	}
	return 0;
}

/* ---- reading Redis ----------------------------------------------------------------------- */

/* We asked for the edges after the entries, so an entry that is there now was there then. */
static bool may_have_lost(const struct reader *reader, const struct bus_edges *edges)
{
	struct stream_id last_gone = stream_id_is_zero(edges->oldest)
					     ? edges->newest
					     : stream_id_previous(edges->oldest);

	return edges->trimmed && stream_id_compare(last_gone, reader->replay.position) > 0;
}

static void fail(struct reader *reader, enum close_reason reason)
{
	reader->replay.failed = true;
	reader->replay.failure = reason;
}

/* Gives the pump what was held, or a reason to end the listener. */
static void finish_read(struct reader *reader, const struct bus_edges *edges)
{
	struct sse *sse = reader->sse;

	if (!reader->replay.failed &&
	    (reader->read_failed || edges->rc < 0 || !server_is_shared(sse))) {
		drop_held(reader);
		deadline_start(&sse->read_pauses, &reader->pause);
		return;
	}
	if (!reader->replay.failed && may_have_lost(reader, edges))
		fail(reader, CLOSE_GAP);
	if (reader->replay.failed) {
		drop_held(reader);
	} else {
		reader->replay.first = reader->held;
		reader->replay.position = reader->read_to;
		reader->held = NULL;
		reader->held_last = NULL;
	}
	list_add_tail(&sse->reads.done, &reader->replay.link);
	turn_wake(sse);
}

/* The read is over, and no callback follows. */
static void end_read(struct reader *reader, const struct bus_edges *edges)
{
	struct sse *sse = reader->sse;

	reader->reading = false;
	sse->reads.running--;
	if (reader->replay.sub) {
		finish_read(reader, edges);
	} else {
		drop_held(reader);
		free(reader);
	}
	start_reads(sse);
	live_release(sse);
}

static void on_range(const struct bus_range *range, void *owner)
{
	static const struct bus_edges unknown = { .rc = -ENOMEM };
	struct reader *reader = owner;

	reader->sse->pending--;
	reader->read_failed = range->rc < 0;
	if (reader->replay.sub && !reader->read_failed && hold_events(reader, range) < 0)
		fail(reader, CLOSE_FAILED);
	if (!reader->asks_edges)
		end_read(reader, &unknown);
}

static void on_edges(const struct bus_edges *edges, void *owner)
{
	struct reader *reader = owner;

	reader->sse->pending--;
	end_read(reader, edges);
}

static void start_read(struct reader *reader)
{
	struct sse *sse = reader->sse;
	const struct topic *topic = reader->topic;
	const struct uuid *team = topic->chain == CHAIN_TEAM ? &topic->team : NULL;
	int rc = bus_range(sse->options.redis, reader->replay.position, REPLAY_STEP_ENTRIES, team,
			   on_range, reader);

	if (rc < 0) {
		deadline_start(&sse->read_pauses, &reader->pause);
		return;
	}
	sse->pending++;
	if (!reader->has_read)
		metric_add(sse->metrics.from_redis, 1);
	reader->floor = sse->history.floor;
	reader->has_read = true;
	reader->reading = true;
	sse->reads.running++;
	reader->asks_edges = bus_edges(sse->options.redis, on_edges, reader) == 0;
	if (reader->asks_edges)
		sse->pending++;
}

static void start_reads(struct sse *sse)
{
	while (sse->reads.running < REPLAY_MAX_READS && !list_is_empty(&sse->reads.waiting)) {
		struct replay *next = list_item(sse->reads.waiting.next, struct replay, link);

		list_remove(&next->link);
		start_read(reader_of(next));
	}
}

static void queue_read(struct reader *reader)
{
	struct sse *sse = reader->sse;

	if (reader->reading || !list_is_empty(&reader->replay.link) ||
	    deadline_is_waiting(&reader->pause))
		return;
	list_add_tail(&sse->reads.waiting, &reader->replay.link);
	start_reads(sse);
}

void on_read_pause_due(struct deadline *deadline, void *owner)
{
	(void)owner;
	queue_read(container_of(deadline, struct reader, pause));
}

void replay_retry(struct sse *sse)
{
	while (!list_is_empty(&sse->read_pauses.waiting)) {
		struct deadline *deadline =
			list_item(sse->read_pauses.waiting.next, struct deadline, link);

		deadline_stop(deadline);
		list_add_tail(&sse->reads.waiting,
			      &container_of(deadline, struct reader, pause)->replay.link);
	}
	start_reads(sse);
}

/* ---- the hand-over ----------------------------------------------------------------------- */

bool replay_continue(struct replay *replay)
{
	struct reader *reader = reader_of(replay);
	struct sse *sse = reader->sse;
	const struct history *history = &sse->history;

	if (replay->failed)
		return false;
	/* Another worker was faster: the client has seen ids that we have not. They will come. Only
	 * ids from before a hole may be greater than the head, and the history has those. */
	if (stream_id_compare(replay->position, history->head) > 0 &&
	    stream_id_compare(replay->position, history->hole) > 0)
		return false;
	if (stream_id_compare(replay->position, history->floor) < 0) {
		queue_read(reader);
		return false;
	}
	if (!reader->has_read)
		metric_add(sse->metrics.from_memory, 1);
	return true;
}
