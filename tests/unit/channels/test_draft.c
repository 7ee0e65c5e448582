/* SPDX-License-Identifier: Apache-2.0 */

/* Validation of a request that makes a channel, rule by rule and in the contract's order. */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "channels/draft.h"

Test(channel_name, is_cleaned_or_refused)
{
	static const char long_64[] =
		"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
	static const struct {
		const char *raw;
		const char *clean; /* NULL: refused */
	} cases[] = {
		{ "  Ops Alerts ", "ops-alerts" },
		{ "A  b", "a--b" },
		{ "a..b", "a..b" },
		{ "0", "0" },
		{ "a_b.c-d", "a_b.c-d" },
		{ "\t\r\nname\n", "name" },
		{ long_64, long_64 },
		{ "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", NULL },
		{ "-x", NULL },
		{ ".x", NULL },
		{ "_x", NULL },
		{ "", NULL },
		{ "   ", NULL },
		{ "a/b", NULL },
		{ "a\tb", NULL },
		{ "\xc3\xa9", NULL },
		{ "a\xc3\xa9", NULL },
		{ "a\"b", NULL },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char out[CHANNEL_NAME_SIZE] = "";
		bool good = channel_name_clean(str_of(cases[i].raw), out);

		cr_expect_eq(good, cases[i].clean != NULL, "\"%s\"", cases[i].raw);
		if (cases[i].clean)
			cr_expect_str_eq(out, cases[i].clean);
	}
}

#define GOOD_CONFIG "\"config\":{\"url\":\"https://hooks.example.com/a\"}"
#define GOOD_EVENTS "\"events\":[\"capsule.create\"]"

static const struct {
	const char *body;
	const char *field;
} faulty[] = {
	{ "", "" },
	{ "not json", "" },
	{ "[]", "" },
	{ "null", "" },
	{ "{}", "" },
	{ "{\"name\":1,\"provider\":\"webhook\"," GOOD_CONFIG "," GOOD_EVENTS "}", "" },
	{ "{\"name\":\"a\",\"provider\":null," GOOD_CONFIG "," GOOD_EVENTS "}", "" },
	{ "{\"name\":\"a\",\"provider\":\"webhook\"," GOOD_EVENTS "}", "" },
	{ "{\"name\":\"a\",\"provider\":\"webhook\"," GOOD_CONFIG "}", "" },
	{ "{\"name\":\"a\",\"provider\":\"webhook\",\"config\":[]," GOOD_EVENTS "}", "" },
	{ "{\"name\":\"a\",\"provider\":\"webhook\",\"config\":{\"url\":1}," GOOD_EVENTS "}", "" },
	{ "{\"name\":\"a\",\"provider\":\"webhook\",\"config\":{\"url\":\"https://a.b\","
	  "\"more\":5}," GOOD_EVENTS "}",
	  "" },
	{ "{\"name\":\"a\",\"provider\":\"webhook\"," GOOD_CONFIG ",\"events\":\"x\"}", "" },
	{ "{\"name\":\"a\",\"provider\":\"webhook\"," GOOD_CONFIG ",\"events\":[1]}", "" },
	{ "{\"name\":\"a\",\"name\":\"b\",\"provider\":\"webhook\"," GOOD_CONFIG "," GOOD_EVENTS
	  "}",
	  "name" },
	/* the name is checked before everything else */
	{ "{\"name\":\"-\",\"provider\":\"x\",\"config\":{},\"events\":[]}", "name" },
	{ "{\"name\":\"a\",\"provider\":\"x\",\"config\":{},\"events\":[]}", "provider" },
	{ "{\"name\":\"a\",\"provider\":\"Webhook\",\"config\":{},\"events\":[]}", "provider" },
	{ "{\"name\":\"a\",\"provider\":\"\",\"config\":{},\"events\":[]}", "provider" },
	{ "{\"name\":\"a\",\"provider\":\"webhook\",\"config\":{},\"events\":[]}", "events" },
	{ "{\"name\":\"a\",\"provider\":\"webhook\",\"config\":{},"
	  "\"events\":[\"capsule.create\",\"capsule.created\"]}",
	  "events" },
	{ "{\"name\":\"a\",\"provider\":\"webhook\",\"config\":{},"
	  "\"events\":[\"capsule.state.changed\"]}",
	  "events" },
	{ "{\"name\":\"a\",\"provider\":\"webhook\",\"config\":{},"
	  "\"events\":[\"channel.test\"]}",
	  "events" },
	{ "{\"name\":\"a\",\"provider\":\"webhook\",\"config\":{}," GOOD_EVENTS "}", "url" },
	{ "{\"name\":\"a\",\"provider\":\"webhook\",\"config\":{\"url\":\"\"}," GOOD_EVENTS "}",
	  "url" },
	{ "{\"name\":\"a\",\"provider\":\"webhook\",\"config\":{\"url\":\"ftp://"
	  "a.b\"}," GOOD_EVENTS "}",
	  "url" },
	{ "{\"name\":\"a\",\"provider\":\"webhook\",\"config\":{\"url\":"
	  "\"https://u:p@a.b/\"}," GOOD_EVENTS "}",
	  "url" },
	{ "{\"name\":\"a\",\"provider\":\"webhook\",\"config\":{\"url\":"
	  "\"https://a.b/#f\"}," GOOD_EVENTS "}",
	  "url" },
};

/* An empty field: the body has the wrong shape. */
Test(draft, names_the_first_fault)
{
	for (size_t i = 0; i < ARRAY_LEN(faulty); i++) {
		struct reason why = { .text = "" };
		struct draft draft;

		cr_expect_eq(draft_parse(str_of(faulty[i].body), DRAFT_WHOLE, &draft, &why),
			     -EINVAL, "%s", faulty[i].body);
		cr_expect_str_eq(why.field, faulty[i].field, "%s: %s", faulty[i].body, why.text);
		cr_expect_gt(strlen(why.text), 0);
		cr_expect_null(strstr(why.text, "a.b"), "a value is repeated: %s", why.text);
	}
}

#define NO_STRING "config must be an object of strings: "

Test(draft, names_the_setting_that_is_no_string)
{
	static const struct {
		const char *value, *text;
	} cases[] = {
		{ "-1001", NO_STRING "put chat_id in quotes" },
		{ "true", NO_STRING "put chat_id in quotes" },
		{ "null", NO_STRING "chat_id must be a string" },
		{ "{}", NO_STRING "chat_id must be a string" },
		{ "[\"-1001\"]", NO_STRING "chat_id must be a string" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct reason why = { .text = "" };
		struct draft draft;
		char body[256];

		snprintf(body, sizeof(body),
			 "{\"name\":\"a\",\"provider\":\"telegram\"," GOOD_EVENTS
			 ",\"config\":{\"bot_token\":\"x\",\"chat_id\":%s}}",
			 cases[i].value);
		cr_assert_eq(draft_parse(str_of(body), DRAFT_WHOLE, &draft, &why), -EINVAL);
		cr_expect_str_eq(why.field, "");
		cr_expect_str_eq(why.text, cases[i].text);
	}
}

static int parse_with_secret(size_t len, struct draft *draft, struct reason *why)
{
	struct buf body;
	int rc;

	buf_init(&body, 1 << 20);
	buf_add_text(&body, "{\"name\":\"a\",\"provider\":\"webhook\"," GOOD_EVENTS
			    ",\"config\":{\"url\":\"https://a.example/\",\"secret\":\"");
	for (size_t i = 0; i < len; i++)
		buf_add_char(&body, 's');
	buf_add_text(&body, "\"}}");
	rc = draft_parse(buf_str(&body), DRAFT_WHOLE, draft, why);
	buf_done(&body);
	return rc;
}

Test(draft, bounds_the_length_of_a_value)
{
	struct reason why = { .text = "" };
	struct draft draft;

	cr_assert_eq(parse_with_secret(CONFIG_MAX_VALUE, &draft, &why), 0);
	draft_done(&draft);
	cr_assert_eq(parse_with_secret(CONFIG_MAX_VALUE + 1, &draft, &why), -EINVAL);
	cr_assert_str_eq(why.field, "secret");
	cr_assert_eq(parse_with_secret(70000, &draft, &why), -EINVAL, "past the body's limit");
}

/* Invisible characters come along when people paste, also from chats and documents. */
Test(draft, cuts_white_space_from_both_ends_of_every_setting)
{
	static const char *const pasted[] = {
		" https://hooks.slack.com/services/T0001/B0001/abc\\n",
		"\\t\\r\\nhttps://hooks.slack.com/services/T0001/B0001/abc\\r\\n ",
		"\\u00a0https://hooks.slack.com/services/T0001/B0001/abc\\u2003\\u200b",
		"\\ufeffhttps://hooks.slack.com/services/T0001/B0001/abc\\u2028",
	};

	for (size_t i = 0; i < ARRAY_LEN(pasted); i++) {
		struct reason why = { .text = "" };
		struct draft draft;
		char body[512];

		snprintf(body, sizeof(body),
			 "{\"name\":\"a\",\"provider\":\"slack\"," GOOD_EVENTS
			 ",\"config\":{\"webhook_url\":\"%s\"}}",
			 pasted[i]);
		cr_assert_eq(draft_parse(str_of(body), DRAFT_WHOLE, &draft, &why), 0, "%s: %s",
			     pasted[i], why.text);
		cr_expect(str_is(config_value(&draft.config, "webhook_url"),
				 "https://hooks.slack.com/services/T0001/B0001/abc"));
		draft_done(&draft);
	}
}

Test(draft, keeps_what_it_needs_and_nothing_else)
{
	struct reason why;
	struct draft draft;

	cr_assert_eq(
		draft_parse(STR("{\"name\":\" My Hook\",\"provider\":\"webhook\",\"x\":[1],"
				"\"events\":[\"host.down\",\"capsule.create\",\"host.down\"],"
				"\"config\":{\"url\":\"https://a.example/\",\"extra\":\"e\"}}"),
			    DRAFT_WHOLE, &draft, &why),
		0);
	cr_assert_str_eq(draft.name, "my-hook");
	cr_assert_eq(draft.event_count, 2);
	cr_assert(str_is(draft.events[0], "host.down"));
	cr_assert(str_is(draft.events[1], "capsule.create"));
	cr_assert_eq(draft.config.count, 1);
	draft_done(&draft);
}

Test(draft, takes_every_subscribable_kind_however_often)
{
	struct buf body;
	struct reason why;
	struct draft draft;
	size_t kinds = 0;

	buf_init(&body, 65536);
	buf_add_text(&body,
		     "{\"name\":\"a\",\"provider\":\"webhook\"," GOOD_CONFIG ",\"events\":[");
	for (unsigned kind = 0; kind < EVENT_KINDS; kind++)
		kinds += event_kind_is_subscribable(kind);
	for (int i = 0; i < 50; i++) {
		for (unsigned kind = 0; kind < EVENT_KINDS; kind++) {
			if (event_kind_is_subscribable(kind))
				buf_addf(&body, "\"%s\",", event_kind_name(kind));
		}
	}
	buf_add_text(&body, "\"host.up\"]}");
	cr_assert_eq(draft_parse(buf_str(&body), DRAFT_WHOLE, &draft, &why), 0, "%s", why.text);
	cr_assert_eq(draft.event_count, kinds);
	cr_expect_eq(kinds, 12);
	draft_done(&draft);
	buf_done(&body);
}

Test(draft, takes_unknown_kinds_only_for_a_channel_that_may_have_them)
{
	static const struct {
		const char *events;
		unsigned parts;
		bool expected;
	} cases[] = {
		{ "\"volume.create\",\"volume.delete\"", DRAFT_EVENTS, true },
		{ "\"volume.attach\"", DRAFT_EVENTS, false },
		{ "\"volume.attach\",\"host.up\"", DRAFT_EVENTS | DRAFT_UNKNOWN_EVENTS, true },
		{ "\"\"", DRAFT_EVENTS | DRAFT_UNKNOWN_EVENTS, false },
		/* Known kinds that requests may not use. */
		{ "\"capsule.created\"", DRAFT_EVENTS | DRAFT_UNKNOWN_EVENTS, false },
		{ "\"channel.test\"", DRAFT_EVENTS | DRAFT_UNKNOWN_EVENTS, false },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct reason why = { .text = "" };
		struct draft draft;
		char body[200];
		int rc;

		snprintf(body, sizeof(body), "{\"events\":[%s]}", cases[i].events);
		rc = draft_parse(str_of(body), cases[i].parts, &draft, &why);
		cr_expect_eq(rc, cases[i].expected ? 0 : -EINVAL, "%s: %s", body, why.text);
		if (rc == 0)
			draft_done(&draft);
	}
}

Test(draft, bounds_the_kinds_it_does_not_know)
{
	struct reason why = { .text = "" };
	struct draft draft;
	struct buf body;

	buf_init(&body, 4096);
	buf_add_text(&body, "{\"events\":[\"host.up\"");
	for (int i = 0; i < CHANNEL_MAX_EVENTS; i++)
		buf_addf(&body, ",\"new.%d\"", i);
	buf_add_text(&body, "]}");
	cr_expect_eq(draft_parse(buf_str(&body), DRAFT_EVENTS | DRAFT_UNKNOWN_EVENTS, &draft, &why),
		     -EINVAL);
	cr_expect_str_eq(why.field, "events");
	buf_done(&body);
}

Test(draft, makes_up_a_secret_only_when_none_came)
{
	static const char *const without[] = { "", ",\"secret\":\"\"" };
	struct reason why;
	struct draft draft;
	char body[512];

	for (size_t i = 0; i < ARRAY_LEN(without); i++) {
		struct str secret;

		snprintf(body, sizeof(body),
			 "{\"name\":\"a\",\"provider\":\"webhook\"," GOOD_EVENTS
			 ",\"config\":{\"url\":\"https://a.example/\"%s}}",
			 without[i]);
		cr_assert_eq(draft_parse(str_of(body), DRAFT_WHOLE, &draft, &why), 0);
		draft_complete_secret(&draft);
		secret = config_value(&draft.config, "secret");
		cr_assert_eq(secret.len, 64);
		for (size_t at = 0; at < secret.len; at++)
			cr_expect(strchr("0123456789abcdef", secret.at[at]));
		draft_done(&draft);
	}
	cr_assert_eq(parse_with_secret(16, &draft, &why), 0);
	draft_complete_secret(&draft);
	cr_assert(str_is(config_value(&draft.config, "secret"), "ssssssssssssssss"));
	draft_done(&draft);
}
