/* SPDX-License-Identifier: Apache-2.0 */

/* Rows that an earlier version wrote, with ids of another form. */
#include "tests/support/rig.h"

#define CHANNEL_1 "11111111-1111-4111-8111-111111111111"
#define BECAUSE   ",\"outcome\":\"success\",\"metadata\":{\"reason\":\"ttl_expired\"}"

static const struct rig_options options = { .strict = false };

/* The row's id in the form of earlier versions. */
static void age_ids(struct rig *rig, struct stream_id entry)
{
	const struct uuid space = { { 0x02, 0x94, 0xa4, 0x78, 0x84, 0x22, 0x42, 0xbc, 0xb9, 0xca,
				      0x83, 0xcb, 0xb9, 0xdd, 0xbc, 0xd7 } };
	char entry_text[STREAM_ID_TEXT_SIZE];
	char text[UUID_TEXT_SIZE];
	struct uuid channel;
	struct uuid id;

	stream_id_format(entry, entry_text);
	cr_assert_eq(uuid_parse(STR(CHANNEL_1), &channel), 0);
	uuid_v5(&channel, str_of(entry_text), &id);
	uuid_format(&id, text);
	rig_ask(rig, "UPDATE deliveries SET id = '%s' WHERE channel_id = '" CHANNEL_1 "'", text);
	uuid_v5(&space, str_of(entry_text), &id);
	uuid_format(&id, text);
	rig_ask(rig, "UPDATE audit_logs SET id = '%s'", text);
}

static void offer(struct rig *rig, struct event *event)
{
	cr_assert_eq(rig_offer(rig, &event, 1), 0);
	cr_assert_str_eq(rig_rejected(0).text, "");
}

static void commit_what_an_older_version_has(struct rig *rig)
{
	struct event *event = rig_event("capsule.pause", SYSTEM, BECAUSE, START_MS);

	rig_add_channel(rig, CHANNEL_1, TEAM_A, "one", "capsule.pause");
	rig_ask(rig, "INSERT INTO channel_state (channel_id, lease_owner, lease_until, updated_at) "
		     "VALUES ('" CHANNEL_1 "', 'other', '2999-01-01T00:00:00.000000Z', "
		     "'2027-01-01T00:00:00.000000Z')");
	offer(rig, event);
	age_ids(rig, event->id);
	offer(rig, event);
	event_free(event);
	cr_expect_eq(rig_ask(rig, "SELECT count(*) FROM deliveries"), 1);
	cr_expect_eq(rig_ask(rig, "SELECT count(*) FROM audit_logs"), 1);
}

Test(upgrade, doubles_nothing_that_an_older_version_has_committed)
{
	ON_BOTH_STORES(&options, commit_what_an_older_version_has);
}
