/* SPDX-License-Identifier: Apache-2.0 */

/* Persons who are erased from the trail, on request and because they deleted their account. That
 * exports still verify is in test_audit_proof.py. */
#include <errno.h>
#include <stdio.h>

#include "audit/follow.h"
#include "audit/forget.h"
#include "core/rfc3339.h"
#include "tests/support/rig.h"

#define ADA   "usr-0x5yg3bfyrehlas5fmd3rslxq"
#define ROWS  300 /* more than one piece */
#define KNOWN "SELECT count(*) FROM audit_logs WHERE actor_id = '" ADA "' OR actor_name = 'Ada'"
#define KEYS  "SELECT count(*) FROM audit_salts WHERE subject = '" ADA "'"

static const struct rig_options quiet = { .no_delivery = true, .audit_mode = AUDIT_ALL };

static int64_t now_us(void)
{
	return rig_now_us;
}

/* Events by Ada, and one by nobody. */
static void fill(struct rig *rig)
{
	struct event *events[ROWS + 1];

	for (int i = 0; i < ROWS; i++)
		events[i] =
			rig_event("capsule.pause", USER, ",\"outcome\":\"success\"", START_MS + i);
	events[ROWS] = rig_event("host.down", SYSTEM, "", START_MS + ROWS);
	cr_assert_eq(rig_commit(rig, events, ROWS + 1), 0);
	cr_assert_eq(rig_ask(rig, KNOWN), ROWS);
	cr_assert_eq(rig_ask(rig, KEYS), 1);
}

static int forget(struct rig *rig, struct audit_forgetting *forgetting)
{
	struct reason why = { .text = "" };

	*forgetting = (struct audit_forgetting){ .user = ADA };
	return audit_forget(rig->database.url, forgetting, now_us, &why);
}

static void erase(struct rig *rig)
{
	struct audit_forgetting forgetting;

	fill(rig);
	cr_expect_eq(forget(rig, &forgetting), 0);
	cr_expect_eq(forgetting.rows, ROWS);
	cr_expect_eq(forgetting.teams, 1);
	cr_expect_eq(rig_ask(rig, KNOWN), 0);
	cr_expect_eq(rig_ask(rig, KEYS), 0);
	cr_expect_eq(rig_ask(rig, "SELECT count(*) FROM audit_erased"), 2 * ROWS);
	cr_expect_eq(rig_ask(rig, "SELECT count(*) FROM audit_logs WHERE actor_id IS NULL "
				  "AND actor_name = 'deleted-user' AND actor_type = 'user'"),
		     ROWS);
	cr_expect_eq(rig_ask(rig, "SELECT count(*) FROM audit_logs WHERE action = 'erase' AND "
				  "resource_type = 'user' AND resource_id IS NULL"),
		     1);
	cr_expect_eq(forget(rig, &forgetting), 0);
	cr_expect_eq(forgetting.rows, 0);
	cr_expect_eq(rig_ask(rig, "SELECT count(*) FROM audit_erased"), 2 * ROWS);
}

Test(forget, keeps_the_commitments_and_erases_values_and_key)
{
	ON_BOTH_STORES(&quiet, erase)
}

static void wait_for_leaves(struct rig *rig)
{
	struct audit_forgetting forgetting;

	fill(rig);
	rig_ask(rig, "INSERT INTO audit_waiting (noted_at, audit_id) SELECT created_at, id FROM "
		     "audit_logs WHERE resource_type = 'host'");
	cr_expect_eq(forget(rig, &forgetting), -EAGAIN);
	cr_expect_eq(rig_ask(rig, KEYS), 1, "the row that waits needs the key");
	rig_ask(rig, "DELETE FROM audit_waiting");
	cr_expect_eq(forget(rig, &forgetting), 0);
	cr_expect_eq(rig_ask(rig, KEYS), 0);
}

Test(forget, waits_for_rows_that_are_no_leaves_yet)
{
	ON_BOTH_STORES(&quiet, wait_for_leaves)
}

/* ---- deleted accounts ---------------------------------------------------------------------- */

static bool is_closed(struct rig *rig, void *arg)
{
	(void)rig;
	return *(bool *)arg;
}

static void note_closed(void *owner)
{
	*(bool *)owner = true;
}

static void mark(struct rig *rig, int64_t age_us)
{
	char at[RFC3339_TEXT_SIZE];

	rfc3339_format(rig_now_us - age_us, 6, at);
	rig_ask(rig, "DELETE FROM users");
	rig_ask(rig,
		"INSERT INTO users (id, email, name, deleted_at) VALUES ('" TEAM_A
		"', 'ada@example.com', 'Ada', '%s')",
		at);
}

static void follow(struct rig *rig)
{
	const struct follower_options options = {
		.loop = &rig->loop, .store = rig->store, .now_us = now_us, .every_ms = 1
	};
	struct follower *follower;
	bool closed = false;

	fill(rig);
	mark(rig, FOLLOW_AFTER_US);
	cr_assert_eq(follower_open(&options, &follower), 0);
	rig_idle(rig);
	cr_expect_eq(rig_ask(rig, KNOWN), ROWS, "the account may still come back");
	mark(rig, FOLLOW_AFTER_US + 1);
	rig_wait_rows(rig, 0, "audit_salts WHERE subject = '" ADA "'");
	cr_expect_eq(rig_ask(rig, KNOWN), 0);
	follower_close(follower, note_closed, &closed);
	rig_turn_until(rig, is_closed, &closed);
}

Test(follow, erases_users_a_fortnight_after_they_deleted_their_account)
{
	ON_BOTH_STORES(&quiet, follow)
}
