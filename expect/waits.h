/* SPDX-License-Identifier: Apache-2.0 */

/* The rows of `expectations`. Times are stream times, in milliseconds. */
#ifndef EXPECT_WAITS_H
#define EXPECT_WAITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/attributes.h"
#include "core/buf.h"
#include "core/str.h"
#include "core/uuid.h"
#include "store/store.h"

#define WAIT_MAX_RESOURCE 1024 /* bytes, as much as a row of the trail keeps */
#define WAIT_MAX_ROWS     1000 /* of one team */

struct wait_key {
	const struct uuid *team;
	struct str rule; /* its name */
	struct str resource;
};

/* A row without `due` and `missed` does not count as a wait. */
struct wait_row {
	int64_t rule_changed_us; /* of the rule that the row belongs to */
	int64_t since_ms;        /* of X */
	int64_t due_ms;          /* 0: does not wait */
	int64_t missed_ms;       /* what `due` was when the miss was read; 0: none is announced */
	int64_t arrived_ms;      /* when Y came after a miss; 0: it has not */
};

/* Pipelined. on_row gets the row, for wait_row_read(), unless there is none. */
int wait_row_ask(struct db *db, const struct wait_key *key, db_row_fn on_row, void *arg) must_check;
struct wait_row wait_row_read(const struct db_row *row);
/* Deletes the row when nothing is left of it. Pipelined. */
int wait_row_write(struct db *db, const struct wait_key *key,
		   const struct wait_row *row) must_check;

/* How many rows the team has, at most WAIT_MAX_ROWS. Pipelined. */
int wait_rows_count(struct db *db, const struct uuid *team, int64_t *out) must_check;

/* ---- for the worker that looks after them; each is one or a few bounded statements ----------- */

/* False when there is neither a rule nor a row. */
int waits_exist(struct db *db, bool *out) must_check;

/* The clock of the stream was set by `step_ms`: moves the end of every wait that began before. */
int waits_move(struct db *db, int64_t step_ms, int64_t before_ms) must_check;

/* Deletes rows that are due and whose rule is gone or changed, and misses of more than a week ago;
 * some at a time. */
int waits_purge(struct db *db, int64_t now_ms) must_check;

/* Appends a notice for each wait that is due by now_ms and for each Y that came after a miss, some
 * of them: events, each with a newline. */
int waits_write_notices(struct db *db, int64_t now_ms, struct buf *out) must_check;

#endif
