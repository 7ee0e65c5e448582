/* SPDX-License-Identifier: Apache-2.0 */

/* Which events a team's channels hear of under each setting, and what is noted about the others,
 * on both engines. */
#include <stdio.h>
#include <stdlib.h>

#include "tests/support/rig.h"

#define CHANNEL_1 "11111111-1111-4111-8111-111111111111"
#define WELL      ",\"outcome\":\"success\""
#define BECAUSE   WELL ",\"metadata\":{\"reason\":\"ttl_expired\"}"

static const struct rig_options options = { .strict = false };

static int64_t deliveries(struct rig *rig)
{
	return rig_ask(rig, "SELECT count(*) FROM deliveries");
}

static int64_t audits(struct rig *rig)
{
	return rig_ask(rig, "SELECT count(*) FROM audit_logs");
}

static void commit_one(struct rig *rig, struct event *event)
{
	cr_assert_eq(rig_commit(rig, &event, 1), 0);
}

static void note_what_is_suppressed(struct rig *rig)
{
	rig_add_channel(rig, CHANNEL_1, TEAM_A, "one", "capsule.pause");
	commit_one(rig, rig_event("capsule.pause", USER, WELL, START_MS));
	cr_expect_eq(rig_ask(rig, "SELECT count(*) FROM suppressed"), 0, "an accept notifies");
	commit_one(rig, rig_event("capsule.pause", SYSTEM, WELL, START_MS + 1));
	commit_one(rig, rig_event("capsule.pause", SYSTEM, BECAUSE, START_MS + 2));
	commit_one(rig, rig_event("capsule.pause", SYSTEM, BECAUSE, START_MS + 3));
	commit_one(rig, rig_event("capsule.create", USER, WELL, START_MS + 4));
	commit_one(rig, rig_event("capsule.create", SYSTEM, WELL, START_MS + 5));
	cr_expect_eq(rig_ask(rig, "SELECT count(*) FROM suppressed WHERE event = 'capsule.pause' "
				  "AND reason = 'follow_up' AND team_id = '" TEAM_A "'"),
		     1);
	cr_expect_eq(rig_ask(rig, "SELECT count(*) FROM suppressed WHERE reason = 'repeat'"), 1);
	cr_expect_eq(rig_ask(rig, "SELECT count(*) FROM suppressed"), 2,
		     "no channel wants the other kind");
}

Test(suppressed, notes_why_an_event_notified_nobody)
{
	ON_BOTH_STORES(&options, note_what_is_suppressed);
}

static void tell_on_completion(struct rig *rig)
{
	rig_add_channel(rig, CHANNEL_1, TEAM_A, "one", "capsule.pause");
	commit_one(rig, rig_event("capsule.pause", USER, WELL, START_MS));
	cr_expect_eq(deliveries(rig), 0, "accepted is not done");
	cr_expect_eq(rig_ask(rig, "SELECT count(*) FROM suppressed WHERE reason = 'accept'"), 1);
	commit_one(rig, rig_event("capsule.pause", SYSTEM, WELL, START_MS + 1));
	cr_expect_eq(deliveries(rig), 1, "now it is");
	commit_one(rig, rig_event("capsule.pause", SYSTEM, WELL, START_MS + 2));
	cr_expect_eq(deliveries(rig), 1, "a repeat stays a repeat");
	commit_one(rig, rig_event("capsule.pause", USER, ",\"outcome\":\"error\",\"error\":\"no\"",
				  START_MS + 3));
	cr_expect_eq(deliveries(rig), 2, "what was refused is never completed");
	cr_expect_eq(audits(rig), 2, "the trail is the same in both modes");
}

Test(suppressed, notifies_of_completions_instead_of_accepts_when_set)
{
	const struct rig_options completion = { .notify_completion = true };

	ON_BOTH_STORES(&completion, tell_on_completion);
}

static void strip_host(struct rig *rig)
{
	char text[4096];

	rig_add_channel(rig, CHANNEL_1, TEAM_A, "one", "capsule.pause");
	commit_one(rig,
		   rig_event("capsule.pause", SYSTEM,
			     WELL ",\"metadata\":{\"host_id\":\"host-1\",\"host_ip\":\"10.0.0.7\","
				  "\"reason\":\"x\"}",
			     START_MS));
	rig_ask_text(rig, text, sizeof(text),
		     strncmp(rig->database.url, "sqlite", 6) == 0
			     ? "SELECT CAST(payload AS text) FROM deliveries"
			     : "SELECT convert_from(payload, 'UTF8') FROM deliveries");
	cr_expect(strstr(text, "\"metadata\":{\"reason\":\"x\"}"), "%s", text);
	commit_one(rig,
		   rig_event("capsule.pause", SYSTEM,
			     WELL ",\"metadata\":{\"host_ip\":\"10.0.0.7\"}", START_MS + 90000));
	rig_ask_text(rig, text, sizeof(text),
		     strncmp(rig->database.url, "sqlite", 6) == 0
			     ? "SELECT CAST(payload AS text) FROM deliveries ORDER BY stream_ms"
			     : "SELECT convert_from(payload, 'UTF8') FROM deliveries ORDER BY "
			       "stream_ms");
	cr_expect(strstr(text, "capsule.pause") && !strstr(text, "metadata"), "%s", text);
}

Test(suppressed, leaves_the_host_out_when_set)
{
	const struct rig_options stripped = { .strip_host = true };

	ON_BOTH_STORES(&stripped, strip_host);
}
