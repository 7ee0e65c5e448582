/* SPDX-License-Identifier: Apache-2.0 */

/* Slack: settings accepted and refused, requests byte for byte, and every answer's verdict. */
#include <criterion/criterion.h>
#include <errno.h>

#include "chat_rig.h"
#include "core/json.h"
#include "providers/text.h"

#define NAME "slack"
#define HOOK "https://hooks.slack.com/services/T0/B0/secret"

static const struct rig_config config = { { "webhook_url", HOOK } };

static const char rich[] =
	"{\"text\":\"Capsule cl-1 paused\",\"mrkdwn\":false,\"unfurl_links\":false,\""
	"unfurl_media\":false,\"attachments\":[{\"color\":\"#2DA44E\",\"fallback\":\""
	"Capsule cl-1 paused\",\"blocks\":[{\"type\":\"section\",\"fields\":[{\"type"
	"\":\"mrkdwn\",\"verbatim\":true,\"text\":\"*Actor*\"},{\"type\":\"plain_text"
	"\",\"emoji\":false,\"text\":\"system\"},{\"type\":\"mrkdwn\",\"verbatim\":tr"
	"ue,\"text\":\"*Team*\"},{\"type\":\"plain_text\",\"emoji\":false,\"text\":\""
	"team-0x5yg3bfyrehlas5fmd3rslxq\"},{\"type\":\"mrkdwn\",\"verbatim\":true,\"t"
	"ext\":\"*Time*\"},{\"type\":\"mrkdwn\",\"verbatim\":true,\"text\":\"<!date^1"
	"779598927^{date_short_pretty} {time_secs}|2026-05-24 05:02:07 UTC>\"}]},{\"t"
	"ype\":\"context\",\"elements\":[{\"type\":\"plain_text\",\"emoji\":false,\"t"
	"ext\":\"capsule.pause\"},{\"type\":\"mrkdwn\",\"verbatim\":true,\"text\":\"<"
	"https://app.example/capsules/cl-1|Open>\"}]}]}]}";

static const char rich_hostile[] =
	"{\"text\":\"Capsule &lt;users/all&gt; @\xe2\x81\xa0"
	"b *x* `q` &amp;lt;\\\"'\\\\ http:\xe2\x81\xa0//e.\xe2\x81\xa0io/_y_~z~ #"
	"\xe2\x81\xa0r:\xe2\x81\xa0s a.\xe2\x81\xa0io failed to destroy: &lt;users/al"
	"l&gt; @\xe2\x81\xa0"
	"b *x* `q` &amp;lt;\\\"'\\\\ http:\xe2\x81\xa0//e.\xe2\x81\xa0io/_y_~z~ #"
	"\xe2\x81\xa0r:\xe2\x81\xa0s a.\xe2\x81\xa0io\",\"mrkdwn\":false,\"unfurl_lin"
	"ks\":false,\"unfurl_media\":false,\"attachments\":[{\"color\":\"#D73A49\",\""
	"fallback\":\"Capsule &lt;users/all&gt; @\xe2\x81\xa0"
	"b *x* `q` &amp;lt;\\\"'\\\\ http:\xe2\x81\xa0//e.\xe2\x81\xa0io/_y_~z~ #"
	"\xe2\x81\xa0r:\xe2\x81\xa0s a.\xe2\x81\xa0io failed to destroy: &lt;users/al"
	"l&gt; @\xe2\x81\xa0"
	"b *x* `q` &amp;lt;\\\"'\\\\ http:\xe2\x81\xa0//e.\xe2\x81\xa0io/_y_~z~ #"
	"\xe2\x81\xa0r:\xe2\x81\xa0s a.\xe2\x81\xa0io\",\"blocks\":[{\"type\":\"secti"
	"on\",\"fields\":[{\"type\":\"mrkdwn\",\"verbatim\":true,\"text\":\"*Reason*"
	"\"},{\"type\":\"plain_text\",\"emoji\":false,\"text\":\"&lt;users/all&gt; @"
	"\xe2\x81\xa0"
	"b *x* `q` &amp;lt;\\\"'\\\\ http:\xe2\x81\xa0//e.\xe2\x81\xa0io/_y_~z~ #"
	"\xe2\x81\xa0r:\xe2\x81\xa0s a.\xe2\x81\xa0io\"},{\"type\":\"mrkdwn\",\"verba"
	"tim\":true,\"text\":\"*Actor*\"},{\"type\":\"plain_text\",\"emoji\":false,\""
	"text\":\"&lt;users/all&gt; @\xe2\x81\xa0"
	"b *x* `q` &amp;lt;\\\"'\\\\ http:\xe2\x81\xa0//e.\xe2\x81\xa0io/_y_~z~ #"
	"\xe2\x81\xa0r:\xe2\x81\xa0s a.\xe2\x81\xa0io (us-1)\"},{\"type\":\"mrkdwn\","
	"\"verbatim\":true,\"text\":\"*Team*\"},{\"type\":\"plain_text\",\"emoji\":fa"
	"lse,\"text\":\"team-0x5yg3bfyrehlas5fmd3rslxq\"},{\"type\":\"mrkdwn\",\"verb"
	"atim\":true,\"text\":\"*Time*\"},{\"type\":\"mrkdwn\",\"verbatim\":true,\"te"
	"xt\":\"<!date^1779598927^{date_short_pretty} {time_secs}|2026-05-24 05:02:07"
	" UTC>\"}]},{\"type\":\"context\",\"elements\":[{\"type\":\"plain_text\",\"em"
	"oji\":false,\"text\":\"capsule.destroy\"},{\"type\":\"mrkdwn\",\"verbatim\":"
	"true,\"text\":\"<https://app.example/capsules/%3Cusers%2Fall%3E%20%40b%20%2A"
	"x%2A%20%60q%60%20%26lt%3B%22%27%5C%20http%3A%2F%2Fe.io%2F_y_~z~%20%23r%3As%2"
	"0a.io|Open>\"}]}]}]}";

static const char rich_digest[] =
	"{\"text\":\"10 events, 3 failed\",\"mrkdwn\":false,\"unfurl_links\":false,\""
	"unfurl_media\":false,\"attachments\":[{\"color\":\"#D73A49\",\"fallback\":\""
	"10 events, 3 failed\",\"blocks\":[{\"type\":\"section\",\"text\":{\"type\":"
	"\"plain_text\",\"emoji\":false,\"text\":\"3 capsules failed to destroy\\nCap"
	"sule cl-9 failed to destroy: no &lt;space&gt; left\\nand 2 more failed\\n7 c"
	"apsules paused\"}},{\"type\":\"section\",\"fields\":[{\"type\":\"mrkdwn\",\""
	"verbatim\":true,\"text\":\"*Team*\"},{\"type\":\"plain_text\",\"emoji\":fals"
	"e,\"text\":\"team-0x5yg3bfyrehlas5fmd3rslxq\"},{\"type\":\"mrkdwn\",\"verbat"
	"im\":true,\"text\":\"*From*\"},{\"type\":\"mrkdwn\",\"verbatim\":true,\"text"
	"\":\"<!date^1779598800^{date_short_pretty} {time_secs}|2026-05-24 05:00:00 U"
	"TC>\"},{\"type\":\"mrkdwn\",\"verbatim\":true,\"text\":\"*To*\"},{\"type\":"
	"\"mrkdwn\",\"verbatim\":true,\"text\":\"<!date^1779598927^{date_short_pretty"
	"} {time_secs}|2026-05-24 05:02:07 UTC>\"}]}]}]}";

static const char plain[] =
	"{\"text\":\"Capsule cl-1 paused\\n\\nActor: system\\nTeam: team-0x5yg3bfyreh"
	"las5fmd3rslxq\\nTime: 2026-05-24 05:02:07 UTC\\ncapsule.pause\\nhttps://app."
	"example/capsules/cl-1\",\"mrkdwn\":false}";

static const char plain_hostile[] =
	"{\"text\":\"Capsule &lt;users/all&gt; @\xe2\x81\xa0"
	"b *x* `q` &amp;lt;\\\"'\\\\ http:\xe2\x81\xa0//e.\xe2\x81\xa0io/_y_~z~ #"
	"\xe2\x81\xa0r:\xe2\x81\xa0s a.\xe2\x81\xa0io failed to destroy: &lt;users/al"
	"l&gt; @\xe2\x81\xa0"
	"b *x* `q` &amp;lt;\\\"'\\\\ http:\xe2\x81\xa0//e.\xe2\x81\xa0io/_y_~z~ #"
	"\xe2\x81\xa0r:\xe2\x81\xa0s a.\xe2\x81\xa0io\\n\\nReason: &lt;users/all&gt; "
	"@\xe2\x81\xa0"
	"b *x* `q` &amp;lt;\\\"'\\\\ http:\xe2\x81\xa0//e.\xe2\x81\xa0io/_y_~z~ #"
	"\xe2\x81\xa0r:\xe2\x81\xa0s a.\xe2\x81\xa0io\\nActor: &lt;users/all&gt; @"
	"\xe2\x81\xa0"
	"b *x* `q` &amp;lt;\\\"'\\\\ http:\xe2\x81\xa0//e.\xe2\x81\xa0io/_y_~z~ #"
	"\xe2\x81\xa0r:\xe2\x81\xa0s a.\xe2\x81\xa0io (us-1)\\nTeam: team-0x5yg3bfyre"
	"hlas5fmd3rslxq\\nTime: 2026-05-24 05:02:07 UTC\\ncapsule.destroy\\nhttps://a"
	"pp.example/capsules/%3Cusers%2Fall%3E%20%40b%20%2Ax%2A%20%60q%60%20%26lt%3B%"
	"22%27%5C%20http%3A%2F%2Fe.io%2F_y_~z~%20%23r%3As%20a.io\",\"mrkdwn\":false}";

static const char plain_digest[] =
	"{\"text\":\"10 events, 3 failed\\n\\n3 capsules failed to destroy\\nCapsule "
	"cl-9 failed to destroy: no &lt;space&gt; left\\nand 2 more failed\\n7 capsul"
	"es paused\\nTeam: team-0x5yg3bfyrehlas5fmd3rslxq\\nFrom: 2026-05-24 05:00:00"
	" UTC\\nTo: 2026-05-24 05:02:07 UTC\",\"mrkdwn\":false}";

Test(slack_build, writes_every_form_byte_for_byte)
{
	static const struct rig_bodies bodies = {
		.success = { rich, plain },
		.hostile = { rich_hostile, plain_hostile },
		.digest = { rich_digest, plain_digest },
	};

	rig_expect_bodies(NAME, &config, &bodies);
}

Test(slack_build, cuts_what_is_too_long_in_escaped_units)
{
	rig_expect_fit(NAME, &config);
}

Test(slack_build, colours_by_outcome)
{
	static const struct rig_tones tones = { "\"#2DA44E\"", "\"#D73A49\"", "\"#57606A\"" };

	rig_expect_tones(NAME, &config, &tones);
}

Test(slack_build, names_the_event_so_that_a_repeat_is_known)
{
	rig_expect_reference(NAME, &config,
			     "\"elements\":[{\"type\":\"plain_text\",\"emoji\":false,"
			     "\"text\":\"capsule.pause \xc2\xb7 7-3\"}");
}

static size_t units_of(const cJSON *object, const char *name)
{
	return text_size(str_of(json_get_string(object, name)), UNIT_UTF16);
}

static void expect_limits_of_block(const cJSON *block)
{
	const cJSON *text = json_get(block, "text");
	const cJSON *field;

	if (text) {
		cr_expect_geq(units_of(text, "text"), 1);
		cr_expect_leq(units_of(text, "text"), 3000);
	}
	cr_expect_leq(cJSON_GetArraySize(json_get(block, "fields")), 10);
	cJSON_ArrayForEach(field, json_get(block, "fields"))
		cr_expect_leq(units_of(field, "text"), 2000);
	cr_expect_leq(cJSON_GetArraySize(json_get(block, "elements")), 10);
}

static void expect_limits(struct rig *rig)
{
	const cJSON *block;
	cJSON *tree;

	cr_assert_eq(rig_build(rig, &config, FORM_RICH, RIG_LINK), 0);
	cr_assert_eq(json_parse(buf_str(&rig->out.body), OUTGOING_MAX_BODY, &tree, NULL), 0);
	const cJSON *one = cJSON_GetArrayItem(json_get(tree, "attachments"), 0);

	cr_expect_eq(cJSON_GetArraySize(json_get(tree, "attachments")), 1);
	cr_expect_leq(cJSON_GetArraySize(json_get(one, "blocks")), 50);
	cr_expect_geq(units_of(tree, "text"), 1, "without a text Slack refuses all of it");
	cr_expect_leq(units_of(tree, "text"), 4000);
	cr_expect_null(strchr(json_get_string(tree, "text"), '\n'), "one line above the card");
	cr_expect_null(json_get(tree, "link_names"));
	cr_expect_null(json_get(tree, "parse"));
	cJSON_ArrayForEach(block, json_get(one, "blocks")) expect_limits_of_block(block);
	cJSON_Delete(tree);
}

Test(slack_build, keeps_every_text_and_list_within_a_limit_of_its_own)
{
	char name[3001];
	struct rig rig;

	memset(name, 'x', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	rig_failure(&rig, NAME, "cl-1", name, "boom");
	expect_limits(&rig);
	rig_done(&rig);
	rig_failure(&rig, NAME, name, "Ada", "one\ntwo\xe2\x80\xa8three");
	expect_limits(&rig);
	rig_done(&rig);
	rig_full_digest(&rig, NAME);
	expect_limits(&rig);
	rig_done(&rig);
}

/* No unit is documented, so the largest figure counts: UTF-16, escaped. */
Test(slack_measure, counts_utf16_units_of_all_escaped_texts)
{
	/* Two, one and four units, where there was one. */
	static const struct rig_measure measure = { "UTF-16 units", { 12000, 4000 }, { 12, 6 } };

	rig_expect_measure(NAME, &config, &measure);
}

Test(slack_build, posts_to_the_address_as_it_stands)
{
	rig_expect_head(NAME, &config, FORM_PLAIN,
			"POST " HOOK "\nContent-Type: application/json\n"
			"User-Agent: wrenn-events/0.1.0\n\n{\"text\":\"Capsule cl-1");
}

Test(slack_build, lets_nothing_mention_anybody)
{
	static const char *const marks[] = { "<!channel>", "<!here>", "<@U123>", "<!subteam^S1>",
					     "@everyone" };

	for (size_t i = 0; i < ARRAY_LEN(marks); i++) {
		struct rig rig;

		rig_failure(&rig, NAME, marks[i], marks[i], marks[i]);
		for (int form = 0; form < 2; form++) {
			cr_assert_eq(rig_build(&rig, &config, (enum message_form)form, ""), 0);
			cr_expect_null(strstr(buf_text(&rig.out.body), marks[i]), "%s", marks[i]);
		}
		rig_done(&rig);
	}
}

Test(slack_check, takes_addresses_of_incoming_webhooks_only)
{
	static const struct {
		const char *url;
		int expected;
	} cases[] = {
		{ HOOK, 0 },
		{ "https://HOOKS.slack.com:443/services/T0/B0/secret", 0 },
		{ "https://hooks.slack-gov.com/services/T0/B0/secret", 0 },
		{ "https://hooks.slack.com/workflows/T0/A0/1/secret", -EINVAL },
		{ "https://hooks.slack.com/triggers/T0/1/secret", -EINVAL },
		{ "https://hooks.slack.com/services/T0/B0", -EINVAL },
		{ "https://hooks.slack.com/services/T0/B0/", -EINVAL },
		{ "https://hooks.slack.com/services//B0/secret", -EINVAL },
		{ "https://hooks.slack.com/services/T0/B0/secret/more", -EINVAL },
		{ "https://hooks.slack.com/services/T0/B0/sec-ret", -EINVAL },
		{ "https://hooks.slack.com/services/T-0/B0/secret", -EINVAL },
		{ "https://hooks.slack.com/services/T0/B0/secret\n", -EINVAL },
		{ "https://hooks.slack-gov.com/workflows/T0/A0/1/secret", -EINVAL },
		{ "https://hooks.slack.com/services/T0/B0/secret?a=b", -EINVAL },
		{ "https://hooks.slack.com/services/T0/B0/secret#a", -EINVAL },
		{ "http://hooks.slack.com/services/T0/B0/secret", -EINVAL },
		{ "https://hooks.slack.com:444/services/T0/B0/secret", -EINVAL },
		{ "https://slack.com/services/T0/B0/secret", -EINVAL },
		{ "https://hooks.slack.com.evil.io/services/T0/B0/secret", -EINVAL },
		{ "https://x@hooks.slack.com/services/T0/B0/secret", -EINVAL },
		{ "", -EINVAL },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct rig_config one = { { "webhook_url", cases[i].url } };
		char field[48];

		cr_expect_eq(rig_check(NAME, &one, field), cases[i].expected, "%s", cases[i].url);
		if (cases[i].expected)
			cr_expect_str_eq(field, "webhook_url");
	}
}

Test(slack_paces, are_one_a_second_for_each_webhook)
{
	static const struct rig_config other = {
		{ "webhook_url", "https://hooks.slack.com/services/T0/B1/secret" }
	};
	struct pace one[PROVIDER_MAX_PACES];
	struct pace two[PROVIDER_MAX_PACES];

	cr_assert_eq(rig_paces(NAME, &config, one), 1);
	cr_assert_eq(rig_paces(NAME, &other, two), 1);
	cr_expect_eq(one[0].burst, 1);
	cr_expect_geq(one[0].interval_us, 1000000);
	cr_expect_str_neq(one[0].key, two[0].key);
}

static const struct rig_answer answers[] = {
	{ 200, "ok", VERDICT_DELIVERED, NULL },
	{ 200, "ok\n", VERDICT_DELIVERED, NULL },
	{ 200, "", VERDICT_RETRY, STRANGER },
	{ 200, "okay", VERDICT_RETRY, "confirm" },
	{ 200, "<html>", VERDICT_RETRY, STRANGER },
	{ 201, "ok", VERDICT_RETRY, "confirm" },
	{ 200, "{\"ok\":false,\"error\":\"no_service\"}", VERDICT_DISABLE, "removed" },
	{ 200, "{\"ok\":false,\"error\":\"invalid_blocks\"}", VERDICT_REFORM, "form" },
	{ 200, "{\"ok\":false}", VERDICT_RETRY, STRANGER },
	{ 404, "no_service", VERDICT_DISABLE, "removed" },
	{ 404, "no_active_hooks", VERDICT_DISABLE, "removed" },
	{ 404, "no_service_id", VERDICT_DISABLE, "removed" },
	{ 404, "no_team", VERDICT_DISABLE, "workspace" },
	{ 403, "invalid_token", VERDICT_DISABLE, "secret" },
	{ 403, "team_disabled", VERDICT_DISABLE, "disabled" },
	{ 410, "channel_is_archived", VERDICT_DISABLE, "archived" },
	{ 404, "channel_not_found", VERDICT_DISABLE, "channel" },
	{ 403, "action_prohibited", VERDICT_DISABLE, "forbids" },
	{ 403, "posting_to_general_channel_denied", VERDICT_DISABLE, "#general" },
	{ 400, "invalid_payload", VERDICT_REFORM, "form" },
	{ 400, "invalid_blocks", VERDICT_REFORM, "form" },
	{ 400, "no_text", VERDICT_REFORM, "empty" },
	{ 400, "too_many_attachments", VERDICT_REFORM, "form" },
	{ 400, "msg_blocks_too_long", VERDICT_REFORM, "too long" },
	{ 400, "user_not_found", VERDICT_REJECT, "user" },
	{ 500, "rollup_error", VERDICT_RETRY, "now" },
	/* The word counts, whatever the status. */
	{ 403, "no_service", VERDICT_DISABLE, "removed" },
	{ 500, "channel_is_archived", VERDICT_DISABLE, "archived" },
	{ 404, "invalid_token", VERDICT_DISABLE, "secret" },
	{ 500, "invalid_payload", VERDICT_REFORM, "form" },
	{ 404, "{\"ok\":false,\"error\":\"no_team\"}", VERDICT_DISABLE, "workspace" },
	{ 400, "invalid_blocks_format", VERDICT_REFORM, "form" },
	{ 400, "invalid_attachments", VERDICT_REFORM, "form" },
	{ 400, "missing_text_or_fallback_or_attachments", VERDICT_REFORM, "empty" },
	{ 400, "msg_too_long", VERDICT_REFORM, "too long" },
	{ 403, "token_revoked", VERDICT_DISABLE, "withdrawn" },
	{ 403, "restricted_action", VERDICT_DISABLE, "forbids" },
	{ 403, "token_expired", VERDICT_DISABLE, "expired" },
	{ 403, "missing_scope", VERDICT_DISABLE, "withdrawn" },
	{ 403, "no_permission", VERDICT_DISABLE, "withdrawn" },
	{ 403, "team_access_not_granted", VERDICT_DISABLE, "withdrawn" },
	{ 403, "ekm_access_denied", VERDICT_DISABLE, "forbids" },
	{ 401, "invalid_auth", VERDICT_DISABLE, "secret" },
	{ 401, "not_authed", VERDICT_DISABLE, "secret" },
	{ 404, "<html>not here</html>", VERDICT_RETRY, STRANGER },
	{ 403, "Forbidden", VERDICT_RETRY, STRANGER },
	/* OAuth's, from a gateway. */
	{ 401, "{\"error\":\"invalid_token\"}", VERDICT_RETRY, STRANGER },
	{ 404, "{\"ok\":true,\"error\":\"channel_not_found\"}", VERDICT_RETRY, STRANGER },
	{ 410, "{}", VERDICT_RETRY, STRANGER },
	{ 404, "", VERDICT_RETRY, STRANGER },
	{ 302, "", VERDICT_RETRY, "redirected, which is not followed" },
	{ 429, "", VERDICT_RETRY, NULL },
	{ 503, "", VERDICT_RETRY, STRANGER },
};

Test(slack_judge, knows_every_answer)
{
	rig_expect_answers(NAME, answers, ARRAY_LEN(answers));
	rig_expect_unknown(NAME, 400, "some_new_word");
	rig_expect_unknown(NAME, 404, "{\"ok\":false,\"error\":\"some_new_word\"}");
}

Test(slack_judge, waits_as_long_as_it_is_told)
{
	static const struct {
		int status;
		const char *body, *headers;
		int64_t expected_ms;
	} rows[] = {
		{ 429, "", "Retry-After: 30\r\n", 30000 },
		{ 429, "{\"retry_after\":2,\"ok\":false,\"error\":\"rate_limited\"}", "", 2000 },
		{ 429, "{\"retry_after\":2}", "Retry-After: 1\r\n", 2000 },
		{ 200, "{\"retry_after\":2,\"ok\":false,\"error\":\"rate_limited\"}", "", 2000 },
		{ 200, "rate_limited", "", -1 },
		{ 429, "<html>", "", -1 },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct answer answer = { .status = rows[i].status,
					       .body = str_of(rows[i].body),
					       .headers = str_of(rows[i].headers) };
		struct verdict verdict = provider_find(STR(NAME))->judge(&answer, RIG_NOW_US);

		cr_expect_eq(verdict.kind, VERDICT_RETRY, "row %zu", i);
		cr_expect(verdict.is_throttled, "row %zu", i);
		cr_expect_eq(verdict.retry_after_ms, rows[i].expected_ms, "row %zu", i);
		cr_expect_eq(verdict.pause_ms, rows[i].expected_ms, "row %zu", i);
		cr_expect_eq(verdict.pause, PAUSE_CHANNEL, "row %zu", i);
	}
}
