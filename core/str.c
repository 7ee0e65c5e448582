/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Cutting and reading slices. Nothing here allocates or keeps a pointer; the only failure is text
 * that is not a number.
 */
#include "core/str.h"

#include <limits.h>

struct str str_cut(struct str *rest, char separator)
{
	struct str piece = *rest;
	const char *found = rest->len ? memchr(rest->at, separator, rest->len) : NULL;

	if (!found) {
		*rest = (struct str){ .at = NULL, .len = 0 };
		return piece;
	}
	piece.len = (size_t)(found - piece.at);
	*rest = str_from(*rest, piece.len + 1);
	return piece;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

struct str str_trim(struct str s)
{
	while (s.len && is_blank(s.at[0]))
		s = str_from(s, 1);
	while (s.len && is_blank(s.at[s.len - 1]))
		s.len--;
	return s;
}

bool str_to_u64(struct str s, unsigned long long *out)
{
	unsigned long long number = 0;

	if (s.len == 0)
		return false;
	for (size_t i = 0; i < s.len; i++) {
		if (s.at[i] < '0' || s.at[i] > '9')
			return false;
		unsigned digit = (unsigned)(s.at[i] - '0');

		if (number > (ULLONG_MAX - digit) / 10)
			return false;
		number = number * 10 + digit;
	}
	*out = number;
	return true;
}

bool str_is_digits(struct str s)
{
	for (size_t i = 0; i < s.len; i++) {
		if (s.at[i] < '0' || s.at[i] > '9')
			return false;
	}
	return s.len > 0;
}

bool str_is_word(struct str s, const char *also)
{
	for (size_t i = 0; i < s.len; i++) {
		char c = s.at[i];
		bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');

		if (!is_letter && !(c >= '0' && c <= '9') && (c == '\0' || !strchr(also, c)))
			return false;
	}
	return s.len > 0;
}
