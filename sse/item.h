/* SPDX-License-Identifier: Apache-2.0 */

/*
 * One event on its way to live listeners, framed once and then shared.
 *
 *	BARE ----> LOOKING ----> READY      a capsule event without a `sandbox` of its own
 *	READY                               everything else, from the start
 *
 * A bare item holds its JSON without the closing brace. A ready item holds the bytes to send: chunk
 * head, frame, chunk tail. Items without an event (keepalive, greeting, bookmark) are ready, too.
 * An item that could not be finished is ready and has no bytes: listeners stop before it and are
 * closed at the end of the turn. A ready item changes only its links. All on the loop's thread.
 */
#ifndef SSE_ITEM_H
#define SSE_ITEM_H

#include <stdbool.h>
#include <stdint.h>

#include "core/attributes.h"
#include "core/buf.h"
#include "core/event.h"

enum item_state { ITEM_BARE, ITEM_LOOKING, ITEM_READY };

/* Where the item is linked: nowhere or in one replay; in the history; no longer in the history. */
enum item_place { ITEM_PRIVATE, ITEM_KEPT, ITEM_EVICTED };

/* Every kept item is in two chains: its team's and that of all teams. */
enum item_chain { CHAIN_TEAM, CHAIN_ALL, CHAINS };

struct topic;

/* history.c links it. */
struct item {
	unsigned refs;
	uint8_t state;
	uint8_t place;
	uint8_t kind;
	uint8_t outcome;
	bool transient; /* no id line, never replayed; `id` is that of the last durable item */
	bool has_capsule;
	bool superseded;    /* a later item of its capsule has arrived, of the same sort */
	uint32_t batch;     /* of the tail, in which it arrived */
	uint32_t listeners; /* that its team had when it arrived (sse/audience.h) */
	struct stream_id id;
	uint64_t serial;     /* order of arrival */
	struct topic *topic; /* woken when it becomes ready: its team's, or that of the replay */
	struct item *next[CHAINS];
	struct item *prev[CHAINS];
	uint32_t frames[CHAINS]; /* running totals of the chain, this item included; they wrap */
	uint32_t sizes[CHAINS];
	uint32_t states[CHAINS]; /* the part of transient items in both */
	uint32_t state_sizes[CHAINS];
	struct item *next_capsule;  /* in the history's table of newest events */
	const char *implied_status; /* contract b.4; NULL: as stored */
	struct uuid team;
	struct uuid capsule;
	char *bytes;
	uint32_t bytes_len;
	uint32_t json_at; /* once ready: where the JSON lies in `bytes` */
	uint32_t json_len;
	uint16_t resource_len;
	char resource[];
};

/* Bytes of memory that the item takes. */
size_t item_cost(const struct item *item);

/* Makes an item with one reference and no links. Overwrites `scratch`. 0, -ENOMEM or -E2BIG. */
int item_from_event(const struct event *event, struct buf *scratch, struct item **out) must_check;

/* A frame or comment of our own, as text. */
int item_from_text(struct str text, struct item **out) must_check;

/* Adds `sandbox` (JSON, or "null"), closes the JSON and frames it. 0, or -ENOMEM or -E2BIG, which
 * leaves it ready without bytes: the caller must end the listeners that need it. */
int item_finish(struct item *item, struct str sandbox, struct buf *scratch) must_check;

/* The JSON of a ready item made from an event. */
struct str item_json(const struct item *item);

/* The item's frame without the chunk around it, for HTTP/1.0. */
struct str item_frame(const struct item *item);

/* The item has bytes to send. */
static inline bool item_is_sendable(const struct item *item)
{
	return item->state == ITEM_READY && item->bytes;
}

static inline struct str item_resource(const struct item *item)
{
	return (struct str){ .at = item->resource, .len = item->resource_len };
}

static inline bool item_is_same_capsule(const struct item *a, const struct item *b)
{
	return uuid_eq(&a->capsule, &b->capsule) && uuid_eq(&a->team, &b->team);
}

static inline struct item *item_ref(struct item *item)
{
	item->refs++;
	return item;
}

void item_unref(struct item *item); /* accepts NULL */

#endif
