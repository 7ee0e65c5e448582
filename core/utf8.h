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

/* The longest prefix of at most max_bytes that does not end inside a code point. */
struct str utf8_cut(struct str text, size_t max_bytes);

/* What a terminal or a page may obey instead of show: control characters (C0, DEL, C1), bidi controls
 * (U+202A-202E, U+2066-2069, U+200E, U+200F, U+061C) and the separators U+2028 and U+2029. */
bool utf8_is_control(uint32_t code);

/* Appends text fit to be shown to people elsewhere: invalid bytes become U+FFFD, control
 * characters (C0, DEL, C1), bidi controls (U+202A-202E, U+2066-2069, U+200E, U+200F, U+061C)
 * and line breaks (line feed, U+2028, U+2029) but for keep_newlines are left out, and what is past
 * max_bytes is cut between code points and marked with U+2026 (inside max_bytes). */
void utf8_clean(struct buf *out, struct str text, size_t max_bytes, bool keep_newlines);

#endif
