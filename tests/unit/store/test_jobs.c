/* SPDX-License-Identifier: Apache-2.0 */

/* Jobs: order, group commit, isolation from failing neighbours, bounds and closing. */
#include "jobs.h"

#define MANY 600 /* more than two groups */

static void write_all(struct fixture *fixture, struct entry *entries, int count)
{
	for (int i = 0; i < count; i++)
		cr_assert_eq(store_write(fixture->store, &entries[i].job), 0);
}

static void init_all(struct entry *entries, struct journal *journal, int count)
{
	for (int i = 0; i < count; i++)
		entry_init(&entries[i], journal, i);
}

static void expect_in_order(const struct journal *journal, int count)
{
	cr_expect_eq(journal->count, count);
	for (int i = 0; i < count; i++)
		cr_expect_eq(journal->order[i], i, "place %d has %d", i, journal->order[i]);
}

/* Holds the writer, queues the entries after it as one group, lets go and waits for the last. */
static void write_as_group(struct fixture *fixture, struct entry *entries, int count)
{
	struct gate gate;

	gate_init(&gate);
	cr_assert_eq(store_write(fixture->store, &gate.job), 0);
	uv_sem_wait(&gate.inside);
	write_all(fixture, entries, count);
	uv_sem_post(&gate.open);
	loop_until(&fixture->loop, &entries[count - 1].done);
	gate_destroy(&gate);
}

TEST_BOTH(jobs, call_back_once_each_in_order)
{
	static struct entry entries[MANY];
	struct journal journal = { .count = 0 };
	struct fixture fixture;

	fixture_open(&fixture, database->url, 1, 0);
	init_all(entries, &journal, MANY);
	write_all(&fixture, entries, MANY);
	cr_expect_eq(journal.count, 0, "on_done was called from within");
	loop_until(&fixture.loop, &entries[MANY - 1].done);
	expect_in_order(&journal, MANY);
	for (int i = 0; i < MANY; i++)
		cr_expect_eq(entries[i].rc, 0);
	cr_expect_eq(count_rows(&fixture), MANY);
	fixture_close(&fixture);
}

/* ---- groups ------------------------------------------------------------------------------- */

struct spy {
	struct entry entry;
	const char *url;
	int64_t seen;
};

/* Inserts, then counts with another connection what is committed. */
static int spy_run(struct db *db, struct store_job *job)
{
	struct spy *spy = container_of(job, struct spy, entry.job);
	struct reason why;
	struct db *other = NULL;
	int rc = entry_run(db, job);

	if (!rc)
		rc = db_open(spy->url, false, &other, &why);
	if (!rc)
		rc = db_run_now(other, &count_positions, NULL, 0, take_count, &spy->seen, NULL);
	db_close(other);
	return rc;
}

TEST_BOTH(group, is_one_transaction)
{
	static struct entry entries[9];
	struct spy spy = { .url = database->url, .seen = -1 };
	struct fixture fixture;
	struct gate gate;

	fixture_open(&fixture, database->url, 1, 0);
	init_all(entries, NULL, 9);
	entry_init(&spy.entry, NULL, 100);
	spy.entry.job.run = spy_run;
	gate_init(&gate);
	cr_assert_eq(store_write(fixture.store, &gate.job), 0);
	uv_sem_wait(&gate.inside);
	write_all(&fixture, entries, 9);
	cr_assert_eq(store_write(fixture.store, &spy.entry.job), 0);
	uv_sem_post(&gate.open);
	loop_until(&fixture.loop, &spy.entry.done);

	cr_expect_eq(spy.entry.rc, 0);
	cr_expect_eq(spy.seen, 0, "the group's first jobs were committed before its last ran");
	cr_expect_eq(count_rows(&fixture), 10);
	for (int i = 0; i < 9; i++)
		cr_expect_eq(entries[i].runs, 1);
	fixture_close(&fixture);
	gate_destroy(&gate);
}

/* Asks the database whether its commit will wait for the disk. */
struct asker {
	struct entry entry;
	bool waits;
};

static const struct db_query ask_whether_it_waits = {
	.sql = "SELECT CASE current_setting('synchronous_commit') WHEN 'off' THEN 1 ELSE 2 END",
	.sqlite = "PRAGMA synchronous",
};

static int take_whether_it_waits(const struct db_row *row, void *arg)
{
	*(bool *)arg = row_int(row, 0) == 2;
	return 0;
}

static int asker_run(struct db *db, struct store_job *job)
{
	struct asker *asker = container_of(job, struct asker, entry.job);

	return db_run_now(db, &ask_whether_it_waits, NULL, 0, take_whether_it_waits, &asker->waits,
			  NULL);
}

static void expect_waits(struct fixture *fixture, bool is_repeatable, bool waits)
{
	struct asker asker;

	entry_init(&asker.entry, NULL, 0);
	asker.entry.job.run = asker_run;
	asker.entry.job.is_repeatable = is_repeatable;
	asker.waits = !waits;
	cr_assert_eq(store_write(fixture->store, &asker.entry.job), 0);
	loop_until(&fixture->loop, &asker.entry.done);
	cr_expect_eq(asker.entry.rc, 0);
	cr_expect_eq(asker.waits, waits);
}

TEST_BOTH(group, waits_for_the_disk_unless_all_in_it_are_repeatable)
{
	struct asker askers[3];
	struct fixture fixture;
	struct gate gate;

	fixture_open(&fixture, database->url, 1, 0);
	expect_waits(&fixture, false, true);
	expect_waits(&fixture, true, false);
	expect_waits(&fixture, false, true);
	for (int lasting = 0; lasting < 4; lasting++) {
		gate_init(&gate);
		cr_assert_eq(store_write(fixture.store, &gate.job), 0);
		uv_sem_wait(&gate.inside);
		for (int i = 0; i < 3; i++) {
			entry_init(&askers[i].entry, NULL, i);
			askers[i].entry.job.run = asker_run;
			askers[i].entry.job.is_repeatable = i != lasting;
			cr_assert_eq(store_write(fixture.store, &askers[i].entry.job), 0);
		}
		uv_sem_post(&gate.open);
		loop_until(&fixture.loop, &askers[2].entry.done);
		for (int i = 0; i < 3; i++)
			cr_expect_eq(askers[i].waits, lasting < 3, "%d of %d", i, lasting);
		gate_destroy(&gate);
	}
	fixture_close(&fixture);
}

TEST_BOTH(group, survives_its_failing_jobs)
{
	static struct entry entries[40];
	struct journal journal = { .count = 0 };
	struct fixture fixture;

	fixture_open(&fixture, database->url, 1, 0);
	init_all(entries, &journal, 40);
	for (int i = 0; i < 40; i++)
		entries[i].put_off = i % 2;
	entries[0].twice = true;
	entries[7].refuse = -ECHILD;
	entries[13].twice = true; /* put off: noticed when a neighbour flushes */
	entries[14].twice = true;
	entries[21].swallow = entries[21].twice = true;
	entries[39].refuse = -ECHILD;
	write_as_group(&fixture, entries, 40);

	expect_in_order(&journal, 40);
	for (int i = 0; i < 40; i++) {
		int expected = i == 7 || i == 39                         ? -ECHILD
			       : i == 0 || i == 13 || i == 14 || i == 21 ? -EEXIST
									 : 0;

		cr_expect_eq(entries[i].rc, expected, "job %d: %d", i, entries[i].rc);
		if (expected == 0)
			cr_expect_eq(entries[i].changed, 1, "job %d", i);
	}
	cr_expect_gt(entries[7].runs, 1, "the culprit gets another try alone");
	cr_expect_eq(count_rows(&fixture), 34);
	fixture_close(&fixture);
}

/* xmin is the transaction that wrote a row. With a pipeline the failure shows at the end only, and
 * has to be laid at the right door. */
Test(group, with_one_failing_job_costs_two_transactions_more)
{
	struct database database = database_make(DATABASE_POSTGRES);
	static struct entry entries[100];
	struct fixture fixture;

	fixture_open(&fixture, database.url, 1, 0);
	init_all(entries, NULL, 100);
	for (int i = 0; i < 100; i++)
		entries[i].put_off = true;
	entries[30].twice = true;
	write_as_group(&fixture, entries, 100);
	cr_expect_eq(count_rows(&fixture), 99);
	cr_expect_eq(database_ask(&database, "SELECT count(DISTINCT xmin::text) FROM positions"),
		     2);
	fixture_close(&fixture);
}

TEST_BOTH(group, of_nothing_but_failures_ends)
{
	static struct entry entries[256];
	struct journal journal = { .count = 0 };
	struct fixture fixture;

	fixture_open(&fixture, database->url, 1, 0);
	init_all(entries, &journal, 256);
	for (int i = 0; i < 256; i++)
		entries[i].refuse = -ECHILD;
	write_as_group(&fixture, entries, 256);
	expect_in_order(&journal, 256);
	for (int i = 0; i < 256; i++) {
		cr_expect_eq(entries[i].rc, -ECHILD);
		cr_expect_leq(entries[i].runs, 10);
	}
	cr_expect_eq(count_rows(&fixture), 0);
	fixture_close(&fixture);
}

/* ---- readers ----------------------------------------------------------------------------------
 */

TEST_BOTH(read, sees_what_was_committed_before)
{
	struct fixture fixture;

	fixture_open(&fixture, database->url, 3, 0);
	for (int i = 0; i < 20; i++) {
		struct entry entry;

		entry_init(&entry, NULL, i);
		cr_assert_eq(store_write(fixture.store, &entry.job), 0);
		loop_until(&fixture.loop, &entry.done);
		cr_expect_eq(count_rows(&fixture), i + 1);
	}
	fixture_close(&fixture);
}

TEST_BOTH(read, cannot_write)
{
	struct fixture fixture;
	struct entry entry;

	fixture_open(&fixture, database->url, 1, 0);
	entry_init(&entry, NULL, 1);
	cr_assert_eq(store_read(fixture.store, &entry.job), 0);
	loop_until(&fixture.loop, &entry.done);
	cr_expect_eq(entry.rc, -EIO);
	cr_expect_eq(count_rows(&fixture), 0, "and the reader goes on");
	fixture_close(&fixture);
}

TEST_BOTH(read, goes_on_beside_a_busy_writer_and_a_busy_reader)
{
	struct fixture fixture;
	struct gate writer;
	struct gate reader;

	fixture_open(&fixture, database->url, 2, 0);
	gate_init(&writer);
	gate_init(&reader);
	cr_assert_eq(store_write(fixture.store, &writer.job), 0);
	cr_assert_eq(store_read(fixture.store, &reader.job), 0);
	uv_sem_wait(&writer.inside);
	uv_sem_wait(&reader.inside);
	cr_expect_eq(count_rows(&fixture), 0);
	uv_sem_post(&writer.open);
	uv_sem_post(&reader.open);
	loop_until(&fixture.loop, &writer.done);
	loop_until(&fixture.loop, &reader.done);
	fixture_close(&fixture);
	gate_destroy(&writer);
	gate_destroy(&reader);
}

/* ---- what clients ask for -------------------------------------------------------------------- */

static void gate_enter(struct fixture *fixture, struct gate *gate, uint8_t team)
{
	gate_init(gate);
	gate->job.team.bytes[0] = team;
	cr_assert_eq(store_read_for_request(fixture->store, &gate->job), 0);
}

static void gate_leave(struct fixture *fixture, struct gate *gate)
{
	uv_sem_post(&gate->open);
	loop_until(&fixture->loop, &gate->done);
	gate_destroy(gate);
}

static struct count count_of_team(uint8_t team)
{
	struct count count = { .job = { .run = count_run, .on_done = count_done }, .count = -1 };

	count.job.team.bytes[0] = team;
	return count;
}

TEST_BOTH(request, of_a_team_waits_for_its_own_and_holds_up_nobody_else)
{
	struct count same = count_of_team(1);
	struct count other = count_of_team(2);
	struct fixture fixture;
	struct gate slow;

	fixture_open(&fixture, database->url, 1, 0);
	gate_enter(&fixture, &slow, 1);
	uv_sem_wait(&slow.inside);
	cr_assert_eq(store_read_for_request(fixture.store, &same.job), 0);
	cr_assert_eq(store_read_for_request(fixture.store, &other.job), 0);
	loop_until(&fixture.loop, &other.done);
	cr_expect_not(same.done, "a team has one thread at a time");
	cr_expect_eq(count_rows(&fixture), 0, "the service's own reads go on");

	gate_leave(&fixture, &slow);
	loop_until(&fixture.loop, &same.done);
	cr_expect_eq(same.rc, 0);
	fixture_close(&fixture);
}

Test(request, of_a_team_may_queue_so_far_and_others_still_may)
{
	static struct count counts[64];
	struct database database = database_make(DATABASE_SQLITE);
	struct count over = count_of_team(1);
	struct count other = count_of_team(2);
	struct fixture fixture;
	struct gate slow;

	fixture_open(&fixture, database.url, 1, 0);
	gate_enter(&fixture, &slow, 1);
	uv_sem_wait(&slow.inside);
	for (size_t i = 0; i < ARRAY_LEN(counts); i++) {
		counts[i] = count_of_team(1);
		cr_assert_eq(store_read_for_request(fixture.store, &counts[i].job), 0);
	}
	cr_expect_eq(store_read_for_request(fixture.store, &over.job), -ENOBUFS);
	cr_expect_eq(store_read_for_request(fixture.store, &other.job), 0);
	loop_until(&fixture.loop, &other.done);
	cr_expect_not(counts[0].done);
	gate_leave(&fixture, &slow);
	loop_until(&fixture.loop, &counts[63].done);
	fixture_close(&fixture);
}

static const struct db_query endless = {
	.sql = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT 1 - i FROM n) "
	       "SELECT count(*) FROM n",
};

static int run_endless(struct db *db, struct store_job *job)
{
	struct count *count = container_of(job, struct count, job);

	return db_run(db, &endless, NULL, 0, take_count, &count->count, NULL);
}

TEST_BOTH(request, that_reads_for_too_long_is_ended)
{
	struct count count = count_of_team(1);
	struct fixture fixture;

	count.job.run = run_endless;
	fixture_open(&fixture, database->url, 1, 0);
	cr_assert_eq(store_read_for_request(fixture.store, &count.job), 0);
	loop_until(&fixture.loop, &count.done);
	cr_expect_eq(count.rc, -EBUSY, "%d", count.rc);
	cr_expect_eq(count_rows(&fixture), 0, "and the reader goes on");
	fixture_close(&fixture);
}

static const struct db_query nonsense = { .sql = "SELECT nothing FROM nowhere" };

/* Outside a transaction, db_flush() clears the error of a failed statement. */
static int fail_then_count(struct db *db, struct store_job *job)
{
	struct count *count = container_of(job, struct count, job);

	cr_expect_eq(db_run_now(db, &nonsense, NULL, 0, NULL, NULL, NULL), -EIO);
	return db_run_now(db, &count_positions, NULL, 0, take_count, &count->count, NULL);
}

TEST_BOTH(read, may_go_on_after_a_failed_statement)
{
	struct count count = { .job = { .run = fail_then_count, .on_done = count_done },
			       .count = -1 };
	struct fixture fixture;

	fixture_open(&fixture, database->url, 1, 0);
	cr_assert_eq(store_read(fixture.store, &count.job), 0);
	loop_until(&fixture.loop, &count.done);
	cr_expect_eq(count.rc, 0);
	cr_expect_eq(count.count, 0);
	fixture_close(&fixture);
}

/* ---- bounds and closing ------------------------------------------------------------------------
 */

TEST_BOTH(queue, is_bounded_and_says_so)
{
	static struct entry entries[4];
	struct journal journal = { .count = 0 };
	struct fixture fixture;
	struct gate gate;

	fixture_open(&fixture, database->url, 1, 3);
	init_all(entries, &journal, 4);
	gate_init(&gate);
	cr_assert_eq(store_write(fixture.store, &gate.job), 0);
	uv_sem_wait(&gate.inside);
	write_all(&fixture, entries, 3);
	cr_expect_eq(store_write(fixture.store, &entries[3].job), -ENOBUFS);
	uv_sem_post(&gate.open);
	loop_until(&fixture.loop, &entries[2].done);
	cr_expect_not(entries[3].done);
	cr_expect_eq(store_write(fixture.store, &entries[3].job), 0, "and there is room again");
	fixture_close(&fixture);
	expect_in_order(&journal, 4);
	gate_destroy(&gate);
}

TEST_BOTH(close, runs_what_is_queued)
{
	static struct entry entries[50];
	struct journal journal = { .count = 0 };
	struct fixture fixture;

	fixture_open(&fixture, database->url, 2, 0);
	init_all(entries, &journal, 50);
	write_all(&fixture, entries, 50);
	fixture_close(&fixture);
	expect_in_order(&journal, 50);
	for (int i = 0; i < 50; i++)
		cr_expect_eq(entries[i].rc, 0);
}

TEST_BOTH(close, cancels_what_it_has_no_time_for)
{
	static struct entry entries[20];
	struct journal journal = { .count = 0 };
	struct count count = { .job = { .run = count_run, .on_done = count_done } };
	struct fixture fixture;
	struct entry late;
	struct gate writer;
	struct gate reader;
	bool closed = false;

	fixture_open(&fixture, database->url, 1, 0);
	init_all(entries, &journal, 20);
	gate_init(&writer);
	gate_init(&reader);
	cr_assert_eq(store_write(fixture.store, &writer.job), 0);
	cr_assert_eq(store_read(fixture.store, &reader.job), 0);
	uv_sem_wait(&writer.inside);
	uv_sem_wait(&reader.inside);
	write_all(&fixture, entries, 20);
	cr_assert_eq(store_read(fixture.store, &count.job), 0);
	store_close_within(fixture.store, 0, set_flag, &closed);
	entry_init(&late, NULL, 99);
	cr_expect_eq(store_write(fixture.store, &late.job), -ECANCELED);
	uv_sem_post(&writer.open);
	uv_sem_post(&reader.open);
	loop_until(&fixture.loop, &closed);

	cr_expect_eq(writer.rc, 0, "what had begun is finished");
	cr_expect_eq(reader.rc, 0);
	expect_in_order(&journal, 20);
	for (int i = 0; i < 20; i++) {
		cr_expect_eq(entries[i].rc, -ECANCELED);
		cr_expect_eq(entries[i].runs, 0);
	}
	cr_expect_eq(count.rc, -ECANCELED);
	cr_expect_not(late.done);
	cr_expect_eq(uv_loop_close(&fixture.loop), 0);
	gate_destroy(&writer);
	gate_destroy(&reader);
}

Test(close, of_nothing_calls_back)
{
	bool closed = false;

	store_close(NULL, set_flag, &closed);
	cr_expect(closed);
	store_close(NULL, NULL, NULL);
}

TEST_BOTH(close, right_after_open_calls_back)
{
	struct fixture fixture;

	for (int i = 0; i < 5; i++) {
		fixture_open(&fixture, database->url, 4, 0);
		fixture_close(&fixture);
	}
}
