/* SPDX-License-Identifier: Apache-2.0 */

/* The database going away, being full, locked or damaged; and coming back without a restart. */
#include <fcntl.h>
#include <sqlite3.h>
#include <sys/stat.h>

#include "jobs.h"
#include "tests/support/patience.h"

static const char *path_of(const struct database *database)
{
	return database->url + sizeof("sqlite:") - 1;
}

static int write_one(struct fixture *fixture, int number)
{
	struct entry entry;

	entry_init(&entry, NULL, number);
	cr_assert_eq(store_write(fixture->store, &entry.job), 0);
	loop_until(&fixture->loop, &entry.done);
	return entry.rc;
}

/* ---- PostgreSQL -------------------------------------------------------------------------- */

/* Ends every other connection to this database, from a new one. */
static void kill_backends(const char *url)
{
	PGconn *killer = PQconnectdb(url);
	PGresult *result = PQexec(killer, "SELECT pg_terminate_backend(pid, 10000) FROM "
					  "pg_stat_activity WHERE datname = current_database() "
					  "AND pid <> pg_backend_pid()");

	cr_assert_eq(PQresultStatus(result), PGRES_TUPLES_OK, "%s", PQerrorMessage(killer));
	PQclear(result);
	PQfinish(killer);
}

struct killed {
	struct entry entry;
	const char *url;
};

static int kill_then_insert(struct db *db, struct store_job *job)
{
	struct killed *killed = container_of(job, struct killed, entry.job);

	kill_backends(killed->url);
	return entry_run(db, job);
}

Test(away, a_killed_backend_fails_its_jobs_and_the_next_ones_work)
{
	struct database database = database_make(DATABASE_POSTGRES);
	struct killed killed = { .url = database.url };
	struct fixture fixture;

	fixture_open(&fixture, database.url, 2, 0);
	cr_expect_eq(write_one(&fixture, 1), 0);
	cr_expect_eq(count_rows(&fixture), 1);
	entry_init(&killed.entry, NULL, 2);
	killed.entry.job.run = kill_then_insert;
	cr_assert_eq(store_write(fixture.store, &killed.entry.job), 0);
	loop_until(&fixture.loop, &killed.entry.done);
	cr_expect_eq(killed.entry.rc, -ENOTCONN);

	cr_expect_eq(write_one(&fixture, 3), 0, "without a restart");
	wait_for_state(&fixture, true);
	fixture_close(&fixture);
}

Test(away, a_connection_closed_while_idle_costs_no_job)
{
	struct database database = database_make(DATABASE_POSTGRES);
	struct fixture fixture;

	fixture_open(&fixture, database.url, 2, 0);
	cr_expect_eq(write_one(&fixture, 1), 0);
	cr_expect_eq(count_rows(&fixture), 1);
	kill_backends(database.url);
	for (int i = 0; i < 20; i++)
		cr_expect_eq(count_rows(&fixture), 1);
	cr_expect_eq(write_one(&fixture, 2), 0);
	cr_expect_eq(count_rows(&fixture), 2);
	fixture_close(&fixture);
}

Test(away, a_server_that_comes_late_is_found_and_its_schema_made)
{
	struct fixture fixture;
	struct count count = { .job = { .run = count_run, .on_done = count_done } };
	char name[64];
	char url[512];

	snprintf(name, sizeof(name), "late_%d", (int)getpid());
	snprintf(url, sizeof(url), "postgres:///%s%s", name,
		 strchr(getenv("TEST_POSTGRES_URL"), '?'));
	cr_expect_eq(store_migrate(url, NULL), -ENOTCONN);
	fixture_open(&fixture, url, 2, 0);
	cr_expect_eq(write_one(&fixture, 1), -ENOTCONN);
	cr_expect_not(store_is_up(fixture.store));
	cr_assert_eq(store_read(fixture.store, &count.job), 0);
	cr_expect_not(count.done, "on_done was called from within");
	loop_until(&fixture.loop, &count.done);
	cr_expect_eq(count.rc, -ENOTCONN);

	database_create(name);
	wait_for_state(&fixture, true);
	cr_expect_eq(write_one(&fixture, 2), 0);
	cr_expect_eq(count_rows(&fixture), 1);
	fixture_close(&fixture);
}

Test(away, closing_while_away_calls_everybody_back)
{
	static struct entry entries[10];
	struct journal journal = { .count = 0 };
	struct fixture fixture;

	fixture_open(&fixture, "postgres:///x?host=/nonexistent&user=x", 3, 0);
	for (int i = 0; i < 10; i++) {
		entry_init(&entries[i], &journal, i);
		cr_assert_eq((i % 2 ? store_write : store_read)(fixture.store, &entries[i].job), 0);
	}
	fixture_close(&fixture);
	cr_expect_eq(journal.count, 10);
	for (int i = 0; i < 10; i++)
		cr_expect(entries[i].rc == -ENOTCONN || entries[i].rc == -ECANCELED);
}

Test(away, the_reason_never_holds_the_password)
{
	struct reason why = { .text = "" };

	cr_expect_eq(store_migrate("postgres://u:s3cr3t@localhost:1/db?connect_timeout=2", &why),
		     -ENOTCONN);
	cr_expect_neq(why.text[0], '\0');
	cr_expect_null(strstr(why.text, "s3cr3t"), "%s", why.text);
}

/* ---- SQLite ---------------------------------------------------------------------------------- */

Test(away, a_sqlite_folder_that_is_in_the_way_can_be_cleared)
{
	struct fixture fixture;
	char blocker[256];
	char url[300];

	snprintf(blocker, sizeof(blocker), "%s/blocked_%d", getenv("TEST_DIR"), (int)getpid());
	snprintf(url, sizeof(url), "sqlite:%s/events.db", blocker);
	close(open(blocker, O_CREAT | O_WRONLY, 0600));
	fixture_open(&fixture, url, 1, 0);
	cr_expect_eq(write_one(&fixture, 1), -ENOTCONN);
	cr_expect_not(store_is_up(fixture.store));
	cr_assert_eq(unlink(blocker), 0);
	cr_assert_eq(store_make(url, NULL), 0);
	wait_for_state(&fixture, true);
	cr_expect_eq(write_one(&fixture, 2), 0);
	cr_expect_eq(count_rows(&fixture), 1);
	fixture_close(&fixture);
}

static void move_files(const char *from, const char *to)
{
	static const char *const endings[] = { "-wal", "-shm", "" };
	char old[600];
	char new[600];

	for (size_t i = 0; i < ARRAY_LEN(endings); i++) {
		snprintf(old, sizeof(old), "%s%s", from, endings[i]);
		snprintf(new, sizeof(new), "%s%s", to, endings[i]);
		(void)rename(old, new); /* the log is not there when nobody has the file open */
	}
}

/* Each connection notices by itself, so a job may fail before it is served again. */
static void write_until_stored(struct fixture *fixture, int number)
{
	int64_t deadline_ms = clock_mono_ms() + PATIENCE_MS;
	int rc;

	while ((rc = write_one(fixture, number)) != 0)
		cr_assert(rc == -ENOTCONN && clock_mono_ms() < deadline_ms, "%d", rc);
}

/* A volume is unmounted and mounted again. */
Test(away, a_sqlite_file_that_vanishes_is_waited_for_and_not_replaced)
{
	struct database database = database_make(DATABASE_SQLITE);
	const char *path = path_of(&database);
	struct fixture fixture;
	char aside[500];

	snprintf(aside, sizeof(aside), "%s.aside", path);
	fixture_open(&fixture, database.url, 2, 0);
	cr_expect_eq(write_one(&fixture, 1), 0);
	cr_expect_eq(count_rows(&fixture), 1);
	move_files(path, aside);
	cr_expect_eq(write_one(&fixture, 2), -ENOTCONN);
	wait_for_state(&fixture, false);
	cr_expect_eq(access(path, F_OK), -1, "an empty one was made");

	move_files(aside, path);
	write_until_stored(&fixture, 3);
	cr_expect_eq(count_rows(&fixture), 2);
	fixture_close(&fixture);
}

TEST_BOTH(away, another_store_in_its_place_is_refused)
{
	const enum database_engine engine =
		database->url[0] == 's' ? DATABASE_SQLITE : DATABASE_POSTGRES;
	struct database other = database_make(engine);
	char identity[DB_IDENTITY_SIZE] = "";
	struct reason why = { .text = "" };
	struct db *db = NULL;

	cr_assert_eq(db_open_same(database->url, true, identity, &db, &why), 0, "%s", why.text);
	db_close(db);
	cr_expect_eq(strlen(identity), DB_IDENTITY_SIZE - 1);
	cr_assert_eq(db_open_same(database->url, false, identity, &db, &why), 0, "%s", why.text);
	db_close(db);
	cr_expect_eq(db_open_same(other.url, true, identity, &db, &why), -ENXIO);
	cr_expect_eq(db_open_same(other.url, false, identity, &db, &why), -ENXIO);
	cr_expect_not_null(strstr(why.text, "another store"), "%s", why.text);
}

Test(away, what_has_no_schema_yet_is_no_store_that_came_back)
{
	struct database database = database_make(DATABASE_SQLITE);
	char identity[DB_IDENTITY_SIZE] = "";
	struct reason why = { .text = "" };
	struct db *db = NULL;

	cr_assert_eq(db_open_same(database.url, true, identity, &db, &why), 0, "%s", why.text);
	db_close(db);
	cr_assert_eq(truncate(path_of(&database), 0), 0);
	cr_expect_eq(db_open_same(database.url, true, identity, &db, &why), -ENXIO);
	cr_expect_not_null(strstr(why.text, "schema 0"), "%s", why.text);
}

Test(away, a_sqlite_file_that_was_removed_is_noticed)
{
	struct database database = database_make(DATABASE_SQLITE);
	struct reason why;
	struct db *db = NULL;

	cr_assert_eq(db_open(database.url, true, &db, &why), 0);
	cr_expect(db->engine->is_alive(db));
	cr_assert_eq(unlink(path_of(&database)), 0);
	cr_expect_not(db->engine->is_alive(db));
	cr_expect(db->is_lost);
	db_close(db);
}

static const struct db_query limit_pages = { .sql = "PRAGMA max_page_count = 100" };
static const struct db_query unlimit_pages = { .sql = "PRAGMA max_page_count = 1000000" };
static const struct db_query insert_large = {
	.sql = "INSERT INTO positions (group_name, last_id, last_ms, last_seq, updated_at) "
	       "VALUES (hex(randomblob(1000000)), '0-0', 0, 0, '')",
};

static int run_query(struct db *db, const struct db_query *query)
{
	return db_run_now(db, query, NULL, 0, NULL, NULL, NULL);
}

static int limit_run(struct db *db, struct store_job *job)
{
	(void)job;
	return run_query(db, &limit_pages);
}

static int unlimit_run(struct db *db, struct store_job *job)
{
	(void)job;
	return run_query(db, &unlimit_pages);
}

static int large_run(struct db *db, struct store_job *job)
{
	(void)job;
	return run_query(db, &insert_large);
}

Test(full, disk_fails_the_job_that_needs_room_and_no_other)
{
	int (*const runs[])(struct db *, struct store_job *) = { limit_run, entry_run, large_run,
								 entry_run, large_run, unlimit_run,
								 large_run };
	const int codes[ARRAY_LEN(runs)] = { 0, 0, -ENOSPC, 0, -ENOSPC, 0, 0 };
	struct database database = database_make(DATABASE_SQLITE);
	struct entry entries[ARRAY_LEN(runs)];
	struct fixture fixture;
	struct gate gate;

	fixture_open(&fixture, database.url, 1, 0);
	gate_init(&gate);
	cr_assert_eq(store_write(fixture.store, &gate.job), 0);
	uv_sem_wait(&gate.inside);
	for (size_t i = 0; i < ARRAY_LEN(runs); i++) {
		entry_init(&entries[i], NULL, (int)i);
		entries[i].job.run = runs[i];
		cr_assert_eq(store_write(fixture.store, &entries[i].job), 0);
	}
	uv_sem_post(&gate.open);
	loop_until(&fixture.loop, &entries[ARRAY_LEN(runs) - 1].done);
	for (size_t i = 0; i < ARRAY_LEN(runs); i++)
		cr_expect_eq(entries[i].rc, codes[i], "job %zu: %d", i, entries[i].rc);
	cr_expect_eq(count_rows(&fixture), 3);
	fixture_close(&fixture);
	gate_destroy(&gate);
}

static int insert_row_zero(struct db *db, void *arg)
{
	(void)arg;
	return insert_number(db, 0, false, NULL);
}

Test(locked, sqlite_gives_up_after_five_seconds)
{
	struct database database = database_make(DATABASE_SQLITE);
	sqlite3 *other = NULL;

	cr_assert_eq(sqlite3_open(path_of(&database), &other), SQLITE_OK);
	cr_assert_eq(sqlite3_exec(other, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
	cr_expect_eq(run_script(&database, insert_row_zero, NULL), -EBUSY);
	cr_assert_eq(sqlite3_exec(other, "COMMIT", NULL, NULL, NULL), SQLITE_OK);
	cr_expect_eq(run_script(&database, insert_row_zero, NULL), 0);
	sqlite3_close(other);
}

Test(locked, postgres_gives_up_after_five_seconds)
{
	struct database database = database_make(DATABASE_POSTGRES);
	PGconn *other = PQconnectdb(database.url);

	PQclear(PQexec(other, "BEGIN; LOCK TABLE wrenn_events.positions"));
	cr_expect_eq(run_script(&database, insert_row_zero, NULL), -EBUSY);
	PQclear(PQexec(other, "COMMIT"));
	cr_expect_eq(run_script(&database, insert_row_zero, NULL), 0);
	PQfinish(other);
}

/* ---- damaged and foreign files ------------------------------------------------------------------
 */

#define FILE_MAX (1024 * 1024)

static size_t read_file(const char *path, char *into)
{
	FILE *file = fopen(path, "rb");
	cr_assert_not_null(file);
	size_t len = fread(into, 1, FILE_MAX, file);
	fclose(file);
	return len;
}

static void write_file(const char *path, long at, const void *bytes, size_t len)
{
	FILE *file = fopen(path, at ? "r+b" : "wb");
	cr_assert_not_null(file);
	cr_assert_eq(fseek(file, at, SEEK_SET), 0);
	cr_assert_eq(fwrite(bytes, 1, len, file), len);
	fclose(file);
}

/* Migration refuses with -EBADMSG and a sentence, and not one byte of the file changes. */
static void expect_refused_untouched(const char *url, const char *path, const char *sentence)
{
	static char before[FILE_MAX];
	static char after[FILE_MAX];
	struct reason why = { .text = "" };
	size_t len = read_file(path, before);

	cr_expect_eq(store_migrate(url, &why), -EBADMSG, "%s", why.text);
	cr_expect_not_null(strstr(why.text, sentence), "%s", why.text);
	cr_assert_eq(read_file(path, after), len);
	cr_expect_arr_eq(before, after, len);
}

static void temporary_url(char *url, size_t size, const char *name)
{
	snprintf(url, size, "sqlite:%s/%s_%d.db", getenv("TEST_DIR"), name, (int)getpid());
}

Test(damaged, a_file_that_is_no_database_is_left_alone)
{
	static char text[8192];
	char url[512];

	memset(text, 'x', sizeof(text));
	temporary_url(url, sizeof(url), "letter");
	write_file(url + 7, 0, text, sizeof(text));
	expect_refused_untouched(url, url + 7, "not a SQLite database");
}

Test(damaged, the_database_of_another_program_is_left_alone)
{
	sqlite3 *other = NULL;
	char url[512];

	temporary_url(url, sizeof(url), "foreign");
	cr_assert_eq(sqlite3_open(url + 7, &other), SQLITE_OK);
	cr_assert_eq(sqlite3_exec(other, "CREATE TABLE recipes (cake TEXT)", NULL, NULL, NULL),
		     SQLITE_OK);
	sqlite3_close(other);
	expect_refused_untouched(url, url + 7, "another program");
}

Test(damaged, a_file_with_a_broken_schema_page_is_left_alone)
{
	struct database database = database_make(DATABASE_SQLITE);
	static char garbage[2000];

	memset(garbage, 0xa5, sizeof(garbage));
	write_file(path_of(&database), 100, garbage, sizeof(garbage));
	expect_refused_untouched(database.url, path_of(&database), "damaged");
}

static const struct db_query sum_all = { .sql = "SELECT sum(last_ms) FROM positions" };

static int read_sum(struct db *db, void *arg)
{
	return db_run_now(db, &sum_all, NULL, 0, take_count, arg, NULL);
}

static int insert_many(struct db *db, void *arg)
{
	int rc = 0;

	(void)arg;
	for (int i = 0; i < 5000 && !rc; i++)
		rc = insert_number(db, i, true, NULL);
	return rc;
}

Test(damaged, pages_give_eio)
{
	struct database database = database_make(DATABASE_SQLITE);
	static char garbage[60000];
	struct stat status;
	int64_t sum = 0;

	cr_assert_eq(run_script(&database, insert_many, NULL), 0);
	cr_assert_eq(stat(path_of(&database), &status), 0);
	memset(garbage, 0xa5, sizeof(garbage));
	cr_assert_gt(status.st_size, (off_t)(2 * sizeof(garbage)));
	write_file(path_of(&database), status.st_size - (long)sizeof(garbage), garbage,
		   sizeof(garbage));
	cr_expect_eq(run_script(&database, read_sum, &sum), -EIO);
}

Test(damaged, an_empty_file_counts_as_new)
{
	char url[512];

	temporary_url(url, sizeof(url), "empty");
	write_file(url + 7, 0, "", 0);
	cr_expect_eq(store_make(url, NULL), 0);
	cr_expect_eq(store_migrate(url, NULL), 0);
}

Test(away, audited_writes_are_answered_too)
{
	struct fixture fixture;
	struct entry entry;

	fixture_open(&fixture, "postgres:///x?host=/nonexistent&user=x", 1, 0);
	entry_init(&entry, NULL, 1);
	entry.job.is_audited = true;
	cr_assert_eq(store_write(fixture.store, &entry.job), 0);
	loop_until(&fixture.loop, &entry.done);
	cr_expect_eq(entry.rc, -ENOTCONN);
	fixture_close(&fixture);
}
