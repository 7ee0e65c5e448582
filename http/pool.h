/* SPDX-License-Identifier: Apache-2.0 */

/*
 * State that all connections of a server share: list, poller, waits, read buffer, metrics and date.
 * It knows a connection only as a link in the list.
 */
#ifndef HTTP_POOL_H
#define HTTP_POOL_H

#include "core/list.h"
#include "core/metrics.h"
#include "http/date.h"
#include "http/poller.h"
#include "http/types.h"
#include "net/net.h"

#define POOL_READ_SIZE 16384

/* The waits of a connection; it is in at most one. */
enum pool_wait {
	WAIT_HEAD,
	WAIT_BODY,
	WAIT_IDLE,
	WAIT_WRITE,
	WAIT_LINGER,
	WAIT_SOON, /* for the memory of a closed one, and for an on_abort set after the event */
	WAITS
};

struct pool_metrics {
	struct metric *requests[6]; /* by status / 100; 0 is never used */
	struct metric *connections;
	struct metric *bytes_in;
	struct metric *bytes_out;
	struct metric *malformed;
	struct metric *timeouts;
};

struct pool {
	struct list connections;
	unsigned count;
	unsigned open_count; /* without the connections that only wait for their end */
	bool is_ending;      /* no further request is welcome: answers close their connection */

	struct poller poller;
	struct deadlines waits[WAITS];
	struct pool_metrics metrics;
	struct date date; /* response_head.c writes it */

	/* Gets each request, complete or failed. */
	void (*on_request)(struct http_request *request, void *owner);
	void *request_owner;

	unsigned open_handles;
	void (*on_closed)(struct pool *pool); /* NULL while it is open */

	/* connection.c uses it within one callback, never across. */
	char read_buffer[POOL_READ_SIZE];
};

/* Prepares a zeroed pool. The poller calls `on_ready` for its connections. 0 or a negative errno.
 * on_request is the caller's to set, before the first connection. */
int pool_init(struct pool *pool, void (*on_ready)(void *connection, uint32_t events)) must_check;
void pool_done(struct pool *pool); /* for a pool that was never started */

/* Starts the poller and the waits; on_due gets the pool as its owner. */
void pool_start(struct pool *pool, uv_loop_t *loop, const unsigned lengths_ms[WAITS],
		void (*on_due)(struct deadline *deadline, void *pool));

/* Call after connection_lose() for every connection. on_closed follows once the last one is
 * removed. */
void pool_close(struct pool *pool, void (*on_closed)(struct pool *pool));

/* Adds a connection; it counts as open until pool_retire(). */
void pool_add(struct pool *pool, struct list *link);
/* The connection is closed: its place is free, its memory is not. */
void pool_retire(struct pool *pool);
void pool_remove(struct pool *pool, struct list *link);

#endif
