/* SPDX-License-Identifier: Apache-2.0 */

/* The facts and words of contract d.5, its vector (section m), and what makes a card fit. */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>

#include "chat_rig.h"
#include "core/json.h"
#include "providers/card.h"

#define HEAD(event, outcome)                                                          \
	"{\"event\":\"" event "\"," outcome "\"timestamp\":\"2026-05-24T05:02:08Z\"," \
	"\"team_id\":\"" RIG_TEAM "\","
#define SYSTEM         "\"actor\":{\"type\":\"system\"},"
#define RESOURCE(i, t) "\"resource\":{\"id\":\"" i "\",\"type\":\"" t "\"}"
#define GOOD           "\"outcome\":\"success\","
#define BAD            "\"outcome\":\"error\","
#define CAPSULE        "cl-6dfzh5ik5uxynzmlf5cshamdk"
#define PLAIN_RULE(cap)                                          \
	{                                                        \
		UNIT_BYTES, false, text_escape_none, (cap), NULL \
	}

struct drawn {
	struct event *event;
	struct card card;
	struct buf text;
};

static void draw(struct drawn *drawn, const char *json, const char *link_base)
{
	const struct text_rule rule = PLAIN_RULE(SIZE_MAX);
	struct message message = { .link_base = str_of(link_base) };
	struct reason why = { .text = "" };

	cr_assert_eq(event_parse(str_of(json), (struct stream_id){ 7, 1 }, &drawn->event, &why), 0,
		     "%s: %s", why.text, json);
	message.event = drawn->event;
	cr_assert_eq(card_make(&drawn->card, &message), 0);
	buf_init(&drawn->text, 65536);
	card_write_text(&drawn->text, &drawn->card, &rule);
}

static void drawn_done(struct drawn *drawn)
{
	buf_done(&drawn->text);
	card_done(&drawn->card);
	event_unref(drawn->event);
}

Test(card_text, is_the_vector_of_the_contract)
{
	struct drawn drawn;

	draw(&drawn,
	     HEAD("capsule.pause", GOOD) SYSTEM RESOURCE(CAPSULE, "sandbox") ",\"metadata\":"
									     "{\"reason\":"
									     "\"ttl_expired\"}}",
	     "");
	cr_expect_str_eq(buf_text(&drawn.text), "Capsule " CAPSULE " paused\n"
						"\n"
						"Event: capsule.pause\n"
						"Outcome: success\n"
						"Resource: sandbox " CAPSULE "\n"
						"Actor: system\n"
						"Team: " RIG_TEAM "\n"
						"Time: 2026-05-24T05:02:08Z\n"
						"Reason: ttl_expired");
	cr_expect(str_is(drawn.card.reference, "7-1"));
	cr_expect(str_is(drawn.card.time, "2026-05-24T05:02:08Z"));
	drawn_done(&drawn);
}

Test(card_text, begins_a_test_with_its_own_line)
{
	static const char lead[] = "channel test\n";
	struct drawn drawn;

	draw(&drawn,
	     "{\"event\":\"channel.test\",\"timestamp\":\"2026-05-24T05:02:08Z\",\"team_id\":"
	     "\"" RIG_TEAM "\"," SYSTEM RESOURCE("test", "channel") "}",
	     RIG_LINK);
	cr_expect_eq(strncmp(buf_text(&drawn.text), lead, strlen(lead)), 0, "%s",
		     buf_text(&drawn.text));
	cr_expect_eq(drawn.card.link.len, 0);
	cr_expect_eq(drawn.card.tone, TONE_NEUTRAL);
	drawn_done(&drawn);
}

Test(card_make, says_each_kind_in_the_words_of_the_contract)
{
	static const struct {
		const char *json, *title, *link;
		enum card_tone tone;
	} cases[] = {
#define ROW(event, outcome, id, type, title, link, tone) \
	{ HEAD(event, outcome) SYSTEM RESOURCE(id, type) "}", title, link, tone }
		ROW("capsule.create", GOOD, "c", "sandbox", "Capsule c created", "/capsules/c",
		    TONE_GOOD),
		ROW("capsule.create", BAD, "c", "sandbox", "Capsule c failed to create",
		    "/capsules/c", TONE_BAD),
		ROW("capsule.pause", GOOD, "c", "sandbox", "Capsule c paused", "/capsules/c",
		    TONE_GOOD),
		ROW("capsule.pause", BAD, "c", "sandbox", "Capsule c failed to pause",
		    "/capsules/c", TONE_BAD),
		ROW("capsule.resume", GOOD, "c", "sandbox", "Capsule c resumed", "/capsules/c",
		    TONE_GOOD),
		ROW("capsule.resume", BAD, "c", "sandbox", "Capsule c failed to resume",
		    "/capsules/c", TONE_BAD),
		ROW("capsule.destroy", GOOD, "c", "sandbox", "Capsule c destroyed", "/capsules/c",
		    TONE_GOOD),
		ROW("capsule.destroy", BAD, "c", "sandbox", "Capsule c failed to destroy",
		    "/capsules/c", TONE_BAD),
		ROW("template.snapshot.create", GOOD, "my tpl/1", "snapshot",
		    "Template snapshot my tpl/1 created", "/templates/my%20tpl%2F1", TONE_GOOD),
		ROW("template.snapshot.create", BAD, "t", "snapshot",
		    "Template snapshot t failed to create", "/templates/t", TONE_BAD),
		ROW("template.snapshot.delete", GOOD, "t", "snapshot",
		    "Template snapshot t deleted", "/templates/t", TONE_GOOD),
		ROW("template.snapshot.delete", BAD, "t", "snapshot",
		    "Template snapshot t failed to delete", "/templates/t", TONE_BAD),
		ROW("host.up", "", "h", "host", "Host h is up", "/hosts/h", TONE_GOOD),
		ROW("host.down", "", "h", "host", "Host h is down", "/hosts/h", TONE_WARNING),
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct drawn drawn;
		const char *text;

		draw(&drawn, cases[i].json, RIG_LINK);
		text = buf_text(&drawn.text);
		cr_expect_eq(strncmp(text, cases[i].title, strlen(cases[i].title)), 0, "%s", text);
		cr_expect_eq(text[strlen(cases[i].title)], '\n');
		cr_expect_eq(drawn.card.tone, cases[i].tone, "case %zu", i);
		cr_expect(str_starts(drawn.card.link, STR(RIG_LINK)));
		cr_expect(str_is(str_from(drawn.card.link, strlen(RIG_LINK)), cases[i].link),
			  "%.*s", STR_ARGS(drawn.card.link));
		drawn_done(&drawn);
	}
}

Test(card_make, names_actors_as_the_contract_does)
{
	static const struct {
		const char *actor, *wanted;
	} cases[] = {
		{ "{\"type\":\"system\"}", "system" },
		{ "{\"type\":\"user\",\"id\":\"usr-1\",\"name\":\"Bob\"}", "Bob (usr-1)" },
		{ "{\"type\":\"user\",\"id\":\"usr-1\"}", "usr-1" },
		{ "{\"type\":\"api_key\",\"id\":\"key-1\",\"name\":\"ci\"}", "api_key ci (key-1)" },
		{ "{\"type\":\"api_key\",\"id\":\"key-1\"}", "api_key key-1" },
		{ "{\"type\":\"user\",\"name\":\"Bob\"}", "Bob" },
		{ "{\"type\":\"user\"}", "user" },
		{ "{\"type\":\"user\",\"id\":\"usr-1\",\"name\":\"\\u2003\\u00a0\"}", "usr-1" },
		{ "{\"type\":\"user\",\"id\":\"\\u3000\",\"name\":\"\\u200b\"}", "user" },
		{ "{\"type\":\"robot\",\"id\":\"r\",\"name\":\"R\"}", "robot" },
		{ "{\"type\":\"user\",\"id\":\"usr-1\",\"name\":\"a\\nEvent: b\"}",
		  "a Event: b (usr-1)" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct drawn drawn;
		char json[512];
		char line[128];

		snprintf(json, sizeof(json), "%s\"actor\":%s,%s}", HEAD("capsule.pause", GOOD),
			 cases[i].actor, RESOURCE("c", "sandbox"));
		draw(&drawn, json, "");
		snprintf(line, sizeof(line), "\nActor: %s\n", cases[i].wanted);
		cr_expect_not_null(strstr(buf_text(&drawn.text), line), "%s: %s", cases[i].wanted,
				   buf_text(&drawn.text));
		drawn_done(&drawn);
	}
}

Test(card_make, says_a_volume_without_a_page_and_no_time_of_white_space)
{
	struct drawn drawn;

	draw(&drawn,
	     "{\"event\":\"volume.create\",\"timestamp\":\"\\u2003\",\"team_id\":\"" RIG_TEAM
	     "\"," SYSTEM RESOURCE("vol-1", "volume") ",\"metadata\":{\"name\":\"data\"}}",
	     RIG_LINK);
	cr_expect(str_starts(buf_str(&drawn.text), STR("Volume vol-1 created\n")));
	cr_expect_null(card_field_find(&drawn.card, "Time"));
	cr_expect_eq(drawn.card.link.len, 0);
	drawn_done(&drawn);
}

Test(card_make, leaves_out_blank_fields_and_addresses_too_long_to_be_one)
{
	struct drawn drawn;
	char id[700];
	char json[1200];

	memset(id, 'a', sizeof(id) - 1);
	id[sizeof(id) - 1] = '\0';
	snprintf(json, sizeof(json),
		 "%s%s\"resource\":{\"id\":\"%s\",\"type\":\"sandbox\"},"
		 "\"metadata\":{\"reason\":\" \"}}",
		 HEAD("capsule.pause", GOOD), SYSTEM, id);
	draw(&drawn, json, RIG_LINK);
	cr_expect_null(strstr(buf_text(&drawn.text), "Reason"));
	cr_expect_eq(drawn.card.link.len, 0);
	drawn_done(&drawn);
}

Test(card_make, keeps_markup_out_of_the_link)
{
	struct drawn drawn;

	draw(&drawn, HEAD("capsule.pause", GOOD) SYSTEM RESOURCE("a&b<c>", "sandbox") "}",
	     "https://x.io/a|b>\"&c");
	cr_expect(str_is(drawn.card.link, "https://x.io/a%7Cb%3E%22%26c/capsules/a%26b%3Cc%3E"),
		  "%.*s", STR_ARGS(drawn.card.link));
	drawn_done(&drawn);
}

Test(card_make, refuses_a_message_without_content)
{
	const struct message message = { .link_base = STR("") };
	struct card card;

	cr_expect_eq(card_make(&card, &message), -EINVAL);
	card_done(&card);
}

Test(card_make, tells_a_digest_failures_first_and_counts_what_it_leaves_out)
{
	const struct digest digest = {
		.team_text = STR(RIG_TEAM),
		.first = STR("2026-05-24T05:00:00Z"),
		.last = STR("2026-05-24T05:02:07Z"),
		.total = 50,
		.group_count = 2,
		.groups = { { STR("capsule.destroy"), STR("error"), 3 },
			    { STR("capsule.pause"), STR("success"), 40 } },
		.failure_count = 2,
		.failures = { { STR("capsule.destroy"), STR("cl-1"), STR("disk\nfull") },
			      { STR("capsule.destroy"), STR("cl-2"), STR("") } },
	};
	const struct message message = { .digest = &digest, .link_base = STR(RIG_LINK) };
	const struct text_rule rule = PLAIN_RULE(SIZE_MAX);
	struct card card;
	struct buf text;

	cr_assert_eq(card_make(&card, &message), 0);
	buf_init(&text, 4096);
	card_write_text(&text, &card, &rule);
	cr_expect_str_eq(buf_text(&text), "50 events: 3 failed\n"
					  "\n"
					  "3 capsule.destroy failed\n"
					  "40 capsule.pause\n"
					  "7 others\n"
					  "Failed: capsule.destroy cl-1: disk full\n"
					  "Failed: capsule.destroy cl-2\n"
					  "and 1 more failed\n"
					  "Team: " RIG_TEAM "\n"
					  "From: 2026-05-24T05:00:00Z\n"
					  "To: 2026-05-24T05:02:07Z");
	cr_expect_eq(card.tone, TONE_BAD);
	buf_reset(&text);
	card_write_lines(&text, &card, &rule, 44);
	cr_expect_str_eq(buf_text(&text), "3 capsule.destroy failed\n40 capsule.pause");
	buf_done(&text);
	card_done(&card);
}

static size_t size_of_all(struct str body)
{
	return body.len;
}

Test(card_fit, makes_values_shorter_until_all_fits_or_says_that_it_cannot)
{
	const struct text_rule rule = PLAIN_RULE(SIZE_MAX);
	struct card_sketch sketch = { card_write_text, size_of_all, 400 };
	struct drawn drawn;
	struct buf body;

	draw(&drawn,
	     HEAD("capsule.pause", BAD)
		     SYSTEM RESOURCE(CAPSULE, "sandbox") ",\"error\":"
							 "\"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
							 "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
							 "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
							 "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
							 "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
							 "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\"}",
	     "");
	buf_init(&body, 65536);
	cr_expect_eq(card_fit(&body, &drawn.card, &rule, &sketch), 0);
	cr_expect_leq(body.len, 400);
	cr_expect_gt(body.len, 300);
	cr_expect_not_null(strstr(buf_text(&body), "Resource: sandbox " CAPSULE "\n"));
	cr_expect_not_null(strstr(buf_text(&body), "xx\xe2\x80\xa6"));
	buf_reset(&body);
	sketch.limit = 20;
	cr_expect_eq(card_fit(&body, &drawn.card, &rule, &sketch), -E2BIG);
	buf_done(&body);
	drawn_done(&drawn);
}
