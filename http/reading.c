/* SPDX-License-Identifier: Apache-2.0 */

/*
 * From the socket to the handler.
 *
 * Happy path: what one recv brought is fed to the request; once that is complete it goes through router and
 * authentication to its handler. What lies behind it is kept with it and read on a later turn,
 * after the answer, so that one client's pipeline cannot keep the loop.
 * Failure: a request that cannot be read is answered and the connection closed, since nobody can
 * tell where the next one would start.
 */
#include <assert.h>
#include <errno.h>
#include <sys/socket.h>

#include "http/cors.h"
#include "http/request.h"
#include "http/request_state.h"
#include "http/response.h"
#include "http/server_state.h"

bool connection_begin_request(struct connection *c)
{
	assert(!c->request);
	c->request = request_new(c);
	if (!c->request) {
		connection_close(c);
		return false;
	}
	connection_set_state(c, CONNECTION_HEAD);
	c->fresh = false;
	return true;
}

void connection_refuse_request(struct connection *c, enum http_error error, const char *text)
{
	if (!c->request && !connection_begin_request(c))
		return;
	c->request->close_after = true;
	connection_set_state(c, CONNECTION_BUSY);
	cors_add_fields(c->request, c->server->cors_origins);
	http_respond_fault(c->request, error, NULL, text);
}

/* ---- to the handler -------------------------------------------------------------------- */

static void dispatch(struct connection *c)
{
	struct http_server *server = c->server;
	struct http_request *request = c->request;
	const struct http_route *route;

	connection_set_state(c, CONNECTION_BUSY);
	request->match =
		router_find(&server->router, request->message.method, request->message.path);
	route = request->match.route;
	cors_add_fields(request, server->cors_origins);
	if (c->surplus) {
		request->close_after = true;
		http_respond_fault(request, HTTP_SERVICE_UNAVAILABLE, NULL, "too many connections");
		return;
	}
	if (cors_answer_preflight(request, server->cors_origins))
		return;
	if (!route)
		http_respond_error(
			request, request->match.allowed ? HTTP_METHOD_NOT_ALLOWED : HTTP_NOT_FOUND,
			NULL);
	else if (route->access == ACCESS_PUBLIC)
		route->handler(request, route->owner);
	else if (server->authenticate)
		server->authenticate(request, route->access, server->authenticate_owner);
	else
		http_respond_error(request, HTTP_UNAUTHORIZED, NULL);
}

void http_request_authenticated(struct http_request *request)
{
	const struct http_route *route = request->match.route;

	if (request->connection->gone)
		connection_drop(request->connection);
	else
		route->handler(request, route->owner);
}

/* ---- from the socket ------------------------------------------------------------------- */

/* The client waits for a word before it sends the body (RFC 9110, section 10.1.1). */
static void tell_to_continue(struct connection *c)
{
	static const char text[] = "HTTP/1.1 100 Continue\r\n\r\n";
	struct iovec piece = { .iov_base = (char *)text, .iov_len = sizeof(text) - 1 };

	/* Only a client that reads none of its answers has no room for 25 bytes. */
	if (connection_send(c, &piece, 1) != (ssize_t)piece.iov_len)
		connection_close(c);
}

static void take_bytes(struct connection *c, struct str bytes)
{
	struct message *message = &c->request->message;
	size_t used = message_take(message, bytes.at, bytes.len);
	struct str rest = str_from(bytes, used);

	switch (message->state) {
	case MESSAGE_HEAD:
		break;
	case MESSAGE_BODY:
		if (c->state == CONNECTION_BODY)
			break;
		connection_set_state(c, CONNECTION_BODY);
		if (message->expects_continue && message->body.len == 0)
			tell_to_continue(c);
		break;
	case MESSAGE_COMPLETE:
		buf_add_str(&c->request->rest, rest);
		if (c->request->rest.err)
			c->request->close_after = true;
		dispatch(c);
		break;
	case MESSAGE_FAILED:
		metric_add(c->server->metrics.malformed, 1);
		connection_refuse_request(c, message->fault, message->fault_text);
		break;
	}
}

void connection_read(struct connection *c)
{
	char *bytes = c->server->read_buffer;
	ssize_t n = recv(c->fd, bytes, CONNECTION_READ_SIZE, 0);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		connection_close(c);
		return;
	}
	metric_add(c->server->metrics.bytes_in, n);
	if (c->request || connection_begin_request(c))
		take_bytes(c, (struct str){ .at = bytes, .len = (size_t)n });
}

bool connection_has_rest(const struct connection *c)
{
	return c->state == CONNECTION_HEAD && c->request && c->request->rest.len > 0;
}

void connection_read_rest(struct connection *c)
{
	struct buf rest = c->request->rest;

	buf_init(&c->request->rest, CONNECTION_READ_SIZE);
	take_bytes(c, buf_str(&rest));
	buf_done(&rest);
}
