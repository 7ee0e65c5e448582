/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Brings batches, one after the other, from the ledger to their acknowledgement:
 *
 *   shown to the ledger --> committed --> dead letters written --> acknowledged --> done
 *          ^   |
 *          |   v not committed
 *          pause (100 ms to 5 s, for ever)
 *
 * Private to bus/.
 */
#ifndef BUS_COMMIT_H
#define BUS_COMMIT_H

#include <stdbool.h>
#include <stddef.h>

#include "bus/batch.h"
#include "bus/position.h"
#include "bus/step.h"
#include "core/backoff.h"
#include "core/log_limit.h"

struct batch_commit {
	/* The owner sets these once. */
	struct step step;
	struct ledger_position *ledger; /* moved on with every batch */
	struct backoff pause;
	/* Asks the ledger to commit this batch. commit_answer() follows, now or later. */
	void (*on_show)(struct bus_batch *shown, void *owner);
	/* The batch is gone. */
	void (*on_done)(void *owner);
	/* Private, except for reading. */
	struct batch *batch;    /* in hand, or NULL */
	struct batch *queued;   /* after it, or NULL */
	bool is_with_ledger;    /* which owes an answer */
	bool is_old;            /* abandoned */
	bool is_lost;           /* the connection broke: the entries will be read again */
	size_t replies_awaited; /* from Redis */
	struct log_limit dead_lines;
	struct log_limit refused_lines;
	struct log_limit failure_lines;
	bool failure_is_logged; /* and no commit since then */
};

/* For one batch in hand and one that is queued. */
bool commit_has_room(const struct batch_commit *commit);
void commit_take(struct batch_commit *commit, struct batch *batch);

/* Shows the batch to the ledger again, if there is one and the ledger does not have it. */
void commit_again(struct batch_commit *commit);

/* The ledger's answer; rc 0: committed. Returns in how many milliseconds the owner must call
 * commit_again(); 0: not at all. */
unsigned commit_answer(struct batch_commit *commit, int rc);

/* Frees the queued batch. Its entries stay pending in Redis. */
void commit_drop_queued(struct batch_commit *commit);
/* Gives up the current batch. If no reply from the ledger or Redis is outstanding, it is freed at
 * once, without on_done. Otherwise it is freed after the replies, and on_done is called. */
void commit_abandon(struct batch_commit *commit);

#endif
