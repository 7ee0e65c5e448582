/* SPDX-License-Identifier: Apache-2.0 */

/* UTF-8: validity at every boundary, cutting, cleaning for display. */
#include <criterion/criterion.h>
#include <errno.h>

#include "core/attributes.h"
#include "core/utf8.h"

Test(utf8_is_valid, accepts_the_first_and_last_of_each_length)
{
	static const struct str cases[] = {
		STR(""),
		STR("\0"),
		STR("\x7f"),
		STR("\xc2\x80"),
		STR("\xdf\xbf"),
		STR("\xe0\xa0\x80"),
		STR("\xed\x9f\xbf"),
		STR("\xee\x80\x80"),
		STR("\xef\xbf\xbf"),
		STR("\xf0\x90\x80\x80"),
		STR("\xf4\x8f\xbf\xbf"),
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		cr_expect(utf8_is_valid(cases[i]), "case %zu", i);
}

Test(utf8_is_valid, refuses_overlong_surrogate_huge_and_broken_forms)
{
	static const struct str cases[] = {
		STR("\x80"),
		STR("\xbf"),
		STR("\xc0\x80"),
		STR("\xc1\xbf"),
		STR("\xe0\x80\x80"),
		STR("\xe0\x9f\xbf"),
		STR("\xed\xa0\x80"),
		STR("\xed\xbf\xbf"),
		STR("\xf0\x80\x80\x80"),
		STR("\xf0\x8f\xbf\xbf"),
		STR("\xf4\x90\x80\x80"),
		STR("\xf5\x80\x80\x80"),
		STR("\xf8\x88\x80\x80\x80"),
		STR("\xfe"),
		STR("\xff"),
		STR("\xc3"),
		STR("\xe2\x80"),
		STR("\xf0\x9f\x98"),
		STR("\xc3("),
		STR("\xe2\x80("),
		STR("a\xc3"),
		STR("\xe2(\xa8"),
		STR("\xc3\xa9\xa9"),
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		cr_expect_not(utf8_is_valid(cases[i]), "case %zu", i);
}

Test(utf8_decode, gives_number_and_length)
{
	uint32_t code = 0;

	cr_expect_eq(utf8_decode(STR("\xf0\x9f\x98\x80x"), &code), 4);
	cr_expect_eq(code, 0x1f600);
	cr_expect_eq(utf8_decode(STR("\xe2\x80\xa8"), &code), 3);
	cr_expect_eq(code, 0x2028);
	cr_expect_eq(utf8_decode(STR(""), &code), 0);
}

Test(utf8_cut, never_ends_inside_a_code_point)
{
	static const struct {
		struct str text;
		size_t max_bytes;
		size_t expected;
	} cases[] = {
		{ STR("abc"), 3, 3 },
		{ STR("abc"), 2, 2 },
		{ STR("a\xc3\xa9"), 2, 1 },
		{ STR("a\xc3\xa9"), 3, 3 },
		{ STR("\xe2\x80\xa6"), 2, 0 },
		{ STR("\xf0\x9f\x98\x80"), 3, 0 },
		{ STR("\xf0\x9f\x98\x80z"), 4, 4 },
		{ STR("\x80\x80\x80\x80\x80\x80"), 5, 5 },
		{ STR(""), 0, 0 },
		{ STR("a"), 0, 0 },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		cr_expect_eq(utf8_cut(cases[i].text, cases[i].max_bytes).len, cases[i].expected,
			     "case %zu", i);
}

Test(utf8_clean, leaves_out_what_must_not_be_shown)
{
	static const struct {
		struct str text;
		bool keep_newlines;
		const char *expected;
	} cases[] = {
		{ STR("plain \xc3\xa9 \xf0\x9f\x98\x80"), false,
		  "plain \xc3\xa9 \xf0\x9f\x98\x80" },
		{ STR("a\0b\x01\x1f\x7f"
		      "c\t\r"),
		  false, "abc" },
		{ STR("a\nb\r\nc"), true, "a\nb\nc" },
		{ STR("a\nb"), false, "ab" },
		{ STR("\xc2\x80\xc2\x9f\xc2\xa0"), false, "\xc2\xa0" },
		{ STR("x\xff\xc3y"), false, "x\xef\xbf\xbd\xef\xbf\xbdy" },
		{ STR("\xe2\x80\x8e\xe2\x80\x8f\xe2\x80\xaa\xe2\x80\xae"), true, "" },
		{ STR("\xe2\x81\xa6\xe2\x81\xa9\xe2\x80\x8d"), true, "\xe2\x80\x8d" },
		{ STR("\xd8\x9c\xd8\x9b"), true, "\xd8\x9b" },
		{ STR("a\xe2\x80\xa8\xe2\x80\xa9z"), false, "az" },
		{ STR("a\xe2\x80\xa8z"), true, "a\xe2\x80\xa8z" },
		{ STR(""), true, "" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct buf out;

		buf_init(&out, 100);
		utf8_clean(&out, cases[i].text, 100, cases[i].keep_newlines);
		cr_expect_str_eq(buf_text(&out), cases[i].expected, "case %zu", i);
		buf_done(&out);
	}
}

Test(utf8_clean, marks_a_cut_inside_the_limit)
{
	static const struct {
		const char *text;
		size_t max_bytes;
		const char *expected;
	} cases[] = {
		{ "abcdef", 6, "abcdef" },
		{ "abcdefg", 6, "abc\xe2\x80\xa6" },
		{ "abcd\xc3\xa9x", 6, "abc\xe2\x80\xa6" },
		{ "ab\xc3\xa9xyz", 6, "ab\xe2\x80\xa6" },
		{ "abcdef\x01\x02", 6, "abcdef" },
		{ "abcd", 3, "\xe2\x80\xa6" },
		{ "abcd", 2, "" },
		{ "abcd", 0, "" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct buf out;

		buf_init(&out, 100);
		buf_add_text(&out, "> ");
		utf8_clean(&out, str_of(cases[i].text), cases[i].max_bytes, false);
		cr_expect(str_is(str_from(buf_str(&out), 2), cases[i].expected), "case %zu", i);
		buf_done(&out);
	}
}

Test(utf8_clean, passes_the_error_of_the_buffer_on)
{
	struct buf out;

	buf_init(&out, 3);
	utf8_clean(&out, STR("abcdef"), 100, false);
	cr_expect_eq(out.err, -E2BIG);
	buf_done(&out);
}
