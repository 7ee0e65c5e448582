/* SPDX-License-Identifier: Apache-2.0 */

/* POST /v1/channels/preview over HTTP, and the samples that it uses. */
#include <stdio.h>
#include <stdlib.h>

#include "channels/sample.h"
#include "core/event.h"
#include "tests/support/calls.h"

#define PREVIEW "/v1/channels/preview"

static const struct rig_options strict = { .strict = true };

static cJSON *preview(struct rig *rig, const char *body)
{
	cr_assert_eq(call(rig, "POST", PREVIEW, body), 200, "%s: %s", body, call_answer);
	return call_tree();
}

Test(sample, gives_every_provider_settings_it_accepts)
{
	for (size_t i = 0; provider_at(i); i++) {
		const struct provider *provider = provider_at(i);
		struct provider_config config;
		struct reason why = { .text = "" };

		sample_config(&config, provider);
		cr_expect_eq(provider->check(&config, &why), 0, "%s: %s", provider->name, why.text);
		cr_expect(!provider->warning || !provider->warning(&config), "%s", provider->name);
	}
}

Test(sample, makes_an_event_of_every_kind_that_can_be_read)
{
	const struct stream_id none = { .ms = 0 };

	for (enum event_kind kind = EVENT_UNKNOWN; kind < EVENT_KINDS; kind++) {
		struct event *event = NULL;
		struct reason why = { .text = "" };
		struct buf json;

		if (!event_kind_is_subscribable(kind))
			continue;
		buf_init(&json, 4096);
		sample_write(&json, kind, false, STR(TEAM_A_ID), STR("2027-01-15T08:00:00Z"));
		cr_expect_eq(event_parse(buf_str(&json), none, &event, &why), 0, "%s", why.text);
		cr_expect(event && event->kind == kind && event->time_us > 0);
		event_free(event);
		buf_done(&json);
	}
}

static void show_all_providers(struct rig *rig)
{
	for (size_t i = 0; provider_at(i); i++) {
		const char *name = provider_at(i)->name;
		bool is_webhook = strcmp(name, "webhook") == 0;
		char body[128];
		cJSON *tree;

		snprintf(body, sizeof(body), "{\"provider\":\"%s\",\"event\":\"capsule.destroy\"}",
			 name);
		tree = preview(rig, body);
		cr_expect_str_eq(json_get_string(tree, "provider"), name);
		cr_expect(json_get_string(tree, "method"));
		cr_expect(strstr(json_get_string(tree, "content_type"), "application/json"), "%s",
			  call_answer);
		cr_expect(strstr(json_get_string(tree, "body"),
				 is_webhook ? "capsule.destroy" : "destruction requested"),
			  "%s", call_answer);
		cr_expect(json_get(tree, "size")->valuedouble > 0);
		cr_expect(json_get_string(tree, "unit"));
		cr_expect(json_get(tree, "limit")->valuedouble >
			  json_get(tree, "size")->valuedouble);
		cr_expect_eq(cJSON_GetArraySize(json_get(tree, "cuts")), 0, "%s", call_answer);
		cr_expect_eq(json_get(tree, "plain_body") == NULL, is_webhook, "%s", call_answer);
		cr_expect_null(json_get(tree, "url"));
		cr_expect_null(json_get(tree, "headers"));
		cJSON_Delete(tree);
	}
	cr_expect_eq(receiver_count(rig->receiver), 0);
	cr_expect_eq(rig_ask(rig, "SELECT (SELECT count(*) FROM channels) + "
				  "(SELECT count(*) FROM audit_logs)"),
		     0);
}

Test(preview, shows_what_every_provider_would_be_sent)
{
	ON_BOTH_STORES(&strict, show_all_providers);
}

static void expect_preview(const struct rig_options *options, const char *body, const char *shown,
			   const char *hidden)
{
	struct rig rig;
	cJSON *tree;
	const char *text;

	rig_open(&rig, DATABASE_SQLITE, options);
	tree = preview(&rig, body);
	text = json_get_string(tree, "body");
	cr_expect(strstr(text, shown), "%s in %s", shown, text);
	cr_expect_null(strstr(text, hidden), "%s in %s", hidden, text);
	cJSON_Delete(tree);
	rig_close(&rig);
}

Test(preview, of_a_kind_shows_a_request_or_its_completion_as_channels_get_it)
{
	static const struct rig_options completion = { .notify_completion = true };

	expect_preview(&completion, "{\"provider\":\"slack\",\"event\":\"capsule.destroy\"}",
		       "destroyed", "Ada");
	expect_preview(&strict, "{\"provider\":\"slack\",\"event\":\"capsule.destroy\"}", "Ada",
		       "destroyed");
}

Test(preview, shows_no_host_when_the_operator_strips_it)
{
	static const struct rig_options stripped = { .strip_host = true };
	static const char body[] =
		"{\"provider\":\"slack\",\"event\":{\"event\":\"capsule.create\","
		"\"outcome\":\"error\",\"error\":\"full\",\"actor\":" SYSTEM ","
		"\"resource\":{\"id\":\"web-7\",\"type\":\"sandbox\"},"
		"\"metadata\":{\"host_id\":\"host-3\"}}}";

	expect_preview(&stripped, body, "Capsule web-7 failed to start: full", "host-3");
	expect_preview(&strict, body, "host-3", "destroyed");
}

static struct rig one;

static void setup(void)
{
	rig_open(&one, DATABASE_SQLITE, &strict);
}

static void teardown(void)
{
	rig_close(&one);
}

TestSuite(preview_of, .init = setup, .fini = teardown);

Test(preview_of, a_webhook_is_the_publishers_own_bytes)
{
	cJSON *tree =
		preview(&one, "{\"provider\":\"webhook\",\"event\":{\"event\":\"host.up\","
			      "\"timestamp\":\"2026-05-24T05:02:08Z\",\"team_id\":\"" TEAM_A_ID
			      "\",\"actor\":" SYSTEM ",\"resource\":{\"id\":\"host-1\","
			      "\"type\":\"host\"},\"x\":[1,2.50]}}");

	cr_expect_str_eq(json_get_string(tree, "body"),
			 "{\"event\":\"host.up\",\"timestamp\":\"2026-05-24T05:02:08Z\","
			 "\"team_id\":\"" TEAM_A_ID "\",\"actor\":" SYSTEM
			 ",\"resource\":{\"id\":\"host-1\",\"type\":\"host\"},\"x\":[1,2.5]}");
	cr_expect_eq(json_get(tree, "size")->valueint, (int)strlen(json_get_string(tree, "body")));
	cr_expect_str_eq(json_get_string(tree, "unit"), "UTF-8 bytes");
	cJSON_Delete(tree);
}

Test(preview_of, an_event_without_time_and_team_gets_ours)
{
	cJSON *tree = preview(&one, "{\"provider\":\"webhook\",\"event\":{\"event\":\"host.up\","
				    "\"actor\":" SYSTEM
				    ",\"resource\":{\"id\":\"\",\"type\":\"host\"}}}");

	cr_expect(strstr(json_get_string(tree, "body"), TEAM_A_ID));
	cr_expect(strstr(json_get_string(tree, "body"), "2027-01-15T08:00:00Z"));
	cJSON_Delete(tree);
}

Test(preview_of, a_long_error_says_what_is_cut)
{
	static char body[8192];
	const cJSON *cut;
	cJSON *tree;

	snprintf(body, sizeof(body),
		 "{\"provider\":\"discord\",\"event\":{\"event\":\"template.snapshot.create\","
		 "\"outcome\":\"error\",\"actor\":" SYSTEM ",\"resource\":{\"id\":\"%02000d\","
		 "\"type\":\"snapshot\"},\"error\":\"no space\"}}",
		 0);
	tree = preview(&one, body);
	cr_assert_gt(cJSON_GetArraySize(json_get(tree, "cuts")), 0, "%s", call_answer);
	cut = cJSON_GetArrayItem(json_get(tree, "cuts"), 0);
	cr_expect(json_get_string(cut, "field"));
	cr_expect_lt(json_get(cut, "kept")->valuedouble, json_get(cut, "of")->valuedouble);
	cr_expect_leq(json_get(tree, "size")->valuedouble, json_get(tree, "limit")->valuedouble);
	cJSON_Delete(tree);
}

Test(preview_of, a_digest_names_how_many_of_what)
{
	for (size_t i = 0; provider_at(i); i++) {
		char body[128];
		cJSON *tree;

		if (!provider_at(i)->folds)
			continue;
		snprintf(body, sizeof(body), "{\"provider\":\"%s\",\"digest\":true}",
			 provider_at(i)->name);
		tree = preview(&one, body);
		cr_expect(strstr(json_get_string(tree, "body"), "48"), "%s", call_answer);
		cr_expect(strstr(json_get_string(tree, "plain_body"), "48"), "%s", call_answer);
		cJSON_Delete(tree);
	}
}

Test(preview_of, a_message_that_holds_a_credential_is_masked)
{
	const char *body =
		"{\"provider\":\"telegram\",\"config\":{\"chat_id\":\"-1001\",\"bot_token\":"
		"\"12345678:s3cret-s3cret-s3cret-s3cret-s3cret\"},\"event\":{\"event\":\"host.up\","
		"\"actor\":" SYSTEM ",\"resource\":{\"type\":\"host\",\"id\":"
		"\"12345678:s3cret-s3cret-s3cret-s3cret-s3cret\"}}}";
	cJSON *tree = preview(&one, body);

	cr_expect_null(strstr(call_answer, "s3cret"), "%s", call_answer);
	cr_expect(strstr(call_answer, "[masked]"), "%s", call_answer);
	cr_expect(strstr(json_get_string(tree, "body"), "-1001"));
	cJSON_Delete(tree);
}

Test(preview_of, a_message_is_masked_in_whole_words_only)
{
	static const struct {
		const char *url, *secret, *error, *shown;
	} cases[] = {
		{ "/hook", "kept-secret-of-us", "it is kept-secret-of-us.", "it is [masked]." },
		{ "/hook", "create_failed_now", "(create_failed_now)", "([masked])" },
		{ "/hook", "kept-secret-of-us", "POST https://example.com/hook: 500",
		  "POST [masked]: 500" },
		{ "/hook", "kept-secret-of-us", "https://example.com/hooks",
		  "https://example.com/hooks" },
		{ "/", "kept-secret-of-us", "https://example.com/a", "https://example.com/a" },
		{ "", "kept-secret-of-us", "https://example.com", "https://example.com" },
		{ "/hook", "a-much-longer-secret", "bota-much-longer-secrets", "bot[masked]s" },
		{ "/hook", "kept-secret-of-us", "kept-secret-of-uskept-secret-of-us",
		  "[masked][masked]" },
		{ "/hook", "kept-secret-of-us",
		  "kept-secret-of-us,kept-secret-of-us kept-secret-of-us, and more",
		  "[masked],[masked] [masked], and more" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char body[1024], shown[128];
		cJSON *tree;

		snprintf(
			body, sizeof(body),
			"{\"provider\":\"webhook\",\"config\":{\"url\":\"https://example.com%s\","
			"\"secret\":\"%s\"},\"event\":{\"event\":\"capsule.create\",\"actor\":" USER
			",\"outcome\":\"error\",\"resource\":{\"id\":\"" CAPSULE_ID "\","
			"\"type\":\"sandbox\"},\"error\":\"%s\"}}",
			cases[i].url, cases[i].secret, cases[i].error);
		snprintf(shown, sizeof(shown), "\"error\":\"%s\"", cases[i].shown);
		tree = preview(&one, body);
		cr_expect(strstr(json_get_string(tree, "body"), shown), "case %zu: %s", i,
			  call_answer);
		cJSON_Delete(tree);
	}
}

/* The words of the event's own members stay, whatever the secret. Every other text is searched. */
Test(preview_of, a_secret_is_found_wherever_an_event_has_words)
{
	static const char *const secrets[] = { "template.snapshot.create",
					       "a-secret-of-some-length" };

	for (size_t i = 0; i < ARRAY_LEN(secrets); i++) {
		const char *secret = secrets[i];
		char body[2048];
		cJSON *tree;

		snprintf(body, sizeof(body),
			 "{\"provider\":\"webhook\",\"config\":{\"url\":\"https://example.com/a\","
			 "\"secret\":\"%s\"},\"event\":{\"event\":\"template.snapshot.create\","
			 "\"actor\":{"
			 "\"type\":\"user\",\"id\":\"%s\",\"name\":\"I, %s\"},\"outcome\":"
			 "\"success\",\"resource\":{\"id\":\"%s\",\"type\":\"snapshot\"},"
			 "\"metadata\":{\"%s\":\"<%s>\"},\"more\":[{\"x\":[\"%s\"]}]}}",
			 secret, secret, secret, secret, secret, secret, secret);
		tree = preview(&one, body);
		cr_expect(strstr(call_answer, "template.snapshot.create"), "%s", call_answer);
		for (const char *at = json_get_string(tree, "body"); (at = strstr(at, secret));
		     at++)
			cr_expect_eq(i, 0u, "%s", call_answer);
		cr_expect(strstr(call_answer, "I, [masked]"), "%s", call_answer);
		cJSON_Delete(tree);
	}
}

/* Each provider spells texts in its own way, so the credential goes before that. */
Test(preview_of, no_provider_shows_a_credential_in_its_own_spelling)
{
	static const struct {
		const char *provider, *config, *credential, *part;
	} cases[] = {
		{ "discord", "\"webhook_url\":\"%s\"",
		  "https://discord.com/api/webhooks/100000000000000000/to_k-en", "to_k" },
		{ "slack", "\"webhook_url\":\"%s\"",
		  "https://hooks.slack.com/services/T0/B0/aToken", "aToken" },
		{ "googlechat", "\"webhook_url\":\"%s\"",
		  "https://chat.googleapis.com/v1/spaces/A/messages?key=k&token=aToken", "aToken" },
		{ "telegram", "\"chat_id\":\"1\",\"bot_token\":\"%s\"",
		  "12345678:aToken-aToken-aToken-aToken-aToken", "aToken" },
		{ "matrix",
		  "\"homeserver_url\":\"https://matrix.example.com\",\"room_id\":\"!a:b\","
		  "\"access_token\":\"%s\"",
		  "syt_aToken_aToken", "aToken" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char config[256], body[1024];
		cJSON *tree;

		snprintf(config, sizeof(config), cases[i].config, cases[i].credential);
		snprintf(body, sizeof(body),
			 "{\"provider\":\"%s\",\"config\":{%s},\"event\":{\"event\":"
			 "\"capsule.create\",\"outcome\":\"error\",\"actor\":" USER
			 ",\"resource\":{\"id\":\"" CAPSULE_ID "\",\"type\":\"sandbox\"},"
			 "\"error\":\"POST %s failed\"}}",
			 cases[i].provider, config, cases[i].credential);
		tree = preview(&one, body);
		cr_expect_null(strstr(call_answer, cases[i].part), "%s", call_answer);
		cr_expect(strstr(json_get_string(tree, "body"), "masked"), "%s", call_answer);
		cJSON_Delete(tree);
	}
}

Test(preview_of, the_sample_is_shown_as_it_is)
{
	cJSON *tree = preview(&one, "{\"provider\":\"matrix\",\"event\":{\"event\":\"host.up\","
				    "\"actor\":" SYSTEM ",\"resource\":{\"type\":\"host\","
				    "\"id\":\"example\"}}}");

	cr_expect(strstr(json_get_string(tree, "plain_body"), "example"), "%s", call_answer);
	cr_expect_null(strstr(call_answer, "masked"));
	cr_expect_null(strstr(call_answer, "***"));
	cJSON_Delete(tree);
}

Test(preview_of, a_room_alias_is_the_message_and_not_the_look_up)
{
	cJSON *tree =
		preview(&one, "{\"provider\":\"matrix\",\"event\":\"host.up\",\"config\":{"
			      "\"homeserver_url\":\"https://matrix.example.com\","
			      "\"access_token\":\"s3cret\",\"room_id\":\"#ops:example.com\"}}");

	cr_expect_str_eq(json_get_string(tree, "method"), "PUT");
	cr_expect(strstr(json_get_string(tree, "body"), "m.notice"), "%s", call_answer);
	cr_expect_null(strstr(call_answer, "s3cret"));
	cJSON_Delete(tree);
}

Test(preview_of, a_message_has_a_link_when_there_is_a_base)
{
	cJSON *tree;

	one.route->attempts.link_base = STR("https://app.example.com");
	tree = preview(&one, "{\"provider\":\"slack\",\"event\":\"capsule.create\"}");
	cr_expect(strstr(json_get_string(tree, "body"), "https://app.example.com/capsules/cl-"),
		  "%s", call_answer);
	cJSON_Delete(tree);
}

static void expect_piece(const char *request, const char *piece)
{
	cJSON *tree = preview(&one, request);

	cr_expect(strstr(json_get_string(tree, "body"), piece), "%s: %s", piece,
		  json_get_string(tree, "body"));
	cJSON_Delete(tree);
}

Test(preview_of, a_message_has_what_only_a_stored_event_has)
{
	expect_piece("{\"provider\":\"matrix\",\"event\":\"capsule.pause\"}",
		     "Team: A (" TEAM_A_ID ")\\n");
	expect_piece("{\"provider\":\"matrix\",\"event\":\"capsule.pause\"}",
		     "\\ncapsule.pause \xc2\xb7 1800000000");
	expect_piece("{\"provider\":\"matrix\",\"digest\":true}",
		     "From: 2027-01-15 07:56:48 UTC\\nTo: 2027-01-15 08:00:00 UTC");
}

Test(preview_of, a_living_channel_shows_an_edited_message)
{
	static const struct {
		const char *body, *method, *piece; /* NULL: nothing is edited */
	} cases[] = {
		{ "{\"provider\":\"discord\",\"event\":\"capsule.pause\",\"living\":true}", "PATCH",
		  "start requested \xe2\x86\x92 pause requested, 3 min 12 s in all" },
		{ "{\"provider\":\"telegram\",\"event\":\"capsule.pause\",\"living\":true}", "POST",
		  "\"message_id\":1," },
		{ "{\"provider\":\"matrix\",\"event\":\"capsule.pause\",\"living\":true}", "PUT",
		  "\"rel_type\":\"m.replace\"" },
		{ "{\"provider\":\"discord\",\"event\":\"capsule.pause\"}", NULL, NULL },
		{ "{\"provider\":\"discord\",\"event\":\"host.up\",\"living\":true}", NULL, NULL },
		{ "{\"provider\":\"slack\",\"event\":\"capsule.pause\",\"living\":true}", NULL,
		  NULL },
		{ "{\"provider\":\"discord\",\"digest\":true,\"living\":true}", NULL, NULL },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		cJSON *tree = preview(&one, cases[i].body);
		const char *edited = json_get_string(tree, "edited_body");
		const char *method = json_get_string(tree, "edited_method");

		cr_expect_eq(edited != NULL, cases[i].method != NULL, "%s", cases[i].body);
		if (cases[i].method) {
			cr_expect_str_eq(method, cases[i].method);
			cr_expect(edited && strstr(edited, cases[i].piece), "%s", edited);
		}
		cr_expect_null(strstr(json_get_string(tree, "body"), "History"));
		cJSON_Delete(tree);
	}
}

Test(preview_of, a_channel_with_a_fallback_shows_the_note)
{
	for (size_t i = 0; provider_at(i); i++) {
		const struct provider *provider = provider_at(i);
		char body[256];

		snprintf(body, sizeof(body),
			 "{\"provider\":\"%s\",\"event\":\"host.down\",\"fallback\":{"
			 "\"channel_id\":\"ch-0000000000000000000000000\",\"after_minutes\":5}}",
			 provider->name);
		cJSON *tree = preview(&one, body);
		const char *instead = json_get_string(tree, "instead_body");

		cr_expect_eq(instead != NULL, provider->folds, "%s", provider->name);
		cr_expect(!instead || strstr(instead, "which has failed since"), "%s", instead);
		cr_expect_null(strstr(json_get_string(tree, "body"), "has failed since"));
		cJSON_Delete(tree);
	}
}

Test(preview_of, a_channel_whose_fallback_is_taken_away_shows_no_note)
{
	for (size_t i = 0; provider_at(i); i++) {
		char body[128];
		cJSON *tree;

		snprintf(body, sizeof(body),
			 "{\"provider\":\"%s\",\"event\":\"host.down\",\"fallback\":null}",
			 provider_at(i)->name);
		tree = preview(&one, body);
		cr_expect_null(json_get(tree, "instead_body"), "%s", call_answer);
		cr_expect_null(strstr(call_answer, "has failed since"));
		cJSON_Delete(tree);
	}
}

/* At 08:00 in UTC. */
Test(preview_of, every_provider_says_which_rule_keeps_it_back_and_until_when)
{
	static const struct {
		const char *more, *filtered, *held_until;
	} cases[] = {
		{ "\"event\":\"capsule.pause\",\"filter\":{\"outcome\":[\"error\"]}", "outcome",
		  "" },
		{ "\"event\":\"host.down\",\"filter\":{\"outcome\":[\"error\"]}", "", "" },
		{ "\"event\":\"host.down\",\"filter\":{\"resource\":[\"web-*\"]}", "resource", "" },
		{ "\"event\":\"capsule.pause\",\"quiet\":{\"zone\":\"Europe/Berlin\","
		  "\"from\":\"08:00\",\"to\":\"10:00\"}",
		  "", "2027-01-15T09:00:00Z" },
		{ "\"event\":\"host.down\",\"quiet\":{\"zone\":\"Europe/Berlin\",\"from\":"
		  "\"08:00\",\"to\":\"10:00\",\"let_through\":[\"failures\"]}",
		  "", "" },
	};

	for (size_t i = 0; provider_at(i); i++) {
		for (size_t n = 0; n < ARRAY_LEN(cases); n++) {
			const char *filtered, *held;
			char body[320];
			cJSON *tree;

			snprintf(body, sizeof(body), "{\"provider\":\"%s\",%s}",
				 provider_at(i)->name, cases[n].more);
			tree = preview(&one, body);
			filtered = json_get_string(tree, "filtered");
			held = json_get_string(tree, "held_until");
			cr_expect_str_eq(filtered ? filtered : "", cases[n].filtered, "%s", body);
			cr_expect_str_eq(held ? held : "", cases[n].held_until, "%s", body);
			cr_expect(json_get_string(tree, "body"), "it is shown all the same");
			cJSON_Delete(tree);
		}
	}
}

Test(preview_of, settings_with_a_warning_shows_it)
{
	cJSON *tree =
		preview(&one, "{\"provider\":\"teams\",\"event\":\"host.up\",\"config\":{"
			      "\"webhook_url\":\"https://outlook.office.com/webhook/s3cret\"}}");

	cr_expect_eq(cJSON_GetArraySize(json_get(tree, "warnings")), 1, "%s", call_answer);
	cr_expect_null(strstr(call_answer, "s3cret"));
	cJSON_Delete(tree);
}

#define TEN(x)    x x x x x x x x x x
#define LONG_ZONE TEN(TEN("abc"))

static void refuse_bad_previews(struct rig *on)
{
	static const struct bad_body cases[] = {
		{ "", NULL },
		{ "[]", NULL },
		{ "{\"event\":\"host.up\"}", NULL },
		{ "{\"provider\":7,\"event\":\"host.up\"}", NULL },
		{ "{\"provider\":\"slack\",\"event\":\"host.up\",\"config\":[]}", NULL },
		{ "{\"provider\":\"slack\",\"event\":\"host.up\",\"config\":null}", NULL },
		{ "{\"provider\":\"slack\",\"event\":\"host.up\",\"config\":{\"webhook_url\":1}}",
		  NULL },
		{ "{\"provider\":\"slack\",\"event\":\"host.up\",\"event\":\"host.up\"}", "event" },
		{ "{\"provider\":\"pager\",\"event\":\"host.up\"}", "provider" },
		{ "{\"provider\":\"slack\",\"event\":\"host.up\",\"config\":{}}", "webhook_url" },
		{ "{\"provider\":\"slack\",\"event\":\"host.up\",\"config\":{\"webhook_url\":"
		  "\"https://example.com/s3cret\"}}",
		  "webhook_url" },
		{ "{\"provider\":\"slack\"}", "event" },
		{ "{\"provider\":\"slack\",\"event\":null}", "event" },
		{ "{\"provider\":\"slack\",\"event\":[]}", "event" },
		{ "{\"provider\":\"slack\",\"event\":\"\"}", "event" },
		{ "{\"provider\":\"slack\",\"event\":\"channel.test\"}", "event" },
		{ "{\"provider\":\"slack\",\"event\":\"capsule.created\"}", "event" },
		{ "{\"provider\":\"slack\",\"event\":{}}", "event" },
		{ "{\"provider\":\"slack\",\"event\":{\"event\":\"volume.create\"}}", "event" },
		{ "{\"provider\":\"slack\",\"event\":{\"event\":\"host.up\"}}", "event" },
		{ "{\"provider\":\"slack\",\"event\":{\"event\":\"host.up\",\"team_id\":5}}",
		  "event" },
		{ "{\"provider\":\"slack\",\"digest\":1}", "digest" },
		{ "{\"provider\":\"slack\",\"digest\":\"true\",\"event\":\"host.up\"}", "digest" },
		{ "{\"provider\":\"webhook\",\"digest\":true}", "digest" },
		{ "{\"provider\":\"slack\",\"event\":\"host.up\",\"quiet\":{\"zone\":\"" LONG_ZONE
		  "\",\"from\":\"22:00\",\"to\":\"08:00\"}}",
		  "quiet.zone" },
	};

	call_refused(on, "POST", PREVIEW, cases, ARRAY_LEN(cases));
	call_refused_as_too_large(on, "POST", PREVIEW);
}

Test(preview, refuses_what_is_wrong)
{
	ON_BOTH_STORES(&strict, refuse_bad_previews);
}
