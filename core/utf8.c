/* SPDX-License-Identifier: Apache-2.0 */

/*
 * UTF-8: one decoder that refuses what RFC 3629 refuses, and validity, cutting and cleaning
 * built on it. Takes any bytes; only cleaning writes, into the caller's buffer.
 */
#include "core/utf8.h"

#define ELLIPSIS    "\xe2\x80\xa6" /* U+2026 */
#define REPLACEMENT "\xef\xbf\xbd" /* U+FFFD */

static bool continues(char c)
{
	return ((unsigned char)c & 0xc0) == 0x80;
}

size_t utf8_decode(struct str text, uint32_t *out)
{
	/* The smallest number each length may spell: less would be an overlong form. */
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

struct str utf8_cut(struct str text, size_t max_bytes)
{
	size_t n = max_bytes;

	if (text.len <= max_bytes)
		return text;
	/* A code point has at most three continuation bytes; more is no text at all. */
	while (n > 0 && max_bytes - n < 3 && continues(text.at[n]))
		n--;
	text.len = continues(text.at[n]) ? max_bytes : n;
	return text;
}

bool utf8_is_control(uint32_t code)
{
	if (code < 0x20 || (code >= 0x7f && code <= 0x9f))
		return true;
	return (code >= 0x202a && code <= 0x202e) || (code >= 0x2066 && code <= 0x2069) ||
	       code == 0x200e || code == 0x200f || code == 0x061c || code == 0x2028 ||
	       code == 0x2029;
}

static bool is_unwanted(uint32_t code, bool keep_newlines)
{
	/* The separators of lines and paragraphs break a line where a newline does. */
	if (code == '\n' || code == 0x2028 || code == 0x2029)
		return !keep_newlines;
	return utf8_is_control(code);
}

/* Takes the next code point off `*text`; gives the bytes to show for it, perhaps none. */
static struct str next_clean(struct str *text, bool keep_newlines)
{
	uint32_t code;
	struct str piece = { .at = text->at, .len = utf8_decode(*text, &code) };

	if (piece.len == 0) {
		*text = str_from(*text, 1);
		return STR(REPLACEMENT);
	}
	*text = str_from(*text, piece.len);
	if (is_unwanted(code, keep_newlines))
		piece.len = 0;
	return piece;
}

void utf8_clean(struct buf *out, struct str text, size_t max_bytes, bool keep_newlines)
{
	const struct str mark = STR(ELLIPSIS);
	size_t start = out->len;
	size_t fits = start; /* the longest we may be when the mark has to follow */

	while (text.len) {
		struct str piece = next_clean(&text, keep_newlines);

		if (out->len - start + piece.len > max_bytes) {
			out->len = fits;
			if (mark.len <= max_bytes)
				buf_add_str(out, mark);
			return;
		}
		buf_add_str(out, piece);
		if (out->err)
			return;
		if (out->len - start + mark.len <= max_bytes)
			fits = out->len;
	}
}
