/* SPDX-License-Identifier: Apache-2.0 */

/* One limit for the whole process, which has one consumer. The loop's thread only. */
#include "bus/trim_warning.h"

#include "bus/counters.h"
#include "core/clock.h"
#include "core/log.h"
#include "core/log_limit.h"

static struct log_limit lines;

void trim_warning_note(size_t count)
{
	int64_t kept_back;

	metric_add(bus_counters.trimmed, (int64_t)count);
	if (log_limit_passes(&lines, clock_mono_ms(), &kept_back))
		log_warn("Redis trimmed entries before we committed them",
			 log_int("entries", (int64_t)count), log_int("kept_back", kept_back));
}
