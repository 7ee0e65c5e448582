/* SPDX-License-Identifier: Apache-2.0 */

/* How teams share the writers. */
#include "jobs.h"

/* Entries of these teams wait for the writer, in this order; 0: of no team. */
static void write_for_teams(const struct database *database, struct journal *journal,
			    const uint8_t *teams, int count)
{
	static struct entry entries[9];
	struct fixture fixture;
	struct gate gate;

	fixture_open(&fixture, database->url, 1, 0);
	for (int i = 0; i < count; i++)
		entry_init(&entries[i], journal, i);
	gate_init(&gate);
	gate.job.is_audited = true;
	cr_assert_eq(store_write(fixture.store, &gate.job), 0);
	uv_sem_wait(&gate.inside);
	for (int i = 0; i < count; i++) {
		entries[i].job.is_audited = true;
		entries[i].job.team.bytes[0] = teams[i];
		cr_assert_eq(store_write(fixture.store, &entries[i].job), 0);
	}
	uv_sem_post(&gate.open);
	while (journal->count < count)
		uv_run(&fixture.loop, UV_RUN_ONCE);
	fixture_close(&fixture);
	gate_destroy(&gate);
}

/* Long work of one team would hold up what others wait for. */
Test(group, has_one_job_of_a_team_and_of_few_teams)
{
	static const uint8_t teams[] = { 1, 1, 1, 2, 2, 3, 4, 5, 0 };
	static const int order[] = { 0, 3, 5, 6, 8, 1, 4, 7, 2 };
	struct database database = database_make(DATABASE_SQLITE);
	struct journal journal = { .count = 0 };

	write_for_teams(&database, &journal, teams, 9);
	for (int i = 0; i < 9; i++)
		cr_expect_eq(journal.order[i], order[i], "place %d has %d", i, journal.order[i]);
}

TEST_BOTH(audited, jobs_of_teams_take_turns)
{
	static const uint8_t teams[] = { 1, 1, 1, 2 };
	static const int order[] = { 0, 3, 1, 2 };
	struct journal journal = { .count = 0 };

	write_for_teams(database, &journal, teams, 4);
	for (int i = 0; i < 4; i++)
		cr_expect_eq(journal.order[i], order[i], "place %d has %d", i, journal.order[i]);
}

/* The ledger and results need the same queue. */
Test(jobs, of_a_team_may_queue_so_far_and_others_still_may)
{
	static struct entry entries[67];
	struct database database = database_make(DATABASE_SQLITE);
	struct journal journal = { .count = 0 };
	struct fixture fixture;
	struct gate gate;

	fixture_open(&fixture, database.url, 1, 0);
	for (int i = 0; i < 67; i++)
		entry_init(&entries[i], &journal, i);
	gate_init(&gate);
	cr_assert_eq(store_write(fixture.store, &gate.job), 0);
	uv_sem_wait(&gate.inside);
	for (int i = 0; i < 65; i++) {
		entries[i].job.team.bytes[0] = 1;
		cr_expect_eq(store_write(fixture.store, &entries[i].job), i < 64 ? 0 : -ENOBUFS);
	}
	entries[65].job.team.bytes[0] = 2;
	cr_expect_eq(store_write(fixture.store, &entries[65].job), 0);
	cr_expect_eq(store_write(fixture.store, &entries[66].job), 0);
	uv_sem_post(&gate.open);
	while (journal.count < 66)
		uv_run(&fixture.loop, UV_RUN_ONCE);
	fixture_close(&fixture);
	gate_destroy(&gate);
}
