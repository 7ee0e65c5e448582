/* SPDX-License-Identifier: Apache-2.0 */

/* Which route a path matches, its parameters, and which patterns are refused. */
#include <criterion/criterion.h>
#include <errno.h>

#include "http/router.h"

static void answer(struct http_request *request, void *owner)
{
	(void)request;
	(void)owner;
}

static const struct http_route routes[] = {
	{ HTTP_GET, "/", ACCESS_PUBLIC, answer, NULL },
	{ HTTP_GET, "/v1/channels", ACCESS_TEAM, answer, NULL },
	{ HTTP_POST, "/v1/channels", ACCESS_TEAM, answer, NULL },
	{ HTTP_POST, "/v1/channels/test", ACCESS_TEAM, answer, NULL },
	{ HTTP_GET, "/v1/channels/{id}", ACCESS_TEAM, answer, NULL },
	{ HTTP_DELETE, "/v1/channels/{id}", ACCESS_TEAM, answer, NULL },
	{ HTTP_GET, "/v1/channels/{id}/deliveries/{delivery}", ACCESS_TEAM, answer, NULL },
	{ HTTP_POST, "/v1/channels/{id}", ACCESS_TEAM, answer, NULL },
	{ HTTP_GET, "/pages/{path*}", ACCESS_PUBLIC, answer, NULL },
	{ HTTP_GET, "/of/{id}/{path*}", ACCESS_PUBLIC, answer, NULL },
};

#define BIT(method) (1U << (method))

static int place_of(const struct router *router, const struct http_route *route)
{
	for (size_t i = 0; route && i < router->count; i++)
		if (&router->entries[i].route == route)
			return (int)i;
	return -1;
}

static const struct {
	enum http_method method;
	const char *path;
	int route; /* -1: none */
	unsigned allowed;
	const char *params[2];
} cases[] = {
	{ HTTP_GET, "/", 0, BIT(HTTP_GET), { "", "" } },
	{ HTTP_GET, "/v1/channels", 1, BIT(HTTP_GET) | BIT(HTTP_POST), { "", "" } },
	{ HTTP_POST, "/v1/channels", 2, BIT(HTTP_GET) | BIT(HTTP_POST), { "", "" } },
	{ HTTP_PUT, "/v1/channels", -1, BIT(HTTP_GET) | BIT(HTTP_POST), { "", "" } },
	{ HTTP_OTHER, "/v1/channels", -1, BIT(HTTP_GET) | BIT(HTTP_POST), { "", "" } },
	{ HTTP_POST,
	  "/v1/channels/test",
	  3,
	  BIT(HTTP_GET) | BIT(HTTP_POST) | BIT(HTTP_DELETE),
	  { "", "" } },
	{ HTTP_DELETE,
	  "/v1/channels/test",
	  5,
	  BIT(HTTP_GET) | BIT(HTTP_POST) | BIT(HTTP_DELETE),
	  { "test", "" } },
	{ HTTP_GET,
	  "/v1/channels/ch-1",
	  4,
	  BIT(HTTP_GET) | BIT(HTTP_POST) | BIT(HTTP_DELETE),
	  { "ch-1", "" } },
	{ HTTP_GET, "/v1/channels/a/deliveries/b", 6, BIT(HTTP_GET), { "a", "b" } },
	{ HTTP_GET, "/v1/channels/", -1, 0, { "", "" } },
	{ HTTP_GET, "/v1/channels/a/", -1, 0, { "", "" } },
	{ HTTP_GET, "/v1/channels/a/deliveries", -1, 0, { "", "" } },
	{ HTTP_GET, "/v1/channels//deliveries/b", -1, 0, { "", "" } },
	{ HTTP_GET, "//v1/channels", -1, 0, { "", "" } },
	{ HTTP_GET, "/V1/channels", -1, 0, { "", "" } },
	{ HTTP_GET, "/v1", -1, 0, { "", "" } },
	{ HTTP_GET, "/v1/channels/../channels", -1, 0, { "", "" } },
	{ HTTP_GET, "/pages", -1, 0, { "", "" } },
	{ HTTP_GET, "/pages/", 8, BIT(HTTP_GET), { "", "" } },
	{ HTTP_GET, "/pages/a.js", 8, BIT(HTTP_GET), { "a.js", "" } },
	{ HTTP_GET, "/pages/a//b/", 8, BIT(HTTP_GET), { "a//b/", "" } },
	{ HTTP_GET, "/of/x/a/b", 9, BIT(HTTP_GET), { "x", "a/b" } },
	{ HTTP_GET, "/of//a", -1, 0, { "", "" } },
	{ HTTP_OTHER, "*", -1, BIT(HTTP_GET) | BIT(HTTP_POST) | BIT(HTTP_DELETE), { "", "" } },
};

Test(router, finds_the_first_route_that_fits)
{
	struct router router = { .entries = NULL };

	cr_assert_eq(router_add(&router, routes, 3), 0);
	cr_assert_eq(router_add(&router, routes + 3, ARRAY_LEN(routes) - 3), 0);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct route_match match =
			router_find(&router, cases[i].method, str_of(cases[i].path));

		cr_expect_eq(place_of(&router, match.route), cases[i].route, "%s", cases[i].path);
		cr_expect_eq(match.allowed, cases[i].allowed, "%s: %x", cases[i].path,
			     match.allowed);
		for (size_t p = 0; p < 2; p++)
			cr_expect(str_is(match.params[p], cases[i].params[p]), "%s", cases[i].path);
	}
	router_done(&router);
}

Test(router, refuses_bad_patterns_and_then_adds_none)
{
	static const char *const patterns[] = {
		"",     "v1",   "/v1/",         "//",      "/{}",           "/a{id}",
		"/{id", "/id}", "/{a}/{b}/{c}", "/{a*}/b", "/{a}/{b}/{c*}",
	};

	for (size_t i = 0; i < ARRAY_LEN(patterns); i++) {
		struct router router = { .entries = NULL };
		const struct http_route pair[] = {
			{ HTTP_GET, "/good", ACCESS_PUBLIC, answer, NULL },
			{ HTTP_GET, patterns[i], ACCESS_PUBLIC, answer, NULL },
		};

		cr_expect_eq(router_add(&router, pair, 2), -EINVAL, "%s", patterns[i]);
		cr_expect_eq(router.count, 0);
		router_done(&router);
	}
}

Test(router, names_what_is_allowed)
{
	struct buf out;

	buf_init(&out, 64);
	router_write_allowed(&out, BIT(HTTP_GET) | BIT(HTTP_PATCH) | BIT(HTTP_DELETE));
	cr_expect_str_eq(buf_text(&out), "GET, HEAD, PATCH, DELETE");
	buf_reset(&out);
	router_write_allowed(&out, 0);
	cr_expect_eq(out.len, 0);
	buf_done(&out);
}
