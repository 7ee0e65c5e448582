/* SPDX-License-Identifier: Apache-2.0 */

/* The metrics of attempts, a row of series for each provider of the registry. */
#include "delivery/attempt_metrics.h"

#include <assert.h>
#include <stdio.h>

#include "core/metrics.h"

/* The metrics keep pointers to their labels. */
static char labels[PROVIDERS_MAX][ATTEMPT_VERDICTS][64];

static struct metric *open_counter(size_t row, enum attempt_verdict verdict)
{
	char *label = labels[row][verdict];
	int len = snprintf(label, sizeof(labels[row][verdict]), "provider=\"%s\",verdict=\"%s\"",
			   provider_at(row)->name, attempt_verdict_name(verdict));

	assert(len > 0 && (size_t)len < sizeof(labels[row][verdict]));
	return metric_counter("wrenn_events_delivery_attempts_total", label,
			      "Requests sent, by provider and verdict");
}

void attempt_metrics_open(struct attempt_metrics *metrics)
{
	for (size_t row = 0; provider_at(row); row++) {
		for (size_t verdict = 0; verdict < ATTEMPT_VERDICTS; verdict++)
			metrics->attempts[row][verdict] =
				open_counter(row, (enum attempt_verdict)verdict);
	}
	metrics->seconds = metric_histogram("wrenn_events_delivery_attempt_seconds", NULL,
					    "Duration of requests to destinations");
}

void attempt_metrics_count(const struct attempt_metrics *metrics, const struct provider *provider,
			   enum attempt_verdict verdict, int64_t duration_us)
{
	size_t row = 0;

	while (provider_at(row) != provider)
		row++;
	metric_add(metrics->attempts[row][verdict], 1);
	metric_observe_us(metrics->seconds, duration_us);
}
