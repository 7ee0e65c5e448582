/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Google Chat incoming webhooks: a card in a thread per resource. Cards are preferred because
 * mentions and chat formatting exist in plain text only. In plain text, markup characters are
 * replaced by look-alikes, since no escape is documented. Errors are google.rpc.Status.
 */
#include <ctype.h>
#include <errno.h>

#include "core/crypto.h"
#include "providers/builtin.h"
#include "providers/chat.h"

#define BODY_LIMIT  32000 /* UTF-8 bytes of the whole message */
#define PLAIN_LIMIT 4000  /* the old limit of characters; the current one is not documented */
/* One a second for all webhooks of a space, less a margin for the jitter on the way. */
#define SPACE_INTERVAL_US 1050000

/* ---- the address ------------------------------------------------------------------------ */

static bool is_opaque_id(struct str id)
{
	for (size_t i = 0; i < id.len; i++) {
		if (!isalnum((unsigned char)id.at[i]) && id.at[i] != '-' && id.at[i] != '_')
			return false;
	}
	return id.len > 0;
}

/* The space of /v1/spaces/{space}/messages; empty for any other path. */
static struct str space_of(struct str path)
{
	const struct str lead = STR("/v1/spaces/");
	const struct str end = STR("/messages");
	struct str space = STR("");

	if (str_starts(path, lead) && path.len > lead.len + end.len) {
		struct str rest = str_from(path, path.len - end.len);

		space = str_from(path, lead.len);
		space.len -= end.len;
		if (!str_eq(rest, end) || !is_opaque_id(space))
			space = STR("");
	}
	return space;
}

/* How often the query has the parameter with a value. */
static unsigned count_parameter(struct str query, const char *name)
{
	unsigned count = 0;

	while (query.len) {
		struct str value = str_cut(&query, '&');
		struct str key = str_cut(&value, '=');

		if (str_is(key, name) && value.len)
			count++;
	}
	return count;
}

#define REPLY_OPTION "messageReplyOption"
#define FALLBACK     "REPLY_MESSAGE_FALLBACK_TO_NEW_THREAD"

/* The owner's option, unless it can refuse a message because of its thread; then ours. */
static struct str reply_option(struct str query)
{
	struct str option = chat_parameter(query, REPLY_OPTION);

	return str_is(option, "MESSAGE_REPLY_OPTION_UNSPECIFIED") ? option : STR(FALLBACK);
}

static const char *read_webhook(struct str url, struct url_parts *out, struct str *out_space)
{
	const char *fault = url_hook_fault(url, out);

	if (fault)
		return fault;
	if (!str_eq_nocase(out->host, STR("chat.googleapis.com")))
		return "has a host other than chat.googleapis.com";
	url_trim_path(out);
	*out_space = space_of(out->path);
	if (out_space->len == 0)
		return "has another path than /v1/spaces/<space>/messages";
	if (count_parameter(out->query, "key") != 1)
		return "needs key=... in it, once";
	return count_parameter(out->query, "token") == 1 ? NULL : "needs token=... in it, once";
}

/* With REPLY_MESSAGE_OR_FAIL the first message of a thread would be refused as if the space were
 * gone. */
static const char *find_fault(struct str url)
{
	struct url_parts parts;
	struct str space;
	const char *fault = read_webhook(url, &parts, &space);
	struct str option;

	if (fault)
		return fault;
	option = chat_parameter(parts.query, REPLY_OPTION);
	if (option.len && !str_eq(option, reply_option(parts.query)))
		return "has a " REPLY_OPTION " that refuses messages: remove it or use " FALLBACK;
	return count_parameter(parts.query, "threadKey") > 1 ? "has threadKey more than once"
							     : NULL;
}

static int googlechat_check(const struct provider_config *config, struct reason *why)
{
	int rc = config_check_fields(config, googlechat_provider.fields, why);
	const char *fault;

	if (rc)
		return rc;
	fault = find_fault(config_value(config, "webhook_url"));
	return fault ? config_refuse(why, "webhook_url", fault,
				     "https://chat.googleapis.com/v1/spaces/AAAAb1cD2eF/messages?"
				     "key=AIza...&token=...")
		     : 0;
}

static size_t googlechat_paces(const struct provider_config *config,
			       struct pace out[PROVIDER_MAX_PACES])
{
	struct url_parts parts;
	struct str space;

	if (read_webhook(config_value(config, "webhook_url"), &parts, &space))
		return 0;
	/* The vendor counts by space only, and its name is not secret: without the token in the key
	 * any team could use up another one's pace. */
	out[0] = chat_pace("googlechat webhook", space, chat_parameter(parts.query, "token"), 1,
			   SPACE_INTERVAL_US);
	return 1;
}

/* ---- text ------------------------------------------------------------------------------- */

/* For a paragraph or a decorated text, which accept some HTML. */
static size_t escape_card(struct buf *out, struct str rest)
{
	if (strchr("&<>\"", rest.at[0]) && rest.at[0])
		return text_escape_html(out, rest);
	return chat_escape_unlinked(out, rest);
}

/* For a header. Google does not document whether a header decodes entities. */
static size_t escape_header(struct buf *out, struct str rest)
{
	switch (rest.at[0]) {
	case '&':
		buf_add_text(out, "&\xe2\x81\xa0"); /* U+2060 */
		return 1;
	case '<':
		buf_add_text(out, "\xe2\x80\xb9"); /* U+2039 */
		return 1;
	case '>':
		buf_add_text(out, "\xe2\x80\xba"); /* U+203A */
		return 1;
	default:
		return chat_escape_unlinked(out, rest);
	}
}

/* In chat text. */
static size_t escape_chat(struct buf *out, struct str rest)
{
	switch (rest.at[0]) {
	case '*':
		buf_add_text(out, "\xe2\x88\x97"); /* U+2217 */
		return 1;
	case '_':
		buf_add_text(out, "\xef\xbc\xbf"); /* U+FF3F */
		return 1;
	case '~':
		buf_add_text(out, "\xe2\x88\xbc"); /* U+223C */
		return 1;
	case '`':
		buf_add_text(out, "\xcb\x8b"); /* U+02CB */
		return 1;
	default:
		return escape_header(out, rest);
	}
}

static struct text_rule rule_with(const struct text_rule *rule, text_escape_fn escape,
				  bool recorded)
{
	struct text_rule other = *rule;

	other.escape = escape;
	if (!recorded)
		other.trims = NULL;
	return other;
}

/* ---- the card --------------------------------------------------------------------------- */

static void draw_tone(struct buf *body, const struct card *card)
{
	static const char *const colors[] = {
		[TONE_GOOD] = "#188038",
		[TONE_BAD] = "#d93025",
	};

	if (card->status)
		buf_addf(body,
			 "{\"textParagraph\":{\"text\":\"<font "
			 "color=\\\"%s\\\"><b>%s</b></font>\"}},",
			 colors[card->tone], card->status);
}

static void add_paragraph(struct buf *body, const struct text_rule *rule, const char *before,
			  const struct card_field *field, const char *after)
{
	buf_add_text(body, "{\"textParagraph\":{\"text\":");
	chat_add_string(body, rule, before, field, after);
	buf_add_text(body, "}}");
}

static void draw_widgets(struct buf *body, const struct card *card, const struct text_rule *rule)
{
	const struct card_field footer = { .what = "footer",
					   .value = { .head = STR(""), .tail = card->footer } };

	for (size_t i = 0; i < card->line_count; i++) {
		const struct card_field line = { .what = "line", .value = card->lines[i] };

		add_paragraph(body, rule, "", &line, "");
		buf_add_char(body, ',');
	}
	for (size_t i = 0; i < card->field_count; i++) {
		buf_addf(body, "%s{\"decoratedText\":{\"topLabel\":\"%s\",\"text\":", i ? "," : "",
			 card->fields[i].label);
		chat_add_string(body, rule, "", &card->fields[i], "");
		buf_add_text(body, ",\"wrapText\":true}}");
	}
	if (card->link.len) {
		buf_add_text(body, ",{\"buttonList\":{\"buttons\":[{\"text\":\"Open\",\"onClick\":"
				   "{\"openLink\":{\"url\":");
		json_add_string(body, card->link);
		buf_add_text(body, "}}}]}}");
	}
	/* Google does not drop repeats, so people must recognise a repeat by its id. */
	if (card->footer.len) {
		buf_add_char(body, ',');
		add_paragraph(body, rule, "<font color=\"#5f6368\">", &footer, "</font>");
	}
}

static void draw_rich(struct buf *body, const struct card *card, const struct text_rule *rule)
{
	struct text_rule header = rule_with(rule, escape_header, true);
	struct text_rule fallback = rule_with(rule, escape_chat, false);

	buf_add_text(body, "{\"fallbackText\":");
	chat_add_title(body, card, &fallback, SIZE_MAX);
	buf_add_text(body, ",\"cardsV2\":[{\"cardId\":\"event\",\"card\":{\"header\":{\"title\":");
	chat_add_title(body, card, &header, SIZE_MAX);
	buf_add_text(body, "},\"sections\":[{\"widgets\":[");
	draw_tone(body, card);
	draw_widgets(body, card, rule);
	buf_add_text(body, "]}]}}]}");
}

static const struct chat_form rich = {
	{ draw_rich, chat_size_bytes, BODY_LIMIT - 200 }, UNIT_BYTES, escape_card, NULL, NULL,
};
static const struct chat_form plain = {
	{ card_write_text, chat_size_utf16, PLAIN_LIMIT }, UNIT_UTF16, escape_chat, "text", "",
};

/* The owner's query, with an option that never refuses a message. */
static void write_url(struct buf *url, const struct url_parts *parts, bool is_threaded)
{
	struct str rest = parts->query;

	url_write_hook(url, parts, STR(""));
	buf_add_char(url, '?');
	while (rest.len) {
		struct str value = str_cut(&rest, '&');
		struct str name = value;

		if (value.len == 0 || str_is(str_cut(&name, '='), REPLY_OPTION))
			continue;
		if (url->len && url->bytes[url->len - 1] != '?')
			buf_add_char(url, '&');
		buf_add_str(url, value);
	}
	if (is_threaded || count_parameter(parts->query, REPLY_OPTION)) {
		buf_add_text(url, "&" REPLY_OPTION "=");
		buf_add_str(url, reply_option(parts->query));
	}
}

/* All messages about one resource go into one thread; a digest starts its own. */
static void add_thread(struct buf *body, struct str resource)
{
	char key[SHA256_HEX_SIZE];

	crypto_sha256_hex(resource, key);
	body->len--; /* the closing brace */
	buf_addf(body, ",\"thread\":{\"threadKey\":\"%s\"}}", key);
}

static int googlechat_build(const struct message *message, const struct provider_config *config,
			    const struct attempt *attempt, struct outgoing *out)
{
	bool has_resource = message->event && message->event->resource_id.len;
	struct url_parts parts;
	bool has_own_thread;
	struct str space;
	int rc;

	if (read_webhook(config_value(config, "webhook_url"), &parts, &space))
		return -EINVAL;
	rc = chat_write(&out->body, message, &rich, &plain);
	if (rc)
		return rc;
	has_own_thread = count_parameter(parts.query, "threadKey") > 0;
	if (has_resource && !has_own_thread)
		add_thread(&out->body, message->event->resource_id);
	write_url(&out->url, &parts, has_resource || has_own_thread);
	chat_post(out, "application/json; charset=UTF-8", str_of(attempt->user_agent));
	return outgoing_error(out);
}

static struct measure googlechat_measure(const struct outgoing *request)
{
	return (struct measure){ "UTF-8 bytes", request->body.len, BODY_LIMIT };
}

/* ---- answers ---------------------------------------------------------------------------- */

/* The code of a status word; 0 for an unknown one. */
static int code_of(const char *word)
{
	static const struct {
		const char *word;
		int code;
	} codes[] = {
		{ "RESOURCE_EXHAUSTED", 429 }, { "PERMISSION_DENIED", 403 }, { "NOT_FOUND", 404 },
		{ "UNAUTHENTICATED", 401 },    { "INVALID_ARGUMENT", 400 },  { "UNAVAILABLE", 503 },
		{ "INTERNAL", 500 },           { "DEADLINE_EXCEEDED", 504 },
	};

	for (size_t i = 0; word && i < ARRAY_LEN(codes); i++) {
		if (strcmp(word, codes[i].word) == 0)
			return codes[i].code;
	}
	return 0;
}

static const char refused_key[] = "Google Chat does not accept the webhook's key";

static struct verdict judge_invalid(const cJSON *error)
{
	const char *message = json_get_string(error, "message");

	/* Google reports a wrong, deleted or expired key as an invalid argument. */
	if (message && strcasestr(message, "API key"))
		return chat_verdict(VERDICT_DISABLE, refused_key);
	return chat_verdict(VERDICT_REFORM, "Google Chat refused the message's form");
}

static struct verdict judge_error(const struct answer *answer, const cJSON *error, int64_t now_us)
{
	struct answer meant = *answer;

	meant.status = code_of(json_get_string(error, "status"));
	switch (meant.status) {
	case 0:
		return chat_unknown(answer, now_us, "Google Chat refused the message");
	case 400:
		return judge_invalid(error);
	case 401:
		return chat_verdict(VERDICT_DISABLE, refused_key);
	case 403:
		return chat_verdict(VERDICT_DISABLE,
				    "Google Chat does not allow the webhook to post in the space");
	case 404:
		return chat_verdict(VERDICT_DISABLE, "the webhook or its space was deleted");
	case 429:
		return chat_throttled(answer, now_us, -1);
	default:
		return chat_unknown(&meant, now_us, NULL);
	}
}

static bool is_capitals(struct str word)
{
	for (size_t i = 0; i < word.len; i++) {
		if (word.at[i] != '_' && !(word.at[i] >= 'A' && word.at[i] <= 'Z'))
			return false;
	}
	return word.len > 0;
}

/* google.rpc.Status, wrapped in "error" or bare; NULL when there is no status, as in a good
 * answer. Others answer with a code and a message, too, but not with such a word. */
static const cJSON *find_error(const cJSON *tree)
{
	const cJSON *error = json_get(tree, "error");

	if (!error && cJSON_IsNumber(json_get(tree, "code")) && json_get_string(tree, "message"))
		error = tree;
	return is_capitals(str_of(json_get_string(error, "status"))) ? error : NULL;
}

static struct verdict judge_body(const struct answer *answer, const cJSON *tree, int64_t now_us)
{
	const cJSON *error = find_error(tree);
	bool is_success = answer->status >= 200 && answer->status <= 299;

	if (error)
		return judge_error(answer, error, now_us);
	if (is_success && answer->fault != ANSWER_OK)
		return chat_half_success(answer, now_us);
	if (is_success && tree && !json_get(tree, "error"))
		return verdict_of(VERDICT_DELIVERED);
	if (answer->status == 429)
		return chat_throttled(answer, now_us, -1);
	return judge_stranger(answer, now_us);
}

static struct verdict googlechat_judge(const struct answer *answer, int64_t now_us)
{
	return chat_judge(answer, now_us, judge_body);
}

const struct provider googlechat_provider = {
	.name = "googlechat",
	.title = "Google Chat",
	.fields = { { .name = "webhook_url",
		      .need = FIELD_REQUIRED,
		      .use = FIELD_TARGET,
		      .example = "https://chat.googleapis.com/v1/spaces/example/messages?"
				 "key=example&token=example" } },
	.folds = true,
	.check = googlechat_check,
	.build = googlechat_build,
	.judge = googlechat_judge,
	.paces = googlechat_paces,
	.measure = googlechat_measure,
};
