/* SPDX-License-Identifier: Apache-2.0 */

/* How long events of a kind that always fails delay the others of their channel. */
#include "tests/support/destination.h"
#include "tests/support/rig.h"

#define CHANNEL_1 "11111111-1111-4111-8111-111111111111"

#define GOOD_ONES "deliveries WHERE state = 'delivered'"

/* Kinds that always fail and that never fail, in turn. */
static void pass_poison(struct rig *rig)
{
	enum { EVENTS = 20 };
	struct event *events[EVENTS];
	int64_t end_us = START_US + 150 * SECOND_US;

	rig_add_channel(rig, CHANNEL_1, TEAM_A, "hook", "capsule.pause");
	for (int i = 0; i < EVENTS; i++)
		events[i] = rig_event("capsule.pause", USER,
				      i % 2 ? ",\"outcome\":\"success\""
					    : ",\"outcome\":\"error\",\"error\":\"poison\"",
				      START_MS + i);
	cr_assert_eq(rig_commit(rig, events, EVENTS), 0);
	while (rig_ask(rig, "SELECT count(*) FROM " GOOD_ONES) < EVENTS / 2) {
		rig_idle(rig);
		rig_now_us += 5 * SECOND_US;
		cr_assert_lt(rig_now_us, end_us, "%lld good ones after %lld s",
			     (long long)rig_ask(rig, "SELECT count(*) FROM " GOOD_ONES),
			     (long long)((rig_now_us - START_US) / SECOND_US));
	}
	cr_expect_gt(rig_now_us, START_US + 50 * SECOND_US, "nothing was held back");
}

Test(order, is_held_up_for_a_minute_by_a_kind_that_always_fails)
{
	struct destination refusing = { .only = "poison", .status = 500 };
	const struct rig_options options = { .answer = destination_answer, .arg = &refusing };
	struct rig rig;

	rig_now_us = START_US;
	rig_open(&rig, DATABASE_SQLITE, &options);
	pass_poison(&rig);
	rig_close(&rig);
}

/* ---- what the scan finds ------------------------------------------------------------------- */

#define PAST   "2020-01-01T00:00:00.000000Z"
#define FUTURE "2999-01-01T00:00:00.000000Z"

static void add_row(struct rig *rig, unsigned number, unsigned attempts, const char *next)
{
	rig_ask(rig,
		"INSERT INTO deliveries (id, stream_id, stream_ms, stream_seq, team_id, "
		"channel_id, event, payload, state, attempts, next_attempt_at, created_at, "
		"updated_at) VALUES ('%08u-3333-4333-8333-333333333333', '%lld-0', %lld, 0, "
		"'" TEAM_A "', '" CHANNEL_1 "', 'capsule.pause', %s, 'pending', %u, '%s', '%s', "
		"'%s')",
		number, (long long)START_MS + number, (long long)START_MS + number,
		strncmp(rig->database.url, "sqlite", 6) == 0 ? "x'7b7d'" : "'{}'", attempts, next,
		PAST, PAST);
}

#define TAKEN_UP "deliveries WHERE state = 'failed'" /* their payload is no event */

/* A newer row was tried and waits; it hides no older one. */
static void find_older(struct rig *rig)
{
	rig_add_channel(rig, CHANNEL_1, TEAM_A, "hook", "capsule.pause");
	add_row(rig, 2, 1, FUTURE);
	rig_idle(rig);
	add_row(rig, 1, 0, PAST);
	rig_wait_rows(rig, 1, TAKEN_UP);
	rig_ask(rig, "UPDATE deliveries SET next_attempt_at = '" PAST "' WHERE attempts = 1");
	rig_wait_rows(rig, 2, TAKEN_UP);
}

Test(order, is_found_by_the_scan_among_rows_that_wait)
{
	for (int engine = 0; engine < DATABASE_ENGINES; engine++) {
		const struct rig_options options = { 0 };
		struct rig rig;

		rig_now_us = START_US;
		rig_open(&rig, (enum database_engine)engine, &options);
		find_older(&rig);
		rig_close(&rig);
	}
}
