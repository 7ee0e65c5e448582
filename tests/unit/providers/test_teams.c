/* SPDX-License-Identifier: Apache-2.0 */

/* Teams: settings accepted, warned of and refused, requests byte for byte, every answer's
 * verdict. */
#include <criterion/criterion.h>
#include <errno.h>

#include "chat_rig.h"
#include "providers/provider.h"

#define NAME     "teams"
#define HEX      "0123456789abcdef0123456789abcdef"
#define INVOKE   "/workflows/" HEX "/triggers/manual/paths/invoke"
#define PLATFORM "https://e.01.environment.api.powerplatform.com"
#define DIRECT   "/powerautomate/automations/direct"
#define WORKFLOW PLATFORM DIRECT INVOKE "?api-version=1&sig=abc"
#define MOVED    "https://prod-01.westus.logic.azure.com:443" INVOKE "?sp=%2Frun&sig=abc"
#define GUID     "01234567-89ab-cdef-0123-456789abcdef"
#define CONNECTOR \
	"https://t.webhook.office.com/webhookb2/" GUID "@" GUID "/IncomingWebhook/ab/" GUID

static const struct rig_config config = { { "webhook_url", WORKFLOW } };

static const char rich[] =
	"{\"type\":\"message\",\"attachments\":[{\"contentType\":\"application/vnd.mi"
	"crosoft.card.adaptive\",\"contentUrl\":null,\"content\":{\"$schema\":\"http:"
	"//adaptivecards.io/schemas/adaptive-card.json\",\"type\":\"AdaptiveCard\",\""
	"version\":\"1.4\",\"msteams\":{\"width\":\"Full\"},\"body\":[{\"type\":\"Ric"
	"hTextBlock\",\"inlines\":[{\"type\":\"TextRun\",\"text\":\"Capsule cl-1 paus"
	"ed\",\"weight\":\"Bolder\",\"size\":\"Large\",\"color\":\"Good\"}]},{\"type"
	"\":\"RichTextBlock\",\"inlines\":[{\"type\":\"TextRun\",\"text\":\"Actor: \""
	",\"weight\":\"Bolder\"},{\"type\":\"TextRun\",\"text\":\"system\"}]},{\"type"
	"\":\"RichTextBlock\",\"inlines\":[{\"type\":\"TextRun\",\"text\":\"Team: \","
	"\"weight\":\"Bolder\"},{\"type\":\"TextRun\",\"text\":\"team-0x5yg3bfyrehlas"
	"5fmd3rslxq\"}]},{\"type\":\"RichTextBlock\",\"inlines\":[{\"type\":\"TextRun"
	"\",\"text\":\"Time: \",\"weight\":\"Bolder\"},{\"type\":\"TextRun\",\"text\""
	":\"2026-05-24 05:02:07 UTC\"}]},{\"type\":\"RichTextBlock\",\"inlines\":[{\""
	"type\":\"TextRun\",\"text\":\"capsule.pause\",\"size\":\"Small\",\"isSubtle"
	"\":true}]}],\"actions\":[{\"type\":\"Action.OpenUrl\",\"title\":\"Open\",\"u"
	"rl\":\"https://app.example/capsules/cl-1\"}]}}]}";

static const char rich_hostile[] =
	"{\"type\":\"message\",\"attachments\":[{\"contentType\":\"application/vnd.mi"
	"crosoft.card.adaptive\",\"contentUrl\":null,\"content\":{\"$schema\":\"http:"
	"//adaptivecards.io/schemas/adaptive-card.json\",\"type\":\"AdaptiveCard\",\""
	"version\":\"1.4\",\"msteams\":{\"width\":\"Full\"},\"body\":[{\"type\":\"Ric"
	"hTextBlock\",\"inlines\":[{\"type\":\"TextRun\",\"text\":\"Capsule <users/al"
	"l> @\xe2\x81\xa0"
	"b *x* `q` &lt;\\\"'\\\\ http:\xe2\x81\xa0//e.\xe2\x81\xa0io/_y_~z~ #"
	"\xe2\x81\xa0r:\xe2\x81\xa0s a.\xe2\x81\xa0io failed to destroy: <users/all> "
	"@\xe2\x81\xa0"
	"b *x* `q` &lt;\\\"'\\\\ http:\xe2\x81\xa0//e.\xe2\x81\xa0io/_y_~z~ #"
	"\xe2\x81\xa0r:\xe2\x81\xa0s a.\xe2\x81\xa0io\",\"weight\":\"Bolder\",\"size"
	"\":\"Large\",\"color\":\"Attention\"}]},{\"type\":\"RichTextBlock\",\"inline"
	"s\":[{\"type\":\"TextRun\",\"text\":\"Reason: \",\"weight\":\"Bolder\"},{\"t"
	"ype\":\"TextRun\",\"text\":\"<users/all> @\xe2\x81\xa0"
	"b *x* `q` &lt;\\\"'\\\\ http:\xe2\x81\xa0//e.\xe2\x81\xa0io/_y_~z~ #"
	"\xe2\x81\xa0r:\xe2\x81\xa0s a.\xe2\x81\xa0io\"}]},{\"type\":\"RichTextBlock"
	"\",\"inlines\":[{\"type\":\"TextRun\",\"text\":\"Actor: \",\"weight\":\"Bold"
	"er\"},{\"type\":\"TextRun\",\"text\":\"<users/all> @\xe2\x81\xa0"
	"b *x* `q` &lt;\\\"'\\\\ http:\xe2\x81\xa0//e.\xe2\x81\xa0io/_y_~z~ #"
	"\xe2\x81\xa0r:\xe2\x81\xa0s a.\xe2\x81\xa0io (us-1)\"}]},{\"type\":\"RichTex"
	"tBlock\",\"inlines\":[{\"type\":\"TextRun\",\"text\":\"Team: \",\"weight\":"
	"\"Bolder\"},{\"type\":\"TextRun\",\"text\":\"team-0x5yg3bfyrehlas5fmd3rslxq"
	"\"}]},{\"type\":\"RichTextBlock\",\"inlines\":[{\"type\":\"TextRun\",\"text"
	"\":\"Time: \",\"weight\":\"Bolder\"},{\"type\":\"TextRun\",\"text\":\"2026-0"
	"5-24 05:02:07 UTC\"}]},{\"type\":\"RichTextBlock\",\"inlines\":[{\"type\":\""
	"TextRun\",\"text\":\"capsule.destroy\",\"size\":\"Small\",\"isSubtle\":true}"
	"]}],\"actions\":[{\"type\":\"Action.OpenUrl\",\"title\":\"Open\",\"url\":\"h"
	"ttps://app.example/capsules/%3Cusers%2Fall%3E%20%40b%20%2Ax%2A%20%60q%60%20%"
	"26lt%3B%22%27%5C%20http%3A%2F%2Fe.io%2F_y_~z~%20%23r%3As%20a.io\"}]}}]}";

static const char rich_digest[] =
	"{\"type\":\"message\",\"attachments\":[{\"contentType\":\"application/vnd.mi"
	"crosoft.card.adaptive\",\"contentUrl\":null,\"content\":{\"$schema\":\"http:"
	"//adaptivecards.io/schemas/adaptive-card.json\",\"type\":\"AdaptiveCard\",\""
	"version\":\"1.4\",\"msteams\":{\"width\":\"Full\"},\"body\":[{\"type\":\"Ric"
	"hTextBlock\",\"inlines\":[{\"type\":\"TextRun\",\"text\":\"10 events, 3 fail"
	"ed\",\"weight\":\"Bolder\",\"size\":\"Large\",\"color\":\"Attention\"}]},{\""
	"type\":\"RichTextBlock\",\"inlines\":[{\"type\":\"TextRun\",\"text\":\"3 cap"
	"sules failed to destroy\"}]},{\"type\":\"RichTextBlock\",\"inlines\":[{\"typ"
	"e\":\"TextRun\",\"text\":\"Capsule cl-9 failed to destroy: no <space> left\""
	"}]},{\"type\":\"RichTextBlock\",\"inlines\":[{\"type\":\"TextRun\",\"text\":"
	"\"and 2 more failed\"}]},{\"type\":\"RichTextBlock\",\"inlines\":[{\"type\":"
	"\"TextRun\",\"text\":\"7 capsules paused\"}]},{\"type\":\"RichTextBlock\",\""
	"inlines\":[{\"type\":\"TextRun\",\"text\":\"Team: \",\"weight\":\"Bolder\"},"
	"{\"type\":\"TextRun\",\"text\":\"team-0x5yg3bfyrehlas5fmd3rslxq\"}]},{\"type"
	"\":\"RichTextBlock\",\"inlines\":[{\"type\":\"TextRun\",\"text\":\"From: \","
	"\"weight\":\"Bolder\"},{\"type\":\"TextRun\",\"text\":\"2026-05-24 05:00:00 "
	"UTC\"}]},{\"type\":\"RichTextBlock\",\"inlines\":[{\"type\":\"TextRun\",\"te"
	"xt\":\"To: \",\"weight\":\"Bolder\"},{\"type\":\"TextRun\",\"text\":\"2026-0"
	"5-24 05:02:07 UTC\"}]}]}}]}";

static const char plain[] =
	"{\"type\":\"message\",\"attachments\":[{\"contentType\":\"application/vnd.mi"
	"crosoft.card.adaptive\",\"contentUrl\":null,\"content\":{\"$schema\":\"http:"
	"//adaptivecards.io/schemas/adaptive-card.json\",\"type\":\"AdaptiveCard\",\""
	"version\":\"1.4\",\"msteams\":{\"width\":\"Full\"},\"body\":[{\"type\":\"Ric"
	"hTextBlock\",\"inlines\":[{\"type\":\"TextRun\",\"text\":\"Capsule cl-1 paus"
	"ed\\n\\nActor: system\\nTeam: team-0x5yg3bfyrehlas5fmd3rslxq\\nTime: 2026-05"
	"-24 05:02:07 UTC\\ncapsule.pause\\nhttps://app.example/capsules/cl-1\"}]}]}}"
	"]}";

static const char plain_hostile[] =
	"{\"type\":\"message\",\"attachments\":[{\"contentType\":\"application/vnd.mi"
	"crosoft.card.adaptive\",\"contentUrl\":null,\"content\":{\"$schema\":\"http:"
	"//adaptivecards.io/schemas/adaptive-card.json\",\"type\":\"AdaptiveCard\",\""
	"version\":\"1.4\",\"msteams\":{\"width\":\"Full\"},\"body\":[{\"type\":\"Ric"
	"hTextBlock\",\"inlines\":[{\"type\":\"TextRun\",\"text\":\"Capsule <users/al"
	"l> @\xe2\x81\xa0"
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
	"22%27%5C%20http%3A%2F%2Fe.io%2F_y_~z~%20%23r%3As%20a.io\"}]}]}}]}";

static const char plain_digest[] =
	"{\"type\":\"message\",\"attachments\":[{\"contentType\":\"application/vnd.mi"
	"crosoft.card.adaptive\",\"contentUrl\":null,\"content\":{\"$schema\":\"http:"
	"//adaptivecards.io/schemas/adaptive-card.json\",\"type\":\"AdaptiveCard\",\""
	"version\":\"1.4\",\"msteams\":{\"width\":\"Full\"},\"body\":[{\"type\":\"Ric"
	"hTextBlock\",\"inlines\":[{\"type\":\"TextRun\",\"text\":\"10 events, 3 fail"
	"ed\\n\\n3 capsules failed to destroy\\nCapsule cl-9 failed to destroy: no <s"
	"pace> left\\nand 2 more failed\\n7 capsules paused\\nTeam: team-0x5yg3bfyreh"
	"las5fmd3rslxq\\nFrom: 2026-05-24 05:00:00 UTC\\nTo: 2026-05-24 05:02:07 UTC"
	"\"}]}]}}]}";

Test(teams_build, writes_every_form_byte_for_byte)
{
	static const struct rig_bodies bodies = {
		.success = { rich, plain },
		.hostile = { rich_hostile, plain_hostile },
		.digest = { rich_digest, plain_digest },
	};

	rig_expect_bodies(NAME, &config, &bodies);
}

Test(teams_build, cuts_what_is_too_long_for_the_whole_body)
{
	rig_expect_fit(NAME, &config);
}

Test(teams_build, colours_by_outcome)
{
	static const struct rig_tones tones = { "\"color\":\"Good\"", "\"color\":\"Attention\"",
						"\"color\":\"Default\"" };

	rig_expect_tones(NAME, &config, &tones);
}

Test(teams_build, names_the_event_so_that_a_repeat_is_known)
{
	rig_expect_reference(
		NAME, &config,
		"\"text\":\"capsule.pause \xc2\xb7 7-3\",\"size\":\"Small\",\"isSubtle\":true}]}");
}

/* The body as Microsoft encodes it again before it measures. */
Test(teams_measure, counts_what_is_not_ascii_as_six_bytes_for_each_utf16_unit)
{
	static const struct {
		const char *reason;
		size_t more; /* than for a single letter */
	} cases[] = {
		{ "x", 0 },
		{ "xx", 1 },
		{ "\xc3\xa9", 5 },
		{ "\xe2\x82\xac", 5 },
		{ "\xf0\x9f\x98\x80", 11 },
		{ "\xf0\x9f\x98\x80\xf0\x9f\x98\x80", 23 },
	};
	size_t least = 0;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct rig rig;

		rig_failure(&rig, NAME, "cl-1", "x", cases[i].reason);
		cr_assert_eq(rig_build(&rig, &config, FORM_RICH, ""), 0);
		struct measure measure = rig.provider->measure(&rig.out);

		least = i ? least : measure.size;
		cr_expect_eq(measure.size, least + cases[i].more, "case %zu", i);
		cr_expect_eq(measure.limit, 18000);
		rig_done(&rig);
	}
}

Test(teams_build, posts_to_the_address_as_it_stands_without_authorization)
{
	static const char *const urls[] = { WORKFLOW, MOVED, CONNECTOR };

	for (size_t i = 0; i < ARRAY_LEN(urls); i++) {
		const struct rig_config one = { { "webhook_url", urls[i] } };
		struct rig rig;

		rig_success(&rig, NAME);
		cr_assert_eq(rig_build(&rig, &one, FORM_RICH, ""), 0);
		cr_expect_str_eq(buf_text(&rig.out.url), urls[i]);
		cr_expect_str_eq(rig.out.method, "POST");
		cr_assert_eq(rig.out.header_count, 2);
		cr_expect_str_eq(buf_text(&rig.out.headers[0]), "Content-Type: application/json");
		cr_expect_str_eq(buf_text(&rig.out.headers[1]), "User-Agent: wrenn-events/0.1.0");
		rig_done(&rig);
	}
}

Test(teams_build, lets_no_template_of_a_user_be_expanded)
{
	struct rig rig;

	rig_failure(&rig, NAME, "{{DATE(x)}}", "{{{TIME(x)}}", "{{DATE(x)}}");
	for (int form = 0; form < 2; form++) {
		cr_assert_eq(rig_build(&rig, &config, (enum message_form)form, ""), 0);
		cr_expect_null(strstr(buf_text(&rig.out.body), "{{"));
		cr_expect_null(strstr(buf_text(&rig.out.body), "entities"));
	}
	rig_done(&rig);
}

enum { GOOD, WARNED, REFUSED };

static const struct {
	const char *url;
	int expected;
} addresses[] = {
	{ WORKFLOW, GOOD },
	{ PLATFORM ":443" DIRECT "/cu/02" INVOKE "?sig=a", GOOD },
	{ "https://E.01.Environment.API.powerplatform.com" DIRECT INVOKE "?sig=a", GOOD },
	{ PLATFORM DIRECT INVOKE "?api-version=2022-03-01-preview&sig=a%3D", GOOD },
	{ PLATFORM DIRECT INVOKE "?api-version=2016-06-01&sp=%2Frun&sv=1.0&sig=a", GOOD },
	{ MOVED, WARNED },
	{ "https://prod-115.northeurope.logic.azure.com" INVOKE "?sig=a", WARNED },
	{ CONNECTOR "/V2abc", WARNED },
	{ CONNECTOR, WARNED },
	{ "https://outlook.office.com/webhook/a@b/IncomingWebhook/c/d", WARNED },
	{ "https://outlook.office365.com/webhook/a@b/IncomingWebhook/c/d", WARNED },
	{ PLATFORM DIRECT INVOKE "?api-version=1", REFUSED },
	{ PLATFORM DIRECT INVOKE "?sig=", REFUSED },
	{ PLATFORM DIRECT INVOKE "?xsig=a", REFUSED },
	{ PLATFORM DIRECT INVOKE "/more?sig=a", REFUSED },
	{ PLATFORM "/triggers/manual/paths/invoke?sig=a", REFUSED },
	{ PLATFORM ":8443" DIRECT INVOKE "?sig=a", REFUSED },
	{ "http://e.01.environment.api.powerplatform.com" DIRECT INVOKE "?sig=a", REFUSED },
	{ "https://environment.api.powerplatform.com.evil.io" INVOKE "?sig=a", REFUSED },
	{ "https://evillogic.azure.com" INVOKE "?sig=a", REFUSED },
	{ "https://logic.azure.com" INVOKE "?sig=a", REFUSED },
	{ "https://evilwebhook.office.com/webhookb2/a", REFUSED },
	{ "https://t.webhook.office.com/webhook/a", REFUSED },
	{ "https://outlook.office.com/x", REFUSED },
	{ "https://a@outlook.office.com/webhook/a", REFUSED },
	{ "https://gateway.azure-api.net" INVOKE "?sig=a", REFUSED },
	{ "https://api.powerautomate.com" INVOKE "?sig=a", REFUSED },
	{ "https://e.01.environment.api.gov.powerplatform.microsoft.us" INVOKE "?sig=a", GOOD },
	{ "https://e.01.environment.api.high.powerplatform.microsoft.us" INVOKE "?sig=a", GOOD },
	{ "https://e.01.environment.api.appsplatform.us" INVOKE "?sig=a", GOOD },
	{ "https://e.01.environment.api.powerplatform.partner.microsoftonline.cn" INVOKE "?sig=a",
	  GOOD },
	{ "https://prod-1.usgovtexas.logic.azure.us" INVOKE "?sig=a", GOOD },
	{ "https://prod-1.chinaeast2.logic.azure.cn" INVOKE "?sig=a", GOOD },
	{ PLATFORM DIRECT INVOKE "/?sig=a", GOOD },
	{ "https://prod-1.westeurope.logic.azure.com/workflows/a1/triggers/"
	  "When_a_HTTP_request_is_received/paths/invoke?sig=a",
	  GOOD },
	{ "https://evil.microsoft.us" INVOKE "?sig=a", REFUSED },
	{ WORKFLOW "#x", REFUSED },
	{ WORKFLOW "\n", REFUSED },
	{ "", REFUSED },
};

Test(teams_check, takes_addresses_it_knows_and_warns_of_the_old_ones)
{
	const struct provider *teams = provider_find(STR(NAME));

	for (size_t i = 0; i < ARRAY_LEN(addresses); i++) {
		const struct rig_config one = { { "webhook_url", addresses[i].url } };
		const struct provider_config settings = {
			.count = 1, .fields = { { "webhook_url", str_of(addresses[i].url) } }
		};
		char field[48];
		int expected = addresses[i].expected == REFUSED ? -EINVAL : 0;

		cr_expect_eq(rig_check(NAME, &one, field), expected, "%s", addresses[i].url);
		cr_expect_eq(teams->warning(&settings) != NULL, addresses[i].expected == WARNED,
			     "%s", addresses[i].url);
		if (expected)
			cr_expect_str_eq(field, "webhook_url");
	}
}

Test(teams_paces, are_slower_for_connectors_than_for_workflows)
{
	static const struct rig_config connector = { { "webhook_url", CONNECTOR } };
	struct pace pace[PROVIDER_MAX_PACES];

	cr_assert_eq(rig_paces(NAME, &config, pace), 1);
	cr_expect_eq(pace[0].burst, 10);
	cr_expect_eq(pace[0].interval_us, 12000000);
	cr_assert_eq(rig_paces(NAME, &connector, pace), 1);
	cr_expect_eq(pace[0].burst, 1);
	cr_expect_eq(pace[0].interval_us, 48000000);
}

/* Only the signature is secret: knowing the rest must not be enough to use up the pace. */
Test(teams_paces, are_one_for_each_host_path_and_signature)
{
	static const struct {
		const char *url;
		bool is_same;
	} cases[] = {
		{ "HTTPS://E.01.environment.api.powerplatform.COM:443" DIRECT INVOKE
		  "?sp=x&sig=abc&api-version=2",
		  true },
		{ PLATFORM DIRECT INVOKE "?api-version=1&sig=abd", false },
		{ PLATFORM DIRECT INVOKE "?sig=&sig=abd", false },
		{ PLATFORM DIRECT INVOKE "?sig=abd&sig=abc", false },
		{ PLATFORM DIRECT INVOKE "?sig=ABC", false },
		{ PLATFORM "/x" DIRECT INVOKE "?sig=abc", false },
		{ "https://f.01.environment.api.powerplatform.com" DIRECT INVOKE "?sig=abc",
		  false },
	};
	struct pace pace[PROVIDER_MAX_PACES];

	cr_assert_eq(rig_paces(NAME, &config, pace), 1);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct rig_config one = { { "webhook_url", cases[i].url } };
		struct pace other[PROVIDER_MAX_PACES];

		cr_assert_eq(rig_paces(NAME, &one, other), 1, "%s", cases[i].url);
		cr_expect_eq(strcmp(pace[0].key, other[0].key) == 0, cases[i].is_same, "%s",
			     cases[i].url);
	}
}

Test(teams_paces, know_connectors_by_host_and_path)
{
	static const struct rig_config cases[] = {
		{ { "webhook_url", CONNECTOR } },
		{ { "webhook_url", "https://T.webhook.office.com/webhookb2/" GUID "@" GUID
				   "/IncomingWebhook/ab/" GUID "?x=1" } },
		{ { "webhook_url", CONNECTOR "x" } },
		{ { "webhook_url", "https://u.webhook.office.com/webhookb2/" GUID "@" GUID
				   "/IncomingWebhook/ab/" GUID } },
	};
	struct pace paces[ARRAY_LEN(cases)][PROVIDER_MAX_PACES];

	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		cr_assert_eq(rig_paces(NAME, &cases[i], paces[i]), 1);
	cr_expect_str_eq(paces[0][0].key, paces[1][0].key);
	cr_expect_str_neq(paces[0][0].key, paces[2][0].key);
	cr_expect_str_neq(paces[0][0].key, paces[3][0].key);
}

#define ERROR(code) "{\"error\":{\"code\":\"" code "\",\"message\":\"m\"}}"
#define FAILED(digits)                                                                   \
	"Webhook message delivery failed with error: Microsoft Teams endpoint returned " \
	"HTTP error " digits " with ContextId a"

Test(teams_judge, knows_every_answer)
{
	static const struct rig_answer rows[] = {
		{ 202, "", VERDICT_DELIVERED, NULL },
		{ 200, "", VERDICT_DELIVERED, NULL },
		{ 200, "{\"a\":1}", VERDICT_DELIVERED, NULL },
		{ 204, "", VERDICT_DELIVERED, NULL },
		{ 200, "1", VERDICT_DELIVERED, NULL },
		{ 200, " 1\r\n", VERDICT_DELIVERED, NULL },
		{ 200, "0", VERDICT_RETRY, "connector" },
		{ 200, FAILED("429"), VERDICT_RETRY, "connector" },
		{ 200, FAILED("503"), VERDICT_RETRY, "connector" },
		{ 200, FAILED("413"), VERDICT_REFORM, "connector" },
		{ 200, FAILED("2"), VERDICT_RETRY, "connector" },
		{ 200, FAILED("200"), VERDICT_RETRY, "connector" },
		{ 200, "HTTP error 4", VERDICT_RETRY, "connector" },
		{ 200, "<html>", VERDICT_RETRY, STRANGER },
		{ 202, "<html>", VERDICT_RETRY, STRANGER },
		{ 400, ERROR("WorkflowTriggerIsNotEnabled"), VERDICT_DISABLE, "switched off" },
		{ 404, ERROR("WorkflowNotFound"), VERDICT_DISABLE, "deleted" },
		{ 401, ERROR("DirectApiAuthorizationRequired"), VERDICT_DISABLE, "anyone" },
		{ 401, "", VERDICT_RETRY, STRANGER },
		{ 403, ERROR("Other"), VERDICT_DISABLE, "signature" },
		{ 403, "<html>", VERDICT_RETRY, STRANGER },
		{ 403, ERROR("DirectApiAuthorizationRequired"), VERDICT_DISABLE, "anyone" },
		{ 202, "{\"a\":1}", VERDICT_DELIVERED, NULL },
		{ 400, ERROR("TriggerInputSchemaMismatch"), VERDICT_REFORM, "kind of message" },
		{ 400, "Bad payload received by generic incoming webhook.", VERDICT_REFORM,
		  "form" },
		{ 404, "<html>not here</html>", VERDICT_RETRY, STRANGER },
		{ 404, ERROR("Other"), VERDICT_DISABLE, "deleted" },
		/* What other services answer. */
		{ 404, ERROR("404"), VERDICT_RETRY, STRANGER },
		{ 404, ERROR("NOT_FOUND"), VERDICT_RETRY, STRANGER },
		{ 403, ERROR("FORBIDDEN"), VERDICT_RETRY, STRANGER },
		{ 401, ERROR("unauthorized"), VERDICT_RETRY, STRANGER },
		{ 410, "", VERDICT_RETRY, STRANGER },
		{ 413, "", VERDICT_RETRY, STRANGER },
		{ 429, "", VERDICT_RETRY, NULL },
		{ 500, "", VERDICT_RETRY, STRANGER },
		{ 504, "<html>", VERDICT_RETRY, STRANGER },
		{ 302, "", VERDICT_RETRY, "redirected, which is not followed" },
		{ 405, "{\"error\":\"x\"}", VERDICT_RETRY, STRANGER },
	};

	rig_expect_answers(NAME, rows, ARRAY_LEN(rows));
	rig_expect_unknown(NAME, 400, ERROR("Other"));
	rig_expect_unknown(NAME, 200, FAILED("400"));
	rig_expect_unknown(NAME, 200, FAILED("404"));
	rig_expect_unknown(NAME, 200, FAILED("410"));
}

Test(teams_judge, says_when_a_message_is_only_queued)
{
	cr_expect(rig_judge(NAME, 202, "").is_accepted_only);
	cr_expect(rig_judge(NAME, 200, "").is_accepted_only);
	cr_expect_not(rig_judge(NAME, 200, "1").is_accepted_only);
	cr_expect_not(rig_judge(NAME, 200, FAILED("400")).is_accepted_only);
}

Test(teams_judge, sees_a_limit_wherever_it_is_told)
{
	const struct answer told = { .status = 429, .headers = STR("Retry-After: 5\r\n") };

	cr_expect(rig_judge(NAME, 200, FAILED("429")).is_throttled);
	cr_expect_eq(provider_find(STR(NAME))->judge(&told, RIG_NOW_US).pause_ms, 5000);
	cr_expect_not(rig_judge(NAME, 200, FAILED("503")).is_throttled);
}
