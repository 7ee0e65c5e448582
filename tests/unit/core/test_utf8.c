/* SPDX-License-Identifier: Apache-2.0 */

/* UTF-8: validity at every boundary, cutting, cleaning for display. */
#include <criterion/criterion.h>
#include <errno.h>

#include "core/attributes.h"
#include "core/utf8.h"

#define SHOWN  "\xef\xbf\xbd"                                 /* U+FFFD */
#define FAMILY "\xf0\x9f\x91\xa9\xe2\x80\x8d\xf0\x9f\x91\xa6" /* two people, U+200D between */

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

#define FLAG   "\xf0\x9f\x87\xa9\xf0\x9f\x87\xaa"     /* two regional indicators */
#define SYMBOL "\xe2\x9d\xa4\xef\xb8\x8f"             /* a heart with a variation selector */
#define HANGUL "\xe1\x84\x92\xe1\x85\xa1\xe1\x86\xab" /* three letters of one syllable */
#define TONED  "\xf0\x9f\x91\x8d\xf0\x9f\x8f\xbd"     /* a thumb with a skin tone */

Test(utf8_cut, never_ends_inside_a_grapheme)
{
	static const struct {
		const char *clusters[3]; /* of one kind each, one after the other */
	} cases[] = {
		{ { "e\xcc\x81", "o\xcc\x88\xcc\x84", "x" } },
		{ { FAMILY, FAMILY, "x" } },
		{ { FLAG, FLAG, FLAG } },
		{ { SYMBOL, "x", SYMBOL } },
		{ { HANGUL, HANGUL, "x" } },
		{ { TONED, FAMILY, FLAG } },
		{ { "\r\n", "\r", "x" } },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct buf text;
		size_t end = 0;

		buf_init(&text, 200);
		for (size_t j = 0; j < ARRAY_LEN(cases[i].clusters); j++)
			buf_add_text(&text, cases[i].clusters[j]);
		for (size_t j = 0; j < ARRAY_LEN(cases[i].clusters); j++) {
			size_t next = end + strlen(cases[i].clusters[j]);

			for (size_t max = end; max < next; max++)
				cr_expect_eq(utf8_cut(buf_str(&text), max).len, end,
					     "case %zu at %zu", i, max);
			end = next;
		}
		buf_done(&text);
	}
}

Test(utf8_is_blank, means_that_a_reader_sees_nothing)
{
	static const struct {
		struct str text;
		bool expected;
	} cases[] = {
		{ STR(""), true },
		{ STR(" \t\r\n\v\f"), true },
		{ STR("\xc2\xa0\xe2\x80\x83"), true },             /* U+00A0 U+2003 */
		{ STR("\xc2\x85\xe1\x9a\x80\xe3\x80\x80"), true }, /* U+0085 U+1680 U+3000 */
		{ STR("\xe2\x80\xa8\xe2\x80\xa9\xe2\x80\xaf\xe2\x81\x9f"), true },
		{ STR("\xe2\x80\x8b\xe2\x81\xa0\xef\xbb\xbf\xc2\xad"), true }, /* of no width */
		{ STR("\xe3\x85\xa4\xe2\xa0\x80"), true }, /* Hangul filler, empty Braille */
		{ STR("\xc2\xa0."), false },
		{ STR("\x01"), false }, /* shown as U+FFFD */
		{ STR("\xff"), false },
		{ STR("\xcc\x81"), false },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		cr_expect_eq(utf8_is_blank(cases[i].text), cases[i].expected, "case %zu", i);
}

Test(utf8_clean, leaves_out_or_replaces_what_must_not_be_shown)
{
	static const struct {
		struct str text;
		const char *left_out;
		const char *shown;
	} cases[] = {
		{ STR("plain \xc3\xa9 \xf0\x9f\x98\x80"), "plain \xc3\xa9 \xf0\x9f\x98\x80",
		  "plain \xc3\xa9 \xf0\x9f\x98\x80" },
		{ STR("a\0b\x01\x1f\x7f"
		      "c"),
		  "abc", "a" SHOWN "b" SHOWN SHOWN SHOWN "c" },
		{ STR("a\tb\rc\vd\fe\xc2\x85"
		      "f"),
		  "abcdef", "a b c d e f" },
		{ STR("a\nb\r\nc"), "abc", "a b c" },
		{ STR("\xc2\x80\xc2\x9f\xc2\xa0"), "\xc2\xa0", SHOWN SHOWN "\xc2\xa0" },
		{ STR("x\xff\xc3y"), "x" SHOWN SHOWN "y", "x" SHOWN SHOWN "y" },
		{ STR("\xe2\x80\x8e\xe2\x80\x8f\xe2\x80\xaa\xe2\x80\xae"), "", "" },
		{ STR("\xe2\x81\xa6\xe2\x81\xa9\xe2\x80\x8d"), "\xe2\x80\x8d", "\xe2\x80\x8d" },
		{ STR("\xd8\x9c\xd8\x9b"), "\xd8\x9b", "\xd8\x9b" },
		{ STR("a\xe2\x80\xa8\xe2\x80\xa9z"), "az", "a  z" },
		{ STR(""), "", "" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct buf out;

		buf_init(&out, 100);
		utf8_clean(&out, cases[i].text, 100, false);
		cr_expect_str_eq(buf_text(&out), cases[i].left_out, "case %zu", i);
		buf_reset(&out);
		utf8_clean(&out, cases[i].text, 100, true);
		cr_expect_str_eq(buf_text(&out), cases[i].shown, "case %zu", i);
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
		{ "abc\x01", 6, "abc" SHOWN },
		{ "abc\x01\x02", 6, "abc\xe2\x80\xa6" },
		{ "abcdef\xe2\x80\x8e", 6, "abcdef" },
		{ "ab" FAMILY, 11, "ab\xe2\x80\xa6" },
		{ FAMILY "bcde", 14, FAMILY "\xe2\x80\xa6" },
		/* The letter and its accent are one once what was between them is left out. */
		{ "aaae\xe2\x80\x8e\xcc\x81zz", 7, "aaa\xe2\x80\xa6" },
		{ "abcd", 3, "\xe2\x80\xa6" },
		{ "abcd", 2, "" },
		{ "abcd", 0, "" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct buf out;

		buf_init(&out, 100);
		buf_add_text(&out, "> ");
		utf8_clean(&out, str_of(cases[i].text), cases[i].max_bytes, true);
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

Test(utf8, counts_the_columns_of_clusters)
{
	static const struct {
		const char *text;
		size_t columns;
	} cases[] = {
		{ "", 0 },
		{ "abc", 3 },
		{ "é", 1 },
		{ "e\xcc\x81", 1 },
		{ "日本", 4 },
		{ "ｱ", 1 }, /* half width */
		{ "👍", 2 },
		{ "👍🏽", 2 }, /* with a colour of skin */
		{ "👨‍👩‍👧‍👦", 2 },
		{ "❤️", 2 },
		{ "🇩🇪🇫🇷", 4 },
		{ "각", 2 },
		{ "…", 1 },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		cr_expect_eq(utf8_columns(str_of(cases[i].text)), cases[i].columns, "%s: %zu",
			     cases[i].text, utf8_columns(str_of(cases[i].text)));
}

Test(utf8, cuts_columns_between_clusters)
{
	static const struct {
		const char *text;
		size_t most;
		const char *kept;
	} cases[] = {
		{ "abc", 2, "ab" },
		{ "日本", 3, "日" },
		{ "e\xcc\x81x", 1, "e\xcc\x81" },
		{ "👨‍👩‍👧x", 2, "👨‍👩‍👧" },
		{ "👨‍👩‍👧x", 1, "" },
		{ "abc", 9, "abc" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		cr_expect(str_is(utf8_cut_columns(str_of(cases[i].text), cases[i].most),
				 cases[i].kept),
			  "%s", cases[i].text);
}
