/* SPDX-License-Identifier: Apache-2.0 */

/*
 * HTTP/1.1 on a connection: requests are read and answered, one after another. What a request needs
 * lives in struct http_request, which exists only while one is read or answered.
 */
#ifndef HTTP_EXCHANGE_H
#define HTTP_EXCHANGE_H

#include <stdbool.h>

#include "core/attributes.h"
#include "core/buf.h"
#include "http/types.h"

struct connection;
struct pool;

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

/* The client has connected and sent nothing yet, or has begun a request. False for a stream. */
bool exchange_expects_request(const struct connection *c);

/* Counts an answer for the metrics. */
void exchange_count_answer(const struct http_request *request, int status);

#endif
