/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The events of tests/cases/field.jsonl come from the field or from bug reports. None of them
 * becomes a dead letter, and the strictest reader can read all that is made of them.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#include "audit/audit.h"
#include "channels/sample.h"
#include "core/json.h"
#include "core/rfc3339.h"
#include "core/utf8.h"
#include "providers/provider.h"

#define SHOWN     "\xef\xbf\xbd"
#define STREAM_ID ((struct stream_id){ .ms = UINT64_C(1779598928123), .seq = 1 })

/* The line byte for byte; its publisher wrote no team. */
static struct event *event_of(const char *line)
{
	static const char before[] = "\"event\": {";
	const char *at = strstr(line, before);
	const char *end = at ? strstr(at, "}, \"want\"") : NULL;
	struct event *event = NULL;
	struct reason why = { .text = "" };
	struct buf json;

	cr_assert(at && end, "%s", line);
	at += sizeof(before) - 1;
	buf_init(&json, EVENT_MAX_BYTES);
	buf_addf(&json, "{\"team_id\":\"team-0x5yg3bfyrehlas5fmd3rslxq\",%.*s}", (int)(end - at),
		 at);
	cr_assert_eq(event_parse(buf_str(&json), STREAM_ID, &event, &why), 0, "%s: %s", why.text,
		     buf_text(&json));
	buf_done(&json);
	return event;
}

/* No byte of it ends a line, for any reader. */
static void expect_one_line(struct str json)
{
	for (size_t i = 0; i < json.len; i++) {
		uint32_t code = 0;

		if (((unsigned char)json.at[i] & 0xc0) == 0x80)
			continue;
		cr_assert_gt(utf8_decode(str_from(json, i), &code), 0);
		cr_expect(code >= 0x20 && (code < 0x7f || code > 0x9f) && code != 0x2028 &&
				  code != 0x2029,
			  "U+%04X in %.*s", (unsigned)code, STR_ARGS(json));
	}
}

static void expect_no_blank(const cJSON *value, const char *where)
{
	if (cJSON_IsString(value))
		cr_expect_not(utf8_is_blank(str_of(value->valuestring)), "%s: %s is blank", where,
			      value->string ? value->string : "an item");
	for (const cJSON *child = value->child; child; child = child->next)
		expect_no_blank(child, where);
}

static void check_frame(const struct event *event, const char *has)
{
	static const char *const types[] = { "user", "api_key", "system" };
	struct buf frame;
	cJSON *tree = NULL;
	bool is_known = false;
	const char *type;

	buf_init(&frame, 8 * EVENT_MAX_BYTES);
	event_write_frame(&frame, event);
	buf_add_char(&frame, '}');
	expect_one_line(buf_str(&frame));
	cr_expect(strstr(buf_text(&frame), has), "%s in %s", has, buf_text(&frame));
	cr_assert_eq(json_parse(buf_str(&frame), frame.len, &tree, NULL), 0);
	type = json_get_string(json_get(tree, "actor"), "type");
	for (size_t i = 0; i < ARRAY_LEN(types); i++)
		is_known = is_known || strcmp(type, types[i]) == 0;
	cr_expect(is_known, "%s", type);
	cr_expect(rfc3339_is_strict(str_of(json_get_string(tree, "timestamp"))));
	expect_no_blank(tree, "frame");
	cJSON_Delete(tree);
	buf_done(&frame);
}

static void check_audit(const struct event *event, const char *has)
{
	const struct audit_facts facts = { .has_accept = false };
	struct audit_entry entry;
	cJSON *tree = NULL;

	cr_assert(audit_entry_from_event(event, AUDIT_ALL, &facts, &entry));
	expect_one_line(entry.metadata);
	cr_assert_eq(json_parse(entry.metadata, 65536, &tree, NULL), 0);
	expect_no_blank(tree, "audit row");
	cr_expect(strstr(buf_text(&entry.metadata_buf), has), "%s", buf_text(&entry.metadata_buf));
	cJSON_Delete(tree);
	audit_entry_done(&entry);
}

static void check_message(const struct event *event, const struct provider *provider,
			  enum message_form form, const char *has)
{
	const struct message message = { .event = event, .body = event->payload, .form = form };
	const struct attempt attempt = {
		.delivery_id = STR("4f0c5a4e-8f5e-5b7e-9c39-6a1f5f0d2b11"),
		.number = 1,
		.user_agent = "test",
	};
	struct provider_config config;
	struct outgoing out;
	cJSON *tree = NULL;

	sample_config(&config, provider);
	outgoing_init(&out);
	cr_assert_eq(provider->build(&message, &config, &attempt, &out), 0, "%s", provider->name);
	cr_assert_eq(json_parse_foreign(buf_str(&out.body), 1 << 20, &tree, NULL), 0);
	if (provider->folds) { /* otherwise it is the publisher's own body */
		expect_one_line(buf_str(&out.body));
		expect_no_blank(tree, provider->name);
		cr_expect(strstr(buf_text(&out.body), has), "%s: %s in %s", provider->name, has,
			  buf_text(&out.body));
	}
	cJSON_Delete(tree);
	outgoing_done(&out);
}

/* The frame, the metadata of the audit row, and every chat message must show this. */
static const struct {
	const char *name;
	const char *frame;
	const char *audit;
	const char *message;
} wanted[] = {
	{ "nul-in-error", "\"error\":\"tar: bad magic " SHOWN "\"", "tar: bad magic " SHOWN,
	  "bad magic " SHOWN },
	{ "error-of-white-space", "\"outcome\":\"error\"", "{}", "failed to create" },
	{ "next-line-in-a-name", "\"name\":\"A\\u0085B\"", "{}", "A B" },
	{ "actor-of-a-new-type",
	  "\"original_actor_type\":\"robot\",\"original_timestamp\":\"2026-05-24T05:02:08\"",
	  "host_reported", "robot" },
};

static void check_case(const char *name, const char *line)
{
	struct event *event = event_of(line);
	size_t i = 0;

	while (i < ARRAY_LEN(wanted) && strcmp(wanted[i].name, name) != 0)
		i++;
	cr_assert_lt(i, ARRAY_LEN(wanted), "nobody knows what must become of %s", name);
	check_frame(event, wanted[i].frame);
	check_audit(event, wanted[i].audit);
	for (size_t p = 0; provider_at(p); p++) {
		check_message(event, provider_at(p), FORM_RICH, wanted[i].message);
		check_message(event, provider_at(p), FORM_PLAIN, wanted[i].message);
	}
	event_free(event);
}

Test(field_events, can_be_read_by_the_strictest_reader)
{
	FILE *file = fopen("tests/cases/field.jsonl", "r");
	char *line = NULL;
	size_t size = 0;
	size_t count = 0;
	ssize_t len;

	cr_assert_not_null(file);
	while ((len = getline(&line, &size, file)) > 0) {
		cJSON *tree = NULL;
		cr_assert_eq(
			json_parse_foreign((struct str){ line, (size_t)len }, 65536, &tree, NULL),
			0, "%s", line);
		if (json_get(tree, "event")) {
			check_case(json_get_string(tree, "name"), line);
			count++;
		}
		cJSON_Delete(tree);
	}
	cr_expect_eq(count, ARRAY_LEN(wanted));
	free(line);
	fclose(file);
}
