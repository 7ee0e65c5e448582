/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A slice: bytes owned elsewhere. Not NUL-terminated, may hold any byte. The owner must outlive the
 * slice; nothing here allocates.
 */
#ifndef CORE_STR_H
#define CORE_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <strings.h>

struct str {
	const char *at;
	size_t len;
};

/* A slice over a string literal, its NUL left out. */
#define STR(literal) ((struct str){ .at = (literal), .len = sizeof(literal) - 1 })

/* printf("%.*s", STR_ARGS(s)) */
#define STR_ARGS(s) (int)(s).len, (s).at

/* A slice over a C string; NULL gives the empty slice. */
static inline struct str str_of(const char *text)
{
	return (struct str){ .at = text ? text : "", .len = text ? strlen(text) : 0 };
}

static inline bool str_eq(struct str a, struct str b)
{
	return a.len == b.len && (a.len == 0 || memcmp(a.at, b.at, a.len) == 0);
}

static inline bool str_is(struct str a, const char *text)
{
	return str_eq(a, str_of(text));
}

/* Equal except for the case of ASCII letters. */
static inline bool str_eq_nocase(struct str a, struct str b)
{
	return a.len == b.len && (a.len == 0 || strncasecmp(a.at, b.at, a.len) == 0);
}

static inline bool str_starts(struct str s, struct str prefix)
{
	return s.len >= prefix.len && (prefix.len == 0 || memcmp(s.at, prefix.at, prefix.len) == 0);
}

/* In any case of ASCII letters. */
static inline bool str_ends_nocase(struct str s, struct str end)
{
	return s.len >= end.len &&
	       (end.len == 0 || strncasecmp(s.at + s.len - end.len, end.at, end.len) == 0);
}

/* The slice without its first n bytes; n must not exceed the length. */
static inline struct str str_from(struct str s, size_t n)
{
	return (struct str){ .at = n ? s.at + n : s.at, .len = s.len - n };
}

/* Cuts `*rest` at the first `separator`: returns the part before it and moves `*rest` after it.
 * Without a separator returns all and leaves `*rest` empty, with `at` NULL, so that a loop can tell
 * "last piece" from "empty last piece". */
struct str str_cut(struct str *rest, char separator);

/* Without spaces, tabs, CR and LF at both ends. */
struct str str_trim(struct str s);

/* At least one byte, and decimal digits only. */
bool str_is_digits(struct str s);

/* At least one byte, and ASCII letters, digits and the bytes of `also` only. */
bool str_is_word(struct str s, const char *also);

/* Decimal digits only, no sign, at most UINT64_MAX. False when it is anything else. */
bool str_to_u64(struct str s, unsigned long long *out);

#endif
