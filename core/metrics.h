/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Counters, gauges and histograms, rendered as Prometheus text (exposition format 0.0.4).
 *
 * Every metric is registered by the module that changes it, in each worker. The values live in
 * memory that all workers share, one row of slots each, and rendering adds the rows up: one scrape
 * of any worker shows the whole service. Changing a value is one relaxed atomic addition, from any
 * thread; registering is for one thread of each worker.
 */
#ifndef CORE_METRICS_H
#define CORE_METRICS_H

#include <stdint.h>

#include "core/buf.h"

enum metric_type { METRIC_COUNTER, METRIC_GAUGE, METRIC_HISTOGRAM };

#define METRICS_MAX 256 /* pairs of name and labels */

struct metric; /* opaque; lives as long as the program */

/* Before the first registration. `workers` at least 1; worker 0 is current. Aborts when out of
 * memory. A second call (in tests) forgets everything. Without this call the first registration
 * sets up one worker. */
void metrics_setup(int workers);

/* In a freshly forked worker: which row is ours. Its gauges start at 0. */
void metrics_select(int worker);

/* `labels` is NULL or ready text such as `provider="webhook",verdict="delivered"`. The same
 * name and labels give the same metric again. Names follow wrenn_events_<what>[_unit][_total].
 * All strings must be constants; `help` is one line without backslashes. Never returns NULL; aborts
 * past METRICS_MAX. */
struct metric *metric_counter(const char *name, const char *labels, const char *help);
struct metric *metric_gauge(const char *name, const char *labels, const char *help);
/* Buckets in seconds: 1 ms to 60 s, the usual 1-2.5-5 steps. */
struct metric *metric_histogram(const char *name, const char *labels, const char *help);

/* All accept NULL and then do nothing, so that a module works in a test without metrics. */
void metric_add(struct metric *metric, int64_t n); /* counters: n >= 0 */
void metric_set(struct metric *metric, int64_t n); /* gauges */
void metric_observe_us(struct metric *metric, int64_t us);

/* The sum over all workers; for histograms the number of observations. */
int64_t metric_value(const struct metric *metric);

void metrics_render(struct buf *out);

#endif
