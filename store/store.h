/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The database: SQLite (embedded) or PostgreSQL (shared), chosen by URL, behind one interface.
 * Other modules own their statements; this folder owns the engines, the threads, the schema and
 * the migrations.
 *
 * Work is done by jobs. A write job runs on the one writer thread; the writer takes all that has
 * queued up and commits it as one transaction (group commit). When one of its jobs fails, the
 * group is rolled back, the one at fault runs again in a transaction of its own and so do its
 * neighbours. A read job runs on one of the reader threads with a connection of its own, which
 * cannot write, outside any transaction, and sees everything committed before it began.
 *
 * So a job's function may run more than once, must start by resetting its own results, and must
 * depend on nothing but its own struct. on_done is called exactly once, on the loop.
 *
 * When the database goes away, jobs fail at once with -ENOTCONN and the threads try to
 * reach it again, with growing pauses, until it is back.
 */
#ifndef STORE_STORE_H
#define STORE_STORE_H

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "core/attributes.h"
#include "core/buf.h"
#include "core/list.h"
#include "core/reason.h"
#include "core/str.h"
#include "core/uuid.h"

/* ---- statements ------------------------------------------------------------------- */

/* One connection, usable only by the job that was given it, on its thread. */
struct db;

/* A statement. Parameters are $1, $2 ... on both engines. `sqlite` is its spelling for SQLite
 * where that has to differ, else NULL. Must be static:
 * prepared statements are kept by its address. */
struct db_query {
	const char *sql;
	const char *sqlite;
};

/* A parameter. Columns are declared in store/schema/; each type has one form per engine:
 *   text   text            | text
 *   int    bigint/integer  | integer
 *   bool   boolean         | integer 0/1
 *   uuid   uuid            | text, lower-case, hyphenated
 *   time   timestamptz     | text, "2026-05-24T05:02:08.123456Z"
 *   json   jsonb           | text
 *   words  text[]          | text, JSON array of strings
 *   blob   bytea           | blob
 */
struct db_value {
	enum {
		DB_NULL,
		DB_TEXT,
		DB_INT,
		DB_BOOL,
		DB_UUID,
		DB_TIME,
		DB_JSON,
		DB_WORDS,
		DB_BLOB
	} type;
	union {
		struct str text; /* text, json, blob; text must be UTF-8 without NUL */
		int64_t number;  /* int, bool, time (microseconds since 1970) */
		struct uuid uuid;
		struct {
			const struct str *items;
			size_t count;
		} words;
	};
};

static inline struct db_value db_null(void)
{
	return (struct db_value){ .type = DB_NULL };
}
static inline struct db_value db_text(struct str text)
{
	return (struct db_value){ .type = DB_TEXT, .text = text };
}
/* NULL for the empty slice. */
static inline struct db_value db_text_or_null(struct str text)
{
	return text.len ? db_text(text) : db_null();
}
static inline struct db_value db_int(int64_t number)
{
	return (struct db_value){ .type = DB_INT, .number = number };
}
static inline struct db_value db_bool(bool yes)
{
	return (struct db_value){ .type = DB_BOOL, .number = yes };
}
static inline struct db_value db_uuid(const struct uuid *id)
{
	return (struct db_value){ .type = DB_UUID, .uuid = *id };
}
static inline struct db_value db_time(int64_t us)
{
	return (struct db_value){ .type = DB_TIME, .number = us };
}
static inline struct db_value db_json(struct str json)
{
	return (struct db_value){ .type = DB_JSON, .text = json };
}
static inline struct db_value db_blob(struct str bytes)
{
	return (struct db_value){ .type = DB_BLOB, .text = bytes };
}
static inline struct db_value db_words(const struct str *items, size_t count)
{
	return (struct db_value){ .type = DB_WORDS, .words = { .items = items, .count = count } };
}

/* One result row, valid inside the row callback only. Columns count from 0. A value of
 * another form than asked for (somebody else's table, hostile content) sets the row's fault, and
 * the statement fails with -EBADMSG. */
struct db_row;

bool row_is_null(const struct db_row *row, int column);
struct str row_text(const struct db_row *row, int column); /* empty when NULL; json too */
struct str row_blob(const struct db_row *row, int column);
int64_t row_int(const struct db_row *row, int column); /* 0 when NULL */
bool row_bool(const struct db_row *row, int column);
struct uuid row_uuid(const struct db_row *row, int column); /* zero when NULL */
int64_t row_time(const struct db_row *row, int column);     /* 0 when NULL */
/* Calls on_word for each element, in order; a word is valid inside on_word only. */
void row_words(const struct db_row *row, int column, void (*on_word)(struct str word, void *arg),
	       void *arg);

/* Not 0 makes the statement fail with that code. */
typedef int (*db_row_fn)(const struct db_row *row, void *arg);

/* Runs a statement, now or at the latest in db_flush(): PostgreSQL gets them as one pipeline, a
 * round trip for many. At most 64 values and 64 columns. Values are copied if need be; on_row (may
 * be NULL) and `changed` (may be NULL; rows inserted, updated or deleted) are served by the time
 * db_flush() returns. What a job leaves unflushed when its run() returns is flushed for it: `arg`
 * and `changed` must then live in the job. on_row must not run statements.
 *
 * After a failure everything up to and including db_flush() returns that failure. In a write job it
 * sticks to the job's end, whatever run() returns, because the transaction is lost.
 *
 *   -ENOTCONN  the database is away, closed the connection or did not answer in time
 *   -EEXIST    a unique constraint (SQLSTATE 23505)
 *   -ENOSPC    disk full
 *   -EBUSY     locked for longer than 5 s, or slower than 10 s
 *   -EBADMSG   a row holds what it must not (see struct db_row)
 *   -EINVAL    a value was refused: a constraint, a type, a length
 *   -EIO       the database cannot do it: a table or a right is missing, a file is damaged */
int db_run(struct db *db, const struct db_query *query, const struct db_value *values, size_t count,
	   db_row_fn on_row, void *arg, int64_t *changed) must_check;
int db_flush(struct db *db) must_check;

/* db_run() and db_flush(), for statements whose result is needed before the next one. */
int db_run_now(struct db *db, const struct db_query *query, const struct db_value *values,
	       size_t count, db_row_fn on_row, void *arg, int64_t *changed) must_check;

/* ---- jobs -------------------------------------------------------------------------- */

struct store;

enum store_priority {
	STORE_PRIORITY_NORMAL,
	STORE_PRIORITY_HIGH,    /* many wait for it */
	STORE_PRIORITY_HIGHEST, /* short, and must not be late */
};

/* Embedded in the caller's own struct; must stay put until on_done. Zeroed before first use. */
struct store_job {
	/* On the store's thread. 0 commits; anything negative rolls back and is handed on. */
	int (*run)(struct db *db, struct store_job *job);
	/* On the loop. rc is 0, or what failed; besides db_run()'s codes -ECANCELED (the store
	 * is closing). */
	void (*on_done)(struct store_job *job, int rc);
	/* A power cut or a crash of the database server may undo it, a crash of ours may not: nobody
	 * was told of it but ourselves. Alone or among its like it does not wait for the disk. */
	bool is_repeatable;
	/* store_write(): it belongs to what is audited. audit_logs is written and locked by others, too,
	 * so on PostgreSQL these jobs have a writer of their own and the rest does not wait with them. */
	bool is_audited;
	/* Of an audited job: it writes to audit_logs. On PostgreSQL it waits for that table's lock before
	 * it locks anything else. While others hold the table, one job waits and the rest get -EBUSY. */
	bool needs_audit_lock;
	/* Runs before the waiting jobs of a lower priority. */
	enum store_priority priority;
	/* store_read_for_request(): whose request it is. */
	struct uuid team;
	/* The store's own. */
	struct list link;
	int rc;
};

struct store_options {
	uv_loop_t *loop;
	const char *url;          /* sqlite:<path> or postgres://... (postgresql://...) */
	unsigned readers;         /* threads for store_read(), 1 to 64 */
	unsigned request_readers; /* for store_read_for_request(), 0 (when it is not used) to 64 */
	unsigned max_queued;      /* jobs waiting per queue; 0 means 4096 */
};

/* Checks the form of the URL alone. -EINVAL with the fault, never the URL, in *why. */
int store_url_check(struct str url, struct reason *why) must_check;

/* Which store it is, for a person: the file's whole path, or the database and its host. */
void store_name(const char *url, struct buf *out);

/* Blocking. 0 when the store is there, with a schema of ours, whichever; makes nothing. -ENOENT when
 * it is not, with no reason; -ENOTCONN and others with the fault in *why. */
int store_look(const char *url, struct reason *why) must_check;

/* Makes the file of an embedded store when there is none, and says so in the log; for starts that may
 * begin a new one. Nothing else makes one: a file that is missing later is a store that is away. */
int store_make(const char *url, struct reason *why) must_check;

/* Brings the schema up to date: blocking, before workers are forked. Several processes may do it at
 * the same time. -ENOTCONN when the database cannot be reached (serve goes on and the
 * writer thread does it on its first contact), -ENOENT when there is no SQLite file, other codes with the fault in *why. */
int store_migrate(const char *url, struct reason *why) must_check;

/* Blocking, for the end of a process: two SQLite connections that close at the same moment each
 * leave the log (`-wal`) to the other. Moves what it still holds into the file. Does nothing on
 * PostgreSQL. -EBUSY while another program reads, and other codes, with the fault in *why. */
int store_checkpoint(const char *url, struct reason *why) must_check;

/* Starts the threads. Does not wait for the database. 0, -EINVAL, -ENOMEM. */
int store_open(const struct store_options *options, struct store **out) must_check;

/* Runs what is queued for at most 5 s, answers the rest with -ECANCELED, joins the threads. */
void store_close(struct store *store, void (*on_closed)(void *owner), void *owner);

/* on_done will be called, never from within; for a write with -EBUSY while the write before it
 * does not come to an end (10 s, as on a frozen file system). 0, or (and on_done will not be called) -ENOBUFS when
 * the queue is full and -ECANCELED after store_close(). */
int store_write(struct store *store, struct store_job *job) must_check;
int store_read(struct store *store, struct store_job *job) must_check;

/* A read that a client asked for: threads of their own serve these, one of a team at a time, so that
 * neither the service's own reads nor another team wait for them. -ENOBUFS also when 64 of the team
 * wait already. */
int store_read_for_request(struct store *store, struct store_job *job) must_check;

/* What the last contact said; any thread. */
bool store_is_up(const struct store *store);

/* NULL while writes succeed; otherwise a few words about what is in their way. Any thread. It knows
 * the last write, and one that does not come to an end; without one for 15 s, or after one that failed,
 * the store makes a write of its own that changes nothing. */
const char *store_trouble(const struct store *store);

/* SQLite: the tables of contract h.1 to h.7 are ours to fill, since nobody else does. */
bool store_is_embedded(const struct store *store);
bool db_is_embedded(const struct db *db);

/* For the command line and tests: one blocking connection, the schema brought up to date, the
 * job's run() in one transaction; on_done is not used. *why is filled when the database failed and
 * left alone when run() itself said no. */
int store_run_blocking(const char *url, struct store_job *job, struct reason *why) must_check;

/* The same for a job that only reads, outside a transaction and without touching the schema: -ENXIO
 * when that is not the one this program knows, -ENOENT when there is no SQLite file. */
int store_read_blocking(const char *url, struct store_job *job, struct reason *why) must_check;

#endif
