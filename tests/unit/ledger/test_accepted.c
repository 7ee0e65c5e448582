/* SPDX-License-Identifier: Apache-2.0 */

/* A delivery of what the system ends knows when somebody asked for it, on both engines. */
#include "tests/support/rig.h"

#define CHANNEL_1 "11111111-1111-4111-8111-111111111111"
#define WELL      ",\"outcome\":\"success\""
#define BADLY     ",\"outcome\":\"error\",\"metadata\":{\"reason\":\"pause_failed\"}"
#define ASKED     "'2027-01-15T08:00:00"

static const struct rig_options accepting = { .no_delivery = false };
static const struct rig_options completing = { .notify_completion = true };

static void commit_one(struct rig *rig, struct event *event)
{
	cr_assert_eq(rig_commit(rig, &event, 1), 0);
}

static int64_t count_at(struct rig *rig, int64_t ms, const char *accepted)
{
	return rig_ask(rig,
		       "SELECT count(*) FROM deliveries WHERE stream_ms = %lld AND accepted_at %s",
		       (long long)(START_MS + ms), accepted);
}

static void remember_accept(struct rig *rig)
{
	rig_add_channel(rig, CHANNEL_1, TEAM_A, "one", "capsule.pause");
	commit_one(rig, rig_event("capsule.pause", SYSTEM, BADLY, START_MS - 5000));
	cr_expect_eq(count_at(rig, -5000, "IS NULL"), 1, "nobody asked");
	commit_one(rig, rig_event("capsule.pause", USER, WELL, START_MS));
	cr_expect_eq(count_at(rig, 0, "IS NOT NULL"), 0, "it ends nothing");
	commit_one(rig, rig_event("capsule.pause", SYSTEM, BADLY, START_MS + 192000));
	cr_expect_eq(count_at(rig, 192000, "= " ASKED ".000000Z'"), 1);
	commit_one(rig, rig_event("capsule.pause", SYSTEM, BADLY, START_MS + 901000));
	cr_expect_eq(count_at(rig, 901000, "IS NULL"), 1, "too long ago to belong to it");
}

Test(accepted, is_when_somebody_asked_for_what_failed)
{
	ON_BOTH_STORES(&accepting, remember_accept);
}

static void remember_in_one_batch(struct rig *rig)
{
	struct event *events[] = { rig_event("capsule.pause", USER, WELL, START_MS),
				   rig_event("capsule.pause", SYSTEM, WELL, START_MS + 3000) };

	rig_add_channel(rig, CHANNEL_1, TEAM_A, "one", "capsule.pause");
	cr_assert_eq(rig_commit(rig, events, 2), 0);
	cr_expect_eq(count_at(rig, 3000, "= " ASKED ".000000Z'"), 1);
}

Test(accepted, is_known_in_the_batch_that_accepted_it)
{
	ON_BOTH_STORES(&completing, remember_in_one_batch);
}
