/* SPDX-License-Identifier: Apache-2.0 */

/* Living messages after a request of their owner, a restart, and the end of their channel. */
#include <stdio.h>

#include "core/id.h"
#include "tests/unit/delivery/living_fixture.h"

static void send_again(struct rig *rig)
{
	char id[64], path[128], body[4096];

	happen(rig, "capsule.create", "cl-1", 0);
	settle(rig);
	happen(rig, "capsule.pause", "cl-1", 1000);
	settle(rig);
	rig_ask_text(rig, id, sizeof(id),
		     "SELECT CAST(id AS text) FROM deliveries WHERE event = 'capsule.create'");
	snprintf(path, sizeof(path), "/v1/deliveries/%s/redeliver", id);
	cr_assert_eq(rig_request(rig, "POST", path, TEAM_A, "", body, sizeof(body)), 202, "%s",
		     body);
	settle(rig);
	cr_expect_eq(chat.count, 2);
	expect_message(1, "paused");
	expect_message(2, "created");
	happen(rig, "capsule.destroy", "cl-1", 2000);
	settle(rig);
	expect_message(1, "destroyed");
	expect_message(2, "created");
}

Test(living, shows_what_is_sent_again_as_a_message_of_its_own)
{
	with_chat(send_again);
}

/* Nobody asked for the old state: it waited while the channel was disabled. */
static void enable_again(struct rig *rig)
{
	char path[128], id[ID_TEXT_SIZE], body[4096];
	struct uuid channel;

	happen(rig, "capsule.create", "cl-1", 0);
	settle(rig);
	happen(rig, "capsule.destroy", "cl-1", 9000);
	settle(rig);
	rig_ask(rig, "INSERT INTO channel_state (channel_id, disabled_at, disabled_reason, "
		     "updated_at) VALUES ('" CHANNEL_1 "', '2027-01-15T08:00:00.000000Z', 'gone', "
		     "'2027-01-15T08:00:00.000000Z') ON CONFLICT (channel_id) DO UPDATE SET "
		     "disabled_at = excluded.disabled_at, disabled_reason = 'gone'");
	happen(rig, "capsule.pause", "cl-1", 5000);
	rig_idle(rig);
	cr_assert_eq(rig_ask(rig, "SELECT count(*) FROM " PENDING), 1);
	cr_assert_eq(uuid_parse(STR(CHANNEL_1), &channel), 0);
	id_format(ID_CHANNEL, &channel, id);
	snprintf(path, sizeof(path), "/v1/channels/%s/enable", id);
	cr_assert_eq(rig_request(rig, "POST", path, TEAM_A, "{\"backlog\":\"deliver\"}", body,
				 sizeof(body)),
		     200, "%s", body);
	settle(rig);
	cr_expect_eq(chat.count, 1);
	expect_message(1, "destroyed");
	cr_expect_eq(rig_ask(rig, "SELECT count(*) FROM " FOLDED), 1);
}

Test(living, shows_no_old_state_when_its_channel_is_enabled_again)
{
	with_chat(enable_again);
}

/* The worker's memory is gone. */
static void start_again(struct rig *rig)
{
	const struct rig_options options = { .answer = talk,
					     .arg = &chat,
					     .strict = true,
					     .chat = true,
					     .worker = "worker-2",
					     .database = &rig->database };
	struct rig again;

	happen(rig, "capsule.create", "cl-1", 0);
	settle(rig);
	rig_idle(rig);
	rig_now_us += 60 * SECOND_US; /* its lease is over */
	rig_open(&again, DATABASE_SQLITE, &options);
	rig_hold_ledger(&again);
	happen(&again, "capsule.destroy", "cl-1", 1000);
	settle(&again);
	cr_expect_eq(chat.count, 1);
	expect_message(1, "created \xe2\x86\x92 destroyed");
	rig_close(&again);
}

Test(living, edits_after_a_restart_what_was_posted_before)
{
	with_chat(start_again);
}

static void remove_channel(struct rig *rig)
{
	char path[128], id[ID_TEXT_SIZE], body[1024];
	struct uuid channel;

	happen(rig, "capsule.create", "cl-1", 0);
	settle(rig);
	rig_wait_rows(rig, 1, LIVING);
	cr_assert_eq(uuid_parse(STR(CHANNEL_1), &channel), 0);
	id_format(ID_CHANNEL, &channel, id);
	snprintf(path, sizeof(path), "/v1/channels/%s", id);
	cr_assert_eq(rig_request(rig, "DELETE", path, TEAM_A, "", body, sizeof(body)), 204);
	cr_expect_eq(rig_ask(rig, "SELECT count(*) FROM living_messages"), 0);
}

Test(living, is_forgotten_with_its_channel)
{
	with_chat(remove_channel);
}
