/* SPDX-License-Identifier: Apache-2.0 */

/*
 * One walk over a value: every code point is escaped and counted. As soon as the value is known not
 * to fit, the output goes back to the last place between two clusters where the mark still fits.
 */
#include "providers/text.h"

#include <assert.h>

#include "core/utf8.h"

#define ELLIPSIS "\xe2\x80\xa6" /* U+2026 */

static size_t copy_one(struct buf *out, struct str rest)
{
	uint32_t code;
	size_t n = utf8_decode(rest, &code);

	assert(n > 0);
	buf_add(out, rest.at, n);
	return n;
}

size_t text_escape_none(struct buf *out, struct str rest)
{
	return copy_one(out, rest);
}

size_t text_escape_amp(struct buf *out, struct str rest)
{
	switch (rest.at[0]) {
	case '&':
		buf_add_text(out, "&amp;");
		return 1;
	case '<':
		buf_add_text(out, "&lt;");
		return 1;
	case '>':
		buf_add_text(out, "&gt;");
		return 1;
	default:
		return copy_one(out, rest);
	}
}

size_t text_escape_html(struct buf *out, struct str rest)
{
	if (rest.at[0] == '"') {
		buf_add_text(out, "&quot;");
		return 1;
	}
	if (rest.at[0] == '\'') {
		buf_add_text(out, "&#39;");
		return 1;
	}
	return text_escape_amp(out, rest);
}

size_t text_size(struct str text, enum text_unit unit)
{
	size_t size = 0;

	if (unit == UNIT_BYTES)
		return text.len;
	for (size_t i = 0; i < text.len; i++) {
		unsigned char c = (unsigned char)text.at[i];

		if ((c & 0xc0) != 0x80)
			size += unit == UNIT_UTF16 && c >= 0xf0 ? 2 : 1;
	}
	return size;
}

void text_clean(struct buf *out, struct str raw)
{
	utf8_clean(out, raw, SIZE_MAX / 2, true);
}

void text_add_escaped(struct buf *out, text_escape_fn escape, struct str text)
{
	while (text.len && !out->err)
		text = str_from(text, escape(out, text));
}

/* Escapes the first code point of `*text`, removes it, and returns its size. */
static size_t add_one(struct buf *out, const struct text_rule *rule, struct str *text)
{
	size_t start = out->len;
	struct str raw = { .at = text->at, .len = rule->escape(out, *text) };
	struct str escaped = { .at = buf_str(out).at + start, .len = out->len - start };

	*text = str_from(*text, raw.len);
	return text_size(rule->counts_escaped ? escaped : raw, rule->unit);
}

/* The number of code points that one call of an escape consumed. */
static bool starts_cluster(struct utf8_clusters *walk, struct str taken)
{
	bool starts = false;
	bool is_first = true;

	while (taken.len) {
		uint32_t code;
		size_t n = utf8_decode(taken, &code);
		bool here = utf8_starts_cluster(walk, code);

		starts = is_first ? here : starts;
		is_first = false;
		assert(n > 0);
		taken = str_from(taken, n);
	}
	return starts;
}

/* Appends as much as fits into `room`. Returns the size of the whole value. */
static size_t add_cut(struct buf *out, const struct text_rule *rule, struct str text, size_t room,
		      size_t *kept)
{
	const struct str mark = STR(ELLIPSIS);
	size_t mark_size = text_size(mark, rule->unit);
	struct utf8_clusters walk = { .last = 0 };
	size_t size = 0;
	size_t fits = out->len; /* the last place where the mark fits ... */
	size_t fits_size = 0;   /* ... and the size of the text before it */

	while (text.len && !out->err) {
		struct str whole = text;
		size_t before = out->len;
		size_t more = add_one(out, rule, &text);

		whole.len -= text.len;
		if (starts_cluster(&walk, whole) && size + mark_size <= room) {
			fits = before;
			fits_size = size;
		}
		size += more;
		if (size > room)
			out->len = before;
	}
	*kept = size;
	if (size > room && !out->err) {
		out->len = fits;
		*kept = fits_size;
		if (mark_size <= room)
			buf_add_str(out, mark);
	}
	return size;
}

static size_t escaped_size(const struct text_rule *rule, struct str text)
{
	struct buf scratch;
	size_t size = 0;

	buf_init(&scratch, 64); /* more than any code point needs */
	while (text.len && !scratch.err) {
		buf_reset(&scratch);
		size += add_one(&scratch, rule, &text);
	}
	buf_done(&scratch);
	return size;
}

static void record(struct trims *trims, const char *what, size_t kept, size_t of)
{
	if (trims && trims->count < TRIMS_MAX)
		trims->items[trims->count++] =
			(struct trim){ .what = what, .kept = kept, .of = of };
}

void text_add(struct buf *out, const struct text_rule *rule, const char *what,
	      struct text_value value, size_t max)
{
	size_t room = max < rule->cap ? max : rule->cap;
	size_t tail = escaped_size(rule, value.tail);
	size_t head_room = tail <= room ? room - tail : 0;
	size_t head_kept = 0;
	size_t tail_kept = 0;
	size_t head = add_cut(out, rule, value.head, head_room, &head_kept);

	add_cut(out, rule, value.tail, room, &tail_kept);
	if (head_kept + tail_kept < head + tail)
		record(rule->trims, what, head_kept + tail_kept, head + tail);
}
