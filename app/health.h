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

/* The parts that readiness checks. They live as long as the server. */
struct health {
	const struct store *store;
	const struct redis *redis;
	const struct bus_consumer *consumer;
	const struct bus_tail *tail;
	const struct sse *sse;
	bool stopping; /* set when the worker begins to stop; it is never ready again */
};

int health_add_routes(struct health *health, struct http_server *server) must_check;

#endif
