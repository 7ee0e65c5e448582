/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The monotonic clock in milliseconds, set by the test. The linker redirects clock_mono_ms() to
 * this file (--wrap in the Makefile). Timers of the loop still follow the real clock.
 */
#ifndef TESTS_SUPPORT_CLOCK_BY_HAND_H
#define TESTS_SUPPORT_CLOCK_BY_HAND_H

#include <stdint.h>

/* From now on the clock shows what it shows now, and moves with clock_move() only. */
void clock_hold(void);
void clock_move(int64_t by_ms);

#endif
