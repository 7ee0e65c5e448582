/* SPDX-License-Identifier: Apache-2.0 */

/* The wall clock is set, back or forward, while deliveries are pending, on both stores. */
#include <stdio.h>

#include "core/rfc3339.h"
#include "tests/support/destination.h"
#include "tests/support/rig.h"

#define CHANNEL_1 "11111111-1111-4111-8111-111111111111"
#define DAY_US    (24 * HOUR_US)
#define DELIVERED "deliveries WHERE state = 'delivered'"
#define PENDING   "deliveries WHERE state = 'pending'"

static struct destination destination;

static void with_status(int first_status, void (*steps)(struct rig *rig))
{
	for (int engine = 0; engine < DATABASE_ENGINES; engine++) {
		const struct rig_options options = { .answer = destination_answer,
						     .arg = &destination };
		struct rig rig;

		rig_now_us = START_US;
		destination.status = first_status;
		destination.headers = first_status == 429 ? "Retry-After: 300\r\n" : NULL;
		rig_open(&rig, (enum database_engine)engine, &options);
		rig_add_channel(&rig, CHANNEL_1, TEAM_A, "hook", "capsule.pause");
		rig_idle(&rig); /* the engine looked at the clock */
		steps(&rig);
		rig_close(&rig);
	}
}

static void retry_after_setting_back(struct rig *rig)
{
	rig_commit_pause(rig, rig_now_us / 1000);
	rig_wait_rows(rig, 1, PENDING " AND attempts = 1");
	rig_set_clock(-DAY_US);
	rig_idle(rig);
	cr_expect_eq(receiver_count(rig->receiver), 1, "the pause is kept");
	destination.status = 200;
	rig_now_us += 14 * SECOND_US;
	rig_wait_rows(rig, 1, DELIVERED);
	cr_expect_eq(receiver_count(rig->receiver), 2);
}

Test(clock, set_back_does_not_delay_a_retry)
{
	with_status(503, retry_after_setting_back);
}

static void go_on_after_setting_back(struct rig *rig)
{
	rig_commit_pause(rig, rig_now_us / 1000);
	rig_wait_rows(rig, 1, PENDING " AND attempts = 1");
	rig_set_clock(-2 * HOUR_US);
	destination.status = 200;
	rig_commit_pause(rig, rig_now_us / 1000);
	rig_idle(rig);
	rig_now_us += MINUTE_US + 10 * SECOND_US;
	rig_wait_rows(rig, 2, DELIVERED);
	rig_idle(rig);
	cr_expect_eq(receiver_count(rig->receiver), 3, "each of them once more and no oftener");
}

Test(clock, set_back_does_not_keep_new_events_waiting)
{
	with_status(503, go_on_after_setting_back);
}

/* A row that was written just before the clock was set back, and that nobody has read. */
static void add_unread_row(struct rig *rig)
{
	rig_ask(rig,
		"INSERT INTO deliveries (id, stream_id, stream_ms, stream_seq, team_id, "
		"channel_id, event, payload, state, next_attempt_at, created_at, updated_at) "
		"SELECT '44444444-4444-4444-8444-444444444444', '%lld-0', stream_ms + 1, 0, "
		"team_id, channel_id, event, payload, 'pending', updated_at, updated_at, "
		"updated_at FROM deliveries",
		(long long)START_MS + 1);
}

/* The newer row is due by the new clock, the older one seems to be an hour away. No tick helps. */
static void keep_order(struct rig *rig)
{
	rig_add_channel(rig, CHANNEL_1, TEAM_A, "hook", "capsule.pause");
	rig_commit_pause(rig, START_MS);
	rig_wait_rows(rig, 1, DELIVERED);
	rig_set_clock(-HOUR_US);
	add_unread_row(rig);
	rig_commit_pause(rig, START_MS + 2);
	rig_wait_rows(rig, 3, DELIVERED);
	cr_assert_eq(receiver_count(rig->receiver), 3);
	cr_expect_str_eq(receiver_get(rig->receiver, 1)->body, receiver_get(rig->receiver, 0)->body,
			 "the unread row has its payload");
}

Test(clock, set_back_keeps_the_order_of_rows_that_nobody_has_read)
{
	const struct rig_options options = { .tick_ms = 3600 * 1000 };

	rig_now_us = START_US;
	ON_BOTH_STORES(&options, keep_order)
}

static void keep_schedule(struct rig *rig)
{
	rig_commit_pause(rig, rig_now_us / 1000);
	rig_wait_rows(rig, 1, PENDING " AND attempts = 1");
	for (int i = 0; i < 6; i++) {
		rig_set_clock(i % 2 ? HOUR_US : -HOUR_US);
		rig_idle(rig);
	}
	/* Setting it forward makes it due, so each time allows one attempt. */
	cr_expect_leq(receiver_count(rig->receiver), 4);
	cr_expect_eq(rig_ask(rig, "SELECT count(*) FROM " PENDING), 1);
}

Test(clock, set_again_and_again_hammers_nobody)
{
	with_status(503, keep_schedule);
}

static void expect_silence_then_delivery(struct rig *rig)
{
	rig_commit_pause(rig, rig_now_us / 1000);
	rig_idle(rig);
	rig_now_us += 4 * MINUTE_US + 50 * SECOND_US;
	rig_idle(rig);
	cr_expect_eq(receiver_count(rig->receiver), 1, "sooner than it wished");
	destination.status = 200;
	rig_now_us += 12 * SECOND_US;
	rig_wait_rows(rig, 2, DELIVERED);
	cr_expect_eq(receiver_count(rig->receiver), 3);
}

static void keep_a_wish(struct rig *rig)
{
	rig_commit_pause(rig, rig_now_us / 1000);
	rig_wait_rows(rig, 1, PENDING " AND attempts = 1");
	rig_set_clock(HOUR_US);
	expect_silence_then_delivery(rig);
}

Test(clock, set_forth_does_not_cut_a_destinations_wish_short)
{
	with_status(429, keep_a_wish);
}

static void keep_a_wish_for_newer_ones(struct rig *rig)
{
	rig_commit_pause(rig, rig_now_us / 1000);
	rig_wait_rows(rig, 1, PENDING " AND attempts = 1");
	expect_silence_then_delivery(rig);
}

Test(clock, passes_and_the_wish_of_a_destination_holds_newer_ones_for_more_than_a_minute)
{
	with_status(429, keep_a_wish_for_newer_ones);
}

static void survive_setting_forth(struct rig *rig)
{
	rig_commit_pause(rig, rig_now_us / 1000);
	rig_wait_rows(rig, 1, PENDING " AND attempts = 1");
	rig_set_clock(3 * DAY_US);
	rig_now_us += 12 * SECOND_US;
	rig_wait_rows(rig, 1, "deliveries WHERE attempts = 2");
	cr_expect_eq(rig_ask(rig, "SELECT count(*) FROM " PENDING), 1, "it is not that old");
	destination.status = 200;
	rig_now_us += 40 * SECOND_US;
	rig_wait_rows(rig, 1, DELIVERED);
}

Test(clock, set_forth_gives_nothing_up)
{
	with_status(503, survive_setting_forth);
}

/* ---- leases -------------------------------------------------------------------------------- */

static void add_lease(struct rig *rig, int64_t until_us)
{
	char until[RFC3339_TEXT_SIZE];

	rfc3339_format(until_us, 6, until);
	rig_ask(rig,
		"INSERT INTO channel_state (channel_id, lease_owner, lease_until, updated_at) "
		"VALUES ('" CHANNEL_1 "', 'other', '%s', '2027-01-15T08:00:00.000000Z')",
		until);
}

static void wait_for_owner(struct rig *rig)
{
	add_lease(rig, rig_now_us + 20 * SECOND_US);
	rig_set_clock(HOUR_US);
	rig_commit_pause(rig, rig_now_us / 1000);
	rig_idle(rig);
	rig_now_us += 25 * SECOND_US;
	rig_idle(rig);
	cr_expect_eq(receiver_count(rig->receiver), 0, "its owner is about to renew it");
	rig_now_us += 6 * SECOND_US;
	rig_wait_rows(rig, 1, DELIVERED);
}

Test(clock, set_forth_takes_no_lease_from_its_owner)
{
	with_status(200, wait_for_owner);
}

static void take_absurd_lease(struct rig *rig)
{
	add_lease(rig, rig_now_us + DAY_US);
	rig_commit_pause(rig, rig_now_us / 1000);
	rig_idle(rig);
	cr_expect_eq(receiver_count(rig->receiver), 0, "its owner may be there still");
	rig_now_us += 61 * SECOND_US;
	rig_wait_rows(rig, 1, DELIVERED);
}

Test(clock, set_back_leaves_no_lease_that_never_ends)
{
	with_status(200, take_absurd_lease);
}

static void renew_first(struct rig *rig)
{
	char until[64];

	rig_commit_pause(rig, rig_now_us / 1000);
	rig_wait_rows(rig, 1, DELIVERED);
	rig_set_clock(-HOUR_US);
	rig_commit_pause(rig, rig_now_us / 1000);
	rig_now_us += 2 * SECOND_US;
	rig_wait_rows(rig, 2, DELIVERED);
	rig_ask_text(rig, until, sizeof(until),
		     "SELECT CAST(lease_until AS text) FROM channel_state "
		     "WHERE lease_owner IS NOT NULL AND channel_id = '" CHANNEL_1 "'");
	cr_expect(strstr(until, "07:00:"), "renewed by the current clock: %s", until);
}

Test(clock, set_back_has_leases_renewed_before_anything_is_sent)
{
	with_status(200, renew_first);
}

/* ---- at start ------------------------------------------------------------------------------ */

#define TRIED "1, '2028-01-01T00:00:30.000000Z', '2028-01-01T00:00:00.000000Z'"
#define NEW   "0, '2028-01-01T00:00:00.000000Z', NULL"

/* Rows of a process that ran before the clock was set back. */
static void add_late_row(struct rig *rig, const char *tries)
{
	rig_ask(rig,
		"INSERT INTO deliveries (id, stream_id, stream_ms, stream_seq, team_id, "
		"channel_id, event, payload, state, attempts, next_attempt_at, first_failed_at, "
		"created_at, updated_at) VALUES ('33333333-3333-4333-8333-333333333333', "
		"'1800000000000-0', 1800000000000, 0, '" TEAM_A "', '" CHANNEL_1
		"', 'capsule.pause', %s, 'pending', %s, "
		"'2028-01-01T00:00:00.000000Z', '2028-01-01T00:00:00.000000Z')",
		strncmp(rig->database.url, "sqlite", 6) == 0 ? "x'7b7d'" : "'{}'", tries);
}

/* The payload {} is no event and fails in its turn, which the test waits for. */
Test(clock, finds_rows_of_the_future_when_it_starts)
{
	for (int engine = 0; engine < DATABASE_ENGINES; engine++) {
		const struct rig_options options = { .strict = false };
		struct rig rig;

		rig_now_us = START_US;
		rig_open(&rig, (enum database_engine)engine, &options);
		rig_add_channel(&rig, CHANNEL_1, TEAM_A, "hook", "capsule.pause");
		add_late_row(&rig, TRIED); /* before the first turn of the loop */
		rig_wait_rows(&rig, 1,
			      PENDING " AND next_attempt_at = '2027-01-15T08:00:30.000000Z' AND "
				      "first_failed_at = '2027-01-15T08:00:00.000000Z'");
		rig_now_us += 31 * SECOND_US;
		rig_wait_rows(&rig, 1, "deliveries WHERE state = 'failed' AND attempts = 1");
		rig_close(&rig);
	}
}

Test(clock, sends_new_rows_of_the_future_when_it_starts)
{
	for (int engine = 0; engine < DATABASE_ENGINES; engine++) {
		const struct rig_options options = { .strict = false };
		struct rig rig;

		rig_now_us = START_US;
		rig_open(&rig, (enum database_engine)engine, &options);
		rig_add_channel(&rig, CHANNEL_1, TEAM_A, "hook", "capsule.pause");
		add_late_row(&rig, NEW); /* before the first turn of the loop */
		rig_wait_rows(&rig, 1, "deliveries WHERE state = 'failed'");
		rig_close(&rig);
	}
}
