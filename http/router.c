/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Matches paths against patterns, piece by piece between slashes. The first route that matches path
 * and method wins. Routes that match only the path give the methods for Allow.
 */
#include "http/router.h"

#include <errno.h>
#include <stdlib.h>

void router_done(struct router *router)
{
	free(router->entries);
	*router = (struct router){ .entries = NULL };
}

static bool is_param(struct str piece)
{
	return piece.len > 2 && piece.at[0] == '{' && piece.at[piece.len - 1] == '}';
}

/* Matches the rest of the path. Only the last piece may. */
static bool is_rest(struct str piece)
{
	return is_param(piece) && piece.at[piece.len - 2] == '*';
}

static bool pattern_is_valid(struct str pattern)
{
	size_t params = 0;

	if (pattern.len == 0 || pattern.at[0] != '/')
		return false;
	if (pattern.len == 1)
		return true;
	pattern = str_from(pattern, 1);
	while (pattern.at) {
		struct str piece = str_cut(&pattern, '/');

		if (piece.len == 0 || (is_rest(piece) && pattern.at))
			return false;
		if (is_param(piece))
			params++;
		else if (memchr(piece.at, '{', piece.len) || memchr(piece.at, '}', piece.len))
			return false;
	}
	return params <= HTTP_MAX_PARAMS;
}

static int add(struct router *router, const struct http_route *routes, size_t count,
	       bool are_streams)
{
	struct router_entry *grown;

	for (size_t i = 0; i < count; i++) {
		if (!routes[i].handler || routes[i].method >= HTTP_OPTIONS ||
		    !pattern_is_valid(str_of(routes[i].pattern)))
			return -EINVAL;
	}
	if (count == 0)
		return 0;
	grown = realloc(router->entries, (router->count + count) * sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++)
		grown[router->count + i] =
			(struct router_entry){ .route = routes[i], .is_stream = are_streams };
	router->entries = grown;
	router->count += count;
	return 0;
}

int router_add(struct router *router, const struct http_route *routes, size_t count)
{
	return add(router, routes, count, false);
}

int router_add_streams(struct router *router, const struct http_route *routes, size_t count)
{
	return add(router, routes, count, true);
}

static bool pattern_fits(struct str pattern, struct str path, struct str params[HTTP_MAX_PARAMS])
{
	size_t count = 0;

	while (pattern.at && path.at) {
		struct str wanted = str_cut(&pattern, '/');

		if (is_rest(wanted)) {
			params[count] = path;
			return true;
		}

		struct str piece = str_cut(&path, '/');

		if (!is_param(wanted)) {
			if (!str_eq(wanted, piece))
				return false;
		} else if (piece.len == 0) {
			return false;
		} else {
			params[count++] = piece;
		}
	}
	return !pattern.at && !path.at;
}

struct route_match router_find(const struct router *router, enum http_method method,
			       struct str path)
{
	struct route_match match = { .route = NULL };

	for (size_t i = 0; i < router->count; i++) {
		const struct http_route *route = &router->entries[i].route;
		struct str params[HTTP_MAX_PARAMS] = { { .len = 0 } };

		if (!pattern_fits(str_of(route->pattern), path, params))
			continue;
		match.allowed |= 1U << route->method;
		if (match.route || route->method != method)
			continue;
		match.route = route;
		match.is_stream = router->entries[i].is_stream;
		memcpy(match.params, params, sizeof(params));
	}
	/* OPTIONS * asks about the whole server. */
	if (str_eq(path, STR("*"))) {
		for (size_t i = 0; i < router->count; i++)
			match.allowed |= 1U << router->entries[i].route.method;
	}
	return match;
}

void router_write_allowed(struct buf *out, unsigned allowed)
{
	static const char *const names[] = { [HTTP_GET] = "GET, HEAD",
					     [HTTP_POST] = "POST",
					     [HTTP_PUT] = "PUT",
					     [HTTP_PATCH] = "PATCH",
					     [HTTP_DELETE] = "DELETE" };
	bool first = true;

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		if (!(allowed & 1U << i))
			continue;
		buf_add_text(out, first ? "" : ", ");
		buf_add_text(out, names[i]);
		first = false;
	}
}
