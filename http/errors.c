/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Error answers (contract c.5). One table gives each error its status, its code and whether clients
 * may retry. Messages are cleaned before they leave, because some quote what a client sent.
 */
#include <assert.h>
#include <errno.h>

#include "core/backoff.h"
#include "core/json.h"
#include "core/utf8.h"
#include "http/exchange.h"
#include "http/request.h"
#include "http/response.h"
#include "http/response_head.h"

#define MAX_ENVELOPE 4096

static const struct {
	const char *code;
	const char *message; /* when the caller gives none */
	const char *retry_after_s;
	int status;
	bool retryable;
} errors[HTTP_ERRORS] = {
	[HTTP_INVALID_REQUEST] = { "invalid_request", "the request is malformed", NULL, 400,
				   false },
	[HTTP_UNAUTHORIZED] = { "unauthorized", "valid credentials are required", NULL, 401,
				false },
	[HTTP_FORBIDDEN] = { "forbidden", "your credentials do not allow this", NULL, 403, false },
	[HTTP_NOT_FOUND] = { "not_found", "there is no such resource", NULL, 404, false },
	[HTTP_METHOD_NOT_ALLOWED] = { "invalid_request", "this path does not allow the method",
				      NULL, 405, false },
	[HTTP_REQUEST_TIMEOUT] = { "timeout", "the request took too long to arrive", NULL, 408,
				   true },
	[HTTP_CONFLICT] = { "conflict", "this conflicts with an existing resource", NULL, 409,
			    false },
	[HTTP_INVALID_STATE] = { "invalid_state",
				 "the resource is in a state that does not allow this", NULL, 409,
				 false },
	[HTTP_PAYLOAD_TOO_LARGE] = { "payload_too_large", "the body is larger than 64 KiB", NULL,
				     413, false },
	[HTTP_UNSUPPORTED_TYPE] = { "invalid_request", "the body must be application/json", NULL,
				    415, false },
	[HTTP_HEAD_TOO_LARGE] = { "payload_too_large", "the request head is larger than 16 KiB",
				  NULL, 431, false },
	[HTTP_RATE_LIMITED] = { "rate_limited", "too many requests; try again later", "10", 429,
				true },
	[HTTP_INTERNAL_ERROR] = { "internal_error", "an internal error occurred", NULL, 500,
				  false },
	[HTTP_DELIVERY_FAILED] = { "delivery_failed", "the destination did not accept the message",
				   NULL, 502, false },
	[HTTP_SERVICE_UNAVAILABLE] = { "service_unavailable",
				       "the service is unavailable; try again later", "5", 503,
				       true },
};

/* When an EventSource retries after a temporary error: spread, so that a crowd does not return at
 * once. */
#define RETRY_MS             5500
#define RETRY_SPREAD_PERCENT 80

static void add_clean_member(struct buf *out, const char *name, const char *text)
{
	struct buf clean;

	buf_init(&clean, sizeof(struct reason));
	utf8_clean(&clean, str_of(text), sizeof(struct reason), false);
	if (clean.err)
		out->err = clean.err;
	json_add_member(out, name, buf_str(&clean));
	buf_done(&clean);
}

/* The error envelope of contract c.5, with its newline. */
static void write_envelope(struct buf *out, enum http_error error, const char *request_id,
			   const struct reason *why)
{
	bool has_text = why && why->text[0];

	buf_add_text(out, "{\"error\":{");
	json_add_member(out, "code", str_of(errors[error].code));
	add_clean_member(out, "message", has_text ? why->text : errors[error].message);
	json_add_member(out, "request_id", str_of(request_id));
	json_add_name(out, "retryable");
	buf_add_text(out, errors[error].retryable ? "true" : "false");
	if (why && why->field[0]) {
		json_add_name(out, "details");
		buf_add_char(out, '{');
		add_clean_member(out, "field", why->field);
		buf_add_char(out, '}');
	}
	buf_add_text(out, "}}\n");
}

/* Adds the fields of the error, except those the handler has set. */
static void add_fields(struct http_request *request, enum http_error error)
{
	const char *retry_after_s = errors[error].retry_after_s;
	struct buf allowed;

	if (retry_after_s && !response_has_field(request, "Retry-After"))
		http_respond_header(request, "Retry-After", str_of(retry_after_s));
	if (error != HTTP_METHOD_NOT_ALLOWED)
		return;
	buf_init(&allowed, 64);
	router_write_allowed(&allowed, request->match.allowed);
	http_respond_header(request, "Allow", buf_str(&allowed));
	buf_done(&allowed);
}

/* The error is temporary, but this client would never retry after its status. */
static bool is_turned_away(const struct http_request *request, enum http_error error)
{
	return request->match.is_stream && !request->extra.err &&
	       (errors[error].retryable || error == HTTP_INTERNAL_ERROR) &&
	       http_request_takes(request, "text/event-stream");
}

static void turn_away(struct http_request *request, enum http_error error, const struct reason *why)
{
	const char *text = why && why->text[0] ? why->text : errors[error].message;
	struct buf body;

	buf_init(&body, MAX_ENVELOPE);
	buf_add_text(&body, ": ");
	utf8_clean(&body, str_of(text), sizeof(struct reason), false);
	buf_addf(&body, "\nretry: %u\n\n", (unsigned)jitter(RETRY_MS, RETRY_SPREAD_PERCENT));
	http_respond_header(request, "Cache-Control", STR("no-cache, no-transform"));
	if (body.err)
		exchange_drop(request);
	else
		http_respond(request, 200, "text/event-stream", buf_str(&body));
	buf_done(&body);
}

void http_respond_error(struct http_request *request, enum http_error error,
			const struct reason *why)
{
	struct buf envelope;

	assert(error < HTTP_ERRORS);
	if (is_turned_away(request, error)) {
		turn_away(request, error, why);
		return;
	}
	if (request->extra.err) {
		buf_reset(&request->extra);
		error = HTTP_INTERNAL_ERROR;
		why = NULL;
	}
	add_fields(request, error);
	buf_init(&envelope, MAX_ENVELOPE);
	write_envelope(&envelope, error, request->id, why);
	if (envelope.err)
		exchange_drop(request);
	else
		http_respond(request, errors[error].status, "application/json", buf_str(&envelope));
	buf_done(&envelope);
}

void http_respond_fault(struct http_request *request, enum http_error error, const char *field,
			const char *message)
{
	struct reason why;

	(void)reason_set(&why, 0, field, "%s", message ? message : "");
	http_respond_error(request, error, &why);
}

void http_respond_store_error(struct http_request *request, int rc)
{
	bool is_away = rc == -ENOTCONN || rc == -EBUSY || rc == -ENOBUFS || rc == -ECANCELED ||
		       rc == -ENOSPC || rc == -ENOMEM || rc == -EIO;

	http_respond_error(request, is_away ? HTTP_SERVICE_UNAVAILABLE : HTTP_INTERNAL_ERROR, NULL);
}
