/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The metrics of attempts. The registry wants constant labels, so one table lists all providers. A
 * provider that is missing there counts as "other".
 */
#include "delivery/attempt_metrics.h"

#include <string.h>

#include "core/metrics.h"

#define LABELS(provider)                                            \
	{                                                           \
		[ATTEMPT_DELIVERED] = LABEL(provider, "delivered"), \
		[ATTEMPT_ACCEPTED] = LABEL(provider, "accepted"),   \
		[ATTEMPT_RETRY] = LABEL(provider, "retry"),         \
		[ATTEMPT_WAIT] = LABEL(provider, "wait"),           \
		[ATTEMPT_REJECTED] = LABEL(provider, "rejected"),   \
		[ATTEMPT_DISABLED] = LABEL(provider, "disabled"),   \
		[ATTEMPT_REFORMED] = LABEL(provider, "reformed"),   \
		[ATTEMPT_REBOUND] = LABEL(provider, "rebound"),     \
		[ATTEMPT_REPOSTED] = LABEL(provider, "reposted"),   \
	}
#define LABEL(provider, verdict) "provider=\"" provider "\",verdict=\"" verdict "\""

static const struct {
	const char *provider;
	const char *labels[ATTEMPT_VERDICTS];
} rows[ATTEMPT_PROVIDERS] = {
	{ "webhook", LABELS("webhook") },   { "discord", LABELS("discord") },
	{ "slack", LABELS("slack") },       { "teams", LABELS("teams") },
	{ "telegram", LABELS("telegram") }, { "googlechat", LABELS("googlechat") },
	{ "matrix", LABELS("matrix") },     { "other", LABELS("other") },
};

void attempt_metrics_open(struct attempt_metrics *metrics)
{
	for (size_t row = 0; row < ATTEMPT_PROVIDERS; row++) {
		for (size_t verdict = 0; verdict < ATTEMPT_VERDICTS; verdict++)
			metrics->attempts[row][verdict] = metric_counter(
				"wrenn_events_delivery_attempts_total", rows[row].labels[verdict],
				"Requests sent, by provider and verdict");
	}
	metrics->seconds = metric_histogram("wrenn_events_delivery_attempt_seconds", NULL,
					    "Duration of requests to destinations");
}

void attempt_metrics_count(const struct attempt_metrics *metrics, const struct provider *provider,
			   enum attempt_verdict verdict, int64_t duration_us)
{
	size_t row = 0;

	while (row < ATTEMPT_PROVIDERS - 1 && strcmp(rows[row].provider, provider->name) != 0)
		row++;
	metric_add(metrics->attempts[row][verdict], 1);
	metric_observe_us(metrics->seconds, duration_us);
}
