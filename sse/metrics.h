/* SPDX-License-Identifier: Apache-2.0 */

/* The metrics of the live path. */
#ifndef SSE_METRICS_H
#define SSE_METRICS_H

struct sse_metrics;
struct topic;

/* Registers what sse_metrics names. */
void sse_metrics_init(struct sse_metrics *metrics);

/* Adds n to the topic's listeners. The limit counts them, and requests on their way to be one. */
void topic_count(struct topic *topic, int n);

#endif
