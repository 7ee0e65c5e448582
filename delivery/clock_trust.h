/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Whether the wall clock may decide what is old enough to be removed. Pure.
 *
 * The clock is trusted after it agreed for some time with the monotonic clock and with every other
 * clock it was compared to. A step, or a difference of minutes, starts that time again. In any case
 * ages grow at most twice as fast as time passes: a clock that is wrong for a day costs a day of
 * history, not all of it.
 */
#ifndef DELIVERY_CLOCK_TRUST_H
#define DELIVERY_CLOCK_TRUST_H

#include <stdbool.h>
#include <stdint.h>

struct clock_trust {
	int64_t needs_us;  /* how long it must agree: an hour, or less in tests */
	int64_t since_us;  /* monotonic; 0: never looked */
	int64_t offset_us; /* wall clock less monotonic clock, at the last look */
};

/* Compares both clocks with the last look. */
void clock_trust_note(struct clock_trust *trust, int64_t wall_us, int64_t mono_us);

/* Tells that another clock showed `theirs_us` when ours showed `wall_us`. */
void clock_trust_compare(struct clock_trust *trust, int64_t wall_us, int64_t theirs_us,
			 int64_t mono_us);

bool clock_trust_is_good(const struct clock_trust *trust, int64_t mono_us);

/* The time that ages are counted from: now, but at most `step_us` after `last_us`, which was used
 * before (0: never). */
int64_t clock_trust_age_us(int64_t now_us, int64_t last_us, int64_t step_us);

#endif
