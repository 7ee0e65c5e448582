/* SPDX-License-Identifier: Apache-2.0 */

/* Nothing here fails. Outside of systemd the messages go nowhere. */
#include "app/reporter.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "core/metrics.h"

#define FEEDS_PER_LIMIT 4 /* so that one late turn does not cause a restart */

static const char *const words[] = {
	[CONDITION_READY] = "following",
	[CONDITION_STALE] = "live streams lag behind Redis",
	[CONDITION_NO_GROUP] = "waiting for the consumer group",
	[CONDITION_NO_REDIS] = "waiting for Redis",
	[CONDITION_NO_STORE] = "waiting for the database",
	[CONDITION_STARTING] = "starting",
	[CONDITION_STOPPING] = "stopping",
};

void reporter_init(struct reporter *reporter, struct vitals *vitals,
		   void (*notify)(const char *lines), int64_t watchdog_ms, int64_t now_ms)
{
	*reporter = (struct reporter){ .vitals = vitals,
				       .notify = notify,
				       .watchdog_ms = watchdog_ms,
				       .ready_by_ms = now_ms + READY_LIMIT_MS,
				       .feed_at_ms = now_ms };
	/* The worker that counts them registers them in the same words. */
	reporter->open = metric_gauge("wrenn_events_channels_breaker_open", NULL,
				      "Channels whose breaker is open after failures");
	reporter->disabled = metric_gauge("wrenn_events_channels_disabled", NULL,
					  "Channels disabled until their owner enables them");
}

static void notify_status(struct reporter *reporter, enum condition condition)
{
	int64_t failing = metric_value(reporter->open) + metric_value(reporter->disabled);
	char status[sizeof(reporter->status)];

	if (failing > 0 && condition == CONDITION_READY)
		snprintf(status, sizeof(status), "STATUS=%s, %" PRId64 " channel%s failing",
			 words[condition], failing, failing == 1 ? "" : "s");
	else
		snprintf(status, sizeof(status), "STATUS=%s", words[condition]);
	if (strcmp(status, reporter->status) == 0)
		return;
	memcpy(reporter->status, status, sizeof(status));
	reporter->notify(status);
}

void reporter_turn(struct reporter *reporter, int64_t now_ms)
{
	enum condition condition = vitals_worst(reporter->vitals);
	bool runs = condition < CONDITION_STARTING;

	notify_status(reporter, condition);
	if (!reporter->is_ready && runs &&
	    (condition == CONDITION_READY || now_ms >= reporter->ready_by_ms)) {
		reporter->is_ready = true;
		reporter->notify("READY=1");
	}
	if (reporter->watchdog_ms > 0 && now_ms >= reporter->feed_at_ms) {
		reporter->feed_at_ms = now_ms + reporter->watchdog_ms / FEEDS_PER_LIMIT;
		reporter->notify("WATCHDOG=1");
	}
}

void reporter_reloading(struct reporter *reporter, int64_t now_us)
{
	char lines[64];

	snprintf(lines, sizeof(lines), "RELOADING=1\nMONOTONIC_USEC=%" PRId64, now_us);
	reporter->notify(lines);
}

void reporter_reloaded(struct reporter *reporter)
{
	if (reporter->is_ready)
		reporter->notify("READY=1");
}

void reporter_stopping(struct reporter *reporter)
{
	reporter->notify("STOPPING=1");
}
