/* SPDX-License-Identifier: Apache-2.0 */

/* What workers and channels must not do to each other: isolation, bounds, leases, closing. */
#include <stdio.h>
#include <stdlib.h>

#include "tests/support/destination.h"
#include "tests/support/rig.h"

#define CHANNEL_1 "11111111-1111-4111-8111-111111111111"
#define CHANNEL_2 "22222222-2222-4222-8222-222222222222"
#define WELL      ",\"outcome\":\"success\""

/* ---- isolation and bounds ------------------------------------------------------------------ */

static struct destination slow = { .only = "/slow", .is_held = true };

Test(sharing, lets_no_slow_channel_delay_another)
{
	const struct rig_options options = { .answer = destination_answer, .arg = &slow };
	struct rig rig;

	rig_open(&rig, DATABASE_SQLITE, &options);
	rig_add_channel(&rig, CHANNEL_1, TEAM_A, "slow", "capsule.pause");
	rig_add_channel(&rig, CHANNEL_2, TEAM_A, "good", "capsule.pause");
	for (int i = 0; i < 5; i++)
		rig_commit_pause(&rig, START_MS + i);
	rig_wait_rows(&rig, 5,
		      "deliveries WHERE state = 'delivered' AND channel_id = '" CHANNEL_2 "'");
	cr_expect_eq(rig_ask(&rig, "SELECT count(*) FROM deliveries WHERE state = 'pending'"), 5);
	receiver_stop(rig.receiver); /* ends the slow request, so that closing does not wait */
	rig.receiver = receiver_start(NULL, NULL, NULL, NULL);
	rig_close(&rig);
}

/* Each dead channel has as many rows as one may load. Together they would fill the memory. */
static void pass_by_the_dead(struct rig *rig)
{
	enum { DEAD = 64, EVENTS = 64 };
	static struct event *events[EVENTS];

	for (unsigned i = 0; i < DEAD; i++) {
		char id[UUID_TEXT_SIZE];

		snprintf(id, sizeof(id), "%08u-0000-4000-8000-000000000000", (i + 1) % 100u);
		rig_add_channel(rig, id, TEAM_A, "dead", "capsule.pause");
	}
	for (int i = 0; i < EVENTS; i++)
		events[i] = rig_event("capsule.pause", USER, WELL, START_MS + i);
	cr_assert_eq(rig_commit(rig, events, EVENTS), 0);
	rig_wait_rows(rig, DEAD, "deliveries WHERE attempts = 1");
	rig_add_channel(rig, CHANNEL_1, TEAM_A, "good", "capsule.pause");
	rig_commit_pause(rig, START_MS + EVENTS);
	rig_wait_rows(rig, 1,
		      "deliveries WHERE state = 'delivered' AND channel_id = '" CHANNEL_1 "'");
	cr_expect_eq(receiver_count(rig->receiver), DEAD + 1, "newer ones passed a retry");
	rig_now_us += 12 * SECOND_US;
	rig_wait_rows(rig, DEAD, "deliveries WHERE attempts = 2");
}

Test(sharing, lets_no_dead_channels_keep_others_from_loading)
{
	for (int engine = 0; engine < DATABASE_ENGINES; engine++) {
		struct destination dead = { .only = "/dead", .status = 503 };
		const struct rig_options options = { .answer = destination_answer, .arg = &dead };
		struct rig rig;

		rig_now_us = START_US;
		rig_open(&rig, (enum database_engine)engine, &options);
		pass_by_the_dead(&rig);
		rig_close(&rig);
	}
}

Test(sharing, never_has_more_requests_under_way_than_it_may)
{
	struct destination stuck = { .is_held = true };
	const struct rig_options options = { .answer = destination_answer,
					     .arg = &stuck,
					     .max_inflight = 3 };
	struct rig rig;

	rig_open(&rig, DATABASE_SQLITE, &options);
	for (unsigned i = 0; i < 12; i++) {
		char id[UUID_TEXT_SIZE];

		snprintf(id, sizeof(id), "%08u-0000-4000-8000-000000000000", (i + 1) % 100u);
		rig_add_channel(&rig, id, TEAM_A, "hook", "capsule.pause");
	}
	rig_commit_pause(&rig, START_MS);
	rig_wait_received(&rig, 3);
	rig_idle(&rig);
	cr_expect_eq(receiver_count(rig.receiver), 3);
	receiver_stop(rig.receiver);
	rig.receiver = receiver_start(NULL, NULL, NULL, NULL);
	rig_close(&rig);
}

/* An event every few seconds: the channel is idle whenever its lease is renewed. */
static void idle_between_events(struct rig *rig)
{
	rig_add_channel(rig, CHANNEL_1, TEAM_A, "hook", "capsule.pause");
	for (int i = 0; i < 3; i++) {
		rig_commit_pause(rig, START_MS + i);
		rig_wait_rows(rig, i + 1, "deliveries WHERE state = 'delivered'");
		rig_idle(rig); /* otherwise it would still be at work */
		rig_now_us += 4 * SECOND_US;
	}
	rig_wait_rows(rig, 1,
		      "channel_state WHERE lease_until > '2027-01-15T08:00:41.000000Z' "
		      "AND channel_id = '" CHANNEL_1 "'");
}

Test(sharing, renews_the_lease_of_a_channel_that_idles_between_events)
{
	const struct rig_options options = { .answer = NULL };

	for (int engine = 0; engine < DATABASE_ENGINES; engine++) {
		struct rig rig;

		rig_now_us = START_US;
		rig_open(&rig, (enum database_engine)engine, &options);
		idle_between_events(&rig);
		rig_close(&rig);
	}
}

/* ---- hanging destinations ------------------------------------------------------------------- */

static void add_many(struct rig *rig, unsigned count, const char *path)
{
	for (unsigned i = 0; i < count; i++) {
		char id[UUID_TEXT_SIZE];

		snprintf(id, sizeof(id), "%08u-0000-4000-8000-000000000000", (i + 1) % 1000u);
		rig_add_channel(rig, id, TEAM_A, path, "capsule.pause");
	}
}

static void end_requests(struct rig *rig)
{
	receiver_stop(rig->receiver);
	rig->receiver = receiver_start(NULL, NULL, NULL, NULL);
}

/* Each hanging channel has as many rows as one may load. Together they would fill the memory. */
Test(sharing, lets_no_hanging_channels_keep_others_from_loading)
{
	enum { HANGING = 70, EVENTS = 64 };
	static struct event *events[EVENTS];

	for (int engine = 0; engine < DATABASE_ENGINES; engine++) {
		const struct rig_options options = { .answer = destination_answer,
						     .arg = &slow,
						     .max_inflight = 128 };
		struct rig rig;

		rig_now_us = START_US;
		rig_open(&rig, (enum database_engine)engine, &options);
		add_many(&rig, HANGING, "slow");
		for (int i = 0; i < EVENTS; i++)
			events[i] = rig_event("capsule.pause", USER, WELL, START_MS + i);
		cr_assert_eq(rig_commit(&rig, events, EVENTS), 0);
		rig_wait_received(&rig, HANGING);
		rig_add_channel(&rig, CHANNEL_1, TEAM_A, "good", "capsule.resume");
		for (int i = 0; i < EVENTS; i++)
			events[i] = rig_event("capsule.resume", USER, WELL, START_MS + EVENTS + i);
		cr_assert_eq(rig_commit(&rig, events, EVENTS), 0);
		rig_wait_rows(&rig, EVENTS,
			      "deliveries WHERE state = 'delivered' AND channel_id = '" CHANNEL_1
			      "'");
		end_requests(&rig);
		rig_close(&rig);
	}
}

static void pass_by_hanging_ones(struct rig *rig)
{
	struct event *event;

	rig_commit_pause(rig, START_MS);
	rig_wait_received(rig, 2);
	rig_idle(rig);
	cr_expect_eq(receiver_count(rig->receiver), 2, "a quarter of the slots");
	rig_add_channel(rig, CHANNEL_1, TEAM_B, "good", "capsule.resume");
	event = rig_event_of_b("capsule.resume", START_MS + 1);
	cr_assert_eq(rig_commit(rig, &event, 1), 0);
	rig_wait_rows(rig, 1, "deliveries WHERE state = 'delivered'");
	end_requests(rig);
}

/* Twenty channels of one team that hang: new ones, then channels that failed before. */
Test(sharing, keeps_slots_for_other_teams)
{
	const struct rig_options options = { .answer = destination_answer,
					     .arg = &slow,
					     .max_inflight = 8 };

	for (int has_failed = 0; has_failed < 2; has_failed++) {
		struct rig rig;

		rig_now_us = START_US;
		rig_open(&rig, DATABASE_SQLITE, &options);
		add_many(&rig, 20, "slow");
		if (has_failed)
			rig_ask(&rig, "INSERT INTO channel_state (channel_id, updated_at, "
				      "failures, failing_since) SELECT id, "
				      "'2027-01-15T07:00:00.000000Z', 1, "
				      "'2027-01-15T07:00:00.000000Z' FROM channels");
		pass_by_hanging_ones(&rig);
		rig_close(&rig);
	}
}

/* ---- leases -------------------------------------------------------------------------------- */

static void respect_lease(struct rig *rig)
{
	rig_add_channel(rig, CHANNEL_1, TEAM_A, "hook", "capsule.pause");
	rig_ask(rig, "INSERT INTO channel_state (channel_id, lease_owner, lease_until, updated_at) "
		     "VALUES ('" CHANNEL_1 "', 'other', '2027-01-15T08:00:20.000000Z', "
		     "'2027-01-15T08:00:00.000000Z')");
	rig_commit_pause(rig, START_MS);
	rig_idle(rig);
	cr_expect_eq(receiver_count(rig->receiver), 0, "another worker has the lease");
	rig_now_us += 21 * SECOND_US;
	rig_wait_rows(rig, 1, "deliveries WHERE state = 'delivered'");
	cr_expect_eq(rig_ask(rig,
			     "SELECT count(*) FROM channel_state WHERE lease_owner = 'worker-1' "
			     "AND channel_id = '" CHANNEL_1 "'"),
		     1);
}

Test(sharing, respects_a_lease_until_it_ends)
{
	for (int engine = 0; engine < DATABASE_ENGINES; engine++) {
		const struct rig_options options = { .strict = false };
		struct rig rig;

		rig_now_us = START_US;
		rig_open(&rig, (enum database_engine)engine, &options);
		respect_lease(&rig);
		rig_close(&rig);
		/* Closing gave the lease back. */
		cr_expect_eq(database_ask(&rig.database,
					  "SELECT count(*) FROM channel_state WHERE channel_id = "
					  "'" CHANNEL_1 "' AND lease_owner IS NOT NULL"),
			     0);
	}
}

static enum receiver_reply let_one_hang(const struct received *request, struct buf *out, void *arg)
{
	bool *hangs = arg;

	(void)request;
	if (*hangs) {
		*hangs = false;
		return RECEIVER_CLOSE;
	}
	receiver_answer_status(out, 200);
	return RECEIVER_ANSWER;
}

/* A process that dies between request and result leaves a pending row and a lease that ends. */
static void resume_after_crash(struct rig *rig)
{
	rig_add_channel(rig, CHANNEL_1, TEAM_A, "hook", "capsule.pause");
	rig_ask(rig, "INSERT INTO channel_state (channel_id, lease_owner, lease_until, updated_at) "
		     "VALUES ('" CHANNEL_1 "', 'dead', '2027-01-15T08:00:30.000000Z', "
		     "'2027-01-15T08:00:00.000000Z')");
	for (int i = 0; i < 3; i++)
		rig_commit_pause(rig, START_MS + i);
	rig_ask(rig, "UPDATE deliveries SET state = 'delivered' WHERE stream_ms = %lld",
		(long long)START_MS);
	rig_now_us += 31 * SECOND_US;
	rig_wait_rows(rig, 3, "deliveries WHERE state = 'delivered'");
	cr_expect_eq(receiver_count(rig->receiver), 2, "what was delivered is not sent again");
}

Test(sharing, goes_on_where_a_dead_worker_stopped)
{
	for (int engine = 0; engine < DATABASE_ENGINES; engine++) {
		const struct rig_options options = { .strict = false };
		struct rig rig;

		rig_now_us = START_US;
		rig_open(&rig, (enum database_engine)engine, &options);
		resume_after_crash(&rig);
		rig_close(&rig);
	}
}

static void retry_broken_connection(struct rig *rig)
{
	rig_add_channel(rig, CHANNEL_1, TEAM_A, "hook", "capsule.pause");
	rig_commit_pause(rig, START_MS);
	rig_wait_rows(rig, 1,
		      "deliveries WHERE attempts = 1 AND state = 'pending' "
		      "AND last_status IS NULL AND last_error IS NOT NULL");
	rig_now_us += 12 * SECOND_US;
	rig_wait_rows(rig, 1, "deliveries WHERE state = 'delivered' AND attempts = 2");
}

Test(sharing, tries_again_when_the_connection_breaks)
{
	bool hangs = true;
	const struct rig_options options = { .answer = let_one_hang, .arg = &hangs };
	struct rig rig;

	rig_open(&rig, DATABASE_SQLITE, &options);
	retry_broken_connection(&rig);
	rig_close(&rig);
}

/* Two workers on one database: every delivery goes out exactly once. */
static bool share_is_done(struct rig *rig, void *arg)
{
	struct rig *other = arg;

	uv_run(&other->loop, UV_RUN_NOWAIT);
	return rig_ask(rig, "SELECT count(*) FROM deliveries WHERE state = 'delivered'") == 200;
}

Test(sharing, shares_channels_with_other_workers_without_sending_twice)
{
	for (int engine = 0; engine < DATABASE_ENGINES; engine++) {
		const struct rig_options first = { .worker = "worker-1" };
		static struct event *events[20];
		struct rig_options second = { .worker = "worker-2" };
		struct rig a;
		struct rig b;

		rig_open(&a, (enum database_engine)engine, &first);
		second.database = &a.database;
		rig_open(&b, (enum database_engine)engine, &second);
		for (unsigned i = 0; i < 10; i++) {
			char id[UUID_TEXT_SIZE];

			snprintf(id, sizeof(id), "%08u-0000-4000-8000-000000000000",
				 (i + 1) % 100u);
			rig_add_channel(&a, id, TEAM_A, "hook", "capsule.pause");
		}
		for (int i = 0; i < 20; i++)
			events[i] = rig_event("capsule.pause", USER, WELL, START_MS + i);
		cr_assert_eq(rig_commit(&a, events, 20), 0);
		rig_turn_until(&a, share_is_done, &b);
		cr_expect_eq(receiver_count(a.receiver), 200);
		cr_expect_eq(rig_ask(&a, "SELECT count(*) FROM attempts"), 200);
		rig_close(&b);
		rig_close(&a);
	}
}

static void note_held_elsewhere(const struct uuid *channel, void *arg)
{
	*(struct uuid *)arg = *channel;
}

static bool has_found_holder(struct rig *rig, void *arg)
{
	(void)rig;
	return !uuid_is_zero(arg);
}

/* The ticks of both come after an hour, so no scan finds the second event. */
Test(sharing, sends_at_once_what_another_worker_has_stored)
{
	const struct rig_options first = { .worker = "worker-1", .tick_ms = 3600000 };
	struct uuid channel = { .bytes = { 0 } };
	struct rig_options second = { .worker = "worker-2",
				      .tick_ms = 3600000,
				      .arg = &channel,
				      .on_held_elsewhere = note_held_elsewhere };
	struct event *event = rig_event("capsule.pause", USER, WELL, START_MS);
	struct rig a;
	struct rig b;

	rig_open(&a, DATABASE_SQLITE, &first);
	second.database = &a.database;
	rig_open(&b, DATABASE_SQLITE, &second);
	rig_add_channel(&a, CHANNEL_1, TEAM_A, "hook", "capsule.pause");
	cr_assert_eq(rig_commit(&a, &event, 1), 0);
	rig_wait_received(&a, 1);
	rig_wait_rows(&a, 1, "deliveries WHERE state = 'delivered'");
	rig_hold_ledger(&b);
	event = rig_event("capsule.pause", USER, WELL, START_MS + 1);
	cr_assert_eq(rig_commit(&b, &event, 1), 0);
	rig_turn_until(&b, has_found_holder, &channel);
	cr_expect_eq(receiver_count(a.receiver), 1);
	deliveries_wake(b.deliveries, &channel); /* works on no channel */
	deliveries_wake(a.deliveries, &channel);
	rig_wait_received(&a, 2);
	rig_close(&b);
	rig_close(&a);
}

/* ---- closing ------------------------------------------------------------------------------- */

static enum receiver_reply count_requests(const struct received *request, struct buf *out,
					  void *arg)
{
	(void)request;
	++*(unsigned *)arg;
	receiver_answer_status(out, 200);
	return RECEIVER_ANSWER;
}

Test(sharing, stores_the_result_of_a_request_under_way_before_it_closes)
{
	for (int engine = 0; engine < DATABASE_ENGINES; engine++) {
		unsigned requests = 0;
		const struct rig_options options = { .answer = count_requests, .arg = &requests };
		struct rig rig;

		rig_open(&rig, (enum database_engine)engine, &options);
		rig_add_channel(&rig, CHANNEL_1, TEAM_A, "hook", "capsule.pause");
		for (int i = 0; i < 50; i++)
			rig_commit_pause(&rig, START_MS + i);
		rig_wait_received(&rig, 5);
		rig_close(&rig);
		cr_expect_eq(database_ask(&rig.database, "SELECT count(*) FROM deliveries "
							 "WHERE state = 'delivered'"),
			     requests, "a request without a stored result");
		cr_expect_eq(database_ask(&rig.database, "SELECT count(*) FROM channel_state WHERE "
							 "channel_id = '" CHANNEL_1
							 "' AND lease_owner IS NOT NULL"),
			     0, "the lease was kept");
	}
}
