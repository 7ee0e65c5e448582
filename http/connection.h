/* SPDX-License-Identifier: Apache-2.0 */

/*
 * One accepted socket, small because ten thousand of them may be open streams. What a request needs
 * lives in struct http_request, which only exists while one is being read or answered.
 *
 *            +------------------------------ keep-alive ------------------------------+
 *            v                                                                        |
 *   --> IDLE --> HEAD --> BODY --> BUSY --> WRITING --+--------------------------------+
 *                  \________________^  \              |
 *                                       \             +--> LINGER --> closed
 *                                        +--> STREAM --> closed
 *
 * Every state may fall to closed, but for BUSY: its handler holds the request, so the connection is
 * marked gone and closes when the answer comes.
 */
#ifndef HTTP_CONNECTION_H
#define HTTP_CONNECTION_H

#include "core/list.h"
#include "http/stream.h"
#include "http/types.h"
#include "net/net.h"

#define CONNECTION_READ_SIZE 16384

enum connection_state {
	CONNECTION_IDLE,    /* no byte of the next request yet */
	CONNECTION_HEAD,    /* reading a head */
	CONNECTION_BODY,    /* reading a body */
	CONNECTION_BUSY,    /* the request is with its handler */
	CONNECTION_WRITING, /* an answer did not fit into the socket at once */
	CONNECTION_STREAM,
	CONNECTION_LINGER /* answered and shut down; the client may still be sending */
};

struct http_stream {
	struct http_stream_events events;
	void *owner;
};

struct connection {
	struct http_server *server;
	struct list link;
	struct deadline deadline;
	struct http_request *request; /* NULL in IDLE, STREAM, LINGER */
	struct http_stream stream;
	int fd;
	uint32_t discarded; /* bytes thrown away, as a stream or lingering */
	uint32_t armed;     /* the events waited for */
	uint8_t state;
	bool fresh : 1;         /* has not sent a byte yet */
	bool surplus : 1;       /* beyond the cap: its request is refused */
	bool in_turn : 1;       /* inside connection_on_ready(), which arms at its end */
	bool peer_finished : 1; /* the client will send no more */
	bool gone : 1;          /* nothing can reach the client any more */
	bool wants_write : 1;   /* a stream whose last write was short */
	bool chunked : 1;       /* a stream that ends with the last chunk */
	bool closing : 1;       /* its memory goes with the next tick */
};

/* Takes over an accepted, non-blocking socket; closes it when there is no memory. */
void connection_open(struct http_server *server, int fd);

/* The same for one connection too many: its request is read, told so, and let go. */
void connection_refuse(struct http_server *server, int fd);

/* Something it waits for has happened; for the server's poller. */
void connection_on_ready(void *owner, uint32_t events);

/* A wait of the connection, on one of the server's deadlines, has run out. */
void connection_on_due(struct deadline *deadline, void *owner);

/* For the end of the server: closes, or marks as gone while a handler is busy with it. */
void connection_end(struct connection *c);

/* ---- for answers ------------------------------------------------------------------------ */

const char *connection_date(struct connection *c);
bool connection_is_ending(const struct connection *c); /* no further request is welcome */

/* Sends the answer to its request, which is dead afterwards. A failed head drops the connection. */
void connection_answer(struct connection *c, int status, const struct buf *head, struct str body);

/* Gives up on answering. */
void connection_drop(struct connection *c);

/* ---- for streams, and between the files of this folder ------------------------------------ */

void connection_set_state(struct connection *c, enum connection_state state);

/* Waits for what the state needs; while events are being looked at that is left to their end. */
void connection_arm(struct connection *c);

/* One sendmsg. Bytes taken, 0 when the socket is full, or a negative errno. */
ssize_t connection_send(struct connection *c, const struct iovec *pieces, int count);

/* Reads and throws away what has come. False at the end, on a fault, or past `limit` bytes in all. */
bool connection_discard(struct connection *c, uint32_t limit);

/* Closes now; not in BUSY. Safe to repeat. */
void connection_close(struct connection *c);

void connection_count_answer(struct connection *c, int status);

/* stream.c: what happened to a stream. */
void stream_on_ready(struct connection *c, uint32_t events);
void stream_on_closed(struct connection *c);

/* reading.c: bytes from the socket, bytes left over from the request before. */
void connection_read(struct connection *c);
void connection_read_rest(struct connection *c);
bool connection_has_rest(const struct connection *c);

/* Answers a request that could not be read, and closes; with a NULL text the error's own. */
void connection_refuse_request(struct connection *c, enum http_error error, const char *text);

/* A request to read into; false when there is no memory, and then the connection is closed. */
bool connection_begin_request(struct connection *c);

#endif
