/* SPDX-License-Identifier: Apache-2.0 */

/* Rules as clients send them and as they are stored, and which events they name. */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>

#include "core/json.h"
#include "expect/expect.h"

#define DOWN_UP(more) \
	"{\"after\":{\"event\":\"host.down\"},\"without\":{\"event\":\"host.up\"}" more "}"

static const struct {
	const char *json;
	const char *stored; /* NULL: refused */
	const char *field;  /* of the refusal */
} cases[] = {
	{ "{\"form\":\"host\"}",
	  "{\"after\":{\"event\":[\"host.down\"]},\"without\":{\"event\":[\"host.up\"]},\"within_"
	  "s\":600}",
	  NULL },
	{ "{\"form\":\"host\",\"within_s\":60}",
	  "{\"after\":{\"event\":[\"host.down\"]},\"without\":{\"event\":[\"host.up\"]},\"within_"
	  "s\":60}",
	  NULL },
	{ "{\"form\":\"snapshot\",\"more\":1}",
	  "{\"after\":{\"request\":\"template.snapshot.create\"},\"without\":{\"event\":["
	  "\"template.snapshot.create\"]},\"within_s\":900}",
	  NULL },
	{ "{\"form\":\"capsule\"}",
	  "{\"after\":{\"event\":[\"capsule.create\"],\"outcome\":\"success\",\"filter\":{\"actor."
	  "type\":[\"user\",\"api_key\"]}},\"without\":{\"event\":[\"capsule.create\",\"capsule."
	  "destroy\"],\"filter\":{\"actor.type\":[\"system\"]}},\"within_s\":300}",
	  NULL },
	{ "{\"after\":{\"event\":[\"volume.create\"],\"outcome\":\"error\",\"filter\":{}},"
	  "\"without\":{\"event\":[\"volume.delete\",\"volume.create\"]},\"within_s\":604800}",
	  "{\"after\":{\"event\":[\"volume.create\"],\"outcome\":\"error\"},\"without\":{\"event\":"
	  "[\"volume.create\",\"volume.delete\"]},\"within_s\":604800}",
	  NULL },
	{ "[]", NULL, "after" },
	{ "{}", NULL, "after" },
	{ "{\"form\":\"hosts\"}", NULL, "form" },
	{ "{\"form\":7}", NULL, "form" },
	{ "{\"form\":\"host\",\"without\":{}}", NULL, "form" },
	{ "{\"form\":\"host\",\"within_s\":\"60\"}", NULL, "within_s" },
	{ DOWN_UP(""), NULL, "within_s" },
	{ DOWN_UP(",\"within_s\":59"), NULL, "within_s" },
	{ DOWN_UP(",\"within_s\":604801"), NULL, "within_s" },
	{ DOWN_UP(",\"within_s\":60.5"), NULL, "within_s" },
	{ DOWN_UP(",\"within_s\":1e999"), NULL, "within_s" },
	{ "{\"after\":7,\"within_s\":60}", NULL, "after" },
	{ "{\"after\":{\"event\":\"host.down\"},\"within_s\":60}", NULL, "without" },
	{ "{\"after\":{\"outcome\":\"error\"}}", NULL, "after" },
	{ "{\"after\":{\"event\":\"host\"}}", NULL, "after.event" },
	{ "{\"after\":{\"event\":[]}}", NULL, "after.event" },
	{ "{\"after\":{\"event\":[7]}}", NULL, "after.event" },
	{ "{\"after\":{\"event\":\"capsule.state.changed\"}}", NULL, "after.event" },
	{ "{\"after\":{\"event\":\"wrenn.expectation.missed\"}}", NULL, "after.event" },
	{ "{\"after\":{\"event\":[\"host.up\",\"host.up\",\"host.up\",\"host.up\",\"host.up\"]}}",
	  NULL, "after.event" },
	{ "{\"after\":{\"event\":\"host.up\",\"outcome\":\"none\"}}", NULL, "after.outcome" },
	{ "{\"after\":{\"event\":\"host.up\",\"filter\":[]}}", NULL, "after.filter" },
	{ "{\"after\":{\"event\":\"host.up\",\"filter\":{\"reason\":[]}}}", NULL,
	  "after.filter.reason" },
	{ "{\"after\":{\"event\":\"host.up\",\"filters\":{}}}", NULL, "after" },
	{ "{\"after\":{\"event\":\"host.down\",\"filter\":{\"resource\":[\"*-3\"]}},"
	  "\"without\":{\"event\":\"host.up\"},\"within_s\":60}",
	  NULL, "after.filter.resource" },
	{ "{\"after\":{\"event\":\"host.down\"},\"without\":{\"event\":\"host.up\",\"filter\":{"
	  "\"reason\":[\"host*\"]}},\"within_s\":60}",
	  NULL, "without.filter.reason" },
	{ "{\"after\":{\"request\":\"capsule.create\"}}", NULL, "after.request" },
	{ "{\"after\":{\"request\":\"template.snapshot.create\",\"outcome\":\"error\"}}", NULL,
	  "after.request" },
	{ "{\"after\":{\"event\":\"host.down\"},\"without\":{\"event\":[\"host.up\","
	  "\"volume.delete\"]},\"within_s\":60}",
	  NULL, "without.event" },
	{ "{\"after\":{\"request\":\"template.snapshot.create\"},\"without\":{\"event\":\"host."
	  "up\"},\"within_s\":60}",
	  NULL, "without.event" },
	{ "{\"after\":{\"event\":[\"host.down\",\"capsule.pause\"]},\"without\":{\"event\":"
	  "\"capsule.pause\"},\"within_s\":60}",
	  NULL, "after.event" },
};

static void write_rule(struct buf *out, const struct expect_rule *rule)
{
	buf_reset(out);
	buf_add_char(out, '{');
	expect_rule_write(out, rule);
	buf_add_char(out, '}');
}

static void expect_stored(const char *json, const struct expect_rule *rule, const char *stored)
{
	struct expect_rule again;
	struct buf text;

	buf_init(&text, EXPECT_MAX_BYTES);
	write_rule(&text, rule);
	cr_expect_str_eq(buf_text(&text), stored, "%s: %s", json, buf_text(&text));
	cr_assert_eq(expect_rule_parse(str_of(stored), &again), 0, "%s", stored);
	write_rule(&text, &again);
	cr_expect_str_eq(buf_text(&text), stored);
	expect_rule_done(&again);
	buf_done(&text);
}

Test(rule, is_read_strictly_and_written_in_one_way)
{
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct reason why = { .text = "" };
		struct expect_rule rule;
		cJSON *tree = NULL;
		int rc;

		cr_assert_eq(json_parse(str_of(cases[i].json), 65536, &tree, NULL), 0, "%s",
			     cases[i].json);
		rc = expect_rule_read(tree, &rule, &why);
		cr_expect_eq(rc, cases[i].stored ? 0 : -EINVAL, "%s: %s", cases[i].json, why.text);
		if (rc == 0) {
			if (cases[i].stored)
				expect_stored(cases[i].json, &rule, cases[i].stored);
			expect_rule_done(&rule);
		} else if (cases[i].field) {
			cr_expect_str_eq(why.field, cases[i].field, "%s: %s (%s)", cases[i].json,
					 why.text, why.field);
			cr_expect_neq(why.text[0], '\0');
		}
		cJSON_Delete(tree);
	}
}

Test(rule, has_a_name_for_paths_and_messages)
{
	char long_name[66];

	memset(long_name, 'a', 65);
	long_name[65] = '\0';
	cr_expect(expect_name_is_good(STR("a")));
	cr_expect(expect_name_is_good(STR("web-7.slow_2")));
	cr_expect(expect_name_is_good((struct str){ long_name, 64 }));
	cr_expect_not(expect_name_is_good(str_of(long_name)));
	cr_expect_not(expect_name_is_good(STR("")));
	cr_expect_not(expect_name_is_good(STR("A")));
	cr_expect_not(expect_name_is_good(STR("a b")));
	cr_expect_not(expect_name_is_good(STR("a/b")));
	cr_expect_not(expect_name_is_good(STR("\xc3\xa9")));
}

/* ---- which events ---------------------------------------------------------------------------- */

static struct event *read_event(const char *kind, const char *actor, const char *more)
{
	struct event *event = NULL;
	struct reason why = { .text = "" };
	char json[1024];

	snprintf(json, sizeof(json),
		 "{\"event\":\"%s\",\"timestamp\":\"2026-05-24T05:02:08Z\",\"team_id\":"
		 "\"team-0x5yg3bfyrehlas5fmd3rslxq\",\"actor\":{\"type\":\"%s\"},\"resource\":{"
		 "\"id\":\"web-7\",\"type\":\"x\"}%s}",
		 kind, actor, more);
	cr_assert_eq(event_parse(str_of(json), (struct stream_id){ .ms = 1 }, &event, &why), 0,
		     "%s", why.text);
	return event;
}

Test(rule, names_its_x_and_its_y)
{
	static const struct {
		const char *kind, *actor, *more;
		bool arms, meets;
	} events[] = {
		{ "capsule.create", "user", ",\"outcome\":\"success\"", true, false },
		{ "capsule.create", "api_key", ",\"outcome\":\"success\"", true, false },
		{ "capsule.create", "user", ",\"outcome\":\"error\"", false, false },
		{ "capsule.create", "user", "", false, false },
		{ "capsule.create", "system", ",\"outcome\":\"success\"", false, true },
		{ "capsule.create", "system", ",\"outcome\":\"error\"", false, true },
		{ "capsule.destroy", "system", "", false, true },
		{ "capsule.destroy", "user", ",\"outcome\":\"success\"", false, false },
		{ "capsule.pause", "system", ",\"outcome\":\"success\"", false, false },
	};
	struct expect_rule rule;
	cJSON *tree = NULL;

	cr_assert_eq(json_parse(STR("{\"form\":\"capsule\"}"), 65536, &tree, NULL), 0);
	cr_assert_eq(expect_rule_read(tree, &rule, NULL), 0);
	cJSON_Delete(tree);
	for (size_t i = 0; i < ARRAY_LEN(events); i++) {
		struct event *event = read_event(events[i].kind, events[i].actor, events[i].more);

		cr_expect_eq(expect_rule_arms(&rule, event), events[i].arms, "case %zu", i);
		cr_expect_eq(expect_rule_meets(&rule, event), events[i].meets, "case %zu", i);
		event_free(event);
	}
	cr_expect_str_eq(expect_rule_resource_type(&rule), "sandbox");
	expect_rule_done(&rule);
}

/* ---- notices --------------------------------------------------------------------------------- */

static void expect_error(const char *json, const char *error)
{
	static const struct uuid team = { { 1 } };
	struct expect_notice notice = { .team = &team,
					.resource = STR("web \"7\""),
					.since_ms = 1779598928000,
					.due_ms = 1779599828000 };
	struct expect_rule rule;
	struct event *event = NULL;
	struct buf text;

	cr_assert_eq(expect_rule_parse(str_of(json), &rule), 0, "%s", json);
	snprintf(rule.name, sizeof(rule.name), "mine");
	notice.rule = &rule;
	buf_init(&text, 65536);
	expect_notice_write(&text, &notice, 1779599830000);
	cr_assert_eq(event_parse(buf_str(&text), (struct stream_id){ .ms = 1 }, &event, NULL), 0);
	cr_expect(str_is(event->error, error), "%s", event->error.at);
	cr_expect(str_is(event->resource_id, "web \"7\""));
	cr_expect(str_is(event_metadata(event, "since"), "2026-05-24T05:02:08Z"));
	cr_expect(str_is(event_metadata(event, "due"), "2026-05-24T05:17:08Z"));
	cr_expect_eq(expect_notice_due_ms(event), notice.due_ms);
	event_free(event);
	expect_rule_done(&rule);
	buf_done(&text);
}

#define KINDS(after, without, within)                                      \
	"{\"after\":{\"event\":" after "},\"without\":{\"event\":" without \
	"},\"within_s\":" within "}"

Test(notice, says_what_did_not_come)
{
	expect_error("{\"after\":{\"request\":\"template.snapshot.create\"},\"without\":{\"event\":"
		     "\"template.snapshot.create\"},\"within_s\":900}",
		     "asked for at 05:02 UTC, no outcome after 15 min");
	expect_error(KINDS("\"capsule.create\"", "\"capsule.create\"", "301"),
		     "asked for at 05:02 UTC, not completed after 301 s");
	expect_error(KINDS("\"host.down\"", "\"host.up\"", "7200"),
		     "down since 05:02 UTC, not up after 2 h");
	expect_error(KINDS("[\"capsule.pause\",\"capsule.resume\"]", "\"capsule.destroy\"", "60"),
		     "capsule.pause or capsule.resume at 05:02 UTC, no capsule.destroy after 1 "
		     "min");
}
