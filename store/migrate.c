/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Brings the schema up to date: takes the lock that admits one process at a time, reads the version
 * again, and runs each missing step together with its version number in one transaction. The first
 * look is without the lock, so a start with a current schema costs two small reads.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "core/buf.h"
#include "core/clock.h"
#include "core/log.h"
#include "store/engine.h"
#include "store/schema.h"
#include "store/url.h"

/* "wrenn-ev" as a number: the advisory lock of all our processes. */
#define MIGRATION_LOCK INT64_C(0x7772656e6e2d6576)
#define BUSY_TRIES     12 /* of DB_BUSY_MS each */

/* to_regclass() would not do: it trusts the session's cache, which lacks tables that another
 * process made while this one waited for the advisory lock. Reading a table updates the cache. */
static const struct db_query version_table_exists = {
	.sql = "SELECT count(*) FROM pg_tables "
	       "WHERE schemaname = 'wrenn_events' AND tablename = 'schema_version'",
	.sqlite = "SELECT count(*) FROM sqlite_schema WHERE name = 'wrenn_events_schema'",
};

static const struct db_query newest_version = {
	.sql = "SELECT coalesce(max(version), 0) FROM wrenn_events.schema_version",
	.sqlite = "SELECT coalesce(max(version), 0) FROM wrenn_events_schema",
};

static const struct db_query add_version = {
	.sql = "INSERT INTO wrenn_events.schema_version (version, applied_at) VALUES ($1, $2)",
	.sqlite = "INSERT INTO wrenn_events_schema (version, applied_at) VALUES ($1, $2)",
};

/* BEGIN IMMEDIATE is SQLite's lock already. */
static const struct db_query take_lock = {
	.sql = "SELECT pg_advisory_xact_lock($1)",
	.sqlite = "SELECT $1",
};

static const struct db_query missing_grants = { .sql = schema_grants,
						.sqlite = "SELECT 1 LIMIT 0" };

static const struct db_query missing_column = { .sql = schema_needed,
						.sqlite = "SELECT 1 LIMIT 0" };

static const struct db_query platform_exists = {
	.sql = "SELECT count(*) FROM teams WHERE id = $1",
};

static const struct db_query add_platform = {
	.sql = "INSERT INTO teams (id, name, slug, created_at) VALUES ($1, 'Platform', 'platform', "
	       "$2) "
	       "ON CONFLICT DO NOTHING",
};

static int take_int(const struct db_row *row, void *arg)
{
	*(int64_t *)arg = row_int(row, 0);
	return 0;
}

int schema_version(struct db *db, int64_t *out)
{
	int64_t exists = 0;
	int rc = db_run_now(db, &version_table_exists, NULL, 0, take_int, &exists, NULL);

	*out = 0;
	if (rc || !exists)
		return rc;
	return db_run_now(db, &newest_version, NULL, 0, take_int, out, NULL);
}

static int run_step(struct db *db, int64_t number)
{
	const struct schema_step *step = &schema_steps[number - 1];
	const struct db_value values[] = { db_int(number), db_time(clock_wall_us()) };
	int rc = db_exec(db, db_is_embedded(db) ? step->sqlite : step->postgres);

	if (rc)
		return rc;
	return db_run_now(db, &add_version, values, ARRAY_LEN(values), NULL, NULL, NULL);
}

/* The next step, unless another process was faster. Leaves the version reached in *version. */
static int advance(struct db *db, int64_t *version)
{
	const struct db_value lock = db_int(MIGRATION_LOCK);
	int64_t reached = 0;
	int rc = db->engine->begin(db, true);

	if (!rc)
		rc = db_run_now(db, &take_lock, &lock, 1, NULL, NULL, NULL);
	if (!rc)
		rc = schema_version(db, &reached);
	if (!rc && reached < (int64_t)schema_step_count)
		rc = run_step(db, ++reached);
	if (!rc)
		rc = db->engine->commit(db);
	if (rc) {
		db->engine->rollback(db);
		return rc;
	}
	*version = reached;
	return 0;
}

static int fail_step(struct db *db, int rc, int64_t number, struct reason *why)
{
	if (rc == -ENOTCONN)
		return reason_set(why, rc, "DATABASE_URL", "the database went away");
	if (rc == -EBUSY)
		return reason_set(why, rc, "DATABASE_URL",
				  "another process holds the database locked");
	return reason_set(why, rc, "DATABASE_URL", "schema step %lld failed: %s", (long long)number,
			  db->fault[0] ? db->fault : "no reason was given");
}

static int run_steps(struct db *db, struct reason *why)
{
	int64_t version = 0;
	int busy = 0;
	int rc = schema_version(db, &version);

	while (!rc && version < (int64_t)schema_step_count) {
		rc = advance(db, &version);
		if (rc == -EBUSY && ++busy < BUSY_TRIES)
			rc = 0;
	}
	if (rc)
		return fail_step(db, rc, version + 1, why);
	if (version > (int64_t)schema_step_count)
		return reason_set(why, -ENOTSUP, "DATABASE_URL",
				  "the database has schema %lld, this program knows %zu: run the "
				  "newer program",
				  (long long)version, schema_step_count);
	return 0;
}

/* ---- rights -------------------------------------------------------------------------------- */

static int take_grant(const struct db_row *row, void *arg)
{
	struct str line = row_text(row, 0);
	char *first = arg;

	log_error("a right is missing in the database; its owner can grant it with",
		  log_slice("sql", line));
	if (!first[0])
		snprintf(first, sizeof(((struct reason *)0)->text), "%.*s", STR_ARGS(line));
	return 0;
}

static int check_grants(struct db *db, struct reason *why)
{
	char first[sizeof(why->text)] = "";
	int rc = db_run_now(db, &missing_grants, NULL, 0, take_grant, first, NULL);

	if (rc)
		return fail_step(db, rc, 0, why);
	if (first[0])
		return reason_set(why, -EPERM, "DATABASE_URL",
				  "rights are missing, each is in the log; the first: %s", first);
	return 0;
}

/* ---- the control plane's tables ------------------------------------------------------------ */

static int take_missing(const struct db_row *row, void *arg)
{
	struct str table = row_text(row, 0);
	struct str column = row_text(row, 1);

	snprintf(arg, sizeof(((struct reason *)0)->text), "%.*s has no column %.*s",
		 STR_ARGS(table), STR_ARGS(column));
	return 0;
}

static int check_columns(struct db *db, struct reason *why)
{
	char missing[sizeof(why->text)] = "";
	int rc = db_run_now(db, &missing_column, NULL, 0, take_missing, missing, NULL);

	if (rc)
		return fail_step(db, rc, (int64_t)schema_step_count, why);
	if (missing[0])
		return reason_set(why, -EINVAL, "DATABASE_URL",
				  "the control plane's table %.100s, which this program needs",
				  missing);
	return 0;
}

static int add_platform_team(struct db *db)
{
	const struct uuid zero = { .bytes = { 0 } };
	const struct db_value values[] = { db_uuid(&zero), db_time(clock_wall_us()) };
	int64_t found = 0;
	int rc = db_run_now(db, &platform_exists, values, 1, take_int, &found, NULL);

	if (rc || found)
		return rc;
	return db_run_now(db, &add_platform, values, ARRAY_LEN(values), NULL, NULL, NULL);
}

int schema_migrate(struct db *db, struct reason *why)
{
	int rc = check_grants(db, why);

	if (!rc)
		rc = run_steps(db, why);
	if (!rc)
		rc = check_columns(db, why);
	if (rc)
		return rc;
	rc = add_platform_team(db);
	return rc ? fail_step(db, rc, (int64_t)schema_step_count, why) : 0;
}

int schema_inspect(struct db *db, struct reason *why)
{
	int64_t version = 0;
	int rc = check_grants(db, why);

	if (!rc)
		rc = schema_version(db, &version);
	if (!rc && version == 0)
		return reason_set(why, -ENOENT, "DATABASE_URL", "the database has no schema yet");
	if (!rc && version < (int64_t)schema_step_count)
		return reason_set(why, -ESTALE, "DATABASE_URL", "the schema is at step %lld of %zu",
				  (long long)version, schema_step_count);
	if (!rc && version > (int64_t)schema_step_count)
		return reason_set(why, -ENOTSUP, "DATABASE_URL",
				  "the database has schema %lld, this program knows %zu",
				  (long long)version, schema_step_count);
	return rc && rc != -EPERM ? fail_step(db, rc, version, why) : rc;
}

/* ---- identity ------------------------------------------------------------------------------ */

static const struct db_query read_identity = {
	.sql = "SELECT value FROM store_facts WHERE name = 'identity'",
};

static int take_identity(const struct db_row *row, void *arg)
{
	struct str value = row_text(row, 0);

	if (value.len != DB_IDENTITY_SIZE - 1)
		return -EBADMSG;
	memcpy(arg, value.at, value.len);
	return 0;
}

int schema_check_identity(struct db *db, char *identity, struct reason *why)
{
	char found[DB_IDENTITY_SIZE] = "";
	int64_t version = 0;
	int rc = schema_version(db, &version);

	if (!rc && version != (int64_t)schema_step_count)
		return reason_set(why, -ENXIO, "DATABASE_URL",
				  "the database now has schema %lld, expected %zu",
				  (long long)version, schema_step_count);
	if (!rc)
		rc = db_run_now(db, &read_identity, NULL, 0, take_identity, found, NULL);
	if (rc)
		return fail_step(db, rc, (int64_t)schema_step_count, why);
	if (identity[0] && strcmp(identity, found) != 0)
		return reason_set(why, -ENXIO, "DATABASE_URL",
				  "another store has replaced the service's own; restore the old "
				  "one, or restart the service to use this one");
	if (!identity[0])
		memcpy(identity, found, sizeof(found));
	return 0;
}
