/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Discord webhooks: one embed, sent with wait=true, because without it a message that was not saved
 * looks like a success. Nothing can ping: no mention is allowed and every character of markup is
 * escaped.
 */
#include <errno.h>
#include <string.h>

#include "core/rfc3339.h"
#include "core/version.h"
#include "providers/builtin.h"
#include "providers/chat.h"
#include "providers/discord.h"
#include "providers/hosts.h"

#define EMBED_LIMIT   6000 /* code points, all texts together */
#define CONTENT_LIMIT 2000
#define TITLE_LIMIT   256
#define VALUE_LIMIT   1024
#define LINES_LIMIT   4096
/* Five in two seconds and thirty a minute are documented; headers tell more. */
#define WEBHOOK_BURST       4
#define WEBHOOK_INTERVAL_US 2000000
/* Discord blocks senders whose User-Agent does not have this form. */
#define AGENT_LEAD "DiscordBot (https://wrenn.dev, " WRENN_EVENTS_VERSION ") "

/* ---- the address ------------------------------------------------------------------------ */

struct hook {
	struct url_parts parts;
	struct str id;
	struct str token;
	struct str thread; /* a number, or empty */
	bool is_guest;     /* at a host that the operator allows: its path and query are kept */
};

static bool is_version(struct str piece)
{
	unsigned long long number;

	return piece.len >= 2 && piece.len <= 3 && piece.at[0] == 'v' &&
	       str_to_u64(str_from(piece, 1), &number);
}

static bool is_snowflake(struct str id)
{
	unsigned long long number;

	return id.len >= 17 && id.len <= 20 && str_to_u64(id, &number);
}

/* A query is at most `thread_id=<number>`, beside the `wait=true` we write ourselves. Anything else
 * could look like an attack to the firewall in front of Discord, which would then block all
 * teams. */
static bool read_thread(struct str query, struct str *out)
{
	unsigned long long number;

	*out = STR("");
	while (query.len) {
		struct str value = str_cut(&query, '&');

		if (value.len == 0 || str_is(value, "wait=true"))
			continue;
		if (!str_is(str_cut(&value, '='), "thread_id") || out->len || value.len > 20 ||
		    !str_to_u64(value, &number))
			return false;
		*out = value;
	}
	return true;
}

/* The host to send to. Old settings still have the name from before 2020, which may stop
 * working. */
static struct str host_of(struct str host)
{
	static const struct {
		const char *given, *sent;
	} hosts[] = {
		{ "discord.com", "discord.com" },
		{ "canary.discord.com", "canary.discord.com" },
		{ "ptb.discord.com", "ptb.discord.com" },
		{ "discordapp.com", "discord.com" },
		{ "canary.discordapp.com", "canary.discord.com" },
		{ "ptb.discordapp.com", "ptb.discord.com" },
	};

	for (size_t i = 0; i < ARRAY_LEN(hosts); i++) {
		if (str_eq_nocase(host, str_of(hosts[i].given)))
			return str_of(hosts[i].sent);
	}
	return STR("");
}

/* /api[/v10]/webhooks/{id}/{token} */
static bool read_path(struct str path, struct hook *out)
{
	struct str rest = path;
	struct str piece;

	if (!str_starts(path, STR("/api/")))
		return false;
	rest = str_from(path, strlen("/api/"));
	piece = str_cut(&rest, '/');
	if (is_version(piece))
		piece = str_cut(&rest, '/');
	if (!str_is(piece, "webhooks") || !rest.at)
		return false;
	out->id = str_cut(&rest, '/');
	out->token = rest;
	return is_snowflake(out->id) && out->token.len <= 256 && str_is_word(out->token, "_-");
}

static const char *read_hook(struct str url, struct hook *out)
{
	const char *fault = url_hook_fault(url, &out->parts);

	out->is_guest = false;

	if (fault)
		return fault;
	if (host_is_allowed("discord", out->parts.host)) {
		*out = (struct hook){ .parts = out->parts, .is_guest = true };
		return NULL;
	}
	url_trim_path(&out->parts);
	out->parts.host = host_of(out->parts.host);
	if (out->parts.host.len == 0)
		return "has a host other than discord.com";
	if (str_ends_nocase(out->parts.path, STR("/slack")) ||
	    str_ends_nocase(out->parts.path, STR("/github")))
		return "expects the messages of another service: remove /slack or /github at its "
		       "end";
	if (!read_path(out->parts.path, out))
		return "has another path than /api/webhooks/<number>/<token>";
	return read_thread(out->parts.query, &out->thread)
		       ? NULL
		       : "has another parameter than thread_id=<number>";
}

static int discord_check(const struct provider_config *config, struct reason *why)
{
	int rc = config_check_fields(config, discord_provider.fields, why);
	struct hook hook;
	const char *fault;

	if (rc)
		return rc;
	fault = read_hook(config_value(config, "webhook_url"), &hook);
	return fault ? config_refuse(why, "webhook_url", fault,
				     "https://discord.com/api/webhooks/123456789012345678/Ab-12_Cd")
		     : 0;
}

static size_t discord_paces(const struct provider_config *config,
			    struct pace out[PROVIDER_MAX_PACES])
{
	struct hook hook;

	if (read_hook(config_value(config, "webhook_url"), &hook))
		return 0;
	if (hook.is_guest)
		out[0] = chat_pace("discord guest", config_value(config, "webhook_url"), STR(""),
				   WEBHOOK_BURST, WEBHOOK_INTERVAL_US);
	else
		out[0] = chat_pace("discord webhook", hook.id, hook.token, WEBHOOK_BURST,
				   WEBHOOK_INTERVAL_US);
	return 1;
}

/* The unversioned path still means a version long retired. `edited` is a message's id, or empty. */
static void write_url(struct buf *url, const struct hook *hook, struct str edited)
{
	char mark = '?';

	buf_add_text(url, "https://");
	buf_add_str(url, hook->parts.host);
	buf_add_text(url, "/api/v10/webhooks/");
	buf_add_str(url, hook->id);
	buf_add_char(url, '/');
	buf_add_str(url, hook->token);
	if (edited.len) {
		buf_add_text(url, "/messages/");
		buf_add_str(url, edited);
	} else {
		buf_add_text(url, "?wait=true");
		mark = '&';
	}
	if (hook->thread.len) {
		buf_add_char(url, mark);
		buf_add_text(url, "thread_id=");
		buf_add_str(url, hook->thread);
	}
}

/* ---- the message ------------------------------------------------------------------------ */

static size_t escape_markdown(struct buf *out, struct str rest)
{
	char c = rest.at[0];

	if ((c && strchr("\\*_~|>#-+[]()<@`", c)) || str_starts(rest, STR("://")))
		buf_add_char(out, '\\');
	return text_escape_none(out, rest);
}

static void draw_lines(struct buf *body, const struct card *card, const struct text_rule *rule)
{
	buf_add_text(body, ",\"description\":");
	chat_add_lines(body, card, rule, LINES_LIMIT);
}

/* In the zone and the language of the reader: "24 May 2026 07:02 (2 hours ago)". */
static void add_time(struct buf *body, int64_t us)
{
	long long seconds = (long long)(us / 1000000);

	buf_addf(body, "\"<t:%lld:f> (<t:%lld:R>)\"", seconds, seconds);
}

static void draw_fields(struct buf *body, const struct card *card, const struct text_rule *rule)
{
	buf_add_text(body, ",\"fields\":[");
	for (size_t i = 0; i < card->field_count; i++) {
		const struct card_field *field = &card->fields[i];
		bool is_wide = strcmp(field->label, "Error") == 0;

		buf_addf(body, "%s{\"name\":\"%s\",\"value\":", i ? "," : "", field->label);
		if (field->time_us)
			add_time(body, field->time_us);
		else
			chat_add_value(body, rule, field->what, field->value, VALUE_LIMIT);
		buf_addf(body, ",\"inline\":%s}", is_wide ? "false" : "true");
	}
	buf_add_char(body, ']');
}

static void draw_rich(struct buf *body, const struct card *card, const struct text_rule *rule)
{
	static const unsigned colors[] = {
		[TONE_NEUTRAL] = 0x57606a,
		[TONE_GOOD] = 0x2da44e,
		[TONE_BAD] = 0xd73a49,
	};
	char time[RFC3339_TEXT_SIZE];

	buf_add_text(body, "{\"allowed_mentions\":{\"parse\":[]},\"embeds\":[{\"title\":");
	chat_add_title(body, card, rule, TITLE_LIMIT);
	if (card->link.len)
		json_add_member(body, "url", card->link);
	buf_addf(body, ",\"color\":%u", colors[card->tone]);
	if (card->time_us) {
		rfc3339_format(card->time_us, 0, time);
		json_add_member(body, "timestamp", str_of(time));
	}
	if (card->line_count)
		draw_lines(body, card, rule);
	draw_fields(body, card, rule);
	if (card->footer.len) {
		buf_add_text(body, ",\"footer\":{");
		json_add_member(body, "text", card->footer);
		buf_add_char(body, '}');
	}
	buf_add_text(body, "}]}");
}

static size_t size_member(const cJSON *object, const char *name)
{
	return chat_size_points(str_of(json_get_string(object, name)));
}

/* The size of a drawn body: of all texts of its embed, or of its content. */
static size_t size_body(struct str body)
{
	cJSON *tree;
	const cJSON *field;
	size_t size;

	if (json_parse(body, OUTGOING_MAX_BODY, &tree, NULL) < 0)
		return SIZE_MAX;
	const cJSON *embed = cJSON_GetArrayItem(json_get(tree, "embeds"), 0);

	size = size_member(tree, "content") + size_member(embed, "title") +
	       size_member(embed, "description") + size_member(json_get(embed, "footer"), "text");
	cJSON_ArrayForEach(field, json_get(embed, "fields")) size +=
		size_member(field, "name") + size_member(field, "value");
	cJSON_Delete(tree);
	return size;
}

static const struct chat_form rich = {
	{ draw_rich, size_body, EMBED_LIMIT }, UNIT_CODE_POINTS, escape_markdown, NULL, NULL,
};
/* 4: no previews of links */
static const struct chat_form plain = {
	{ card_write_text, chat_size_points, CONTENT_LIMIT },
	UNIT_CODE_POINTS,
	escape_markdown,
	"content",
	",\"allowed_mentions\":{\"parse\":[]},\"flags\":4",
};

/* An edit must clear the members of the other form, because Discord keeps what an edit leaves
 * out. */
static void clear_other_form(struct buf *body, enum message_form form)
{
	body->len--; /* the closing brace */
	buf_add_text(body,
		     form == FORM_PLAIN ? ",\"embeds\":[]}" : ",\"content\":null,\"flags\":0}");
}

static int discord_build(const struct message *message, const struct provider_config *config,
			 const struct attempt *attempt, struct outgoing *out)
{
	struct str edited = message->life ? message->life->replaces : STR("");
	struct hook hook;
	struct buf agent;
	int rc;

	if (read_hook(config_value(config, "webhook_url"), &hook))
		return -EINVAL;
	rc = chat_write(&out->body, message, &rich, &plain);
	if (rc)
		return rc;
	if (edited.len)
		clear_other_form(&out->body, message->form);
	if (hook.is_guest)
		url_write_hook(&out->url, &hook.parts, hook.parts.query);
	else
		write_url(&out->url, &hook, edited);
	buf_init(&agent, 256);
	buf_add_text(&agent, AGENT_LEAD);
	buf_add_text(&agent, attempt->user_agent);
	rc = agent.err;
	chat_post(out, "application/json", buf_str(&agent));
	if (edited.len)
		out->method = "PATCH";
	buf_done(&agent);
	return rc ? rc : outgoing_error(out);
}

static struct measure discord_measure(const struct outgoing *request)
{
	bool is_plain = str_starts(buf_str(&request->body), STR("{\"content\""));

	return (struct measure){ "code points", size_body(buf_str(&request->body)),
				 is_plain ? CONTENT_LIMIT : EMBED_LIMIT };
}

const struct provider discord_provider = {
	.name = "discord",
	.title = "Discord",
	.fields = { { .name = "webhook_url",
		      .need = FIELD_REQUIRED,
		      .use = FIELD_TARGET,
		      .example = "https://discord.com/api/webhooks/100000000000000000/example" } },
	.folds = true,
	.per_second = 50,
	.check = discord_check,
	.build = discord_build,
	.judge = discord_judge,
	.paces = discord_paces,
	.measure = discord_measure,
	.edit = &discord_edit,
};
