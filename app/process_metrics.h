/* SPDX-License-Identifier: Apache-2.0 */

/* Metrics of a worker's process: version, clock, memory, processor, files. The values of all
 * workers add up, except for those that only the first worker has. */
#ifndef APP_PROCESS_METRICS_H
#define APP_PROCESS_METRICS_H

#include <stdbool.h>
#include <stdint.h>

#include "core/metrics.h"

struct process_metrics {
	struct metric *clock;
	struct metric *memory;
	struct metric *files;
	struct metric *processor;
	int64_t processor_s;
	bool is_first;  /* sets the values that must not add up: version, clock, start */
	int64_t due_ms; /* the files are counted now and then */
};

void process_metrics_start(struct process_metrics *metrics, unsigned worker);

/* Call it often: the clock is only as exact as the calls are frequent. */
void process_metrics_turn(struct process_metrics *metrics, int64_t now_ms);

#endif
