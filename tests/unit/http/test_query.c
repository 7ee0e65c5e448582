/* SPDX-License-Identifier: Apache-2.0 */

/* Query strings, valid and malformed. */
#include <criterion/criterion.h>
#include <errno.h>

#include "http/http.h"

static int write_pair(struct str name, struct str value, void *arg, struct reason *why)
{
	struct buf *out = arg;

	(void)why;
	buf_addf(out, "[%.*s=%.*s]", STR_ARGS(name), STR_ARGS(value));
	return 0;
}

Test(query_each, decodes_every_pair_in_order)
{
	static const char *const cases[][2] = {
		{ "", "" },
		{ "&&", "" },
		{ "a=1", "[a=1]" },
		{ "a=1&b=2&a=3", "[a=1][b=2][a=3]" },
		{ "a", "[a=]" },
		{ "a=", "[a=]" },
		{ "=", "[=]" },
		{ "=x", "[=x]" },
		{ "a=b=c", "[a=b=c]" },
		{ "&a=1&", "[a=1]" },
		{ "a+b=c+d", "[a b=c d]" },
		{ "%61%3D=%26%2b%25", "[a==&+%]" },
		{ "n=J%C3%B6rg", "[n=J\xc3\xb6rg]" },
		{ "t=2026-01-01T00:00:00%2B02:00", "[t=2026-01-01T00:00:00+02:00]" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct buf out;

		buf_init(&out, 4096);
		cr_expect_eq(http_query_each(str_of(cases[i][0]), write_pair, &out, NULL), 0);
		cr_expect_str_eq(buf_text(&out), cases[i][1]);
		buf_done(&out);
	}
}

Test(query_each, refuses_what_cannot_be_decoded)
{
	static const char *const queries[] = { "a=%",     "a=%4",        "a=%zz",   "%=a",
					       "a=%00",   "%00=a",       "a=%ff",   "a=%c3",
					       "%c3=%b6", "a=%ed%a0%80", "x=1&a=%", "a=%c0%af" };

	for (size_t i = 0; i < ARRAY_LEN(queries); i++) {
		struct reason why = { .text = "" };
		struct buf out;

		buf_init(&out, 4096);
		cr_expect_eq(http_query_each(str_of(queries[i]), write_pair, &out, &why), -EINVAL,
			     "%s", queries[i]);
		cr_expect_neq(why.text[0], '\0', "%s", queries[i]);
		buf_done(&out);
	}
	cr_expect_eq(http_query_each(STR("a=\0"), write_pair, &(struct buf){ .limit = 100 }, NULL),
		     -EINVAL);
}

static int count_pair(struct str name, struct str value, void *arg, struct reason *why)
{
	(void)name;
	(void)value;
	(void)why;
	++*(int *)arg;
	return 0;
}

Test(query_each, takes_sixty_four_pairs_and_no_more)
{
	struct buf query;
	int count = 0;

	buf_init(&query, 4096);
	for (int i = 0; i < 64; i++)
		buf_add_text(&query, "a=b&");
	cr_expect_eq(http_query_each(buf_str(&query), count_pair, &count, NULL), 0);
	cr_expect_eq(count, 64);
	buf_add_text(&query, "a");
	cr_expect_eq(http_query_each(buf_str(&query), count_pair, &count, NULL), -EINVAL);
	buf_done(&query);
}

static int refuse_b(struct str name, struct str value, void *arg, struct reason *why)
{
	(void)value;
	++*(int *)arg;
	return str_is(name, "b") ? reason_set(why, -ERANGE, "b", "no b here") : 0;
}

Test(query_each, stops_when_the_callback_says_so)
{
	struct reason why = { .text = "" };
	int count = 0;

	cr_expect_eq(http_query_each(STR("a&b&c"), refuse_b, &count, &why), -ERANGE);
	cr_expect_eq(count, 2);
	cr_expect_str_eq(why.field, "b");
}
