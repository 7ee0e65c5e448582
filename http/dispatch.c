/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Happy path: the router finds the route, the owner's hook authenticates the caller, and the
 * route's handler gets the request.
 * Failure: a request without a route, or one that was malformed, is answered here with an error of
 * contract c.5. The answer has the CORS fields, so a page of another origin can read it.
 */
#include "http/dispatch.h"

#include "http/connection.h"
#include "http/cors.h"
#include "http/exchange.h"
#include "http/request.h"
#include "http/request_state.h"
#include "http/response.h"

static void authenticate(const struct dispatch *d, struct http_request *request)
{
	const struct http_route *route = request->match.route;

	if (route->access == ACCESS_PUBLIC)
		route->handler(request, route->owner);
	else if (d->authenticate)
		d->authenticate(request, route->access, d->authenticate_owner);
	else
		http_respond_error(request, HTTP_UNAUTHORIZED, NULL);
}

static void find_route(const struct dispatch *d, struct http_request *request)
{
	const struct http_message *message = &request->message;

	request->match = router_find(&d->router, message->method, message->path);
	cors_add_fields(request, d->cors_origins);
	if (request->is_surplus) {
		request->close_after = true;
		http_respond_fault(request, HTTP_SERVICE_UNAVAILABLE, NULL,
				   "too many connections; try again later");
	} else if (cors_answer_preflight(request, d->cors_origins)) {
		return;
	} else if (request->match.route) {
		authenticate(d, request);
	} else if (request->match.allowed) {
		http_respond_error(request, HTTP_METHOD_NOT_ALLOWED, NULL);
	} else {
		http_respond_fault(request, HTTP_NOT_FOUND, NULL, d->unknown_path);
	}
}

void dispatch_request(struct http_request *request, void *dispatch)
{
	const struct dispatch *d = dispatch;
	const struct http_message *message = &request->message;

	if (message->state == MESSAGE_COMPLETE) {
		find_route(d, request);
		return;
	}
	cors_add_fields(request, d->cors_origins);
	http_respond_fault(request, message->fault, NULL, message->fault_text);
}

void http_request_authenticated(struct http_request *request)
{
	const struct http_route *route = request->match.route;

	if (request->connection->gone)
		exchange_drop(request);
	else
		route->handler(request, route->owner);
}
