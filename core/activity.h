/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The time steps of activity counters. The tables event_activity and channel_activity keep one row
 * per minute for two hours, and one per hour for 31 days.
 */
#ifndef CORE_ACTIVITY_H
#define CORE_ACTIVITY_H

#include <stdint.h>

#define ACTIVITY_MINUTE_S     60
#define ACTIVITY_HOUR_S       3600
#define ACTIVITY_KEEP_MINUTES (2 * ACTIVITY_HOUR_S)
#define ACTIVITY_KEEP_HOURS   (31 * 24 * ACTIVITY_HOUR_S)

/* The beginning, in UTC, of the step that contains a time after 1970. */
static inline int64_t activity_begin_us(int64_t us, int64_t step_s)
{
	return us - us % (step_s * INT64_C(1000000));
}

#endif
