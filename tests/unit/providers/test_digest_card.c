/* SPDX-License-Identifier: Apache-2.0 */

/* What the card of a digest says, and what each chat provider gets of it, byte for byte. */
#include <criterion/criterion.h>

#include "chat_rig.h"
#include "providers/card.h"
#include "providers/card_make.h"

#define DISCORD "https://discord.com/api/webhooks/1234567890123456789/abc"
#define SLACK   "https://hooks.slack.com/services/T0/B1/abc"
#define TEAMS                                                                             \
	"https://e.01.environment.api.powerplatform.com/powerautomate/automations/direct" \
	"/workflows/0123456789abcdef0123456789abcdef/triggers/manual/paths/invoke"        \
	"?api-version=1&sig=abc"
#define GOOGLE "https://chat.googleapis.com/v1/spaces/AAA/messages?key=K&token=T"
#define BOT    "123456:ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghi"

struct golden {
	const char *provider;
	struct rig_config config;
	const char *bodies[2]; /* FORM_RICH, FORM_PLAIN */
};

static const struct golden goldens[] = {
	{ "discord",
	  { { "webhook_url", DISCORD } },
	  { "{\"allowed_mentions\":{\"parse\":[]},\"embeds\":[{\"title\":\"48 capsules de"
	    "stroyed, 4 failed\",\"url\":\"https://app.example/capsules\",\"color\":14105"
	    "161,\"description\":\"Capsules web\\\\-7, web\\\\-9 failed to destroy: no sp"
	    "ace on host\\\\-3\\nCapsule web\\\\-8 failed to destroy: host\\\\-4 timed ou"
	    "t\\nand 1 more failed\",\"fields\":[{\"name\":\"Team\",\"value\":\"Acme \\\\"
	    "(team\\\\-0x5yg3bfyrehlas5fmd3rslxq\\\\)\",\"inline\":true},{\"name\":\"From"
	    "\",\"value\":\"<t:1779598710:f> (<t:1779598710:R>)\",\"inline\":true},{\"nam"
	    "e\":\"To\",\"value\":\"<t:1779598927:f> (<t:1779598927:R>)\",\"inline\":true"
	    "}]}]}",
	    "{\"content\":\"48 capsules destroyed, 4 failed\\n\\nCapsules web\\\\-7, web"
	    "\\\\-9 failed to destroy: no space on host\\\\-3\\nCapsule web\\\\-8 failed "
	    "to destroy: host\\\\-4 timed out\\nand 1 more failed\\nTeam: Acme \\\\(team"
	    "\\\\-0x5yg3bfyrehlas5fmd3rslxq\\\\)\\nFrom: 2026\\\\-05\\\\-24 04:58:30 UTC"
	    "\\nTo: 2026\\\\-05\\\\-24 05:02:07 UTC\\nhttps://app.example/capsules\",\"al"
	    "lowed_mentions\":{\"parse\":[]},\"flags\":4}" } },
	{ "slack",
	  { { "webhook_url", SLACK } },
	  { "{\"text\":\"48 capsules destroyed, 4 failed\",\"mrkdwn\":false,\"unfurl_link"
	    "s\":false,\"unfurl_media\":false,\"attachments\":[{\"color\":\"#D73A49\",\"f"
	    "allback\":\"48 capsules destroyed, 4 failed\",\"blocks\":[{\"type\":\"sectio"
	    "n\",\"text\":{\"type\":\"plain_text\",\"emoji\":false,\"text\":\"Capsules we"
	    "b-7, web-9 failed to destroy: no space on host-3\\nCapsule web-8 failed to d"
	    "estroy: host-4 timed out\\nand 1 more failed\"}},{\"type\":\"section\",\"fie"
	    "lds\":[{\"type\":\"mrkdwn\",\"verbatim\":true,\"text\":\"*Team*\"},{\"type\""
	    ":\"plain_text\",\"emoji\":false,\"text\":\"Acme (team-0x5yg3bfyrehlas5fmd3rs"
	    "lxq)\"},{\"type\":\"mrkdwn\",\"verbatim\":true,\"text\":\"*From*\"},{\"type"
	    "\":\"mrkdwn\",\"verbatim\":true,\"text\":\"<!date^1779598710^{date_short_pre"
	    "tty} {time_secs}|2026-05-24 04:58:30 UTC>\"},{\"type\":\"mrkdwn\",\"verbatim"
	    "\":true,\"text\":\"*To*\"},{\"type\":\"mrkdwn\",\"verbatim\":true,\"text\":"
	    "\"<!date^1779598927^{date_short_pretty} {time_secs}|2026-05-24 05:02:07 UTC>"
	    "\"}]},{\"type\":\"context\",\"elements\":[{\"type\":\"mrkdwn\",\"verbatim\":"
	    "true,\"text\":\"<https://app.example/capsules|Open>\"}]}]}]}",
	    "{\"text\":\"48 capsules destroyed, 4 failed\\n\\nCapsules web-7, web-9 faile"
	    "d to destroy: no space on host-3\\nCapsule web-8 failed to destroy: host-4 t"
	    "imed out\\nand 1 more failed\\nTeam: Acme (team-0x5yg3bfyrehlas5fmd3rslxq)\\"
	    "nFrom: 2026-05-24 04:58:30 UTC\\nTo: 2026-05-24 05:02:07 UTC\\nhttps://app.e"
	    "xample/capsules\",\"mrkdwn\":false}" } },
	{ "teams",
	  { { "webhook_url", TEAMS } },
	  { "{\"type\":\"message\",\"attachments\":[{\"contentType\":\"application/vnd.mi"
	    "crosoft.card.adaptive\",\"contentUrl\":null,\"content\":{\"$schema\":\"http:"
	    "//adaptivecards.io/schemas/adaptive-card.json\",\"type\":\"AdaptiveCard\",\""
	    "version\":\"1.4\",\"msteams\":{\"width\":\"Full\"},\"body\":[{\"type\":\"Ric"
	    "hTextBlock\",\"inlines\":[{\"type\":\"TextRun\",\"text\":\"48 capsules destr"
	    "oyed, 4 failed\",\"weight\":\"Bolder\",\"size\":\"Large\",\"color\":\"Attent"
	    "ion\"}]},{\"type\":\"RichTextBlock\",\"inlines\":[{\"type\":\"TextRun\",\"te"
	    "xt\":\"Capsules web-7, web-9 failed to destroy: no space on host-3\"}]},{\"t"
	    "ype\":\"RichTextBlock\",\"inlines\":[{\"type\":\"TextRun\",\"text\":\"Capsul"
	    "e web-8 failed to destroy: host-4 timed out\"}]},{\"type\":\"RichTextBlock\""
	    ",\"inlines\":[{\"type\":\"TextRun\",\"text\":\"and 1 more failed\"}]},{\"typ"
	    "e\":\"RichTextBlock\",\"inlines\":[{\"type\":\"TextRun\",\"text\":\"Team: \""
	    ",\"weight\":\"Bolder\"},{\"type\":\"TextRun\",\"text\":\"Acme (team-0x5yg3bf"
	    "yrehlas5fmd3rslxq)\"}]},{\"type\":\"RichTextBlock\",\"inlines\":[{\"type\":"
	    "\"TextRun\",\"text\":\"From: \",\"weight\":\"Bolder\"},{\"type\":\"TextRun\""
	    ",\"text\":\"2026-05-24 04:58:30 UTC\"}]},{\"type\":\"RichTextBlock\",\"inlin"
	    "es\":[{\"type\":\"TextRun\",\"text\":\"To: \",\"weight\":\"Bolder\"},{\"type"
	    "\":\"TextRun\",\"text\":\"2026-05-24 05:02:07 UTC\"}]}],\"actions\":[{\"type"
	    "\":\"Action.OpenUrl\",\"title\":\"Open\",\"url\":\"https://app.example/capsu"
	    "les\"}]}}]}",
	    "{\"type\":\"message\",\"attachments\":[{\"contentType\":\"application/vnd.mi"
	    "crosoft.card.adaptive\",\"contentUrl\":null,\"content\":{\"$schema\":\"http:"
	    "//adaptivecards.io/schemas/adaptive-card.json\",\"type\":\"AdaptiveCard\",\""
	    "version\":\"1.4\",\"msteams\":{\"width\":\"Full\"},\"body\":[{\"type\":\"Ric"
	    "hTextBlock\",\"inlines\":[{\"type\":\"TextRun\",\"text\":\"48 capsules destr"
	    "oyed, 4 failed\\n\\nCapsules web-7, web-9 failed to destroy: no space on hos"
	    "t-3\\nCapsule web-8 failed to destroy: host-4 timed out\\nand 1 more failed"
	    "\\nTeam: Acme (team-0x5yg3bfyrehlas5fmd3rslxq)\\nFrom: 2026-05-24 04:58:30 U"
	    "TC\\nTo: 2026-05-24 05:02:07 UTC\\nhttps://app.example/capsules\"}]}]}}]}" } },
	{ "googlechat",
	  { { "webhook_url", GOOGLE } },
	  { "{\"fallbackText\":\"48 capsules destroyed, 4 failed\",\"cardsV2\":[{\"cardId"
	    "\":\"event\",\"card\":{\"header\":{\"title\":\"48 capsules destroyed, 4 fail"
	    "ed\"},\"sections\":[{\"widgets\":[{\"textParagraph\":{\"text\":\"<font color"
	    "=\\\"#d93025\\\"><b>Failed</b></font>\"}},{\"textParagraph\":{\"text\":\"Cap"
	    "sules web-7, web-9 failed to destroy: no space on host-3\"}},{\"textParagrap"
	    "h\":{\"text\":\"Capsule web-8 failed to destroy: host-4 timed out\"}},{\"tex"
	    "tParagraph\":{\"text\":\"and 1 more failed\"}},{\"decoratedText\":{\"topLabe"
	    "l\":\"Team\",\"text\":\"Acme (team-0x5yg3bfyrehlas5fmd3rslxq)\",\"wrapText\""
	    ":true}},{\"decoratedText\":{\"topLabel\":\"From\",\"text\":\"2026-05-24 04:5"
	    "8:30 UTC\",\"wrapText\":true}},{\"decoratedText\":{\"topLabel\":\"To\",\"tex"
	    "t\":\"2026-05-24 05:02:07 UTC\",\"wrapText\":true}},{\"buttonList\":{\"butto"
	    "ns\":[{\"text\":\"Open\",\"onClick\":{\"openLink\":{\"url\":\"https://app.ex"
	    "ample/capsules\"}}}]}}]}]}}]}",
	    "{\"text\":\"48 capsules destroyed, 4 failed\\n\\nCapsules web-7, web-9 faile"
	    "d to destroy: no space on host-3\\nCapsule web-8 failed to destroy: host-4 t"
	    "imed out\\nand 1 more failed\\nTeam: Acme (team-0x5yg3bfyrehlas5fmd3rslxq)\\"
	    "nFrom: 2026-05-24 04:58:30 UTC\\nTo: 2026-05-24 05:02:07 UTC\\nhttps://app.e"
	    "xample/capsules\"}" } },
	{ "telegram",
	  { { "bot_token", BOT, "chat_id", "-42" } },
	  { "{\"chat_id\":-42,\"parse_mode\":\"HTML\",\"link_preview_options\":{\"is_disa"
	    "bled\":true},\"text\":\"\xe2\x9d\x8c <b>48 capsules destroyed, 4 failed</b>"
	    "\\n<code>Capsules web-7, web-9 failed to destroy: no space on host-3</code>"
	    "\\n<code>Capsule web-8 failed to destroy: host-4 timed out</code>\\n<code>an"
	    "d 1 more failed</code>\\n<b>Team:</b> <code>Acme (team-0x5yg3bfyrehlas5fmd3r"
	    "slxq)</code>\\n<b>From:</b> <code>2026-05-24 04:58:30 UTC</code>\\n<b>To:</b"
	    "> <code>2026-05-24 05:02:07 UTC</code>\\n<a href=\\\"https://app.example/cap"
	    "sules\\\">Open</a>\"}",
	    "{\"chat_id\":-42,\"entities\":[{\"type\":\"code\",\"offset\":0,\"length\":26"
	    "3}],\"link_preview_options\":{\"is_disabled\":true},\"text\":\"48 capsules d"
	    "estroyed, 4 failed\\n\\nCapsules web-7, web-9 failed to destroy: no space on"
	    " host-3\\nCapsule web-8 failed to destroy: host-4 timed out\\nand 1 more fai"
	    "led\\nTeam: Acme (team-0x5yg3bfyrehlas5fmd3rslxq)\\nFrom: 2026-05-24 04:58:3"
	    "0 UTC\\nTo: 2026-05-24 05:02:07 UTC\\nhttps://app.example/capsules\"}" } },
	{ "matrix",
	  { { "homeserver_url", "https://hs.example", "access_token", "tok", "room_id", "!r:hs" } },
	  { "{\"msgtype\":\"m.text\",\"m.mentions\":{},\"body\":\"48 capsules destroyed, "
	    "4 failed\\n\\nCapsules web-7, web-9 failed to destroy: no space on host-3\\n"
	    "Capsule web-8 failed to destroy: host-4 timed out\\nand 1 more failed\\nTeam"
	    ": Acme (team-0x5yg3bfyrehlas5fmd3rslxq)\\nFrom: 2026-05-24 04:58:30 UTC\\nTo"
	    ": 2026-05-24 05:02:07 UTC\\nhttps://app.example/capsules\",\"format\":\"org."
	    "matrix.custom.html\",\"formatted_body\":\"<h4><span data-mx-color=\\\"#d73a4"
	    "9\\\">48 capsules destroyed, 4 failed</span></h4><ul><li><code>Capsules web-"
	    "7, web-9 failed to destroy: no space on host-3</code></li><li><code>Capsule "
	    "web-8 failed to destroy: host-4 timed out</code></li><li><code>and 1 more fa"
	    "iled</code></li><li><b>Team:</b> <code>Acme (team-0x5yg3bfyrehlas5fmd3rslxq)"
	    "</code></li><li><b>From:</b> <code>2026-05-24 04:58:30 UTC</code></li><li><b"
	    ">To:</b> <code>2026-05-24 05:02:07 UTC</code></li></ul><p><a href=\\\"https:"
	    "//app.example/capsules\\\">Open</a></p>\"}",
	    "{\"msgtype\":\"m.text\",\"m.mentions\":{},\"body\":\"48 capsules destroyed, "
	    "4 failed\\n\\nCapsules web-7, web-9 failed to destroy: no space on host-3\\n"
	    "Capsule web-8 failed to destroy: host-4 timed out\\nand 1 more failed\\nTeam"
	    ": Acme (team-0x5yg3bfyrehlas5fmd3rslxq)\\nFrom: 2026-05-24 04:58:30 UTC\\nTo"
	    ": 2026-05-24 05:02:07 UTC\\nhttps://app.example/capsules\"}" } },
};

/* Two share an error, one has another, and one is not named. */
static void set_storm(struct rig *rig, const char *provider)
{
	rig_digest(rig, provider);
	rig->message.team_name = STR("Acme");
	rig->digest = (struct digest){
		.team_text = STR(RIG_TEAM),
		.first = STR("2026-05-24T04:58:30Z"),
		.last = STR("2026-05-24T05:02:07Z"),
		.total = 52,
		.group_count = 2,
		.groups = { { STR("capsule.destroy"), STR("error"), 4 },
			    { STR("capsule.destroy"), STR("success"), 48 } },
		.failure_count = 3,
		.failures = { { STR("capsule.destroy"), STR("web-7"), STR("no space on host-3") },
			      { STR("capsule.destroy"), STR("web-8"), STR("host-4 timed out") },
			      { STR("capsule.destroy"), STR("web-9"), STR("no space on host-3") } },
	};
}

static const struct golden *golden_of(const struct provider *provider)
{
	for (size_t i = 0; i < ARRAY_LEN(goldens); i++) {
		if (strcmp(goldens[i].provider, provider->name) == 0)
			return &goldens[i];
	}
	return NULL;
}

Test(digest_card, is_the_same_story_at_every_provider_that_folds)
{
	for (size_t i = 0; provider_at(i); i++) {
		const struct golden *golden = golden_of(provider_at(i));

		cr_expect_eq(golden != NULL, provider_at(i)->folds, "%s", provider_at(i)->name);
		for (int form = 0; golden && form < 2; form++) {
			struct rig rig;

			set_storm(&rig, golden->provider);
			cr_assert_eq(
				rig_build(&rig, &golden->config, (enum message_form)form, RIG_LINK),
				0);
			cr_expect_str_eq(buf_text(&rig.out.body), golden->bodies[form], "%s %d: %s",
					 golden->provider, form, buf_text(&rig.out.body));
			cr_expect_eq(rig.trims.count, 0);
			rig_done(&rig);
		}
	}
}

static const struct text_rule plain_rule = { UNIT_BYTES, false, text_escape_none, SIZE_MAX, NULL };

struct drawn_digest {
	struct card card;
	struct buf text;
};

static void draw_digest(struct drawn_digest *drawn, const struct digest *digest)
{
	const struct message message = { .digest = digest,
					 .link_base = STR(RIG_LINK),
					 .team_name = STR("Acme") };
	cr_assert_eq(card_make(&drawn->card, &message), 0);
	buf_init(&drawn->text, 4096);
	card_write_text(&drawn->text, &drawn->card, &plain_rule);
}

static void drawn_digest_done(struct drawn_digest *drawn)
{
	buf_done(&drawn->text);
	card_done(&drawn->card);
}

Test(card_digest, counts_each_kind_names_the_failures_and_groups_their_errors)
{
	const struct digest digest = {
		.team_text = STR(RIG_TEAM),
		.first = STR("2026-05-24T05:00:00Z"),
		.last = STR("2026-05-24T05:02:07Z"),
		.total = 50,
		.group_count = 3,
		.groups = { { STR("capsule.destroy"), STR("error"), 5 },
			    { STR("capsule.pause"), STR("success"), 40 },
			    { STR("host.down"), STR(""), 1 } },
		.failure_count = 4,
		.failures = { { STR("capsule.destroy"), STR("cl-1"), STR("disk\nfull") },
			      { STR("capsule.destroy"), STR("cl-2"), STR("") },
			      { STR("capsule.destroy"), STR("cl-3"), STR("disk\nfull") },
			      { STR("x.y"), STR("z"), STR("") } },
	};
	struct drawn_digest drawn;

	draw_digest(&drawn, &digest);
	cr_expect_str_eq(buf_text(&drawn.text), "50 events, 5 failed, 1 host down\n"
						"\n"
						"5 capsules failed to destroy\n"
						"Capsules cl-1, cl-3 failed to destroy: disk full\n"
						"Capsule cl-2 failed to destroy\n"
						"x.y z failed\n"
						"and 1 more failed\n"
						"1 host down\n"
						"40 capsules paused\n"
						"4 others\n"
						"Team: Acme (" RIG_TEAM ")\n"
						"From: 2026-05-24 05:00:00 UTC\n"
						"To: 2026-05-24 05:02:07 UTC\n" RIG_LINK);
	cr_expect_eq(drawn.card.tone, TONE_BAD);
	buf_reset(&drawn.text);
	card_write_lines(&drawn.text, &drawn.card, &plain_rule, 79);
	cr_expect_str_eq(buf_text(&drawn.text),
			 "5 capsules failed to destroy\nCapsules cl-1, cl-3 failed "
			 "to destroy: disk full");
	drawn_digest_done(&drawn);
}

Test(card_digest, says_of_requests_that_they_are_not_done)
{
	struct digest digest = { .team_text = STR(RIG_TEAM),
				 .first = STR("yesterday"),
				 .last = STR(""),
				 .total = 33,
				 .group_count = 2,
				 .groups = { { STR("capsule.create"), STR("error"), 3 },
					     { STR("capsule.create"), STR("requested"), 30 } } };
	struct drawn_digest drawn;

	draw_digest(&drawn, &digest);
	cr_expect(str_starts(buf_str(&drawn.text),
			     STR("30 capsules: start requested, 3 failed\n\nTeam")),
		  "%s", buf_text(&drawn.text));
	drawn_digest_done(&drawn);
	digest.groups[0] = (struct digest_group){ STR("capsule.create"), STR("success"), 3 };
	draw_digest(&drawn, &digest);
	cr_expect(str_starts(buf_str(&drawn.text),
			     STR("33 events\n\n3 capsules created\n30 capsules: start "
				 "requested\nTeam")),
		  "%s", buf_text(&drawn.text));
	drawn_digest_done(&drawn);
}

Test(card_digest, of_one_kind_says_all_of_it_in_the_title)
{
	static const struct {
		const char *event;
		size_t good, bad;
		const char *title, *link;
	} cases[] = {
		{ "capsule.destroy", 48, 2, "48 capsules destroyed, 2 failed\n\nTeam",
		  RIG_LINK "/capsules" },
		{ "capsule.create", 0, 2, "2 capsules failed to start\n\nTeam",
		  RIG_LINK "/capsules" },
		{ "template.snapshot.create", 1, 0, "1 template snapshot created\n\nTeam",
		  RIG_LINK "/templates" },
		{ "volume.delete", 3, 0, "3 volumes deleted\n\nTeam", RIG_LINK },
		{ "new.kind", 3, 1, "4 events, 1 failed\n\n1 new.kind failed\n3 new.kind\nTeam",
		  RIG_LINK },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct digest digest = { .team_text = STR(RIG_TEAM),
					 .first = STR("yesterday"),
					 .last = STR(""),
					 .total = cases[i].good + cases[i].bad };
		struct drawn_digest drawn;

		if (cases[i].bad)
			digest.groups[digest.group_count++] =
				(struct digest_group){ str_of(cases[i].event), STR("error"),
						       cases[i].bad };
		if (cases[i].good)
			digest.groups[digest.group_count++] =
				(struct digest_group){ str_of(cases[i].event), STR("success"),
						       cases[i].good };
		draw_digest(&drawn, &digest);
		cr_expect(str_starts(buf_str(&drawn.text), str_of(cases[i].title)), "%s",
			  buf_text(&drawn.text));
		cr_expect_not_null(strstr(buf_text(&drawn.text), "\nFrom: yesterday\nhttps"));
		cr_expect(str_is(drawn.card.link, cases[i].link), "%.*s",
			  STR_ARGS(drawn.card.link));
		drawn_digest_done(&drawn);
	}
}

/* After quiet hours. */
Test(card_digest, of_one_kind_names_the_failures_before_the_others)
{
	struct digest digest = {
		.team_text = STR(RIG_TEAM),
		.first = STR("yesterday"),
		.last = STR(""),
		.total = 4,
		.group_count = 2,
		.groups = { { STR("capsule.pause"), STR("error"), 1 },
			    { STR("capsule.pause"), STR("success"), 3 } },
		.failure_count = 1,
		.failures = { { STR("capsule.pause"), STR("web-3"), STR("disk full") } },
		.name_count = 3,
		.names = { { STR("capsule.pause"), STR("success"), STR("web-1") },
			   { STR("capsule.pause"), STR("success"), STR("web-2") },
			   { STR("capsule.pause"), STR("success"), STR("web-1") } },
	};
	struct drawn_digest drawn;

	draw_digest(&drawn, &digest);
	cr_expect(str_starts(buf_str(&drawn.text), STR("3 capsules paused, 1 failed\n\n"
						       "Capsule web-3 failed to pause: disk full\n"
						       "The others: web-1 (2 times), web-2\nTeam")),
		  "%s", buf_text(&drawn.text));
	drawn_digest_done(&drawn);
}

Test(card_digest, counts_what_has_no_group)
{
	struct digest digest = { .total = 3,
				 .group_count = 1,
				 .groups = { { STR("host.down"), STR(""), 2 } } };
	struct drawn_digest drawn;

	draw_digest(&drawn, &digest);
	cr_expect(str_starts(buf_str(&drawn.text),
			     STR("3 events, 2 hosts down\n\n2 hosts down\n1 other\n")),
		  "%s", buf_text(&drawn.text));
	drawn_digest_done(&drawn);
}

/* Each failure is named, so nothing counts them again. */
Test(card_digest, says_nothing_twice)
{
	struct digest digest = {
		.total = 4,
		.group_count = 3,
		.groups = { { STR("capsule.destroy"), STR("error"), 2 },
			    { STR("capsule.create"), STR("error"), 1 },
			    { STR("capsule.pause"), STR("success"), 1 } },
		.failure_count = 3,
		.failures = { { STR("capsule.destroy"), STR("cl-1"), STR("disk full") },
			      { STR("capsule.destroy"), STR("cl-2"), STR("disk full") },
			      { STR("capsule.create"), STR("cl-3"), STR("no room") } },
	};
	struct drawn_digest drawn;

	draw_digest(&drawn, &digest);
	cr_expect(str_starts(buf_str(&drawn.text),
			     STR("4 events, 3 failed\n\n"
				 "Capsules cl-1, cl-2 failed to destroy: disk full\n"
				 "Capsule cl-3 failed to start: no room\n"
				 "1 capsule paused\n")),
		  "%s", buf_text(&drawn.text));
	drawn_digest_done(&drawn);
}

Test(card_digest, is_red_and_names_hosts_that_are_down)
{
	struct digest digest = { .total = 43,
				 .group_count = 2,
				 .groups = { { STR("capsule.pause"), STR("success"), 40 },
					     { STR("host.down"), STR(""), 3 } },
				 .name_count = 2,
				 .names = { { STR("host.down"), STR(""), STR("host-3") },
					    { STR("host.down"), STR(""), STR("host-4") } } };
	struct drawn_digest drawn;

	draw_digest(&drawn, &digest);
	cr_expect(str_starts(buf_str(&drawn.text),
			     STR("43 events, 3 hosts down\n\n"
				 "3 hosts down: host-3, host-4 and 1 more\n40 capsules paused\n")),
		  "%s", buf_text(&drawn.text));
	cr_expect_eq(drawn.card.tone, TONE_BAD);
	cr_expect_str_eq(drawn.card.status, "Down");
	drawn_digest_done(&drawn);
	digest.total = 3;
	digest.groups[0] = digest.groups[1];
	digest.group_count = 1;
	draw_digest(&drawn, &digest);
	cr_expect(str_starts(buf_str(&drawn.text),
			     STR("3 hosts down\n\nhost-3, host-4 and 1 more\n")),
		  "%s", buf_text(&drawn.text));
	cr_expect_eq(drawn.card.tone, TONE_BAD);
	drawn_digest_done(&drawn);
}
