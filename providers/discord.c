/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Discord webhooks: one embed, waited for, because without wait=true a message that was not
 * saved looks like a success. Nothing can ping: no mention is allowed and every character of
 * markup is escaped. Rate headers of every answer are obeyed.
 */
#include <errno.h>
#include <stdlib.h>

#include "core/version.h"
#include "providers/builtin.h"
#include "providers/chat.h"

#define EMBED_LIMIT   6000 /* code points, all texts together */
#define CONTENT_LIMIT 2000
#define TITLE_LIMIT   256
#define VALUE_LIMIT   1024
#define LINES_LIMIT   4096
#define BAN_PAUSE_MS  60000 /* the least after a ban or a global limit */
/* Five in two seconds and thirty a minute have been named; headers say more. */
#define WEBHOOK_BURST       4
#define WEBHOOK_INTERVAL_US 2000000
/* Discord blocks senders that do not name themselves in this form. */
#define AGENT_LEAD "DiscordBot (https://wrenn.dev, " WRENN_EVENTS_VERSION ") "

/* ---- the address ------------------------------------------------------------------------ */

struct hook {
	struct url_parts parts;
	struct str id;
	struct str token;
	struct str thread; /* a number, or empty */
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
 * could look like an attack to the wall in front of Discord, whose answer stops every team. */
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

/* The host to send to: the name of before 2020 is still found in old settings and answers ever less. */
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
	return is_snowflake(out->id) && is_made_of_alnum(out->token, "_-", 256);
}

static const char *read_hook(struct str url, struct hook *out)
{
	const char *fault = url_hook_fault(url, &out->parts);

	if (fault)
		return fault;
	out->parts.host = host_of(out->parts.host);
	if (out->parts.host.len == 0)
		return "has a host other than discord.com";
	if (str_ends_nocase(out->parts.path, STR("/slack")) ||
	    str_ends_nocase(out->parts.path, STR("/github")))
		return "takes the messages of another service: leave out /slack or /github at its "
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
	out[0] = chat_pace("discord webhook", hook.id, hook.token, WEBHOOK_BURST,
			   WEBHOOK_INTERVAL_US);
	return 1;
}

/* The unversioned path still means a version long retired. */
static void write_url(struct buf *url, const struct hook *hook)
{
	buf_add_text(url, "https://");
	buf_add_str(url, hook->parts.host);
	buf_add_text(url, "/api/v10/webhooks/");
	buf_add_str(url, hook->id);
	buf_add_char(url, '/');
	buf_add_str(url, hook->token);
	buf_add_text(url, "?wait=true");
	if (hook->thread.len) {
		buf_add_text(url, "&thread_id=");
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

static void draw_fields(struct buf *body, const struct card *card, const struct text_rule *rule)
{
	buf_add_text(body, ",\"fields\":[");
	for (size_t i = 0; i < card->field_count; i++) {
		const struct card_field *field = &card->fields[i];
		bool is_wide = strcmp(field->label, "Error") == 0;

		buf_addf(body, "%s{\"name\":\"%s\",\"value\":", i ? "," : "", field->label);
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
		[TONE_WARNING] = 0xbf8700,
		[TONE_BAD] = 0xd73a49,
	};

	buf_add_text(body, "{\"allowed_mentions\":{\"parse\":[]},\"embeds\":[{\"title\":");
	chat_add_value(body, rule, "title", card->title, TITLE_LIMIT);
	if (card->link.len)
		json_add_member(body, "url", card->link);
	buf_addf(body, ",\"color\":%u", colors[card->tone]);
	if (card->time.len)
		json_add_member(body, "timestamp", card->time);
	if (card->line_count)
		draw_lines(body, card, rule);
	draw_fields(body, card, rule);
	if (card->reference.len) {
		buf_add_text(body, ",\"footer\":{");
		json_add_member(body, "text", card->reference);
		buf_add_char(body, '}');
	}
	buf_add_text(body, "}]}");
}

static size_t size_points(struct str text)
{
	return text_size(text, UNIT_CODE_POINTS);
}

static size_t size_member(const cJSON *object, const char *name)
{
	return size_points(str_of(json_get_string(object, name)));
}

/* Of a drawn body: all texts of its embed, or of its content. */
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
	{ card_write_text, size_points, CONTENT_LIMIT },
	UNIT_CODE_POINTS,
	escape_markdown,
	"content",
	",\"allowed_mentions\":{\"parse\":[]},\"flags\":4",
};

static int discord_build(const struct message *message, const struct provider_config *config,
			 const struct attempt *attempt, struct outgoing *out)
{
	struct hook hook;
	struct buf agent;
	int rc;

	if (read_hook(config_value(config, "webhook_url"), &hook))
		return -EINVAL;
	rc = chat_write(&out->body, message, &rich, &plain);
	if (rc)
		return rc;
	write_url(&out->url, &hook);
	buf_init(&agent, 256);
	buf_add_text(&agent, AGENT_LEAD);
	buf_add_text(&agent, attempt->user_agent);
	rc = agent.err;
	chat_post(out, "application/json", buf_str(&agent));
	buf_done(&agent);
	return rc ? rc : outgoing_error(out);
}

static struct measure discord_measure(const struct outgoing *request)
{
	bool is_plain = str_starts(buf_str(&request->body), STR("{\"content\""));

	return (struct measure){ "code points", size_body(buf_str(&request->body)),
				 is_plain ? CONTENT_LIMIT : EMBED_LIMIT };
}

/* ---- answers ---------------------------------------------------------------------------- */

/* Discord's own error codes; they say more than the status. What settings or permissions cause disables:
 * the backlog waits until its owner has mended them. */
static const struct meaning {
	int code;
	enum verdict_kind kind;
	const char *why;
} meanings[] = {
	{ 10003, VERDICT_DISABLE, "the channel or thread of the webhook does not exist" },
	{ 10004, VERDICT_DISABLE, "the server of the webhook does not exist" },
	{ 10015, VERDICT_DISABLE, "the Discord webhook was deleted" },
	{ 40001, VERDICT_DISABLE, "Discord does not accept the webhook's token" },
	{ 50001, VERDICT_DISABLE, "the webhook may not see its channel" },
	{ 50013, VERDICT_DISABLE, "the webhook may not write in its channel" },
	{ 50024, VERDICT_DISABLE, "the channel of the webhook takes no messages" },
	{ 50027, VERDICT_DISABLE, "Discord does not accept the webhook's token" },
	{ 50083, VERDICT_DISABLE, "the thread of the webhook is archived" },
	{ 160005, VERDICT_DISABLE, "the thread of the webhook is locked" },
	{ 220001, VERDICT_DISABLE,
	  "the webhook posts to a forum: add ?thread_id= of a thread to its URL" },
	{ 220002, VERDICT_DISABLE, "a thread is named twice in the webhook's URL" },
	{ 220003, VERDICT_DISABLE, "the channel of the webhook is no forum" },
	{ 50035, VERDICT_REFORM, "Discord refused the message's form" },
	{ 50006, VERDICT_REFORM, "Discord found the message empty" },
	{ 50109, VERDICT_REFORM, "Discord could not read the message" },
	{ 40005, VERDICT_REFORM, "Discord found the message too large" },
	{ 240000, VERDICT_REJECT, "Discord's link filter blocked the message" },
	{ 40333, VERDICT_RETRY, "Discord refuses this sender's User-Agent" },
	{ 130000, VERDICT_RETRY, "Discord is overloaded" },
	{ 40062, VERDICT_RETRY, "Discord limits this webhook" },
	{ 40004, VERDICT_RETRY, "Discord switched sending off for a while" },
	{ 20016, VERDICT_RETRY, "the channel is in slow mode" },
	{ 20028, VERDICT_RETRY, "the channel took too many messages" },
	{ 20029, VERDICT_RETRY, "the server took too many messages" },
};

static bool is_code_nought(const cJSON *tree)
{
	const cJSON *code = json_get(tree, "code");

	return cJSON_IsNumber(code) && code->valuedouble == 0;
}

/* An error: {"message":..., "code":...}. */
static bool is_error(const cJSON *tree)
{
	return cJSON_IsNumber(json_get(tree, "code")) && json_get_string(tree, "message");
}

/* What the oldest of its checks say of a form: {"embeds":["0"]}. */
static bool is_list_of_faults(const cJSON *tree)
{
	static const char *const members[] = { "embeds", "content", "allowed_mentions", "_misc" };

	for (size_t i = 0; i < ARRAY_LEN(members); i++) {
		if (cJSON_IsArray(json_get(tree, members[i])))
			return true;
	}
	return false;
}

static const struct meaning *meaning_of(const cJSON *tree)
{
	const cJSON *code = json_get(tree, "code");

	for (size_t i = 0; cJSON_IsNumber(code) && i < ARRAY_LEN(meanings); i++) {
		if (code->valuedouble == meanings[i].code)
			return &meanings[i];
	}
	return NULL;
}

/* A header of seconds, perhaps with a fraction, as milliseconds; -1 when absent. */
static int64_t header_seconds_ms(const struct answer *answer, const char *name)
{
	struct str value = answer_header(answer, name);
	char text[32];
	char *end;

	if (value.len == 0 || value.len >= sizeof(text) || value.at[0] < '0' || value.at[0] > '9')
		return -1;
	memcpy(text, value.at, value.len);
	text[value.len] = '\0';
	const cJSON number = { .type = cJSON_Number, .valuedouble = strtod(text, &end) };

	return *end ? -1 : chat_wish_ms(&number, 1000);
}

static int64_t longer(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

/* Of more than the channel: the least is a minute. */
static struct verdict pause_more(struct verdict verdict, int64_t pause_ms)
{
	verdict.kind = VERDICT_RETRY;
	verdict.is_throttled = true;
	verdict.pause = PAUSE_PROVIDER;
	verdict.retry_after_ms = longer(verdict.retry_after_ms, BAN_PAUSE_MS);
	verdict.pause_ms = longer(pause_ms, BAN_PAUSE_MS);
	return verdict;
}

/* The wall in front of Discord. Its wish is the channel's alone: whoever provokes it with one channel must not
 * stop everybody for an hour. The pause of all begins with a minute and grows while the wall stands. A 429
 * is about our address; a 403 may be about what one team wrote. */
static struct verdict judge_ban(const struct answer *answer, int64_t now_us)
{
	struct verdict verdict =
		chat_verdict(VERDICT_RETRY, "Discord blocks this sender's address for a while");

	verdict.retry_after_ms = retry_after_ms(answer, now_us);
	verdict = pause_more(verdict, BAN_PAUSE_MS);
	if (answer->status == 429)
		verdict.pause = PAUSE_EVERYBODY;
	return verdict;
}

/* Discord's own limiter says so in JSON, or at least in its headers. */
static bool is_of_its_limiter(const struct answer *answer, const cJSON *tree)
{
	return cJSON_IsNumber(json_get(tree, "retry_after")) || json_get_string(tree, "message") ||
	       answer_header(answer, "X-RateLimit-Global").len ||
	       answer_header(answer, "X-RateLimit-Scope").len ||
	       answer_header(answer, "X-RateLimit-Reset-After").len;
}

static struct verdict judge_too_fast(const struct answer *answer, const cJSON *tree, int64_t now_us)
{
	int64_t wish_ms = chat_wish_ms(json_get(tree, "retry_after"), 1000);
	bool is_global = cJSON_IsTrue(json_get(tree, "global")) ||
			 answer_header(answer, "X-RateLimit-Global").len ||
			 str_is(answer_header(answer, "X-RateLimit-Scope"), "global");

	wish_ms = longer(wish_ms, header_seconds_ms(answer, "X-RateLimit-Reset-After"));
	struct verdict verdict = chat_throttled(answer, now_us, wish_ms);

	if (!is_of_its_limiter(answer, tree) || (verdict.retry_after_ms < 0 && !is_global))
		return judge_ban(answer, now_us);
	if (is_global) {
		verdict.why = "Discord limits this whole service";
		return pause_more(verdict, verdict.pause_ms);
	}
	return verdict;
}

static struct verdict judge_error(const struct answer *answer, const cJSON *tree, int64_t now_us)
{
	const struct meaning *meaning = meaning_of(tree);

	if (meaning && meaning->kind == VERDICT_RETRY) {
		struct verdict verdict = chat_throttled(
			answer, now_us, chat_wish_ms(json_get(tree, "retry_after"), 1000));

		verdict.why = meaning->why;
		return verdict;
	}
	if (meaning)
		return chat_verdict(meaning->kind, meaning->why);
	if (answer->status == 401)
		return chat_verdict(VERDICT_DISABLE, "Discord does not accept the webhook's token");
	return chat_unknown(answer, now_us, "Discord refused the message in words we do not know");
}

static struct verdict judge_failure(const struct answer *answer, const cJSON *tree, int64_t now_us)
{
	if (answer->status == 429)
		return judge_too_fast(answer, tree, now_us);
	if (answer->status == 403 && (!tree || is_code_nought(tree)))
		return judge_ban(answer, now_us);
	if (is_error(tree))
		return judge_error(answer, tree, now_us);
	if (answer->status == 400 && is_list_of_faults(tree))
		return chat_verdict(VERDICT_REFORM, "Discord refused the message's form");
	return judge_stranger(answer, now_us);
}

static struct verdict judge_success(const struct answer *answer, const cJSON *tree, int64_t now_us)
{
	struct verdict verdict = verdict_of(VERDICT_DELIVERED);

	if (answer->fault != ANSWER_OK)
		return chat_half_success(answer, now_us);
	verdict.is_accepted_only = answer->status == 204; /* whether it was saved is not told */
	return tree || verdict.is_accepted_only ? verdict : judge_stranger(answer, now_us);
}

static struct verdict discord_judge(const struct answer *answer, int64_t now_us)
{
	struct verdict verdict = judge_by_status(answer, now_us);
	cJSON *tree = chat_answer_tree(answer);

	if (verdict.kind == VERDICT_DELIVERED)
		verdict = judge_success(answer, tree, now_us);
	else if (answer->status != 0)
		verdict = judge_failure(answer, tree, now_us);
	cJSON_Delete(tree);
	if (verdict.pause_ms < 0 && str_is(answer_header(answer, "X-RateLimit-Remaining"), "0"))
		verdict.pause_ms = header_seconds_ms(answer, "X-RateLimit-Reset-After");
	return verdict;
}

const struct provider discord_provider = {
	.name = "discord",
	.title = "Discord",
	.fields = { { .name = "webhook_url", .need = FIELD_REQUIRED, .use = FIELD_TARGET } },
	.folds = true,
	.per_second = 50,
	.check = discord_check,
	.build = discord_build,
	.judge = discord_judge,
	.paces = discord_paces,
	.measure = discord_measure,
};
