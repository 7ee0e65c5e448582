/* SPDX-License-Identifier: Apache-2.0 */

/* The metrics of the live path. */
#ifndef SSE_METRICS_H
#define SSE_METRICS_H

struct sse_metrics;
struct topic;

/* Registers what sse_metrics names. */
void sse_metrics_init(struct sse_metrics *metrics);

/* Adds n to the topic's listeners, which the limit counts: a request counts before it is answered. */
void topic_count(struct topic *topic, int n);

#endif
