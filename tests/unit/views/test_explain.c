/* SPDX-License-Identifier: Apache-2.0 */

/* What became of an event, over HTTP, on both stores. The test with Redis is one of the whole
 * program. */
#include <stdio.h>
#include <stdlib.h>

#include "core/json.h"
#include "tests/support/rig.h"

#define CHANNEL_1 "11111111-1111-4111-8111-111111111111"
#define CHANNEL_2 "22222222-2222-4222-8222-222222222222"
#define CHANNEL_3 "33333333-3333-4333-8333-333333333333"
#define WELL      ",\"outcome\":\"success\""
#define FIFTY     "the certificate has expired and is of another host"
#define BECAUSE   WELL ",\"metadata\":{\"reason\":\"ttl_expired\"}"

static char answer[65536];
static const struct rig_options options = { .strict = false };

static int explain(struct rig *rig, const char *team, struct stream_id id)
{
	char text[STREAM_ID_TEXT_SIZE];
	char path[128];

	stream_id_format(id, text);
	snprintf(path, sizeof(path), "/v1/events/%s/explain", text);
	return rig_request(rig, "GET", path, team, "", answer, sizeof(answer));
}

/* The verdict of the n-th channel, oldest first. */
static void expect_verdict(struct rig *rig, struct stream_id id, int channel, const char *verdict)
{
	const cJSON *item;
	cJSON *tree = NULL;

	cr_assert_eq(explain(rig, TEAM_A, id), 200, "%s", answer);
	cr_assert_eq(json_parse(str_of(answer), sizeof(answer), &tree, NULL), 0, "%s", answer);
	item = cJSON_GetArrayItem(json_get(tree, "channels"), channel);
	cr_assert_not_null(item, "%s", answer);
	cr_expect_str_eq(json_get_string(item, "verdict"), verdict, "%s", answer);
	cJSON_Delete(tree);
}

static void add_channel(struct rig *rig, const char *id, const char *team, const char *kinds,
			const char *created)
{
	rig_add_channel(rig, id, team, "hook", kinds);
	rig_ask(rig, "UPDATE channels SET created_at = '%s' WHERE id = '%s'", created, id);
}

static struct stream_id commit(struct rig *rig, struct event *event)
{
	struct stream_id id = event->id;

	cr_assert_eq(rig_commit(rig, &event, 1), 0);
	return id;
}

/* Rows of earlier versions keep their ids. */
static void expect_old_id(struct rig *rig, struct stream_id event)
{
	char event_text[STREAM_ID_TEXT_SIZE];
	char text[UUID_TEXT_SIZE];
	struct uuid channel;
	struct uuid id;

	stream_id_format(event, event_text);
	cr_assert_eq(uuid_parse(STR(CHANNEL_1), &channel), 0);
	uuid_v5(&channel, str_of(event_text), &id);
	uuid_format(&id, text);
	rig_ask(rig, "UPDATE deliveries SET id = '%s' WHERE channel_id = '" CHANNEL_1 "'", text);
	expect_verdict(rig, event, 0, "folded");
	cr_expect(strstr(answer, text), "%s in %s", text, answer);
}

static void tell_of_rows(struct rig *rig)
{
	static const struct {
		const char *set;
		const char *verdict;
	} cases[] = {
		{ "state = 'delivered'", "delivered" },
		{ "state = 'failed', last_error = 'HTTP 404'", "failed" },
		{ "state = 'dropped', last_error = 'skipped'", "dropped" },
		{ "state = 'folded', digest_id = id", "folded" },
	};
	struct stream_id id;

	add_channel(rig, CHANNEL_1, TEAM_A, "capsule.pause", "2020-01-01T00:00:00.000000Z");
	add_channel(rig, CHANNEL_2, TEAM_A, "host.up", "2020-01-02T00:00:00.000000Z");
	add_channel(rig, CHANNEL_3, TEAM_A, "capsule.pause", "2999-01-01T00:00:00.000000Z");
	id = commit(rig, rig_event("capsule.pause", SYSTEM, BECAUSE, START_MS));
	rig_wait_rows(rig, 2, "deliveries WHERE state = 'delivered'");
	expect_verdict(rig, id, 0, "delivered");
	cr_expect(strstr(answer, "\"delivered_at\":\"2027-01-15T08:00:00Z\""), "%s", answer);
	cr_expect(strstr(answer, "\"event\":\"capsule.pause\""), "%s", answer);
	cr_expect(strstr(answer, "\"resource\":\"" CAPSULE_ID "\""), "%s", answer);
	expect_verdict(rig, id, 1, "not_subscribed");
	rig_ask(rig, "DELETE FROM deliveries WHERE channel_id = '" CHANNEL_3 "'");
	expect_verdict(rig, id, 2, "channel_newer");
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		rig_ask(rig, "UPDATE deliveries SET %s", cases[i].set);
		expect_verdict(rig, id, 0, cases[i].verdict);
	}
	cr_expect(strstr(answer, "digest_id"), "%s", answer);
	cr_expect(strstr(answer, "the message shows a newer state"), "%s", answer);
	rig_ask(rig, "UPDATE deliveries SET digest_id = channel_id");
	expect_verdict(rig, id, 0, "folded");
	cr_expect(strstr(answer, "it was sent as part of a digest"), "%s", answer);
	expect_old_id(rig, id);
	rig_ask(rig, "UPDATE channels SET created_at = '2020-01-03T00:00:00.000000Z' "
		     "WHERE id = '" CHANNEL_3 "'");
	expect_verdict(rig, id, 2, "unknown");
	cr_expect_eq(explain(rig, TEAM_B, id), 404, "another team's");
	id.seq += 1000;
	cr_expect_eq(explain(rig, TEAM_A, id), 404, "unknown to both");
	cr_expect(strstr(answer, "no record"), "%s", answer);
}

Test(explain, shows_what_became_of_each_delivery)
{
	ON_BOTH_STORES(&options, tell_of_rows);
}

static void tell_of_waiting(struct rig *rig)
{
	struct stream_id id;

	add_channel(rig, CHANNEL_1, TEAM_A, "capsule.pause", "2020-01-01T00:00:00.000000Z");
	rig_ask(rig, "INSERT INTO channel_state (channel_id, lease_owner, lease_until, updated_at) "
		     "VALUES ('" CHANNEL_1 "', 'other', '2999-01-01T00:00:00.000000Z', "
		     "'2027-01-01T00:00:00.000000Z')");
	id = commit(rig, rig_event("capsule.pause", SYSTEM, BECAUSE, START_MS));
	expect_verdict(rig, id, 0, "pending");
	rig_ask(rig, "UPDATE channel_state SET disabled_at = '2027-01-15T07:00:00.000000Z' "
		     "WHERE channel_id = '" CHANNEL_1 "'");
	expect_verdict(rig, id, 0, "disabled");
	cr_expect(strstr(answer, "\"the channel is disabled; this waits"), "%s", answer);
	rig_ask(rig, "UPDATE channel_state SET disabled_reason = 'destination answered 410'");
	expect_verdict(rig, id, 0, "disabled");
	cr_expect(strstr(answer, "is disabled: destination answered 410; this waits"), "%s",
		  answer);
	/* Deliveries write 159 bytes at most (delivery/breaker.h), but other programs write the
	 * table, too. However long the reason is, what the owner can do about it stays: with the
	 * colon and the blank before it, the reason has 256 bytes. */
	rig_ask(rig, "UPDATE channel_state SET disabled_reason = "
		     "'" FIFTY FIFTY FIFTY FIFTY FIFTY FIFTY "'");
	expect_verdict(rig, id, 0, "disabled");
	cr_expect(strstr(answer, "is disabled: " FIFTY FIFTY FIFTY FIFTY FIFTY
				 "the ; this waits until it is enabled\""),
		  "%s", answer);
}

Test(explain, distinguishes_waiting_from_waiting_for_the_owner)
{
	ON_BOTH_STORES(&options, tell_of_waiting);
}

static void tell_of_silence(struct rig *rig)
{
	struct stream_id id;

	add_channel(rig, CHANNEL_1, TEAM_A, "capsule.pause", "2020-01-01T00:00:00.000000Z");
	add_channel(rig, CHANNEL_2, TEAM_A, "host.up", "2020-01-02T00:00:00.000000Z");
	commit(rig, rig_event("capsule.pause", USER, WELL, START_MS));
	id = commit(rig, rig_event("capsule.pause", SYSTEM, WELL, START_MS + 1));
	expect_verdict(rig, id, 0, "follow_up");
	expect_verdict(rig, id, 1, "not_subscribed");
	commit(rig, rig_event("capsule.pause", SYSTEM, BECAUSE, START_MS + 2));
	id = commit(rig, rig_event("capsule.pause", SYSTEM, BECAUSE, START_MS + 3));
	expect_verdict(rig, id, 0, "repeat");
	add_channel(rig, CHANNEL_3, TEAM_A, "wrenn.expectation.missed",
		    "2020-01-03T00:00:00.000000Z");
	id = commit(rig, rig_event("wrenn.expectation.missed", SYSTEM, WELL, START_MS + 4));
	expect_verdict(rig, id, 2, "not_expected");
	cr_expect_eq(explain(rig, TEAM_B, id), 404, "another team's");
}

Test(explain, shows_why_an_event_notified_nobody)
{
	ON_BOTH_STORES(&options, tell_of_silence);
}

static void tell_of_accept(struct rig *rig)
{
	struct stream_id id;

	add_channel(rig, CHANNEL_1, TEAM_A, "capsule.pause", "2020-01-01T00:00:00.000000Z");
	id = commit(rig, rig_event("capsule.pause", USER, WELL, START_MS));
	expect_verdict(rig, id, 0, "accept");
}

Test(explain, shows_that_an_accept_notifies_later)
{
	const struct rig_options completion = { .notify_completion = true };

	ON_BOTH_STORES(&completion, tell_of_accept);
}

static void set_options(struct rig *rig, const char *options_json)
{
	rig_ask(rig, "DELETE FROM channel_options");
	rig_ask(rig,
		"INSERT INTO channel_options (channel_id, options, updated_at) VALUES "
		"('" CHANNEL_2 "', '%s', '2027-01-15T07:00:00.000000Z')",
		options_json);
}

static void tell_of_filter(struct rig *rig)
{
	static const struct {
		const char *filter, *rule;
	} cases[] = {
		{ "{\"outcome\":[\"error\"]}", "outcome" },
		{ "{\"outcome\":[\"success\"],\"resource\":[\"web-*\"]}", "resource" },
		{ "{\"template\":[\"node\"]}", "template" },
		{ "{\"actor.type\":[\"user\"]}", "actor.type" },
		{ "{\"reason\":[\"orphaned\"]}", "reason" },
	};
	char text[128];
	struct stream_id id;

	add_channel(rig, CHANNEL_1, TEAM_A, "capsule.pause", "2020-01-01T00:00:00.000000Z");
	add_channel(rig, CHANNEL_2, TEAM_A, "capsule.pause", "2020-01-02T00:00:00.000000Z");
	set_options(rig, "{\"filter\":{\"reason\":[\"orphaned\"]}}");
	id = commit(rig, rig_event("capsule.pause", SYSTEM, BECAUSE, START_MS));
	rig_wait_rows(rig, 1, "deliveries WHERE state = 'delivered'");
	expect_verdict(rig, id, 0, "delivered");
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		snprintf(text, sizeof(text), "{\"filter\":%s}", cases[i].filter);
		set_options(rig, text);
		expect_verdict(rig, id, 1, "filtered");
		snprintf(text, sizeof(text), "\"the filter's rule for %s keeps it out\"",
			 cases[i].rule);
		cr_expect(strstr(answer, text), "%s in %s", text, answer);
	}
	rig_ask(rig, "UPDATE channel_options SET updated_at = '2999-01-01T00:00:00.000000Z'");
	expect_verdict(rig, id, 1, "filtered");
	cr_expect(strstr(answer, "; its options were changed after the event"), "%s", answer);
	rig_ask(rig, "DELETE FROM channel_options");
	expect_verdict(rig, id, 1, "unknown");
}

Test(explain, names_the_rule_of_a_filter)
{
	ON_BOTH_STORES(&options, tell_of_filter);
}

/* 08:00 in UTC. Each is what holds the event of the second channel. */
static void tell_of_hold(struct rig *rig)
{
	static const struct {
		const char *options, *words;
	} cases[] = {
		{ "{\"quiet\":{\"zone\":\"Europe/Berlin\",\"from\":\"08:30\",\"to\":\"09:30\"}}",
		  "held until 09:30 (Europe/Berlin)" },
		{ "{\"snooze\":{\"until\":\"2027-01-15T09:15:00Z\"}}", "held until 09:15 (UTC)" },
		{ "{\"snooze\":{\"resources\":{\"" CAPSULE_ID "\":\"2027-01-17T10:00:00Z\"}}}",
		  "held until 2027-01-17 10:00 (UTC)" },
	};
	struct stream_id id;

	add_channel(rig, CHANNEL_1, TEAM_A, "capsule.pause", "2020-01-01T00:00:00.000000Z");
	add_channel(rig, CHANNEL_2, TEAM_A, "capsule.pause", "2020-01-02T00:00:00.000000Z");
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		set_options(rig, cases[i].options);
		id = commit(rig, rig_event("capsule.pause", SYSTEM, BECAUSE,
					   START_MS - 300000 + (int64_t)i * 61000));
		rig_wait_rows(rig, (int64_t)i + 1, "deliveries WHERE held_until IS NOT NULL");
		rig_wait_rows(rig, (int64_t)i + 1, "deliveries WHERE state = 'delivered'");
		expect_verdict(rig, id, 0, "delivered");
		expect_verdict(rig, id, 1, "held");
		cr_expect(strstr(answer, cases[i].words), "%s in %s", cases[i].words, answer);
	}
}

Test(explain, says_until_when_quiet_hours_and_snoozes_hold_an_event)
{
	ON_BOTH_STORES(&options, tell_of_hold);
}
