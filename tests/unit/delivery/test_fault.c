/* SPDX-License-Identifier: Apache-2.0 */

/* Every allocation of the loop fails in turn: a delivery arrives all the same, at the latest with
 * the next try, and counts as delivered only after that. */
#include "tests/support/heap.h"
#include "tests/support/rig.h"

#define CHANNEL "11111111-1111-4111-8111-111111111111"
#define WELL    ",\"outcome\":\"success\""

struct wanted {
	int64_t delivered;
	unsigned turns;
};

/* The clock goes on, since a step that failed is tried again later. */
static bool is_delivered(struct rig *rig, void *arg)
{
	struct wanted *wanted = arg;
	int64_t delivered;

	if (++wanted->turns % 20)
		return false;
	rig_now_us += SECOND_US;
	heap_spare(true);
	delivered = rig_ask(rig, "SELECT count(*) FROM deliveries WHERE state = 'delivered'");
	heap_spare(false);
	return delivered == wanted->delivered;
}

static bool deliver_without(struct rig *rig, unsigned allocation)
{
	struct wanted wanted = { .delivered = allocation + 1 };
	struct event *event =
		rig_event("capsule.pause", USER, WELL, START_MS + (int64_t)allocation);
	unsigned received = receiver_count(rig->receiver);
	bool was_met;

	cr_assert_eq(rig_commit(rig, &event, 1), 0);
	heap_fail_after(allocation);
	rig_turn_until(rig, is_delivered, &wanted);
	was_met = heap_recover();
	cr_expect_gt(receiver_count(rig->receiver), received, "%u", allocation);
	return was_met;
}

Test(fault, a_delivery_arrives_all_the_same)
{
	const struct rig_options options = { .strict = false };
	unsigned allocation = 0;
	struct rig rig;

	rig_open(&rig, DATABASE_SQLITE, &options);
	rig_add_channel(&rig, CHANNEL, TEAM_A, "hook", "capsule.pause");
	while (deliver_without(&rig, allocation))
		allocation++;
	cr_expect_gt(allocation, 3);
	rig_close(&rig);
}
