/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Reads the stream in steps from its beginning to the head, keeps the newest part that fits, and
 * puts it before the items that have arrived meanwhile. It asks for the edges after reading, not
 * before, because entries that were trimmed during the reading must count as gone.
 */
#include "sse/preload.h"

#include <stdlib.h>

#include "core/log.h"
#include "sse/server.h"

#define PRELOAD_STEP_ENTRIES 200

struct preload {
	struct sse *sse;
	preload_ended_fn on_ended;
	struct deadline pause;
	unsigned failures;
	struct stream_id position;
	struct stream_id until;   /* the head when it began; the tail brings the rest */
	struct stream_id dropped; /* the newest entry that did not fit; zero: all did */
	size_t bytes;
	size_t first; /* items before it were dropped */
	size_t count;
	size_t cap;
	struct item **items;
};

static void drop_oldest(struct preload *preload)
{
	struct item *item = preload->items[preload->first++];

	preload->bytes -= item_cost(item);
	preload->dropped = item->id;
	item_unref(item);
}

static void end(struct preload *preload)
{
	struct sse *sse = preload->sse;
	preload_ended_fn on_ended = preload->on_ended;

	for (size_t i = preload->first; i < preload->count; i++)
		item_unref(preload->items[i]);
	if (sse->preload == preload)
		sse->preload = NULL;
	free(preload->items);
	free(preload);
	on_ended(sse);
	live_release(sse);
}

static int keep(struct preload *preload, const struct event *event)
{
	struct item *item;
	int rc;

	if (preload->count == preload->cap) {
		size_t cap = preload->cap ? preload->cap * 2 : 1024;
		struct item **items = realloc(preload->items, cap * sizeof(*items));

		if (!items)
			return -ENOMEM;
		preload->items = items;
		preload->cap = cap;
	}
	rc = item_from_event(event, &preload->sse->scratch, &item);
	if (rc < 0)
		return rc;
	preload->items[preload->count++] = item;
	preload->bytes += item_cost(item);
	while (preload->bytes > preload->sse->history.max_bytes)
		drop_oldest(preload);
	return 0;
}

/* From the newest to the oldest, as far as the history has room. */
static void put_in_front(struct preload *preload, struct stream_id floor)
{
	struct history *history = &preload->sse->history;

	if (stream_id_compare(preload->dropped, floor) > 0)
		floor = preload->dropped;
	while (preload->count > preload->first && !history_is_full(history)) {
		struct item *item = preload->items[--preload->count];
		struct stream_id id = item->id;

		if (history_prepend(history, item) < 0) {
			floor = id;
			break;
		}
	}
	/* end() frees what found no room. */
	if (preload->count > preload->first &&
	    stream_id_compare(preload->items[preload->count - 1]->id, floor) > 0)
		floor = preload->items[preload->count - 1]->id;
	if (stream_id_compare(floor, history->floor) < 0)
		history->floor = floor;
}

static void on_edges(const struct bus_edges *edges, void *owner)
{
	struct preload *preload = owner;
	struct sse *sse = preload->sse;
	struct stream_id floor = { .ms = 0 };

	sse->pending--;
	/* A raised floor means an eviction: the history no longer begins where the preload ends. */
	if (edges->rc == 0 && sse->preload == preload && server_is_shared(sse) &&
	    stream_id_compare(sse->history.floor, preload->until) == 0) {
		if (edges->trimmed)
			floor = stream_id_is_zero(edges->oldest)
					? preload->until
					: stream_id_previous(edges->oldest);
		put_in_front(preload, floor);
		log_info("recent events loaded", log_stream_id("floor", sse->history.floor),
			 log_int("bytes", (int64_t)sse->history.bytes));
	}
	end(preload);
}

static void read_on(struct preload *preload);

/* At the start the connection is often not up yet. */
static void try_later(struct preload *preload)
{
	if (++preload->failures < PRELOAD_MAX_TRIES)
		deadline_start(&preload->sse->preload_pauses, &preload->pause);
	else
		end(preload);
}

static void on_range(const struct bus_range *range, void *owner)
{
	struct preload *preload = owner;
	struct sse *sse = preload->sse;
	int rc = 0;

	sse->pending--;
	if (sse->preload != preload) {
		end(preload);
		return;
	}
	if (range->rc < 0 || !server_is_shared(sse)) {
		try_later(preload);
		return;
	}
	for (size_t i = 0; i < range->count && rc == 0; i++)
		if (stream_id_compare(range->events[i]->id, preload->until) <= 0)
			rc = keep(preload, range->events[i]);
	preload->position = range->head;
	if (rc < 0)
		end(preload);
	else if (!range->at_end && stream_id_compare(range->head, preload->until) < 0)
		read_on(preload);
	else if (bus_edges(sse->options.redis, on_edges, preload) == 0)
		sse->pending++;
	else
		end(preload);
}

static void read_on(struct preload *preload)
{
	if (bus_range(preload->sse->options.redis, preload->position, PRELOAD_STEP_ENTRIES, NULL,
		      on_range, preload) == 0)
		preload->sse->pending++;
	else
		try_later(preload);
}

void on_preload_pause_due(struct deadline *deadline, void *owner)
{
	(void)owner;
	read_on(container_of(deadline, struct preload, pause));
}

void preload_start(struct sse *sse, preload_ended_fn on_ended)
{
	struct preload *preload = calloc(1, sizeof(*preload));

	if (!preload)
		return;
	preload->sse = sse;
	preload->on_ended = on_ended;
	preload->until = sse->history.head;
	deadline_init(&preload->pause);
	sse->preload = preload;
	read_on(preload);
}

void preload_abandon(struct sse *sse)
{
	struct preload *preload = sse->preload;

	sse->preload = NULL;
	if (preload && deadline_is_waiting(&preload->pause)) {
		deadline_stop(&preload->pause);
		end(preload);
	}
}
