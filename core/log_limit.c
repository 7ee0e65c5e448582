/* SPDX-License-Identifier: Apache-2.0 */

/* Counts by the minute. */
#include "core/log_limit.h"

#define MINUTE_MS 60000

bool log_limit_passes(struct log_limit *limit, int64_t now_ms, int64_t *kept_back)
{
	if (now_ms - limit->since_ms >= MINUTE_MS) {
		limit->since_ms = now_ms;
		limit->passed = 0;
	}
	if (limit->passed == LOG_LIMIT_LINES) {
		limit->kept_back++;
		return false;
	}
	limit->passed++;
	*kept_back = limit->kept_back;
	limit->kept_back = 0;
	return true;
}
