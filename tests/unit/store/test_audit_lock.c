/* SPDX-License-Identifier: Apache-2.0 */

/* Audited jobs on PostgreSQL while somebody else has audit_logs, and the order of priorities. */
#include "jobs.h"

static int touch(struct db *db, struct store_job *job)
{
	static const struct db_query touch_row = {
		.sql = "UPDATE positions SET last_ms = last_ms + 1 WHERE group_name = 'g1'",
	};

	container_of(job, struct entry, job)->runs++;
	return db_run_now(db, &touch_row, NULL, 0, NULL, NULL, NULL);
}

static int touch_and_audit(struct db *db, struct store_job *job)
{
	static const struct db_query audit = {
		.sql = "INSERT INTO audit_logs SELECT * FROM audit_logs WHERE false",
	};
	int rc = touch(db, job);

	return rc ? rc : db_run(db, &audit, NULL, 0, NULL, NULL, NULL);
}

/* PostgreSQL with one row to touch, and somebody else who has the table. */
struct held {
	struct database database;
	struct fixture fixture;
	struct journal journal;
	PGconn *other;
};

static void write_row(struct fixture *fixture)
{
	struct entry entry;

	entry_init(&entry, NULL, 1);
	cr_assert_eq(store_write(fixture->store, &entry.job), 0);
	loop_until(&fixture->loop, &entry.done);
	cr_assert_eq(entry.rc, 0);
}

static void held_open(struct held *held)
{
	*held = (struct held){ .database = database_make(DATABASE_POSTGRES) };
	held->other = PQconnectdb(held->database.url);
	fixture_open(&held->fixture, held->database.url, 1, 0);
	write_row(&held->fixture);
	PQclear(PQexec(held->other, "BEGIN; LOCK TABLE public.audit_logs"));
}

static void held_close(struct held *held)
{
	fixture_close(&held->fixture);
	PQfinish(held->other);
}

static void give_up_the_table(struct held *held)
{
	PQclear(PQexec(held->other, "COMMIT"));
}

static void submit_entry(struct held *held, struct entry *entry, int number, bool is_audited)
{
	entry_init(entry, &held->journal, number);
	entry->job.run = is_audited ? touch_and_audit : touch;
	entry->job.is_audited = is_audited;
	entry->job.needs_audit_lock = is_audited;
	cr_assert_eq(store_write(held->fixture.store, &entry->job), 0);
}

#define WAITING "pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"

static void wait_until_one_waits(struct held *held)
{
	int64_t deadline_ms = clock_mono_ms() + 30000;

	while (database_ask(&held->database, "SELECT count(*) FROM " WAITING) == 0) {
		cr_assert_lt(clock_mono_ms(), deadline_ms, "nobody waits for the table");
		uv_run(&held->fixture.loop, UV_RUN_NOWAIT);
	}
}

/* As lock_timeout would, and sooner. */
static void end_the_wait(struct held *held)
{
	wait_until_one_waits(held);
	(void)database_ask(&held->database, "SELECT count(pg_cancel_backend(pid)) FROM " WAITING);
}

Test(locked, audit_table_keeps_no_row_from_other_writes)
{
	struct entry audited;
	struct entry other;
	struct held held;

	held_open(&held);
	submit_entry(&held, &audited, 2, true);
	wait_until_one_waits(&held);
	submit_entry(&held, &other, 3, false);
	loop_until(&held.fixture.loop, &other.done);
	cr_expect_eq(other.rc, 0);
	cr_expect_not(audited.done, "the other write waited with it");
	give_up_the_table(&held);
	loop_until(&held.fixture.loop, &audited.done);
	cr_expect_eq(audited.rc, 0);
	held_close(&held);
}

Test(locked, audit_table_is_waited_for_by_one_job_at_a_time)
{
	struct entry entries[6];
	struct held held;

	held_open(&held);
	for (int i = 0; i < 3; i++)
		submit_entry(&held, &entries[i], i, true);
	entry_init(&entries[3], &held.journal, 3);
	entries[3].job.run = touch;
	entries[3].job.is_audited = true;
	cr_assert_eq(store_write(held.fixture.store, &entries[3].job), 0);
	end_the_wait(&held);
	for (int i = 0; i < 4; i++) {
		loop_until(&held.fixture.loop, &entries[i].done);
		cr_expect_eq(entries[i].rc, i < 3 ? -EBUSY : 0, "%d: %d", i, entries[i].rc);
		cr_expect(i == 0 || i == 3 || entries[i].runs == 0, "%d waited by itself", i);
	}

	submit_entry(&held, &entries[4], 4, true);
	wait_until_one_waits(&held);
	submit_entry(&held, &entries[5], 5, true);
	loop_until(&held.fixture.loop, &entries[5].done);
	cr_expect_eq(entries[5].rc, -EBUSY);
	cr_expect_not(entries[4].done, "the one after it waited for its end");
	give_up_the_table(&held);
	loop_until(&held.fixture.loop, &entries[4].done);
	cr_expect_eq(entries[4].rc, 0, "%d", entries[4].rc);
	held_close(&held);
}

/* A row that is locked for long says nothing about the table. */
Test(locked, row_leaves_the_audited_jobs_after_it_in_their_queue)
{
	struct entry entries[2];
	struct held held;

	held_open(&held);
	give_up_the_table(&held);
	PQclear(PQexec(held.other, "BEGIN; UPDATE wrenn_events.positions SET last_ms = 5"));
	for (int i = 0; i < 2; i++)
		submit_entry(&held, &entries[i], i, true);
	end_the_wait(&held);
	loop_until(&held.fixture.loop, &entries[0].done);
	cr_expect_eq(entries[0].rc, -EBUSY);
	cr_expect_not(entries[1].done);
	give_up_the_table(&held);
	loop_until(&held.fixture.loop, &entries[1].done);
	cr_expect_eq(entries[1].rc, 0);
	held_close(&held);
}

/* ---- priorities --------------------------------------------------------------------------------- */

TEST_BOTH(priority, decides_before_the_order_of_arrival)
{
	static const enum store_priority priorities[] = {
		STORE_PRIORITY_NORMAL,  STORE_PRIORITY_HIGH, STORE_PRIORITY_NORMAL,
		STORE_PRIORITY_HIGHEST, STORE_PRIORITY_HIGH, STORE_PRIORITY_HIGHEST,
	};
	static const int expected[] = { 3, 5, 1, 4, 0, 2 };
	struct journal journal = { .count = 0 };
	struct entry entries[ARRAY_LEN(priorities)];
	struct fixture fixture;
	struct gate gate;

	fixture_open(&fixture, database->url, 1, 0);
	gate_init(&gate);
	gate.job.is_audited = true;
	cr_assert_eq(store_write(fixture.store, &gate.job), 0);
	uv_sem_wait(&gate.inside);
	for (size_t i = 0; i < ARRAY_LEN(entries); i++) {
		entry_init(&entries[i], &journal, (int)i);
		entries[i].job.is_audited = true;
		entries[i].job.priority = priorities[i];
		cr_assert_eq(store_write(fixture.store, &entries[i].job), 0);
	}
	uv_sem_post(&gate.open);
	for (size_t i = 0; i < ARRAY_LEN(entries); i++)
		loop_until(&fixture.loop, &entries[i].done);
	for (size_t i = 0; i < ARRAY_LEN(expected); i++)
		cr_expect_eq(journal.order[i], expected[i], "place %zu has %d", i,
			     journal.order[i]);
	fixture_close(&fixture);
	gate_destroy(&gate);
}
