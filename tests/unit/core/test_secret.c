/* SPDX-License-Identifier: Apache-2.0 */

/* A secret is a private copy that can be replaced and ended safely. */
#include <criterion/criterion.h>

#include "core/secret.h"

Test(secret_set, copies_the_value)
{
	char value[] = "hunter2";
	struct secret s = { .hidden = NULL };

	cr_assert_eq(secret_set(&s, str_of(value)), 0);
	memset(value, 'x', sizeof(value) - 1);
	cr_expect(str_is(secret_reveal(&s), "hunter2"));
	secret_done(&s);
}

Test(secret_set, replaces_a_secret_by_a_part_of_itself)
{
	struct secret s = { .hidden = NULL };

	cr_assert_eq(secret_set(&s, STR("whsec_abc")), 0);
	cr_assert_eq(secret_set(&s, str_from(secret_reveal(&s), 6)), 0);
	cr_expect(str_is(secret_reveal(&s), "abc"));
	secret_done(&s);
}

Test(secret_set, keeps_any_byte_and_the_empty_value)
{
	struct secret s = { .hidden = NULL };
	const struct str bytes = { .at = "a\0\xff", .len = 3 };

	cr_assert_eq(secret_set(&s, bytes), 0);
	cr_expect(str_eq(secret_reveal(&s), bytes));
	cr_assert_eq(secret_set(&s, (struct str){ .at = NULL, .len = 0 }), 0);
	cr_expect_eq(secret_reveal(&s).len, 0);
	secret_done(&s);
}

Test(secret_done, may_be_repeated_and_leaves_an_empty_secret)
{
	struct secret s = { .hidden = NULL };

	secret_done(&s);
	cr_assert_eq(secret_set(&s, STR("hunter2")), 0);
	secret_done(&s);
	secret_done(&s);
	cr_expect_null(s.hidden);
	cr_expect(str_is(secret_reveal(&s), ""));
}
