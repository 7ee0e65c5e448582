/* SPDX-License-Identifier: Apache-2.0 */
#include "delivery/clock_trust.h"

#define STEP_US \
	(INT64_C(30) * 1000000) /* between two looks; a smaller step is an ordinary correction */
#define DIFFER_US (INT64_C(300) * 1000000) /* clocks of several machines may differ so much */

static int64_t distance(int64_t a, int64_t b)
{
	return a > b ? a - b : b - a;
}

void clock_trust_note(struct clock_trust *trust, int64_t wall_us, int64_t mono_us)
{
	int64_t offset_us = wall_us - mono_us;

	if (trust->since_us == 0 || distance(offset_us, trust->offset_us) > STEP_US)
		trust->since_us = mono_us;
	trust->offset_us = offset_us;
}

void clock_trust_compare(struct clock_trust *trust, int64_t wall_us, int64_t theirs_us,
			 int64_t mono_us)
{
	if (distance(wall_us, theirs_us) > DIFFER_US)
		trust->since_us = mono_us;
}

bool clock_trust_is_good(const struct clock_trust *trust, int64_t mono_us)
{
	return trust->since_us != 0 && mono_us - trust->since_us >= trust->needs_us;
}

int64_t clock_trust_age_us(int64_t now_us, int64_t last_us, int64_t step_us)
{
	return last_us == 0 || now_us <= last_us + step_us ? now_us : last_us + step_us;
}
