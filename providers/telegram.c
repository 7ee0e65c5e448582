/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Telegram's Bot API: sendMessage with the HTML subset. Every value is inside <code> (or, in the
 * plain form, under one "code" entity), because Telegram turns bare names, commands, tags and
 * domains into links, except inside code. The bot's token is in the path.
 */
#include <errno.h>
#include <string.h>

#include "providers/builtin.h"
#include "providers/card_make.h"
#include "providers/chat.h"
#include "providers/telegram.h"

#define TEXT_LIMIT    4096 /* code points as shown */
#define TOKEN_MAX     80
#define SECRET_MIN    30 /* contract c.3 */
#define CHAT_NAME_MAX 64
#define CHAT_ID_BITS  52
#define THREAD_ID_MAX INT32_MAX

/* The documented limits (one a second, twenty a minute in a group, thirty a second in all), less a
 * margin for jitter. */
#define CHAT_INTERVAL_US  1050000
#define GROUP_INTERVAL_US 3150000
#define BOT_INTERVAL_US   35000

/* ---- settings --------------------------------------------------------------------------- */

/* Without the "bot" of the URL, which people often paste with it; empty when malformed. */
static struct str token_of(const struct provider_config *config)
{
	struct str token = config_value(config, "bot_token");

	if (str_starts(token, STR("bot")))
		token = str_from(token, 3);
	struct str secret = token;
	struct str number = str_cut(&secret, ':');

	if (token.len > TOKEN_MAX || !str_is_digits(number) || number.at[0] == '0' ||
	    secret.len < SECRET_MIN || !str_is_word(secret, "-_"))
		return STR("");
	return token;
}

/* No leading zeros and no plus sign, so that each number has one spelling. */
static bool is_number(struct str digits, unsigned long long max)
{
	unsigned long long number;

	return str_is_digits(digits) && digits.at[0] != '0' && str_to_u64(digits, &number) &&
	       number <= max;
}

bool telegram_parse_chat(struct str text, struct telegram_chat *out)
{
	struct str rest = text;
	struct telegram_chat chat = { .id = str_cut(&rest, ':'), .thread = STR("") };

	if (rest.at) {
		if (!is_number(rest, THREAD_ID_MAX))
			return false;
		chat.thread = rest;
	}
	chat.is_name = str_starts(chat.id, STR("@"));
	/* Only groups and channels have names that messages can be sent to. */
	chat.is_group = chat.is_name || str_starts(chat.id, STR("-"));

	struct str bare = chat.is_group ? str_from(chat.id, 1) : chat.id;
	if (chat.is_name ? bare.len > CHAT_NAME_MAX || !str_is_word(bare, "_")
			 : !is_number(bare, (1ULL << CHAT_ID_BITS) - 1))
		return false;
	*out = chat;
	return true;
}

static bool holds(struct str text, const char *part)
{
	return memmem(text.at, text.len, part, strlen(part)) != NULL;
}

static const char *token_fault(const struct provider_config *config)
{
	struct str token = config_value(config, "bot_token");

	if (token_of(config).len)
		return NULL;
	if (memchr(token.at, '/', token.len))
		return "is a URL: paste the token alone, as BotFather gave it";
	return "is not a number, a colon and a secret, as BotFather gave it";
}

static const char *chat_fault(struct str text)
{
	struct telegram_chat chat;

	if (telegram_parse_chat(text, &chat))
		return NULL;
	if (holds(text, "t.me/+") || holds(text, "telegram.me/+") || holds(text, "joinchat"))
		return "is an invitation, which names no chat: add the bot to the chat and paste "
		       "the chat's number";
	if (holds(text, "t.me/c/") || holds(text, "telegram.me/c/"))
		return "is a link: paste -100 and then the number after /c/";
	if (holds(text, "t.me/") || holds(text, "telegram.me/"))
		return "is a link: paste @ and the name after t.me/ or telegram.me/";
	if (holds(text, "domain="))
		return "is a link: paste @ and the name after domain=";
	if (holds(text, "web.telegram.org"))
		return "is a link: paste what follows after # in it";
	if (str_is_word(text, "_"))
		return "is a name without @ in front";
	return "is neither a chat's number nor @name, with :<number> after it for a topic";
}

static int telegram_check(const struct provider_config *config, struct reason *why)
{
	int rc = config_check_fields(config, telegram_provider.fields, why);
	const char *fault;

	if (rc)
		return rc;
	fault = token_fault(config);
	if (fault)
		return config_refuse(why, "bot_token", fault,
				     "123456789:AAEexampleExampleExampleExampleExampl");
	fault = chat_fault(config_value(config, "chat_id"));
	return fault ? config_refuse(why, "chat_id", fault, "-1001234567890 or @alerts") : 0;
}

static size_t telegram_paces(const struct provider_config *config,
			     struct pace out[PROVIDER_MAX_PACES])
{
	struct str token = token_of(config);
	struct telegram_chat chat;
	struct buf id;

	if (token.len == 0 || !telegram_parse_chat(config_value(config, "chat_id"), &chat))
		return 0;
	buf_init(&id, CONFIG_MAX_VALUE);
	chat_add_lower(&id, chat.id); /* names have no case */
	out[0] = chat_pace("telegram chat", token, buf_str(&id), 1,
			   chat.is_group ? GROUP_INTERVAL_US : CHAT_INTERVAL_US);
	out[1] = chat_pace("telegram bot", token, STR(""), 1, BOT_INTERVAL_US);
	size_t count = id.err ? 0 : 2;

	buf_done(&id);
	return count;
}

/* ---- text ------------------------------------------------------------------------------- */

static void draw_html(struct buf *text, const struct card *card, const struct text_rule *rule)
{
	static const char *const signs[] = {
		[TONE_NEUTRAL] = "\xe2\x84\xb9", /* U+2139 */
		[TONE_GOOD] = "\xe2\x9c\x85",    /* U+2705 */
		[TONE_BAD] = "\xe2\x9d\x8c",     /* U+274C */
	};

	buf_addf(text, "%s ", signs[card->tone]);
	card_write_html_title(text, card, rule, "<b>", "</b>");
	for (size_t i = 0; i < card->line_count; i++) {
		buf_add_text(text, "\n<code>");
		text_add(text, rule, "line", card->lines[i], SIZE_MAX);
		buf_add_text(text, "</code>");
	}
	for (size_t i = 0; i < card->field_count; i++) {
		const struct card_field *field = &card->fields[i];

		buf_addf(text, "\n<b>%s:</b> <code>", field->label);
		text_add(text, rule, field->what, field->value, SIZE_MAX);
		buf_add_text(text, "</code>");
	}
	/* Telegram does not drop repeats, so people must recognise a repeat by its id. */
	if (card->footer.len) {
		buf_add_text(text, "\n<code>");
		text_add_escaped(text, text_escape_amp, card->footer);
		buf_add_text(text, "</code>");
	}
	if (card->link.len) {
		buf_add_text(text, "\n<a href=\"");
		text_add_escaped(text, text_escape_html, card->link);
		buf_add_text(text, "\">Open</a>");
	}
}

/* Counts code points without tags and with decoded entities: the text has only those that we
 * wrote. */
static size_t shown_size(struct str html)
{
	size_t size = 0;
	char until = 0;

	for (size_t i = 0; i < html.len; i++) {
		unsigned char c = (unsigned char)html.at[i];

		if (until) {
			until = c == (unsigned char)until ? 0 : until;
			continue;
		}
		if (c == '<')
			until = '>';
		else if (c == '&')
			until = ';';
		if (c != '<' && (c & 0xc0) != 0x80)
			size++;
	}
	return size;
}

static int write_text(struct buf *text, const struct card *card, const struct message *message)
{
	static const struct card_sketch html = { draw_html, shown_size, TEXT_LIMIT };
	static const struct card_sketch plain = { card_write_text, chat_size_points, TEXT_LIMIT };
	bool is_plain = message->form == FORM_PLAIN;
	const struct text_rule rule = {
		.unit = UNIT_CODE_POINTS,
		.escape = is_plain ? text_escape_none : text_escape_amp,
		.cap = SIZE_MAX,
		.trims = message->trims,
	};

	return card_fit(text, card, &rule, is_plain ? &plain : &html);
}

/* Everything except the link is code. Offsets count UTF-16 units. */
static void add_entities(struct buf *body, struct str text, struct str link)
{
	size_t end = text_size(text, UNIT_UTF16) - text_size(link, UNIT_UTF16);

	buf_addf(body, ",\"entities\":[{\"type\":\"code\",\"offset\":0,\"length\":%zu}]", end);
}

/* The number of the message to replace, or empty. */
static struct str edited_of(const struct message *message)
{
	return message->life ? message->life->replaces : STR("");
}

static void write_body(struct buf *body, const struct telegram_chat *chat,
		       const struct message *message, struct str text, struct str link)
{
	struct str edited = edited_of(message);

	buf_add_text(body, "{\"chat_id\":");
	if (chat->is_name)
		json_add_string(body, chat->id);
	else
		buf_add_str(body, chat->id);
	/* The plain form goes to the chat itself: it is also the second try of a message whose
	 * topic is gone. */
	if (edited.len) {
		buf_add_text(body, ",\"message_id\":");
		buf_add_str(body, edited);
	} else if (chat->thread.len && message->form == FORM_RICH) {
		buf_add_text(body, ",\"message_thread_id\":");
		buf_add_str(body, chat->thread);
	}
	if (message->form == FORM_RICH)
		buf_add_text(body, ",\"parse_mode\":\"HTML\"");
	else
		add_entities(body, text, link);
	buf_add_text(body, ",\"link_preview_options\":{\"is_disabled\":true}");
	json_add_member(body, "text", text);
	buf_add_char(body, '}');
}

static int telegram_build(const struct message *message, const struct provider_config *config,
			  const struct attempt *attempt, struct outgoing *out)
{
	struct str token = token_of(config);
	struct telegram_chat chat;
	struct card card;
	struct buf text;
	int rc;

	if (token.len == 0 || !telegram_parse_chat(config_value(config, "chat_id"), &chat))
		return -EINVAL;
	buf_init(&text, OUTGOING_MAX_BODY);
	rc = card_make(&card, message);
	if (rc == 0)
		rc = write_text(&text, &card, message);
	if (rc == 0)
		write_body(&out->body, &chat, message, buf_str(&text), card.link);
	card_done(&card);
	buf_done(&text);
	if (rc)
		return rc;
	buf_add_text(&out->url, "https://api.telegram.org/bot");
	buf_add_str(&out->url, token);
	buf_add_text(&out->url, edited_of(message).len ? "/editMessageText" : "/sendMessage");
	chat_post(out, "application/json", str_of(attempt->user_agent));
	return outgoing_error(out);
}

static struct measure telegram_measure(const struct outgoing *request)
{
	struct measure measure = { "code points", 0, TEXT_LIMIT };
	cJSON *tree;

	if (json_parse(buf_str(&request->body), OUTGOING_MAX_BODY, &tree, NULL) == 0) {
		struct str text = str_of(json_get_string(tree, "text"));

		measure.size =
			json_get(tree, "parse_mode") ? shown_size(text) : chat_size_points(text);
		cJSON_Delete(tree);
	}
	return measure;
}

const struct provider telegram_provider = {
	.name = "telegram",
	.title = "Telegram",
	.fields = {
		{ .name = "bot_token",
		  .need = FIELD_REQUIRED,
		  .use = FIELD_PLAIN,
		  .example = "1:example-example-example-example" },
		{ .name = "chat_id",
		  .need = FIELD_REQUIRED,
		  .use = FIELD_PLAIN,
		  .example = "1000000001" },
	},
	.folds = true,
	.check = telegram_check,
	.build = telegram_build,
	.judge = telegram_judge,
	.paces = telegram_paces,
	.measure = telegram_measure,
	.edit = &telegram_edit,
};
