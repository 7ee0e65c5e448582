/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/clock_by_hand.h"

#include <stdatomic.h>

/* The linker's names for the wrapper and for the function that it replaces. */
int64_t __real_clock_mono_ms(void);
int64_t __wrap_clock_mono_ms(void);

static _Atomic int64_t held_ms; /* 0: the real clock */

int64_t __wrap_clock_mono_ms(void)
{
	int64_t held = atomic_load(&held_ms);

	return held ? held : __real_clock_mono_ms();
}

void clock_hold(void)
{
	atomic_store(&held_ms, __real_clock_mono_ms());
}

void clock_move(int64_t by_ms)
{
	atomic_fetch_add(&held_ms, by_ms);
}
