/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The changes that a batch of events makes to the waits of its teams. Gather every event, read
 * twice, see every event in stream order, write. For the transaction of the ledger, which alone
 * changes waits by events.
 */
#ifndef EXPECT_BATCH_H
#define EXPECT_BATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/attributes.h"
#include "core/event.h"
#include "expect/cache.h"
#include "store/store.h"

#define EXPECT_BATCH_BUCKETS 256

struct expect_wait;

struct expect_batch {
	struct expect_cache *cache;
	size_t cap;
	const struct event **events;
	size_t event_count;
	struct expect_team **teams; /* of the events */
	size_t team_count;
	int64_t version; /* of all rules, as stored */
	struct expect_wait *waits;
	size_t wait_count;
	size_t wait_cap;
	size_t buckets[EXPECT_BATCH_BUCKETS]; /* the first wait of each, counted from 1; 0: none */
	/* Counted by the current run. */
	int64_t missed;
	int64_t arrived;
	int64_t refused; /* events that began no wait: the team has too many */
};

/* Makes room for that many events. 0 or -ENOMEM; expect_batch_done() is needed after both. */
int expect_batch_init(struct expect_batch *batch, struct expect_cache *cache,
		      size_t events) must_check;
void expect_batch_done(struct expect_batch *batch);
void expect_batch_reset(struct expect_batch *batch);

/* 0 or -ENOMEM. */
int expect_batch_gather(struct expect_batch *batch, const struct event *event) must_check;
/* The version, and the rules that are not in the cache. Pipelined. */
int expect_batch_read_rules(struct expect_batch *batch, struct db *db) must_check;
/* After the caller's db_flush(): reads the waits that the events may change. Pipelined. */
int expect_batch_read_waits(struct expect_batch *batch, struct db *db) must_check;

/* In stream order, after another db_flush(). Ends the waits for this event, and begins the waits
 * that follow it. */
void expect_batch_see(struct expect_batch *batch, const struct event *event);
/* For a notice. Returns true if it matches its wait, which then changes; false if the notice was
 * read before, its rule has changed since, or we never sent it. */
bool expect_batch_take_notice(struct expect_batch *batch, const struct event *event);

/* Pipelined. */
int expect_batch_write(const struct expect_batch *batch, struct db *db) must_check;

#endif
