/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The functions of a database engine, and the head that all engines' connections share.
 *
 * A failure inside a transaction sticks until rollback: on both engines the transaction is lost
 * then, however the job handles the code. Outside one it sticks until flush.
 */
#ifndef STORE_ENGINE_H
#define STORE_ENGINE_H

#include <stdbool.h>
#include <stdint.h>

#include "core/attributes.h"
#include "core/reason.h"
#include "store/db.h"
#include "store/values.h"

/* Serialization failure or deadlock: the whole transaction may be tried again. */
#define DB_TRY_AGAIN (-ERESTART)
/* A prepared statement no longer fits the schema; all were forgotten: try again, too. */
#define DB_STALE     (-ESTALE)

#define DB_NO_OWNER  SIZE_MAX

#define DB_BUSY_MS   5000  /* how long a statement waits for a lock */
#define DB_ANSWER_MS 10000 /* how long a statement may run */
#define DB_READ_MS   5000  /* how long a reader's statement may run: others wait for that thread */

/* One db_run(). */
struct db_call {
	const struct db_query *query;
	const struct db_value *values;
	size_t count;
	db_row_fn on_row;
	void *arg;
	int64_t *changed;
};

struct engine {
	bool is_embedded;
	/* `target` is the URL (PostgreSQL) or path (SQLite). A connection that is not writable
	 * refuses to write. -ENOTCONN or another code, with *why (never NULL). */
	int (*open)(const char *target, bool writable, struct db **out, struct reason *why);
	void (*close)(struct db *db);
	/* May be postponed until flush. Failures go to db->err through db_failed(). */
	int (*run)(struct db *db, const struct db_call *call);
	int (*flush)(struct db *db);
	/* Forgets postponed statements, without calling their callbacks, and the failure. */
	void (*discard)(struct db *db);
	/* If not durable, a power cut or a crash of the database server may lose the commit, but a
	 * crash of this process does not. */
	int (*begin)(struct db *db, bool is_durable);
	int (*commit)(struct db *db); /* flushes */
	void (*rollback)(struct db *db);
	/* A script of several statements without parameters. */
	int (*exec)(struct db *db, const char *script);
	/* True when the connection still seems to work, without asking the database. */
	bool (*is_usable)(struct db *db);
	/* Asks the database. */
	bool (*is_alive)(struct db *db);
};

struct db {
	const struct engine *engine;
	bool writable;
	bool in_transaction;
	bool is_lost;   /* it can no longer be used: close it */
	bool is_pooled; /* a pooler is between us and the server; only set when writable */
	/* Identifies the server: the start of PostgreSQL in microseconds since 1970; 0 on
	 * SQLite. */
	int64_t server;
	int err;                /* the failure that sticks */
	bool others_hold_audit; /* the last job that needed the lock of audit_logs did not get it */
	bool has_audit_lock;    /* the running job needs_audit_lock */
	size_t owner;           /* which job of the group is running */
	size_t failed_owner;
	char fault[160]; /* the engine's text about the last failure; without values */
};

extern const struct engine sqlite_engine;
extern const struct engine postgres_engine;

/* Notes the first failure, for `owner`; returns the failure that sticks. */
int db_failed(struct db *db, size_t owner, int rc);

void db_close(struct db *db); /* accepts NULL */

/* Several statements, no parameters. */
int db_exec(struct db *db, const char *script) must_check;

#endif
