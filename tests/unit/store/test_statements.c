/* SPDX-License-Identifier: Apache-2.0 */

/* Statements: pipelines, what sticks after a failure, and the codes of the two engines. */
#include <signal.h>

#include "jobs.h"
#include "store/postgres_connection.h"

#define THOUSANDS 10000

static int insert_thousands(struct db *db, void *arg)
{
	static int64_t changed[THOUSANDS];
	int rc = 0;

	(void)arg;
	for (int i = 0; i < THOUSANDS && !rc; i++)
		rc = insert_number(db, i, true, &changed[i]);
	if (!rc)
		rc = db_flush(db);
	for (int i = 0; i < THOUSANDS; i++)
		cr_assert_eq(changed[i], 1, "insert %d", i);
	return rc;
}

TEST_BOTH(pipeline, takes_ten_thousand_inserts)
{
	cr_expect_eq(run_script(database, insert_thousands, NULL), 0);
	cr_expect_eq(database_ask(database, "SELECT count(*) FROM positions"), THOUSANDS);
}

static const struct db_query echo_number = { .sql = "SELECT $1::bigint", .sqlite = "SELECT $1" };

static int append_number(const struct db_row *row, void *arg)
{
	struct journal *journal = arg;

	journal->order[journal->count++] = (int)row_int(row, 0);
	return 0;
}

static int echo_numbers(struct db *db, void *arg)
{
	int rc = 0;

	for (int i = 0; i < 700 && !rc; i++) {
		const struct db_value value = db_int(i);
		rc = db_run(db, &echo_number, &value, 1, append_number, arg, NULL);
	}
	int flushed = db_flush(db);
	return rc ? rc : flushed;
}

TEST_BOTH(pipeline, serves_rows_in_the_order_of_the_statements)
{
	struct journal journal = { .count = 0 };

	cr_expect_eq(run_script(database, echo_numbers, &journal), 0);
	cr_assert_eq(journal.count, 700);
	for (int i = 0; i < 700; i++)
		cr_expect_eq(journal.order[i], i);
}

static int fail_in_the_middle(struct db *db, void *arg)
{
	int64_t *after = arg;
	int first = 0;

	for (int i = 0; i < 300; i++) {
		int rc = insert_number(db, i == 140 ? 0 : i, true, NULL);

		cr_expect(rc == 0 || rc == -EEXIST);
		if (first && !rc)
			cr_expect_fail("statement %d forgot the failure before it", i);
		first = first ? first : rc;
	}
	cr_expect_eq(db_flush(db), -EEXIST);
	cr_expect_eq(db_run_now(db, &count_positions, NULL, 0, take_count, after, NULL), -EEXIST,
		     "the transaction is lost");
	return 0;
}

TEST_BOTH(pipeline, a_failure_sticks_and_undoes_the_transaction)
{
	int64_t after = -1;

	cr_expect_eq(run_script(database, fail_in_the_middle, &after), -EEXIST,
		     "though the job returned 0");
	cr_expect_eq(after, -1);
	cr_expect_eq(database_ask(database, "SELECT count(*) FROM positions"), 0);
}

/* ---- changed ------------------------------------------------------------------------------- */

static const struct {
	struct db_query query;
	int64_t changed;
} changes[] = {
	{ { .sql = "UPDATE positions SET last_ms = 9 WHERE last_ms < 3" }, 3 },
	{ { .sql = "SELECT last_ms FROM positions" }, 0 },
	{ { .sql = "UPDATE positions SET last_ms = 1 WHERE last_ms = 77" }, 0 },
	{ { .sql = "INSERT INTO positions (group_name, last_id, last_ms, last_seq, updated_at) "
		   "SELECT group_name, last_id, 5, 5, updated_at FROM positions WHERE true "
		   "ON CONFLICT (group_name) DO NOTHING" },
	  0 },
	{ { .sql = "INSERT INTO positions (group_name, last_id, last_ms, last_seq, updated_at) "
		   "SELECT group_name, last_id, 5, 5, updated_at FROM positions WHERE true "
		   "ON CONFLICT (group_name) DO UPDATE SET last_seq = excluded.last_seq" },
	  5 },
	{ { .sql = "UPDATE positions SET last_ms = 4 RETURNING last_ms" }, 5 },
	{ { .sql = "DELETE FROM positions WHERE (group_name, last_ms) > ('g1', 0)" }, 4 },
	{ { .sql = "DELETE FROM positions" }, 1 },
};

static int count_changes(struct db *db, void *arg)
{
	int rc = 0;

	(void)arg;
	for (int i = 0; i < 5 && !rc; i++)
		rc = insert_number(db, i, true, NULL);
	for (size_t i = 0; i < ARRAY_LEN(changes) && !rc; i++) {
		int64_t changed = -1;

		rc = db_run_now(db, &changes[i].query, NULL, 0, NULL, NULL, &changed);
		cr_expect_eq(changed, changes[i].changed, "case %zu: %lld", i, (long long)changed);
	}
	return rc;
}

TEST_BOTH(changed, counts_rows_inserted_updated_and_deleted)
{
	cr_expect_eq(run_script(database, count_changes, NULL), 0);
}

/* ---- codes --------------------------------------------------------------------------------------
 */

static const struct db_query not_null = {
	.sql = "INSERT INTO positions (group_name, last_id, last_ms, last_seq, updated_at) "
	       "VALUES ('x', NULL, 0, 0, $1)",
};
static const struct db_query foreign_key = {
	.sql = "INSERT INTO team_api_keys (id, team_id, name, key_hash, key_prefix, created_at) "
	       "VALUES ($1, $1, 'x', 'x', 'x', $2)",
};
static const struct db_query wrong_type = {
	.sql = "INSERT INTO positions (group_name, last_id, last_ms, last_seq, updated_at) "
	       "VALUES ('x', '0-0', $1, 0, $2)",
};

static int break_not_null(struct db *db, void *arg)
{
	const struct db_value values[] = { db_time(0) };

	(void)arg;
	return db_run_now(db, &not_null, values, 1, NULL, NULL, NULL);
}

static int break_foreign_key(struct db *db, void *arg)
{
	const struct uuid nobody = { .bytes = { 9 } };
	const struct db_value values[] = { db_uuid(&nobody), db_time(0) };

	(void)arg;
	return db_run_now(db, &foreign_key, values, 2, NULL, NULL, NULL);
}

static int break_type(struct db *db, void *arg)
{
	const struct db_value values[] = { db_text(STR("twelve")), db_time(0) };

	(void)arg;
	return db_run_now(db, &wrong_type, values, 2, NULL, NULL, NULL);
}

TEST_BOTH(codes, other_constraints_and_wrong_types_are_refused)
{
	cr_expect_eq(run_script(database, break_not_null, NULL), -EINVAL);
	cr_expect_eq(run_script(database, break_foreign_key, NULL), -EINVAL);
	cr_expect_eq(run_script(database, break_type, NULL), -EINVAL);
}

/* The versions of clang-format disagree about braces in a macro. */
/* clang-format off */
#define RAISE(state) \
	{ .sql = "DO $$ BEGIN RAISE EXCEPTION 'x' USING ERRCODE = '" state "'; END $$" }
/* clang-format on */

static const struct {
	struct db_query query;
	int code;
} states[] = {
	{ RAISE("23505"), -EEXIST },   { RAISE("23503"), -EINVAL },   { RAISE("22P02"), -EINVAL },
	{ RAISE("42P01"), -EIO },      { RAISE("0A000"), -EIO },      { RAISE("53100"), -ENOSPC },
	{ RAISE("53200"), -EBUSY },    { RAISE("55P03"), -EBUSY },    { RAISE("57014"), -EBUSY },
	{ RAISE("40001"), -EBUSY },    { RAISE("40P01"), -EBUSY },    { RAISE("26000"), -EBUSY },
	{ RAISE("57P01"), -ENOTCONN }, { RAISE("08006"), -ENOTCONN }, { RAISE("25006"), -ENOTCONN },
	{ RAISE("XX001"), -EIO },      { RAISE("58030"), -EIO },
};

static int raise_state(struct db *db, void *arg)
{
	return db_run_now(db, arg, NULL, 0, NULL, NULL, NULL);
}

Test(codes, follow_the_sqlstate)
{
	struct database database = database_make(DATABASE_POSTGRES);

	for (size_t i = 0; i < ARRAY_LEN(states); i++)
		cr_expect_eq(run_script(&database, raise_state, (void *)&states[i].query),
			     states[i].code, "%s", states[i].query.sql);
}

static const struct db_query serialization_failure = RAISE("40001");

static int fail_once(struct db *db, void *arg)
{
	if (++*(int *)arg == 1)
		return db_run_now(db, &serialization_failure, NULL, 0, NULL, NULL, NULL);
	return insert_number(db, 1, false, NULL);
}

Test(codes, a_deadlock_is_tried_again)
{
	struct database database = database_make(DATABASE_POSTGRES);
	int runs = 0;

	cr_expect_eq(run_script(&database, fail_once, &runs), 0);
	cr_expect_eq(runs, 2);
	cr_expect_eq(database_ask(&database, "SELECT count(*) FROM positions"), 1);
}

/* ---- prepared statements under a changing schema ------------------------------------------------
 */

static const struct db_query select_all = { .sql = "SELECT * FROM positions" };
static const struct db_query deallocate = { .sql = "DEALLOCATE ALL", .sqlite = "SELECT 1" };

struct row_reading {
	struct store_job job;
	bool done;
	int rc;
};

static int read_all(struct db *db, struct store_job *job)
{
	(void)job;
	return db_run_now(db, &select_all, NULL, 0, NULL, NULL, NULL);
}

static void reading_done(struct store_job *job, int rc)
{
	struct row_reading *reading = container_of(job, struct row_reading, job);

	reading->done = true;
	reading->rc = rc;
}

static int submit_and_wait(struct fixture *fixture,
			   int (*submit)(struct store *store, struct store_job *job),
			   int (*run)(struct db *db, struct store_job *job))
{
	struct row_reading reading = { .job = { .run = run, .on_done = reading_done } };

	cr_assert_eq(submit(fixture->store, &reading.job), 0);
	loop_until(&fixture->loop, &reading.done);
	return reading.rc;
}

TEST_BOTH(prepared, statements_survive_a_schema_change)
{
	struct fixture fixture;

	fixture_open(&fixture, database->url, 1, 0);
	cr_expect_eq(submit_and_wait(&fixture, store_read, read_all), 0);
	cr_expect_eq(submit_and_wait(&fixture, store_write, read_all), 0);
	database_ask(database, "ALTER TABLE positions ADD COLUMN extra integer");
	cr_expect_eq(submit_and_wait(&fixture, store_read, read_all), 0);
	cr_expect_eq(submit_and_wait(&fixture, store_write, read_all), 0);
	fixture_close(&fixture);
}

static int forget(struct db *db, struct store_job *job)
{
	(void)job;
	return db_run_now(db, &deallocate, NULL, 0, NULL, NULL, NULL);
}

TEST_BOTH(prepared, statements_the_server_forgot_are_prepared_again)
{
	struct fixture fixture;

	fixture_open(&fixture, database->url, 1, 0);
	cr_expect_eq(submit_and_wait(&fixture, store_write, read_all), 0);
	cr_expect_eq(submit_and_wait(&fixture, store_write, forget), 0);
	cr_expect_eq(submit_and_wait(&fixture, store_write, read_all), 0);
	fixture_close(&fixture);
}

static int prepare_after_a_failure(struct db *db, void *arg)
{
	/* Sent after a statement that fails, so it is skipped and not prepared. */
	(void)arg;
	int rc = db_run(db, &serialization_failure, NULL, 0, NULL, NULL, NULL);
	if (!rc)
		rc = db_run(db, &select_all, NULL, 0, NULL, NULL, NULL);
	return rc;
}

Test(prepared, a_skipped_statement_is_prepared_the_next_time)
{
	struct database database = database_make(DATABASE_POSTGRES);
	struct reason why;
	struct db *db = NULL;

	cr_assert_eq(db_open(database.url, true, &db, &why), 0);
	cr_expect_eq(prepare_after_a_failure(db, NULL), 0, "nothing is sent yet");
	cr_expect_eq(db_flush(db), DB_TRY_AGAIN);
	cr_expect_eq(db_run_now(db, &select_all, NULL, 0, NULL, NULL, NULL), 0);
	db_close(db);
}

/* ---- a server that stops answering
 * ------------------------------------------------------------------ */

static const struct db_query backend_pid = { .sql = "SELECT pg_backend_pid()" };

Test(server, that_stops_answering_is_given_up)
{
	struct database database = database_make(DATABASE_POSTGRES);
	struct reason why;
	struct db *db = NULL;
	int64_t pid = 0;

	cr_assert_eq(db_open(database.url, true, &db, &why), 0);
	cr_assert_eq(db_run_now(db, &backend_pid, NULL, 0, take_count, &pid, NULL), 0);
	postgres_of(db)->answer_ms = 300;
	cr_assert_eq(kill((pid_t)pid, SIGSTOP), 0);
	cr_expect_eq(db_run_now(db, &backend_pid, NULL, 0, take_count, &pid, NULL), -ENOTCONN);
	cr_expect(db->is_lost);
	cr_expect_not(db->engine->is_alive(db));
	cr_expect_eq(kill((pid_t)pid, SIGCONT), 0);
	db_close(db);
}

/* ---- SQLite's spelling
 * -------------------------------------------------------------------------------- */

static const struct db_query quoted = {
	.sql = "unused",
	.sqlite = "SELECT '$2' /* $3 */, \"name\" -- $4\n, $2 FROM (SELECT $1 AS \"name\")",
};

static int take_quoted(const struct db_row *row, void *arg)
{
	cr_expect(str_is(row_text(row, 0), "$2"));
	cr_expect(str_is(row_text(row, 1), "first"));
	cr_expect(str_is(row_text(row, 2), "second"));
	++*(int *)arg;
	return 0;
}

static int run_quoted(struct db *db, void *arg)
{
	const struct db_value values[] = { db_text(STR("first")), db_text(STR("second")) };

	return db_run_now(db, &quoted, values, 2, take_quoted, arg, NULL);
}

Test(sqlite, numbers_parameters_but_not_in_quotes_and_comments)
{
	struct database database = database_make(DATABASE_SQLITE);
	int rows = 0;

	cr_expect_eq(run_script(&database, run_quoted, &rows), 0);
	cr_expect_eq(rows, 1);
}
