/* SPDX-License-Identifier: Apache-2.0 */

/* A request, from its first byte until its answer has left. An idle connection has none. */
#ifndef HTTP_REQUEST_STATE_H
#define HTTP_REQUEST_STATE_H

#include "core/buf.h"
#include "core/identity.h"
#include "http/message.h"
#include "http/router.h"

#define RESPONSE_MAX_EXTRA 8192  /* bytes of the fields that handlers add */
#define RESPONSE_MAX_HEAD  16384 /* bytes of all fields */
#define RESPONSE_MAX_BYTES 33554432

struct connection;

struct http_request {
	struct connection *connection;
	struct http_message message;
	struct route_match match;
	struct identity identity; /* request.c keeps it for the handler */
	char id[HTTP_REQUEST_ID_SIZE];

	/* exchange.c calls it when the client leaves. */
	void (*on_abort)(void *owner);
	void *abort_owner;

	struct buf extra;  /* header lines of the answer to come */
	struct buf unsent; /* what the socket did not take at once */
	size_t sent;       /* bytes of it that were sent */
	struct buf rest;   /* bytes of later requests */
	bool close_after;
	bool is_surplus; /* over the limit of connections: to be refused */
};

/* NULL when there is no memory. */
struct http_request *request_new(struct connection *connection) must_check;
void request_free(struct http_request *request); /* accepts NULL */

#endif
