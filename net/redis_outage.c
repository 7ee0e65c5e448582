/* SPDX-License-Identifier: Apache-2.0 */

#include "net/redis_outage.h"

#include <stdio.h>
#include <string.h>

#include "core/log.h"
#include "core/metrics.h"

static struct metric *reconnects;
static struct metric *losses;

void redis_outage_init(struct redis_outage *outage)
{
	*outage = (struct redis_outage){ .losses = 0 };
	reconnects = metric_counter("wrenn_events_redis_reconnects_total", NULL,
				    "Connections to Redis that came back.");
	losses = metric_counter("wrenn_events_redis_losses_total", NULL,
				"Connections to Redis that were lost.");
}

void redis_outage_log_loss(struct redis_outage *outage, const struct redis_loss *loss)
{
	int64_t kept_back;

	if (loss->was_up)
		metric_add(losses, 1);
	outage->losses++;
	if (strcmp(outage->logged_why, loss->why) == 0 ||
	    !log_limit_passes(&outage->lines, loss->now_ms, &kept_back))
		return;
	snprintf(outage->logged_why, sizeof(outage->logged_why), "%s", loss->why);
	outage->arrival_was_logged = false;
	log_warn("Redis is unavailable", log_str("connection", loss->connection),
		 log_str("why", loss->why), log_int("retry_ms", loss->retry_ms),
		 log_int("losses", outage->losses));
	outage->losses = 0;
}

void redis_outage_log_arrival(struct redis_outage *outage, const char *connection)
{
	if (outage->was_ever_up)
		metric_add(reconnects, 1);
	outage->was_ever_up = true;
	if (outage->arrival_was_logged)
		return;
	outage->arrival_was_logged = true;
	log_info("Redis is available", log_str("connection", connection));
}

void redis_outage_forget(struct redis_outage *outage)
{
	outage->logged_why[0] = '\0';
}
