/* SPDX-License-Identifier: Apache-2.0 */

/* Slices: cutting, trimming, comparing, decimal numbers. */
#include <criterion/criterion.h>
#include <limits.h>

#include "core/attributes.h"
#include "core/str.h"

static const struct str empty = { .at = NULL, .len = 0 };

Test(str_cut, gives_each_piece_and_tells_the_last_from_an_empty_one)
{
	struct str rest = STR("a,,bc,");
	static const char *const pieces[] = { "a", "", "bc", "" };

	for (size_t i = 0; i < ARRAY_LEN(pieces); i++) {
		cr_expect_not_null(rest.at, "piece %zu", i);
		cr_expect(str_is(str_cut(&rest, ','), pieces[i]), "piece %zu", i);
	}
	cr_expect_null(rest.at);
	cr_expect_eq(rest.len, 0);
}

Test(str_cut, takes_nothing_as_one_empty_piece)
{
	struct str rest = empty;

	cr_expect_eq(str_cut(&rest, ',').len, 0);
	cr_expect_null(rest.at);
}

Test(str_trim, takes_blanks_off_both_ends_only)
{
	static const struct {
		const char *text;
		const char *expected;
	} cases[] = {
		{ "", "" },   { " ", "" },         { "\r\n\t ", "" },
		{ "a", "a" }, { " a b\t", "a b" }, { "\va ", "\va" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		cr_expect(str_is(str_trim(str_of(cases[i].text)), cases[i].expected), "case %zu",
			  i);
	cr_expect_eq(str_trim(empty).len, 0);
}

Test(str_to_u64, reads_up_to_the_largest_number)
{
	static const struct {
		const char *text;
		unsigned long long expected;
	} cases[] = {
		{ "0", 0 },
		{ "007", 7 },
		{ "18446744073709551615", ULLONG_MAX },
		{ "000000000000000000000018446744073709551615", ULLONG_MAX },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		unsigned long long number = 1;

		cr_expect(str_to_u64(str_of(cases[i].text), &number), "%s", cases[i].text);
		cr_expect_eq(number, cases[i].expected, "%s", cases[i].text);
	}
}

Test(str_to_u64, refuses_everything_else_and_leaves_out_alone)
{
	static const struct str cases[] = {
		STR(""),
		STR("-1"),
		STR("+1"),
		STR(" 1"),
		STR("1 "),
		STR("0x1"),
		STR("1.0"),
		STR("1\0"),
		STR("\xd9\xa1"),
		STR("a"),
		STR("1e3"),
		STR("18446744073709551616"),
		STR("/"),
		STR(":"),
		STR("99999999999999999999"),
		STR("100000000000000000000000000000000000000000000000000"),
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		unsigned long long number = 42;

		cr_expect_not(str_to_u64(cases[i], &number), "case %zu", i);
		cr_expect_eq(number, 42, "case %zu", i);
	}
	unsigned long long number;

	cr_expect_not(str_to_u64(empty, &number));
}

Test(str_eq, compares_bytes_and_length)
{
	cr_expect(str_eq(STR("a\0b"), STR("a\0b")));
	cr_expect_not(str_eq(STR("a\0b"), STR("a\0c")));
	cr_expect_not(str_eq(STR("ab"), STR("a")));
	cr_expect(str_eq(empty, STR("")));
	cr_expect(str_is(empty, NULL));
	cr_expect(str_eq_nocase(STR("Last-Event-ID"), STR("last-event-id")));
	cr_expect_not(str_eq_nocase(STR("a"), STR("b")));
}

Test(str_starts, accepts_the_empty_slice_on_either_side)
{
	cr_expect(str_starts(STR("team-1"), STR("team-")));
	cr_expect_not(str_starts(STR("team"), STR("team-")));
	cr_expect(str_starts(empty, empty));
	cr_expect_not(str_starts(empty, STR("a")));
	cr_expect(str_is(str_from(STR("abc"), 2), "c"));
	cr_expect_eq(str_from(empty, 0).len, 0);
}
