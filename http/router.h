/* SPDX-License-Identifier: Apache-2.0 */

/* The table of routes. */
#ifndef HTTP_ROUTER_H
#define HTTP_ROUTER_H

#include <stdbool.h>

#include "core/attributes.h"
#include "core/buf.h"
#include "http/types.h"

struct router_entry {
	struct http_route route;
	bool is_stream;
};

struct router {
	struct router_entry *entries;
	size_t count;
};

/* What a path came to. */
struct route_match {
	const struct http_route *route; /* NULL: none for this method */
	bool is_stream;
	unsigned allowed; /* bits 1 << method of the routes that fit the path */
	struct str params[HTTP_MAX_PARAMS];
};

void router_done(struct router *router);

/* -EINVAL on a bad pattern, -ENOMEM; then none is added. */
int router_add(struct router *router, const struct http_route *routes, size_t count) must_check;
int router_add_streams(struct router *router, const struct http_route *routes,
		       size_t count) must_check;

/* A linear walk, since there are a few dozen routes and comparing stops at the first odd piece. */
struct route_match router_find(const struct router *router, enum http_method method,
			       struct str path);

/* "GET, HEAD, POST" for the bits of `allowed`. */
void router_write_allowed(struct buf *out, unsigned allowed);

#endif
