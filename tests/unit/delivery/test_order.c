/* SPDX-License-Identifier: Apache-2.0 */

/* How long events of a kind that always fails delay the others of their channel. */
#include "tests/support/rig.h"

#define CHANNEL_1 "11111111-1111-4111-8111-111111111111"

static enum receiver_reply refuse_poison(const struct received *request, struct buf *out, void *arg)
{
	(void)arg;
	receiver_answer(out, strstr(request->body, "poison") ? 500 : 200, "", STR(""));
	return RECEIVER_ANSWER;
}

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
	const struct rig_options options = { .answer = refuse_poison };
	struct rig rig;

	rig_now_us = START_US;
	rig_open(&rig, DATABASE_SQLITE, &options);
	pass_poison(&rig);
	rig_close(&rig);
}
