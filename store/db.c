/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Code that both engines share around a statement: checking its values, and the failure that
 * sticks.
 */
#include "store/db.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>

#include "store/engine.h"

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

bool db_may_audit(const struct db *db)
{
	return db->has_audit_lock || db->engine->is_embedded;
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

	/* The engine no longer has postponed statements, or may forget them. */
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

void db_close(struct db *db)
{
	if (db)
		db->engine->close(db);
}
