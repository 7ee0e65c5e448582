/* SPDX-License-Identifier: Apache-2.0 */

/* What the server shares with its connections. */
#ifndef HTTP_SERVER_STATE_H
#define HTTP_SERVER_STATE_H

#include "core/list.h"
#include "core/metrics.h"
#include "http/connection.h"
#include "http/poller.h"
#include "http/router.h"
#include "http/server.h"
#include "net/net.h"

/* The waits of a connection; it is in at most one. */
enum wait {
	WAIT_HEAD,
	WAIT_BODY,
	WAIT_IDLE,
	WAIT_WRITE,
	WAIT_LINGER,
	WAIT_SOON, /* the end of a closed one; an on_abort that came too late for the event itself */
	WAITS
};

struct http_metrics {
	struct metric *requests[6]; /* by status / 100; 0 is never used */
	struct metric *connections;
	struct metric *bytes_in;
	struct metric *bytes_out;
	struct metric *malformed;
	struct metric *timeouts;
	struct metric *refused;
	struct metric *accept_faults;
};

struct http_server {
	uv_loop_t *loop;
	struct router router;
	http_authenticate_fn authenticate;
	void *authenticate_owner;
	const char *cors_origins;
	struct http_metrics metrics;

	int listen_fd; /* -1 once it no longer listens */
	uint16_t port;
	uv_poll_t listener;
	uv_timer_t pause; /* until the next accept, when there was no room for one */

	struct poller poller; /* of the connections */
	struct list connections;
	unsigned connection_count;
	unsigned open_count; /* without those that only wait for their end */
	unsigned max_connections;
	struct deadlines waits[WAITS];

	unsigned open_handles;
	bool closing;
	void (*on_closed)(void *owner);
	void *owner;

	int64_t date_s;
	char date[32];
	char read_buffer[CONNECTION_READ_SIZE]; /* used within one callback, never across */
};

/* "Sun, 06 Nov 1994 08:49:37 GMT", of now. */
const char *server_date(struct http_server *server);

/* One connection's memory is about to go. */
void server_forget(struct http_server *server, struct connection *connection);

#endif
