/* SPDX-License-Identifier: Apache-2.0 */

/* What events and notices change in the waits of a team, on both engines. */
#include <stdio.h>
#include <stdlib.h>

#include "tests/support/rig.h"

#define CHANNEL_1 "11111111-1111-4111-8111-111111111111"
#define WELL      ",\"outcome\":\"success\""
#define WRONG     ",\"outcome\":\"error\",\"error\":\"no\""
#define NOTICE    "wrenn.expectation.missed"
#define CAPSULE_RULE                                                                      \
	"{\"after\":{\"event\":[\"capsule.create\"],\"outcome\":\"success\",\"filter\":{" \
	"\"actor.type\":[\"user\"]}},\"without\":{\"event\":[\"capsule.create\","         \
	"\"capsule.destroy\"],\"filter\":{\"actor.type\":[\"system\"]}},\"within_s\":300}"
#define HOST_RULE                                                         \
	"{\"after\":{\"event\":[\"host.down\"]},\"without\":{\"event\":[" \
	"\"host.up\"]},\"within_s\":600}"
#define WITHIN_MS 300000

static const struct rig_options options = { .strict = false };

static void add_rule(struct rig *rig, const char *name, const char *json, int changed_s)
{
	rig_ask(rig, "DELETE FROM expectation_rules WHERE name = '%s'", name);
	rig_ask(rig,
		"INSERT INTO expectation_rules (team_id, name, rule, is_of_request, changed_at) "
		"VALUES ('" TEAM_A "', '%s', '%s', 0, '2027-01-01T00:00:%02d.000000Z')",
		name, json, changed_s);
	rig_ask(rig, "UPDATE expectation_version SET version = version + 1");
}

static void commit(struct rig *rig, struct event *event)
{
	cr_assert_eq(rig_commit(rig, &event, 1), 0);
}

static void accept_at(struct rig *rig, int64_t ms)
{
	commit(rig, rig_event("capsule.create", USER, WELL, ms));
}

static void complete_at(struct rig *rig, int64_t ms)
{
	commit(rig, rig_event("capsule.create", SYSTEM, WELL, ms));
}

static struct event *notice(const char *rule, const char *outcome, int64_t due_ms, int64_t ms)
{
	char more[256];

	snprintf(more, sizeof(more), "%s,\"metadata\":{\"rule\":\"%s\",\"due_ms\":\"%lld\"}",
		 outcome, rule, (long long)due_ms);
	return rig_event(NOTICE, SYSTEM, more, ms);
}

static int64_t count(struct rig *rig, const char *from)
{
	return rig_ask(rig, "SELECT count(*) FROM %s", from);
}

static int64_t waits(struct rig *rig)
{
	return count(rig, "expectations");
}

/* The one row of the test: since, due, missed and arrived, each after START_MS; -1: none. */
static bool is_row(struct rig *rig, int64_t due_ms, int64_t missed_ms, int64_t arrived_ms)
{
	return rig_ask(rig,
		       "SELECT count(*) FROM expectations WHERE due_ms = %lld AND missed_ms = %lld "
		       "AND arrived_ms = %lld",
		       (long long)(due_ms < 0 ? 0 : START_MS + due_ms),
		       (long long)(missed_ms < 0 ? 0 : START_MS + missed_ms),
		       (long long)(arrived_ms < 0 ? 0 : START_MS + arrived_ms)) == 1 &&
	       waits(rig) == 1;
}

static void wait_and_meet(struct rig *rig)
{
	add_rule(rig, "capsule", CAPSULE_RULE, 0);
	commit(rig, rig_event("capsule.create", USER, WRONG, START_MS));
	complete_at(rig, START_MS + 1);
	commit(rig, rig_event_of_b("capsule.create", START_MS + 2));
	cr_expect_eq(waits(rig), 0, "no X of this team");
	accept_at(rig, START_MS + 10);
	cr_expect(is_row(rig, 10 + WITHIN_MS, -1, -1));
	accept_at(rig, START_MS + 20);
	cr_expect(is_row(rig, 10 + WITHIN_MS, -1, -1), "the first request counts");
	commit(rig, rig_event("capsule.pause", SYSTEM, WELL, START_MS + 30));
	commit(rig, rig_event("capsule.create", USER, WRONG, START_MS + 31));
	cr_expect_eq(waits(rig), 1, "no Y");
	commit(rig, rig_event("capsule.destroy", SYSTEM, WELL, START_MS + 40));
	cr_expect_eq(waits(rig), 0, "the other Y");
	accept_at(rig, START_MS + 50);
	complete_at(rig, START_MS + 60 + 2 * WITHIN_MS);
	cr_expect_eq(waits(rig), 0, "late, and nothing was reported");
	cr_expect_eq(count(rig, "audit_logs WHERE action = 'overdue'"), 0);
}

Test(expected, waits_from_x_to_y)
{
	ON_BOTH_STORES(&options, wait_and_meet);
}

static void tell_once(struct rig *rig)
{
	add_rule(rig, "capsule", CAPSULE_RULE, 0);
	rig_add_channel(rig, CHANNEL_1, TEAM_A, "one", NOTICE);
	accept_at(rig, START_MS);
	commit(rig, notice("capsule", WRONG, START_MS + WITHIN_MS - 1, START_MS + 1));
	commit(rig, notice("other", WRONG, START_MS + WITHIN_MS, START_MS + 2));
	commit(rig, notice("capsule", WELL, START_MS + WITHIN_MS, START_MS + 3));
	cr_expect(is_row(rig, WITHIN_MS, -1, -1), "none of them fits");
	cr_expect_eq(count(rig, "suppressed WHERE reason = 'not_expected'"), 3);
	commit(rig, notice("capsule", WRONG, START_MS + WITHIN_MS, START_MS + 4));
	cr_expect(is_row(rig, -1, WITHIN_MS, -1));
	commit(rig, notice("capsule", WRONG, START_MS + WITHIN_MS, START_MS + 5));
	cr_expect_eq(count(rig, "audit_logs WHERE action = 'overdue'"), 1);
	cr_expect_eq(count(rig, "deliveries"), 1);
	complete_at(rig, START_MS + 6);
	complete_at(rig, START_MS + 7);
	cr_expect(is_row(rig, -1, WITHIN_MS, 6));
	commit(rig, notice("capsule", WELL, START_MS + WITHIN_MS, START_MS + 8));
	cr_expect_eq(waits(rig), 0);
	commit(rig, notice("capsule", WELL, START_MS + WITHIN_MS, START_MS + 9));
	cr_expect_eq(count(rig, "audit_logs WHERE action = 'arrived'"), 1);
	cr_expect_eq(count(rig, "deliveries"), 2);
	cr_expect_eq(count(rig, "suppressed WHERE reason = 'not_expected'"), 5);
}

Test(expected, is_told_once_and_taken_back_once)
{
	ON_BOTH_STORES(&options, tell_once);
}

static void tell_both_rules(struct rig *rig)
{
	add_rule(rig, "one", CAPSULE_RULE, 0);
	add_rule(rig, "two", CAPSULE_RULE, 0);
	rig_add_channel(rig, CHANNEL_1, TEAM_A, "one", NOTICE);
	accept_at(rig, START_MS);
	commit(rig, notice("one", WRONG, START_MS + WITHIN_MS, START_MS + WITHIN_MS));
	commit(rig, notice("two", WRONG, START_MS + WITHIN_MS, START_MS + WITHIN_MS + 1));
	cr_expect_eq(count(rig, "deliveries"), 2, "the second one is no repeat of the first");
	complete_at(rig, START_MS + WITHIN_MS + 2);
	commit(rig, notice("one", WELL, START_MS + WITHIN_MS, START_MS + WITHIN_MS + 3));
	commit(rig, notice("two", WELL, START_MS + WITHIN_MS, START_MS + WITHIN_MS + 4));
	cr_expect_eq(count(rig, "deliveries"), 4, "each is taken back by itself");
	cr_expect_eq(count(rig, "audit_logs WHERE action = 'overdue'"), 2);
	cr_expect_eq(count(rig, "audit_logs WHERE action = 'arrived'"), 2);
	cr_expect_eq(waits(rig), 0);
}

Test(expected, of_two_rules_alike_is_told_twice)
{
	ON_BOTH_STORES(&options, tell_both_rules);
}

static void wait_again(struct rig *rig)
{
	add_rule(rig, "capsule", CAPSULE_RULE, 0);
	accept_at(rig, START_MS);
	commit(rig, notice("capsule", WRONG, START_MS + WITHIN_MS, START_MS + 1));
	accept_at(rig, START_MS + 2);
	cr_expect(is_row(rig, WITHIN_MS + 2, WITHIN_MS, -1), "a new request after a miss");
	complete_at(rig, START_MS + 3);
	cr_expect(is_row(rig, -1, WITHIN_MS, 3), "one Y ends both");
	accept_at(rig, START_MS + 4);
	commit(rig, notice("capsule", WELL, START_MS + WITHIN_MS, START_MS + 5));
	cr_expect(is_row(rig, WITHIN_MS + 4, -1, -1), "taking back leaves the new wait");
}

Test(expected, of_a_request_after_a_miss_waits_again)
{
	ON_BOTH_STORES(&options, wait_again);
}

static void commit_in_one_batch(struct rig *rig)
{
	struct event *events[] = {
		rig_event("capsule.create", USER, WELL, START_MS),
		rig_event("host.down", SYSTEM, "", START_MS + 1),
		rig_event("capsule.create", SYSTEM, WELL, START_MS + 2),
		rig_event("host.up", SYSTEM, "", START_MS + 3),
		rig_event("host.down", SYSTEM, "", START_MS + 4),
	};

	add_rule(rig, "capsule", CAPSULE_RULE, 0);
	add_rule(rig, "host", HOST_RULE, 0);
	cr_assert_eq(rig_offer(rig, events, ARRAY_LEN(events)), 0);
	cr_expect(is_row(rig, 4 + 600000, -1, -1), "in stream order");
	rig_ask(rig, "DELETE FROM expectations");
	cr_assert_eq(rig_commit(rig, events, ARRAY_LEN(events)), 0);
	cr_expect_eq(waits(rig), 0, "events that come again begin and end nothing");
	commit(rig, notice("host", WRONG, START_MS + 4 + 600000, START_MS + 5));
	cr_expect_eq(count(rig, "audit_logs WHERE action = 'overdue'"), 0);
}

Test(expected, follows_the_stream_and_ignores_what_comes_again)
{
	ON_BOTH_STORES(&options, commit_in_one_batch);
}

static void read_a_notice_again(struct rig *rig)
{
	struct event *event = notice("host", WRONG, START_MS + 600000, START_MS + 1);

	add_rule(rig, "host", HOST_RULE, 0);
	rig_add_channel(rig, CHANNEL_1, TEAM_A, "one", NOTICE);
	commit(rig, rig_event("host.down", SYSTEM, "", START_MS));
	cr_assert_eq(rig_offer(rig, &event, 1), 0);
	cr_assert_eq(rig_commit(rig, &event, 1), 0);
	cr_expect_eq(rig_rejected(0).text[0], '\0');
	cr_expect(is_row(rig, -1, 600000, -1));
	cr_expect_eq(count(rig, "deliveries"), 1);
	cr_expect_eq(count(rig, "audit_logs WHERE action = 'overdue'"), 1);
	cr_expect_eq(count(rig, "suppressed"), 0, "the first reading decided");
}

Test(expected, is_told_once_when_its_notice_is_read_twice)
{
	ON_BOTH_STORES(&options, read_a_notice_again);
}

static void change_rules(struct rig *rig)
{
	add_rule(rig, "host", HOST_RULE, 0);
	commit(rig, rig_event("host.down", SYSTEM, "", START_MS));
	add_rule(rig, "host", HOST_RULE, 1);
	commit(rig, notice("host", WRONG, START_MS + 600000, START_MS + 1));
	cr_expect_eq(count(rig, "audit_logs WHERE action = 'overdue'"), 0,
		     "the row belongs to the rule before");
	commit(rig, rig_event("host.down", SYSTEM, "", START_MS + 2));
	cr_expect(is_row(rig, 2 + 600000, -1, -1), "the row of the new rule");
	rig_ask(rig, "DELETE FROM expectation_rules");
	rig_ask(rig, "UPDATE expectation_version SET version = version + 1");
	commit(rig, notice("host", WRONG, START_MS + 2 + 600000, START_MS + 3));
	commit(rig, rig_event("host.up", SYSTEM, "", START_MS + 4));
	cr_expect_eq(count(rig, "audit_logs WHERE action = 'overdue'"), 0, "there is no rule");
	add_rule(rig, "newer", "{\"unless\":[]}", 0);
	commit(rig, rig_event("host.down", SYSTEM, "", START_MS + 5));
	cr_expect_eq(waits(rig), 1, "a rule of a newer version says nothing");
}

Test(expected, belongs_to_the_rule_as_it_was)
{
	ON_BOTH_STORES(&options, change_rules);
}

static void ignore_a_deleted_team(struct rig *rig)
{
	add_rule(rig, "host", HOST_RULE, 0);
	rig_ask(rig, "UPDATE teams SET deleted_at = '2027-01-01T00:00:00.000000Z'");
	commit(rig, rig_event("host.down", SYSTEM, "", START_MS));
	cr_expect_eq(waits(rig), 0);
}

Test(expected, of_a_deleted_team_is_nothing)
{
	ON_BOTH_STORES(&options, ignore_a_deleted_team);
}

static int64_t not_watched(void)
{
	return metric_value(
		metric_counter("wrenn_events_expectations_total", "what=\"not_watched\"", ""));
}

static void fill_up(struct rig *rig)
{
	int64_t before = not_watched();

	add_rule(rig, "host", HOST_RULE, 0);
	for (int i = 0; i < 999; i += 111) {
		char sql[65536];
		int len = snprintf(sql, sizeof(sql), "INSERT INTO expectations VALUES ");

		for (int j = i; j < i + 111; j++)
			len += snprintf(sql + len, sizeof(sql) - (size_t)len,
					"%s('" TEAM_A "','x','r%d','2027-01-01T00:00:00.000000Z',"
					"1,2,0,0)",
					j == i ? "" : ",", j);
		rig_ask_text(rig, (char[8]){ "" }, 8, sql);
	}
	commit(rig, rig_event("host.down", SYSTEM, "", START_MS));
	cr_expect_eq(waits(rig), 1000);
	cr_expect_eq(not_watched(), before);
	rig_ask(rig, "UPDATE expectations SET resource = 'another' WHERE rule = 'host'");
	commit(rig, rig_event("host.down", SYSTEM, "", START_MS + 1));
	cr_expect_eq(waits(rig), 1000, "the team has as many as it can have");
	cr_expect_eq(not_watched(), before + 1);
}

Test(expected, of_one_team_has_a_bound)
{
	ON_BOTH_STORES(&options, fill_up);
}
