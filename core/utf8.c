/* SPDX-License-Identifier: Apache-2.0 */

/*
 * UTF-8: one decoder that refuses what RFC 3629 refuses, and validity, cutting and cleaning built
 * on it. Takes any bytes; only cleaning writes, into the caller's buffer. The properties of a
 * character (is it white space, does it join the one before it) come from utf8proc.
 */
#include "core/utf8.h"

#include <utf8proc.h>

#define ELLIPSIS         "\xe2\x80\xa6" /* U+2026 */
#define REPLACEMENT      "\xef\xbf\xbd" /* U+FFFD */
#define REPLACEMENT_CODE 0xfffdu

static bool continues(char c)
{
	return ((unsigned char)c & 0xc0) == 0x80;
}

size_t utf8_decode(struct str text, uint32_t *out)
{
	/* The smallest code point of each length: a smaller one would be an overlong form. */
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };

	if (text.len == 0)
		return 0;
	unsigned char lead = (unsigned char)text.at[0];
	size_t n = lead < 0x80 ? 1 : lead < 0xc0 ? 0 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;

	if (n == 0 || lead >= 0xf8 || n > text.len)
		return 0;
	uint32_t code = n == 1 ? lead : lead & (0x7fu >> n);

	for (size_t i = 1; i < n; i++) {
		if (!continues(text.at[i]))
			return 0;
		code = code << 6 | ((unsigned char)text.at[i] & 0x3fu);
	}
	if (code < least[n] || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff))
		return 0;
	*out = code;
	return n;
}

bool utf8_is_valid(struct str text)
{
	uint32_t code;

	while (text.len) {
		size_t n = utf8_decode(text, &code);

		if (n == 0)
			return false;
		text = str_from(text, n);
	}
	return true;
}

bool utf8_starts_cluster(struct utf8_clusters *walk, uint32_t code)
{
	bool starts =
		utf8proc_grapheme_break_stateful(walk->last, (utf8proc_int32_t)code, &walk->state);

	walk->last = (int32_t)code;
	return starts;
}

/* Takes any bytes: one that does not begin a code point counts as U+FFFD. */
static size_t decode_any(struct str text, uint32_t *code)
{
	size_t n = utf8_decode(text, code);

	if (n > 0)
		return n;
	*code = REPLACEMENT_CODE;
	return 1;
}

struct str utf8_cut(struct str text, size_t max_bytes)
{
	struct utf8_clusters walk = { .last = 0 };
	size_t at = 0;
	size_t cut = 0;

	if (text.len <= max_bytes)
		return text;
	while (at <= max_bytes) {
		uint32_t code;
		size_t n = decode_any(str_from(text, at), &code);

		if (utf8_starts_cluster(&walk, code))
			cut = at;
		at += n;
	}
	text.len = cut;
	return text;
}

static bool is_blank(uint32_t code)
{
	const utf8proc_property_t *property = utf8proc_get_property((utf8proc_int32_t)code);

	switch (property->category) {
	case UTF8PROC_CATEGORY_ZS:
	case UTF8PROC_CATEGORY_ZL:
	case UTF8PROC_CATEGORY_ZP:
		return true;
	default: /* U+2800 is the Braille pattern without dots */
		return property->ignorable || (code >= '\t' && code <= '\r') || code == 0x85 ||
		       code == 0x2800;
	}
}

bool utf8_is_blank(struct str text)
{
	while (text.len) {
		uint32_t code;
		size_t n = utf8_decode(text, &code);

		if (n == 0 || !is_blank(code))
			return false;
		text = str_from(text, n);
	}
	return true;
}

/* Control characters of C0 and C1, and DEL. */
static bool is_plain_control(uint32_t code)
{
	return code < 0x20 || (code >= 0x7f && code <= 0x9f);
}

/* Programs that obey these end a word or a line there. */
static bool parts_words(uint32_t code)
{
	return (code >= '\t' && code <= '\r') || code == 0x85 || code == 0x2028 || code == 0x2029;
}

bool utf8_is_control(uint32_t code)
{
	return is_plain_control(code) || parts_words(code) || (code >= 0x202a && code <= 0x202e) ||
	       (code >= 0x2066 && code <= 0x2069) || code == 0x200e || code == 0x200f ||
	       code == 0x061c;
}

/* Removes the next code point from `*text`; returns the bytes to show for it, perhaps none. */
static struct str next_clean(struct str *text, bool show_controls)
{
	uint32_t code;
	struct str piece = { .at = text->at, .len = utf8_decode(*text, &code) };

	if (piece.len == 0) {
		*text = str_from(*text, 1);
		return STR(REPLACEMENT);
	}
	*text = str_from(*text, piece.len);
	if (!utf8_is_control(code))
		return piece;
	if (!show_controls || (code == '\r' && str_starts(*text, STR("\n"))))
		return STR("");
	if (parts_words(code))
		return STR(" ");
	return is_plain_control(code) ? STR(REPLACEMENT) : STR("");
}

void utf8_clean(struct buf *out, struct str text, size_t max_bytes, bool show_controls)
{
	const struct str mark = STR(ELLIPSIS);
	struct utf8_clusters walk = { .last = 0 };
	size_t start = out->len;
	size_t fits = start; /* the longest length that leaves room for the mark */

	while (text.len) {
		struct str piece = next_clean(&text, show_controls);
		uint32_t code;

		if (piece.len == 0)
			continue;
		(void)decode_any(piece, &code);
		if (utf8_starts_cluster(&walk, code) && out->len - start + mark.len <= max_bytes)
			fits = out->len;
		if (out->len - start + piece.len > max_bytes) {
			out->len = fits;
			if (mark.len <= max_bytes)
				buf_add_str(out, mark);
			return;
		}
		buf_add_str(out, piece);
		if (out->err)
			return;
	}
}

#define EMOJI_STYLE 0xfe0f /* asks for the wide form of the character before it */

/* The first cluster's bytes, with its columns in *out. A terminal draws a cluster in two columns at
 * most, however many characters it has. */
static size_t measure_cluster(struct str text, size_t *out)
{
	struct utf8_clusters walk = { 0 };
	size_t at = 0;
	uint32_t code;

	*out = 0;
	while (at < text.len) {
		size_t n = utf8_decode(str_from(text, at), &code);

		if (n == 0 || (utf8_starts_cluster(&walk, code) && at > 0))
			break;
		*out += code == EMOJI_STYLE ? 2
					    : (size_t)utf8proc_charwidth((utf8proc_int32_t)code);
		at += n;
	}
	if (*out > 2)
		*out = 2;
	return at ? at : 1;
}

struct str utf8_cut_columns(struct str text, size_t max_columns)
{
	size_t at = 0;
	size_t columns = 0;
	size_t width;

	while (at < text.len) {
		size_t n = measure_cluster(str_from(text, at), &width);

		if (columns + width > max_columns)
			break;
		columns += width;
		at += n;
	}
	text.len = at;
	return text;
}

size_t utf8_columns(struct str text)
{
	size_t columns = 0;
	size_t width;

	while (text.len) {
		text = str_from(text, measure_cluster(text, &width));
		columns += width;
	}
	return columns;
}
