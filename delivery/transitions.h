/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Every statement that moves rows of `deliveries` from state to state; no other file has one. The
 * moves are those of states.h, delivery_may_store().
 *
 * For write jobs. A row that is not in the state a move begins in stays as it is: whatever moved
 * it first wins. Counts are set when the job's statements have run, db_flush().
 */
#ifndef DELIVERY_TRANSITIONS_H
#define DELIVERY_TRANSITIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "core/attributes.h"
#include "core/str.h"
#include "core/uuid.h"
#include "delivery/states.h"
#include "store/store.h"

/* Rows of one statement. A larger backlog is moved in pieces, each a job of its own, so that others
 * can use the writer in between. */
#define TRANSITION_PIECE 50

/* ---- what the engine does ------------------------------------------------------------------ */

/* One request and its answer. */
struct attempt_note {
	int64_t started_us;
	int64_t duration_us;
	enum attempt_verdict verdict;
	struct str detail; /* for the owner */
};

/* The result of a delivery's attempt. */
struct turn_result {
	int status;        /* of the answer; 0: none */
	const char *error; /* empty: none */
	int64_t ended_us;
	bool has_attempt; /* a request went out */
	struct attempt_note attempt;
};

/* Stores the delivery as it is in memory, and the attempt: a success of the first in the delivery's
 * row, any other in a row of its own. The latter stays even if somebody moved the delivery. */
int transition_end_turn(struct db *db, const struct delivery *delivery,
			const struct turn_result *result, int64_t *out_rows) must_check;
/* Stores the attempt after transition_end_turn() changed no row, if that row should have had it. */
int transition_keep_attempt(struct db *db, const struct delivery *delivery,
			    const struct turn_result *result) must_check;

/* Holds the pending rows until then, if the channel's settings are those of updated_us; they are
 * locked until the end of the transaction. The day in which a row is retried begins then, unless it
 * was held and tried before. Runs at once. */
struct held_rows {
	const struct str *ids; /* UUIDs as text */
	size_t count;
	int64_t until_us;
};
int transition_hold(struct db *db, const struct uuid *channel, int64_t updated_us,
		    const struct held_rows *held, int64_t now_us, int64_t *out_rows) must_check;

/* Moves rows into their digest, or into the newer delivery that replaces them; `ids` are UUIDs as
 * text. Runs at once. */
int transition_fold(struct db *db, const struct uuid *digest, const struct str *ids, size_t count,
		    int64_t now_us, int64_t *out_rows) must_check;
/* Rows that were folded into these rows are folded into the digest, too. Runs at once. */
int transition_refold(struct db *db, const struct uuid *digest, const struct str *ids, size_t count,
		      int64_t now_us) must_check;
/* Makes the rows of a digest that failed pending again. They keep the digest's id. */
int transition_unfold(struct db *db, const struct uuid *digest, int64_t now_us,
		      int64_t *out_rows) must_check;

/* Drops the oldest TRANSITION_PIECE pending rows of a channel; `why` is for their owner. */
int transition_drop(struct db *db, const struct uuid *channel, struct str why, int64_t now_us,
		    int64_t *out_rows) must_check;
/* The same for a channel that was disabled before that time, if it still is. */
int transition_drop_disabled(struct db *db, const struct uuid *channel, int64_t before_us,
			     int64_t now_us, int64_t *out_rows) must_check;

/* ---- what owners ask for ------------------------------------------------------------------- */

/* One piece of a backlog, oldest first. */
struct backlog_piece {
	bool skips; /* drops rows that are older than the change; else all rows start afresh */
	/* Where it begins, in stream order; all zero for the first piece. */
	int64_t from_ms;
	int64_t from_seq;
	/* Filled in: the place of its last row, and whether there may be more after it. */
	int64_t last_ms;
	int64_t last_seq;
	int64_t rows;
	bool has_more;
};

/* Makes a piece of the held rows due, so that the channel's options decide about them again. Runs
 * at once. */
int transition_release_held(struct db *db, const struct uuid *channel, struct backlog_piece *piece,
			    int64_t now_us) must_check;

/* Releases or drops a piece of a disabled channel's backlog. Runs at once. */
int transition_release(struct db *db, const struct uuid *channel, struct backlog_piece *piece,
		       int64_t now_us) must_check;

/* Sends one row again, unless it is pending or its channel was deleted. Runs at once. */
int transition_requeue(struct db *db, const struct uuid *team, const struct uuid *id,
		       int64_t now_us, int64_t *out_rows) must_check;

/* What a channel missed. */
struct missed_piece {
	bool failed;
	bool dropped;
	int64_t since_us;
	int64_t until_us; /* exclusive */
	/* Filled in. */
	int64_t last_us; /* when its last row was made */
	int64_t rows;
};

/* Sends the oldest TRANSITION_PIECE rows again. Runs at once. */
int transition_requeue_missed(struct db *db, const struct uuid *channel, struct missed_piece *piece,
			      int64_t now_us) must_check;

#endif
