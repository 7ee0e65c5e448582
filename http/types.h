/* SPDX-License-Identifier: Apache-2.0 */

/* Names and limits that every part of http/ shares. Declares no function. */
#ifndef HTTP_TYPES_H
#define HTTP_TYPES_H

#include "core/str.h"

#define HTTP_MAX_BODY        65536 /* bytes of a request body (contract c.3) */
#define HTTP_MAX_HEAD        16384 /* request line and header fields together */
#define HTTP_MAX_HEADERS     64
#define HTTP_MAX_PARAMS      2
#define HTTP_REQUEST_ID_SIZE 21 /* "req_", 16 hex digits, NUL */

struct http_server;
struct http_request; /* one request and its answer; the server frees it after the answer */
struct http_stream;  /* a connection that has become an open stream */

enum http_method {
	HTTP_GET, /* HEAD, too */
	HTTP_POST,
	HTTP_PUT,
	HTTP_PATCH,
	HTTP_DELETE,
	HTTP_OPTIONS,
	HTTP_OTHER
};

/* The access that a route requires (contract c.1, f). Checked before the handler runs. */
enum http_access {
	ACCESS_PUBLIC, /* the identity stays CREDENTIAL_NONE */
	ACCESS_STREAM, /* an API key or a session with a team; a crowd may use recent look-ups */
	ACCESS_WAIT,   /* the same, but always looked up again */
	ACCESS_TEAM,   /* ACCESS_WAIT; API keys only when WRENN_EVENTS_API_KEYS=manage */
	ACCESS_CHANGE, /* ACCESS_TEAM, with the role of WRENN_EVENTS_CHANNEL_ROLE */
	ACCESS_ADMIN   /* a session of a platform administrator */
};

typedef void (*http_handler_fn)(struct http_request *request, void *owner);

/* A pattern is "/v1/channels/{id}": a piece in braces matches one segment of the path. A last piece
 * as in "/console/{path*}" matches all that is left, even nothing. */
struct http_route {
	enum http_method method;
	const char *pattern;
	enum http_access access;
	http_handler_fn handler;
	void *owner;
};

/* Finds out who is asking: fills *http_request_identity(request) and calls
 * http_request_authenticated(), or answers with an error; now or later. It also checks the CSRF
 * token of methods that change something. */
typedef void (*http_authenticate_fn)(struct http_request *request, enum http_access access,
				     void *owner);

/* The errors of contract c.5. Each has a status and a stable code. */
enum http_error {
	HTTP_INVALID_REQUEST,     /* 400 invalid_request */
	HTTP_UNAUTHORIZED,        /* 401 unauthorized */
	HTTP_FORBIDDEN,           /* 403 forbidden */
	HTTP_NOT_FOUND,           /* 404 not_found */
	HTTP_METHOD_NOT_ALLOWED,  /* 405 invalid_request, with Allow */
	HTTP_REQUEST_TIMEOUT,     /* 408 timeout */
	HTTP_CONFLICT,            /* 409 conflict */
	HTTP_INVALID_STATE,       /* 409 invalid_state */
	HTTP_PAYLOAD_TOO_LARGE,   /* 413 payload_too_large */
	HTTP_UNSUPPORTED_TYPE,    /* 415 invalid_request */
	HTTP_HEAD_TOO_LARGE,      /* 431 payload_too_large */
	HTTP_RATE_LIMITED,        /* 429 rate_limited */
	HTTP_INTERNAL_ERROR,      /* 500 internal_error */
	HTTP_DELIVERY_FAILED,     /* 502 delivery_failed */
	HTTP_SERVICE_UNAVAILABLE, /* 503 service_unavailable */
	HTTP_ERRORS
};

#endif
