/* SPDX-License-Identifier: Apache-2.0 */

/* Migrations: the tables, several processes at once, what is found and what is refused. */
#include <sys/stat.h>

#include "jobs.h"
#include "store/schema.h"

#define THREADS 8

static void fresh_url(enum database_engine engine, char *url, size_t size)
{
	char name[64];

	if (engine == DATABASE_SQLITE) {
		snprintf(url, size, "sqlite:%s/fresh_%d.db", getenv("TEST_DIR"), (int)getpid());
		return;
	}
	snprintf(name, sizeof(name), "fresh_%d", (int)getpid());
	database_create(name);
	snprintf(url, size, "postgres:///%s%s", name, strchr(getenv("TEST_POSTGRES_URL"), '?'));
}

struct migrator {
	uv_thread_t thread;
	uv_barrier_t *start;
	const char *url;
	int rc;
	struct reason why;
};

static void migrate_in_thread(void *arg)
{
	struct migrator *migrator = arg;

	uv_barrier_wait(migrator->start);
	migrator->rc = store_migrate(migrator->url, &migrator->why);
}

static void migrate_together(enum database_engine engine)
{
	static struct migrator migrators[THREADS];
	struct database database;
	uv_barrier_t start;

	fresh_url(engine, database.url, sizeof(database.url));
	cr_assert_eq(store_make(database.url, NULL), 0);
	uv_barrier_init(&start, THREADS);
	for (int i = 0; i < THREADS; i++) {
		migrators[i].start = &start;
		migrators[i].url = database.url;
		uv_thread_create(&migrators[i].thread, migrate_in_thread, &migrators[i]);
	}
	for (int i = 0; i < THREADS; i++) {
		uv_thread_join(&migrators[i].thread);
		cr_expect_eq(migrators[i].rc, 0, "%d %s", migrators[i].rc, migrators[i].why.text);
	}
	uv_barrier_destroy(&start);
	cr_expect_eq(database_ask(&database, engine == DATABASE_SQLITE
						     ? "SELECT count(*) FROM wrenn_events_schema"
						     : "SELECT count(*) FROM schema_version"),
		     (int64_t)schema_step_count);
	cr_expect_eq(database_ask(&database, "SELECT count(*) FROM teams"), 1);
}

Test(migrate, may_be_done_by_several_at_once_on_sqlite)
{
	migrate_together(DATABASE_SQLITE);
}

Test(migrate, may_be_done_by_several_at_once_on_postgres)
{
	migrate_together(DATABASE_POSTGRES);
}

TEST_BOTH(migrate, twice_changes_nothing)
{
	int64_t before = database_ask(database, "SELECT count(*) FROM teams");

	cr_expect_eq(store_migrate(database->url, NULL), 0);
	cr_expect_eq(database_ask(database, "SELECT count(*) FROM teams"), before);
	cr_expect_eq(database_ask(database, "SELECT count(*) FROM teams WHERE id = "
					    "'00000000-0000-0000-0000-000000000000' AND "
					    "name = 'Platform' AND slug = 'platform'"),
		     1);
}

TEST_BOTH(migrate, brings_the_platform_team_back)
{
	database_ask(database, "DELETE FROM teams");
	cr_expect_eq(store_migrate(database->url, NULL), 0);
	cr_expect_eq(database_ask(database, "SELECT count(*) FROM teams"), 1);
}

TEST_BOTH(migrate, refuses_a_newer_schema)
{
	struct reason why = { .text = "" };

	database_ask(database, strncmp(database->url, "sqlite:", 7) == 0
				       ? "INSERT INTO wrenn_events_schema VALUES (99, '')"
				       : "INSERT INTO schema_version VALUES (99, now())");
	cr_expect_eq(store_migrate(database->url, &why), -ENOTSUP);
	cr_expect_not_null(strstr(why.text, "99"), "%s", why.text);
	cr_expect_not_null(strstr(why.text, "newer"), "%s", why.text);
}

/* ---- every table has the columns others rely on -------------------------------------------------
 */

static const struct {
	const char *table;
	const char *columns;
} tables[] = {
	{ "teams", "id, name, slug, is_byoc, created_at, deleted_at" },
	{ "users", "id, email, password_hash, name, is_admin, status, created_at, updated_at, "
		   "deleted_at" },
	{ "users_teams", "user_id, team_id, is_default, role, created_at" },
	{ "team_api_keys", "id, team_id, name, key_hash, key_prefix, created_by, created_at, "
			   "last_used" },
	{ "sessions", "id, user_id, team_id, csrf_token, user_agent, ip_address, created_at, "
		      "last_seen_at, expires_at" },
	{ "channels", "id, team_id, name, provider, config, event_types, created_at, updated_at" },
	{ "audit_logs", "id, team_id, actor_type, actor_id, actor_name, resource_type, "
			"resource_id, action, scope, status, metadata, created_at" },
	{ "sandboxes", "id, team_id, host_id, template, template_id, template_team_id, status, "
		       "vcpus, memory_mb, timeout_sec, disk_size_mb, guest_ip, host_ip, metadata, "
		       "created_at, started_at, last_active_at, last_updated" },
	{ "deliveries", "id, stream_id, stream_ms, stream_seq, team_id, channel_id, event, "
			"payload, state, attempts, next_attempt_at, first_failed_at, last_status, "
			"last_error, created_at, updated_at, delivered_at" },
	{ "attempts", "delivery_id, number, started_at, duration_us, status, verdict, detail" },
	{ "delivery_attempts",
	  "delivery_id, number, started_at, duration_us, status, verdict, detail" },
	{ "channel_state", "channel_id, lease_owner, lease_until, updated_at" },
	{ "positions", "group_name, last_id, last_ms, last_seq, updated_at" },
	{ "accepts", "team_id, sandbox_id, event, seen_at" },
};

TEST_BOTH(migrate, makes_every_table_with_its_columns)
{
	for (size_t i = 0; i < ARRAY_LEN(tables); i++) {
		char sql[512];

		snprintf(sql, sizeof(sql), "SELECT count(*) FROM (SELECT %s FROM %s) AS t",
			 tables[i].columns, tables[i].table);
		cr_expect_eq(database_ask(database, sql), strcmp(tables[i].table, "teams") == 0,
			     "%s", tables[i].table);
	}
}

static const char *const team_rows[] = {
	"INSERT INTO teams (id, name, slug) VALUES ('11111111-1111-4111-8111-111111111111', 'a', "
	"'a')",
	"INSERT INTO channels (id, team_id, name, provider) VALUES "
	"('22222222-2222-4222-8222-222222222222', '11111111-1111-4111-8111-111111111111', 'c', "
	"'webhook')",
	"DELETE FROM teams WHERE name = 'a'",
};

TEST_BOTH(tables, channels_go_with_their_team)
{
	for (size_t i = 0; i < 2; i++)
		database_ask(database, team_rows[i]);
	cr_expect_eq(database_ask(database, "SELECT count(*) FROM channels"), 1);
	database_ask(database, team_rows[2]);
	cr_expect_eq(database_ask(database, "SELECT count(*) FROM channels"), 0);
}

static const struct db_query default_time = { .sql = "SELECT created_at FROM teams" };

static int take_times(const struct db_row *row, void *arg)
{
	*(int64_t *)arg = row_time(row, 0);
	return 0;
}

static int read_time(struct db *db, void *arg)
{
	return db_run_now(db, &default_time, NULL, 0, take_times, arg, NULL);
}

TEST_BOTH(tables, fill_in_the_time_in_the_form_they_read)
{
	int64_t us = 0;

	database_ask(database, "DELETE FROM teams");
	database_ask(database, team_rows[0]);
	database_ask(database, "DELETE FROM teams WHERE slug = 'platform'");
	/* store_run_blocking() brings the platform team back; it is as young. */
	cr_expect_eq(run_script(database, read_time, &us), 0);
	cr_expect(us > clock_wall_us() - 600000000 && us <= clock_wall_us() + 1000000);
}

/* ---- beside a control plane
 * ----------------------------------------------------------------------- */

static void run_sql(const char *url, const char *sql)
{
	PGconn *conn = PQconnectdb(url);
	PGresult *result = PQexec(conn, sql);
	ExecStatusType status = PQresultStatus(result);

	cr_assert(status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK, "%s",
		  PQerrorMessage(conn));
	PQclear(result);
	PQfinish(conn);
}

Test(control_plane, tables_are_used_as_they_are)
{
	struct database database;
	char url[600];

	fresh_url(DATABASE_POSTGRES, database.url, sizeof(database.url));
	cr_assert_eq(store_migrate(database.url, NULL), 0);
	/* A control plane's database: its tables, an extra column, no schema of ours yet, and a
	 * role that may not create in public. */
	run_sql(database.url, "DROP SCHEMA wrenn_events CASCADE;"
			      "ALTER TABLE channels ADD COLUMN extra text;"
			      "CREATE SCHEMA wrenn_events;"
			      "DROP ROLE IF EXISTS plain; CREATE ROLE plain LOGIN;"
			      "GRANT ALL ON SCHEMA wrenn_events TO plain;"
			      "REVOKE CREATE ON SCHEMA public FROM PUBLIC;"
			      "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public "
			      "TO plain");
	snprintf(url, sizeof(url), "%s", database.url);
	char *user = strstr(url, "user=");
	cr_assert_not_null(user);
	snprintf(user, sizeof(url) - (size_t)(user - url), "user=plain");
	struct reason why = { .text = "" };
	cr_expect_eq(store_migrate(url, &why), 0, "%s", why.text);
	cr_expect_eq(database_ask(&database, "SELECT count(*) FROM pg_attribute WHERE attrelid = "
					     "'public.channels'::regclass AND attname = 'extra'"),
		     1);
	run_sql(database.url, "DROP OWNED BY plain; DROP ROLE plain");
}

Test(control_plane, table_without_a_needed_column_is_named)
{
	struct database database = database_make(DATABASE_POSTGRES);
	struct reason why = { .text = "" };

	run_sql(database.url, "ALTER TABLE channels RENAME COLUMN config TO settings");
	cr_expect_eq(store_migrate(database.url, &why), -EINVAL);
	cr_expect_not_null(strstr(why.text, "channels"), "%s", why.text);
	cr_expect_not_null(strstr(why.text, "config"), "%s", why.text);
}

Test(control_plane, index_of_pending_deliveries_is_used)
{
	struct database database = database_make(DATABASE_POSTGRES);

	cr_expect_eq(database_ask(&database,
				  "SELECT count(*) FROM pg_indexes WHERE schemaname = "
				  "'wrenn_events' AND tablename = 'deliveries' AND indexdef LIKE "
				  "'%WHERE (state = ''pending''::text)'"),
		     2);
}

/* ---- the SQLite file
 * -------------------------------------------------------------------------------- */

Test(file, and_its_folders_are_made_for_us_alone)
{
	struct stat status;
	char folder[256];
	char url[400];

	snprintf(folder, sizeof(folder), "%s/deep_%d", getenv("TEST_DIR"), (int)getpid());
	snprintf(url, sizeof(url), "sqlite:%s/a/b/events.db", folder);
	umask(0);
	cr_expect_eq(store_migrate(url, NULL), -ENOENT, "made without being asked to");
	cr_assert_eq(store_make(url, NULL), 0);
	cr_assert_eq(store_migrate(url, NULL), 0);
	cr_assert_eq(stat(folder, &status), 0);
	cr_expect_eq(status.st_mode & 0777, 0700u);
	cr_assert_eq(stat(url + 7, &status), 0);
	cr_expect_eq(status.st_mode & 0777, 0600u);
}

Test(file, that_cannot_be_made_is_an_error_and_not_a_wait)
{
	struct reason why = { .text = "" };

	cr_expect_eq(store_make("sqlite:/proc/wrenn/events.db", &why), -ENOENT, "%s", why.text);
	cr_expect_neq(why.text[0], '\0');
	cr_expect_eq(store_make("sqlite:/dev/null/events.db", &why), -ENOTDIR);
	cr_expect_neq(store_migrate("sqlite:/tmp", &why), 0);
	cr_expect_neq(store_migrate("sqlite:/tmp", &why), -ENOTCONN);
}

static const struct db_query synchronous = { .sql = "PRAGMA synchronous" };
static const struct db_query foreign_keys = { .sql = "PRAGMA foreign_keys" };
static const struct db_query wal = {
	.sql = "SELECT journal_mode = 'wal' FROM pragma_journal_mode"
};

static int read_settings(struct db *db, void *arg)
{
	int64_t *found = arg;
	int rc = db_run_now(db, &synchronous, NULL, 0, take_count, &found[0], NULL);

	if (!rc)
		rc = db_run_now(db, &foreign_keys, NULL, 0, take_count, &found[1], NULL);
	if (!rc)
		rc = db_run_now(db, &wal, NULL, 0, take_count, &found[2], NULL);
	return rc;
}

Test(file, is_written_so_that_a_commit_survives_a_power_cut)
{
	struct database database = database_make(DATABASE_SQLITE);
	int64_t found[3] = { -1, -1, -1 };

	cr_expect_eq(run_script(&database, read_settings, found), 0);
	cr_expect_eq(found[0], 2, "synchronous = FULL");
	cr_expect_eq(found[1], 1, "foreign keys");
	cr_expect_eq(found[2], 1, "WAL");
}
