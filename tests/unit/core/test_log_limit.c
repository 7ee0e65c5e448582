/* SPDX-License-Identifier: Apache-2.0 */

/* Lines that could repeat for ever. */
#include <criterion/criterion.h>

#include "core/log_limit.h"

Test(log_limit, passes_so_many_in_a_minute_and_says_how_many_it_kept_back)
{
	struct log_limit limit = { .passed = 0 };
	int64_t kept_back = -1;
	int passed = 0;

	for (int i = 0; i < 1000; i++) {
		passed += log_limit_passes(&limit, 500000 + i, &kept_back);
		cr_assert(passed == 0 || kept_back == 0);
	}
	cr_expect_eq(passed, LOG_LIMIT_LINES);
	cr_expect(log_limit_passes(&limit, 560000, &kept_back));
	cr_expect_eq(kept_back, 1000 - LOG_LIMIT_LINES);
	cr_expect(log_limit_passes(&limit, 560001, &kept_back));
	cr_expect_eq(kept_back, 0);
}
