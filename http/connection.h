/* SPDX-License-Identifier: Apache-2.0 */

/*
 * One accepted socket. It moves bytes, waits and ends; it does not know what is served on it.
 * That is a table of functions, which changes when an exchange of HTTP becomes a stream.
 *
 * It is small because ten thousand of them may be open streams.
 */
#ifndef HTTP_CONNECTION_H
#define HTTP_CONNECTION_H

#include <sys/uio.h>

#include "core/list.h"
#include "core/str.h"
#include "http/pool.h"
#include "net/net.h"

/* Bytes of memory of every connection: struct connection, then what is served (an exchange or a
 * stream, whose structs begin with this one). The allocator adds 8 and rounds up to 16. */
#define CONNECTION_SIZE 88

struct connection;

struct connection_events {
	/* Which of EPOLLIN, EPOLLOUT and EPOLLRDHUP to wait for now. */
	uint32_t (*wanted)(const struct connection *c);
	void (*on_bytes)(struct connection *c, struct str bytes);
	void (*on_writable)(struct connection *c);
	/* The client has finished sending, or (c->gone) nothing more reaches it. */
	void (*on_end)(struct connection *c);
	void (*on_due)(struct connection *c); /* its wait has run out */
	void (*on_closed)(
		struct connection *c); /* the last call; connection_close() never calls it */
};

struct connection {
	struct pool *pool;
	const struct connection_events *events;
	struct list link;
	struct deadline deadline;
	int fd;
	uint16_t armed;    /* the events waited for */
	bool in_turn : 1;  /* inside connection_on_ready(), which arms at its end */
	bool gone : 1;     /* nothing more reaches the client */
	bool closing : 1;  /* closed; its memory is freed with the next tick */
	bool reported : 1; /* on_closed was called */
};

/* Takes over an accepted, non-blocking socket. It waits for nothing before connection_arm(). NULL
 * when out of memory, and then the socket is closed. The connection frees itself after
 * on_closed. */
struct connection *connection_open(struct pool *pool, int fd,
				   const struct connection_events *events) must_check;

/* Something else is served from now on. */
void connection_serve(struct connection *c, const struct connection_events *events);

/* Waits for the wanted events. Inside a callback of the connection this waits for its end. */
void connection_arm(struct connection *c);

/* Starts or restarts its one wait. */
void connection_start_wait(struct connection *c, enum pool_wait wait);
void connection_stop_wait(struct connection *c);

/* One system call. Bytes taken, 0 when the socket is full, or a negative errno. */
ssize_t connection_send(struct connection *c, const struct iovec *pieces, int count);

/* One system call, then on_bytes. Closes on end of file or error. */
void connection_read(struct connection *c);

/* Closes now; on_closed is called later. Safe to call twice. */
void connection_close(struct connection *c);

/* Nothing more reaches the client: on_end decides. Safe to call twice. */
void connection_lose(struct connection *c);

/* For the pool: an event of the poller, a wait that has run out. */
void connection_on_ready(void *connection, uint32_t events);
void connection_on_due(struct deadline *deadline, void *pool);

#endif
