/* SPDX-License-Identifier: Apache-2.0 */

/* Reads the two clocks of the kernel; neither call can fail on Linux. */
#include "core/clock.h"

#include <assert.h>
#include <time.h>

static int64_t read_us(clockid_t which)
{
	struct timespec now;
	int rc = clock_gettime(which, &now);

	assert(rc == 0);
	(void)rc;
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

int64_t clock_wall_us(void)
{
	return read_us(CLOCK_REALTIME);
}

int64_t clock_wall_ms(void)
{
	return clock_wall_us() / 1000;
}

int64_t clock_mono_us(void)
{
	return read_us(CLOCK_MONOTONIC);
}

int64_t clock_mono_ms(void)
{
	return clock_mono_us() / 1000;
}
