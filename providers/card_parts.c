/* SPDX-License-Identifier: Apache-2.0 */

/* Errors stick in the parts; card_make() looks at them once. */
#include "providers/card_parts.h"

#include <assert.h>

#include "core/utf8.h"
#include "providers/words.h"

#define CARD_MAX_TEXT 262144 /* of one part: three times an event, for U+FFFD */

struct buf *card_part(struct card *card)
{
	assert(card->part_count < CARD_MAX_PARTS);
	struct buf *part = &card->parts[card->part_count++];

	buf_init(part, CARD_MAX_TEXT);
	return part;
}

struct str card_keep(struct card *card, struct str raw)
{
	struct buf *part = card_part(card);

	text_clean(part, raw);
	return buf_str(part);
}

struct str card_join(struct card *card, struct str first, const char *between, struct str second)
{
	struct buf *part = card_part(card);

	text_clean(part, first);
	buf_add_text(part, between);
	text_clean(part, second);
	return buf_str(part);
}

/* ---- fields and lines ---------------------------------------------------------------------- */

static void add_field(struct card *card, const struct card_field *field)
{
	if (utf8_is_blank(field->value.head) && utf8_is_blank(field->value.tail))
		return;
	assert(card->field_count < CARD_MAX_FIELDS);
	card->fields[card->field_count++] = *field;
}

void card_add_field(struct card *card, const char *label, const char *what, struct text_value value)
{
	add_field(card, &(struct card_field){ .label = label, .what = what, .value = value });
}

void card_add_text_field(struct card *card, const char *label, const char *what, struct str raw)
{
	card_add_field(card, label, what,
		       (struct text_value){ .head = card_keep(card, raw), .tail = STR("") });
}

void card_add_time_field(struct card *card, const char *label, int64_t us, struct str raw)
{
	struct card_field field = { .label = label, .what = "time", .time_us = us };
	char text[WORDS_TIME_SIZE];

	if (us)
		words_of_time(us, text);
	field.value.head = card_keep(card, us ? str_of(text) : raw);
	field.value.tail = STR("");
	add_field(card, &field);
}

void card_add_team(struct card *card, struct str name, struct str id)
{
	struct buf *tail;

	if (utf8_is_blank(name)) {
		card_add_text_field(card, "Team", "team", id);
		return;
	}
	tail = card_part(card);
	buf_add_text(tail, " (");
	text_clean(tail, id);
	buf_add_char(tail, ')');
	card_add_field(card, "Team", "team",
		       (struct text_value){ .head = card_keep(card, name), .tail = buf_str(tail) });
}

void card_add_line(struct card *card, struct str head, struct str tail)
{
	assert(card->line_count < CARD_MAX_LINES);
	card->lines[card->line_count++] = (struct text_value){ .head = head, .tail = tail };
}

/* ---- the link ------------------------------------------------------------------------------ */

static bool is_unreserved(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       (c && strchr("-._~", c));
}

/* True for bytes that an address may have and that mean nothing in any markup. */
static bool is_fit_for_base(char c)
{
	return is_unreserved(c) || (c && strchr(":/[]@!$()+,;=?%", c));
}

static void add_encoded(struct buf *out, struct str text, bool (*is_fit)(char c))
{
	for (size_t i = 0; i < text.len; i++) {
		if (is_fit(text.at[i]))
			buf_add_char(out, text.at[i]);
		else
			buf_addf(out, "%%%02X", (unsigned)(unsigned char)text.at[i]);
	}
}

void card_set_link(struct card *card, struct str base, const char *page, struct str id)
{
	struct buf *link = card_part(card);

	add_encoded(link, base, is_fit_for_base);
	buf_add_text(link, page);
	add_encoded(link, id, is_unreserved);
	card->link = buf_str(link);
}
