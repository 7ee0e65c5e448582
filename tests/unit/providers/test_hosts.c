/* SPDX-License-Identifier: Apache-2.0 */

/* Hosts that the operator allows: which settings they make right, what is sent to them, and how
 * their answers are read. */
#include <criterion/criterion.h>
#include <errno.h>

#include "chat_rig.h"

#define MATTERMOST "https://chat.example.org/hooks/abc123"
#define SPACEBAR   "https://chat.example.org/api/webhooks/1/t?thread_id=7"
#define FLOW       "https://flow.example/any/path?sig=x"

static void allow(void)
{
	hosts_allow("slack", "mm.example, Chat.Example.org");
	hosts_allow("discord", "chat.example.org");
	hosts_allow("teams", "flow.example");
}

static const struct {
	const char *provider;
	const char *url;
} guests[] = {
	{ "slack", MATTERMOST },
	{ "slack", "https://mm.example/api/v1/external/slack_incoming?api_key=k&stream=s" },
	{ "slack", MATTERMOST "/" },
	{ "discord", SPACEBAR },
	{ "discord", "https://chat.example.org/hooks/1/" },
	{ "teams", FLOW },
	{ "teams", "https://flow.example/any/path/?sig=x" },
};

Test(hosts, are_refused_unless_the_operator_allows_them)
{
	for (size_t i = 0; i < ARRAY_LEN(guests); i++) {
		const struct rig_config config = { { "webhook_url", guests[i].url } };
		char field[48];

		cr_expect_eq(rig_check(guests[i].provider, &config, field), -EINVAL, "%s",
			     guests[i].url);
		cr_expect_str_eq(field, "webhook_url");
	}
}

Test(hosts, are_taken_with_any_path_once_they_are_allowed, .init = allow)
{
	for (size_t i = 0; i < ARRAY_LEN(guests); i++) {
		const struct rig_config config = { { "webhook_url", guests[i].url } };
		struct pace paces[PROVIDER_MAX_PACES];
		struct rig rig;
		char field[48];

		cr_expect_eq(rig_check(guests[i].provider, &config, field), 0, "%s", guests[i].url);
		cr_expect_eq(rig_paces(guests[i].provider, &config, paces), 1);
		rig_success(&rig, guests[i].provider);
		cr_expect_eq(rig_build(&rig, &config, FORM_RICH, ""), 0);
		cr_expect_str_eq(buf_text(&rig.out.url), guests[i].url);
		rig_done(&rig);
	}
}

Test(hosts, are_no_excuse_for_another_host_or_for_http, .init = allow)
{
	static const char *const urls[] = {
		"https://example.org/hooks/a",           "https://xchat.example.org/hooks/a",
		"http://chat.example.org/hooks/a",       "https://chat.example.org:8443/hooks/a",
		"https://user@chat.example.org/hooks/a",
	};

	for (size_t i = 0; i < ARRAY_LEN(urls); i++) {
		const struct rig_config config = { { "webhook_url", urls[i] } };
		char field[48];

		cr_expect_eq(rig_check("slack", &config, field), -EINVAL, "%s", urls[i]);
	}
}

Test(hosts, do_not_change_what_the_vendor_itself_gets, .init = allow)
{
	const struct rig_config slack = { { "webhook_url",
					    "https://hooks.slack.com/services/T0/B0/x" } };
	struct rig rig;

	rig_success(&rig, "slack");
	cr_assert_eq(rig_build(&rig, &slack, FORM_RICH, ""), 0);
	cr_expect_not_null(strstr(buf_text(&rig.out.body), "\"blocks\""));
	rig_done(&rig);
}

static const char rich[] =
	"{\"text\":\"Capsule cl-1 paused\",\"attachments\":[{\"color\":\"#2DA44E\",\"fallback\":"
	"\"Capsule cl-1 paused\",\"fields\":[{\"title\":\"Actor\",\"value\":"
	"\"\xe2\x81\xa0system\",\"short\":true},{\"title\":\"Team\",\"value\":\"\xe2\x81\xa0team-"
	"0x5yg3bfyrehlas5fmd3rslxq\",\"short\":true},{\"title\":\"Time\",\"value\":"
	"\"\xe2\x81\xa0"
	"2026-05-24 05:02:07 UTC\",\"short\":true}],\"title\":\"Open\",\"title_link\":"
	"\"https://app.example/capsules/cl-1\",\"footer\":\"capsule.pause\"}]}";
static const char plain[] =
	"{\"text\":\"Capsule cl-1 paused\\n\\nActor: system\\nTeam: team-0x5yg3bfyrehlas5fmd3rslxq"
	"\\nTime: 2026-05-24 05:02:07 UTC\\ncapsule.pause\\nhttps://app.example/capsules/cl-1\"}";

Test(hosts, that_imitate_slack_get_its_older_attachments, .init = allow)
{
	const struct rig_config config = { { "webhook_url", MATTERMOST } };
	struct rig rig;

	rig_success(&rig, "slack");
	cr_assert_eq(rig_build(&rig, &config, FORM_RICH, RIG_LINK), 0);
	cr_expect_str_eq(buf_text(&rig.out.body), rich);
	cr_assert_eq(rig_build(&rig, &config, FORM_PLAIN, RIG_LINK), 0);
	cr_expect_str_eq(buf_text(&rig.out.body), plain);
	rig_done(&rig);
}

Test(hosts, that_imitate_slack_get_no_mention_no_link_and_no_format, .init = allow)
{
	static const char *const marks[] = { "*x*", "<users/all>", "@b ",  "`q`",    "e.io",
					     "~z~", "_y_",         "&lt;", "http:/", "#r" };
	const struct rig_config config = { { "webhook_url", MATTERMOST } };
	struct rig rig;

	rig_failure(&rig, "slack", RIG_HOSTILE " [a](b)", RIG_HOSTILE " [a](b)",
		    RIG_HOSTILE " [a](b)");
	for (int form = 0; form < 2; form++) {
		cr_assert_eq(rig_build(&rig, &config, (enum message_form)form, ""), 0);
		for (size_t i = 0; i < ARRAY_LEN(marks); i++)
			cr_expect_null(strstr(buf_text(&rig.out.body), marks[i]), "%s in %s",
				       marks[i], buf_text(&rig.out.body));
		cr_expect_null(strstr(buf_text(&rig.out.body), "]("));
	}
	rig_done(&rig);
}

Test(hosts, that_imitate_slack_get_what_fits, .init = allow)
{
	const struct rig_config config = { { "webhook_url", MATTERMOST } };

	for (int form = 0; form < 2; form++) {
		struct rig rig;

		rig_full_digest(&rig, "slack");
		cr_assert_eq(rig_build(&rig, &config, (enum message_form)form, ""), 0);
		cr_expect_leq(rig.out.body.len, 4 * 7000);
		cr_expect_gt(rig.trims.count, 0);
		rig_done(&rig);
	}
}

Test(hosts, are_judged_by_their_status, .init = allow)
{
	static const struct {
		int status;
		const char *body;
		enum verdict_kind kind;
		bool is_throttled;
	} cases[] = {
		{ 200, "ok", VERDICT_DELIVERED, false },
		{ 200, "{\"success\":true}", VERDICT_DELIVERED, false },
		{ 204, "", VERDICT_DELIVERED, false },
		{ 400, "{\"id\":\"api.webhook\",\"status_code\":400}", VERDICT_REFORM, false },
		{ 413, "", VERDICT_REFORM, false },
		{ 415, "", VERDICT_REFORM, false },
		{ 422, "", VERDICT_REFORM, false },
		{ 401, "invalid_token", VERDICT_RETRY, false },
		{ 403, "invalid_token", VERDICT_RETRY, false },
		{ 404, "no_service", VERDICT_RETRY, false },
		{ 429, "", VERDICT_RETRY, true },
		{ 500, "invalid_payload", VERDICT_RETRY, false },
	};
	const struct provider_config guest = { .count = 1,
					       .fields = { { "webhook_url", STR(MATTERMOST) } } };
	const struct provider_config own = {
		.count = 1,
		.fields = { { "webhook_url", STR("https://hooks.slack.com/services/T0/B0/x") } }
	};
	const struct provider *slack = provider_find(STR("slack"));

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct answer answer = { .status = cases[i].status,
					       .body = str_of(cases[i].body) };
		struct verdict verdict = provider_judge(slack, &guest, &answer, RIG_NOW_US);

		cr_expect_eq(verdict.kind, cases[i].kind, "%d", cases[i].status);
		cr_expect_eq(verdict.is_throttled, cases[i].is_throttled, "%d", cases[i].status);
		cr_expect_eq(verdict.is_unknown, cases[i].kind == VERDICT_REFORM);
	}
	const struct answer gone = { .status = 404, .body = STR("no_service") };

	cr_expect_eq(provider_judge(slack, &own, &gone, RIG_NOW_US).kind, VERDICT_DISABLE,
		     "the vendor itself is believed");
}
