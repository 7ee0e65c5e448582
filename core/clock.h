/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The two clocks. Wall time (since 1970, UTC) is for what is stored or shown and may
 * step; monotonic time is for waiting and measuring and never does. Pure functions
 * elsewhere take the time as an argument.
 */
#ifndef CORE_CLOCK_H
#define CORE_CLOCK_H

#include <stdint.h>

int64_t clock_wall_us(void);
int64_t clock_wall_ms(void);
int64_t clock_mono_us(void);
int64_t clock_mono_ms(void);

#endif
