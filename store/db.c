/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What is the same for both engines around a statement: checking its values, and the failure that
 * sticks.
 */
#include <assert.h>
#include <errno.h>
#include <stdio.h>

#include "core/log.h"
#include "store/engine.h"
#include "store/schema.h"
#include "store/sqlite_file.h"
#include "store/url.h"

int db_failed(struct db *db, size_t owner, int rc)
{
	assert(rc != 0);
	if (!db->err) {
		db->err = rc;
		db->failed_owner = owner;
	}
	return db->err;
}

bool db_is_embedded(const struct db *db)
{
	return db->engine->is_embedded;
}

int db_run(struct db *db, const struct db_query *query, const struct db_value *values, size_t count,
	   db_row_fn on_row, void *arg, int64_t *changed)
{
	const struct db_call call = { .query = query,
				      .values = values,
				      .count = count,
				      .on_row = on_row,
				      .arg = arg,
				      .changed = changed };

	if (changed)
		*changed = 0;
	if (db->is_lost)
		return db_failed(db, db->owner, -ENOTCONN);
	if (db->err)
		return db->err;
	int rc = db_values_check(values, count);
	if (rc) {
		snprintf(db->fault, sizeof(db->fault), "a value cannot be stored");
		return db_failed(db, db->owner, rc);
	}
	return db->engine->run(db, &call);
}

int db_flush(struct db *db)
{
	int rc = db->err ? db->err : db->engine->flush(db);

	/* The engine has nothing put off any more, or may forget it. */
	if (rc && !db->in_transaction)
		db->engine->discard(db);
	return rc;
}

int db_run_now(struct db *db, const struct db_query *query, const struct db_value *values,
	       size_t count, db_row_fn on_row, void *arg, int64_t *changed)
{
	int rc = db_run(db, query, values, count, on_row, arg, changed);
	int flushed = db_flush(db);

	return rc ? rc : flushed;
}

int db_exec(struct db *db, const char *script)
{
	int rc = db_flush(db);

	return rc ? rc : db->engine->exec(db, script);
}

int db_open(const char *url, bool writable, struct db **out, struct reason *why)
{
	struct str text = str_of(url);
	int rc = store_url_check(text, why);

	if (rc)
		return rc;
	if (url_is_sqlite(text))
		return sqlite_engine.open(url_sqlite_path(text).at, writable, out, why);
	return postgres_engine.open(url, writable, out, why);
}

void db_close(struct db *db)
{
	if (db)
		db->engine->close(db);
}

int db_open_current(const char *url, struct db **out, struct reason *why)
{
	struct db *db = NULL;
	int rc = db_open(url, true, &db, why);

	if (rc)
		return rc;
	rc = schema_migrate(db, why);
	if (rc) {
		db_close(db);
		return rc;
	}
	*out = db;
	return 0;
}

int db_open_same(const char *url, bool writable, char identity[DB_IDENTITY_SIZE], struct db **out,
		 struct reason *why)
{
	struct db *db = NULL;
	int rc = db_open(url, writable, &db, why);

	if (rc)
		return rc;
	/* What a running service finds in place of its store is not brought up to anything. */
	if (writable && !identity[0])
		rc = schema_migrate(db, why);
	if (!rc)
		rc = schema_check_identity(db, identity, why);
	if (rc) {
		db_close(db);
		return rc;
	}
	*out = db;
	return 0;
}

int store_make(const char *url, struct reason *why)
{
	struct str text = str_of(url);
	bool made = false;
	int rc = store_url_check(text, why);

	if (rc || !url_is_sqlite(text))
		return rc;
	rc = sqlite_file_make(url_sqlite_path(text).at, &made, why);
	if (made)
		log_info("a new store is made; if there should have been one, stop and look where "
			 "it is",
			 log_slice("file", url_sqlite_path(text)));
	return rc;
}

static int take_busy(const struct db_row *row, void *arg)
{
	*(bool *)arg = row_int(row, 0) != 0;
	return 0;
}

int store_checkpoint(const char *url, struct reason *why)
{
	static const struct db_query checkpoint = { .sql = "PRAGMA wal_checkpoint(TRUNCATE)" };
	/* It waits for readers with the write lock held, and another process may want to write. */
	static const char short_wait[] = "PRAGMA busy_timeout = 1000";
	struct db *db = NULL;
	bool is_busy = false;
	int rc;

	if (!url_is_sqlite(str_of(url)))
		return 0;
	rc = db_open(url, true, &db, why);
	if (rc)
		return rc;
	rc = db_exec(db, short_wait);
	if (!rc)
		rc = db_run_now(db, &checkpoint, NULL, 0, take_busy, &is_busy, NULL);
	if (rc || is_busy)
		rc = reason_set(why, rc ? rc : -EBUSY, "DATABASE_URL", "%s",
				is_busy ? "another program is using the SQLite file" : db->fault);
	db_close(db);
	return rc;
}
