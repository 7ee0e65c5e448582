/* SPDX-License-Identifier: Apache-2.0 */

/* UTF-8 as RFC 3629 has it: no overlong forms, no surrogates, nothing past U+10FFFF. */
#ifndef CORE_UTF8_H
#define CORE_UTF8_H

#include <stdbool.h>
#include <stdint.h>

#include "core/buf.h"
#include "core/str.h"

/* The bytes of the first code point, 1 to 4, with its number in *out; 0 when the text is empty or
 * starts with none. */
size_t utf8_decode(struct str text, uint32_t *out);

bool utf8_is_valid(struct str text);

/* Cuts fall between grapheme clusters (Unicode Standard Annex 29): a letter keeps its accents, a
 * family of emoji its members, a flag both its halves. Walks a text from its start, zeroed there;
 * true when this code point begins a cluster, so that the text may be cut before it. */
struct utf8_clusters {
	int32_t last;
	int32_t state;
};
bool utf8_starts_cluster(struct utf8_clusters *walk, uint32_t code);

/* The longest prefix of at most max_bytes that does not end inside a cluster. Takes any bytes. */
struct str utf8_cut(struct str text, size_t max_bytes);

/* How many columns of a terminal the text takes: 2 for wide characters and emoji, whose families
 * and flags are one cluster, 0 for accents. The text must be valid UTF-8 without control
 * characters. */
size_t utf8_columns(struct str text);

/* The longest prefix that takes at most max_columns and does not end inside a cluster. */
struct str utf8_cut_columns(struct str text, size_t max_columns);

/* True for a character that a terminal or a page may obey instead of showing: control characters
 * (C0, DEL, C1), bidi controls (U+202A-202E, U+2066-2069, U+200E, U+200F, U+061C) and the
 * separators U+2028 and U+2029. */
bool utf8_is_control(uint32_t code);

/* True when a reader would see nothing: empty, or only white space and invisible characters. */
bool utf8_is_blank(struct str text);

/* Appends text fit to be shown to people elsewhere, on one line. Invalid bytes become U+FFFD. Bidi
 * controls (U+202A-202E, U+2066-2069, U+200E, U+200F, U+061C) are left out, and so are control
 * characters (C0, DEL, C1) and the separators U+2028 and U+2029; with show_controls those that
 * separate words or lines become a space instead and the others U+FFFD. A text longer than
 * max_bytes is cut between clusters and marked with U+2026 (inside max_bytes).
 *
 * Before a search for secrets, leave controls out: one of them may be inside a secret. */
void utf8_clean(struct buf *out, struct str text, size_t max_bytes, bool show_controls);

#endif
