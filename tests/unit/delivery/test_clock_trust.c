/* SPDX-License-Identifier: Apache-2.0 */

/* When the wall clock is trusted, and how fast ages may grow. */
#include <criterion/criterion.h>

#include "delivery/clock_trust.h"
#include "delivery/options.h"

#define SECOND INT64_C(1000000)
#define HOUR   (3600 * SECOND)
#define DAY    (24 * HOUR)

/* Looks every 15 s from `mono`; the wall clock is ahead by `ahead`. */
static int64_t look_for(struct clock_trust *trust, int64_t mono, int64_t span, int64_t ahead)
{
	for (int64_t end = mono + span; mono < end; mono += 15 * SECOND)
		clock_trust_note(trust, mono + ahead, mono);
	return mono;
}

Test(clock_trust, comes_after_an_hour_of_good_behaviour)
{
	struct clock_trust trust = { .needs_us = DELIVERY_CLOCK_TRUST_US };
	int64_t mono = look_for(&trust, SECOND, HOUR - 15 * SECOND, 50 * DAY);

	cr_expect_not(clock_trust_is_good(&trust, mono));
	mono = look_for(&trust, mono, 30 * SECOND, 50 * DAY);
	cr_expect(clock_trust_is_good(&trust, mono));
}

Test(clock_trust, is_lost_by_a_step_of_either_direction)
{
	static const int64_t steps[] = { 31 * DAY, -31 * DAY, 60 * SECOND, -60 * SECOND };

	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		struct clock_trust trust = { .needs_us = DELIVERY_CLOCK_TRUST_US };
		int64_t mono = look_for(&trust, SECOND, 2 * HOUR, 50 * DAY);

		cr_expect(clock_trust_is_good(&trust, mono));
		mono = look_for(&trust, mono, 30 * SECOND, 50 * DAY + steps[i]);
		cr_expect_not(clock_trust_is_good(&trust, mono), "step %zu", i);
		/* After it is back it must agree for the whole time again. */
		mono = look_for(&trust, mono, 30 * SECOND, 50 * DAY);
		cr_expect_not(clock_trust_is_good(&trust, mono), "step %zu", i);
	}
}

Test(clock_trust, survives_ordinary_corrections)
{
	struct clock_trust trust = { .needs_us = DELIVERY_CLOCK_TRUST_US };
	int64_t mono = SECOND;

	for (int i = 0; i < 100; i++)
		mono = look_for(&trust, mono, 60 * SECOND, 50 * DAY + i * SECOND);
	cr_expect(clock_trust_is_good(&trust, mono));
}

Test(clock_trust, is_lost_when_another_clock_disagrees)
{
	struct clock_trust trust = { .needs_us = DELIVERY_CLOCK_TRUST_US };
	int64_t mono = look_for(&trust, SECOND, 2 * HOUR, 50 * DAY);

	clock_trust_compare(&trust, 50 * DAY, 50 * DAY + 60 * SECOND, mono);
	cr_expect(clock_trust_is_good(&trust, mono));
	clock_trust_compare(&trust, 50 * DAY, 50 * DAY - 600 * SECOND, mono);
	cr_expect_not(clock_trust_is_good(&trust, mono));
}

Test(clock_trust, lets_ages_grow_by_a_step_at_most)
{
	cr_expect_eq(clock_trust_age_us(50 * DAY, 0, 2 * HOUR), 50 * DAY, "the first time");
	cr_expect_eq(clock_trust_age_us(50 * DAY, 50 * DAY - HOUR, 2 * HOUR), 50 * DAY);
	cr_expect_eq(clock_trust_age_us(81 * DAY, 50 * DAY, 2 * HOUR), 50 * DAY + 2 * HOUR);
	cr_expect_eq(clock_trust_age_us(50 * DAY, 81 * DAY, 2 * HOUR), 50 * DAY, "set back");
}
