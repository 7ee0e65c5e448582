/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Checks JSON by RFC 8259 without recursion and without allocating, so that a hostile text cannot
 * exhaust stack or memory. cJSON accepts more than the standard (control characters as space, "01",
 * a BOM), and it reports a syntax error in the same way as a lack of memory. It parses whatever
 * passes here, so its failure can only mean a lack of memory.
 */
#include "core/json_scan.h"

#include "core/json.h"

/* cJSON reads numbers through a buffer of 64 bytes and fails on longer ones. */
#define MAX_NUMBER 60

enum step { WANT_VALUE, WANT_FIRST_VALUE, WANT_NAME, WANT_FIRST_NAME, AFTER_VALUE, DONE, BROKEN };

struct scan {
	struct str rest;
	const char *what;
	unsigned depth;
	bool in_object[JSON_MAX_DEPTH];
	struct str names[JSON_MAX_DEPTH]; /* of the member being read at each level; or empty */
	bool in_string;                   /* the fault is inside a string */
};

static bool refuse(struct scan *s, const char *what)
{
	s->what = what;
	return false;
}

static enum step fail(struct scan *s, const char *what)
{
	refuse(s, what);
	return BROKEN;
}

/* The next byte, or NUL at the end: a NUL byte in the text is never valid either. */
static char peek(const struct scan *s)
{
	return s->rest.len ? s->rest.at[0] : '\0';
}

static void skip(struct scan *s, size_t n)
{
	s->rest = str_from(s->rest, n);
}

static void skip_space(struct scan *s)
{
	while (peek(s) == ' ' || peek(s) == '\t' || peek(s) == '\n' || peek(s) == '\r')
		skip(s, 1);
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool scan_digits(struct scan *s)
{
	if (!is_digit(peek(s)))
		return false;
	while (is_digit(peek(s)))
		skip(s, 1);
	return true;
}

static enum step scan_number(struct scan *s)
{
	size_t before = s->rest.len;

	if (peek(s) == '-')
		skip(s, 1);
	if (peek(s) == '0')
		skip(s, 1);
	else if (!scan_digits(s))
		return fail(s, "no value where one belongs");
	if (peek(s) == '.') {
		skip(s, 1);
		if (!scan_digits(s))
			return fail(s, "a broken number");
	}
	if (peek(s) == 'e' || peek(s) == 'E') {
		skip(s, 1);
		if (peek(s) == '+' || peek(s) == '-')
			skip(s, 1);
		if (!scan_digits(s))
			return fail(s, "a broken number");
	}
	return before - s->rest.len > MAX_NUMBER ? fail(s, "a very long number") : AFTER_VALUE;
}

int json_read_unit(struct str text)
{
	int unit = 0;

	if (text.len < 6 || text.at[0] != '\\' || text.at[1] != 'u')
		return -1;
	for (size_t i = 2; i < 6; i++) {
		char c = text.at[i];
		char lower = (char)(c | 0x20);

		if (is_digit(c))
			unit = unit * 16 + (c - '0');
		else if (lower >= 'a' && lower <= 'f')
			unit = unit * 16 + (lower - 'a' + 10);
		else
			return -1;
	}
	return unit;
}

static bool scan_unicode_escape(struct scan *s)
{
	int unit = json_read_unit(s->rest);

	if (unit < 0)
		return refuse(s, "a broken escape");
	if (unit == 0)
		return refuse(s, "a NUL");
	if (unit >= 0xdc00 && unit <= 0xdfff)
		return refuse(s, "a lone surrogate");
	skip(s, 6);
	if (unit < 0xd800 || unit > 0xdbff)
		return true;

	int low = json_read_unit(s->rest);
	if (low < 0xdc00 || low > 0xdfff)
		return refuse(s, "a lone surrogate");
	skip(s, 6);
	return true;
}

static bool scan_escape(struct scan *s)
{
	if (s->rest.len >= 2 && s->rest.at[1] == 'u')
		return scan_unicode_escape(s);
	if (s->rest.len < 2 || s->rest.at[1] == '\0' || !strchr("\"\\/bfnrt", s->rest.at[1]))
		return refuse(s, "a broken escape");
	skip(s, 2);
	return true;
}

static bool scan_string(struct scan *s)
{
	skip(s, 1);
	s->in_string = true;
	while (peek(s) != '"') {
		if (s->rest.len == 0) {
			s->in_string = false; /* the fault is the end of the text, not the string */
			return refuse(s, "an unfinished string");
		}
		if (peek(s) == '\0')
			return refuse(s, "a NUL");
		if ((unsigned char)peek(s) < 0x20)
			return refuse(s, "an unescaped control character");
		if (peek(s) != '\\')
			skip(s, 1);
		else if (!scan_escape(s))
			return false;
	}
	skip(s, 1);
	s->in_string = false;
	return true;
}

static enum step scan_word(struct scan *s, struct str word)
{
	if (!str_starts(s->rest, word))
		return fail(s, "no value where one belongs");
	skip(s, word.len);
	return AFTER_VALUE;
}

static enum step open_nested(struct scan *s, bool object)
{
	if (s->depth == JSON_MAX_DEPTH)
		return fail(s, "too many levels of nesting");
	s->names[s->depth] = STR("");
	s->in_object[s->depth++] = object;
	skip(s, 1);
	return object ? WANT_FIRST_NAME : WANT_FIRST_VALUE;
}

static enum step close_nested(struct scan *s)
{
	s->depth--;
	skip(s, 1);
	return AFTER_VALUE;
}

static enum step take_value(struct scan *s, bool may_end)
{
	switch (peek(s)) {
	case '{':
		return open_nested(s, true);
	case '[':
		return open_nested(s, false);
	case ']':
		return may_end ? close_nested(s) : fail(s, "no value where one belongs");
	case '"':
		return scan_string(s) ? AFTER_VALUE : BROKEN;
	case 't':
		return scan_word(s, STR("true"));
	case 'f':
		return scan_word(s, STR("false"));
	case 'n':
		return scan_word(s, STR("null"));
	default:
		return scan_number(s);
	}
}

static enum step take_name(struct scan *s, bool may_end)
{
	struct str name;

	if (may_end && peek(s) == '}')
		return close_nested(s);
	if (peek(s) != '"')
		return fail(s, "no member name where one belongs");
	s->names[s->depth - 1] = STR(""); /* report a fault in a name by the enclosing member */
	name = str_from(s->rest, 1);
	if (!scan_string(s))
		return BROKEN;
	name.len -= s->rest.len + 1;
	s->names[s->depth - 1] = name;
	skip_space(s);
	if (peek(s) != ':')
		return fail(s, "no colon after a member name");
	skip(s, 1);
	return WANT_VALUE;
}

static enum step take_after(struct scan *s)
{
	if (s->depth == 0)
		return s->rest.len == 0 ? DONE : fail(s, "more text after the value");

	bool object = s->in_object[s->depth - 1];

	if (peek(s) == (object ? '}' : ']'))
		return close_nested(s);
	if (peek(s) != ',')
		return fail(s, "no comma, ] or } after a value");
	skip(s, 1);
	return object ? WANT_NAME : WANT_VALUE;
}

/* The elements of a list have the name of the list. */
static struct str innermost_name(const struct scan *s)
{
	for (unsigned level = s->depth; level > 0; level--) {
		if (s->names[level - 1].len)
			return s->names[level - 1];
	}
	return STR("");
}

bool json_scan(struct str text, struct json_fault *fault)
{
	struct scan s = { .rest = text };
	enum step step = WANT_VALUE;

	while (step != DONE && step != BROKEN) {
		skip_space(&s);
		if (step == AFTER_VALUE)
			step = take_after(&s);
		else if (step == WANT_NAME || step == WANT_FIRST_NAME)
			step = take_name(&s, step == WANT_FIRST_NAME);
		else
			step = take_value(&s, step == WANT_FIRST_VALUE);
	}
	if (step == DONE)
		return true;
	*fault = (struct json_fault){
		.offset = text.len - s.rest.len,
		.what = s.what,
		.member = s.in_string ? innermost_name(&s) : STR(""),
	};
	return false;
}
