/* SPDX-License-Identifier: Apache-2.0 */

/* GET /healthz, /readyz and /metrics (contract o.1), for probes and for Prometheus. */
#ifndef APP_HEALTH_H
#define APP_HEALTH_H

#include <stdbool.h>

#include "bus/bus.h"
#include "core/attributes.h"
#include "http/http.h"
#include "net/net.h"
#include "sse/sse.h"
#include "store/store.h"

/* Conditions that keep a worker from its work; the worst last. */
enum condition {
	CONDITION_READY,
	CONDITION_STALE,    /* live streams lag behind Redis */
	CONDITION_NO_GROUP, /* no consumer group yet */
	CONDITION_NO_REDIS,
	CONDITION_NO_STORE,
	CONDITION_STARTING,
	CONDITION_STOPPING
};

/* The parts that readiness checks. They live as long as the server. */
struct health {
	const struct store *store;
	const struct redis *redis;
	const struct bus_consumer *consumer;
	const struct bus_tail *tail;
	const struct sse *sse;
	bool stopping; /* set when the worker begins to stop; it is never ready again */
};

enum condition health_condition(const struct health *health);

int health_add_routes(struct health *health, struct http_server *server) must_check;

#endif
