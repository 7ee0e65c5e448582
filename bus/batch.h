/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A batch: every entry of one read, from the read to the acknowledgement. Private to bus/. It owns
 * copies, because a reply does not outlive its callback.
 */
#ifndef BUS_BATCH_H
#define BUS_BATCH_H

#include <hiredis/hiredis.h>
#include <stdbool.h>
#include <stdint.h>

#include "bus/bus_batch.h"
#include "bus/counters.h"
#include "core/attributes.h"
#include "core/reason.h"
#include "core/str.h"
#include "core/stream_id.h"

#define BATCH_MAX_ENTRIES 500 /* of one XREADGROUP, and ids of one XACK */

struct batch_commit;

struct dead_letter {
	struct batch *batch;
	enum dead_class class;
	size_t item; /* in batch->items */
	char *payload;
	size_t payload_len;
	struct reason why;
};

/* commit.c marks what stays pending. */
struct batch_item {
	struct stream_id id;
	bool stays_pending; /* Redis refused its dead letter: the entry will be read again */
};

struct batch {
	struct bus_batch shown; /* what the ledger sees */
	size_t *shown_items;    /* shown.events[i] is items[shown_items[i]] */
	struct batch_item *items;
	size_t item_count;
	struct dead_letter *dead;
	size_t dead_count;
	size_t next_dead; /* for commit.c: the next to write; payloads before it are freed */
	int64_t read_ms;  /* monotonic */
	struct batch_commit *commit; /* whose queue it is in */
};

/* Makes a batch of the entries up to `limit`, and counts them. *out is NULL when there are none. 0,
 * -EBADMSG or -ENOMEM. */
int batch_from_entries(const redisReply *list, struct stream_id limit,
		       struct batch **out) must_check;

/* A batch without entries, only to commit a position. NULL when out of memory. */
struct batch *batch_of_position(struct stream_id last);

void batch_free(struct batch *batch); /* accepts NULL */

int batch_add_dead(struct batch *batch, size_t item, enum dead_class class, struct str payload,
		   const struct reason *why) must_check;

#endif
