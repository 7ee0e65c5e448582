/* SPDX-License-Identifier: Apache-2.0 */

/* A server: its options, its routes, its beginning and its end. */
#ifndef HTTP_SERVER_H
#define HTTP_SERVER_H

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "core/attributes.h"
#include "core/reason.h"
#include "http/types.h"

struct http_options {
	uv_loop_t *loop;
	const char *host; /* numeric address or name; resolved at start */
	uint16_t port;    /* 0: any free one, see http_server_port() */
	int listener;     /* from http_listen(), taken over on success; 0: opens a shared one */
	bool is_kept;     /* another process keeps the listener open and accepts who waits there */
	unsigned max_connections; /* at least 1; beyond it, new clients get 503 and are closed */
	http_authenticate_fn authenticate; /* NULL: only public routes are served */
	void *authenticate_owner;
	/* Origins whose pages may read answers below /v1/ with cookies: scheme://host[:port],
	 * separated by commas. Must outlive the server. NULL: none. */
	const char *cors_origins;
	/* The message of the 404 for an unknown path; must outlive the server. NULL: the error's
	 * own message. */
	const char *unknown_path;
	/* Tests shorten these. 0 means 10 s, 30 s and 20 s (contract), and our 75 s when idle. */
	unsigned head_timeout_ms;
	unsigned body_timeout_ms;
	unsigned idle_timeout_ms;
	unsigned write_timeout_ms; /* without progress, for answers and streams */
};

/* Listens, next to other shared sockets on the port. 0, or a negative errno and *why. */
int http_server_open(const struct http_options *options, struct http_server **out,
		     struct reason *why) must_check;

/* Call before the loop runs. Routes are copied; patterns must be constants. The first match wins,
 * so put /test before /{id}. -EINVAL for a bad pattern, -ENOMEM. */
int http_server_add_routes(struct http_server *server, const struct http_route *routes,
			   size_t count) must_check;

/* The same for routes that answer with a stream. An EventSource gives up for good after any answer
 * except 200. So a client that takes text/event-stream gets temporary errors (429, 503, and 500
 * without memory) as a 200 with `retry:` and the message as a comment. */
int http_server_add_streams(struct http_server *server, const struct http_route *routes,
			    size_t count) must_check;

/* Changes what the options said of these two. cors_origins must outlive the server or the next
 * change. Open connections stay. */
void http_server_set_limits(struct http_server *server, unsigned max_connections,
			    const char *cors_origins);

uint16_t http_server_port(const struct http_server *server);

/* Accepts the connections that already wait, unless the listener is kept, then no more. Open
 * requests go on. For a graceful end, before http_server_close(). */
void http_server_stop_listening(struct http_server *server);

/* A client has connected, or has begun a request, and the server has not read all of it yet.
 * Closing now would give that client an empty reply. */
bool http_server_expects_requests(const struct http_server *server);

/* Closes every connection; streams get on_closed, unanswered handlers on_abort. Accepts NULL, and
 * then calls on_closed (may be NULL) at once. */
void http_server_close(struct http_server *server, void (*on_closed)(void *owner), void *owner);

#endif
