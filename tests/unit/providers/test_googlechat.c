/* SPDX-License-Identifier: Apache-2.0 */

/* Google Chat: webhook URLs, requests byte for byte, and every answer's verdict. */
#include <criterion/criterion.h>
#include <errno.h>

#include "chat_rig.h"
#include "core/json.h"

#define HOST  "https://chat.googleapis.com"
#define SPACE HOST "/v1/spaces/AAA_b-1/messages"
#define URL   SPACE "?key=K&token=T%3D"
#define REPLY "&messageReplyOption=REPLY_MESSAGE_FALLBACK_TO_NEW_THREAD"
#define NAME  "googlechat"

static const struct rig_config webhook = { { "webhook_url", URL } };

static const char request_head[] =
	"POST https://chat.googleapis.com/v1/spaces/AAA_b-1/messages?key=K&token=T%3D&message"
	"ReplyOption=REPLY_MESSAGE_FALLBACK_TO_NEW_THREAD\nContent-Type: application/json; ch"
	"arset=UTF-8\nUser-Agent: wrenn-events/0.1.0\n\n";

static const char rich[] =
	"{\"fallbackText\":\"Capsule cl-1 paused\",\"cardsV2\":[{\"cardId\":\"event\""
	",\"card\":{\"header\":{\"title\":\"Capsule cl-1 paused\"},\"sections\":[{\"w"
	"idgets\":[{\"textParagraph\":{\"text\":\"<font color=\\\"#188038\\\"><b>Succ"
	"ess</b></font>\"}},{\"decoratedText\":{\"topLabel\":\"Actor\",\"text\":\"sys"
	"tem\",\"wrapText\":true}},{\"decoratedText\":{\"topLabel\":\"Team\",\"text\""
	":\"team-0x5yg3bfyrehlas5fmd3rslxq\",\"wrapText\":true}},{\"decoratedText\":{"
	"\"topLabel\":\"Time\",\"text\":\"2026-05-24 05:02:07 UTC\",\"wrapText\":true"
	"}},{\"buttonList\":{\"buttons\":[{\"text\":\"Open\",\"onClick\":{\"openLink"
	"\":{\"url\":\"https://app.example/capsules/cl-1\"}}}]}},{\"textParagraph\":{"
	"\"text\":\"<font color=\\\"#5f6368\\\">capsule.pause</font>\"}}]}]}}],\"thre"
	"ad\":{\"threadKey\":\"37b3d5a89ef4cb2cf00f18341678717b5a90bdc733a07fb43768ab"
	"bbccd31202\"}}";

static const char rich_hostile[] =
	"{\"fallbackText\":\"Capsule \xe2\x80\xb9users/all\xe2\x80\xba @\xe2\x81\xa0"
	"b \xe2\x88\x97x\xe2\x88\x97 \xcb\x8bq\xcb\x8b &\xe2\x81\xa0lt;\\\"'\\\\ http"
	":\xe2\x81\xa0//e.\xe2\x81\xa0io/\xef\xbc\xbfy\xef\xbc\xbf\xe2\x88\xbcz"
	"\xe2\x88\xbc #\xe2\x81\xa0r:\xe2\x81\xa0s a.\xe2\x81\xa0io failed to destroy"
	": \xe2\x80\xb9users/all\xe2\x80\xba @\xe2\x81\xa0"
	"b \xe2\x88\x97x\xe2\x88\x97 \xcb\x8bq\xcb\x8b &\xe2\x81\xa0lt;\\\"'\\\\ http"
	":\xe2\x81\xa0//e.\xe2\x81\xa0io/\xef\xbc\xbfy\xef\xbc\xbf\xe2\x88\xbcz"
	"\xe2\x88\xbc #\xe2\x81\xa0r:\xe2\x81\xa0s a.\xe2\x81\xa0io\",\"cardsV2\":[{"
	"\"cardId\":\"event\",\"card\":{\"header\":{\"title\":\"Capsule \xe2\x80\xb9u"
	"sers/all\xe2\x80\xba @\xe2\x81\xa0"
	"b *x* `q` &\xe2\x81\xa0lt;\\\"'\\\\ http:\xe2\x81\xa0//e.\xe2\x81\xa0io/_y_~"
	"z~ #\xe2\x81\xa0r:\xe2\x81\xa0s a.\xe2\x81\xa0io failed to destroy: "
	"\xe2\x80\xb9users/all\xe2\x80\xba @\xe2\x81\xa0"
	"b *x* `q` &\xe2\x81\xa0lt;\\\"'\\\\ http:\xe2\x81\xa0//e.\xe2\x81\xa0io/_y_~"
	"z~ #\xe2\x81\xa0r:\xe2\x81\xa0s a.\xe2\x81\xa0io\"},\"sections\":[{\"widgets"
	"\":[{\"textParagraph\":{\"text\":\"<font color=\\\"#d93025\\\"><b>Failed</b>"
	"</font>\"}},{\"decoratedText\":{\"topLabel\":\"Reason\",\"text\":\"&lt;users"
	"/all&gt; @\xe2\x81\xa0"
	"b *x* `q` &amp;lt;&quot;'\\\\ http:\xe2\x81\xa0//e.\xe2\x81\xa0io/_y_~z~ #"
	"\xe2\x81\xa0r:\xe2\x81\xa0s a.\xe2\x81\xa0io\",\"wrapText\":true}},{\"decora"
	"tedText\":{\"topLabel\":\"Actor\",\"text\":\"&lt;users/all&gt; @\xe2\x81\xa0"
	"b *x* `q` &amp;lt;&quot;'\\\\ http:\xe2\x81\xa0//e.\xe2\x81\xa0io/_y_~z~ #"
	"\xe2\x81\xa0r:\xe2\x81\xa0s a.\xe2\x81\xa0io (us-1)\",\"wrapText\":true}},{"
	"\"decoratedText\":{\"topLabel\":\"Team\",\"text\":\"team-0x5yg3bfyrehlas5fmd"
	"3rslxq\",\"wrapText\":true}},{\"decoratedText\":{\"topLabel\":\"Time\",\"tex"
	"t\":\"2026-05-24 05:02:07 UTC\",\"wrapText\":true}},{\"buttonList\":{\"butto"
	"ns\":[{\"text\":\"Open\",\"onClick\":{\"openLink\":{\"url\":\"https://app.ex"
	"ample/capsules/%3Cusers%2Fall%3E%20%40b%20%2Ax%2A%20%60q%60%20%26lt%3B%22%27"
	"%5C%20http%3A%2F%2Fe.io%2F_y_~z~%20%23r%3As%20a.io\"}}}]}},{\"textParagraph"
	"\":{\"text\":\"<font color=\\\"#5f6368\\\">capsule.destroy</font>\"}}]}]}}],"
	"\"thread\":{\"threadKey\":\"4aa85260f2b63f8827d72210c205ad793f4ee1f0042a17bd"
	"61a23c49b841f933\"}}";

static const char rich_digest[] =
	"{\"fallbackText\":\"10 events, 3 failed\",\"cardsV2\":[{\"cardId\":\"event\""
	",\"card\":{\"header\":{\"title\":\"10 events, 3 failed\"},\"sections\":[{\"w"
	"idgets\":[{\"textParagraph\":{\"text\":\"<font color=\\\"#d93025\\\"><b>Fail"
	"ed</b></font>\"}},{\"textParagraph\":{\"text\":\"3 capsules failed to destro"
	"y\"}},{\"textParagraph\":{\"text\":\"Capsule cl-9 failed to destroy: no &lt;"
	"space&gt; left\"}},{\"textParagraph\":{\"text\":\"and 2 more failed\"}},{\"t"
	"extParagraph\":{\"text\":\"7 capsules paused\"}},{\"decoratedText\":{\"topLa"
	"bel\":\"Team\",\"text\":\"team-0x5yg3bfyrehlas5fmd3rslxq\",\"wrapText\":true"
	"}},{\"decoratedText\":{\"topLabel\":\"From\",\"text\":\"2026-05-24 05:00:00 "
	"UTC\",\"wrapText\":true}},{\"decoratedText\":{\"topLabel\":\"To\",\"text\":"
	"\"2026-05-24 05:02:07 UTC\",\"wrapText\":true}}]}]}}]}";

static const char plain[] =
	"{\"text\":\"Capsule cl-1 paused\\n\\nActor: system\\nTeam: team-0x5yg3bfyreh"
	"las5fmd3rslxq\\nTime: 2026-05-24 05:02:07 UTC\\ncapsule.pause\\nhttps://app."
	"example/capsules/cl-1\",\"thread\":{\"threadKey\":\"37b3d5a89ef4cb2cf00f1834"
	"1678717b5a90bdc733a07fb43768abbbccd31202\"}}";

static const char plain_hostile[] =
	"{\"text\":\"Capsule \xe2\x80\xb9users/all\xe2\x80\xba @\xe2\x81\xa0"
	"b \xe2\x88\x97x\xe2\x88\x97 \xcb\x8bq\xcb\x8b &\xe2\x81\xa0lt;\\\"'\\\\ http"
	":\xe2\x81\xa0//e.\xe2\x81\xa0io/\xef\xbc\xbfy\xef\xbc\xbf\xe2\x88\xbcz"
	"\xe2\x88\xbc #\xe2\x81\xa0r:\xe2\x81\xa0s a.\xe2\x81\xa0io failed to destroy"
	": \xe2\x80\xb9users/all\xe2\x80\xba @\xe2\x81\xa0"
	"b \xe2\x88\x97x\xe2\x88\x97 \xcb\x8bq\xcb\x8b &\xe2\x81\xa0lt;\\\"'\\\\ http"
	":\xe2\x81\xa0//e.\xe2\x81\xa0io/\xef\xbc\xbfy\xef\xbc\xbf\xe2\x88\xbcz"
	"\xe2\x88\xbc #\xe2\x81\xa0r:\xe2\x81\xa0s a.\xe2\x81\xa0io\\n\\nReason: "
	"\xe2\x80\xb9users/all\xe2\x80\xba @\xe2\x81\xa0"
	"b \xe2\x88\x97x\xe2\x88\x97 \xcb\x8bq\xcb\x8b &\xe2\x81\xa0lt;\\\"'\\\\ http"
	":\xe2\x81\xa0//e.\xe2\x81\xa0io/\xef\xbc\xbfy\xef\xbc\xbf\xe2\x88\xbcz"
	"\xe2\x88\xbc #\xe2\x81\xa0r:\xe2\x81\xa0s a.\xe2\x81\xa0io\\nActor: "
	"\xe2\x80\xb9users/all\xe2\x80\xba @\xe2\x81\xa0"
	"b \xe2\x88\x97x\xe2\x88\x97 \xcb\x8bq\xcb\x8b &\xe2\x81\xa0lt;\\\"'\\\\ http"
	":\xe2\x81\xa0//e.\xe2\x81\xa0io/\xef\xbc\xbfy\xef\xbc\xbf\xe2\x88\xbcz"
	"\xe2\x88\xbc #\xe2\x81\xa0r:\xe2\x81\xa0s a.\xe2\x81\xa0io (us-1)\\nTeam: te"
	"am-0x5yg3bfyrehlas5fmd3rslxq\\nTime: 2026-05-24 05:02:07 UTC\\ncapsule.destr"
	"oy\\nhttps://app.example/capsules/%3Cusers%2Fall%3E%20%40b%20%2Ax%2A%20%60q%"
	"60%20%26lt%3B%22%27%5C%20http%3A%2F%2Fe.io%2F_y_~z~%20%23r%3As%20a.io\",\"th"
	"read\":{\"threadKey\":\"4aa85260f2b63f8827d72210c205ad793f4ee1f0042a17bd61a2"
	"3c49b841f933\"}}";

static const char plain_digest[] =
	"{\"text\":\"10 events, 3 failed\\n\\n3 capsules failed to destroy\\nCapsule "
	"cl-9 failed to destroy: no \xe2\x80\xb9space\xe2\x80\xba left\\nand 2 more f"
	"ailed\\n7 capsules paused\\nTeam: team-0x5yg3bfyrehlas5fmd3rslxq\\nFrom: 202"
	"6-05-24 05:00:00 UTC\\nTo: 2026-05-24 05:02:07 UTC\"}";

Test(googlechat_build, writes_every_form_byte_for_byte)
{
	static const struct rig_bodies bodies = {
		.success = { rich, plain },
		.hostile = { rich_hostile, plain_hostile },
		.digest = { rich_digest, plain_digest },
	};

	rig_expect_bodies(NAME, &webhook, &bodies);
}

Test(googlechat_build, posts_to_the_webhook)
{
	rig_expect_head(NAME, &webhook, FORM_RICH, request_head);
}

/* With an option that refuses, kept from before we refused it, the first message of a thread would
 * be lost. */
Test(googlechat_build, keeps_the_owners_thread_and_never_an_option_that_refuses)
{
	static const struct {
		const char *url, *sent;
		bool has_our_thread;
	} cases[] = {
		{ URL "&messageReplyOption=REPLY_MESSAGE_OR_FAIL", URL REPLY, true },
		{ URL "&messageReplyOption=X&a=b", URL "&a=b" REPLY, true },
		{ URL "&messageReplyOption=MESSAGE_REPLY_OPTION_UNSPECIFIED",
		  URL "&messageReplyOption=MESSAGE_REPLY_OPTION_UNSPECIFIED", true },
		{ URL "&threadKey=mine", URL "&threadKey=mine" REPLY, false },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct rig_config config = { { "webhook_url", cases[i].url } };
		struct rig rig;

		rig_success(&rig, NAME);
		cr_assert_eq(rig_build(&rig, &config, FORM_RICH, ""), 0);
		cr_expect_str_eq(buf_text(&rig.out.url), cases[i].sent);
		cr_expect_eq(strstr(buf_text(&rig.out.body), "threadKey") != NULL,
			     cases[i].has_our_thread, "%s", cases[i].url);
		rig_done(&rig);
	}
}

Test(googlechat_build, keeps_the_url_and_asks_for_the_thread_once)
{
	static const struct {
		const char *url, *sent;
	} cases[] = {
		{ URL, URL REPLY },
		{ SPACE "?token=T&key=K", SPACE "?token=T&key=K" REPLY },
		{ SPACE "?a=%20&key=K&b&token=T", SPACE "?a=%20&key=K&b&token=T" REPLY },
		{ SPACE "/?key=K&token=T", SPACE "?key=K&token=T" REPLY },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct rig_config config = { { "webhook_url", cases[i].url } };
		struct rig rig;

		rig_success(&rig, NAME);
		cr_assert_eq(rig_build(&rig, &config, FORM_RICH, ""), 0);
		cr_expect_str_eq(buf_text(&rig.out.url), cases[i].sent);
		rig_done(&rig);
		rig_digest(&rig, NAME);
		cr_assert_eq(rig_build(&rig, &config, FORM_RICH, ""), 0);
		cr_expect_null(strstr(buf_text(&rig.out.url), "Option"), "a digest has no thread");
		rig_done(&rig);
	}
}

Test(googlechat_build, names_the_event_so_that_a_repeat_is_known)
{
	rig_expect_reference(NAME, &webhook,
			     "{\"textParagraph\":{\"text\":\"<font "
			     "color=\\\"#5f6368\\\">capsule.pause \xc2\xb7 7-3</font>\"}}]");
}

Test(googlechat_build, colours_by_outcome)
{
	static const struct rig_tones tones = {
		"<font color=\\\"#188038\\\">", "<font color=\\\"#d93025\\\">",
		"\"widgets\":[{\"textParagraph\":{\"text\":\"3 capsules destroyed\""
	};

	rig_expect_tones(NAME, &webhook, &tones);
}

/* What is more than a hundred is not shown; a paragraph without text is refused. */
Test(googlechat_build, draws_at_most_a_hundred_widgets_and_none_without_text)
{
	const cJSON *widget;
	struct rig rig;
	cJSON *tree;

	rig_full_digest(&rig, NAME);
	cr_assert_eq(rig_build(&rig, &webhook, FORM_RICH, ""), 0);
	cr_assert_eq(json_parse(buf_str(&rig.out.body), OUTGOING_MAX_BODY, &tree, NULL), 0);
	const cJSON *card = json_get(cJSON_GetArrayItem(json_get(tree, "cardsV2"), 0), "card");
	const cJSON *sections = json_get(card, "sections");
	const cJSON *widgets = json_get(cJSON_GetArrayItem(sections, 0), "widgets");

	cr_expect_eq(cJSON_GetArraySize(sections), 1);
	cr_expect_geq(cJSON_GetArraySize(widgets), DIGEST_MAX_GROUPS + DIGEST_MAX_FAILURES);
	cr_expect_leq(cJSON_GetArraySize(widgets), 100);
	cJSON_ArrayForEach(widget, widgets)
	{
		const char *text = json_get_string(json_get(widget, "textParagraph"), "text");

		cr_expect(!text || text[0]);
	}
	cJSON_Delete(tree);
	rig_done(&rig);
}

Test(googlechat_build, lets_nothing_mention_link_or_format)
{
	static const char *const marks[] = { "<users/all>", "<users/1>", "<https://e.io|Pay>",
					     "*b*",         "_i_",       "~s~",
					     "`c`" };

	for (size_t i = 0; i < ARRAY_LEN(marks); i++) {
		struct rig rig;
		cJSON *tree;

		rig_failure(&rig, NAME, marks[i], marks[i], marks[i]);
		for (int form = 0; form < 2; form++) {
			cr_assert_eq(rig_build(&rig, &webhook, (enum message_form)form, ""), 0);
			cr_assert_eq(
				json_parse(buf_str(&rig.out.body), OUTGOING_MAX_BODY, &tree, NULL),
				0);
			const char *shown = json_get_string(tree, form ? "text" : "fallbackText");

			cr_expect_null(strstr(shown, marks[i]), "%s", shown);
			cJSON_Delete(tree);
		}
		rig_done(&rig);
	}
}

Test(googlechat_build, fits_into_the_limit_whatever_the_text)
{
	rig_expect_fit(NAME, &webhook);
}

Test(googlechat_build, keeps_plain_text_within_the_old_limit_of_characters)
{
	struct buf name;
	struct rig rig;
	cJSON *tree;
	size_t count = 0;

	buf_init(&name, EVENT_MAX_BYTES);
	while (name.len < 20000)
		buf_add_text(&name, "*");
	rig_failure(&rig, NAME, "cl-1", buf_text(&name), "boom");
	cr_assert_eq(rig_build(&rig, &webhook, FORM_PLAIN, RIG_LINK), 0);
	cr_assert_eq(json_parse(buf_str(&rig.out.body), OUTGOING_MAX_BODY, &tree, NULL), 0);

	const char *text = json_get_string(tree, "text");
	for (const char *at = text; *at; at++)
		count += (*at & 0xc0) != 0x80;
	cr_expect_leq(count, 4000);
	cr_expect_geq(count, 1000);
	cr_expect_not_null(strstr(text, "\n" RIG_LINK "/capsules/cl-1"));
	cJSON_Delete(tree);
	rig_done(&rig);
	buf_done(&name);
}

Test(googlechat_build, refuses_a_damaged_config)
{
	static const struct rig_config cases[] = {
		{ { "webhook_url", "" } },
		{ { "webhook_url", SPACE } },
		{ { "webhook_url", "https://evil.example/v1/spaces/A/messages?key=K&token=T" } },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct rig rig;

		rig_success(&rig, NAME);
		cr_expect_eq(rig_build(&rig, &cases[i], FORM_RICH, ""), -EINVAL, "case %zu", i);
		rig_done(&rig);
	}
}

Test(googlechat_check, takes_the_webhooks_of_google_chat_alone)
{
	static const struct {
		const char *url;
		int rc;
	} cases[] = {
		{ URL, 0 },
		{ SPACE "?token=T&key=K", 0 },
		{ SPACE "?key=K&threadKey=x&token=T", 0 },
		{ "https://chat.googleapis.com:443/v1/spaces/A/messages?key=K&token=T", 0 },
		{ "HTTPS://Chat.GoogleApis.Com/v1/spaces/A/messages?key=K&token=T", 0 },
		{ "", -EINVAL },
		{ "http://chat.googleapis.com/v1/spaces/A/messages?key=K&token=T", -EINVAL },
		{ "https://chat.googleapis.com:8443/v1/spaces/A/messages?key=K&token=T", -EINVAL },
		{ "https://chat.googleapis.com./v1/spaces/A/messages?key=K&token=T", -EINVAL },
		{ "https://xchat.googleapis.com/v1/spaces/A/messages?key=K&token=T", -EINVAL },
		{ "https://chat.googleapis.com.evil.io/v1/spaces/A/messages?key=K&token=T",
		  -EINVAL },
		{ "https://chat.googleapis.com@evil.io/v1/spaces/A/messages?key=K&token=T",
		  -EINVAL },
		{ HOST "/v1/spaces//messages?key=K&token=T", -EINVAL },
		{ HOST "/v1/spaces/messages?key=K&token=T", -EINVAL },
		{ HOST "/v1/spaces/A/B/messages?key=K&token=T", -EINVAL },
		{ HOST "/v1/spaces/../messages?key=K&token=T", -EINVAL },
		{ HOST "/v1/spaces/A%2F/messages?key=K&token=T", -EINVAL },
		{ HOST "/v1/spaces/A/messages/?key=K&token=T", 0 },
		{ URL "&threadKey=mine&messageReplyOption=REPLY_MESSAGE_FALLBACK_TO_NEW_THREAD",
		  0 },
		{ URL "&messageReplyOption=MESSAGE_REPLY_OPTION_UNSPECIFIED", 0 },
		{ URL "&messageReplyOption=REPLY_MESSAGE_OR_FAIL", -EINVAL },
		{ URL "&threadKey=a&threadKey=b", -EINVAL },
		{ HOST "/v1/spaces/A/members?key=K&token=T", -EINVAL },
		{ HOST "/v2/spaces/A/messages?key=K&token=T", -EINVAL },
		{ SPACE, -EINVAL },
		{ SPACE "?", -EINVAL },
		{ SPACE "?key=K", -EINVAL },
		{ SPACE "?token=T", -EINVAL },
		{ SPACE "?key=&token=T", -EINVAL },
		{ SPACE "?key=K&token=", -EINVAL },
		{ SPACE "?key=K&token", -EINVAL },
		{ SPACE "?Key=K&token=T", -EINVAL },
		{ SPACE "?xkey=K&token=T", -EINVAL },
		{ SPACE "?key=K&token=T&key=L", -EINVAL },
		{ SPACE "?key=K;token=T", -EINVAL },
		{ URL "#x", -EINVAL },
		{ URL " ", -EINVAL },
		{ URL "\r\nX: y", -EINVAL },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct rig_config config = { { "webhook_url", cases[i].url } };
		char field[48];

		cr_expect_eq(rig_check(NAME, &config, field), cases[i].rc, "%s", cases[i].url);
		cr_expect_str_eq(field, cases[i].rc ? "webhook_url" : "", "%s", cases[i].url);
	}
}

/* A space's name is no secret: knowing it alone must not be enough to use up its pace. */
Test(googlechat_paces, goes_by_space_and_token)
{
	static const struct rig_config cases[] = {
		{ { "webhook_url", URL } },
		{ { "webhook_url", SPACE "?token=T%3D&threadKey=x&key=other" } },
		{ { "webhook_url", HOST "/v1/spaces/AAA_b-2/messages?key=K&token=T%3D" } },
		{ { "webhook_url", SPACE "?key=K&token=other" } },
	};
	struct pace paces[ARRAY_LEN(cases)][PROVIDER_MAX_PACES];

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		cr_assert_eq(rig_paces(NAME, &cases[i], paces[i]), 1);
		cr_expect_eq(paces[i][0].burst, 1);
		cr_expect_geq(paces[i][0].interval_us, 1000000);
		cr_expect_leq(paces[i][0].interval_us, 1200000);
	}
	cr_expect_str_eq(paces[0][0].key, paces[1][0].key);
	cr_expect_str_neq(paces[0][0].key, paces[2][0].key);
	cr_expect_str_neq(paces[0][0].key, paces[3][0].key);

	const struct rig_config damaged = { { "webhook_url", "x" } };
	cr_expect_eq(rig_paces(NAME, &damaged, paces[0]), 0);
}

Test(googlechat_measure, counts_the_bytes_of_the_whole_body)
{
	rig_expect_bytes(NAME, &webhook, 32000);
}

#define FAILED(code, status) \
	code, "{\"error\":{\"code\":" #code ",\"message\":\"m\",\"status\":\"" status "\"}}"

Test(googlechat_judge, knows_every_answer)
{
	static const struct rig_answer answers[] = {
		{ 200, "{\"name\":\"spaces/A/messages/B.B\",\"thread\":{\"name\":\"x\"}}",
		  VERDICT_DELIVERED, NULL },
		{ 200, "", VERDICT_RETRY, STRANGER },
		{ 200, "<html>", VERDICT_RETRY, STRANGER },
		{ 204, "{}", VERDICT_DELIVERED, NULL },
		{ 200, "{\"error\":{\"code\":404,\"status\":\"NOT_FOUND\"}}", VERDICT_DISABLE,
		  "deleted" },
		{ 200, "{\"error\":{}}", VERDICT_RETRY, STRANGER },
		{ 200, "{\"error\":\"x\"}", VERDICT_RETRY, STRANGER },
		{ FAILED(400, "INVALID_ARGUMENT"), VERDICT_REFORM, "form" },
		{ FAILED(401, "UNAUTHENTICATED"), VERDICT_DISABLE, "key" },
		{ FAILED(403, "PERMISSION_DENIED"), VERDICT_DISABLE, "does not allow" },
		{ FAILED(404, "NOT_FOUND"), VERDICT_DISABLE, "deleted" },
		{ FAILED(429, "RESOURCE_EXHAUSTED"), VERDICT_RETRY, NULL },
		{ FAILED(500, "INTERNAL"), VERDICT_RETRY, NULL },
		{ FAILED(503, "UNAVAILABLE"), VERDICT_RETRY, NULL },
		{ FAILED(504, "DEADLINE_EXCEEDED"), VERDICT_RETRY, NULL },
		{ 400,
		  "{\"error\":{\"code\":400,\"message\":\"API key not valid. Please pass a valid "
		  "API key.\",\"status\":\"INVALID_ARGUMENT\"}}",
		  VERDICT_DISABLE, "key" },
		{ 403, "{\"code\":403,\"message\":\"m\",\"status\":\"PERMISSION_DENIED\"}",
		  VERDICT_DISABLE, "does not allow" },
		/* What other services answer. */
		{ 404, "{\"code\":404,\"message\":\"bare\"}", VERDICT_RETRY, STRANGER },
		{ 404, "{\"error\":{\"code\":404,\"message\":\"m\"}}", VERDICT_RETRY, STRANGER },
		{ 403, "{\"code\":403,\"message\":\"m\",\"status\":\"error\"}", VERDICT_RETRY,
		  STRANGER },
		{ 404, "{\"message\":\"m\",\"status\":\"NOT_FOUND\"}", VERDICT_RETRY, STRANGER },
		{ 400, "{\"error\":{\"status\":\"RESOURCE_EXHAUSTED\"}}", VERDICT_RETRY, NULL },
		{ 404, "<html>", VERDICT_RETRY, STRANGER },
		{ 403, "", VERDICT_RETRY, STRANGER },
		{ 401, "[]", VERDICT_RETRY, STRANGER },
		{ 400, "{\"error\":{\"code\":\"404\",\"status\":7}}", VERDICT_RETRY, STRANGER },
		{ 502, "<html>", VERDICT_RETRY, STRANGER },
		{ 408, "", VERDICT_RETRY, STRANGER },
		{ 302, "", VERDICT_RETRY, "redirected, which is not followed" },
		{ 410, "", VERDICT_RETRY, STRANGER },
		{ 413, "", VERDICT_RETRY, STRANGER },
	};

	rig_expect_answers(NAME, answers, ARRAY_LEN(answers));
	rig_expect_unknown(NAME, FAILED(409, "ALREADY_EXISTS"));
	rig_expect_unknown(NAME, FAILED(400, "FAILED_PRECONDITION"));
	rig_expect_unknown(NAME, FAILED(404, "SOMETHING_NEW"));
}

Test(googlechat_judge, slows_the_space_down_when_it_was_too_much)
{
	const struct answer bare = { .status = 429 };
	const struct answer hinted = { .status = 429, .headers = STR("Retry-After: 9\r\n") };
	struct verdict verdict = provider_find(STR(NAME))->judge(&bare, RIG_NOW_US);

	cr_expect(verdict.is_throttled);
	cr_expect_eq(verdict.retry_after_ms, -1);
	verdict = provider_find(STR(NAME))->judge(&hinted, RIG_NOW_US);
	cr_expect(verdict.is_throttled);
	cr_expect_eq(verdict.retry_after_ms, 9000);
	cr_expect_eq(verdict.pause_ms, 9000);
}

Test(googlechat_judge, goes_by_the_fault_without_an_answer)
{
	const struct answer late = { .fault = ANSWER_TIMEOUT };
	const struct answer refused = { .fault = ANSWER_REFUSED };
	const struct answer large = { .fault = ANSWER_TOO_LARGE, .status = 200 };

	cr_expect_eq(provider_find(STR(NAME))->judge(&late, 0).kind, VERDICT_RETRY);
	cr_expect_eq(provider_find(STR(NAME))->judge(&refused, 0).kind, VERDICT_REJECT);
	cr_expect_eq(provider_find(STR(NAME))->judge(&large, 0).kind, VERDICT_DELIVERED);
}
