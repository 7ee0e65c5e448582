/* SPDX-License-Identifier: Apache-2.0 */

/* Webhooks that ask for a rest because of one event, on both stores: what waits, and for how
 * long. */
#include "tests/support/destination.h"
#include "tests/support/view_rig.h"

#define BAD       ",\"outcome\":\"error\",\"error\":\"poison\""
#define GOOD      ",\"outcome\":\"success\""
#define DELIVERED "deliveries WHERE state = 'delivered'"
#define REFUSED   "deliveries WHERE state = 'pending' AND attempts = "

static struct destination bad = { .only = "poison", .headers = "Retry-After: 3600\r\n" };

static void commit(struct rig *rig, const char *more, int64_t ms)
{
	struct event *event = rig_event("capsule.pause", USER, more, ms);

	cr_assert_eq(rig_commit(rig, &event, 1), 0);
}

/* A bad event, and a good one after it until the hour is nearly over. */
static void wait_an_hour(struct rig *rig)
{
	rig_add_channel(rig, CHANNEL_1, TEAM_A, "hook", "capsule.pause");
	commit(rig, BAD, START_MS);
	rig_wait_rows(rig, 1, REFUSED "1");
	commit(rig, GOOD, START_MS + 1);
	rig_now_us += 59 * MINUTE_US;
	rig_idle(rig);
	cr_expect_eq(receiver_count(rig->receiver), 1, "the first wish is the channel's");
	rig_now_us += MINUTE_US + SECOND_US;
	rig_wait_rows(rig, 1, REFUSED "2");
}

static void with_status(int status, void (*steps)(struct rig *rig))
{
	const struct rig_options options = { .answer = destination_answer, .arg = &bad };

	for (int engine = 0; engine < DATABASE_ENGINES; engine++) {
		struct rig rig;

		bad.status = status;
		rig_now_us = START_US;
		rig_open(&rig, (enum database_engine)engine, &options);
		steps(&rig);
		rig_close(&rig);
	}
}

static void pass_the_bad_one(struct rig *rig)
{
	wait_an_hour(rig);
	rig_wait_rows(rig, 1, DELIVERED);
	commit(rig, GOOD, START_MS + 2);
	rig_wait_rows(rig, 2, DELIVERED);
	cr_expect_eq(receiver_count(rig->receiver), 4);
	rig_now_us += 59 * MINUTE_US;
	rig_idle(rig);
	cr_expect_eq(receiver_count(rig->receiver), 4, "the bad one is asked sooner than it may");
	rig_now_us += MINUTE_US + SECOND_US;
	rig_wait_rows(rig, 1, REFUSED "3");
}

Test(wishes, repeated_of_one_event_hold_no_newer_ones_back)
{
	with_status(503, pass_the_bad_one);
}

static void wait_once_more(struct rig *rig)
{
	wait_an_hour(rig);
	rig_now_us += 59 * MINUTE_US;
	rig_idle(rig);
	cr_expect_eq(receiver_count(rig->receiver), 2, "it was too fast, whatever it was");
}

Test(wishes, of_one_who_finds_us_too_fast_hold_all_back_each_time)
{
	with_status(429, wait_once_more);
}

static void show_until_when(struct rig *rig)
{
	rig_add_channel(rig, CHANNEL_1, TEAM_A, "hook", "capsule.pause");
	cr_assert_eq(call(rig, "GET", path_of(CHANNEL_1, "/health"), ""), 200);
	cr_expect_null(strstr(call_answer, "\"pace\""), "%s", call_answer);
	commit(rig, BAD, START_MS);
	rig_wait_rows(rig, 1, REFUSED "1");
	cr_assert_eq(call(rig, "GET", path_of(CHANNEL_1, "/health"), ""), 200);
	cr_expect(strstr(call_answer, "\"pace\":{\"next_at\":\"2027-01-15T09:00:00Z\"}"), "%s",
		  call_answer);
	bad.status = 200;
	rig_now_us += HOUR_US + SECOND_US;
	rig_wait_rows(rig, 1, DELIVERED);
	cr_assert_eq(call(rig, "GET", path_of(CHANNEL_1, "/health"), ""), 200);
	cr_expect_null(strstr(call_answer, "\"pace\""), "%s", call_answer);
}

Test(wishes, are_shown_to_the_owner_while_they_hold)
{
	with_status(429, show_until_when);
}
