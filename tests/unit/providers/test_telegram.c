/* SPDX-License-Identifier: Apache-2.0 */

/* Telegram: settings accepted and refused, requests byte for byte, and every answer's verdict. */
#include <criterion/criterion.h>
#include <errno.h>

#include "chat_rig.h"
#include "core/json.h"

#define SECRET "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghi" /* 35 */
#define TOKEN  "123456:" SECRET
#define NAME   "telegram"

static const struct rig_config topic = { { "bot_token", "bot" TOKEN, "chat_id",
					   "-1001234567890:7" } };

static const char request_head[] =
	"POST https://api.telegram.org/bot123456:ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghi/sendMess"
	"age\nContent-Type: application/json\nUser-Agent: wrenn-events/0.1.0\n"
	"\n";

static const char rich[] =
	"{\"chat_id\":-1001234567890,\"message_thread_id\":7,\"parse_mode\":\"HTML\","
	"\"link_preview_options\":{\"is_disabled\":true},\"text\":\"\xe2\x9c\x85 <b>C"
	"apsule </b><code>cl-1</code><b> paused</b>\\n<b>Actor:</b> <code>system</cod"
	"e>\\n<b>Team:</b> <code>team-0x5yg3bfyrehlas5fmd3rslxq</code>\\n<b>Time:</b>"
	" <code>2026-05-24 05:02:07 UTC</code>\\n<code>capsule.pause</code>\\n<a href"
	"=\\\"https://app.example/capsules/cl-1\\\">Open</a>\"}";

static const char rich_hostile[] =
	"{\"chat_id\":-1001234567890,\"message_thread_id\":7,\"parse_mode\":\"HTML\","
	"\"link_preview_options\":{\"is_disabled\":true},\"text\":\"\xe2\x9d\x8c <b>C"
	"apsule </b><code>&lt;users/all&gt; @b *x* `q` &amp;lt;\\\"'\\\\ http://e.io/"
	"_y_~z~ #r:s a.io</code><b> failed to destroy: </b><code>&lt;users/all&gt; @b"
	" *x* `q` &amp;lt;\\\"'\\\\ http://e.io/_y_~z~ #r:s a.io</code>\\n<b>Reason:<"
	"/b> <code>&lt;users/all&gt; @b *x* `q` &amp;lt;\\\"'\\\\ http://e.io/_y_~z~ "
	"#r:s a.io</code>\\n<b>Actor:</b> <code>&lt;users/all&gt; @b *x* `q` &amp;lt;"
	"\\\"'\\\\ http://e.io/_y_~z~ #r:s a.io (us-1)</code>\\n<b>Team:</b> <code>te"
	"am-0x5yg3bfyrehlas5fmd3rslxq</code>\\n<b>Time:</b> <code>2026-05-24 05:02:07"
	" UTC</code>\\n<code>capsule.destroy</code>\\n<a href=\\\"https://app.example"
	"/capsules/%3Cusers%2Fall%3E%20%40b%20%2Ax%2A%20%60q%60%20%26lt%3B%22%27%5C%2"
	"0http%3A%2F%2Fe.io%2F_y_~z~%20%23r%3As%20a.io\\\">Open</a>\"}";

static const char rich_digest[] =
	"{\"chat_id\":-1001234567890,\"message_thread_id\":7,\"parse_mode\":\"HTML\","
	"\"link_preview_options\":{\"is_disabled\":true},\"text\":\"\xe2\x9d\x8c <b>1"
	"0 events, 3 failed</b>\\n<code>3 capsules failed to destroy</code>\\n<code>C"
	"apsule cl-9 failed to destroy: no &lt;space&gt; left</code>\\n<code>and 2 mo"
	"re failed</code>\\n<code>7 capsules paused</code>\\n<b>Team:</b> <code>team-"
	"0x5yg3bfyrehlas5fmd3rslxq</code>\\n<b>From:</b> <code>2026-05-24 05:00:00 UT"
	"C</code>\\n<b>To:</b> <code>2026-05-24 05:02:07 UTC</code>\"}";

static const char plain[] =
	"{\"chat_id\":-1001234567890,\"entities\":[{\"type\":\"code\",\"offset\":0,\""
	"length\":116}],\"link_preview_options\":{\"is_disabled\":true},\"text\":\"Ca"
	"psule cl-1 paused\\n\\nActor: system\\nTeam: team-0x5yg3bfyrehlas5fmd3rslxq"
	"\\nTime: 2026-05-24 05:02:07 UTC\\ncapsule.pause\\nhttps://app.example/capsu"
	"les/cl-1\"}";

static const char plain_hostile[] =
	"{\"chat_id\":-1001234567890,\"entities\":[{\"type\":\"code\",\"offset\":0,\""
	"length\":373}],\"link_preview_options\":{\"is_disabled\":true},\"text\":\"Ca"
	"psule <users/all> @b *x* `q` &lt;\\\"'\\\\ http://e.io/_y_~z~ #r:s a.io fail"
	"ed to destroy: <users/all> @b *x* `q` &lt;\\\"'\\\\ http://e.io/_y_~z~ #r:s "
	"a.io\\n\\nReason: <users/all> @b *x* `q` &lt;\\\"'\\\\ http://e.io/_y_~z~ #r"
	":s a.io\\nActor: <users/all> @b *x* `q` &lt;\\\"'\\\\ http://e.io/_y_~z~ #r:"
	"s a.io (us-1)\\nTeam: team-0x5yg3bfyrehlas5fmd3rslxq\\nTime: 2026-05-24 05:0"
	"2:07 UTC\\ncapsule.destroy\\nhttps://app.example/capsules/%3Cusers%2Fall%3E%"
	"20%40b%20%2Ax%2A%20%60q%60%20%26lt%3B%22%27%5C%20http%3A%2F%2Fe.io%2F_y_~z~%"
	"20%23r%3As%20a.io\"}";

static const char plain_digest[] =
	"{\"chat_id\":-1001234567890,\"entities\":[{\"type\":\"code\",\"offset\":0,\""
	"length\":228}],\"link_preview_options\":{\"is_disabled\":true},\"text\":\"10"
	" events, 3 failed\\n\\n3 capsules failed to destroy\\nCapsule cl-9 failed to"
	" destroy: no <space> left\\nand 2 more failed\\n7 capsules paused\\nTeam: te"
	"am-0x5yg3bfyrehlas5fmd3rslxq\\nFrom: 2026-05-24 05:00:00 UTC\\nTo: 2026-05-2"
	"4 05:02:07 UTC\"}";

Test(telegram_build, writes_every_form_byte_for_byte)
{
	static const struct rig_bodies bodies = {
		.success = { rich, plain },
		.hostile = { rich_hostile, plain_hostile },
		.digest = { rich_digest, plain_digest },
	};

	rig_expect_bodies(NAME, &topic, &bodies);
}

Test(telegram_build, posts_to_the_bot_and_strips_a_pasted_bot)
{
	static const char *const tokens[] = { "bot" TOKEN, TOKEN };

	for (size_t i = 0; i < ARRAY_LEN(tokens); i++) {
		const struct rig_config config = { { "bot_token", tokens[i], "chat_id", "1" } };
		struct rig rig;

		rig_success(&rig, NAME);
		cr_assert_eq(rig_build(&rig, &config, FORM_RICH, RIG_LINK), 0);
		cr_expect_eq(strncmp(rig_request(&rig), request_head, strlen(request_head)), 0,
			     "%s", rig_request(&rig));
		rig_done(&rig);
	}
}

Test(telegram_build, sends_numbers_as_numbers_and_names_as_strings)
{
	static const struct {
		const char *chat_id, *rich, *plain;
	} cases[] = {
		{ "42", "{\"chat_id\":42,\"parse_mode\"", "{\"chat_id\":42,\"entities\"" },
		{ "-42", "{\"chat_id\":-42,\"parse_mode\"", "{\"chat_id\":-42,\"entities\"" },
		{ "@some_room", "{\"chat_id\":\"@some_room\",\"parse_mode\"",
		  "{\"chat_id\":\"@some_room\",\"entities\"" },
		/* The plain form leaves a topic, which may be gone. */
		{ "@room:9", "{\"chat_id\":\"@room\",\"message_thread_id\":9,\"parse_mode\"",
		  "{\"chat_id\":\"@room\",\"entities\"" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct rig_config config = { { "bot_token", TOKEN, "chat_id",
						     cases[i].chat_id } };
		struct rig rig;

		rig_success(&rig, NAME);
		for (int form = 0; form < 2; form++) {
			const char *wanted = form ? cases[i].plain : cases[i].rich;

			cr_assert_eq(rig_build(&rig, &config, (enum message_form)form, ""), 0);
			cr_expect_eq(strncmp(buf_text(&rig.out.body), wanted, strlen(wanted)), 0,
				     "%s: %s", cases[i].chat_id, buf_text(&rig.out.body));
		}
		rig_done(&rig);
	}
}

Test(telegram_build, names_the_event_so_that_a_repeat_is_known)
{
	rig_expect_reference(NAME, &topic, "\\n<code>capsule.pause \xc2\xb7 7-3</code>\\n<a href=");
}

Test(telegram_build, shows_the_outcome_by_a_sign)
{
	static const struct rig_tones tones = { "\"text\":\"\xe2\x9c\x85 <b>",
						"\"text\":\"\xe2\x9d\x8c <b>",
						"\"text\":\"\xe2\x84\xb9 <b>" };

	rig_expect_tones(NAME, &topic, &tones);
}

Test(telegram_build, cuts_at_4096_code_points_as_shown_and_not_before)
{
	struct measure measure;
	char name[4001];

	for (size_t len = 1900; len < 2000; len++) {
		struct rig rig;

		memset(name, '&', len);
		name[len] = '\0';
		rig_failure(&rig, NAME, "cl-1", name, "boom");
		cr_assert_eq(rig_build(&rig, &topic, FORM_RICH, ""), 0);
		measure = rig.provider->measure(&rig.out);
		size_t cuts = rig.trims.count;

		rig_done(&rig);
		cr_assert_leq(measure.size, measure.limit);
		if (measure.size >= measure.limit - 1 && cuts == 0)
			return; /* the name appears twice: it is shown whole up to the last place */
		cr_assert_eq(cuts, 0, "cut at %zu of %zu", measure.size, measure.limit);
	}
	cr_assert_fail("never full");
}

Test(telegram_build, fits_into_the_limit_whatever_the_text)
{
	rig_expect_fit(NAME, &topic);
}

Test(telegram_build, counts_what_is_shown_and_not_its_escapes)
{
	char name[601];
	struct rig rig;

	memset(name, '<', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	rig_failure(&rig, NAME, "cl-1", name, "boom");
	cr_assert_eq(rig_build(&rig, &topic, FORM_RICH, ""), 0);
	cr_expect_gt(rig.out.body.len, 4800);
	cr_expect_eq(rig.trims.count, 0);
	rig_done(&rig);
}

Test(telegram_build, marks_all_but_the_link_as_code_in_utf16_units)
{
	struct rig rig;
	cJSON *tree;

	rig_failure(&rig, NAME, "cl-1", "\xf0\x9f\x98\x80", "\xc3\xa9");
	cr_assert_eq(rig_build(&rig, &topic, FORM_PLAIN, RIG_LINK), 0);
	cr_assert_eq(json_parse(buf_str(&rig.out.body), OUTGOING_MAX_BODY, &tree, NULL), 0);

	const cJSON *entity = cJSON_GetArrayItem(json_get(tree, "entities"), 0);
	const char *text = json_get_string(tree, "text");
	const char *link = strstr(text, RIG_LINK);

	/* Two emoji of four bytes are four units, one letter of two bytes is one. */
	cr_assert_not_null(link);
	cr_expect_float_eq(json_get(entity, "length")->valuedouble,
			   (double)(link - text) - 2 * 2 - 1, 0.1);
	cJSON_Delete(tree);
	rig_done(&rig);
}

Test(telegram_build, refuses_a_damaged_config)
{
	static const struct rig_config cases[] = {
		{ { "bot_token", "", "chat_id", "1" } },
		{ { "bot_token", TOKEN, "chat_id", "" } },
		{ { "bot_token", TOKEN "/../x", "chat_id", "1" } },
		{ { "bot_token", TOKEN, "chat_id", "1,2" } },
		{ { "bot_token", TOKEN, "chat_id", "1}" } },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct rig rig;

		rig_success(&rig, NAME);
		cr_expect_eq(rig_build(&rig, &cases[i], FORM_RICH, ""), -EINVAL, "case %zu", i);
		rig_done(&rig);
	}
}

static const struct {
	const char *token, *chat_id, *field; /* field NULL: accepted */
} settings[] = {
	{ TOKEN, "1", NULL },
	{ "bot" TOKEN, "1", NULL },
	{ "1:" SECRET "_-", "-1", NULL },
	{ "1:abcdefghijklmnopqrstuvwxyz0123", "1", NULL },
	{ TOKEN, "4503599627370495", NULL },
	{ TOKEN, "-4503599627370495", NULL },
	{ TOKEN, "-1001234567890:2147483647", NULL },
	{ TOKEN, "@channel_1", NULL },
	{ "", "1", "bot_token" },
	{ "bot", "1", "bot_token" },
	{ "botbot" TOKEN, "1", "bot_token" },
	{ "123456", "1", "bot_token" },
	{ "123456:", "1", "bot_token" },
	{ ":" SECRET, "1", "bot_token" },
	{ "0123:" SECRET, "1", "bot_token" },
	{ "x123:" SECRET, "1", "bot_token" },
	{ "1:abcdefghijklmnopqrstuvwxyz012", "1", "bot_token" },
	{ TOKEN "/getMe", "1", "bot_token" },
	{ TOKEN "?x", "1", "bot_token" },
	{ TOKEN ":x", "1", "bot_token" },
	{ " " TOKEN, "1", "bot_token" },
	{ TOKEN "\n", "1", "bot_token" },
	{ TOKEN "\xc3\xa9", "1", "bot_token" },
	{ "123456:" SECRET SECRET "abcd", "1", "bot_token" },
	{ TOKEN, "", "chat_id" },
	{ TOKEN, "0", "chat_id" },
	{ TOKEN, "-0", "chat_id" },
	{ TOKEN, "+1", "chat_id" },
	{ TOKEN, "007", "chat_id" },
	{ TOKEN, "--1", "chat_id" },
	{ TOKEN, "-", "chat_id" },
	{ TOKEN, "1.5", "chat_id" },
	{ TOKEN, "1e3", "chat_id" },
	{ TOKEN, " 1", "chat_id" },
	{ TOKEN, "4503599627370496", "chat_id" },
	{ TOKEN, "99999999999999999999999", "chat_id" },
	{ TOKEN, "1,2", "chat_id" },
	{ TOKEN, "room", "chat_id" },
	{ TOKEN, "@", "chat_id" },
	{ TOKEN, "@a b", "chat_id" },
	{ TOKEN, "@a\"", "chat_id" },
	{ TOKEN, "-@a", "chat_id" },
	{ TOKEN, "1:", "chat_id" },
	{ TOKEN, ":1", "chat_id" },
	{ TOKEN, "1:0", "chat_id" },
	{ TOKEN, "1:-1", "chat_id" },
	{ TOKEN, "1:2:3", "chat_id" },
	{ TOKEN, "1:2147483648", "chat_id" },
	{ TOKEN, "1:x", "chat_id" },
};

Test(telegram_check, knows_a_token_and_a_chat)
{
	for (size_t i = 0; i < ARRAY_LEN(settings); i++) {
		const struct rig_config config = { { "bot_token", settings[i].token, "chat_id",
						     settings[i].chat_id } };
		char field[48];

		cr_expect_eq(rig_check(NAME, &config, field), settings[i].field ? -EINVAL : 0,
			     "case %zu: %s %s", i, settings[i].token, settings[i].chat_id);
		cr_expect_str_eq(field, settings[i].field ? settings[i].field : "", "case %zu", i);
	}
}

Test(telegram_paces, goes_by_chat_and_bot)
{
	static const struct {
		const char *chat_id;
		int64_t at_least_us;
	} cases[] = { { "1", 1000000 },
		      { "-1", 3000000 },
		      { "-1001234567890:7", 3000000 },
		      { "@channel", 3000000 } };
	struct pace bot = { .burst = 0 };

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct rig_config config = { { "bot_token", TOKEN, "chat_id",
						     cases[i].chat_id } };
		struct pace paces[PROVIDER_MAX_PACES];

		cr_assert_eq(rig_paces(NAME, &config, paces), 2);
		cr_expect_eq(paces[0].burst, 1);
		cr_expect_geq(paces[0].interval_us, cases[i].at_least_us);
		cr_expect_leq(paces[0].interval_us, cases[i].at_least_us * 11 / 10);
		cr_expect_geq(paces[1].interval_us, 1000000 / 30);
		cr_expect_str_neq(paces[0].key, paces[1].key);
		if (i)
			cr_expect_str_eq(paces[1].key, bot.key);
		bot = paces[1];
	}
}

Test(telegram_paces, shares_a_chat_among_topics_but_not_among_bots)
{
	static const struct rig_config cases[] = {
		{ { "bot_token", TOKEN, "chat_id", "-5" } },
		{ { "bot_token", "bot" TOKEN, "chat_id", "-5:3" } },
		{ { "bot_token", TOKEN, "chat_id", "5" } },
		{ { "bot_token", "2:" SECRET, "chat_id", "-5" } },
		{ { "bot_token", TOKEN, "chat_id", "@some_Room_Z" } },
		{ { "bot_token", TOKEN, "chat_id", "@SOME_room_z:3" } },
	};
	struct pace paces[ARRAY_LEN(cases)][PROVIDER_MAX_PACES];

	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		cr_assert_eq(rig_paces(NAME, &cases[i], paces[i]), 2);
	cr_expect_str_eq(paces[0][0].key, paces[1][0].key);
	cr_expect_str_neq(paces[0][0].key, paces[2][0].key);
	cr_expect_str_neq(paces[0][0].key, paces[3][0].key);
	cr_expect_str_eq(paces[0][1].key, paces[2][1].key);
	cr_expect_str_neq(paces[0][1].key, paces[3][1].key);
	cr_expect_str_eq(paces[4][0].key, paces[5][0].key, "names have no case");
}

Test(telegram_paces, has_none_for_a_damaged_config)
{
	static const struct rig_config config = { { "bot_token", "x", "chat_id", "1" } };
	struct pace paces[PROVIDER_MAX_PACES];

	cr_expect_eq(rig_paces(NAME, &config, paces), 0);
}

Test(telegram_measure, counts_code_points_as_shown)
{
	struct rig rig;

	rig_failure(&rig, NAME, "<&>\xf0\x9f\x98\x80", "\"", "'");
	cr_assert_eq(rig_build(&rig, &topic, FORM_RICH, ""), 0);
	struct measure rich_size = rig.provider->measure(&rig.out);
	cr_assert_eq(rig_build(&rig, &topic, FORM_PLAIN, ""), 0);
	struct measure plain_size = rig.provider->measure(&rig.out);

	cr_expect_str_eq(rich_size.unit, "code points");
	cr_expect_eq(rich_size.limit, 4096);
	/* The sign and a space more, a line feed less. */
	cr_expect_eq(rich_size.size, plain_size.size + 1);
	rig_done(&rig);
}

#define FAILED(code, description) \
	code, "{\"ok\":false,\"error_code\":" #code ",\"description\":\"" description "\"}"

static const struct rig_answer answers[] = {
	{ 200, "{\"ok\":true,\"result\":{\"message_id\":7}}", VERDICT_DELIVERED, NULL },
	{ 200,
	  "{\"ok\":false,\"error_code\":403,\"description\":\"Forbidden: bot was "
	  "blocked by the user\"}",
	  VERDICT_DISABLE, "blocked" },
	{ 200, "{\"ok\":false}", VERDICT_RETRY, STRANGER },
	{ 200, "{\"ok\":\"true\"}", VERDICT_RETRY, STRANGER },
	{ 200, "{}", VERDICT_RETRY, STRANGER },
	{ 200, "<html>", VERDICT_RETRY, STRANGER },
	{ 200, "", VERDICT_RETRY, STRANGER },
	{ FAILED(401, "Unauthorized"), VERDICT_DISABLE, "token" },
	{ FAILED(403, "Forbidden: bot was blocked by the user"), VERDICT_DISABLE, "blocked" },
	{ FAILED(403, "Forbidden: bot was kicked from the supergroup chat"), VERDICT_DISABLE,
	  "removed" },
	{ FAILED(403, "Forbidden: bot is not a member of the channel chat"), VERDICT_DISABLE,
	  "not a member" },
	{ FAILED(403, "Forbidden: the group chat was deleted"), VERDICT_DISABLE,
	  "chat was deleted" },
	{ FAILED(403, "Forbidden: user is deactivated"), VERDICT_DISABLE, "deactivated" },
	{ FAILED(403, "Forbidden: bot can't initiate conversation with a user"), VERDICT_DISABLE,
	  "has not started" },
	{ FAILED(403, "Forbidden: something new"), VERDICT_DISABLE, "does not let" },
	{ FAILED(400, "Bad Request: chat not found"), VERDICT_DISABLE, "know the chat" },
	{ FAILED(400, "bad request: CHAT NOT FOUND"), VERDICT_DISABLE, "know the chat" },
	{ FAILED(400, "Bad Request: not enough rights to send text messages to the chat"),
	  VERDICT_DISABLE, "may not write" },
	{ FAILED(400, "Bad Request: have no rights to send a message"), VERDICT_DISABLE,
	  "may not write" },
	{ FAILED(400, "Bad Request: CHAT_WRITE_FORBIDDEN"), VERDICT_DISABLE, "may not write" },
	{ FAILED(400, "Bad Request: need administrator rights in the channel chat"),
	  VERDICT_DISABLE, "administrator" },
	{ FAILED(400, "Bad Request: CHAT_ADMIN_REQUIRED"), VERDICT_DISABLE, "administrator" },
	{ FAILED(400, "Bad Request: CHAT_SEND_PLAIN_FORBIDDEN"), VERDICT_DISABLE, "may not write" },
	{ FAILED(400, "Bad Request: USER_BANNED_IN_CHANNEL"), VERDICT_DISABLE, "may not write" },
	{ FAILED(400, "Bad Request: CHANNEL_PRIVATE"), VERDICT_DISABLE, "not a member" },
	{ FAILED(400, "Bad Request: message thread not found"), VERDICT_REFORM, "topic" },
	{ FAILED(400, "Bad Request: TOPIC_CLOSED"), VERDICT_REFORM, "topic" },
	{ FAILED(400, "Bad Request: can't parse entities: Unsupported start tag"), VERDICT_REFORM,
	  "markup" },
	{ FAILED(400, "Bad Request: message is too long"), VERDICT_REJECT, "too long" },
	{ FAILED(400, "Bad Request: message text is empty"), VERDICT_REJECT, "empty" },
	{ FAILED(404, "Not Found"), VERDICT_DISABLE, "knows no bot" },
	{ FAILED(500, "Internal Server Error"), VERDICT_RETRY, NULL },
	{ FAILED(502, "Bad Gateway"), VERDICT_RETRY, NULL },
	{ 400, "{\"ok\":false,\"description\":\"Bad Request: chat not found\"}", VERDICT_DISABLE,
	  "know the chat" },
	{ 403, "{\"ok\":false,\"error_code\":403}", VERDICT_DISABLE, "does not let" },
	{ 403, "{\"ok\":false,\"description\":7}", VERDICT_RETRY, STRANGER },
	{ 404, "{\"ok\":false,\"error\":\"Not Found\"}", VERDICT_RETRY, STRANGER },
	{ 403, "{\"description\":\"x\"}", VERDICT_RETRY, STRANGER },
	{ 401, "<html>", VERDICT_RETRY, STRANGER },
	{ 404, "", VERDICT_RETRY, STRANGER },
	{ 408, "", VERDICT_RETRY, STRANGER },
	{ 502, "<html>", VERDICT_RETRY, STRANGER },
	{ 302, "", VERDICT_RETRY, "redirected, which is not followed" },
};

Test(telegram_judge, knows_every_answer)
{
	rig_expect_answers(NAME, answers, ARRAY_LEN(answers));
	rig_expect_unknown(NAME, FAILED(400, "Bad Request: something new"));
	rig_expect_unknown(NAME, FAILED(409, "Conflict"));
}

Test(telegram_judge, waits_as_long_as_it_is_told)
{
	static const struct {
		const char *headers, *body;
		int64_t wait_ms;
	} cases[] = {
		{ "", "{\"ok\":false,\"error_code\":429,\"parameters\":{\"retry_after\":35}}",
		  35000 },
		{ "Retry-After: 40\r\n",
		  "{\"ok\":false,\"error_code\":429,\"parameters\":{\"retry_after\":35}}", 40000 },
		{ "Retry-After: 3\r\n",
		  "{\"ok\":false,\"error_code\":429,\"parameters\":{\"retry_after\":35}}", 35000 },
		{ "", "{\"ok\":false,\"error_code\":429,\"parameters\":{\"retry_after\":1e300}}",
		  3600000 },
		{ "", "{\"ok\":false,\"error_code\":429,\"parameters\":{\"retry_after\":-1}}", -1 },
		{ "", "{\"ok\":false,\"error_code\":429,\"parameters\":{\"retry_after\":\"5\"}}",
		  -1 },
		{ "Retry-After: 3\r\n", "Too Many Requests", 3000 },
		{ "", "", -1 },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct answer answer = { .status = 429,
					       .headers = str_of(cases[i].headers),
					       .body = str_of(cases[i].body) };
		struct verdict verdict = provider_find(STR(NAME))->judge(&answer, RIG_NOW_US);

		cr_expect_eq(verdict.kind, VERDICT_RETRY, "case %zu", i);
		cr_expect_eq(verdict.retry_after_ms, cases[i].wait_ms, "case %zu", i);
		cr_expect_eq(verdict.pause_ms, cases[i].wait_ms, "case %zu", i);
		cr_expect_eq((int)verdict.pause, (int)PAUSE_CHANNEL, "case %zu", i);
		cr_expect(verdict.is_throttled, "case %zu", i);
	}
}

Test(telegram_judge, follows_a_group_that_moved)
{
	static const struct {
		const char *body, *value; /* value NULL: not followed */
	} cases[] = {
		{ "{\"ok\":false,\"error_code\":400,\"description\":\"Bad Request: group chat was "
		  "upgraded to a supergroup chat\",\"parameters\":{\"migrate_to_chat_id\":"
		  "-1001234567890}}",
		  "-1001234567890" },
		{ "{\"ok\":false,\"error_code\":400,\"parameters\":{\"migrate_to_chat_id\":-"
		  "4503599627370495}}",
		  "-4503599627370495" },
		{ "{\"ok\":false,\"error_code\":400,\"parameters\":{\"migrate_to_chat_id\":-"
		  "4503599627370496}}",
		  NULL },
		{ "{\"ok\":false,\"error_code\":400,\"parameters\":{\"migrate_to_chat_id\":1e300}}",
		  NULL },
		{ "{\"ok\":false,\"error_code\":400,\"parameters\":{\"migrate_to_chat_id\":0}}",
		  NULL },
		{ "{\"ok\":false,\"error_code\":400,\"parameters\":{\"migrate_to_chat_id\":-1.5}}",
		  NULL },
		{ "{\"ok\":false,\"error_code\":400,\"parameters\":{\"migrate_to_chat_id\":\"-1\"}"
		  "}",
		  NULL },
		{ "{\"ok\":false,\"error_code\":400,\"parameters\":{\"migrate_to_chat_id\":null}}",
		  NULL },
		{ "{\"ok\":false,\"error_code\":400,\"parameters\":[-1]}", NULL },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct verdict verdict = rig_judge(NAME, 400, cases[i].body);

		if (cases[i].value) {
			cr_assert_eq(verdict.kind, VERDICT_REBIND, "case %zu", i);
			cr_expect_str_eq(verdict.field, "chat_id", "case %zu", i);
			cr_expect_str_eq(verdict.value, cases[i].value, "case %zu", i);
		} else {
			cr_expect_eq(verdict.kind, VERDICT_REFORM, "case %zu", i);
		}
	}
}

Test(telegram_judge, counts_a_success_too_long_to_read)
{
	const struct answer answer = { .fault = ANSWER_TOO_LARGE, .status = 200 };
	const struct answer late = { .fault = ANSWER_TIMEOUT };
	const struct answer refused = { .fault = ANSWER_REFUSED };

	cr_expect_eq(provider_find(STR(NAME))->judge(&answer, 0).kind, VERDICT_DELIVERED);
	cr_expect_eq(provider_find(STR(NAME))->judge(&late, 0).kind, VERDICT_RETRY);
	cr_expect_eq(provider_find(STR(NAME))->judge(&refused, 0).kind, VERDICT_REJECT);
}
