/* SPDX-License-Identifier: Apache-2.0 */

/* Stream ids: strict parsing, order, the one before. */
#include <criterion/criterion.h>
#include <errno.h>

#include "core/stream_id.h"

Test(stream_id, parses_what_it_formats)
{
	static const char *const cases[] = {
		"0-0",
		"0-1",
		"1779598928123-0",
		"1779598928123-42",
		"18446744073709551615-18446744073709551615",
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char text[STREAM_ID_TEXT_SIZE];
		struct stream_id id;

		cr_assert_eq(stream_id_parse(str_of(cases[i]), &id), 0, "%s", cases[i]);
		stream_id_format(id, text);
		cr_expect_str_eq(text, cases[i]);
	}
}

Test(stream_id, reads_leading_zeros_as_redis_does)
{
	struct stream_id id;

	cr_assert_eq(stream_id_parse(STR("007-010"), &id), 0);
	cr_expect_eq(id.ms, 7);
	cr_expect_eq(id.seq, 10);
}

Test(stream_id, refuses_a_missing_sequence)
{
	struct stream_id id;

	cr_expect_eq(stream_id_parse(STR("1779598928123"), &id), -EINVAL);
	cr_expect_eq(stream_id_parse(STR("1779598928123-"), &id), -EINVAL);
}

Test(stream_id, refuses_every_other_shape_and_leaves_out_alone)
{
	static const struct str cases[] = {
		STR(""),
		STR("-"),
		STR("-1"),
		STR("$"),
		STR("+"),
		STR("0"),
		STR("1-2-3"),
		STR("1--2"),
		STR(" 1-2"),
		STR("1-2 "),
		STR("1 - 2"),
		STR("+1-2"),
		STR("1-+2"),
		STR("1-*"),
		STR("0x1-2"),
		STR("1.0-2"),
		STR("1-2\0"),
		STR("1-2\n"),
		STR("1\xe2\x80\x93"
		    "2"),
		STR("18446744073709551616-0"),
		STR("0-18446744073709551616"),
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct stream_id id = { .ms = 5, .seq = 6 };

		cr_expect_eq(stream_id_parse(cases[i], &id), -EINVAL, "case %zu", i);
		cr_expect_eq(id.ms, 5, "case %zu", i);
		cr_expect_eq(id.seq, 6, "case %zu", i);
	}
}

Test(stream_id, orders_by_number_not_by_text)
{
	static const struct stream_id sorted[] = {
		{ 0, 0 },  { 0, 1 },   { 9, 0 },          { 9, UINT64_MAX },
		{ 10, 2 }, { 10, 10 }, { UINT64_MAX, 0 }, { UINT64_MAX, UINT64_MAX },
	};

	for (size_t a = 0; a < ARRAY_LEN(sorted); a++) {
		for (size_t b = 0; b < ARRAY_LEN(sorted); b++) {
			int expected = a < b ? -1 : a > b;

			cr_expect_eq(stream_id_compare(sorted[a], sorted[b]), expected,
				     "%zu and %zu", a, b);
		}
	}
	cr_expect(stream_id_is_zero(sorted[0]));
	cr_expect_not(stream_id_is_zero(sorted[1]));
	cr_expect_not(stream_id_is_zero(sorted[2]));
}

Test(stream_id_previous, steps_back_over_the_millisecond_and_stays_at_zero)
{
	static const struct {
		struct stream_id id;
		struct stream_id expected;
	} cases[] = {
		{ { 5, 7 }, { 5, 6 } },
		{ { 5, 0 }, { 4, UINT64_MAX } },
		{ { 0, 1 }, { 0, 0 } },
		{ { 0, 0 }, { 0, 0 } },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		cr_expect_eq(stream_id_compare(stream_id_previous(cases[i].id), cases[i].expected),
			     0, "case %zu", i);
}

Test(stream_id_next, steps_over_the_millisecond_and_stays_at_the_very_end)
{
	static const struct {
		struct stream_id id;
		struct stream_id expected;
	} cases[] = {
		{ { 0, 0 }, { 0, 1 } },
		{ { 5, 7 }, { 5, 8 } },
		{ { 4, UINT64_MAX }, { 5, 0 } },
		{ { UINT64_MAX, UINT64_MAX }, { UINT64_MAX, UINT64_MAX } },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		cr_expect_eq(stream_id_compare(stream_id_next(cases[i].id), cases[i].expected), 0,
			     "case %zu", i);
}
