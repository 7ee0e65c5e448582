/* SPDX-License-Identifier: Apache-2.0 */

/* Whose leases end before their time: those of this machine's processes that are gone. */
#include <stdio.h>

#include "tests/support/gone_worker.h"
#include "tests/support/rig.h"

#define CHANNEL_1 "11111111-1111-4111-8111-111111111111"
#define CHANNEL_2 "22222222-2222-4222-8222-222222222222"
#define CHANNEL_3 "33333333-3333-4333-8333-333333333333"

static void lease(struct rig *rig, const char *channel, const char *owner)
{
	rig_add_channel(rig, channel, TEAM_A, "hook", "capsule.pause");
	rig_ask(rig,
		"INSERT INTO channel_state (channel_id, lease_owner, lease_until, updated_at) "
		"VALUES ('%s', '%s', '2027-01-15T08:00:29.000000Z', "
		"'2027-01-15T08:00:00.000000Z')",
		channel, owner);
}

static void take_the_orphan(struct rig *rig)
{
	char gone[WORKER_NAME_SIZE];
	char living[WORKER_NAME_SIZE];
	char elsewhere[WORKER_NAME_SIZE + 1];

	name_the_gone(gone);
	worker_name_make(living);
	snprintf(elsewhere, sizeof(elsewhere), "x%s", gone);
	rig_idle(rig); /* past the look at the start */
	lease(rig, CHANNEL_1, living);
	lease(rig, CHANNEL_2, elsewhere);
	lease(rig, CHANNEL_3, gone);
	rig_commit_pause(rig, START_MS);
	rig_idle(rig);
	rig_now_us += 3 * SECOND_US;
	rig_wait_rows(rig, 1,
		      "deliveries WHERE state = 'delivered' AND channel_id = '" CHANNEL_3 "'");
	rig_idle(rig);
	cr_expect_eq(receiver_count(rig->receiver), 1, "the other owners may be alive");
	cr_expect_eq(rig_ask(rig,
			     "SELECT count(*) FROM channel_state WHERE lease_owner IN ('%s', '%s')",
			     living, elsewhere),
		     2);
}

Test(orphans, of_this_machine_alone_end_while_a_worker_runs)
{
	for (int engine = 0; engine < DATABASE_ENGINES; engine++) {
		char ours[WORKER_NAME_SIZE];
		const struct rig_options options = { .worker = ours };
		struct rig rig;

		rig_now_us = START_US;
		worker_name_make(ours);
		rig_open(&rig, (enum database_engine)engine, &options);
		take_the_orphan(&rig);
		rig_close(&rig);
	}
}

/* No time passes: the first look comes with the start. */
Test(orphans, end_at_once_when_a_worker_starts)
{
	const struct rig_options before = { .worker = "worker-1" };
	char ours[WORKER_NAME_SIZE];
	char gone[WORKER_NAME_SIZE];
	struct rig_options after = { .worker = ours };
	struct rig first;
	struct rig restarted;

	worker_name_make(ours);
	name_the_gone(gone);
	rig_open(&first, DATABASE_SQLITE, &before);
	lease(&first, CHANNEL_1, gone);
	rig_commit_pause(&first, START_MS);
	rig_idle(&first);
	cr_expect_eq(receiver_count(first.receiver), 0);
	after.database = &first.database;
	rig_open(&restarted, DATABASE_SQLITE, &after);
	rig_wait_rows(&restarted, 1, "deliveries WHERE state = 'delivered'");
	rig_close(&restarted);
	rig_close(&first);
}
