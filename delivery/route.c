/* SPDX-License-Identifier: Apache-2.0 */

/* Opens the client last, because only the client has handles that the loop must close. */
#include "delivery/route.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/version.h"

static void free_route(struct route *route)
{
	paces_close(route->paces);
	free(route->link_base);
	free(route);
}

static int open_parts(struct route *route, const struct route_options *options)
{
	const struct outbound_options outbound = {
		.loop = options->loop,
		.max_connections = options->max_inflight * ROUTE_KEPT,
		.user_agent = "wrenn-events/" WRENN_EVENTS_VERSION,
		.ca_file = options->ca_file,
	};
	int rc;

	route->link_base = options->link_base ? strdup(options->link_base) : NULL;
	if (options->link_base && !route->link_base)
		return -ENOMEM;
	rc = paces_open(&route->paces);
	return rc < 0 ? rc : outbound_open(&outbound, &route->attempts.outbound);
}

int route_open(const struct route_options *options, struct route **out)
{
	struct route *route = calloc(1, sizeof(*route));
	int rc;

	if (!route)
		return -ENOMEM;
	rc = open_parts(route, options);
	if (rc < 0) {
		free_route(route);
		return rc;
	}
	guard_init(&route->guard, options->loop, options->allow_private);
	route->attempts.guard = &route->guard;
	route->attempts.origins = options->origins;
	route->attempts.origin_count = options->origin_count;
	route->attempts.link_base = str_of(route->link_base);
	*out = route;
	return 0;
}

/* Messages are built at once, so nothing points to the old link base later. */
int route_change(struct route *route, const char *ca_file, const char *link_base)
{
	char *copy = link_base ? strdup(link_base) : NULL;
	int rc = link_base && !copy ? -ENOMEM : 0;

	if (rc == 0)
		rc = outbound_set_ca_file(route->attempts.outbound, ca_file);
	if (rc < 0) {
		free(copy);
		return rc;
	}
	free(route->link_base);
	route->link_base = copy;
	route->attempts.link_base = str_of(copy);
	return 0;
}

static void on_guard_idle(void *owner)
{
	struct route *route = owner;
	void (*on_closed)(void *) = route->on_closed;
	void *closed_owner = route->owner;

	free_route(route);
	on_closed(closed_owner);
}

static void on_outbound_closed(void *owner)
{
	struct route *route = owner;

	guard_wait_idle(&route->guard, on_guard_idle, route);
}

void route_close(struct route *route, void (*on_closed)(void *owner), void *owner)
{
	if (!route) {
		on_closed(owner);
		return;
	}
	route->on_closed = on_closed;
	route->owner = owner;
	outbound_close(route->attempts.outbound, on_outbound_closed, route);
}
