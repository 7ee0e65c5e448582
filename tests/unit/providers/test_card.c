/* SPDX-License-Identifier: Apache-2.0 */

/* What messages say, and what makes a card fit. */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>

#include "chat_rig.h"
#include "core/json.h"
#include "providers/card.h"
#include "providers/card_make.h"

#define HEAD(event, outcome)                                                          \
	"{\"event\":\"" event "\"," outcome "\"timestamp\":\"2026-05-24T05:02:08Z\"," \
	"\"team_id\":\"" RIG_TEAM "\","
#define SYSTEM         "\"actor\":{\"type\":\"system\"},"
#define RESOURCE(i, t) "\"resource\":{\"id\":\"" i "\",\"type\":\"" t "\"}"
#define GOOD           "\"outcome\":\"success\","
#define BAD            "\"outcome\":\"error\","
#define CAPSULE        "cl-6dfzh5ik5uxynzmlf5cshamdk"

static const struct text_rule plain_rule = { UNIT_BYTES, false, text_escape_none, SIZE_MAX, NULL };

struct drawn {
	struct event *event;
	struct card card;
	struct buf text;
};

static void draw(struct drawn *drawn, const char *json, const char *link_base)
{
	struct message message = { .link_base = str_of(link_base) };
	struct reason why = { .text = "" };

	cr_assert_eq(event_parse(str_of(json), (struct stream_id){ 7, 1 }, &drawn->event, &why), 0,
		     "%s: %s", why.text, json);
	message.event = drawn->event;
	cr_assert_eq(card_make(&drawn->card, &message), 0);
	buf_init(&drawn->text, 65536);
	card_write_text(&drawn->text, &drawn->card, &plain_rule);
}

static void drawn_done(struct drawn *drawn)
{
	buf_done(&drawn->text);
	card_done(&drawn->card);
	event_free(drawn->event);
}

/* NULL: the card does not have it. */
static const struct card_field *field_of(const struct card *card, const char *label)
{
	for (size_t i = 0; i < card->field_count; i++) {
		if (strcmp(card->fields[i].label, label) == 0)
			return &card->fields[i];
	}
	return NULL;
}

Test(card_text, begins_with_a_sentence_and_repeats_nothing_of_it)
{
	struct drawn drawn;

	draw(&drawn,
	     HEAD("capsule.pause", GOOD) SYSTEM RESOURCE(CAPSULE, "sandbox") ",\"metadata\":"
									     "{\"reason\":"
									     "\"ttl_expired\"}}",
	     "");
	cr_expect_str_eq(buf_text(&drawn.text), "Capsule " CAPSULE " paused: idle timeout reached\n"
						"\n"
						"Reason: ttl_expired\n"
						"Actor: system\n"
						"Team: " RIG_TEAM "\n"
						"Time: 2026-05-24 05:02:08 UTC\n"
						"capsule.pause \xc2\xb7 7-1");
	cr_expect_eq(drawn.card.time_us, INT64_C(1779598928000000));
	drawn_done(&drawn);
}

Test(card_text, says_the_cause_of_a_failure_and_where_it_happened)
{
	struct drawn drawn;

	draw(&drawn,
	     HEAD("capsule.create", BAD)
		     SYSTEM RESOURCE("web-7", "sandbox") ",\"metadata\":{\"reason\":"
							 "\"host_failure\",\"template\":\"node\","
							 "\"host_id\":\"host-3\",\"host_ip\":"
							 "\"10.0.0.3\"},\"error\":\"no capacity\"}",
	     RIG_LINK);
	cr_expect_str_eq(buf_text(&drawn.text),
			 "Capsule web-7 failed to start: no capacity\n"
			 "\n"
			 "Reason: its host reported a failure (host_failure)\n"
			 "Template: node\n"
			 "Host: host-3 (10.0.0.3)\n"
			 "Actor: system\n"
			 "Team: " RIG_TEAM "\n"
			 "Time: 2026-05-24 05:02:08 UTC\n"
			 "capsule.create \xc2\xb7 7-1\n" RIG_LINK "/capsules/web-7");
	drawn_done(&drawn);
}

Test(card_text, says_a_long_error_and_a_long_name_in_full_below_the_title)
{
	struct drawn drawn;
	char name[66], error[102], json[1024];

	memset(name, 'n', 65);
	name[65] = '\0';
	memset(error, 'e', 101);
	error[101] = '\0';
	snprintf(json, sizeof(json),
		 "%s%s\"resource\":{\"id\":\"%s\",\"type\":\"sandbox\"},\"error\":\"%s\"}",
		 HEAD("capsule.create", BAD), SYSTEM, name, error);
	draw(&drawn, json, "");
	cr_expect_eq(drawn.card.title.name.len, 63 + strlen("\xe2\x80\xa6"));
	cr_expect_eq(drawn.card.title.cause.len, 99 + strlen("\xe2\x80\xa6"));
	cr_expect(str_is(field_of(&drawn.card, "Error")->value.head, error));
	cr_expect(str_is(field_of(&drawn.card, "Resource")->value.head, name));
	drawn_done(&drawn);

	name[64] = '\0';
	error[100] = '\0';
	snprintf(json, sizeof(json),
		 "%s%s\"resource\":{\"id\":\"%s\",\"type\":\"sandbox\"},\"error\":\"%s\"}",
		 HEAD("capsule.create", BAD), SYSTEM, name, error);
	draw(&drawn, json, "");
	cr_expect(str_is(drawn.card.title.name, name));
	cr_expect(str_is(drawn.card.title.cause, error));
	cr_expect_null(field_of(&drawn.card, "Error"));
	cr_expect_null(field_of(&drawn.card, "Resource"));
	drawn_done(&drawn);
}

static void expect_test_text(const struct message_test *test, const char *wanted)
{
	static const char json[] = "{\"event\":\"channel.test\",\"timestamp\":"
				   "\"2026-05-24T05:02:08Z\",\"team_id\":\"" RIG_TEAM
				   "\"," SYSTEM RESOURCE("test", "channel") "}";
	struct message message = { .link_base = STR(RIG_LINK), .test = test };
	struct event *event;
	struct card card;
	struct buf text;

	cr_assert_eq(event_parse(STR(json), (struct stream_id){ 0 }, &event, NULL), 0);
	message.event = event;
	cr_assert_eq(card_make(&card, &message), 0);
	buf_init(&text, 4096);
	card_write_text(&text, &card, &plain_rule);
	cr_expect_str_eq(buf_text(&text), wanted);
	cr_expect_eq(card.tone, TONE_NEUTRAL);
	buf_done(&text);
	card_done(&card);
	event_free(event);
}

Test(card_text, of_a_test_says_what_it_proves_and_who_sent_it)
{
	const struct message_test test = { .channel = STR("ops"),
					   .team = STR("team-1"),
					   .team_name = STR("Acme"),
					   .sent_by = STR("Ada (usr-1)") };

	expect_test_text(&test, "Wrenn can reach this channel\n"
				"\n"
				"Channel: ops\n"
				"Team: Acme (team-1)\n"
				"Sent by: Ada (usr-1)\n"
				"Time: 2026-05-24 05:02:08 UTC\n"
				"channel.test");
	expect_test_text(NULL, "Wrenn can reach this channel\n"
			       "\n"
			       "Time: 2026-05-24 05:02:08 UTC\n"
			       "channel.test");
}

Test(card_make, says_how_long_it_took_since_it_was_accepted)
{
	static const struct {
		const char *outcome;
		int64_t accepted_us;
		const char *title;
	} cases[] = {
		{ GOOD, 1000000, "Capsule c created after 3 min 12 s\n" },
		{ BAD, 1000000, "Capsule c failed to start after 3 min 12 s\n" },
		{ GOOD, 0, "Capsule c created\n" },
		{ GOOD, 192500000, "Capsule c created\n" }, /* less than a second */
		{ GOOD, 194000000, "Capsule c created\n" }, /* the other way round */
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct message message = { .accepted_us = cases[i].accepted_us,
					   .link_base = STR("") };
		struct event *event;
		struct card card;
		struct buf text;
		char json[512];

		snprintf(json, sizeof(json), HEAD("capsule.create", "%s") "%s}", cases[i].outcome,
			 SYSTEM RESOURCE("c", "sandbox"));
		cr_assert_eq(
			event_parse(str_of(json), (struct stream_id){ 193000, 0 }, &event, NULL),
			0);
		message.event = event;
		cr_assert_eq(card_make(&card, &message), 0);
		buf_init(&text, 4096);
		card_write_text(&text, &card, &plain_rule);
		cr_expect(str_starts(buf_str(&text), str_of(cases[i].title)), "%s",
			  buf_text(&text));
		buf_done(&text);
		card_done(&card);
		event_free(event);
	}
}

#define USER   "\"actor\":{\"type\":\"user\",\"id\":\"usr-1\"},"
#define AN_KEY "\"actor\":{\"type\":\"api_key\",\"id\":\"key-1\"},"

static const struct {
	const char *json, *title, *link;
	enum card_tone tone;
} kinds[] = {
/* The versions of clang-format disagree about braces in a macro. */
/* clang-format off */
#define BY(actor, event, outcome, id, type, title, link, tone) \
	{ HEAD(event, outcome) actor RESOURCE(id, type) "}", title, link, tone }
/* clang-format on */
#define ROW(...) BY(SYSTEM, __VA_ARGS__)
	ROW("capsule.create", GOOD, "c", "sandbox", "Capsule c created", "/capsules/c", TONE_GOOD),
	BY(USER, "capsule.create", GOOD, "c", "sandbox", "Capsule c: start requested",
	   "/capsules/c", TONE_NEUTRAL),
	BY(USER, "capsule.create", BAD, "c", "sandbox", "Capsule c failed to start", "/capsules/c",
	   TONE_BAD),
	ROW("capsule.create", BAD, "c", "sandbox", "Capsule c failed to start", "/capsules/c",
	    TONE_BAD),
	ROW("capsule.pause", GOOD, "c", "sandbox", "Capsule c paused", "/capsules/c", TONE_GOOD),
	BY(AN_KEY, "capsule.pause", GOOD, "c", "sandbox", "Capsule c: pause requested",
	   "/capsules/c", TONE_NEUTRAL),
	ROW("capsule.pause", BAD, "c", "sandbox", "Capsule c failed to pause", "/capsules/c",
	    TONE_BAD),
	ROW("capsule.resume", GOOD, "c", "sandbox", "Capsule c resumed", "/capsules/c", TONE_GOOD),
	BY(USER, "capsule.resume", GOOD, "c", "sandbox", "Capsule c: resume requested",
	   "/capsules/c", TONE_NEUTRAL),
	ROW("capsule.resume", BAD, "c", "sandbox", "Capsule c failed to resume", "/capsules/c",
	    TONE_BAD),
	ROW("capsule.destroy", GOOD, "c", "sandbox", "Capsule c destroyed", "/capsules/c",
	    TONE_GOOD),
	BY(USER, "capsule.destroy", GOOD, "c", "sandbox", "Capsule c: destruction requested",
	   "/capsules/c", TONE_NEUTRAL),
	ROW("capsule.destroy", BAD, "c", "sandbox", "Capsule c failed to destroy", "/capsules/c",
	    TONE_BAD),
	ROW("template.snapshot.create", GOOD, "my tpl/1", "snapshot",
	    "Template snapshot my tpl/1 created", "/templates/my%20tpl%2F1", TONE_GOOD),
	ROW("template.snapshot.create", BAD, "t", "snapshot",
	    "Template snapshot t failed to create", "/templates/t", TONE_BAD),
	ROW("template.snapshot.delete", GOOD, "t", "snapshot", "Template snapshot t deleted",
	    "/templates/t", TONE_GOOD),
	BY(USER, "template.snapshot.delete", GOOD, "t", "snapshot",
	   "Template snapshot t: deletion requested", "/templates/t", TONE_NEUTRAL),
	ROW("template.snapshot.delete", BAD, "t", "snapshot",
	    "Template snapshot t failed to delete", "/templates/t", TONE_BAD),
	ROW("host.up", "", "h", "host", "Host h is up", "/hosts/h", TONE_GOOD),
	ROW("host.down", "", "h", "host", "Host h is down", "/hosts/h", TONE_BAD),
};

Test(card_make, says_each_kind_and_outcome_in_words)
{
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		struct drawn drawn;
		const char *text;

		draw(&drawn, kinds[i].json, RIG_LINK);
		text = buf_text(&drawn.text);
		cr_expect_eq(strncmp(text, kinds[i].title, strlen(kinds[i].title)), 0, "%s", text);
		cr_expect_eq(text[strlen(kinds[i].title)], '\n');
		cr_expect_eq(drawn.card.tone, kinds[i].tone, "case %zu", i);
		cr_expect_eq(drawn.card.status == NULL, kinds[i].tone == TONE_NEUTRAL);
		cr_expect(str_starts(drawn.card.link, STR(RIG_LINK)));
		cr_expect(str_is(str_from(drawn.card.link, strlen(RIG_LINK)), kinds[i].link),
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

static void expect_title(const char *more, const char *type, const char *wanted)
{
	struct drawn drawn;
	char json[1024];

	snprintf(json, sizeof(json), "%s\"resource\":{\"id\":\"web-7\",\"type\":\"%s\"}%s}",
		 "{\"event\":\"wrenn.expectation.missed\",\"timestamp\":\"2026-05-24T10:17:00Z\","
		 "\"team_id\":\"" RIG_TEAM "\"," SYSTEM,
		 type, more);
	draw(&drawn, json, RIG_LINK);
	cr_expect(str_starts(buf_str(&drawn.text), str_of(wanted)), "%s\n%s", wanted,
		  buf_text(&drawn.text));
	drawn_done(&drawn);
}

#define LATE(s) ",\"outcome\":\"success\",\"metadata\":{\"late_s\":\"" s "\"}"

Test(card_make, says_what_is_overdue_and_what_arrived_after_all)
{
	expect_title(
		",\"outcome\":\"error\",\"error\":\"asked for at 10:02 UTC, no outcome after 15 "
		"min\",\"metadata\":{\"rule\":\"snapshot\"}",
		"snapshot",
		"Template snapshot web-7 overdue: asked for at 10:02 UTC, no outcome after "
		"15 min\n\nRule: snapshot\nActor: system\nTeam: " RIG_TEAM
		"\nTime: 2026-05-24 10:17:00 UTC\nwrenn.expectation.missed \xc2\xb7 7-1\n" RIG_LINK
		"/templates/web-7");
	expect_title(LATE("1020"), "snapshot",
		     "Template snapshot web-7 arrived after all, 17 min late\n");
	expect_title(LATE("1020"), "host", "Host web-7 arrived after all, 17 min late\n");
	expect_title(LATE("1"), "sandbox", "Capsule web-7 arrived after all, 1 s late\n");
	expect_title(LATE("0"), "volume", "Volume web-7 arrived after all\n");
	expect_title(LATE("-5"), "volume", "Volume web-7 arrived after all\n");
	expect_title(LATE("9999999999"), "volume", "Volume web-7 arrived after all\n");
	expect_title(LATE("soon"), "x", "web-7 arrived after all\n");
}

Test(card_make, says_a_volume_without_a_page_and_no_time_of_white_space)
{
	struct drawn drawn;

	draw(&drawn,
	     "{\"event\":\"volume.create\",\"timestamp\":\"\\u2003\",\"team_id\":\"" RIG_TEAM
	     "\"," SYSTEM RESOURCE("vol-1", "volume") ",\"metadata\":{\"name\":\"data\"}}",
	     RIG_LINK);
	cr_expect(str_starts(buf_str(&drawn.text), STR("Volume vol-1 created\n")));
	cr_expect_null(strstr(buf_text(&drawn.text), "\nTime: "));
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

#define NOTE "ops, which has failed since 2026-05-24 04:00 UTC: destination answered 500"

/* On a digest and on an event. */
Test(card_text, says_for_which_channel_that_fails_it_comes)
{
	static const char json[] =
		HEAD("capsule.pause", GOOD) SYSTEM RESOURCE("web-7", "sandbox") "}";
	const struct digest digest = { .total = 2, .first = STR("x"), .last = STR("y") };
	struct message message = { .digest = &digest, .note = STR(NOTE) };
	struct event *event;
	struct card card;

	cr_assert_eq(card_make(&card, &message), 0);
	cr_expect(str_is(field_of(&card, "Instead of")->value.head, NOTE));
	card_done(&card);
	cr_assert_eq(event_parse(STR(json), (struct stream_id){ 0 }, &event, NULL), 0);
	message.digest = NULL;
	message.event = event;
	cr_assert_eq(card_make(&card, &message), 0);
	cr_expect(str_is(field_of(&card, "Instead of")->value.head, NOTE));
	card_done(&card);
	event_free(event);
}

static size_t size_of_all(struct str body)
{
	return body.len;
}

Test(card_fit, makes_values_shorter_until_all_fits_or_says_that_it_cannot)
{
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
	cr_expect_eq(card_fit(&body, &drawn.card, &plain_rule, &sketch), 0);
	cr_expect_leq(body.len, 400);
	cr_expect_gt(body.len, 300);
	cr_expect(str_starts(buf_str(&body), STR("Capsule " CAPSULE " failed to pause: xx")));
	cr_expect_not_null(strstr(buf_text(&body), "xx\xe2\x80\xa6"));
	buf_reset(&body);
	sketch.limit = 20;
	cr_expect_eq(card_fit(&body, &drawn.card, &plain_rule, &sketch), -E2BIG);
	buf_done(&body);
	drawn_done(&drawn);
}
