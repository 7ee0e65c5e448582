/* SPDX-License-Identifier: Apache-2.0 */

/* Messages that are replaced: the edit's request byte for byte, the id of what was posted, and what
 * the answer to an edit means. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "chat_rig.h"

#define BEGAN_US INT64_C(1779598735000000) /* 192 s before the event */

static const struct vendor {
	const char *name;
	struct rig_config config;
	const char *id;
	const char *head[2];  /* FORM_RICH, FORM_PLAIN: how the edit's request begins */
	const char *piece[2]; /* and what is in it */
} vendors[] = {
	{ "discord",
	  { { "webhook_url",
	      "https://discord.com/api/webhooks/123456789012345678/tok?thread_id=5" } },
	  "1200000000000000001",
	  { "PATCH https://discord.com/api/v10/webhooks/123456789012345678/tok/messages/"
	    "1200000000000000001?thread_id=5\n",
	    "PATCH https://discord.com/api/v10/webhooks/123456789012345678/tok/messages/"
	    "1200000000000000001?thread_id=5\n" },
	  { "\"footer\":{\"text\":\"capsule.pause \xc2\xb7 1779598927000-0\"}}],"
	    "\"content\":null,\"flags\":0}",
	    ",\"allowed_mentions\":{\"parse\":[]},\"flags\":4,\"embeds\":[]}" } },
	{ "telegram",
	  { { "bot_token", "123456789:AAEexampleExampleExampleExampleExampl", "chat_id",
	      "-1001234567890:77" } },
	  "42",
	  { "POST https://api.telegram.org/bot123456789:AAEexampleExampleExampleExampleExampl/"
	    "editMessageText\n",
	    "POST https://api.telegram.org/bot123456789:AAEexampleExampleExampleExampleExampl/"
	    "editMessageText\n" },
	  { "{\"chat_id\":-1001234567890,\"message_id\":42,\"parse_mode\":\"HTML\",",
	    "{\"chat_id\":-1001234567890,\"message_id\":42,\"entities\":[" } },
	{ "matrix",
	  { { "homeserver_url", "https://hs.example", "access_token", "t", "room_id",
	      "!r:hs.example" } },
	  "$first:hs.example",
	  { "PUT https://hs.example/_matrix/client/v3/rooms/%21r%3Ahs.example/send/"
	    "m.room.message/" RIG_DELIVERY ".edit\n",
	    "PUT https://hs.example/_matrix/client/v3/rooms/%21r%3Ahs.example/send/"
	    "m.room.message/" RIG_DELIVERY ".edit\n" },
	  { ",\"m.relates_to\":{\"rel_type\":\"m.replace\",\"event_id\":\"$first:hs.example\"}}",
	    ",\"m.relates_to\":{\"rel_type\":\"m.replace\",\"event_id\":\"$first:hs.example\"}"
	    "}" } },
};

static void build_edit(struct rig *rig, const struct vendor *vendor, int form,
		       struct message_life *life)
{
	rig_success(rig, vendor->name);
	rig->event->id = (struct stream_id){ .ms = 1779598927000 };
	*life = (struct message_life){ .replaces = str_of(vendor->id),
				       .trail = STR("created"),
				       .began_us = BEGAN_US };
	rig->message.life = life;
	cr_assert_eq(rig_build(rig, &vendor->config, (enum message_form)form, RIG_LINK), 0);
}

Test(edit, names_the_message_that_it_replaces)
{
	for (size_t i = 0; i < ARRAY_LEN(vendors); i++) {
		const struct vendor *vendor = &vendors[i];

		for (int form = 0; form < 2; form++) {
			struct message_life life;
			struct rig rig;
			const char *request;

			build_edit(&rig, vendor, form, &life);
			request = rig_request(&rig);
			cr_expect_eq(
				strncmp(request, vendor->head[form], strlen(vendor->head[form])), 0,
				"%s", request);
			cr_expect_not_null(strstr(request, vendor->piece[form]), "%s", request);
			cr_expect_null(strstr(request, "message_thread_id"), "%s", request);
			rig_done(&rig);
		}
	}
}

Test(edit, shows_what_the_resource_was_before_and_for_how_long)
{
	for (size_t i = 0; i < ARRAY_LEN(vendors); i++) {
		struct message_life life;
		struct rig rig;

		build_edit(&rig, &vendors[i], FORM_PLAIN, &life);
		cr_expect_not_null(
			strstr(buf_text(&rig.out.body),
			       "History: created \xe2\x86\x92 paused, 3 min 12 s in all"),
			"%s", buf_text(&rig.out.body));
		rig_done(&rig);
	}
}

Test(edit, of_a_first_message_is_a_post_without_a_history)
{
	for (size_t i = 0; i < ARRAY_LEN(vendors); i++) {
		const struct message_life life = { .replaces = STR("") };
		char ordinary[4096];
		struct rig rig;

		rig_success(&rig, vendors[i].name);
		cr_assert_eq(rig_build(&rig, &vendors[i].config, FORM_RICH, RIG_LINK), 0);
		snprintf(ordinary, sizeof(ordinary), "%s", rig_request(&rig));
		rig.message.life = &life;
		cr_assert_eq(rig_build(&rig, &vendors[i].config, FORM_RICH, RIG_LINK), 0);
		cr_expect_str_eq(rig_request(&rig), ordinary);
		rig_done(&rig);
	}
}

/* An edit holds its content twice, and must not exceed what fits once. */
Test(edit, of_a_long_message_fits)
{
	char name[2501]; /* fits once, and not twice */

	memset(name, '<', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	for (size_t i = 0; i < ARRAY_LEN(vendors); i++) {
		for (int form = 0; form < 2; form++) {
			const struct message_life life = { .replaces = str_of(vendors[i].id),
							   .trail = STR("created"),
							   .began_us = BEGAN_US };
			struct measure measure;
			struct rig rig;

			rig_failure(&rig, vendors[i].name, "cl-1", name, "boom");
			rig.message.life = &life;
			cr_assert_eq(rig_build(&rig, &vendors[i].config, (enum message_form)form,
					       RIG_LINK),
				     0);
			measure = rig.provider->measure(&rig.out);
			cr_expect_leq(measure.size, measure.limit, "%s: %zu", vendors[i].name,
				      measure.size);
			rig_done(&rig);
		}
	}
}

/* ---- answers -------------------------------------------------------------------------------- */

static const struct provider_edit *edit_of(const char *name)
{
	return provider_find(str_of(name))->edit;
}

Test(edit, finds_the_id_of_the_message_in_the_answer)
{
	static const struct {
		const char *provider, *body, *id; /* NULL: none */
	} cases[] = {
		{ "discord", "{\"id\":\"1200000000000000001\",\"type\":0}", "1200000000000000001" },
		{ "discord", "{\"id\":1200000000000000001}", NULL },
		{ "discord", "{\"id\":\"12/../34\"}", NULL },
		{ "discord", "{\"id\":\"120000000000000000001\"}", NULL },
		{ "discord", "{\"id\":\"\"}", NULL },
		{ "discord", "", NULL },
		{ "telegram", "{\"ok\":true,\"result\":{\"message_id\":42}}", "42" },
		{ "telegram", "{\"ok\":true,\"result\":{\"message_id\":0}}", NULL },
		{ "telegram", "{\"ok\":true,\"result\":{\"message_id\":\"42\"}}", NULL },
		{ "telegram", "{\"ok\":true,\"result\":{\"message_id\":1e40}}", NULL },
		{ "telegram", "{\"ok\":true,\"result\":{}}", NULL },
		{ "matrix", "{\"event_id\":\"$first:hs.example\"}", "$first:hs.example" },
		{ "matrix", "{\"event_id\":\"first\"}", NULL },
		{ "matrix", "{\"event_id\":\"$\"}", NULL },
		{ "matrix", "{\"event_id\":\"$a b\"}", NULL },
		{ "matrix", "{\"room_id\":\"!r:x\"}", NULL },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct answer answer = { .status = 200, .body = str_of(cases[i].body) };
		char id[MESSAGE_ID_SIZE] = "";
		bool found = edit_of(cases[i].provider)->read_id(&answer, id);

		cr_expect_eq(found, cases[i].id != NULL, "%s", cases[i].body);
		if (cases[i].id)
			cr_expect_str_eq(id, cases[i].id);
	}
}

static const struct {
	const char *provider;
	int status;
	const char *body;
	enum verdict_kind kind;
} edit_answers[] = {
	{ "discord", 200, "{\"id\":\"1200000000000000001\"}", VERDICT_DELIVERED },
	{ "discord", 404, "{\"message\":\"Unknown Message\",\"code\":10008}", VERDICT_REPOST },
	{ "discord", 429,
	  "{\"message\":\"Maximum number of edits to messages older than 1 hour reached. "
	  "Try again later\",\"code\":30046}",
	  VERDICT_REPOST },
	{ "discord", 403,
	  "{\"message\":\"Cannot edit a message authored by another user\",\"code\":50005}",
	  VERDICT_REPOST },
	{ "discord", 404, "{\"message\":\"Unknown Webhook\",\"code\":10015}", VERDICT_DISABLE },
	{ "discord", 429, "{\"message\":\"x\",\"retry_after\":1.5,\"global\":false}",
	  VERDICT_RETRY },
	{ "discord", 404, "<html>10008</html>", VERDICT_RETRY },
	{ "discord", 500, "{}", VERDICT_RETRY },
	{ "discord", 400, "{\"message\":\"Invalid Form Body\",\"code\":50035}", VERDICT_REFORM },
	{ "telegram", 200, "{\"ok\":true,\"result\":{\"message_id\":42}}", VERDICT_DELIVERED },
	{ "telegram", 400,
	  "{\"ok\":false,\"error_code\":400,\"description\":\"Bad Request: message is not "
	  "modified: specified new message content and reply markup are exactly the same "
	  "as a current content and reply markup of the message\"}",
	  VERDICT_DELIVERED },
	{ "telegram", 400,
	  "{\"ok\":false,\"error_code\":400,\"description\":\"Bad Request: message to edit "
	  "not found\"}",
	  VERDICT_REPOST },
	{ "telegram", 400,
	  "{\"ok\":false,\"error_code\":400,\"description\":\"Bad Request: "
	  "MESSAGE_ID_INVALID\"}",
	  VERDICT_REPOST },
	{ "telegram", 400,
	  "{\"ok\":false,\"error_code\":400,\"description\":\"Bad Request: message can't "
	  "be edited\"}",
	  VERDICT_REPOST },
	{ "telegram", 400,
	  "{\"ok\":false,\"error_code\":400,\"description\":\"Bad Request: chat not "
	  "found\"}",
	  VERDICT_DISABLE },
	{ "telegram", 429,
	  "{\"ok\":false,\"error_code\":429,\"description\":\"Too Many Requests: retry "
	  "after 3\",\"parameters\":{\"retry_after\":3}}",
	  VERDICT_RETRY },
	{ "telegram", 502, "message to edit not found", VERDICT_RETRY },
	{ "matrix", 200, "{\"event_id\":\"$second\"}", VERDICT_DELIVERED },
	{ "matrix", 403, "{\"errcode\":\"M_FORBIDDEN\",\"error\":\"x\"}", VERDICT_DISABLE },
	{ "matrix", 413, "{\"errcode\":\"M_TOO_LARGE\",\"error\":\"event too large\"}",
	  VERDICT_REFORM },
	{ "matrix", 400,
	  "{\"errcode\":\"M_UNKNOWN\",\"error\":\"Can't send relation to unknown event\"}",
	  VERDICT_REPOST },
	{ "matrix", 400, "{\"errcode\":\"M_UNKNOWN\",\"error\":\"x\"}", VERDICT_REFORM },
	{ "matrix", 404, "{\"errcode\":\"M_NOT_FOUND\",\"error\":\"Event not found.\"}",
	  VERDICT_REPOST },
	{ "matrix", 404, "M_NOT_FOUND", VERDICT_RETRY },
	{ "matrix", 200,
	  "{\"event_id\":\"$first\",\"content\":{},\"unsigned\":{\"redacted_because\":{"
	  "\"type\":\"m.room.redaction\"}}}",
	  VERDICT_REPOST },
	{ "matrix", 200,
	  "{\"event_id\":\"$first\",\"content\":{\"redacted_because\":1},\"unsigned\":{}}",
	  VERDICT_DELIVERED },
	{ "matrix", 429, "{\"errcode\":\"M_LIMIT_EXCEEDED\",\"retry_after_ms\":100}",
	  VERDICT_RETRY },
};

Test(edit, that_is_not_possible_any_more_becomes_a_post)
{
	for (size_t i = 0; i < ARRAY_LEN(edit_answers); i++) {
		const struct answer answer = { .status = edit_answers[i].status,
					       .body = str_of(edit_answers[i].body) };
		struct verdict verdict =
			edit_of(edit_answers[i].provider)->judge(&answer, RIG_NOW_US);

		cr_expect_eq(verdict.kind, edit_answers[i].kind, "%s: %d", edit_answers[i].body,
			     verdict.kind);
		if (verdict.kind == VERDICT_REPOST)
			cr_expect_not_null(verdict.why, "%s", edit_answers[i].body);
	}
}

Test(edit, of_matrix_comes_after_the_lookup_of_its_event)
{
	const struct provider_config config = { 3,
						{ { "homeserver_url", STR("https://hs.example") },
						  { "access_token", STR("t") },
						  { "room_id", STR("!r:hs.example") } } };
	const struct attempt attempt = { .user_agent = "wrenn-events/0.1.0" };
	struct message_life life;
	struct rig rig;

	build_edit(&rig, &vendors[2], FORM_RICH, &life);
	outgoing_done(&rig.out);
	outgoing_init(&rig.out);
	cr_assert_eq(rig.provider->edit->ask(&rig.message, &config, &attempt, &rig.out), 0);
	cr_expect_str_eq(rig_request(&rig),
			 "GET https://hs.example/_matrix/client/v3/rooms/%21r%3Ahs.example/event/"
			 "%24first%3Ahs.example\nAuthorization: Bearer t\n"
			 "User-Agent: wrenn-events/0.1.0\n\n");
	rig_done(&rig);
}

Test(edit, is_for_the_vendors_that_can_and_not_for_hosts_that_imitate_one)
{
	static const char *const without[] = { "slack", "teams", "googlechat", "webhook" };
	const struct provider_config config = {
		1, { { "webhook_url", STR("https://chat.example/api/webhooks/1/t") } }
	};
	const struct provider *discord = provider_find(STR("discord"));

	for (size_t i = 0; i < ARRAY_LEN(without); i++)
		cr_expect_null(edit_of(without[i]), "%s", without[i]);
	cr_expect(provider_edits(discord, &config));
	hosts_allow("discord", "chat.example");
	cr_expect_not(provider_edits(discord, &config));
}

/* ---- the trail ------------------------------------------------------------------------------- */

static void add_state(char trail[TRAIL_SIZE], enum event_kind kind, enum actor_type actor)
{
	const struct event event = { .kind = kind, .outcome = OUTCOME_SUCCESS, .actor = actor };

	trail_add(trail, &event);
}

Test(trail, names_each_state_once_in_a_row)
{
	char trail[TRAIL_SIZE] = "";

	add_state(trail, EVENT_CAPSULE_CREATE, ACTOR_USER);
	cr_expect_str_eq(trail, "start requested");
	add_state(trail, EVENT_CAPSULE_CREATE, ACTOR_SYSTEM);
	add_state(trail, EVENT_CAPSULE_CREATE, ACTOR_SYSTEM);
	add_state(trail, EVENT_CAPSULE_PAUSE, ACTOR_SYSTEM);
	cr_expect_str_eq(trail, "start requested \xe2\x86\x92 created \xe2\x86\x92 paused");
}

Test(trail, leaves_out_the_oldest_states_when_it_is_long)
{
	char trail[TRAIL_SIZE] = "";

	add_state(trail, EVENT_CAPSULE_CREATE, ACTOR_SYSTEM);
	for (int i = 0; i < 20; i++) {
		add_state(trail, EVENT_CAPSULE_PAUSE, ACTOR_SYSTEM);
		add_state(trail, EVENT_CAPSULE_RESUME, ACTOR_SYSTEM);
	}
	add_state(trail, EVENT_CAPSULE_DESTROY, ACTOR_SYSTEM);
	cr_expect_lt(strlen(trail), TRAIL_SIZE);
	cr_expect_gt(strlen(trail), TRAIL_SIZE - 16);
	cr_expect_eq(strncmp(trail, "\xe2\x80\xa6 \xe2\x86\x92 ", 8), 0, "%s", trail);
	cr_expect_str_eq(strrchr(trail, ' '), " destroyed");
}
