/* SPDX-License-Identifier: Apache-2.0 */

/* The table of routes, and which of them a request matches. */
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

/* The result of a look-up. */
struct route_match {
	const struct http_route *route; /* NULL: none for this path and method */
	bool is_stream;
	unsigned allowed; /* bits 1 << method of all routes of this path */
	struct str params[HTTP_MAX_PARAMS];
};

void router_done(struct router *router);

/* Adds all or none. -EINVAL for a bad pattern, -ENOMEM. */
int router_add(struct router *router, const struct http_route *routes, size_t count) must_check;
int router_add_streams(struct router *router, const struct http_route *routes,
		       size_t count) must_check;

/* Compares every route: there are a few dozen, and most differ in their first piece. */
struct route_match router_find(const struct router *router, enum http_method method,
			       struct str path);

/* "GET, HEAD, POST" for the bits of `allowed`. */
void router_write_allowed(struct buf *out, unsigned allowed);

#endif
