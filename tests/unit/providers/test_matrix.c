/* SPDX-License-Identifier: Apache-2.0 */

/* Matrix: settings accepted and refused, requests byte for byte, and every answer's verdict. */
#include <criterion/criterion.h>
#include <errno.h>

#include "chat_rig.h"
#include "core/json.h"

#define BASE "https://hs.example"
#define ROOM "!r/1:hs.example"
#define NAME "matrix"

static const struct rig_config room = { { "homeserver_url", BASE "/base//", "access_token", "tok",
					  "room_id", ROOM } };

static const char request_head[] =
	"PUT https://hs.example/base/_matrix/client/v3/rooms/%21r%2F1%3Ahs.example/send/m.roo"
	"m.message/4f0c5a4e-8f5e-5b7e-9c39-6a1f5f0d2b11\nContent-Type: application/json\n"
	"Authorization: Bearer tok\nUser-Agent: wrenn-events/0.1.0\n"
	"\n";

static const char rich[] =
	"{\"msgtype\":\"m.notice\",\"m.mentions\":{},\"body\":\"Capsule cl-1 paused\\"
	"n\\nActor: system\\nTeam: team-0x5yg3bfyrehlas5fmd3rslxq\\nTime: 2026-05-24 "
	"05:02:07 UTC\\ncapsule.pause\\nhttps://app.example/capsules/cl-1\",\"format"
	"\":\"org.matrix.custom.html\",\"formatted_body\":\"<h4><span data-mx-color="
	"\\\"#2da44e\\\">Capsule <code>cl-1</code> paused</span></h4><ul><li><b>Actor"
	":</b> <code>system</code></li><li><b>Team:</b> <code>team-0x5yg3bfyrehlas5fm"
	"d3rslxq</code></li><li><b>Time:</b> <code>2026-05-24 05:02:07 UTC</code></li"
	"></ul><p><code>capsule.pause</code></p><p><a href=\\\"https://app.example/ca"
	"psules/cl-1\\\">Open</a></p>\"}";

static const char rich_hostile[] =
	"{\"msgtype\":\"m.text\",\"m.mentions\":{},\"body\":\"Capsule <users/all> @"
	"\xe2\x81\xa0"
	"b *x* `q` &lt;\\\"'\\\\ http:\xe2\x81\xa0//e.\xe2\x81\xa0io/_y_~z~ #"
	"\xe2\x81\xa0r:\xe2\x81\xa0s a.\xe2\x81\xa0io failed to destroy: <users/all> "
	"@\xe2\x81\xa0"
	"b *x* `q` &lt;\\\"'\\\\ http:\xe2\x81\xa0//e.\xe2\x81\xa0io/_y_~z~ #"
	"\xe2\x81\xa0r:\xe2\x81\xa0s a.\xe2\x81\xa0io\\n\\nReason: <users/all> @"
	"\xe2\x81\xa0"
	"b *x* `q` &lt;\\\"'\\\\ http:\xe2\x81\xa0//e.\xe2\x81\xa0io/_y_~z~ #"
	"\xe2\x81\xa0r:\xe2\x81\xa0s a.\xe2\x81\xa0io\\nActor: <users/all> @"
	"\xe2\x81\xa0"
	"b *x* `q` &lt;\\\"'\\\\ http:\xe2\x81\xa0//e.\xe2\x81\xa0io/_y_~z~ #"
	"\xe2\x81\xa0r:\xe2\x81\xa0s a.\xe2\x81\xa0io (us-1)\\nTeam: team-0x5yg3bfyre"
	"hlas5fmd3rslxq\\nTime: 2026-05-24 05:02:07 UTC\\ncapsule.destroy\\nhttps://a"
	"pp.example/capsules/%3Cusers%2Fall%3E%20%40b%20%2Ax%2A%20%60q%60%20%26lt%3B%"
	"22%27%5C%20http%3A%2F%2Fe.io%2F_y_~z~%20%23r%3As%20a.io\",\"format\":\"org.m"
	"atrix.custom.html\",\"formatted_body\":\"<h4><span data-mx-color=\\\"#d73a49"
	"\\\">Capsule <code>&lt;users/all&gt; @b *x* `q` &amp;lt;&quot;&#39;\\\\ http"
	"://e.io/_y_~z~ #r:s a.io</code> failed to destroy: <code>&lt;users/all&gt; @"
	"b *x* `q` &amp;lt;&quot;&#39;\\\\ http://e.io/_y_~z~ #r:s a.io</code></span>"
	"</h4><ul><li><b>Reason:</b> <code>&lt;users/all&gt; @b *x* `q` &amp;lt;&quot"
	";&#39;\\\\ http://e.io/_y_~z~ #r:s a.io</code></li><li><b>Actor:</b> <code>&"
	"lt;users/all&gt; @b *x* `q` &amp;lt;&quot;&#39;\\\\ http://e.io/_y_~z~ #r:s "
	"a.io (us-1)</code></li><li><b>Team:</b> <code>team-0x5yg3bfyrehlas5fmd3rslxq"
	"</code></li><li><b>Time:</b> <code>2026-05-24 05:02:07 UTC</code></li></ul><"
	"p><code>capsule.destroy</code></p><p><a href=\\\"https://app.example/capsule"
	"s/%3Cusers%2Fall%3E%20%40b%20%2Ax%2A%20%60q%60%20%26lt%3B%22%27%5C%20http%3A"
	"%2F%2Fe.io%2F_y_~z~%20%23r%3As%20a.io\\\">Open</a></p>\"}";

static const char rich_digest[] =
	"{\"msgtype\":\"m.text\",\"m.mentions\":{},\"body\":\"10 events, 3 failed\\n"
	"\\n3 capsules failed to destroy\\nCapsule cl-9 failed to destroy: no <space>"
	" left\\nand 2 more failed\\n7 capsules paused\\nTeam: team-0x5yg3bfyrehlas5f"
	"md3rslxq\\nFrom: 2026-05-24 05:00:00 UTC\\nTo: 2026-05-24 05:02:07 UTC\",\"f"
	"ormat\":\"org.matrix.custom.html\",\"formatted_body\":\"<h4><span data-mx-co"
	"lor=\\\"#d73a49\\\">10 events, 3 failed</span></h4><ul><li><code>3 capsules "
	"failed to destroy</code></li><li><code>Capsule cl-9 failed to destroy: no &l"
	"t;space&gt; left</code></li><li><code>and 2 more failed</code></li><li><code"
	">7 capsules paused</code></li><li><b>Team:</b> <code>team-0x5yg3bfyrehlas5fm"
	"d3rslxq</code></li><li><b>From:</b> <code>2026-05-24 05:00:00 UTC</code></li"
	"><li><b>To:</b> <code>2026-05-24 05:02:07 UTC</code></li></ul>\"}";

static const char plain[] =
	"{\"msgtype\":\"m.notice\",\"m.mentions\":{},\"body\":\"Capsule cl-1 paused\\"
	"n\\nActor: system\\nTeam: team-0x5yg3bfyrehlas5fmd3rslxq\\nTime: 2026-05-24 "
	"05:02:07 UTC\\ncapsule.pause\\nhttps://app.example/capsules/cl-1\"}";

static const char plain_hostile[] =
	"{\"msgtype\":\"m.text\",\"m.mentions\":{},\"body\":\"Capsule <users/all> @"
	"\xe2\x81\xa0"
	"b *x* `q` &lt;\\\"'\\\\ http:\xe2\x81\xa0//e.\xe2\x81\xa0io/_y_~z~ #"
	"\xe2\x81\xa0r:\xe2\x81\xa0s a.\xe2\x81\xa0io failed to destroy: <users/all> "
	"@\xe2\x81\xa0"
	"b *x* `q` &lt;\\\"'\\\\ http:\xe2\x81\xa0//e.\xe2\x81\xa0io/_y_~z~ #"
	"\xe2\x81\xa0r:\xe2\x81\xa0s a.\xe2\x81\xa0io\\n\\nReason: <users/all> @"
	"\xe2\x81\xa0"
	"b *x* `q` &lt;\\\"'\\\\ http:\xe2\x81\xa0//e.\xe2\x81\xa0io/_y_~z~ #"
	"\xe2\x81\xa0r:\xe2\x81\xa0s a.\xe2\x81\xa0io\\nActor: <users/all> @"
	"\xe2\x81\xa0"
	"b *x* `q` &lt;\\\"'\\\\ http:\xe2\x81\xa0//e.\xe2\x81\xa0io/_y_~z~ #"
	"\xe2\x81\xa0r:\xe2\x81\xa0s a.\xe2\x81\xa0io (us-1)\\nTeam: team-0x5yg3bfyre"
	"hlas5fmd3rslxq\\nTime: 2026-05-24 05:02:07 UTC\\ncapsule.destroy\\nhttps://a"
	"pp.example/capsules/%3Cusers%2Fall%3E%20%40b%20%2Ax%2A%20%60q%60%20%26lt%3B%"
	"22%27%5C%20http%3A%2F%2Fe.io%2F_y_~z~%20%23r%3As%20a.io\"}";

static const char plain_digest[] =
	"{\"msgtype\":\"m.text\",\"m.mentions\":{},\"body\":\"10 events, 3 failed\\n"
	"\\n3 capsules failed to destroy\\nCapsule cl-9 failed to destroy: no <space>"
	" left\\nand 2 more failed\\n7 capsules paused\\nTeam: team-0x5yg3bfyrehlas5f"
	"md3rslxq\\nFrom: 2026-05-24 05:00:00 UTC\\nTo: 2026-05-24 05:02:07 UTC\"}";

Test(matrix_build, writes_every_form_byte_for_byte)
{
	static const struct rig_bodies bodies = {
		.success = { rich, plain },
		.hostile = { rich_hostile, plain_hostile },
		.digest = { rich_digest, plain_digest },
	};

	rig_expect_bodies(NAME, &room, &bodies);
}

Test(matrix_build, colours_by_outcome)
{
	static const struct rig_tones tones = { "<span data-mx-color=\\\"#2da44e\\\">",
						"<span data-mx-color=\\\"#d73a49\\\">",
						"\"formatted_body\":\"<h4>10 events" };

	rig_expect_tones(NAME, &room, &tones);
}

Test(matrix_build, puts_the_message_under_the_delivery_id)
{
	rig_expect_head(NAME, &room, FORM_RICH, request_head);
}

Test(matrix_build, asks_for_the_room_behind_an_alias)
{
	static const struct rig_config config = { { "homeserver_url", BASE "/", "access_token",
						    "tok", "room_id",
						    "#caf\xc3\xa9/ops:hs:8448" } };
	struct rig rig;

	rig_success(&rig, NAME);
	for (int form = 0; form < 2; form++) {
		cr_assert_eq(rig_build(&rig, &config, (enum message_form)form, RIG_LINK), 0);
		cr_expect_str_eq(rig_request(&rig), "GET " BASE "/_matrix/client/v3/directory/room/"
						    "%23caf%C3%A9%2Fops%3Ahs%3A8448\n"
						    "Authorization: Bearer tok\n"
						    "User-Agent: wrenn-events/0.1.0\n\n");
	}
	rig_done(&rig);
}

Test(matrix_build, encodes_everything_but_unreserved_characters_of_a_room)
{
	static const struct {
		const char *room_id, *path;
	} cases[] = {
		{ "!Az09-._~:x", "%21Az09-._~%3Ax" },
		{ "!31hneApxJ_1o-63DmFrpeqnkFfWppnzWso1JvH3ogLM",
		  "%2131hneApxJ_1o-63DmFrpeqnkFfWppnzWso1JvH3ogLM" },
		{ "!../..?#%+ @x", "%21..%2F..%3F%23%25%2B%20%40x" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct rig_config config = { { "homeserver_url", BASE, "access_token", "tok",
						     "room_id", cases[i].room_id } };
		struct buf wanted;
		struct rig rig;

		buf_init(&wanted, 1000);
		buf_addf(&wanted,
			 BASE "/_matrix/client/v3/rooms/%s/send/m.room.message/" RIG_DELIVERY,
			 cases[i].path);
		rig_success(&rig, NAME);
		cr_assert_eq(rig_build(&rig, &config, FORM_RICH, ""), 0);
		cr_expect_str_eq(buf_text(&rig.out.url), buf_text(&wanted));
		rig_done(&rig);
		buf_done(&wanted);
	}
}

/* A homeserver answers a transaction id it knows with the old event and shows nothing. */
Test(matrix_build, takes_another_transaction_when_sent_again_on_request)
{
	static const struct {
		unsigned before;
		const char *end;
	} cases[] = {
		{ 0, "/" RIG_DELIVERY },
		{ 1, "/" RIG_DELIVERY ".1" },
		{ 4294967294, "/" RIG_DELIVERY ".4294967294" },
	};
	struct rig rig;

	rig_success(&rig, NAME);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		rig.before = cases[i].before;
		cr_assert_eq(rig_build(&rig, &room, FORM_RICH, ""), 0);
		cr_expect_str_eq(strrchr(buf_text(&rig.out.url), '/'), cases[i].end);
	}
	rig_done(&rig);
}

Test(matrix_build, fits_into_the_limit_whatever_the_text)
{
	rig_expect_fit(NAME, &room);
}

Test(matrix_build, refuses_a_damaged_config)
{
	static const struct rig_config cases[] = {
		{ { "homeserver_url", "", "access_token", "t", "room_id", "!r" } },
		{ { "homeserver_url", BASE, "access_token", "", "room_id", "!r" } },
		{ { "homeserver_url", BASE, "access_token", "t", "room_id", "" } },
		{ { "homeserver_url", BASE, "access_token", "t\r\nX: y", "room_id", "!r" } },
		{ { "homeserver_url", BASE "?x", "access_token", "t", "room_id", "!r" } },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct rig rig;

		rig_success(&rig, NAME);
		cr_expect_eq(rig_build(&rig, &cases[i], FORM_RICH, ""), -EINVAL, "case %zu", i);
		rig_done(&rig);
	}
}

#define X50  "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
#define X250 X50 X50 X50 X50 X50

Test(matrix_check, knows_a_homeserver_a_token_and_a_room)
{
	static const struct {
		const char *url, *token, *room_id, *field; /* field NULL: accepted */
	} cases[] = {
		{ BASE, "syt_a-b.c~", "!r:hs", NULL },
		{ BASE "///", "t", "!r", NULL },
		{ "http://hs:8008/base/path/", "t", "#a:hs:8448", NULL },
		{ BASE, "t", "!\xc3\xa9 x", NULL },
		{ BASE, "t", "!xxxx" X250, NULL },
		{ BASE, "t", "#x:x" X250, NULL },
		{ "", "t", "!r", "homeserver_url" },
		{ "hs.example", "t", "!r", "homeserver_url" },
		{ "ftp://hs.example", "t", "!r", "homeserver_url" },
		{ "https://", "t", "!r", "homeserver_url" },
		{ "////", "t", "!r", "homeserver_url" },
		{ BASE "?", "t", "!r", "homeserver_url" },
		{ BASE "/?access_token=x", "t", "!r", "homeserver_url" },
		{ BASE "/#x", "t", "!r", "homeserver_url" },
		{ "https://u:p@hs.example", "t", "!r", "homeserver_url" },
		{ BASE "/a b", "t", "!r", "homeserver_url" },
		{ BASE, "", "!r", "access_token" },
		{ BASE, "a b", "!r", "access_token" },
		{ BASE, "a\nb", "!r", "access_token" },
		{ BASE, "a\r\nX: y", "!r", "access_token" },
		{ BASE, "caf\xc3\xa9", "!r", "access_token" },
		{ BASE, "a\x7f", "!r", "access_token" },
		{ BASE, "t", "", "room_id" },
		{ BASE, "t", "!", "room_id" },
		{ BASE, "t", "r:hs", "room_id" },
		{ BASE, "t", "@u:hs", "room_id" },
		{ BASE, "t", "#", "room_id" },
		{ BASE, "t", "#a", "room_id" },
		{ BASE, "t", "#:hs", "room_id" },
		{ BASE, "t", "#a:", "room_id" },
		{ BASE, "t", "!xxxxx" X250, "room_id" },
		{ BASE, "t", "#x:xxx" X250, "room_id" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct rig_config config = { { "homeserver_url", cases[i].url, "access_token",
						     cases[i].token, "room_id",
						     cases[i].room_id } };
		char field[48];

		cr_expect_eq(rig_check(NAME, &config, field), cases[i].field ? -EINVAL : 0,
			     "case %zu", i);
		cr_expect_str_eq(field, cases[i].field ? cases[i].field : "", "case %zu", i);
	}
}

Test(matrix_paces, goes_by_token_across_rooms)
{
	static const struct rig_config cases[] = {
		{ { "homeserver_url", BASE, "access_token", "tok", "room_id", "!a" } },
		{ { "homeserver_url", BASE "/", "access_token", "tok", "room_id", "#b:c" } },
		{ { "homeserver_url", BASE, "access_token", "tol", "room_id", "!a" } },
	};
	struct pace paces[ARRAY_LEN(cases)][PROVIDER_MAX_PACES];

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		cr_assert_eq(rig_paces(NAME, &cases[i], paces[i]), 1);
		cr_expect_eq(paces[i][0].burst, 10);
		cr_expect_geq(paces[i][0].interval_us, 5000000);
		cr_expect_leq(paces[i][0].interval_us, 5500000);
	}
	cr_expect_str_eq(paces[0][0].key, paces[1][0].key);
	cr_expect_str_neq(paces[0][0].key, paces[2][0].key);
}

Test(matrix_measure, counts_the_bytes_of_the_content)
{
	rig_expect_bytes(NAME, &room, 40000);
}

#define FAILED(status, errcode) status, "{\"errcode\":\"" errcode "\",\"error\":\"words\"}"

Test(matrix_judge, knows_every_answer)
{
	static const struct rig_answer answers[] = {
		{ 200, "{\"event_id\":\"$abc\"}", VERDICT_DELIVERED, NULL },
		{ 200, "{\"event_id\":\"\"}", VERDICT_RETRY, STRANGER },
		{ 200, "{\"event_id\":7}", VERDICT_RETRY, STRANGER },
		{ 200, "{}", VERDICT_RETRY, STRANGER },
		{ 200, "<html>", VERDICT_RETRY, STRANGER },
		{ 204, "", VERDICT_RETRY, STRANGER },
		{ FAILED(401, "M_UNKNOWN_TOKEN"), VERDICT_DISABLE, "token" },
		{ FAILED(401, "M_MISSING_TOKEN"), VERDICT_DISABLE, "token" },
		{ FAILED(401, "M_UNAUTHORIZED"), VERDICT_DISABLE, "does not accept" },
		{ FAILED(403, "M_USER_DEACTIVATED"), VERDICT_DISABLE, "deactivated" },
		{ FAILED(403, "M_FORBIDDEN"), VERDICT_DISABLE, "joined" },
		{ FAILED(403, "M_USER_SUSPENDED"), VERDICT_DISABLE, "suspended" },
		{ FAILED(404, "M_UNRECOGNIZED"), VERDICT_DISABLE, "does not lead" },
		{ FAILED(403, "M_CONSENT_NOT_GIVEN"), VERDICT_DISABLE, "terms" },
		{ FAILED(405, "M_UNRECOGNIZED"), VERDICT_DISABLE, "does not lead" },
		{ 404, "<html>", VERDICT_RETRY, STRANGER },
		{ 403, "{\"error\":\"somebody else's\"}", VERDICT_RETRY, STRANGER },
		{ 301, "", VERDICT_RETRY, "redirected, which is not followed" },
		{ FAILED(404, "M_NOT_FOUND"), VERDICT_DISABLE, "does not know the room" },
		{ FAILED(400, "M_INVALID_PARAM"), VERDICT_DISABLE, "room" },
		{ FAILED(413, "M_TOO_LARGE"), VERDICT_REFORM, "too large" },
		{ FAILED(400, "M_BAD_JSON"), VERDICT_REFORM, "form" },
		{ FAILED(400, "M_NOT_JSON"), VERDICT_REFORM, "read" },
		{ FAILED(429, "M_LIMIT_EXCEEDED"), VERDICT_RETRY, NULL },
		{ FAILED(400, "M_LIMIT_EXCEEDED"), VERDICT_RETRY, NULL },
		{ FAILED(403, "M_RESOURCE_LIMIT_EXCEEDED"), VERDICT_RETRY, "limits" },
		{ FAILED(401, "M_USER_LOCKED"), VERDICT_RETRY, "locked" },
		{ FAILED(500, "M_UNKNOWN"), VERDICT_RETRY, NULL },
		{ FAILED(429, "M_UNKNOWN"), VERDICT_RETRY, NULL },
		{ FAILED(502, "M_UNKNOWN"), VERDICT_RETRY, NULL },
		/* The errcode counts, whatever the status. */
		{ FAILED(403, "M_UNKNOWN_TOKEN"), VERDICT_DISABLE, "token" },
		{ FAILED(400, "M_TOO_LARGE"), VERDICT_REFORM, "too large" },
		{ 405, "<html>", VERDICT_RETRY, STRANGER },
		{ 400, "{\"errcode\":7}", VERDICT_RETRY, STRANGER },
		{ 400, "{\"errcode\":\"not found\"}", VERDICT_RETRY, STRANGER },
		{ 502, "<html>", VERDICT_RETRY, STRANGER },
		{ 429, "<html>", VERDICT_RETRY, NULL },
		{ 408, "", VERDICT_RETRY, STRANGER },
	};

	rig_expect_answers(NAME, answers, ARRAY_LEN(answers));
	rig_expect_unknown(NAME, FAILED(400, "M_UNKNOWN"));
	rig_expect_unknown(NAME, FAILED(403, "M_SOMETHING_NEW"));
}

Test(matrix_judge, waits_as_long_as_it_is_told)
{
	static const struct {
		int status;
		const char *headers, *body;
		int64_t wait_ms;
		bool is_throttled;
	} cases[] = {
		{ 429, "Retry-After: 4\r\n",
		  "{\"errcode\":\"M_LIMIT_EXCEEDED\",\"retry_after_ms\":2500}", 4000, true },
		{ 429, "", "{\"errcode\":\"M_LIMIT_EXCEEDED\",\"retry_after_ms\":2500}", 2500,
		  true },
		{ 429, "", "{\"errcode\":\"M_LIMIT_EXCEEDED\",\"retry_after_ms\":0.5}", 1, true },
		{ 429, "", "{\"errcode\":\"M_LIMIT_EXCEEDED\",\"retry_after_ms\":1e99}", 3600000,
		  true },
		{ 429, "", "{\"errcode\":\"M_LIMIT_EXCEEDED\",\"retry_after_ms\":\"9\"}", -1,
		  true },
		{ 429, "", "", -1, true },
		/* Slowly: no owner is that quick. */
		{ 403, "", "{\"errcode\":\"M_RESOURCE_LIMIT_EXCEEDED\"}", 600000, false },
		{ 401, "Retry-After: 1000\r\n", "{\"errcode\":\"M_USER_LOCKED\"}", 1000000, false },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct answer answer = { .status = cases[i].status,
					       .headers = str_of(cases[i].headers),
					       .body = str_of(cases[i].body) };
		struct verdict verdict = provider_find(STR(NAME))->judge(&answer, RIG_NOW_US);

		cr_expect_eq(verdict.kind, VERDICT_RETRY, "case %zu", i);
		cr_expect_eq(verdict.retry_after_ms, cases[i].wait_ms, "case %zu", i);
		cr_expect_eq(verdict.is_throttled, cases[i].is_throttled, "case %zu", i);
		cr_expect_eq(verdict.pause_ms, cases[i].is_throttled ? cases[i].wait_ms : -1,
			     "case %zu", i);
	}
}

Test(matrix_judge, stores_the_room_behind_an_alias)
{
	static const struct {
		const char *body, *value; /* value NULL: not taken */
	} cases[] = {
		{ "{\"room_id\":\"!abc:hs\",\"servers\":[\"hs\"]}", "!abc:hs" },
		{ "{\"room_id\":\"!31hneApxJ_1o-63DmFrpeqnkFfWppnzWso1JvH3ogLM\"}",
		  "!31hneApxJ_1o-63DmFrpeqnkFfWppnzWso1JvH3ogLM" },
		{ "{\"room_id\":\"!xxxx" X250 "\"}", "!xxxx" X250 },
		{ "{\"room_id\":\"!xxxxx" X250 "\"}", NULL },
		{ "{\"room_id\":\"#abc:hs\"}", NULL },
		{ "{\"room_id\":\"!\"}", NULL },
		{ "{\"room_id\":\"\"}", NULL },
		{ "{\"room_id\":null}", NULL },
		{ "{\"room_id\":[\"!a\"]}", NULL },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct verdict verdict = rig_judge(NAME, 200, cases[i].body);

		if (cases[i].value) {
			cr_assert_eq(verdict.kind, VERDICT_REBIND, "case %zu", i);
			cr_expect_str_eq(verdict.field, "room_id");
			cr_expect_str_eq(verdict.value, cases[i].value);
		} else {
			cr_expect_eq(verdict.kind, VERDICT_RETRY, "case %zu", i);
		}
	}
}

Test(matrix_judge, goes_by_the_fault_without_an_answer)
{
	const struct answer late = { .fault = ANSWER_TIMEOUT };
	const struct answer refused = { .fault = ANSWER_REFUSED };
	const struct answer large = { .fault = ANSWER_TOO_LARGE, .status = 200 };

	cr_expect_eq(provider_find(STR(NAME))->judge(&late, 0).kind, VERDICT_RETRY);
	cr_expect_eq(provider_find(STR(NAME))->judge(&refused, 0).kind, VERDICT_REJECT);
	/* No homeserver sends a response that long, and the transaction id makes another try
	 * harmless. */
	cr_expect_eq(provider_find(STR(NAME))->judge(&large, 0).kind, VERDICT_RETRY);
}
