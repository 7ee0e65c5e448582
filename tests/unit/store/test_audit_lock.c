/* SPDX-License-Identifier: Apache-2.0 */

/* Audited jobs on PostgreSQL while somebody else has audit_logs, and the order of priorities. */
#include "jobs.h"
#include "tests/support/patience.h"

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
	int64_t deadline_ms = clock_mono_ms() + PATIENCE_MS;

	while (database_ask(&held->database, "SELECT count(*) FROM " WAITING) == 0) {
		cr_assert_lt(clock_mono_ms(), deadline_ms, "nobody waits for the table");
		uv_run(&held->fixture.loop, UV_RUN_NOWAIT);
	}
}

/* Ends it as lock_timeout would, but sooner. */
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

/* ---- priorities
 * --------------------------------------------------------------------------------- */

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

/* ---- the two writers in each other's way ----------------------------------------------------- */

/* Touches two rows; in its first run the second only when the other job has its first. The one that
 * looks for a deadlock looks once, so it does that when the other one waits for it. */
struct crossing {
	struct store_job job;
	const struct db_query *patience;
	bool waits_for_other;
	const struct db_query *touches[2];
	uv_sem_t arrived;
	struct crossing *other;
	int runs;
	bool done;
	int rc;
};

static const struct db_query count_those_who_wait_for_us = {
	.sql = "SELECT count(*) FROM pg_locks WHERE locktype = 'transactionid' "
	       "AND transactionid = pg_current_xact_id()::xid AND NOT granted",
};

static int on_count(const struct db_row *row, void *arg)
{
	*(int64_t *)arg = row_int(row, 0);
	return 0;
}

/* If the other job were still to take our first row, a second run could be first and meet it again,
 * and then nobody looks for the deadlock. */
static const struct db_query count_what_the_other_stored = {
	.sql = "SELECT count(*) FROM positions WHERE group_name = 'g2' AND last_ms >= 100",
};

static int wait_until_some(struct db *db, const struct db_query *query)
{
	int64_t count = 0;
	int rc = 0;

	while (rc == 0 && count == 0)
		rc = db_run_now(db, query, NULL, 0, on_count, &count, NULL);
	return rc;
}

static int cross(struct db *db, struct store_job *job)
{
	struct crossing *crossing = container_of(job, struct crossing, job);
	int rc = db_run(db, crossing->patience, NULL, 0, NULL, NULL, NULL);

	if (rc == 0 && crossing->runs > 0 && crossing->waits_for_other)
		rc = wait_until_some(db, &count_what_the_other_stored);
	if (rc == 0)
		rc = db_run_now(db, crossing->touches[0], NULL, 0, NULL, NULL, NULL);
	if (crossing->runs++ == 0) {
		uv_sem_post(&crossing->other->arrived);
		uv_sem_wait(&crossing->arrived);
		if (rc == 0 && crossing->waits_for_other)
			rc = wait_until_some(db, &count_those_who_wait_for_us);
	}
	return rc ? rc : db_run(db, crossing->touches[1], NULL, 0, NULL, NULL, NULL);
}

static void crossed(struct store_job *job, int rc)
{
	struct crossing *crossing = container_of(job, struct crossing, job);

	crossing->done = true;
	crossing->rc = rc;
}

static const struct db_query touch_first = {
	.sql = "UPDATE positions SET last_ms = last_ms + 100 WHERE group_name = 'g1'",
};
static const struct db_query touch_second = {
	.sql = "UPDATE positions SET last_ms = last_ms + 100 WHERE group_name = 'g2'",
};

/* PostgreSQL ends the job that looks for a deadlock first. */
static const struct db_query look_at_once = {
	.sql = "SELECT set_config('deadlock_timeout', '10ms', true)",
};
static const struct db_query look_late = {
	.sql = "SELECT set_config('deadlock_timeout', '60s', true)",
};

/* The first job is the one that PostgreSQL ends; the main writer's is one of a group. */
static void meet_crosswise(int audited)
{
	struct database database = database_make(DATABASE_POSTGRES);
	struct crossing jobs[2] = {
		{ .patience = &look_at_once,
		  .waits_for_other = true,
		  .touches = { &touch_first, &touch_second },
		  .other = &jobs[1] },
		{ .patience = &look_late,
		  .touches = { &touch_second, &touch_first },
		  .other = &jobs[0] },
	};
	struct entry neighbours[2];
	struct entry rows[2];
	struct fixture fixture;
	struct gate gate;

	fixture_open(&fixture, database.url, 1, 0);
	for (int i = 0; i < 2; i++) {
		entry_init(&rows[i], NULL, i + 1);
		entry_init(&neighbours[i], NULL, i + 10);
		uv_sem_init(&jobs[i].arrived, 0);
		jobs[i].job = (struct store_job){ .run = cross, .on_done = crossed };
		cr_assert_eq(store_write(fixture.store, &rows[i].job), 0);
	}
	loop_until(&fixture.loop, &rows[1].done);
	gate_init(&gate);
	cr_assert_eq(store_write(fixture.store, &gate.job), 0);
	uv_sem_wait(&gate.inside);
	jobs[audited].job.is_audited = true;
	cr_assert_eq(store_write(fixture.store, &neighbours[0].job), 0);
	for (int i = 0; i < 2; i++)
		cr_assert_eq(store_write(fixture.store, &jobs[i].job), 0);
	cr_assert_eq(store_write(fixture.store, &neighbours[1].job), 0);
	uv_sem_post(&gate.open);
	for (int i = 0; i < 2; i++) {
		loop_until(&fixture.loop, &jobs[i].done);
		loop_until(&fixture.loop, &neighbours[i].done);
		cr_expect_eq(jobs[i].rc, 0, "%d: %d", i, jobs[i].rc);
		cr_expect_eq(neighbours[i].rc, 0, "%d: %d", i, neighbours[i].rc);
	}
	cr_expect_geq(jobs[0].runs, 2, "they did not meet");
	cr_expect_eq(jobs[1].runs, 1);
	cr_expect_eq(database_ask(&database, "SELECT sum(last_ms) FROM positions"),
		     1 + 2 + 10 + 11 + 4 * 100);
	fixture_close(&fixture);
	gate_destroy(&gate);
}

Test(crossing, writers_are_tried_again_and_lose_nothing)
{
	meet_crosswise(0);
	meet_crosswise(1);
}
