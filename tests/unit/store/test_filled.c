/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Migrations of a store that has rows: none is lost or changed, whenever the process is killed. The
 * environment may say how many rows, TEST_MIGRATION_ROWS=1000000 for a thorough run.
 */
#include <sys/time.h>
#include <sys/wait.h>

#include "fixture.h"
#include "store/blocking.h"
#include "store/connect.h"
#include "store/engine.h"
#include "store/schema.h"

#define OLD_VERSION 5 /* the last schema with an attempt's row for each delivery */
#define ROWS        18000
#define PIECE       90000 /* rows of one statement, which may take ten seconds */

static void run_script_of(struct db *db, const char *script)
{
	cr_assert_eq(db_exec(db, script), 0, "%s", db->fault);
}

/* Rows %1$d to %2$d: each third was sent at once, and each third at the second try. */
static const char fill_sqlite[] =
	"WITH RECURSIVE n (i) AS (SELECT %1$d UNION ALL SELECT i + 1 FROM n WHERE i < %2$d) "
	"INSERT INTO deliveries (id, stream_id, stream_ms, stream_seq, team_id, channel_id, event, "
	"payload, state, attempts, next_attempt_at, created_at, updated_at) SELECT "
	"printf('%%08x-0000-4000-8000-000000000000', i), i || '-0', i, 0, 'team', 'channel', "
	"'host.up', x'7b7d', CASE i %% 3 WHEN 0 THEN 'pending' ELSE 'delivered' END, i %% 3, "
	"'2027-01-15T07:00:00.000000Z', '2027-01-15T07:00:00.000000Z', "
	"'2027-01-15T07:00:00.000000Z' FROM n;"
	"INSERT INTO delivery_attempts (delivery_id, number, started_at, duration_us, verdict) "
	"SELECT d.id, t.number, d.created_at, 5, 'delivered' FROM deliveries d JOIN "
	"(SELECT 1 AS number UNION ALL SELECT 2) AS t ON t.number <= d.attempts "
	"WHERE d.stream_ms BETWEEN %1$d AND %2$d";
static const char fill_postgres[] =
	"INSERT INTO wrenn_events.deliveries (id, stream_id, stream_ms, stream_seq, team_id, "
	"channel_id, event, payload, state, attempts, next_attempt_at, created_at, updated_at) "
	"SELECT CAST(lpad(to_hex(i), 8, '0') || '-0000-4000-8000-000000000000' AS uuid), "
	"i || '-0', i, 0, gen_random_uuid(), gen_random_uuid(), 'host.up', '{}', "
	"CASE i %% 3 WHEN 0 THEN 'pending' ELSE 'delivered' END, i %% 3, "
	"'2027-01-15T07:00:00Z', '2027-01-15T07:00:00Z', '2027-01-15T07:00:00Z' "
	"FROM generate_series(%1$d, %2$d) AS i;"
	"INSERT INTO wrenn_events.delivery_attempts (delivery_id, number, started_at, "
	"duration_us, verdict) SELECT d.id, t.number, d.created_at, 5, 'delivered' "
	"FROM wrenn_events.deliveries d JOIN "
	"(SELECT 1 AS number UNION ALL SELECT 2) AS t ON t.number <= d.attempts "
	"WHERE d.stream_ms BETWEEN %1$d AND %2$d";

static struct db *open_or_fail(const char *url)
{
	struct reason why = { .text = "" };
	struct db *db = NULL;

	cr_assert_eq(db_open(url, true, &db, &why), 0, "%s", why.text);
	return db;
}

/* What an older version left. */
static void make_old_store(enum database_engine engine, int last, struct database *database)
{
	bool embedded = engine == DATABASE_SQLITE;
	char name[64];
	struct db *db;

	snprintf(name, sizeof(name), "filled_%d", (int)getpid());
	if (embedded) {
		snprintf(database->url, sizeof(database->url), "sqlite:%s/%s.db",
			 getenv("TEST_DIR"), name);
	} else {
		database_create(name);
		snprintf(database->url, sizeof(database->url), "postgres:///%s%s", name,
			 strchr(getenv("TEST_POSTGRES_URL"), '?'));
	}
	cr_assert_eq(store_make(database->url, NULL), 0);
	db = open_or_fail(database->url);
	cr_assert_eq(db->engine->begin(db, true), 0);
	for (int i = 0; i < last; i++) {
		char version[128];

		run_script_of(db, embedded ? schema_steps[i].sqlite : schema_steps[i].postgres);
		snprintf(version, sizeof(version),
			 embedded ? "INSERT INTO wrenn_events_schema VALUES (%d, '')"
				  : "INSERT INTO wrenn_events.schema_version VALUES (%d, now())",
			 i + 1);
		run_script_of(db, version);
	}
	cr_assert_eq(db->engine->commit(db), 0);
	db_close(db);
}

/* True when the migration ended before it was killed. */
static bool migrate_and_die(const char *url, int after_us)
{
	pid_t child = fork();
	int status = 0;

	cr_assert_geq(child, 0);
	if (child == 0) {
		const struct sigaction dies = { .sa_handler = SIG_DFL };
		const struct itimerval kill = { .it_value = { .tv_usec = after_us } };

		/* As after kill -9, nothing of this process runs afterwards. */
		sigaction(SIGALRM, &dies, NULL);
		setitimer(ITIMER_REAL, &kill, NULL);
		_exit(store_migrate(url, NULL) == 0 ? 0 : 1);
	}
	cr_assert_eq(waitpid(child, &status, 0), child);
	if (!WIFSIGNALED(status))
		cr_assert_eq(WEXITSTATUS(status), 0, "the migration failed");
	return !WIFSIGNALED(status);
}

static int rows_wanted(void)
{
	const char *wanted = getenv("TEST_MIGRATION_ROWS");

	return wanted ? (int)strtol(wanted, NULL, 10) / 3 * 3 : ROWS;
}

static void fill(enum database_engine engine, const char *url, int rows)
{
	struct db *db = open_or_fail(url);
	char script[2048];

	for (int first = 1; first <= rows; first += PIECE) {
		int last = first + PIECE - 1 < rows ? first + PIECE - 1 : rows;

		snprintf(script, sizeof(script),
			 engine == DATABASE_SQLITE ? fill_sqlite : fill_postgres, first, last);
		run_script_of(db, script);
	}
	db_close(db);
}

static void check_rows(const struct database *database, int rows)
{
	cr_expect_eq(database_ask(database, "SELECT count(*) FROM deliveries WHERE state = "
					    "'pending' AND attempts = 0"),
		     rows / 3);
	cr_expect_eq(database_ask(database, "SELECT count(*) FROM deliveries"), rows);
	cr_expect_eq(database_ask(database, "SELECT count(*) FROM attempts"), rows);
	cr_expect_eq(database_ask(database, "SELECT count(*) FROM attempts a JOIN deliveries d "
					    "ON d.id = a.delivery_id WHERE a.number = d.attempts "
					    "AND a.duration_us = 5"),
		     rows - rows / 3);
}

static void kill_in_the_middle(enum database_engine engine)
{
	int rows = rows_wanted();
	struct database database;
	unsigned killed = 0;

	make_old_store(engine, OLD_VERSION, &database);
	fill(engine, database.url, rows);
	for (int after_us = 500; !migrate_and_die(database.url, after_us); after_us += after_us / 2)
		killed++;
	cr_expect_gt(killed, 0u);
	check_rows(&database, rows);
}

Test(filled, keeps_its_rows_when_the_migration_is_killed_on_sqlite)
{
	kill_in_the_middle(DATABASE_SQLITE);
}

Test(filled, keeps_its_rows_when_the_migration_is_killed_on_postgres)
{
	kill_in_the_middle(DATABASE_POSTGRES);
}

#define FILTERS_VERSION 12 /* the last schema with a table of filters */
#define FILTER          "'{\"outcome\":[\"error\"]}'"
#define FILTERED        "'11111111-1111-4111-8111-111111111111', " FILTER ", '2027-01-15T07:00:00"

static void move_filters(enum database_engine engine)
{
	struct database database;
	struct db *db;

	make_old_store(engine, FILTERS_VERSION, &database);
	db = open_or_fail(database.url);
	run_script_of(db, engine == DATABASE_SQLITE
				  ? "INSERT INTO channel_filters VALUES (" FILTERED ".000000Z')"
				  : "INSERT INTO wrenn_events.channel_filters VALUES (" FILTERED
				    "Z')");
	db_close(db);
	cr_assert_eq(store_migrate(database.url, NULL), 0);
	cr_expect_eq(database_ask(&database,
				  "SELECT count(*) FROM channel_options WHERE channel_id = "
				  "'11111111-1111-4111-8111-111111111111' AND options = "
				  "'{\"filter\":{\"outcome\":[\"error\"]}}'"),
		     1);
}

Test(filled, keeps_its_filters_as_options_on_sqlite)
{
	move_filters(DATABASE_SQLITE);
}

Test(filled, keeps_its_filters_as_options_on_postgres)
{
	move_filters(DATABASE_POSTGRES);
}
