/* SPDX-License-Identifier: Apache-2.0 */

/*
 * From the bytes to a complete request, and from the answer back to the socket.
 *
 * Happy path: one recv brings a request, which goes to the pool's on_request. Bytes after it stay
 * with it until the answer and are read on a later turn, so one client's pipeline cannot hold the
 * loop. The answer leaves in one system call. The connection is then idle and has no more memory
 * than its struct.
 * Failure: a malformed request is answered and the connection closed, because nobody can tell where
 * the next request starts. Bytes the kernel does not take wait in request->unsent. After the last
 * answer we shut down the sending side and discard what still comes, for 2 s at most: closing with
 * unread bytes would reset the connection and destroy the answer.
 */
#include "http/exchange.h"

#include <assert.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "http/connection.h"
#include "http/request.h"
#include "http/request_state.h"

#define LINGER_LIMIT (1024 * 1024)

/*
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

static_assert(sizeof(struct exchange) <= CONNECTION_SIZE, "a connection has room for it");
static_assert(offsetof(struct exchange, connection) == 0, "it starts where its connection does");

static struct exchange *exchange_of(struct connection *c)
{
	return container_of(c, struct exchange, connection);
}

static void set_state(struct exchange *e, enum exchange_state state)
{
	static const int8_t waits[] = {
		[EXCHANGE_IDLE] = WAIT_IDLE,     [EXCHANGE_HEAD] = WAIT_HEAD,
		[EXCHANGE_BODY] = WAIT_BODY,     [EXCHANGE_BUSY] = -1,
		[EXCHANGE_WRITING] = WAIT_WRITE, [EXCHANGE_LINGER] = WAIT_LINGER,
	};
	bool runs_since_accept = e->is_fresh && state == EXCHANGE_HEAD;

	e->state = (uint8_t)state;
	if (waits[state] < 0)
		connection_stop_wait(&e->connection);
	else if (!runs_since_accept)
		connection_start_wait(&e->connection, (enum pool_wait)waits[state]);
}

/* Bytes that came with the previous request are read before those in the kernel, once there is room
 * for an answer. */
static uint32_t wanted(const struct connection *c)
{
	const struct exchange *e = container_of(c, struct exchange, connection);
	bool has_rest = e->state == EXCHANGE_HEAD && e->request->rest.len > 0;

	switch ((enum exchange_state)e->state) {
	case EXCHANGE_IDLE:
	case EXCHANGE_HEAD:
	case EXCHANGE_BODY:
		return has_rest ? EPOLLOUT : EPOLLIN | EPOLLRDHUP;
	case EXCHANGE_BUSY:
		return e->peer_finished ? 0 : EPOLLRDHUP;
	case EXCHANGE_WRITING:
		return EPOLLOUT;
	case EXCHANGE_LINGER:
		return EPOLLIN;
	}
	return 0;
}

/* ---- reading ------------------------------------------------------------------------------- */

/* Closes the connection when there is no memory. */
static bool begin_request(struct exchange *e)
{
	assert(!e->request);
	e->request = request_new(&e->connection);
	if (!e->request) {
		connection_close(&e->connection);
		return false;
	}
	e->request->is_surplus = e->is_surplus;
	set_state(e, EXCHANGE_HEAD);
	e->is_fresh = false;
	return true;
}

static void hand_on(struct exchange *e)
{
	struct pool *pool = e->connection.pool;

	set_state(e, EXCHANGE_BUSY);
	pool->on_request(e->request, pool->request_owner);
}

static void refuse(struct exchange *e)
{
	e->request->close_after = true;
	hand_on(e);
}

/* A client may wait for a 100 before it sends the body (RFC 9110, section 10.1.1). */
static void begin_body(struct exchange *e)
{
	static const char text[] = "HTTP/1.1 100 Continue\r\n\r\n";
	const struct http_message *message = &e->request->message;
	struct iovec piece = { .iov_base = (char *)text, .iov_len = sizeof(text) - 1 };

	set_state(e, EXCHANGE_BODY);
	if (!message->expects_continue || message->body.len > 0)
		return;
	/* There is room for 25 bytes, except for a client that reads none of its answers. */
	if (connection_send(&e->connection, &piece, 1) != (ssize_t)piece.iov_len)
		connection_close(&e->connection);
}

static void take_bytes(struct exchange *e, struct str bytes)
{
	struct http_request *request = e->request;
	size_t used = message_take(&request->message, bytes.at, bytes.len);

	switch (request->message.state) {
	case MESSAGE_HEAD:
		break;
	case MESSAGE_BODY:
		if (e->state == EXCHANGE_HEAD)
			begin_body(e);
		break;
	case MESSAGE_COMPLETE:
		buf_add_str(&request->rest, str_from(bytes, used));
		if (request->rest.err)
			request->close_after = true;
		hand_on(e);
		break;
	case MESSAGE_FAILED:
		metric_add(e->connection.pool->metrics.malformed, 1);
		refuse(e);
		break;
	}
}

static void read_rest(struct exchange *e)
{
	struct buf rest = e->request->rest;

	buf_init(&e->request->rest, POOL_READ_SIZE);
	take_bytes(e, buf_str(&rest));
	buf_done(&rest);
}

static void on_bytes(struct connection *c, struct str bytes)
{
	struct exchange *e = exchange_of(c);

	if (e->state == EXCHANGE_LINGER) {
		e->discarded += (uint32_t)bytes.len;
		if (e->discarded > LINGER_LIMIT)
			connection_close(c);
	} else if (e->request || begin_request(e)) {
		take_bytes(e, bytes);
	}
}

/* ---- answering ----------------------------------------------------------------------------- */

void exchange_count_answer(const struct http_request *request, int status)
{
	metric_add(request->connection->pool->metrics.requests[status / 100], 1);
}

void exchange_drop(struct http_request *request)
{
	struct exchange *e = exchange_of(request->connection);

	assert(e->state == EXCHANGE_BUSY);
	e->connection.gone = true;
	set_state(e, EXCHANGE_IDLE);
	connection_close(&e->connection);
}

static void linger(struct exchange *e)
{
	set_state(e, EXCHANGE_LINGER);
	if (e->peer_finished || shutdown(e->connection.fd, SHUT_WR) < 0)
		connection_close(&e->connection);
}

/* The answer has left. */
static void finish(struct exchange *e)
{
	struct buf rest = e->request->rest;
	bool close_after = e->request->close_after;

	buf_init(&e->request->rest, 0);
	request_free(e->request);
	e->request = NULL;
	if (close_after) {
		buf_done(&rest);
		linger(e);
		return;
	}
	set_state(e, EXCHANGE_IDLE);
	if (rest.len > 0 && begin_request(e))
		e->request->rest = rest;
	else
		buf_done(&rest);
}

/* Keeps what the socket did not take. */
static void keep_unsent(struct http_request *request, struct str head, struct str body, size_t sent)
{
	struct buf *unsent = &request->unsent;

	if (sent < head.len)
		buf_add_str(unsent, str_from(head, sent));
	buf_add_str(unsent, str_from(body, sent > head.len ? sent - head.len : 0));
	if (unsent->err)
		exchange_drop(request);
	else
		set_state(exchange_of(request->connection), EXCHANGE_WRITING);
}

void exchange_answer(struct http_request *request, int status, const struct buf *head,
		     struct str body)
{
	struct exchange *e = exchange_of(request->connection);
	const struct iovec pieces[] = {
		{ .iov_base = head->bytes, .iov_len = head->len },
		{ .iov_base = (char *)body.at, .iov_len = body.len },
	};
	ssize_t sent = -1;

	assert(e->state == EXCHANGE_BUSY);
	exchange_count_answer(request, status);
	if (!e->connection.gone && !head->err)
		sent = connection_send(&e->connection, pieces, 2);
	if (sent < 0)
		exchange_drop(request);
	else if ((size_t)sent == head->len + body.len)
		finish(e);
	else
		keep_unsent(request, buf_str(head), body, (size_t)sent);
	connection_arm(&e->connection);
}

static void on_writable(struct connection *c)
{
	struct exchange *e = exchange_of(c);
	struct http_request *request = e->request;
	struct iovec piece;
	ssize_t sent;

	if (e->state != EXCHANGE_WRITING) {
		read_rest(e);
		return;
	}
	piece = (struct iovec){ .iov_base = request->unsent.bytes + request->sent,
				.iov_len = request->unsent.len - request->sent };
	sent = connection_send(c, &piece, 1);
	if (sent < 0) {
		connection_close(c);
		return;
	}
	request->sent += (size_t)sent;
	if (request->sent == request->unsent.len)
		finish(e);
	else if (sent > 0)
		set_state(e, EXCHANGE_WRITING); /* progress: the time-out starts again */
}

struct connection *exchange_leave(struct http_request *request)
{
	struct exchange *e = exchange_of(request->connection);

	assert(e->state == EXCHANGE_BUSY);
	request_free(request);
	e->request = NULL;
	return &e->connection;
}

/* ---- the end ------------------------------------------------------------------------------- */

/* The handler may answer from within on_abort: the request may be dead afterwards. */
static void report_abort(struct http_request *request)
{
	void (*on_abort)(void *owner) = request->on_abort;

	request->on_abort = NULL;
	if (on_abort)
		on_abort(request->abort_owner);
}

void http_request_on_abort(struct http_request *request, void (*on_abort)(void *owner), void *owner)
{
	request->on_abort = on_abort;
	request->abort_owner = owner;
	if (exchange_of(request->connection)->peer_finished)
		connection_start_wait(request->connection, WAIT_SOON);
}

static void on_end(struct connection *c)
{
	struct exchange *e = exchange_of(c);

	if (e->state == EXCHANGE_BUSY) {
		e->peer_finished = true;
		connection_arm(c);
		report_abort(e->request);
	} else if (c->gone) {
		connection_close(c);
	} else {
		connection_read(c); /* bytes may come before the end */
	}
}

static void on_due(struct connection *c)
{
	struct exchange *e = exchange_of(c);

	if (e->state == EXCHANGE_BUSY) { /* on_abort was set after the client left */
		report_abort(e->request);
		return;
	}
	if (e->is_fresh || (e->state != EXCHANGE_LINGER && e->state != EXCHANGE_IDLE))
		metric_add(c->pool->metrics.timeouts, 1);
	if (!e->is_fresh && e->state != EXCHANGE_HEAD && e->state != EXCHANGE_BODY) {
		connection_close(c);
	} else if (e->request || begin_request(e)) {
		message_fail(&e->request->message, HTTP_REQUEST_TIMEOUT, NULL);
		refuse(e);
	}
}

static void on_closed(struct connection *c)
{
	struct exchange *e = exchange_of(c);

	assert(e->state != EXCHANGE_BUSY);
	request_free(e->request);
	e->request = NULL;
}

/* ---- the start ----------------------------------------------------------------------------- */

static const struct connection_events exchange_events = {
	.wanted = wanted,
	.on_bytes = on_bytes,
	.on_writable = on_writable,
	.on_end = on_end,
	.on_due = on_due,
	.on_closed = on_closed,
};

bool exchange_expects_request(const struct connection *c)
{
	const struct exchange *e = container_of(c, struct exchange, connection);

	if (c->events != &exchange_events || c->closing)
		return false;
	return e->is_fresh || e->state == EXCHANGE_HEAD || e->state == EXCHANGE_BODY;
}

void exchange_open(struct pool *pool, int fd, bool is_surplus)
{
	struct connection *c = connection_open(pool, fd, &exchange_events);

	if (!c)
		return;
	exchange_of(c)->is_surplus = is_surplus;
	exchange_of(c)->is_fresh = true;
	connection_start_wait(c, WAIT_HEAD);
	connection_arm(c);
}
