/* SPDX-License-Identifier: Apache-2.0 */

/* Statements on one connection. */
#ifndef STORE_DB_H
#define STORE_DB_H

#include <stdbool.h>
#include <stdint.h>

#include "core/attributes.h"
#include "store/rows.h"
#include "store/values.h"

/* One connection, usable only by the job that was given it, on its thread. */
struct db;

/* A statement. Parameters are $1, $2 ... on both engines. `sqlite` is its spelling for SQLite where
 * that must differ, else NULL. Must be static: prepared statements are kept by its address. */
struct db_query {
	const char *sql;
	const char *sqlite;
};

/* Runs a statement, now or at the latest in db_flush(): PostgreSQL gets them as one pipeline, a
 * round trip for many. At most 64 values and 64 columns. Values are copied if need be; on_row (may
 * be NULL) and `changed` (may be NULL; rows inserted, updated or deleted) are served by the time
 * db_flush() returns. If a job's run() returns without a flush, the rest is flushed for it: `arg`
 * and `changed` must then live in the job. on_row must not run statements.
 *
 * After a failure everything up to and including db_flush() returns that failure. In a write job it
 * sticks to the job's end, whatever run() returns, because the transaction is lost.
 *
 *   -ENOTCONN  the database is away, closed the connection or did not answer in time
 *   -EEXIST    a unique constraint (SQLSTATE 23505)
 *   -ENOSPC    disk full
 *   -EBUSY locked for longer than 5 s; or slower than 10 s, for a read 5 s. A write on SQLite has
 *   no time limit. -EBADMSG a row has a value of the wrong form (struct db_row) -EINVAL a value was
 *   refused: a constraint, a type, a length -EIO the database cannot do it: a table or a right is
 *   missing, a file is damaged */
int db_run(struct db *db, const struct db_query *query, const struct db_value *values, size_t count,
	   db_row_fn on_row, void *arg, int64_t *changed) must_check;
int db_flush(struct db *db) must_check;

/* db_run() and db_flush(), for statements whose result is needed before the next one. */
int db_run_now(struct db *db, const struct db_query *query, const struct db_value *values,
	       size_t count, db_row_fn on_row, void *arg, int64_t *changed) must_check;

/* True on SQLite: there, no other program fills the tables of contract h.1 to h.7, so we do. */
bool db_is_embedded(const struct db *db);

/* True when the running job may write to audit_logs: it has needs_audit_lock, or the engine is
 * SQLite, which has one lock for everything. */
bool db_may_audit(const struct db *db);

#endif
