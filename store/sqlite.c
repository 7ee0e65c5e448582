/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The embedded engine. Statements run at once, on the caller's thread; flush has nothing to do.
 *
 * WAL with synchronous=FULL: readers never wait for the writer, and a commit that was answered
 * survives a power cut, unless all of its jobs are repeatable. Writers of several processes wait
 * for each other with busy_timeout. A damaged file, or a database of another program, is refused
 * before anything is written to it.
 */
#include <errno.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/buf.h"
#include "core/clock.h"
#include "core/log.h"
#include "store/cells.h"
#include "store/engine.h"
#include "store/queries.h"
#include "store/sqlite_file.h"

#define SQL_MAX_BYTES   (64 * 1024)
#define VALUE_MAX_BYTES (16 * 1024 * 1024)
#define CLOCK_STEPS     100000 /* of SQLite's machine between two looks at the clock, about 1 ms */

struct sqlite {
	struct db db;
	sqlite3 *handle;
	struct query_cache queries;
	struct sqlite_file file;
	bool is_durable;     /* synchronous = FULL, as it was opened */
	int64_t deadline_ms; /* monotonic, of a reader's statement */
};

static struct sqlite *sqlite_of(struct db *db)
{
	return container_of(db, struct sqlite, db);
}

/* ---- failures ------------------------------------------------------------------------- */

static int code_of_constraint(int extended)
{
	switch (extended) {
	case SQLITE_CONSTRAINT_UNIQUE:
	case SQLITE_CONSTRAINT_PRIMARYKEY:
	case SQLITE_CONSTRAINT_ROWID:
		return -EEXIST;
	default:
		return -EINVAL;
	}
}

static int code_of(int extended)
{
	switch (extended & 0xff) {
	case SQLITE_CONSTRAINT:
		return code_of_constraint(extended);
	case SQLITE_FULL:
		return -ENOSPC;
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
	case SQLITE_INTERRUPT: /* past its deadline */
		return -EBUSY;
	case SQLITE_TOOBIG:
	case SQLITE_MISMATCH:
		return -EINVAL;
	case SQLITE_NOMEM:
		return -ENOMEM;
	case SQLITE_IOERR:
	case SQLITE_CANTOPEN:
	case SQLITE_PROTOCOL:
		return -ENOTCONN;
	case SQLITE_READONLY:
		/* The file was moved, or its mode was changed; for a reader it is our bug. */
		return -ENOTCONN;
	default: /* no such table, a damaged file, ...: no statement's values are to blame */
		return -EIO;
	}
}

/* Notes the failure in *sq and returns its code. */
static int failed(struct sqlite *sq, int sqlite_rc)
{
	struct db *db = &sq->db;
	int rc = code_of(sqlite_rc);

	if ((sqlite_rc & 0xff) == SQLITE_READONLY && !db->writable)
		rc = -EIO;
	if (rc == -ENOTCONN)
		db->is_lost = true;
	/* A code of our own making (a missing parameter) is not known to the handle. */
	snprintf(db->fault, sizeof(db->fault), "%s",
		 sqlite3_errcode(sq->handle) ? sqlite3_errmsg(sq->handle)
					     : sqlite3_errstr(sqlite_rc));
	if (rc == -EINVAL || rc == -EIO)
		log_error("sqlite refused a statement", log_str("fault", db->fault),
			  log_int("code", sqlite_rc));
	return db_failed(db, db->owner, rc);
}

/* ---- statements ----------------------------------------------------------------------- */

/* The end of the quoted text or comment that begins at `at`; `at` itself when none begins. */
static size_t end_of_opaque(const char *sql, size_t at)
{
	const char *end = NULL;
	const char *from = sql + at;

	if (*from == '\'' || *from == '"')
		end = strchr(from + 1, *from);
	else if (from[0] == '-' && from[1] == '-')
		end = strchr(from, '\n');
	else if (from[0] == '/' && from[1] == '*') {
		end = strstr(from + 2, "*/");
		end = end ? end + 1 : NULL;
	} else
		return at;
	return end ? (size_t)(end - sql) + 1 : at + strlen(from);
}

/* SQLite would read $1 as a name and number parameters by first use; ?1 gives the number. */
static void rewrite_parameters(struct buf *out, const char *sql)
{
	for (size_t at = 0; sql[at];) {
		size_t end = end_of_opaque(sql, at);

		if (end > at) {
			buf_add(out, sql + at, end - at);
			at = end;
			continue;
		}
		buf_add_char(out, sql[at] == '$' ? '?' : sql[at]);
		at++;
	}
}

static int prepare(struct sqlite *sq, const struct db_query *query, sqlite3_stmt **out)
{
	struct query_slot *slot = query_cache_slot(&sq->queries, query);
	struct buf sql;

	if (!slot)
		return db_failed(&sq->db, sq->db.owner, -ENOMEM);
	if (!slot->prepared) {
		sqlite3_stmt *statement = NULL;

		buf_init(&sql, SQL_MAX_BYTES);
		rewrite_parameters(&sql, query->sqlite ? query->sqlite : query->sql);
		const char *text = buf_text(&sql);
		int rc = text ? sqlite3_prepare_v3(sq->handle, text, -1, SQLITE_PREPARE_PERSISTENT,
						   &statement, NULL)
			      : SQLITE_NOMEM;
		buf_done(&sql);
		if (rc)
			return failed(sq, rc);
		slot->prepared = statement;
	}
	*out = slot->prepared;
	return 0;
}

static int bind_written(sqlite3_stmt *statement, int at, const struct db_value *value)
{
	struct buf text;

	buf_init(&text, VALUE_MAX_BYTES);
	db_value_write(&text, value, true);
	struct str written = buf_str(&text);
	int rc = SQLITE_TOOBIG;
	if (!text.err)
		rc = sqlite3_bind_text64(statement, at, written.at, written.len, SQLITE_TRANSIENT,
					 SQLITE_UTF8);
	else if (text.err == -ENOMEM)
		rc = SQLITE_NOMEM;
	buf_done(&text); /* forgets text.err, too */
	return rc;
}

/* Texts and blobs are not copied: the statement ends before db_run() returns. */
static int bind_value(sqlite3_stmt *statement, int at, const struct db_value *value)
{
	const char *bytes = value->text.at && value->text.len ? value->text.at : "";

	switch (value->type) {
	case DB_NULL:
		return sqlite3_bind_null(statement, at);
	case DB_INT:
	case DB_BOOL:
		return sqlite3_bind_int64(statement, at, value->number);
	case DB_TEXT:
	case DB_JSON:
		return sqlite3_bind_text64(statement, at, bytes, value->text.len, SQLITE_STATIC,
					   SQLITE_UTF8);
	case DB_BLOB:
		return sqlite3_bind_blob64(statement, at, bytes, value->text.len, SQLITE_STATIC);
	case DB_UUID:
	case DB_TIME:
	case DB_WORDS:
		return bind_written(statement, at, value);
	}
	return SQLITE_MISUSE;
}

static int bind_all(sqlite3_stmt *statement, const struct db_call *call)
{
	/* The SQLite spelling of a query may use fewer parameters than were given, never more. */
	int wanted = sqlite3_bind_parameter_count(statement);

	if (wanted > (int)call->count)
		return SQLITE_RANGE;
	for (int i = 0; i < wanted; i++) {
		int rc = bind_value(statement, i + 1, &call->values[i]);
		if (rc)
			return rc;
	}
	return SQLITE_OK;
}

static void fill_cell(sqlite3_stmt *statement, int column, struct db_cell *cell)
{
	switch (sqlite3_column_type(statement, column)) {
	case SQLITE_NULL:
		*cell = (struct db_cell){ .kind = CELL_NULL };
		break;
	case SQLITE_INTEGER:
		*cell = (struct db_cell){ .kind = CELL_INT,
					  .number = sqlite3_column_int64(statement, column) };
		break;
	case SQLITE_TEXT:
		cell->kind = CELL_TEXT;
		cell->text.at = (const char *)sqlite3_column_text(statement, column);
		cell->text.len = (size_t)sqlite3_column_bytes(statement, column);
		break;
	case SQLITE_BLOB:
		cell->kind = CELL_BLOB;
		cell->text.at = sqlite3_column_blob(statement, column);
		cell->text.len = (size_t)sqlite3_column_bytes(statement, column);
		break;
	default:
		*cell = (struct db_cell){ .kind = CELL_OTHER };
	}
	if (!cell->text.at && (cell->kind == CELL_TEXT || cell->kind == CELL_BLOB))
		cell->text = STR("");
}

static int serve_row(struct sqlite *sq, sqlite3_stmt *statement, const struct db_call *call)
{
	struct db_cell cells[DB_COLUMNS_MAX];
	int columns = sqlite3_column_count(statement);

	if (!call->on_row)
		return 0;
	if (columns > DB_COLUMNS_MAX)
		return db_failed(&sq->db, sq->db.owner, -EINVAL);
	for (int i = 0; i < columns; i++)
		fill_cell(statement, i, &cells[i]);

	int rc = db_row_serve(call->on_row, call->arg, cells, columns, true);
	return rc ? db_failed(&sq->db, sq->db.owner, rc) : 0;
}

static int step_to_end(struct sqlite *sq, sqlite3_stmt *statement, const struct db_call *call)
{
	for (;;) {
		int step = sqlite3_step(statement);

		if (step == SQLITE_DONE)
			break;
		if (step != SQLITE_ROW)
			return failed(sq, step);
		int rc = serve_row(sq, statement, call);
		if (rc)
			return rc;
	}
	if (call->changed && !sqlite3_stmt_readonly(statement))
		*call->changed = sqlite3_changes64(sq->handle);
	return 0;
}

/* A result other than 0 ends the statement. */
static int is_too_late(void *arg)
{
	const struct sqlite *sq = arg;

	return clock_mono_ms() >= sq->deadline_ms;
}

static int sqlite_run(struct db *db, const struct db_call *call)
{
	struct sqlite *sq = sqlite_of(db);
	sqlite3_stmt *statement = NULL;

	sq->deadline_ms = clock_mono_ms() + DB_READ_MS;
	int rc = prepare(sq, call->query, &statement);

	if (rc)
		return rc;
	int bound = bind_all(statement, call);
	rc = bound ? failed(sq, bound) : step_to_end(sq, statement, call);
	sqlite3_reset(statement);
	sqlite3_clear_bindings(statement);
	return rc;
}

static int sqlite_flush(struct db *db)
{
	return db->err;
}

static void sqlite_discard(struct db *db)
{
	db->err = 0;
}

/* ---- transactions ----------------------------------------------------------------------- */

static int sqlite_exec(struct db *db, const char *script)
{
	struct sqlite *sq = sqlite_of(db);
	int rc = sqlite3_exec(sq->handle, script, NULL, NULL, NULL);

	return rc ? failed(sq, rc) : 0;
}

/* NORMAL: the log is not synced at a commit, only before it goes into the file, so that a power cut
 * costs the last commits and never the file's order. A later commit under FULL makes them durable,
 * too. */
static int set_durable(struct sqlite *sq, bool is_durable)
{
	int rc;

	if (sq->is_durable == is_durable)
		return 0;
	rc = sqlite_exec(&sq->db,
			 is_durable ? "PRAGMA synchronous = FULL" : "PRAGMA synchronous = NORMAL");
	if (!rc)
		sq->is_durable = is_durable;
	return rc;
}

static int sqlite_begin(struct db *db, bool is_durable)
{
	int rc = set_durable(sqlite_of(db), is_durable);

	if (rc)
		return rc;
	/* Takes the write lock now: a read that turns into a write could not wait for it later. */
	rc = sqlite_exec(db, "BEGIN IMMEDIATE");
	if (!rc)
		db->in_transaction = true;
	return rc;
}

static int sqlite_commit(struct db *db)
{
	int rc = db->err ? db->err : sqlite_exec(db, "COMMIT");

	if (!rc)
		db->in_transaction = false;
	return rc;
}

static void sqlite_rollback(struct db *db)
{
	struct sqlite *sq = sqlite_of(db);

	/* Some failures (disk full, I/O) have rolled back already. */
	if (!sqlite3_get_autocommit(sq->handle) &&
	    sqlite3_exec(sq->handle, "ROLLBACK", NULL, NULL, NULL))
		db->is_lost = true;
	db->in_transaction = false;
	db->err = 0;
}

/* Another file may have replaced it; writes to the old one would all be lost. */
static bool sqlite_is_usable(struct db *db)
{
	if (!sqlite_file_is_same(&sqlite_of(db)->file))
		db->is_lost = true;
	return !db->is_lost;
}

static bool sqlite_is_alive(struct db *db)
{
	sqlite3 *handle = sqlite_of(db)->handle;

	if (sqlite_is_usable(db) && sqlite3_exec(handle, "PRAGMA schema_version", NULL, NULL, NULL))
		db->is_lost = true;
	return !db->is_lost;
}

/* ---- opening ------------------------------------------------------------------------------ */

static void drop_statement(void *statement)
{
	sqlite3_finalize(statement);
}

static void sqlite_close(struct db *db)
{
	struct sqlite *sq = sqlite_of(db);

	query_cache_clear(&sq->queries, drop_statement);
	sqlite3_close(sq->handle);
	sqlite_file_done(&sq->file);
	free(sq);
}

static int sqlite_open(const char *path, bool writable, struct db **out, struct reason *why)
{
	struct sqlite *sq = calloc(1, sizeof(*sq));

	if (!sq)
		return reason_set(why, -ENOMEM, "", "out of memory");
	sq->db.engine = &sqlite_engine;
	sq->db.writable = writable;
	sq->is_durable = true;

	int rc = sqlite_file_open(&sq->file, path, writable, &sq->handle, why);
	if (rc) {
		sqlite_close(&sq->db);
		return rc;
	}
	if (!writable)
		sqlite3_progress_handler(sq->handle, CLOCK_STEPS, is_too_late, sq);
	*out = &sq->db;
	return 0;
}

const struct engine sqlite_engine = {
	.is_embedded = true,
	.open = sqlite_open,
	.close = sqlite_close,
	.run = sqlite_run,
	.flush = sqlite_flush,
	.discard = sqlite_discard,
	.begin = sqlite_begin,
	.commit = sqlite_commit,
	.rollback = sqlite_rollback,
	.exec = sqlite_exec,
	.is_usable = sqlite_is_usable,
	.is_alive = sqlite_is_alive,
};
