/* SPDX-License-Identifier: Apache-2.0 */

/* Channels get what their filters let pass, on both engines. */
#include "tests/support/rig.h"

#define CHANNEL_1 "11111111-1111-4111-8111-111111111111"
#define CHANNEL_2 "22222222-2222-4222-8222-222222222222"
#define CHANNEL_3 "33333333-3333-4333-8333-333333333333"

static const struct rig_options options = { .no_delivery = false };

static void commit_one(struct rig *rig, struct event *event)
{
	cr_assert_eq(rig_commit(rig, &event, 1), 0);
}

static void set_filter(struct rig *rig, const char *channel, const char *json)
{
	rig_ask(rig,
		"INSERT INTO channel_options (channel_id, options, updated_at) VALUES "
		"('%s', '{\"filter\":%s}', '2027-01-15T08:00:00.000000Z')",
		channel, json);
}

static int64_t count_of(struct rig *rig, const char *channel)
{
	return rig_ask(rig, "SELECT count(*) FROM deliveries WHERE channel_id = '%s'", channel);
}

static void filter_events(struct rig *rig)
{
	rig_add_channel(rig, CHANNEL_1, TEAM_A, "all", "capsule.pause");
	rig_add_channel(rig, CHANNEL_2, TEAM_A, "failures", "capsule.pause");
	rig_add_channel(rig, CHANNEL_3, TEAM_A, "newer", "capsule.pause");
	set_filter(rig, CHANNEL_2, "{\"outcome\":[\"error\"]}");
	set_filter(rig, CHANNEL_3, "{\"rule of a newer version\":[\"error\"]}");
	commit_one(rig, rig_event("capsule.pause", USER, ",\"outcome\":\"success\"", START_MS));
	cr_expect_eq(count_of(rig, CHANNEL_1), 1);
	cr_expect_eq(count_of(rig, CHANNEL_2), 0);
	cr_expect_eq(count_of(rig, CHANNEL_3), 1, "nothing is lost for a rule we do not know");
	commit_one(rig, rig_event("capsule.pause", USER, ",\"outcome\":\"error\",\"error\":\"no\"",
				  START_MS + 1));
	cr_expect_eq(count_of(rig, CHANNEL_2), 1);
	rig_ask(rig, "DELETE FROM channel_options WHERE channel_id = '" CHANNEL_2 "'");
	commit_one(rig, rig_event("capsule.pause", USER, ",\"outcome\":\"success\"", START_MS + 2));
	cr_expect_eq(count_of(rig, CHANNEL_2), 2, "the next batch reads the filters again");
}

Test(filter, decides_which_channels_get_an_event)
{
	ON_BOTH_STORES(&options, filter_events);
}

static void suppress_only_what_was_wanted(struct rig *rig)
{
	rig_add_channel(rig, CHANNEL_2, TEAM_A, "failures", "capsule.pause");
	set_filter(rig, CHANNEL_2, "{\"outcome\":[\"error\"]}");
	commit_one(rig, rig_event("capsule.pause", USER, ",\"outcome\":\"success\"", START_MS));
	commit_one(rig,
		   rig_event("capsule.pause", SYSTEM, ",\"outcome\":\"success\"", START_MS + 1));
	cr_expect_eq(rig_ask(rig, "SELECT count(*) FROM suppressed"), 0,
		     "the channel would not have heard of it");
}

Test(filter, leaves_no_note_about_what_no_channel_wants)
{
	ON_BOTH_STORES(&options, suppress_only_what_was_wanted);
}
