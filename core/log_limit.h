/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A limit for a log line that others can make us repeat: at most LOG_LIMIT_LINES a minute, and the
 * next one that passes says how many were suppressed. Zeroed before first use.
 */
#ifndef CORE_LOG_LIMIT_H
#define CORE_LOG_LIMIT_H

#include <stdbool.h>
#include <stdint.h>

#define LOG_LIMIT_LINES 10

struct log_limit {
	int64_t since_ms; /* of this minute */
	int passed;       /* in this minute */
	int64_t kept_back;
};

/* `now_ms` is monotonic. On true *kept_back has the number since the last line that passed. */
bool log_limit_passes(struct log_limit *limit, int64_t now_ms, int64_t *kept_back);

#endif
