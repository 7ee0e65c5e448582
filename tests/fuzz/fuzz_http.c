/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Requests from any bytes, cut into any pieces: parser, target, router, query. Every input is read
 * twice, with different cuts that the input chooses. Both must end the same, with valid contents.
 */
#include <errno.h>
#include <stdlib.h>

#include "core/utf8.h"
#include "http/message.h"
#include "http/query.h"
#include "http/router.h"

#define CHECK(condition)          \
	do {                      \
		if (!(condition)) \
			abort();  \
	} while (0)

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

static void answer(struct http_request *request, void *owner)
{
	(void)request;
	(void)owner;
}

static const struct http_route routes[] = {
	{ HTTP_GET, "/", ACCESS_PUBLIC, answer, NULL },
	{ HTTP_GET, "/a/{id}", ACCESS_PUBLIC, answer, NULL },
	{ HTTP_POST, "/a/{id}/b/{id}", ACCESS_PUBLIC, answer, NULL },
};

/* Feeds pieces whose sizes come from `seed`; returns what was taken. */
static size_t feed(struct http_message *message, struct str text, uint32_t seed)
{
	size_t used = 0;

	message_init(message);
	while (used < text.len && message->state < MESSAGE_COMPLETE) {
		size_t left = text.len - used;
		size_t piece = 1 + (seed >> 16) % 97;
		size_t taken;

		seed = seed * 1664525 + 1013904223;
		piece = piece < left ? piece : left;
		taken = message_take(message, text.at + used, piece);
		CHECK(taken <= piece);
		CHECK(taken == piece || message->state >= MESSAGE_COMPLETE);
		used += taken;
	}
	return used;
}

static int check_pair(struct str name, struct str value, void *arg, struct reason *why)
{
	(void)arg;
	(void)why;
	CHECK(utf8_is_valid(name) && utf8_is_valid(value));
	CHECK(!memchr(name.at, 0, name.len) && !memchr(value.at, 0, value.len));
	return 0;
}

static void check_complete(const struct http_message *m)
{
	struct router router = { .entries = NULL };
	struct reason why;
	struct route_match match;
	int rc;

	CHECK(m->path.len > 0 && utf8_is_valid(m->path));
	CHECK(m->parser.head.field_count <= HTTP_MAX_HEADERS && m->body.len <= HTTP_MAX_BODY);
	CHECK(m->is_http10 || message_field(m, "host").at);
	for (size_t i = 0; i < m->parser.head.field_count; i++) {
		struct str value = message_field_value(m, i);

		CHECK(message_field_name(m, i).len > 0);
		for (size_t at = 0; at < value.len; at++)
			CHECK(value.at[at] != '\r' && value.at[at] != '\n' && value.at[at]);
	}
	CHECK(router_add(&router, routes, ARRAY_LEN(routes)) == 0);
	match = router_find(&router, m->method, m->path);
	CHECK(!match.route || match.allowed & 1U << m->method);
	router_done(&router);
	rc = http_query_each(m->query, check_pair, NULL, &why);
	CHECK(rc == 0 || rc == -EINVAL);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	struct http_message first;
	struct http_message second;
	uint32_t seed = 0;
	struct str text;
	size_t used;

	if (n < sizeof(seed))
		return 0;
	memcpy(&seed, bytes, sizeof(seed));
	text = (struct str){ .at = (const char *)bytes + sizeof(seed), .len = n - sizeof(seed) };
	used = feed(&first, text, seed);
	CHECK(used == feed(&second, text, ~seed));
	CHECK(first.state == second.state && first.fault == second.fault);
	CHECK(str_eq(buf_str(&first.body), buf_str(&second.body)));
	if (first.state == MESSAGE_COMPLETE)
		check_complete(&first);
	message_done(&first);
	message_done(&second);
	return 0;
}
