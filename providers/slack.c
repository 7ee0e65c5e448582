/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Slack incoming webhooks: a line of text and a coloured attachment. Its markup has no escape for
 * stars and the like, so users' text goes into plain_text objects or a text with markup switched
 * off. Answers are words, which say more than the status.
 */
#include <errno.h>

#include "providers/builtin.h"
#include "providers/chat.h"
#include "providers/hosts.h"
#include "providers/slack_like.h"

#define RICH_LIMIT  12000 /* UTF-16 units of escaped text, all texts together */
#define PLAIN_LIMIT 4000
#define TITLE_LIMIT 300
#define LINES_LIMIT 3000
#define FIELD_LIMIT 2000
#define ROW_FIELDS  5 /* a section has ten cells: five labels and five values */
/* One a second, with a margin for the jitter on the way. */
#define WEBHOOK_INTERVAL_US 1050000

/* ---- the address ------------------------------------------------------------------------ */

static bool has_hook_path(struct str path)
{
	struct str secret = str_from(path, strlen("/services/"));
	struct str team = str_cut(&secret, '/');
	struct str app = str_cut(&secret, '/');

	return team.len <= 64 && str_is_word(team, "") && app.len <= 64 && str_is_word(app, "") &&
	       secret.len <= 128 && str_is_word(secret, "");
}

/* /services/{T...}/{B...}/{secret} */
static const char *read_hook(struct str url, struct url_parts *out)
{
	const char *fault = url_hook_fault(url, out);

	if (fault || host_is_allowed("slack", out->host))
		return fault;
	url_trim_path(out);
	if (!str_eq_nocase(out->host, STR("hooks.slack.com")) &&
	    !str_eq_nocase(out->host, STR("hooks.slack-gov.com")))
		return "has a host other than hooks.slack.com";
	if (str_starts(out->path, STR("/triggers/")) || str_starts(out->path, STR("/workflows/")))
		return "belongs to Workflow Builder, which expects other messages: add an incoming "
		       "webhook to a Slack app and paste its URL";
	if (!str_starts(out->path, STR("/services/")) || !has_hook_path(out->path))
		return "has another path than /services/T.../B.../<secret>";
	return out->query.len ? "has parameters after ?, which Slack does not give" : NULL;
}

static int slack_check(const struct provider_config *config, struct reason *why)
{
	int rc = config_check_fields(config, slack_provider.fields, why);
	struct url_parts parts;
	const char *fault;

	if (rc)
		return rc;
	fault = read_hook(config_value(config, "webhook_url"), &parts);
	return fault ? config_refuse(
			       why, "webhook_url", fault,
			       "https://hooks.slack.com/services/T0123ABCD/B0123ABCD/Xy12Zw34")
		     : 0;
}

static size_t slack_paces(const struct provider_config *config, struct pace out[PROVIDER_MAX_PACES])
{
	struct url_parts parts;

	if (read_hook(config_value(config, "webhook_url"), &parts))
		return 0;
	out[0] = chat_pace("slack webhook", config_value(config, "webhook_url"), STR(""), 1,
			   WEBHOOK_INTERVAL_US);
	return 1;
}

/* ---- the message ------------------------------------------------------------------------ */

static size_t escape_text(struct buf *out, struct str rest)
{
	if (rest.at[0] && strchr("&<>", rest.at[0]))
		return text_escape_amp(out, rest);
	return chat_escape_unlinked(out, rest);
}

static void draw_lines(struct buf *body, const struct card *card, const struct text_rule *rule)
{
	buf_add_text(body, "{\"type\":\"section\",\"text\":{\"type\":\"plain_text\",\"emoji\":"
			   "false,\"text\":");
	chat_add_lines(body, card, rule, LINES_LIMIT);
	buf_add_text(body, "}},");
}

/* A time is shown in the reader's time zone. Clients that cannot do that show the fallback text. */
static void draw_value(struct buf *body, const struct card_field *field,
		       const struct text_rule *rule)
{
	if (field->time_us) {
		buf_addf(body,
			 "{\"type\":\"mrkdwn\",\"verbatim\":true,\"text\":\"<!date^%lld^"
			 "{date_short_pretty} {time_secs}|%.*s>\"}",
			 (long long)(field->time_us / 1000000), STR_ARGS(field->value.head));
		return;
	}
	buf_add_text(body, "{\"type\":\"plain_text\",\"emoji\":false,\"text\":");
	chat_add_value(body, rule, field->what, field->value, FIELD_LIMIT);
	buf_add_char(body, '}');
}

/* Two columns: our label in bold, the value as it is. */
static void draw_fields(struct buf *body, const struct card *card, const struct text_rule *rule)
{
	for (size_t i = 0; i < card->field_count; i++) {
		const struct card_field *field = &card->fields[i];

		if (i % ROW_FIELDS == 0)
			buf_addf(body, "%s{\"type\":\"section\",\"fields\":[", i ? "]}," : "");
		else
			buf_add_char(body, ',');
		buf_addf(body, "{\"type\":\"mrkdwn\",\"verbatim\":true,\"text\":\"*%s*\"},",
			 field->label);
		draw_value(body, field, rule);
	}
	buf_add_text(body, card->field_count ? "]}" : "");
}

static void draw_context(struct buf *body, const struct card *card)
{
	struct buf link;

	if (card->footer.len == 0 && card->link.len == 0)
		return;
	buf_add_text(body, ",{\"type\":\"context\",\"elements\":[");
	if (card->footer.len) {
		buf_add_text(body, "{\"type\":\"plain_text\",\"emoji\":false,\"text\":");
		json_add_string(body, card->footer);
		buf_add_text(body, card->link.len ? "}," : "}");
	}
	if (card->link.len) {
		buf_init(&link, OUTGOING_MAX_BODY);
		buf_add_char(&link, '<');
		text_add_escaped(&link, text_escape_amp, card->link);
		buf_add_text(&link, "|Open>");
		buf_add_text(body, "{\"type\":\"mrkdwn\",\"verbatim\":true,\"text\":");
		json_add_string(body, buf_str(&link));
		buf_add_char(body, '}');
		if (link.err && !body->err)
			body->err = link.err;
		buf_done(&link);
	}
	buf_add_text(body, "]}");
}

static void draw_rich(struct buf *body, const struct card *card, const struct text_rule *rule)
{
	static const char *const colors[] = {
		[TONE_NEUTRAL] = "#57606A",
		[TONE_GOOD] = "#2DA44E",
		[TONE_BAD] = "#D73A49",
	};
	struct text_rule unrecorded = *rule;

	unrecorded.trims = NULL; /* do not record the same cut twice */
	buf_add_text(body, "{\"text\":");
	chat_add_title(body, card, rule, TITLE_LIMIT);
	buf_addf(body,
		 ",\"mrkdwn\":false,\"unfurl_links\":false,\"unfurl_media\":false,"
		 "\"attachments\":[{\"color\":\"%s\",\"fallback\":",
		 colors[card->tone]);
	chat_add_title(body, card, &unrecorded, TITLE_LIMIT);
	buf_add_text(body, ",\"blocks\":[");
	if (card->line_count)
		draw_lines(body, card, rule);
	draw_fields(body, card, rule);
	draw_context(body, card);
	buf_add_text(body, "]}]}");
}

/* Counts all shown text, at any depth of the tree: json_parse() bounds the depth. */
static size_t size_texts(const cJSON *tree)
{
	const cJSON *child;
	size_t size = 0;

	cJSON_ArrayForEach(child, tree)
	{
		bool is_shown = child->string && (strcmp(child->string, "text") == 0 ||
						  strcmp(child->string, "fallback") == 0);

		if (cJSON_IsString(child) && is_shown)
			size += text_size(str_of(child->valuestring), UNIT_UTF16);
		else
			size += size_texts(child);
	}
	return size;
}

static size_t size_body(struct str body)
{
	cJSON *tree;
	size_t size;

	if (json_parse(body, OUTGOING_MAX_BODY, &tree, NULL) < 0)
		return SIZE_MAX;
	size = size_texts(tree);
	cJSON_Delete(tree);
	return size;
}

static const struct chat_form rich = {
	{ draw_rich, size_body, RICH_LIMIT }, UNIT_UTF16, escape_text, NULL, NULL,
};
static const struct chat_form plain = {
	{ card_write_text, chat_size_utf16, PLAIN_LIMIT },
	UNIT_UTF16,
	escape_text,
	"text",
	",\"mrkdwn\":false",
};

static int slack_build(const struct message *message, const struct provider_config *config,
		       const struct attempt *attempt, struct outgoing *out)
{
	struct url_parts parts;
	bool is_guest;
	int rc;

	if (read_hook(config_value(config, "webhook_url"), &parts))
		return -EINVAL;
	is_guest = host_is_allowed("slack", parts.host);
	rc = is_guest ? chat_write(&out->body, message, &slack_like_rich, &slack_like_plain)
		      : chat_write(&out->body, message, &rich, &plain);
	if (rc)
		return rc;
	url_write_hook(&out->url, &parts, parts.query);
	chat_post(out, "application/json", str_of(attempt->user_agent));
	return outgoing_error(out);
}

static bool has_mark(struct str body, struct str mark)
{
	return memmem(body.at, body.len, mark.at, mark.len);
}

static struct measure slack_measure(const struct outgoing *request)
{
	struct str body = buf_str(&request->body);
	bool is_rich = has_mark(body, STR("\"attachments\":["));

	if (is_rich && !has_mark(body, STR("\"blocks\":[")))
		return (struct measure){ "UTF-16 units", chat_size_utf16(body),
					 SLACK_LIKE_RICH_LIMIT };
	return (struct measure){ "UTF-16 units", size_body(body),
				 is_rich ? RICH_LIMIT : PLAIN_LIMIT };
}

/* ---- answers ---------------------------------------------------------------------------- */

#define WORD_MAX 80

/* A cause in settings or permissions disables the channel: its backlog waits until the owner has
 * fixed them. */
static const struct chat_meaning meanings[] = {
	{ "no_service", VERDICT_DISABLE, "the Slack webhook was removed or switched off" },
	{ "no_active_hooks", VERDICT_DISABLE, "the Slack webhook was removed or switched off" },
	{ "no_service_id", VERDICT_DISABLE, "the Slack webhook was removed or switched off" },
	{ "no_team", VERDICT_DISABLE, "the Slack workspace does not exist" },
	{ "team_disabled", VERDICT_DISABLE, "the Slack workspace is disabled" },
	{ "invalid_token", VERDICT_DISABLE, "Slack does not accept the webhook's secret" },
	{ "token_revoked", VERDICT_DISABLE, "the Slack webhook's permission was withdrawn" },
	{ "token_expired", VERDICT_DISABLE, "the Slack webhook's token has expired" },
	{ "missing_scope", VERDICT_DISABLE, "the Slack webhook's permission was withdrawn" },
	{ "no_permission", VERDICT_DISABLE, "the Slack webhook's permission was withdrawn" },
	{ "team_access_not_granted", VERDICT_DISABLE,
	  "the Slack webhook's permission was withdrawn" },
	{ "ekm_access_denied", VERDICT_DISABLE, "an admin of the Slack workspace forbids it" },
	{ "invalid_auth", VERDICT_DISABLE, "Slack does not accept the webhook's secret" },
	{ "not_authed", VERDICT_DISABLE, "Slack does not accept the webhook's secret" },
	{ "account_inactive", VERDICT_DISABLE, "the Slack account of the webhook is deactivated" },
	{ "channel_is_archived", VERDICT_DISABLE, "the Slack channel is archived" },
	{ "is_archived", VERDICT_DISABLE, "the Slack channel is archived" },
	{ "channel_not_found", VERDICT_DISABLE, "the Slack channel does not exist" },
	{ "not_in_channel", VERDICT_DISABLE, "the Slack app is no longer in the channel" },
	{ "action_prohibited", VERDICT_DISABLE, "an admin of the Slack workspace forbids it" },
	{ "restricted_action", VERDICT_DISABLE, "an admin of the Slack workspace forbids it" },
	{ "posting_to_general_channel_denied", VERDICT_DISABLE,
	  "an admin of the Slack workspace forbids posting to #general" },
	{ "invalid_payload", VERDICT_REFORM, "Slack refused the message's form" },
	{ "invalid_blocks", VERDICT_REFORM, "Slack refused the message's form" },
	{ "invalid_blocks_format", VERDICT_REFORM, "Slack refused the message's form" },
	{ "invalid_attachments", VERDICT_REFORM, "Slack refused the message's form" },
	{ "missing_text_or_fallback_or_attachments", VERDICT_REFORM,
	  "Slack found the message empty" },
	{ "msg_too_long", VERDICT_REFORM, "Slack found the message too long" },
	{ "msg_blocks_too_long", VERDICT_REFORM, "Slack found the message too long" },
	{ "no_text", VERDICT_REFORM, "Slack found the message empty" },
	{ "too_many_attachments", VERDICT_REFORM, "Slack refused the message's form" },
	{ "user_not_found", VERDICT_REJECT, "the Slack user of the webhook does not exist" },
	{ "rollup_error", VERDICT_RETRY, "Slack could not handle the message now" },
};

/* Slack's errors are one word of small letters; a proxy answers in more words, or in capitals. */
static bool is_word(struct str text)
{
	if (text.len == 0 || text.len > WORD_MAX || text.at[0] < 'a' || text.at[0] > 'z')
		return false;
	for (size_t i = 0; i < text.len; i++) {
		char c = text.at[i];

		if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && c != '_')
			return false;
	}
	return true;
}

static struct verdict judge_word(const struct answer *answer, struct str word, int64_t now_us)
{
	const struct chat_meaning *meaning = chat_meaning_find(meanings, ARRAY_LEN(meanings), word);
	struct verdict verdict;

	if (!is_word(word))
		return judge_stranger(answer, now_us);
	if (!meaning)
		return chat_unknown(answer, now_us,
				    answer->status < 300 ? "Slack did not confirm the message"
							 : "an error of Slack that we do not know");
	verdict = chat_verdict(meaning->kind, meaning->why);
	if (verdict.kind == VERDICT_RETRY)
		verdict.retry_after_ms = retry_after_ms(answer, now_us);
	return verdict;
}

/* The body is a word, or {"ok":false,"error":<word>}. Without "ok" it may be OAuth's, which has a
 * word of Slack's among its own: invalid_token. */
static struct verdict judge_body(const struct answer *answer, int64_t now_us)
{
	cJSON *tree = chat_answer_tree(answer);
	struct str word = cJSON_IsFalse(json_get(tree, "ok"))
				  ? str_of(json_get_string(tree, "error"))
				  : str_trim(answer->body);
	struct verdict verdict;

	if (answer->status == 429 || str_is(word, "rate_limited") || str_is(word, "ratelimited"))
		verdict = chat_throttled(answer, now_us,
					 chat_wish_ms(json_get(tree, "retry_after"), 1000));
	else
		verdict = judge_word(answer, word, now_us);
	cJSON_Delete(tree);
	return verdict;
}

static struct verdict slack_judge(const struct answer *answer, int64_t now_us)
{
	bool is_success = answer->status >= 200 && answer->status <= 299;

	if (answer->status == 0)
		return judge_by_status(answer, now_us);
	if (is_success && answer->fault != ANSWER_OK)
		return chat_half_success(answer, now_us);
	if (answer->status == 200 && str_is(str_trim(answer->body), "ok"))
		return verdict_of(VERDICT_DELIVERED);
	return judge_body(answer, now_us);
}

const struct provider slack_provider = {
	.name = "slack",
	.title = "Slack",
	.fields = { { .name = "webhook_url",
		      .need = FIELD_REQUIRED,
		      .use = FIELD_TARGET,
		      .example = "https://hooks.slack.com/services/T0EXAMPLE/B0EXAMPLE/example" } },
	.folds = true,
	.check = slack_check,
	.build = slack_build,
	.judge = slack_judge,
	.paces = slack_paces,
	.measure = slack_measure,
};
