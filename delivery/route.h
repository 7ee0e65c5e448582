/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The way to all destinations: the HTTP client, the guard, the operator's origins and the paces.
 * Deliveries and test notifications share one, so that they share its limits, too.
 */
#ifndef DELIVERY_ROUTE_H
#define DELIVERY_ROUTE_H

#include <stdbool.h>
#include <uv.h>

#include "core/attributes.h"
#include "delivery/attempt.h"
#include "targets/targets.h"

/* Kept connections for each request allowed at once: there are many more destinations than that. */
#define ROUTE_KEPT 4

struct route_options {
	uv_loop_t *loop;
	unsigned max_inflight; /* requests; ROUTE_KEPT times that many connections */
	bool allow_private;    /* WRENN_CHANNELS_ALLOW_PRIVATE */
	const char *ca_file;   /* for outbound TLS; NULL: the system's */
	const char *link_base; /* of links in messages, without a trailing slash; NULL: no links */
	/* Must outlive the route, texts included. */
	const struct target_origin *origins;
	size_t origin_count;
};

struct route {
	struct attempt_route attempts;
	struct guard guard;
	struct paces *paces;
	char *link_base;
	void (*on_closed)(void *owner);
	void *owner;
};

int route_open(const struct route_options *options, struct route **out) must_check;

/* For requests that begin from now on. Keeps what it had if it returns -ENOMEM. */
int route_change(struct route *route, const char *ca_file, const char *link_base) must_check;

/* Cancels running requests; their callbacks come before on_closed. Accepts NULL, and then calls
 * on_closed at once. */
void route_close(struct route *route, void (*on_closed)(void *owner), void *owner);

#endif
