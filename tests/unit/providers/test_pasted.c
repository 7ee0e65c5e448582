/* SPDX-License-Identifier: Apache-2.0 */

/* What owners paste that is not quite it: the answer says which part is wrong and shows a right
 * one. */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>

#include "chat_rig.h"

#define HOOK   "123456789012345678/t"
#define TOKEN  "123456789:AAExampleExampleExampleExampleExampl"
#define GOOGLE "https://chat.googleapis.com/v1/spaces/A/messages?key=K&token=T"

static const struct {
	const char *provider, *field, *value, *says;
} cases[] = {
	{ "discord", "webhook_url", "discord.com/api/webhooks/" HOOK, "begin with https://" },
	{ "discord", "webhook_url", "http://discord.com/api/webhooks/" HOOK,
	  "begin with https://" },
	{ "discord", "webhook_url", "https://discord.com:8443/api/webhooks/" HOOK, "port" },
	{ "discord", "webhook_url", "https://discord.gg/api/webhooks/" HOOK, "host" },
	{ "discord", "webhook_url", "https://discord.com/channels/1/2", "path" },
	{ "discord", "webhook_url", "https://discord.com/api/webhooks/" HOOK "/slack", "/slack" },
	{ "discord", "webhook_url", "https://discord.com/api/webhooks/" HOOK "?a=1", "thread_id" },
	{ "discord", "webhook_url", "https://discord.com/api/we bhooks/" HOOK, "space" },
	{ "slack", "webhook_url", "https://hooks.slack.com/triggers/T0/1/x", "Workflow Builder" },
	{ "slack", "webhook_url", "https://hooks.slack.com/workflows/T0/A0/1/x",
	  "incoming webhook" },
	{ "slack", "webhook_url", "https://acme.slack.com/services/T0/B0/x", "host" },
	{ "teams", "webhook_url", "https://teams.microsoft.com/l/channel/x", "host" },
	{ "teams", "webhook_url", "https://a.logic.azure.com/workflows/a?sig=x", "/paths/invoke" },
	{ "teams", "webhook_url",
	  "https://a.logic.azure.com/workflows/a/triggers/manual/paths/invoke?api-version=1",
	  "sig=" },
	{ "googlechat", "webhook_url", "https://chat.google.com/room/A", "host" },
	{ "googlechat", "webhook_url", "https://chat.googleapis.com/v1/spaces/A/messages?key=K",
	  "token=" },
	{ "googlechat", "webhook_url", GOOGLE "&messageReplyOption=REPLY_MESSAGE_OR_FAIL",
	  "messageReplyOption that refuses messages: remove it or use "
	  "REPLY_MESSAGE_FALLBACK_TO_NEW_THREAD" },
	{ "matrix", "homeserver_url", "https://matrix.example.org/_matrix/client/v3",
	  "the path below /_matrix is added by us" },
	{ "matrix", "homeserver_url", "https://example.org/_synapse/admin", "/_synapse" },
	{ "matrix", "homeserver_url", "https://example.org/.well-known/matrix/client",
	  "/.well-known" },
	{ "matrix", "homeserver_url", "https://matrix.to/#/#room:example.org", "link for people" },
	{ "matrix", "homeserver_url", "matrix.example.org", "begin with https://" },
	{ "matrix", "room_id", "https://matrix.to/#/#room:example.org", "paste what follows" },
	{ "matrix", "room_id", "@bot:example.org", "user" },
	{ "matrix", "room_id", "!a:example.org?via=example.org", "?via=" },
	{ "matrix", "room_id", "#room:example.org/$event?via=example.org", "/$" },
	{ "matrix", "room_id", "%23room%3Aexample.org", "# for %23" },
	{ "telegram", "chat_id", "https://t.me/alerts", "paste @" },
	{ "telegram", "chat_id", "telegram.me/alerts", "paste @" },
	{ "telegram", "chat_id", "tg://resolve?domain=alerts", "after domain=" },
	{ "telegram", "chat_id", "https://web.telegram.org/k/#@alerts", "after #" },
	{ "telegram", "chat_id", "t.me/c/1234567890/5", "-100" },
	{ "telegram", "chat_id", "https://web.telegram.org/a/#-1001234567890", "after #" },
	{ "telegram", "chat_id", "telegram.me/c/1234567890/5", "-100" },
	{ "telegram", "chat_id", "https://t.me/+AbCdEf", "invitation" },
	{ "telegram", "chat_id", "https://telegram.me/+AbCdEf", "invitation" },
	{ "telegram", "chat_id", "alerts", "without @" },
	{ "telegram", "bot_token", "https://api.telegram.org/bot" TOKEN "/getMe", "token alone" },
	{ "discord", "webhook_url", "https://discord.com/api/webhooks/" HOOK "?a=1&amp;b=2",
	  "write &" },
	{ "teams", "webhook_url", "https://a.logic.azure.com/workflows/a?sig=x&amp;a=1",
	  "write &" },
	{ "googlechat", "webhook_url",
	  "https://chat.googleapis.com/v1/spaces/A/messages?key=K&amp;token=T", "write &" },
	{ "webhook", "url", "https://example.com/?a=1&amp;b=2", "write &" },
	{ "webhook", "url", "http://[1.2.3.4]/", "brackets" },
	{ "webhook", "url", "https://u:p@example.com/", "password" },
	{ "webhook", "url", "https://example.com/#a", "#" },
	{ "webhook", "url", "https://example.com:0/", "port" },
	{ "webhook", "url", "example.com/hook", "begin with https://" },
};

static const struct {
	const char *provider, *before, *after, *sent;
} spellings[] = {
	{ "slack", "https://HOOKS.slack.com/services/T0/B0/x", "", "slack.com/services/T0/B0/x" },
	{ "discord", "https://Discord.com/api/webhooks/" HOOK, "",
	  "https://discord.com/api/v10/webhooks/" HOOK "?wait=true" },
	{ "teams", "https://A.logic.azure.com/workflows/a/triggers/manual/paths/invoke", "?sig=x",
	  "/triggers/manual/paths/invoke?sig=x" },
	{ "googlechat", "https://CHAT.googleapis.com/v1/spaces/A/messages", "?key=K&token=T",
	  "/v1/spaces/A/messages?key=K&token=T" },
};

static struct provider_config good_settings(const char *provider)
{
	struct provider_config config = { .count = 0 };

	if (strcmp(provider, "matrix") == 0)
		config = (struct provider_config){
			.count = 3,
			.fields = { { "homeserver_url", STR("https://matrix.example.org") },
				    { "access_token", STR("T") },
				    { "room_id", STR("!a:example.org") } },
		};
	if (strcmp(provider, "telegram") == 0)
		config = (struct provider_config){
			.count = 2,
			.fields = { { "bot_token", STR(TOKEN) }, { "chat_id", STR("-1001") } },
		};
	return config;
}

static void set_field(struct provider_config *config, const char *name, const char *value)
{
	size_t at = 0;

	while (at < config->count && strcmp(config->fields[at].name, name) != 0)
		at++;
	config->fields[at].name = name;
	config->fields[at].value = str_of(value);
	if (at == config->count)
		config->count++;
}

static void expect_refusal(size_t i)
{
	const char *value = cases[i].value;
	struct provider_config config = good_settings(cases[i].provider);
	struct reason why = { .text = "" };
	char *example;

	set_field(&config, cases[i].field, value);
	cr_expect_eq(provider_find(str_of(cases[i].provider))->check(&config, &why), -EINVAL, "%s",
		     value);
	cr_expect_str_eq(why.field, cases[i].field);
	cr_expect_lt(strlen(why.text), sizeof(why.text) - 1, "it is cut: %s", why.text);
	example = strstr(why.text, "; a valid one: ");
	cr_expect(example, "%s: %s", value, why.text);
	if (example)
		*example = '\0'; /* it has most of the words that the fault has to say */
	cr_expect(strstr(why.text, cases[i].says), "%s: %s", value, why.text);
	cr_expect_null(strstr(why.text, value), "%s", why.text);
}

Test(pasted, says_which_part_is_wrong_and_shows_a_right_one)
{
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		expect_refusal(i);
}

/* Another spelling of a URL that is right: the request goes to the one that the vendor gave. */
static void expect_sent(const char *provider, const char *url, const char *sent)
{
	const struct rig_config config = { { "webhook_url", url } };
	char field[48];
	struct rig rig;

	cr_expect_eq(rig_check(provider, &config, field), 0, "%s", url);
	rig_success(&rig, provider);
	cr_expect_eq(rig_build(&rig, &config, FORM_RICH, ""), 0, "%s", url);
	cr_expect(strstr(buf_str(&rig.out.url).len ? buf_text(&rig.out.url) : "", sent), "%s", url);
	rig_done(&rig);
}

Test(pasted, takes_slashes_at_the_end_and_a_host_in_capitals)
{
	static const char *const slashes[] = { "", "/", "//" };
	char url[256];

	for (size_t i = 0; i < ARRAY_LEN(spellings); i++) {
		for (size_t k = 0; k < ARRAY_LEN(slashes); k++) {
			snprintf(url, sizeof(url), "%s%s%s", spellings[i].before, slashes[k],
				 spellings[i].after);
			expect_sent(spellings[i].provider, url, spellings[i].sent);
		}
	}
}
