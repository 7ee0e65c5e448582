/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Hosts that imitate Slack support its older attachments but not its blocks, and read Markdown in
 * every text. They disagree on escapes, so Markdown characters are replaced by look-alikes.
 */
#include "providers/slack_like.h"

#define PLAIN_LIMIT 4000
#define TITLE_LIMIT 300
#define LINES_LIMIT 3000
#define WORD_JOINER "\xe2\x81\xa0"

static size_t escape_like(struct buf *out, struct str rest)
{
	static const struct {
		char sign;
		const char *instead;
	} signs[] = {
		{ '*', "\xe2\x88\x97" },  /* U+2217 */
		{ '_', "\xef\xbc\xbf" },  /* U+FF3F */
		{ '~', "\xe2\x88\xbc" },  /* U+223C */
		{ '`', "\xcb\x8b" },      /* U+02CB */
		{ '<', "\xe2\x80\xb9" },  /* U+2039 */
		{ '>', "\xe2\x80\xba" },  /* U+203A */
		{ '&', "&" WORD_JOINER }, /* no entity */
		{ ']', "]" WORD_JOINER }, /* no link */
		{ '\\', "\\" WORD_JOINER },
	};

	for (size_t i = 0; i < ARRAY_LEN(signs); i++) {
		if (rest.at[0] == signs[i].sign) {
			buf_add_text(out, signs[i].instead);
			return 1;
		}
	}
	return chat_escape_unlinked(out, rest);
}

/* A line that begins with U+2060 is neither a list nor a heading. */
static void draw_fields(struct buf *body, const struct card *card, const struct text_rule *rule)
{
	buf_add_text(body, ",\"fields\":[");
	for (size_t i = 0; i < card->field_count; i++) {
		buf_addf(body, "%s{\"title\":\"%s\",\"value\":", i ? "," : "",
			 card->fields[i].label);
		chat_add_string(body, rule, WORD_JOINER, &card->fields[i], "");
		buf_add_text(body, ",\"short\":true}");
	}
	buf_add_char(body, ']');
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
	buf_addf(body, ",\"attachments\":[{\"color\":\"%s\",\"fallback\":", colors[card->tone]);
	chat_add_title(body, card, &unrecorded, TITLE_LIMIT);
	if (card->line_count) {
		buf_add_text(body, ",\"text\":");
		chat_add_lines(body, card, rule, LINES_LIMIT);
	}
	draw_fields(body, card, rule);
	if (card->link.len) {
		buf_add_text(body, ",\"title\":\"Open\"");
		json_add_member(body, "title_link", card->link);
	}
	if (card->footer.len)
		json_add_member(body, "footer", card->footer);
	buf_add_text(body, "}]}");
}

const struct chat_form slack_like_rich = {
	{ draw_rich, chat_size_utf16, SLACK_LIKE_RICH_LIMIT }, UNIT_UTF16, escape_like, NULL, NULL,
};
const struct chat_form slack_like_plain = {
	{ card_write_text, chat_size_utf16, PLAIN_LIMIT }, UNIT_UTF16, escape_like, "text", "",
};
