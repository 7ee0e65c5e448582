/* SPDX-License-Identifier: Apache-2.0 */

/* From a card to text, by the rule of a vendor. */
#include "providers/card.h"

#include <assert.h>
#include <errno.h>

#define CAP_FIRST 1024 /* values are cut to this length when the whole does not fit */
#define CAP_LAST  16
#define HEAD_MAX  1024 /* bytes: of our words and a name that is shortened already */

void card_done(struct card *card)
{
	for (size_t i = 0; i < card->part_count; i++)
		buf_done(&card->parts[i]);
	card->part_count = 0;
}

/* ---- the title ----------------------------------------------------------------------------- */

static void add_piece(struct buf *out, const struct text_rule *rule, const char *what,
		      struct str piece, size_t max)
{
	text_add(out, rule, what, (struct text_value){ .head = piece, .tail = STR("") }, max);
}

void card_write_title(struct buf *out, const struct card *card, const struct text_rule *rule,
		      size_t max)
{
	const struct card_title *title = &card->title;
	size_t room = title->cause.len && max != SIZE_MAX ? max / 2 : max;
	struct buf head;

	buf_init(&head, HEAD_MAX);
	buf_add_str(&head, title->lead);
	buf_add_str(&head, title->name);
	text_add(out, rule, "title",
		 (struct text_value){ .head = buf_str(&head), .tail = title->verb }, room);
	if (title->cause.len) {
		buf_add_text(out, ": ");
		add_piece(out, rule, "cause", title->cause, room == max ? max : room - 2);
	}
	if (head.err && !out->err)
		out->err = head.err;
	buf_done(&head);
}

static void add_code(struct buf *out, const struct text_rule *rule, const char *what,
		     struct str text)
{
	if (text.len == 0)
		return;
	buf_add_text(out, "<code>");
	add_piece(out, rule, what, text, SIZE_MAX);
	buf_add_text(out, "</code>");
}

static void add_words(struct buf *out, const char *open, struct str words, const char *more,
		      const char *close)
{
	if (words.len == 0)
		return;
	buf_add_text(out, open);
	buf_add_str(out, words);
	buf_add_text(out, more);
	buf_add_text(out, close);
}

void card_write_html_title(struct buf *out, const struct card *card, const struct text_rule *rule,
			   const char *open, const char *close)
{
	const struct card_title *title = &card->title;

	add_words(out, open, title->lead, "", close);
	add_code(out, rule, "title", title->name);
	add_words(out, open, title->verb, title->cause.len ? ": " : "", close);
	add_code(out, rule, "cause", title->cause);
}

/* ---- text ---------------------------------------------------------------------------------- */

void card_write_text(struct buf *out, const struct card *card, const struct text_rule *rule)
{
	card_write_title(out, card, rule, SIZE_MAX);
	buf_add_char(out, '\n');
	for (size_t i = 0; i < card->line_count; i++) {
		buf_add_char(out, '\n');
		text_add(out, rule, "line", card->lines[i], SIZE_MAX);
	}
	for (size_t i = 0; i < card->field_count; i++) {
		buf_addf(out, "\n%s: ", card->fields[i].label);
		text_add(out, rule, card->fields[i].what, card->fields[i].value, SIZE_MAX);
	}
	if (card->footer.len) {
		buf_add_char(out, '\n');
		text_add_escaped(out, rule->escape, card->footer);
	}
	if (card->link.len) {
		buf_add_char(out, '\n');
		buf_add_str(out, card->link);
	}
}

void card_write_lines(struct buf *out, const struct card *card, const struct text_rule *rule,
		      size_t max)
{
	size_t start = out->len;

	for (size_t i = 0; i < card->line_count; i++) {
		size_t before = out->len;

		if (i)
			buf_add_char(out, '\n');
		text_add(out, rule, "line", card->lines[i], SIZE_MAX);
		if (text_size(str_from(buf_str(out), start), rule->unit) <= max)
			continue;
		out->len = before;
		if (rule->trims && rule->trims->count < TRIMS_MAX)
			rule->trims->items[rule->trims->count++] =
				(struct trim){ "lines", i, card->line_count };
		return;
	}
}

int card_fit(struct buf *body, const struct card *card, const struct text_rule *rule,
	     const struct card_sketch *sketch)
{
	struct text_rule tighter = *rule;

	assert(body->len == 0);
	for (;;) {
		if (tighter.trims)
			tighter.trims->count = 0;
		sketch->draw(body, card, &tighter);
		if (body->err == -ENOMEM)
			return -ENOMEM;
		if (!body->err && sketch->size(buf_str(body)) <= sketch->limit)
			return 0;
		if (tighter.cap <= CAP_LAST)
			return -E2BIG;
		tighter.cap = tighter.cap > CAP_FIRST ? CAP_FIRST : tighter.cap / 2;
		buf_reset(body);
	}
}
