/* SPDX-License-Identifier: Apache-2.0 */

/* The growing buffer: content, limits and the error that sticks. */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/buf.h"

Test(buf, appends_every_kind_of_piece)
{
	struct buf b;

	buf_init(&b, 1000);
	buf_add(&b, "a\0b", 3);
	buf_add_str(&b, STR("-"));
	buf_add_text(&b, "text");
	buf_add_char(&b, ' ');
	buf_add_u64(&b, 0);
	buf_add_char(&b, ' ');
	buf_add_u64(&b, UINT64_MAX);
	buf_add_char(&b, ' ');
	buf_add_i64(&b, INT64_MIN);
	buf_add_char(&b, ' ');
	buf_add_i64(&b, INT64_MAX);
	buf_addf(&b, " %s=%d", "x", 7);
	cr_expect(str_eq(buf_str(&b), STR("a\0b-text 0 18446744073709551615 "
					  "-9223372036854775808 9223372036854775807 x=7")));
	cr_expect_eq(b.err, 0);
	buf_done(&b);
}

Test(buf, holds_exactly_its_limit)
{
	struct buf b;

	buf_init(&b, 5);
	buf_add_text(&b, "abc");
	buf_addf(&b, "%s", "de");
	cr_expect_eq(b.err, 0);
	cr_expect_str_eq(buf_text(&b), "abcde");
	buf_add_char(&b, 'f');
	cr_expect_eq(b.err, -E2BIG);
	cr_expect(str_is(buf_str(&b), "abcde"));
	buf_done(&b);
}

Test(buf, adds_a_piece_whole_or_not_at_all_and_then_nothing_more)
{
	struct buf b;

	buf_init(&b, 5);
	buf_add_text(&b, "abc");
	buf_add_text(&b, "def");
	buf_add_text(&b, "g");
	buf_addf(&b, "h");
	buf_add_u64(&b, 1);
	cr_expect_eq(b.err, -E2BIG);
	cr_expect(str_is(buf_str(&b), "abc"));
	cr_expect_null(buf_text(&b));

	buf_reset(&b);
	buf_add_text(&b, "new");
	cr_expect_str_eq(buf_text(&b), "new");
	buf_done(&b);
}

Test(buf, refuses_formatted_text_past_the_limit)
{
	struct buf b;

	buf_init(&b, 5);
	buf_addf(&b, "%06d", 1);
	cr_expect_eq(b.err, -E2BIG);
	cr_expect_eq(b.len, 0);
	buf_done(&b);
}

Test(buf, grows_through_many_small_and_formatted_pieces)
{
	struct buf b;
	size_t expected = 0;

	buf_init(&b, 100000);
	for (int i = 0; i < 5000; i++) {
		buf_addf(&b, "%d,", i);
		buf_add_char(&b, ';');
		expected += (size_t)snprintf(NULL, 0, "%d,;", i);
	}
	cr_assert_eq(b.err, 0);
	cr_expect_eq(b.len, expected);
	cr_expect(str_starts(buf_str(&b), STR("0,;1,;2,;")));
	cr_expect(str_is(str_from(buf_str(&b), b.len - 6), "4999,;"));
	buf_done(&b);
}

Test(buf, with_no_room_at_all_is_an_empty_text)
{
	struct buf b;

	buf_init(&b, 0);
	buf_add(&b, NULL, 0);
	buf_addf(&b, "%s", "");
	cr_expect_str_eq(buf_text(&b), "");
	buf_add_char(&b, 'x');
	cr_expect_eq(b.err, -E2BIG);
	buf_done(&b);
}
