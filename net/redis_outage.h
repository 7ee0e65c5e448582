/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Logs and counts the losses of one connection. A repeated fault is one line, and the lines per
 * minute are limited (core/log_limit.h), so that no Redis can fill the log. Part of net/redis.c.
 */
#ifndef NET_REDIS_OUTAGE_H
#define NET_REDIS_OUTAGE_H

#include <stdbool.h>
#include <stdint.h>

#include "core/log_limit.h"

#define REDIS_WHY_SIZE 200

struct redis_outage {
	char logged_why[REDIS_WHY_SIZE]; /* empty: nothing has been logged */
	bool arrival_was_logged;         /* and no loss since then */
	bool was_ever_up;
	unsigned losses; /* since the last line about one */
	struct log_limit lines;
};

struct redis_loss {
	const char *connection;
	const char *why;
	bool was_up; /* false: this try never connected */
	unsigned retry_ms;
	int64_t now_ms; /* monotonic */
};

void redis_outage_init(struct redis_outage *outage);
void redis_outage_log_loss(struct redis_outage *outage, const struct redis_loss *loss);
void redis_outage_log_arrival(struct redis_outage *outage, const char *connection);

/* The connection has lasted for a while: log the same fault again. */
void redis_outage_forget(struct redis_outage *outage);

#endif
