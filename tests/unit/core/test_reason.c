/* SPDX-License-Identifier: Apache-2.0 */

/* Reasons: what a stranger wrote is made safe to show and fits. */
#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#include "core/reason.h"
#include "core/utf8.h"

Test(reason_set, fills_both_texts_and_returns_the_code)
{
	struct reason why;

	cr_expect_eq(reason_set(&why, -EINVAL, "limit", "limit must be a number, not \"%s\"", "x"),
		     -EINVAL);
	cr_expect_str_eq(why.field, "limit");
	cr_expect_str_eq(why.text, "limit must be a number, not \"x\"");
	cr_expect_eq(reason_set(&why, -E2BIG, NULL, "too big"), -E2BIG);
	cr_expect_str_eq(why.field, "");
}

Test(reason_set, accepts_that_nobody_wants_to_know)
{
	cr_expect_eq(reason_set(NULL, -ENOMEM, "field", "text"), -ENOMEM);
}

Test(reason_set, shows_no_control_characters_and_no_broken_utf8)
{
	struct reason why;

	(void)reason_set(&why, 0, "a\nb", "%s", "x\r\n\x1b[31m\x7f \xc2\x85 \xff\xc3 \xc3\xa9");
	cr_expect_str_eq(why.field, "a?b");
	cr_expect_str_eq(why.text, "x???[31m? ? ?? \xc3\xa9");
}

Test(reason_set, cuts_long_texts_between_code_points)
{
	struct reason why;
	char text[1000];

	/* One letter, then two-byte characters: the cut would fall into one of them. */
	for (size_t pad = 0; pad < 2; pad++) {
		memset(text, 'a', pad);
		for (size_t i = pad; i + 2 < sizeof(text); i += 2)
			memcpy(text + i, "\xc3\xa9", 3);
		(void)reason_set(&why, 0, text, "%s", text);
		cr_expect(utf8_is_valid(str_of(why.text)));
		cr_expect_null(strchr(why.text, '?'));
		cr_expect_null(strchr(why.field, '?'));
		cr_expect_geq(strlen(why.text), sizeof(why.text) - 2);
		cr_expect_geq(strlen(why.field), sizeof(why.field) - 2);
	}
}
