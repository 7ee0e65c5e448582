/* SPDX-License-Identifier: Apache-2.0 */

/* Results that are stored while the next request of their channel goes out. */
#include <stdio.h>
#include <stdlib.h>

#include "tests/support/call_fault.h"
#include "tests/support/rig.h"

#define CHANNEL "11111111-1111-4111-8111-111111111111"
#define WELL    ",\"outcome\":\"success\""
#define EVENTS  12
#define IN_ALL  "deliveries WHERE state = 'delivered'"

/* The channel has just told its owner of a success, so the next ones are not worth a note. */
static void open_with_tick(struct rig *rig, enum database_engine engine, unsigned unstored,
			   unsigned tick_ms)
{
	const struct rig_options options = { .unstored_results = unstored, .tick_ms = tick_ms };

	rig_now_us = START_US;
	rig_open(rig, engine, &options);
	rig_add_channel(rig, CHANNEL, TEAM_A, "hook", "capsule.pause");
	rig_commit_pause(rig, START_MS);
	rig_wait_rows(rig, 1, IN_ALL);
	rig_idle(rig);
}

static void open_proven(struct rig *rig, enum database_engine engine, unsigned unstored)
{
	open_with_tick(rig, engine, unstored, 0);
}

static void commit_numbered(struct rig *rig)
{
	struct event *events[EVENTS];

	for (int i = 0; i < EVENTS; i++) {
		char more[64];

		snprintf(more, sizeof(more), WELL ",\"n\":\"%d\"", i);
		events[i] = rig_event("capsule.pause", USER, more, START_MS + 1 + i);
	}
	cr_assert_eq(rig_commit(rig, events, EVENTS), 0);
}

static void expect_each_once_in_order(struct rig *rig)
{
	rig_wait_rows(rig, 1 + EVENTS, IN_ALL);
	cr_assert_eq(receiver_count(rig->receiver), 1 + EVENTS);
	for (unsigned i = 0; i < EVENTS; i++) {
		char mark[32];

		snprintf(mark, sizeof(mark), "\"n\":\"%u\"}", i);
		cr_expect(strstr(receiver_get(rig->receiver, 1 + i)->body, mark), "%u", i);
	}
}

static bool count_down(struct rig *rig, void *arg)
{
	(void)rig;
	return --*(int *)arg < 0;
}

/* What goes out while no result can be stored. */
static void expect_ahead(enum database_engine engine, unsigned unstored, unsigned ahead)
{
	int turns = 30;
	struct rig rig;

	open_proven(&rig, engine, unstored);
	commit_numbered(&rig);
	call_hold_writes();
	rig_wait_received(&rig, 1 + ahead);
	rig_turn_until(&rig, count_down, &turns); /* nothing more comes */
	cr_expect_eq(receiver_count(rig.receiver), 1 + ahead, "%u", unstored);
	call_release_writes();
	expect_each_once_in_order(&rig);
	rig_close(&rig);
}

Test(unstored, lets_so_many_deliveries_go_out_before_their_results_are_stored)
{
	expect_ahead(DATABASE_SQLITE, 0, 1);
	expect_ahead(DATABASE_SQLITE, 3, 3);
	expect_ahead(DATABASE_POSTGRES, 8, 8);
}

/* No tick tries again, but closing does. */
Test(unstored, sends_nothing_more_after_a_result_that_was_refused)
{
	int turns = 30;
	struct rig rig;

	open_with_tick(&rig, DATABASE_SQLITE, 8, 3600 * 1000);
	commit_numbered(&rig);
	call_fail_after(FAULT_STORE, 1);
	rig_wait_received(&rig, 1 + 2);
	rig_turn_until(&rig, count_down, &turns);
	cr_expect(call_recover());
	cr_expect_eq(receiver_count(rig.receiver), 1 + 2);
	rig_close(&rig);
	cr_expect_eq(rig_ask(&rig, "SELECT count(*) FROM " IN_ALL), 1 + 2);
}

Test(unstored, delivers_each_once_although_a_result_was_refused)
{
	for (unsigned nth = 0; nth < 2; nth++) {
		struct rig rig;

		open_proven(&rig, DATABASE_SQLITE, 8);
		commit_numbered(&rig);
		call_fail_after(FAULT_STORE, nth);
		expect_each_once_in_order(&rig);
		cr_expect(call_recover(), "%u", nth);
		rig_close(&rig);
	}
}

/* Two results have failed when the engine closes: the store takes one and has no room for the
 * other. */
Test(unstored, closes_although_the_store_takes_one_result_only)
{
	for (unsigned nth = 0; nth < 4; nth++) {
		int turns = 30;
		struct rig rig;

		open_with_tick(&rig, DATABASE_SQLITE, 8, 3600 * 1000);
		commit_numbered(&rig);
		call_hold_writes();
		call_fail_after(FAULT_STORE, 1);
		rig_wait_received(&rig, 1 + 2);
		rig_turn_until(&rig, count_down, &turns);
		cr_expect(call_recover(), "%u", nth);
		call_fail_after(FAULT_STATEMENT, 0);
		call_release_writes();
		turns = 30;
		rig_turn_until(&rig, count_down, &turns);
		cr_expect(call_recover(), "%u", nth);
		call_fail_after(FAULT_STORE, nth);
		rig_close(&rig);
		call_recover();
		cr_expect_geq(rig_ask(&rig, "SELECT count(*) FROM " IN_ALL), 1 + 1, "%u", nth);
	}
}

/* Another worker gave the channel a new address. */
Test(unstored, sees_a_change_before_more_than_so_many_have_gone_out)
{
	char sealed[1024];
	struct rig rig;

	open_proven(&rig, DATABASE_SQLITE, 4);
	rig_add_channel(&rig, "22222222-2222-4222-8222-222222222222", TEAM_B, "other",
			"capsule.pause");
	rig_ask_text(&rig, sealed, sizeof(sealed),
		     "SELECT config FROM channels WHERE team_id = '" TEAM_B "'");
	commit_numbered(&rig);
	call_hold_writes();
	rig_wait_received(&rig, 1 + 4);
	rig_ask(&rig,
		"UPDATE channels SET config = '%s', updated_at = '2999-01-01T00:00:00.000000Z' "
		"WHERE id = '" CHANNEL "'",
		sealed);
	call_release_writes();
	expect_each_once_in_order(&rig);
	for (unsigned i = 0; i < 1 + EVENTS; i++)
		cr_expect_str_eq(receiver_get(rig.receiver, i)->target,
				 i < 1 + 4 ? "/hook" : "/other", "%u", i);
	rig_close(&rig);
}

/* One delivery of three that are stored as pending again goes first, the others beside it. */
static void queue_beside(struct rig *rig)
{
	struct event *events[3];

	for (int i = 0; i < 3; i++)
		events[i] = rig_event("capsule.pause", USER, WELL, START_MS + 1 + i);
	cr_assert_eq(rig_commit(rig, events, 3), 0);
	rig_wait_rows(rig, 1 + 3, IN_ALL);
	rig_idle(rig);
	rig_ask(rig,
		"UPDATE deliveries SET state = 'pending', delivered_at = NULL, "
		"next_attempt_at = created_at, attempts_before = attempts, "
		"attempts = attempts + CASE stream_ms WHEN %lld THEN 0 ELSE 2 END "
		"WHERE stream_ms > %lld",
		(long long)START_MS + 1, (long long)START_MS);
}

/* After a try beside the queue, the next one has to wait, and nothing is left in memory. */
Test(unstored, reads_no_rows_again_before_their_results_are_stored)
{
	int turns = 30;
	struct rig rig;

	open_proven(&rig, DATABASE_SQLITE, 3);
	queue_beside(&rig);
	call_hold_writes();
	rig_wait_received(&rig, 1 + 3 + 2);
	rig_turn_until(&rig, count_down, &turns);
	cr_expect_eq(receiver_count(rig.receiver), 1 + 3 + 2);
	call_release_writes();
	rig_wait_rows(&rig, 1 + 2, IN_ALL " AND attempts_before IN (0, 1)");
	rig_now_us += MINUTE_US;
	rig_wait_rows(&rig, 1 + 3, IN_ALL);
	cr_expect_eq(receiver_count(rig.receiver), 1 + 3 + 3);
	rig_close(&rig);
}

/* Nobody repeats them: the lease is given back after the results. */
Test(unstored, stores_its_results_before_it_closes)
{
	struct rig rig;

	open_proven(&rig, DATABASE_POSTGRES, 8);
	commit_numbered(&rig);
	call_hold_writes();
	rig_wait_received(&rig, 1 + 8);
	call_release_writes();
	rig_close(&rig);
	cr_expect_geq(rig_ask(&rig, "SELECT count(*) FROM " IN_ALL), 1 + 8);
}

/* ---- a row that somebody else moved ---------------------------------------------------------- */

struct second_dropped {
	const struct database *database;
	int requests;
};

static enum receiver_reply drop_second(const struct received *request, struct buf *out, void *arg)
{
	struct second_dropped *dropped = arg;

	(void)request;
	if (++dropped->requests == 2)
		database_ask(dropped->database,
			     "UPDATE deliveries SET state = 'dropped' WHERE state = 'pending'");
	receiver_answer_status(out, 200);
	return RECEIVER_ANSWER;
}

static void drop_second_meanwhile(enum database_engine engine, unsigned unstored)
{
	struct rig rig;
	struct second_dropped dropped = { .database = &rig.database };
	const struct rig_options options = { .answer = drop_second,
					     .arg = &dropped,
					     .unstored_results = unstored };

	rig_now_us = START_US;
	rig_open(&rig, engine, &options);
	rig_add_channel(&rig, CHANNEL, TEAM_A, "hook", "capsule.pause");
	rig_commit_pause(&rig, START_MS);
	rig_wait_rows(&rig, 1, IN_ALL);
	rig_commit_pause(&rig, START_MS + 1);
	rig_wait_rows(&rig, 1, "delivery_attempts");
	cr_expect_eq(rig_ask(&rig, "SELECT count(*) FROM attempts"), 2);
	rig_close(&rig);
}

/* A healthy channel's second success is stored without first checking that its row is still
 * pending. */
Test(unstored, keeps_the_attempt_of_a_success_whose_row_was_dropped)
{
	for (int engine = 0; engine < DATABASE_ENGINES; engine++) {
		drop_second_meanwhile((enum database_engine)engine, 0);
		drop_second_meanwhile((enum database_engine)engine, 8);
	}
}
