/* SPDX-License-Identifier: Apache-2.0 */

/* The clocks: units, and that monotonic time does not go back. */
#include <criterion/criterion.h>
#include <time.h>

#include "core/clock.h"

Test(clock, tells_wall_time_in_both_units)
{
	int64_t before_us = (int64_t)time(NULL) * 1000000;
	int64_t now_us = clock_wall_us();
	int64_t now_ms = clock_wall_ms();

	cr_expect_geq(now_us, before_us);
	cr_expect_geq(now_ms, now_us / 1000);
	cr_expect_lt(now_ms - now_us / 1000, 120000);
}

Test(clock, never_goes_back_when_monotonic)
{
	int64_t last_us = clock_mono_us();
	struct timespec now;

	for (int i = 0; i < 1000; i++) {
		int64_t us = clock_mono_us();

		cr_assert_geq(us, last_us);
		last_us = us;
	}
	cr_expect_geq(clock_mono_ms(), last_us / 1000);
	clock_gettime(CLOCK_MONOTONIC, &now);
	cr_expect_leq(last_us, (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000);
}
