/* SPDX-License-Identifier: Apache-2.0 */

/* Discord: settings accepted and refused, requests byte for byte, and every answer's verdict. */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>

#include "chat_rig.h"
#include "core/json.h"
#include "core/version.h"
#include "providers/text.h"

#define NAME "discord"
#define HOOK "123456789012345678/tok-en_1"

static const struct rig_config config = { { "webhook_url",
					    "https://discord.com/api/webhooks/" HOOK } };

static const char rich[] =
	"{\"allowed_mentions\":{\"parse\":[]},\"embeds\":[{\"title\":\"Capsule cl\\\\"
	"-1 paused\",\"url\":\"https://app.example/capsules/cl-1\",\"color\":2991182,"
	"\"timestamp\":\"2026-05-24T05:02:07Z\",\"fields\":[{\"name\":\"Actor\",\"val"
	"ue\":\"system\",\"inline\":true},{\"name\":\"Team\",\"value\":\"team\\\\-0x5"
	"yg3bfyrehlas5fmd3rslxq\",\"inline\":true},{\"name\":\"Time\",\"value\":\"<t:"
	"1779598927:f> (<t:1779598927:R>)\",\"inline\":true}],\"footer\":{\"text\":\""
	"capsule.pause\"}}]}";

static const char rich_hostile[] =
	"{\"allowed_mentions\":{\"parse\":[]},\"embeds\":[{\"title\":\"Capsule \\\\<u"
	"sers/all\\\\> \\\\@b \\\\*x\\\\* \\\\`q\\\\` &lt;\\\"'\\\\\\\\ http\\\\://e."
	"io/\\\\_y\\\\_\\\\~z\\\\~ \\\\#r:s a.io failed to destroy: \\\\<users/all\\"
	"\\> \\\\@b \\\\*x\\\\* \\\\`q\\\\` &lt;\\\"'\\\\\\\\ http\\\\://e.io/\\\\_y"
	"\\\\_\\\\~z\\\\~ \\\\#r:s a.io\",\"url\":\"https://app.example/capsules/%3Cu"
	"sers%2Fall%3E%20%40b%20%2Ax%2A%20%60q%60%20%26lt%3B%22%27%5C%20http%3A%2F%2F"
	"e.io%2F_y_~z~%20%23r%3As%20a.io\",\"color\":14105161,\"timestamp\":\"2026-05"
	"-24T05:02:07Z\",\"fields\":[{\"name\":\"Reason\",\"value\":\"\\\\<users/all"
	"\\\\> \\\\@b \\\\*x\\\\* \\\\`q\\\\` &lt;\\\"'\\\\\\\\ http\\\\://e.io/\\\\_"
	"y\\\\_\\\\~z\\\\~ \\\\#r:s a.io\",\"inline\":true},{\"name\":\"Actor\",\"val"
	"ue\":\"\\\\<users/all\\\\> \\\\@b \\\\*x\\\\* \\\\`q\\\\` &lt;\\\"'\\\\\\\\ "
	"http\\\\://e.io/\\\\_y\\\\_\\\\~z\\\\~ \\\\#r:s a.io \\\\(us\\\\-1\\\\)\",\""
	"inline\":true},{\"name\":\"Team\",\"value\":\"team\\\\-0x5yg3bfyrehlas5fmd3r"
	"slxq\",\"inline\":true},{\"name\":\"Time\",\"value\":\"<t:1779598927:f> (<t:"
	"1779598927:R>)\",\"inline\":true}],\"footer\":{\"text\":\"capsule.destroy\"}"
	"}]}";

static const char rich_digest[] =
	"{\"allowed_mentions\":{\"parse\":[]},\"embeds\":[{\"title\":\"10 events, 3 f"
	"ailed\",\"color\":14105161,\"description\":\"3 capsules failed to destroy\\n"
	"Capsule cl\\\\-9 failed to destroy: no \\\\<space\\\\> left\\nand 2 more fai"
	"led\\n7 capsules paused\",\"fields\":[{\"name\":\"Team\",\"value\":\"team\\"
	"\\-0x5yg3bfyrehlas5fmd3rslxq\",\"inline\":true},{\"name\":\"From\",\"value\""
	":\"<t:1779598800:f> (<t:1779598800:R>)\",\"inline\":true},{\"name\":\"To\","
	"\"value\":\"<t:1779598927:f> (<t:1779598927:R>)\",\"inline\":true}]}]}";

static const char plain[] =
	"{\"content\":\"Capsule cl\\\\-1 paused\\n\\nActor: system\\nTeam: team\\\\-0"
	"x5yg3bfyrehlas5fmd3rslxq\\nTime: 2026\\\\-05\\\\-24 05:02:07 UTC\\ncapsule.p"
	"ause\\nhttps://app.example/capsules/cl-1\",\"allowed_mentions\":{\"parse\":["
	"]},\"flags\":4}";

static const char plain_hostile[] =
	"{\"content\":\"Capsule \\\\<users/all\\\\> \\\\@b \\\\*x\\\\* \\\\`q\\\\` &l"
	"t;\\\"'\\\\\\\\ http\\\\://e.io/\\\\_y\\\\_\\\\~z\\\\~ \\\\#r:s a.io failed "
	"to destroy: \\\\<users/all\\\\> \\\\@b \\\\*x\\\\* \\\\`q\\\\` &lt;\\\"'\\\\"
	"\\\\ http\\\\://e.io/\\\\_y\\\\_\\\\~z\\\\~ \\\\#r:s a.io\\n\\nReason: \\\\<"
	"users/all\\\\> \\\\@b \\\\*x\\\\* \\\\`q\\\\` &lt;\\\"'\\\\\\\\ http\\\\://e"
	".io/\\\\_y\\\\_\\\\~z\\\\~ \\\\#r:s a.io\\nActor: \\\\<users/all\\\\> \\\\@b"
	" \\\\*x\\\\* \\\\`q\\\\` &lt;\\\"'\\\\\\\\ http\\\\://e.io/\\\\_y\\\\_\\\\~z"
	"\\\\~ \\\\#r:s a.io \\\\(us\\\\-1\\\\)\\nTeam: team\\\\-0x5yg3bfyrehlas5fmd3"
	"rslxq\\nTime: 2026\\\\-05\\\\-24 05:02:07 UTC\\ncapsule.destroy\\nhttps://ap"
	"p.example/capsules/%3Cusers%2Fall%3E%20%40b%20%2Ax%2A%20%60q%60%20%26lt%3B%2"
	"2%27%5C%20http%3A%2F%2Fe.io%2F_y_~z~%20%23r%3As%20a.io\",\"allowed_mentions"
	"\":{\"parse\":[]},\"flags\":4}";

static const char plain_digest[] =
	"{\"content\":\"10 events, 3 failed\\n\\n3 capsules failed to destroy\\nCapsu"
	"le cl\\\\-9 failed to destroy: no \\\\<space\\\\> left\\nand 2 more failed\\"
	"n7 capsules paused\\nTeam: team\\\\-0x5yg3bfyrehlas5fmd3rslxq\\nFrom: 2026\\"
	"\\-05\\\\-24 05:00:00 UTC\\nTo: 2026\\\\-05\\\\-24 05:02:07 UTC\",\"allowed_"
	"mentions\":{\"parse\":[]},\"flags\":4}";

Test(discord_build, writes_every_form_byte_for_byte)
{
	static const struct rig_bodies bodies = {
		.success = { rich, plain },
		.hostile = { rich_hostile, plain_hostile },
		.digest = { rich_digest, plain_digest },
	};

	rig_expect_bodies(NAME, &config, &bodies);
}

Test(discord_build, cuts_what_is_too_long_in_code_points)
{
	rig_expect_fit(NAME, &config);
}

Test(discord_build, colours_by_outcome)
{
	static const struct rig_tones tones = { "\"color\":2991182,", "\"color\":14105161,",
						"\"color\":5726314," };

	rig_expect_tones(NAME, &config, &tones);
}

Test(discord_build, names_the_event_so_that_a_repeat_is_known)
{
	rig_expect_reference(NAME, &config,
			     "],\"footer\":{\"text\":\"capsule.pause \xc2\xb7 7-3\"}}]}");
}

static size_t points_of(const cJSON *object, const char *name)
{
	return text_size(str_of(json_get_string(object, name)), UNIT_CODE_POINTS);
}

static cJSON *tree_of(struct rig *rig)
{
	cJSON *tree;

	cr_assert_eq(json_parse(buf_str(&rig->out.body), OUTGOING_MAX_BODY, &tree, NULL), 0);
	return tree;
}

Test(discord_build, keeps_every_text_within_a_limit_of_its_own)
{
	static const struct {
		char c; /* the resource's id, the actor and the error are so many of this */
		size_t count;
		size_t title; /* code points of the title then */
	} cases[] = { { 'x', 64, 156 }, { 'x', 2000, 192 }, { '*', 64, 254 }, { '*', 2000, 254 } };

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char id[2001] = "";
		struct rig rig;

		memset(id, cases[i].c, cases[i].count);
		rig_failure(&rig, NAME, id, id, id);
		cr_assert_eq(rig_build(&rig, &config, FORM_RICH, ""), 0);
		cJSON *tree = tree_of(&rig);
		const cJSON *embed = cJSON_GetArrayItem(json_get(tree, "embeds"), 0);
		const cJSON *field;

		cr_expect_eq(cJSON_GetArraySize(json_get(tree, "embeds")), 1);
		cr_expect_eq(points_of(embed, "title"), cases[i].title, "%zu: %zu", i,
			     points_of(embed, "title"));
		cr_expect_leq(cJSON_GetArraySize(json_get(embed, "fields")), 25);
		cJSON_ArrayForEach(field, json_get(embed, "fields"))
		{
			cr_expect_leq(points_of(field, "name"), 256);
			cr_expect_leq(points_of(field, "value"), 1024);
			cr_expect_geq(points_of(field, "value"), 1);
		}
		cJSON_Delete(tree);
		rig_done(&rig);
	}
}

Test(discord_build, tells_as_much_of_a_digest_as_a_description_holds)
{
	struct rig rig;

	rig_full_digest(&rig, NAME);
	cr_assert_eq(rig_build(&rig, &config, FORM_RICH, ""), 0);
	cJSON *tree = tree_of(&rig);
	const cJSON *embed = cJSON_GetArrayItem(json_get(tree, "embeds"), 0);

	cr_expect_leq(points_of(embed, "description"), 4096);
	cr_expect_geq(points_of(embed, "description"), 3000);
	cr_assert_eq(rig.trims.count, 1);
	cr_expect_str_eq(rig.trims.items[0].what, "lines");
	cJSON_Delete(tree);
	rig_done(&rig);
}

Test(discord_build, escapes_every_sign_of_its_markup)
{
	static const char wanted[] = "\\\\\\\\\\\\*\\\\_\\\\~\\\\|\\\\>\\\\#\\\\-\\\\+\\\\[\\\\]"
				     "\\\\(\\\\)\\\\<\\\\@\\\\`";
	struct rig rig;

	rig_failure(&rig, NAME, "\\*_~|>#-+[]()<@`", "Ada", "boom");
	for (int form = 0; form < 2; form++) {
		cr_assert_eq(rig_build(&rig, &config, (enum message_form)form, ""), 0);
		cr_expect_not_null(strstr(buf_text(&rig.out.body), wanted), "%s",
				   buf_text(&rig.out.body));
	}
	rig_done(&rig);
}

Test(discord_build, lets_nothing_mention_or_link)
{
	static const char *const marks[] = { "<@1>",     "<@&1>", "<#1>",    "<t:1>",
					     "</run:1>", "@here", "://e.io", "<a:b:1>" };

	for (size_t i = 0; i < ARRAY_LEN(marks); i++) {
		struct rig rig;

		rig_failure(&rig, NAME, marks[i], marks[i], marks[i]);
		for (int form = 0; form < 2; form++) {
			const char *body;
			const char *at;

			cr_assert_eq(rig_build(&rig, &config, (enum message_form)form, ""), 0);
			body = buf_text(&rig.out.body);
			for (at = strstr(body, marks[i]); at; at = strstr(at + 1, marks[i]))
				cr_expect_eq(at[-1], '\\', "%s", body);
			cr_expect_not_null(strstr(body, "\"allowed_mentions\":{\"parse\":[]}"));
		}
		rig_done(&rig);
	}
}

Test(discord_build, waits_for_the_message_in_version_10_and_keeps_the_thread)
{
	static const struct {
		const char *url, *wanted;
	} cases[] = {
		{ "https://discord.com/api/webhooks/" HOOK,
		  "https://discord.com/api/v10/webhooks/" HOOK "?wait=true" },
		{ "https://PTB.discord.com:443/api/v9/webhooks/" HOOK "?thread_id=5",
		  "https://ptb.discord.com/api/v10/webhooks/" HOOK "?wait=true&thread_id=5" },
		{ "https://discordapp.com/api/v10/webhooks/" HOOK "?wait=true&&thread_id=6&",
		  "https://discord.com/api/v10/webhooks/" HOOK "?wait=true&thread_id=6" },
		{ "https://canary.discordapp.com/api/webhooks/" HOOK "/?thread_id=7",
		  "https://canary.discord.com/api/v10/webhooks/" HOOK "?wait=true&thread_id=7" },
		{ "https://discord.com/api/v10/webhooks/" HOOK "?wait=true",
		  "https://discord.com/api/v10/webhooks/" HOOK "?wait=true" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct rig_config one = { { "webhook_url", cases[i].url } };
		struct rig rig;

		rig_success(&rig, NAME);
		cr_assert_eq(rig_build(&rig, &one, FORM_RICH, ""), 0);
		cr_expect_str_eq(buf_text(&rig.out.url), cases[i].wanted);
		cr_expect_str_eq(rig.out.method, "POST");
		cr_assert_eq(rig.out.header_count, 2);
		cr_expect_str_eq(buf_text(&rig.out.headers[0]), "Content-Type: application/json");
		cr_expect_str_eq(buf_text(&rig.out.headers[1]),
				 "User-Agent: DiscordBot (https://wrenn.dev, " WRENN_EVENTS_VERSION
				 ") "
				 "wrenn-events/0.1.0");
		rig_done(&rig);
	}
}

/* The wall in front of Discord refuses what looks like an attack, and that pauses every team. */
Test(discord_check, takes_no_parameter_but_the_thread)
{
	static const char *const queries[] = {
		"a=1",
		"thread_id",
		"thread_id=",
		"thread_id=x",
		"thread_id=-1",
		"thread_id=1%20",
		"thread_id=99999999999999999999",
		"thread_id=000000000000000000001",
		"thread_id=1&thread_id=2",
		"Thread_id=1",
		"thread_id=1&q=<script>",
		"q='or'1'='1",
		"wait",
		"wait=false",
		"wait=true&with_components=true",
		"=",
	};

	for (size_t i = 0; i < ARRAY_LEN(queries); i++) {
		char url[256];
		const struct rig_config one = { { "webhook_url", url } };
		struct provider_config settings = { .count = 1,
						    .fields = { { .name = "webhook_url" } } };
		struct reason why = { .text = "" };
		struct rig rig;

		snprintf(url, sizeof(url), "https://discord.com/api/webhooks/" HOOK "?%s",
			 queries[i]);
		settings.fields[0].value = str_of(url);
		cr_expect_eq(provider_find(STR(NAME))->check(&settings, &why), -EINVAL, "%s", url);
		cr_expect_str_eq(why.field, "webhook_url");
		cr_expect(strstr(why.text, "another parameter than thread_id"), "%s: %s", url,
			  why.text);
		rig_success(&rig, NAME);
		cr_expect_eq(rig_build(&rig, &one, FORM_RICH, ""), -EINVAL, "%s", url);
		rig_done(&rig);
	}
}

Test(discord_measure, counts_code_points_of_all_that_is_shown)
{
	/* An emoji is one, an escape is two. */
	static const struct rig_measure measure = { "code points", { 6000, 2000 }, { 3, 3 } };

	rig_expect_measure(NAME, &config, &measure);
}

Test(discord_build, leaves_the_link_out_without_a_base)
{
	struct rig rig;

	rig_success(&rig, NAME);
	for (int form = 0; form < 2; form++) {
		cr_assert_eq(rig_build(&rig, &config, (enum message_form)form, ""), 0);
		cr_expect_null(strstr(buf_text(&rig.out.body), "https://"));
	}
	rig_done(&rig);
}

Test(discord_check, takes_addresses_of_webhooks_only)
{
	static const struct {
		const char *url;
		int expected;
	} cases[] = {
		{ "https://discord.com/api/webhooks/" HOOK, 0 },
		{ "https://discord.com/api/v10/webhooks/" HOOK "?thread_id=1", 0 },
		{ "https://canary.discord.com/api/webhooks/" HOOK, 0 },
		{ "https://ptb.discord.com/api/webhooks/" HOOK, 0 },
		{ "https://discordapp.com/api/webhooks/" HOOK, 0 },
		{ "https://canary.discordapp.com/api/webhooks/" HOOK, 0 },
		{ "https://ptb.discordapp.com/api/webhooks/" HOOK, 0 },
		{ "https://DISCORD.com:443/api/webhooks/" HOOK, 0 },
		{ "https://discord.com/api/webhooks/12345678901234567/t", 0 },
		{ "https://discord.com/api/webhooks/12345678901234567890/t", 0 },
		{ "https://discord.com/api/webhooks/99999999999999999999/t", -EINVAL },
		{ "https://discord.com/api/webhooks/1234567890123456/t", -EINVAL },
		{ "https://discord.com/api/webhooks/123456789012345678901/t", -EINVAL },
		{ "https://discord.com/api/webhooks/12345678901234567x/t", -EINVAL },
		{ "https://discord.com/api/webhooks/" HOOK "/slack", -EINVAL },
		{ "https://discord.com/api/webhooks/" HOOK "/github", -EINVAL },
		{ "https://discord.com/api/webhooks/" HOOK "/", 0 },
		{ "https://discord.com/api/webhooks/123456789012345678/", -EINVAL },
		{ "https://discord.com/api/webhooks/123456789012345678", -EINVAL },
		{ "https://discord.com/api/webhooks/123456789012345678/t%20", -EINVAL },
		{ "https://discord.com/api/vx/webhooks/" HOOK, -EINVAL },
		{ "https://discord.com/api/v10", -EINVAL },
		{ "https://discord.com/webhooks/" HOOK, -EINVAL },
		{ "http://discord.com/api/webhooks/" HOOK, -EINVAL },
		{ "https://discord.com:8443/api/webhooks/" HOOK, -EINVAL },
		{ "https://dev.discord.com/api/webhooks/" HOOK, -EINVAL },
		{ "https://discord.com/api/webhooks/" HOOK "\n", -EINVAL },
		{ "https://discord.com.evil.io/api/webhooks/" HOOK, -EINVAL },
		{ "https://evildiscord.com/api/webhooks/" HOOK, -EINVAL },
		{ "https://a@discord.com/api/webhooks/" HOOK, -EINVAL },
		{ "https://discord.com/api/webhooks/" HOOK "#x", -EINVAL },
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

/* A webhook's number is no secret: knowing it alone must not be enough to use up its pace. */
Test(discord_paces, are_one_for_each_webhook_and_token_however_spelled)
{
	static const struct rig_config same_hook = {
		{ "webhook_url", "https://PTB.discord.com/api/v9/webhooks/" HOOK "?thread_id=1" }
	};
	static const struct rig_config other_token = {
		{ "webhook_url", "https://discord.com/api/webhooks/123456789012345678/x" }
	};
	static const struct rig_config other_hook = {
		{ "webhook_url", "https://discord.com/api/webhooks/123456789012345679/tok-en_1" }
	};
	struct pace one[PROVIDER_MAX_PACES];
	struct pace two[PROVIDER_MAX_PACES];

	cr_assert_eq(rig_paces(NAME, &config, one), 1);
	cr_expect_eq(one[0].interval_us, 2000000);
	cr_expect_leq(one[0].burst, 5);
	cr_assert_eq(rig_paces(NAME, &same_hook, two), 1);
	cr_expect_str_eq(one[0].key, two[0].key);
	cr_assert_eq(rig_paces(NAME, &other_token, two), 1);
	cr_expect_str_neq(one[0].key, two[0].key);
	cr_assert_eq(rig_paces(NAME, &other_hook, two), 1);
	cr_expect_str_neq(one[0].key, two[0].key);
}

#define CODE(number) "{\"message\":\"m\",\"code\":" #number "}"

Test(discord_judge, knows_every_answer)
{
	static const struct rig_answer rows[] = {
		{ 200, "{\"id\":\"1\"}", VERDICT_DELIVERED, NULL },
		{ 204, "", VERDICT_DELIVERED, NULL },
		{ 404, CODE(10015), VERDICT_DISABLE, "deleted" },
		{ 401, CODE(50027), VERDICT_DISABLE, "token" },
		{ 401, CODE(0), VERDICT_DISABLE, "token" },
		{ 400, CODE(220001), VERDICT_DISABLE, "thread_id" },
		{ 400, CODE(220002), VERDICT_DISABLE, "twice" },
		{ 400, CODE(220003), VERDICT_DISABLE, "not a forum" },
		{ 403, CODE(50001), VERDICT_DISABLE, "see" },
		{ 403, CODE(50013), VERDICT_DISABLE, "write" },
		{ 404, CODE(10003), VERDICT_DISABLE, "does not exist" },
		{ 400, CODE(50083), VERDICT_DISABLE, "archived" },
		{ 403, CODE(160005), VERDICT_DISABLE, "locked" },
		{ 400, CODE(50035), VERDICT_REFORM, "form" },
		{ 400, CODE(50006), VERDICT_REFORM, "empty" },
		{ 400, CODE(50109), VERDICT_REFORM, "read" },
		{ 400, CODE(40005), VERDICT_REFORM, "too large" },
		{ 413, "<html>", VERDICT_RETRY, STRANGER },
		{ 400, "{\"embeds\":[\"0\"]}", VERDICT_REFORM, "form" },
		{ 400, CODE(240000), VERDICT_REJECT, "link filter" },
		{ 403, CODE(40333), VERDICT_RETRY, "User-Agent" },
		{ 500, CODE(130000), VERDICT_RETRY, "overloaded" },
		{ 429, CODE(40062), VERDICT_RETRY, "blocks" },
		{ 400, CODE(40062), VERDICT_RETRY, "limits" },
		{ 403, CODE(40004), VERDICT_RETRY, "switched" },
		{ 400, CODE(20016), VERDICT_RETRY, "slow mode" },
		{ 403, CODE(20028), VERDICT_RETRY, "channel" },
		{ 403, CODE(20029), VERDICT_RETRY, "server" },
		{ 401, "<html>sign in</html>", VERDICT_RETRY, STRANGER },
		{ 404, "<html>", VERDICT_RETRY, STRANGER },
		{ 404, "{\"message\":\"no route\"}", VERDICT_RETRY, STRANGER },
		/* Other services put the status there. */
		{ 401, CODE(401), VERDICT_RETRY, STRANGER },
		{ 403, CODE(403), VERDICT_RETRY, STRANGER },
		{ 404, CODE(5), VERDICT_RETRY, STRANGER },
		{ 410, "", VERDICT_RETRY, STRANGER },
		{ 200, "<html>", VERDICT_RETRY, STRANGER },
		{ 404, "", VERDICT_RETRY, STRANGER },
		{ 302, "", VERDICT_RETRY, "redirected, which is not followed" },
		{ 408, "", VERDICT_RETRY, STRANGER },
		{ 500, "", VERDICT_RETRY, STRANGER },
		{ 502, "<html>", VERDICT_RETRY, STRANGER },
		{ 400, "[]", VERDICT_RETRY, STRANGER },
		{ 400, "{\"code\":\"50035\"}", VERDICT_RETRY, STRANGER },
	};

	rig_expect_answers(NAME, rows, ARRAY_LEN(rows));
	rig_expect_unknown(NAME, 400, CODE(99999));
	rig_expect_unknown(NAME, 404, CODE(0));
	cr_expect(rig_judge(NAME, 204, "").is_accepted_only, "nothing says it was saved");
	cr_expect_not(rig_judge(NAME, 200, "{}").is_accepted_only);
}

struct wait {
	int status;
	const char *body, *headers;
	int64_t retry_ms, pause_ms;
	int pause;
	bool is_throttled;
};

static void expect_wait(const struct wait *row)
{
	const struct answer answer = { .status = row->status,
				       .body = str_of(row->body),
				       .headers = str_of(row->headers) };
	struct verdict verdict = provider_find(STR(NAME))->judge(&answer, RIG_NOW_US);

	cr_expect_eq(verdict.retry_after_ms, row->retry_ms, "%d %s %s: %lld", row->status,
		     row->body, row->headers, (long long)verdict.retry_after_ms);
	cr_expect_eq(verdict.pause_ms, row->pause_ms, "%d %s %s: %lld", row->status, row->body,
		     row->headers, (long long)verdict.pause_ms);
	cr_expect_eq((int)verdict.pause, row->pause, "%d %s %s", row->status, row->body,
		     row->headers);
	cr_expect_eq(verdict.is_throttled, row->is_throttled, "%d %s", row->status, row->body);
}

Test(discord_judge, obeys_the_longest_hint_and_stops_everybody_after_a_ban)
{
	static const struct wait rows[] = {
		{ 429, "{\"retry_after\":64.57,\"global\":false}", "", 64570, 64570, PAUSE_CHANNEL,
		  true },
		{ 429, "{\"retry_after\":0.0001}", "", 1, 1, PAUSE_CHANNEL, true },
		{ 429, "{\"retry_after\":1.5}", "Retry-After: 7\r\n", 7000, 7000, PAUSE_CHANNEL,
		  true },
		{ 429, "", "X-RateLimit-Reset-After: 2.5\r\n", 2500, 2500, PAUSE_CHANNEL, true },
		{ 429, "{\"retry_after\":1e99}", "", 3600000, 3600000, PAUSE_CHANNEL, true },
		{ 429, "{\"retry_after\":1.5,\"global\":true}", "", 60000, 60000, PAUSE_PROVIDER,
		  true },
		{ 429, "{\"retry_after\":90,\"global\":true}", "", 90000, 90000, PAUSE_PROVIDER,
		  true },
		{ 429, "{\"retry_after\":1}", "X-RateLimit-Global: true\r\n", 60000, 60000,
		  PAUSE_PROVIDER, true },
		{ 429, "{\"retry_after\":1}", "X-RateLimit-Scope: global\r\n", 60000, 60000,
		  PAUSE_PROVIDER, true },
		{ 429, "{\"retry_after\":1}", "X-RateLimit-Scope: shared\r\n", 1000, 1000,
		  PAUSE_CHANNEL, true },
		{ 429, "{\"retry_after\":1}", "X-RateLimit-Scope: user\r\n", 1000, 1000,
		  PAUSE_CHANNEL, true },
		{ 429, "error code: 1015", "", 60000, 60000, PAUSE_EVERYBODY, true },
		{ 429, "<html>", "", 60000, 60000, PAUSE_EVERYBODY, true },
		{ 429, "{\"code\":0}", "", 60000, 60000, PAUSE_EVERYBODY, true },
		{ 403, "error code: 1015", "", 60000, 60000, PAUSE_PROVIDER, true },
		{ 403, "{\"code\":0}", "", 60000, 60000, PAUSE_PROVIDER, true },
		/* What the wall wishes besides is the channel's alone. */
		{ 403, "<html>", "Retry-After: 3600\r\n", 3600000, 60000, PAUSE_PROVIDER, true },
		{ 429, "error code: 1015", "Retry-After: 600\r\n", 600000, 60000, PAUSE_EVERYBODY,
		  true },
		{ 429, "", "Retry-After: 600\r\n", 600000, 60000, PAUSE_EVERYBODY, true },
		{ 403, CODE(50013), "", -1, -1, PAUSE_CHANNEL, false },
		{ 400, CODE(20016), "Retry-After: 9\r\n", 9000, 9000, PAUSE_CHANNEL, true },
		{ 200, "{}", "X-RateLimit-Remaining: 0\r\nX-RateLimit-Reset-After: 1.25\r\n", -1,
		  1250, PAUSE_CHANNEL, false },
		{ 200, "{}", "X-RateLimit-Remaining: 1\r\nX-RateLimit-Reset-After: 1.25\r\n", -1,
		  -1, PAUSE_CHANNEL, false },
		{ 200, "{}", "X-RateLimit-Remaining: 0\r\nX-RateLimit-Reset-After: nan\r\n", -1, -1,
		  PAUSE_CHANNEL, false },
		{ 200, "{}", "X-RateLimit-Remaining: 0\r\nX-RateLimit-Reset-After: 1x\r\n", -1, -1,
		  PAUSE_CHANNEL, false },
		{ 200, "{}", "X-RateLimit-Remaining: 0\r\n", -1, -1, PAUSE_CHANNEL, false },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		expect_wait(&rows[i]);
}
