/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The HTTP/1.1 server: llhttp on the loop.
 *
 * Happy path: a connection is accepted, a request parsed into one struct, authenticated by the
 * hook its route asks for, and handed to the route's handler, which answers exactly once, now or
 * later. Requests of one connection are answered one after another: while one is being
 * answered, further pipelined bytes wait. A handler may instead open a stream, which gives the parser
 * and every buffer back and keeps the bare connection.
 *
 * Failure: what cannot be parsed, is too large or too slow is answered with the error envelope of
 * contract c.5 and the connection closed. A client that goes away is told to the handler by on_abort.
 */
#ifndef HTTP_HTTP_H
#define HTTP_HTTP_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/uio.h>
#include <uv.h>

#include "core/attributes.h"
#include "core/buf.h"
#include "core/identity.h"
#include "core/reason.h"
#include "core/str.h"

#define HTTP_MAX_BODY        65536 /* bytes of a request body (contract c.3) */
#define HTTP_MAX_HEAD        16384 /* request line and header fields together */
#define HTTP_MAX_HEADERS     64
#define HTTP_MAX_PARAMS      2
#define HTTP_REQUEST_ID_SIZE 21 /* "req_", 16 hex digits, NUL */

struct http_server;
struct http_request; /* one exchange; freed by the server after it was answered */
struct http_stream;  /* a connection that turned into an open stream */

enum http_method {
	HTTP_GET,
	HTTP_POST,
	HTTP_PUT,
	HTTP_PATCH,
	HTTP_DELETE,
	HTTP_OPTIONS,
	HTTP_OTHER
};

/* What a route demands of the caller (contract c.1, f). Checked before the handler runs. */
enum http_access {
	ACCESS_PUBLIC, /* identity stays CREDENTIAL_NONE */
	ACCESS_STREAM, /* an API key or a session with a team; in a crowd as of a moment ago */
	ACCESS_WAIT,   /* the same, always as of now */
	ACCESS_TEAM,   /* the same again; API keys only when WRENN_EVENTS_API_KEYS=manage */
	ACCESS_CHANGE, /* ACCESS_TEAM, with the role of WRENN_EVENTS_CHANNEL_ROLE */
	ACCESS_ADMIN   /* a session of a platform administrator */
};

typedef void (*http_handler_fn)(struct http_request *request, void *owner);

struct http_route {
	enum http_method method;
	const char *pattern; /* "/v1/channels/{id}": a piece in braces matches one path segment */
	enum http_access access;
	http_handler_fn handler;
	void *owner;
};

/* Finds out who is asking: fills *http_request_identity(request) and calls
 * http_request_authenticated(), or answers with an error; now or later. CSRF included for methods
 * that change something. */
typedef void (*http_authenticate_fn)(struct http_request *request, enum http_access access,
				     void *owner);

struct http_options {
	uv_loop_t *loop;
	const char *host; /* numeric address or name; resolved at start */
	uint16_t port;    /* 0: any free one, see http_server_port() */
	int listener; /* of http_listen(), taken over on success; 0: the server opens a shared one */
	unsigned max_connections; /* at least 1; beyond it new ones are told 503 and closed */
	http_authenticate_fn authenticate;
	void *authenticate_owner;
	/* Whose pages may read answers below /v1/ with their visitors' cookies: scheme://host[:port],
	 * separated by commas. Must outlive the server; NULL: nobody's. */
	const char *cors_origins;
	/* Shortened in tests; 0 means 10 s, 30 s and 20 s (contract) and our 75 s when idle. */
	unsigned head_timeout_ms;
	unsigned body_timeout_ms;
	unsigned idle_timeout_ms;
	unsigned write_timeout_ms; /* without progress, of answers and of streams */
};

/* A listening socket beside which shared ones may be opened later. An exclusive one is refused with
 * -EADDRINUSE when anybody has the port; a shared one only when somebody has it who does not share. The
 * socket (never 0 in a program whose standard input is open), or a negative errno with the fault in *why. */
int http_listen(const char *host, uint16_t port, bool exclusive, struct reason *why) must_check;

/* Listens, beside other shared sockets on that port. -EADDRINUSE and the like with the fault in *why. */
int http_server_open(const struct http_options *options, struct http_server **out,
		     struct reason *why) must_check;

/* Routes are copied; patterns must be constants. First match wins, so put /test before /{id}.
 * Before the loop runs. -EINVAL on a bad pattern, -ENOMEM. */
int http_server_add_routes(struct http_server *server, const struct http_route *routes,
			   size_t count) must_check;

/* The same for routes that answer with a stream. A client that takes text/event-stream is never told there that
 * it should come back: an EventSource gives up for good after any answer but 200. For it, the errors that pass
 * (429, 503, and 500, for want of memory) become a 200 with `retry:` and the message as a comment, and the end. */
int http_server_add_streams(struct http_server *server, const struct http_route *routes,
			    size_t count) must_check;

uint16_t http_server_port(const struct http_server *server);

/* Takes the connections that wait already, and stops accepting; open exchanges go on. For a graceful end, before http_server_close(). */
void http_server_stop_listening(struct http_server *server);

/* Closes every connection; streams get on_closed, unanswered handlers on_abort. */
void http_server_close(struct http_server *server, void (*on_closed)(void *owner), void *owner);

/* ---- a request ----------------------------------------------------------------------- */

enum http_method http_request_method(const struct http_request *request); /* HEAD is HTTP_GET */
/* Without the query; %xx is decoded, but %2F stays as it is. */
struct str http_request_path(const struct http_request *request);
struct str http_request_query(const struct http_request *request); /* raw, without '?' */
struct str http_request_param(const struct http_request *request, size_t index); /* n-th {piece} */
/* The first field of that name, trimmed, or the empty slice with at == NULL when absent. */
struct str http_request_header(const struct http_request *request, const char *name);
/* A cookie's value, or the empty slice. When a cookie comes twice the first counts. */
struct str http_request_cookie(const struct http_request *request, const char *name);
struct str http_request_body(const struct http_request *request);
/* Is the body announced as application/json? */
bool http_request_is_json(const struct http_request *request);
/* By the field Accept, which must name the type, its kind or everything, not with q=0; without it all is taken. */
bool http_request_takes(const struct http_request *request, const char *type);
/* False for HTTP/1.0, which has no chunks. */
bool http_request_takes_chunks(const struct http_request *request);
const char *http_request_id(const struct http_request *request);
struct identity *http_request_identity(struct http_request *request);

/* Walks the query: decodes %xx and '+', calls on_pair for each pair in order. -EINVAL with *why for
 * a bad escape, invalid UTF-8, NUL or more than 64 pairs; or what on_pair returned if not 0. */
int http_query_each(struct str query,
		    int (*on_pair)(struct str name, struct str value, void *arg,
				   struct reason *why),
		    void *arg, struct reason *why) must_check;

/* For the hook: go on to the handler. */
void http_request_authenticated(struct http_request *request);

/* Called (once, on the loop, never from within) if the client goes away before the answer or the
 * server closes. The handler must still answer, which frees the request. Use it to give up waiting
 * early. A client that has only finished sending looks the same until we write, so the answer is
 * still tried. */
void http_request_on_abort(struct http_request *request, void (*on_abort)(void *owner),
			   void *owner);

/* ---- answers: exactly one of these per request ----------------------------------------- */

/* Adds a header to the answer to come, at most 8 KiB together. A value with a control character
 * turns the answer into a 500. */
void http_respond_header(struct http_request *request, const char *name, struct str value);

/* The body is copied; content_type NULL with an empty body sends none (204). */
void http_respond(struct http_request *request, int status, const char *content_type,
		  struct str body);

/* application/json with a newline behind it. A failed buffer becomes a 500. */
void http_respond_json(struct http_request *request, int status, struct buf *json);

/* The envelope of contract c.5 with the code's own status: code, message, request_id, retryable,
 * details.field when the reason names one. 503 and 429 get Retry-After. */
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
void http_respond_error(struct http_request *request, enum http_error error,
			const struct reason *why);
/* The same with a sentence of its own. */
void http_respond_fault(struct http_request *request, enum http_error error, const char *field,
			const char *message);
/* A store job's failure: what may pass (away, locked, full, out of memory, closing) is 503, a fault
 * of ours 500. */
void http_respond_store_error(struct http_request *request, int rc);

/* ---- streams ----------------------------------------------------------------------- */

struct http_stream_events {
	void (*on_writable)(void *owner); /* after a short write, once there is room again */
	void (*on_closed)(void *owner); /* the last call: the client left, or http_stream_close() */
};

/* Answers 200 with the headers of contract b.2 and `first`, whole chunks or nothing, in one write, and
 * turns the connection into a stream; the request is dead afterwards. Never calls back from within.
 * The events are copied. 0, or -EPIPE when there is no stream (the request is dead as well): the
 * client has gone, or it asked with HEAD and got the headers. A client that does not take chunks has to be
 * sent everything without them, until the connection closes. What a client sends on a stream is thrown away;
 * one that sends more than 64 KiB, or finishes sending, is closed. */
int http_stream_open(struct http_request *request, const struct http_stream_events *events,
		     void *owner, struct str first, struct http_stream **out) must_check;

/* One writev on the socket, no copy. The caller has framed the bytes as HTTP chunks, where the client takes them. Returns what
 * was taken (0 when the socket is full) or a negative errno (then close). Whenever less than all
 * was taken, on_writable follows, or on_closed once nothing has been taken for the write time-out.
 */
ssize_t http_stream_write(struct http_stream *stream, const struct iovec *pieces, int count);

/* Closes; on_closed comes later, never from within. The last chunk ("0\r\n\r\n") is tried once if
 * `ended_well`, which only makes sense at a chunk boundary. Safe to repeat. */
void http_stream_close(struct http_stream *stream, bool ended_well);

#endif
