/* SPDX-License-Identifier: Apache-2.0 */

/*
 * HTTP/1.1 on a connection: requests are read and answered, one after another. What a request needs
 * lives in struct http_request, which exists only while one is read or answered.
 *
 *            +------------------------------ keep-alive -------------------------------+
 *            v                                                                         |
 *   --> IDLE --> HEAD --> BODY --> BUSY --> WRITING --+--------------------------------+
 *                  \________________^ \               |
 *                                      \              +--> LINGER --> closed
 *                                       +--> a stream: stream.c serves the connection
 *
 * Every state except BUSY may close. In BUSY the handler holds the request, so the connection only
 * records that the client is gone. It closes when the answer comes.
 */
#ifndef HTTP_EXCHANGE_H
#define HTTP_EXCHANGE_H

#include "core/buf.h"
#include "http/connection.h"
#include "http/types.h"

enum exchange_state {
	EXCHANGE_IDLE,    /* no byte of the next request yet */
	EXCHANGE_HEAD,    /* reads a head */
	EXCHANGE_BODY,    /* reads a body */
	EXCHANGE_BUSY,    /* the request is with its handler */
	EXCHANGE_WRITING, /* an answer did not fit into the socket at once */
	EXCHANGE_LINGER   /* answered and shut down; the client may still be sending */
};

struct exchange {
	struct connection connection; /* first */
	struct http_request *request; /* NULL in IDLE and LINGER */
	uint32_t discarded;           /* bytes thrown away in LINGER */
	uint8_t state;
	bool is_fresh : 1;      /* the client has not sent a byte yet */
	bool is_surplus : 1;    /* over the limit of connections: refuse its request */
	bool peer_finished : 1; /* the client will send no more */
};

/* Takes over an accepted, non-blocking socket; closes it when there is no memory. A surplus client
 * is read, too: only its request shows whether to refuse it with a 503 or as a stream. */
void exchange_open(struct pool *pool, int fd, bool is_surplus);

/* Sends the answer. The request is dead afterwards. A failed head drops the connection. */
void exchange_answer(struct http_request *request, int status, const struct buf *head,
		     struct str body);

/* Closes without an answer. The request is dead afterwards. */
void exchange_drop(struct http_request *request);

/* Frees the request and hands its connection over; the caller serves it from now on. */
struct connection *exchange_leave(struct http_request *request) must_check;

/* Counts an answer for the metrics. */
void exchange_count_answer(const struct http_request *request, int status);

#endif
