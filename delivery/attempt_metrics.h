/* SPDX-License-Identifier: Apache-2.0 */

/* Counts attempts by provider and verdict, and how long they took. */
#ifndef DELIVERY_ATTEMPT_METRICS_H
#define DELIVERY_ATTEMPT_METRICS_H

#include <stdint.h>

#include "delivery/states.h"
#include "providers/provider.h"

struct attempt_metrics {
	struct metric *attempts[PROVIDERS_MAX][ATTEMPT_VERDICTS];
	struct metric *seconds;
};

/* Registers the series of all providers, so that a reader sees them at 0. */
void attempt_metrics_open(struct attempt_metrics *metrics);
void attempt_metrics_count(const struct attempt_metrics *metrics, const struct provider *provider,
			   enum attempt_verdict verdict, int64_t duration_us);

#endif
