/* SPDX-License-Identifier: Apache-2.0 */

/* Every allocation of the loop and of the store's threads fails in turn: a job's row is there
 * exactly when the job was told 0. */
#include "tests/support/heap.h"
#include "tests/unit/store/jobs.h"

struct writing {
	const struct database *database;
	int number;
	int64_t successes;
};

static int count_now(struct db *db, void *arg)
{
	return db_run_now(db, &count_positions, NULL, 0, take_count, arg, NULL);
}

static void write_one(void *arg)
{
	struct writing *writing = arg;
	struct fixture fixture;
	struct entry entry;
	int64_t rows = 0;

	entry_init(&entry, NULL, ++writing->number);
	cr_assert_eq(uv_loop_init(&fixture.loop), 0);
	const struct store_options options = { .loop = &fixture.loop,
					       .url = writing->database->url,
					       .readers = 1 };
	while (store_open(&options, &fixture.store) != 0)
		cr_assert(heap_was_met());
	cr_assert_eq(store_write(fixture.store, &entry.job), 0);
	loop_until(&fixture.loop, &entry.done);
	fixture_close(&fixture);
	heap_recover();
	writing->successes += entry.rc == 0;
	cr_assert_eq(run_script(writing->database, count_now, &rows), 0);
	cr_expect_eq(rows, writing->successes, "the job was told %d", entry.rc);
}

TEST_BOTH(fault, a_row_is_there_when_its_job_was_told_so)
{
	struct writing writing = { .database = database };

	heap_fail_each_in_any_thread(write_one, &writing);
	cr_expect_gt(writing.successes, 0);
}
