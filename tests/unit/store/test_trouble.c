/* SPDX-License-Identifier: Apache-2.0 */

/* Whether writes succeed is known from the last one, from one under way, and from one made to find
 * out. */
#include <sqlite3.h>

#include "jobs.h"
#include "tests/support/patience.h"

static void expect_trouble(const char *words, const char *expected)
{
	if (!expected)
		cr_expect_null(words, "%s", words);
	else
		cr_expect(words && strcmp(words, expected) == 0, "%s", words ? words : "none");
}

static int write_with(struct fixture *fixture, int (*run)(struct db *db, struct store_job *job))
{
	struct entry entry;

	entry_init(&entry, NULL, 1);
	entry.job.run = run;
	cr_assert_eq(store_write(fixture->store, &entry.job), 0);
	loop_until(&fixture->loop, &entry.done);
	return entry.rc;
}

#define FAILS_WITH(name, code)                                \
	static int name(struct db *db, struct store_job *job) \
	{                                                     \
		(void)db;                                     \
		(void)job;                                    \
		return code;                                  \
	}
FAILS_WITH(succeed, 0)
FAILS_WITH(meet_a_full_disk, -ENOSPC)
FAILS_WITH(meet_a_lock, -EBUSY)
FAILS_WITH(run_out_of_memory, -ENOMEM)
FAILS_WITH(be_refused, -EIO)
FAILS_WITH(repeat_itself, -EEXIST)

TEST_BOTH(trouble, is_what_the_last_write_met)
{
	static const struct {
		int (*run)(struct db *db, struct store_job *job);
		const char *words;
	} steps[] = {
		{ meet_a_full_disk, "the disk is full" },
		{ meet_a_lock, "it is locked" },
		{ run_out_of_memory, "out of memory" },
		{ be_refused, "it refuses writes" },
		{ repeat_itself, "it refuses writes" }, /* says nothing about the store */
		{ succeed, NULL },
		{ repeat_itself, NULL },
	};
	struct fixture fixture;

	fixture_open(&fixture, database->url, 1, 0);
	wait_for_state(&fixture, true);
	expect_trouble(store_trouble(fixture.store), NULL);
	for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
		(void)write_with(&fixture, steps[i].run);
		expect_trouble(store_trouble(fixture.store), steps[i].words);
	}
	fixture_close(&fixture);
}

Test(trouble, is_a_write_that_does_not_come_to_an_end)
{
	struct database database = database_make(DATABASE_SQLITE);
	struct entry waiting;
	struct fixture fixture;
	struct gate gate;

	fixture_open(&fixture, database.url, 1, 0);
	gate_init(&gate);
	cr_assert_eq(store_write(fixture.store, &gate.job), 0);
	uv_sem_wait(&gate.inside);
	entry_init(&waiting, NULL, 1);
	cr_assert_eq(store_write(fixture.store, &waiting.job), 0);
	expect_trouble(store_trouble(fixture.store), NULL);

	fixture.store->writes.trouble.stuck_ms = 0;
	expect_trouble(store_trouble(fixture.store), "a write has been stuck for 10 s");
	loop_until(&fixture.loop, &waiting.done);
	cr_expect_eq(waiting.rc, -EBUSY, "what waits is answered");
	cr_expect_eq(write_with(&fixture, succeed), -EBUSY, "and what comes");
	cr_expect_eq(count_rows(&fixture), 0, "while reading goes on");

	uv_sem_post(&gate.open);
	loop_until(&fixture.loop, &gate.done);
	fixture.store->writes.trouble.stuck_ms = 10000;
	expect_trouble(store_trouble(fixture.store), NULL);
	cr_expect_eq(write_with(&fixture, succeed), 0);
	fixture_close(&fixture);
	gate_destroy(&gate);
}

/* ---- a write to find out
 * ----------------------------------------------------------------------- */

Test(probe, meets_a_locked_file)
{
	struct database database = database_make(DATABASE_SQLITE);
	struct trouble trouble;
	struct reason why;
	sqlite3 *other = NULL;
	struct db *db = NULL;

	trouble_init(&trouble, TROUBLE_EVERYWHERE);
	cr_assert_eq(db_open(database.url, true, &db, &why), 0);
	cr_assert_eq(db_exec(db, "PRAGMA busy_timeout = 10"), 0);
	trouble_probe(&trouble, db);
	expect_trouble(trouble_text(&trouble), NULL);

	cr_assert_eq(sqlite3_open(database.url + strlen("sqlite:"), &other), SQLITE_OK);
	cr_assert_eq(sqlite3_exec(other, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
	trouble_probe(&trouble, db);
	expect_trouble(trouble_text(&trouble), "it is locked");
	cr_expect(trouble_wants_probe(&trouble), "until it is over");

	cr_assert_eq(sqlite3_exec(other, "COMMIT", NULL, NULL, NULL), SQLITE_OK);
	trouble_probe(&trouble, db);
	expect_trouble(trouble_text(&trouble), NULL);
	cr_expect_not(trouble_wants_probe(&trouble));
	sqlite3_close(other);
	db_close(db);
}

Test(probe, meets_each_locked_table)
{
	static const char *const tables[] = { "wrenn_events.positions", "wrenn_events.deliveries",
					      "public.audit_logs" };
	struct database database = database_make(DATABASE_POSTGRES);
	PGconn *other = PQconnectdb(database.url);
	struct trouble trouble;
	struct reason why;
	struct db *db = NULL;

	trouble_init(&trouble, TROUBLE_EVERYWHERE);
	cr_assert_eq(db_open(database.url, true, &db, &why), 0);
	cr_assert_eq(db_exec(db, "SET lock_timeout = 10"), 0);
	for (size_t i = 0; i < ARRAY_LEN(tables); i++) {
		char sql[128];

		snprintf(sql, sizeof(sql), "BEGIN; LOCK TABLE %s", tables[i]);
		PQclear(PQexec(other, sql));
		trouble_probe(&trouble, db);
		expect_trouble(trouble_text(&trouble), "it is locked");
		PQclear(PQexec(other, "COMMIT"));
		trouble_probe(&trouble, db);
		expect_trouble(trouble_text(&trouble), NULL);
	}
	PQfinish(other);
	db_close(db);
}

TEST_BOTH(probe, changes_nothing)
{
	struct trouble trouble;
	struct reason why;
	struct db *db = NULL;

	trouble_init(&trouble, TROUBLE_EVERYWHERE);
	cr_assert_eq(db_open(database->url, true, &db, &why), 0);
	trouble_probe(&trouble, db);
	expect_trouble(trouble_text(&trouble), NULL);
	db_close(db);
	cr_expect_eq(database_ask(database, "SELECT count(*) FROM audit_logs"), 0);
	cr_expect_eq(database_ask(database, "SELECT count(*) FROM deliveries"), 0);
}

Test(probe, is_wanted_after_a_quiet_time)
{
	struct trouble trouble;

	trouble_init(&trouble, TROUBLE_EVERYWHERE);
	cr_expect_not(trouble_wants_probe(&trouble));
	trouble.tried_ms -= 15000;
	cr_expect(trouble_wants_probe(&trouble));
}

/* The writer of audited rows finds out by itself that a lock is gone. */
Test(probe, of_the_audited_writer_ends_its_trouble)
{
	struct database database = database_make(DATABASE_POSTGRES);
	int64_t deadline_ms = clock_mono_ms() + PATIENCE_MS;
	struct fixture fixture;
	struct entry entry;

	fixture_open(&fixture, database.url, 1, 0);
	entry_init(&entry, NULL, 1);
	entry.job.run = meet_a_lock;
	entry.job.is_audited = true;
	cr_assert_eq(store_write(fixture.store, &entry.job), 0);
	loop_until(&fixture.loop, &entry.done);
	expect_trouble(store_trouble(fixture.store), "it is locked");
	while (store_trouble(fixture.store)) {
		cr_assert_lt(clock_mono_ms(), deadline_ms, "it is still said to be locked");
		uv_run(&fixture.loop, UV_RUN_NOWAIT);
		sched_yield();
	}
	fixture_close(&fixture);
}
