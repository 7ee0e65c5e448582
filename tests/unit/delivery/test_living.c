/* SPDX-License-Identifier: Apache-2.0 */

/* One message for each capsule, edited in place. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/delivery/living_fixture.h"

static void follow(struct rig *rig)
{
	char trail[TRAIL_SIZE];

	happen(rig, "capsule.create", "cl-1", 0);
	settle(rig);
	expect_message(1, "created");
	cr_expect_null(strstr(chat.text[0], "History"));
	happen(rig, "capsule.create", "cl-2", 1000);
	settle(rig);
	happen(rig, "capsule.pause", "cl-1", 60000);
	settle(rig);
	happen(rig, "capsule.destroy", "cl-1", 192000);
	settle(rig);
	cr_expect_eq(chat.count, 2);
	cr_expect_eq(chat.edits, 2);
	expect_message(1, " destroyed</b>");
	expect_message(1, "created \xe2\x86\x92 paused \xe2\x86\x92 destroyed, 3 min 12 s in all");
	expect_message(2, "created");
	cr_expect_eq(rig_ask(rig, "SELECT count(*) FROM " DELIVERED), 4);
	cr_expect_eq(rig_ask(rig, "SELECT count(*) FROM " LIVING), 2);
	rig_ask_text(rig, trail, sizeof(trail),
		     "SELECT trail FROM living_messages WHERE resource = 'capsule cl-1'");
	cr_expect_str_eq(trail, "created \xe2\x86\x92 paused \xe2\x86\x92 destroyed");
}

Test(living, keeps_one_message_for_each_capsule)
{
	with_chat(follow);
}

static void post_failures(struct rig *rig)
{
	struct event *event = event_of("capsule.pause", "cl-1", "error", START_MS + 1000);

	happen(rig, "capsule.create", "cl-1", 0);
	settle(rig);
	cr_assert_eq(rig_commit(rig, &event, 1), 0);
	settle(rig);
	happen(rig, "capsule.destroy", "cl-1", 2000);
	settle(rig);
	cr_expect_eq(chat.count, 2);
	expect_message(1, "destroyed");
	expect_message(2, "failed to pause");
}

Test(living, posts_a_failure_and_leaves_it)
{
	with_chat(post_failures);
}

#define STORM_CAPSULES 4
#define STORM_EVENTS   60

/* Failures among them are not lost. */
static void storm(struct rig *rig)
{
	static const char *const kinds[] = { "capsule.pause", "capsule.resume" };
	struct event *events[STORM_EVENTS];
	char capsule[16];

	for (int i = 0; i < STORM_EVENTS; i++) {
		bool is_last = i >= STORM_EVENTS - STORM_CAPSULES;

		snprintf(capsule, sizeof(capsule), "cl-%d", i % STORM_CAPSULES);
		events[i] = event_of(is_last ? "capsule.destroy" : kinds[i / STORM_CAPSULES % 2],
				     capsule, i == 9 ? "error" : "success", START_MS + i * 40000);
	}
	cr_assert_eq(rig_commit(rig, events, STORM_EVENTS), 0);
	settle(rig);
	cr_expect_eq(chat.count, STORM_CAPSULES + 1);
	cr_expect_eq(chat.edits, 0);
	cr_expect_eq(rig_ask(rig, "SELECT count(*) FROM " DELIVERED), STORM_CAPSULES + 1);
	cr_expect_eq(rig_ask(rig, "SELECT count(*) FROM " FOLDED),
		     STORM_EVENTS - STORM_CAPSULES - 1);
	cr_expect_eq(rig_ask(rig, "SELECT count(*) FROM deliveries d WHERE d.state = 'folded' AND "
				  "EXISTS (SELECT 1 FROM deliveries c WHERE c.id = d.digest_id AND "
				  "c.resource = d.resource AND c.event = 'capsule.destroy')"),
		     STORM_EVENTS - STORM_CAPSULES - 1);
	for (unsigned i = 1; i <= chat.count; i++) {
		if (!strstr(chat.text[i - 1], "failed to"))
			expect_message(i, "destroyed, 37 min 20 s in all");
	}
}

Test(living, sends_only_the_newest_state_of_a_storm)
{
	with_chat(storm);
}

/* What was folded into a carrier that is folded later. */
static void fold_again(struct rig *rig)
{
	struct event *events[2] = { event_of("capsule.create", "cl-1", "success", START_MS),
				    event_of("capsule.pause", "cl-1", "success", START_MS + 5000) };

	/* The pace is used up by another capsule, so the first two wait and are folded. */
	happen(rig, "capsule.create", "cl-9", -1000);
	cr_assert_eq(rig_commit(rig, events, 2), 0);
	rig_wait_rows(rig, 1, FOLDED);
	happen(rig, "capsule.destroy", "cl-1", 9000);
	settle(rig);
	cr_expect_eq(rig_ask(rig, "SELECT count(DISTINCT digest_id) FROM " FOLDED), 1);
	expect_message(2, "destroyed, 9 s in all");
}

Test(living, counts_the_time_from_the_first_state)
{
	with_chat(fold_again);
}

static void post_deleted(struct rig *rig)
{
	post_anew(rig, REFUSE_DELETED);
}

static void post_old(struct rig *rig)
{
	post_anew(rig, REFUSE_OLD);
}

Test(living, posts_anew_what_somebody_deleted)
{
	with_chat(post_deleted);
}

Test(living, posts_anew_what_is_too_old_to_be_edited)
{
	with_chat(post_old);
}

static void take_same(struct rig *rig)
{
	happen(rig, "capsule.create", "cl-1", 0);
	settle(rig);
	chat.refusal = REFUSE_SAME;
	chat.refusals = 1;
	happen(rig, "capsule.pause", "cl-1", 1000);
	settle(rig);
	cr_expect_eq(chat.count, 1);
	cr_expect_eq(rig_ask(rig, "SELECT count(*) FROM " DELIVERED), 2);
	cr_expect_eq(rig_ask(rig, "SELECT count(*) FROM deliveries WHERE attempts > 1"), 0);
}

Test(living, takes_an_edit_that_changes_nothing_as_done)
{
	with_chat(take_same);
}

/* A state that is retried while a newer one is shown. */
static void stay_in_order(struct rig *rig)
{
	happen(rig, "capsule.create", "cl-1", 0);
	settle(rig);
	happen(rig, "capsule.destroy", "cl-1", 9000);
	settle(rig);
	/* As if it had been late: an older event in a row of its own. */
	happen(rig, "capsule.pause", "cl-1", 5000);
	settle(rig);
	expect_message(1, "destroyed");
	cr_expect_eq(chat.count, 1);
	cr_expect_eq(chat.edits, 1);
	cr_expect_eq(rig_ask(rig,
			     "SELECT count(*) FROM deliveries d WHERE d.state = 'folded' AND "
			     "d.event = 'capsule.pause' AND EXISTS (SELECT 1 FROM deliveries c "
			     "WHERE c.id = d.digest_id AND c.event = 'capsule.destroy')"),
		     1);
}

Test(living, shows_no_older_state_over_a_newer_one)
{
	with_chat(stay_in_order);
}

static void tell_old_state_at_night(struct rig *rig)
{
	happen(rig, "capsule.create", "cl-1", 0);
	settle(rig);
	happen(rig, "capsule.destroy", "cl-1", 9000);
	settle(rig);
	rig_ask(rig, "UPDATE channel_options SET options = '{\"living\":true,\"quiet\":"
		     "{\"zone\":\"UTC\",\"from\":\"07:00\",\"to\":\"10:00\"}}'");
	happen(rig, "capsule.pause", "cl-1", 5000);
	rig_wait_rows(rig, 1,
		      "deliveries WHERE event = 'capsule.pause' AND (state = 'folded' OR "
		      "held_until IS NOT NULL)");
	cr_expect_eq(rig_ask(rig, "SELECT count(*) FROM " FOLDED), 1);
}

Test(living, holds_no_state_that_is_older_than_the_one_shown)
{
	with_chat(tell_old_state_at_night);
}

static void pause_and_resume(struct rig *rig)
{
	struct event *events[2] = { event_of("capsule.pause", "cl-1", "success", START_MS + 5000),
				    event_of("capsule.resume", "cl-1", "success",
					     START_MS + 6000) };

	cr_assert_eq(rig_commit(rig, events, 2), 0);
}

static void refuse_the_newest(struct rig *rig)
{
	happen(rig, "capsule.create", "cl-1", 0);
	settle(rig);
	chat.refusal = REFUSE_FORM;
	chat.refusals = 1;
	pause_and_resume(rig);
	settle(rig);
	cr_expect_eq(rig_ask(rig, "SELECT count(*) FROM deliveries WHERE state = 'failed' AND "
				  "event = 'capsule.resume'"),
		     1);
	expect_message(1, "created \xe2\x86\x92 paused");
	cr_expect_eq(rig_ask(rig, "SELECT count(*) FROM " DELIVERED), 2);
}

Test(living, sends_what_a_refused_state_carried)
{
	with_chat(refuse_the_newest);
}

/* The newest of two states waits for its second try. Then the statement lets it fail. */
static void fail_a_carrier(struct rig *rig, const char *statement)
{
	happen(rig, "capsule.create", "cl-1", 0);
	settle(rig);
	rig_now_us += 10 * SECOND_US; /* the pace lets the next one out at once */
	chat.refusal = REFUSE_BUSY;
	chat.refusals = 1;
	pause_and_resume(rig);
	rig_wait_rows(rig, 1, "attempts WHERE verdict = 'retry'");
	cr_assert_eq(rig_ask(rig, "SELECT count(*) FROM " FOLDED), 1);
	rig_idle(rig);
	rig_ask(rig, "%s", statement);
	chat.refused_posts = 1;
	settle(rig);
	cr_expect_eq(rig_ask(rig, "SELECT count(*) FROM deliveries WHERE state = 'failed'"), 1);
	cr_expect_eq(rig_ask(rig, "SELECT count(*) FROM " FOLDED), 0);
}

static void damage_a_carrier(struct rig *rig)
{
	fail_a_carrier(rig, "UPDATE deliveries SET payload = substr(payload, 1, 9) "
			    "WHERE event = 'capsule.resume'");
	expect_message(1, "created \xe2\x86\x92 paused");
}

static void refuse_a_carrier_of_before(struct rig *rig)
{
	fail_a_carrier(rig, "DELETE FROM channel_options");
	expect_message(2, "paused");
}

Test(living, sends_what_a_damaged_state_carried)
{
	with_chat(damage_a_carrier);
}

Test(living, sends_what_a_refused_state_carried_after_the_option_is_gone)
{
	with_chat(refuse_a_carrier_of_before);
}

/* An id may belong to another message elsewhere. */
static void move_away(struct rig *rig)
{
	happen(rig, "capsule.create", "cl-1", 0);
	settle(rig);
	rig_idle(rig);
	rig_ask(rig, "UPDATE living_messages SET place = 'elsewhere'");
	happen(rig, "capsule.pause", "cl-1", 1000);
	settle(rig);
	cr_expect_eq(chat.count, 2);
	cr_expect_eq(chat.edits, 0);
	expect_message(2, "created \xe2\x86\x92 paused");
}

Test(living, edits_nothing_that_was_sent_to_another_place)
{
	with_chat(move_away);
}

static void keep_trying(struct rig *rig)
{
	happen(rig, "capsule.create", "cl-1", 0);
	settle(rig);
	chat.refusal = REFUSE_BUSY;
	chat.refusals = 2;
	happen(rig, "capsule.pause", "cl-1", 1000);
	settle(rig);
	cr_expect_eq(chat.count, 1);
	expect_message(1, "paused");
	cr_expect_eq(count_attempts(rig, "retry"), 2);
}

Test(living, tries_an_edit_again_like_any_request)
{
	with_chat(keep_trying);
}
