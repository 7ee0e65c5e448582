/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Tells systemd how the service is: ready, the state in words, reloading, stopping, and that it is
 * alive. One process of a service does that: the only worker, or the supervisor.
 *
 * A service whose Redis or database is away still reports READY after READY_LIMIT_MS: it recovers
 * by itself, and a failed start would only be repeated.
 */
#ifndef APP_REPORTER_H
#define APP_REPORTER_H

#include <stdbool.h>
#include <stdint.h>

#include "app/vitals.h"

#define READY_LIMIT_MS   10000
#define REPORTER_TURN_MS 250 /* how often to call reporter_turn() */

struct reporter {
	struct vitals *vitals;
	void (*notify)(const char *lines); /* systemd_notify() except in tests */
	int64_t watchdog_ms;               /* 0: none */
	int64_t ready_by_ms;
	int64_t feed_at_ms;
	struct metric *open; /* channels with an open breaker */
	struct metric *disabled;
	bool is_ready; /* READY=1 was sent */
	char status[96];
};

/* Before forking, because it registers metrics. */
void reporter_init(struct reporter *reporter, struct vitals *vitals,
		   void (*notify)(const char *lines), int64_t watchdog_ms, int64_t now_ms);

/* Sends what has changed since the last turn. */
void reporter_turn(struct reporter *reporter, int64_t now_ms);

/* Around the rereading of the settings. `now_us` is monotonic. */
void reporter_reloading(struct reporter *reporter, int64_t now_us);
void reporter_reloaded(struct reporter *reporter);

void reporter_stopping(struct reporter *reporter);

#endif
