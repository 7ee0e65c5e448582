/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The life of a connection: states, what is waited for in each, time-outs, answers and the end.
 *
 * Happy path: reading.c fills a request and hands it on; the answer leaves in one sendmsg, and the
 * connection is idle again and holds no memory but its struct.
 * Failure: what the kernel does not take at once waits in request->unsent under a deadline. After an
 * answer that ends the connection we shut our half down and read the client's rest for a moment,
 * since closing over unread bytes makes the kernel reset the connection and the answer with it.
 */
#include "http/connection.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "http/request.h"
#include "http/request_state.h"
#include "http/server_state.h"

#define LINGER_LIMIT (1024 * 1024)

void connection_set_state(struct connection *c, enum connection_state state)
{
	static const int8_t waits[] = {
		[CONNECTION_IDLE] = WAIT_IDLE,     [CONNECTION_HEAD] = WAIT_HEAD,
		[CONNECTION_BODY] = WAIT_BODY,     [CONNECTION_BUSY] = -1,
		[CONNECTION_WRITING] = WAIT_WRITE, [CONNECTION_STREAM] = -1,
		[CONNECTION_LINGER] = WAIT_LINGER,
	};
	bool runs_since_accept = c->fresh && state == CONNECTION_HEAD;

	c->state = (uint8_t)state;
	if (waits[state] < 0)
		deadline_stop(&c->deadline);
	else if (!runs_since_accept)
		deadline_start(&c->server->waits[waits[state]], &c->deadline);
}

static void lose(struct connection *c);

static uint32_t wanted_events(const struct connection *c)
{
	switch ((enum connection_state)c->state) {
	case CONNECTION_IDLE:
	case CONNECTION_HEAD:
	case CONNECTION_BODY:
		/* Bytes left over are read when the loop comes around, as soon as there is
		 * room for an answer; those in the kernel come after them. */
		return connection_has_rest(c) ? EPOLLOUT : EPOLLIN | EPOLLRDHUP;
	case CONNECTION_BUSY:
		return c->gone || c->peer_finished ? 0 : EPOLLRDHUP;
	case CONNECTION_WRITING:
		return EPOLLOUT;
	case CONNECTION_STREAM:
		return EPOLLIN | EPOLLRDHUP | (c->wants_write ? EPOLLOUT : 0u);
	case CONNECTION_LINGER:
		return EPOLLIN;
	}
	return 0;
}

static void wait_for(struct connection *c, uint32_t events)
{
	int rc = poller_change(&c->server->poller, c->fd, c, c->armed, events);

	c->armed = rc < 0 ? 0 : events;
	if (rc < 0) /* the kernel has no memory, and it would never hear of anything again */
		lose(c);
}

void connection_arm(struct connection *c)
{
	uint32_t wanted = wanted_events(c);
	/* Most answers come at once, and then what was waited for before is right again. Bytes of a
	 * next request that come meanwhile are what is_overheard() is for. */
	bool is_enough = c->state == CONNECTION_BUSY && wanted && (c->armed & wanted) == wanted;

	if (!c->closing && !c->in_turn && wanted != c->armed && !is_enough)
		wait_for(c, wanted);
}

/* ---- the end ----------------------------------------------------------------------------- */

/* Never within a call of the owner's. */
static void tell_of_close(struct connection *c)
{
	if (c->state != CONNECTION_STREAM)
		return;
	c->state = CONNECTION_IDLE;
	stream_on_closed(c);
}

/* Not before the poller is through with its batch. */
static void finish_closing(struct connection *c)
{
	tell_of_close(c);
	server_forget(c->server, c);
	free(c);
}

void connection_close(struct connection *c)
{
	if (c->closing)
		return;
	assert(c->state != CONNECTION_BUSY);
	c->closing = true;
	c->server->open_count--;
	request_free(c->request);
	c->request = NULL;
	close(c->fd);
	deadline_start(&c->server->waits[WAIT_SOON], &c->deadline);
}

/* Calls the handler's on_abort, which may answer: the request may be dead afterwards. */
static void tell_of_abort(struct connection *c)
{
	struct http_request *request = c->request;
	void (*on_abort)(void *owner) = request->on_abort;

	request->on_abort = NULL;
	if (on_abort)
		on_abort(request->abort_owner);
}

void http_request_on_abort(struct http_request *request, void (*on_abort)(void *owner), void *owner)
{
	struct connection *c = request->connection;

	request->on_abort = on_abort;
	request->abort_owner = owner;
	if (c->gone || c->peer_finished)
		deadline_start(&c->server->waits[WAIT_SOON], &c->deadline);
}

/* Nothing reaches the client any more. */
static void lose(struct connection *c)
{
	if (c->state != CONNECTION_BUSY) {
		connection_close(c);
		return;
	}
	c->gone = true;
	connection_arm(c);
	tell_of_abort(c);
}

void connection_end(struct connection *c)
{
	if (!c->gone && !c->closing)
		lose(c);
}

void connection_drop(struct connection *c)
{
	c->gone = true;
	connection_set_state(c, CONNECTION_IDLE);
	connection_close(c);
}

bool connection_discard(struct connection *c, uint32_t limit)
{
	ssize_t n = recv(c->fd, c->server->read_buffer, CONNECTION_READ_SIZE, 0);

	if (n < 0)
		return errno == EAGAIN || errno == EINTR;
	metric_add(c->server->metrics.bytes_in, n);
	c->discarded += (uint32_t)n;
	return n > 0 && c->discarded <= limit;
}

/* ---- answers ----------------------------------------------------------------------------- */

const char *connection_date(struct connection *c)
{
	return server_date(c->server);
}

bool connection_is_ending(const struct connection *c)
{
	return c->server->listen_fd < 0;
}

void connection_count_answer(struct connection *c, int status)
{
	metric_add(c->server->metrics.requests[status / 100], 1);
}

ssize_t connection_send(struct connection *c, const struct iovec *pieces, int count)
{
	struct msghdr message = { .msg_iov = (struct iovec *)pieces, .msg_iovlen = (size_t)count };
	const int flags = MSG_NOSIGNAL | MSG_DONTWAIT;
	ssize_t n;

	do /* a lone event is one piece, and this the cheaper call for it */
		n = count == 1 ? send(c->fd, pieces->iov_base, pieces->iov_len, flags)
			       : sendmsg(c->fd, &message, flags);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return errno == EAGAIN ? 0 : -errno;
	metric_add(c->server->metrics.bytes_out, n);
	return n;
}

/* The answer has left. */
static void finish(struct connection *c)
{
	struct http_request *request = c->request;
	struct buf rest = request->rest;
	bool close_after = request->close_after;

	buf_init(&request->rest, 0);
	request_free(request);
	c->request = NULL;
	connection_set_state(c, close_after ? CONNECTION_LINGER : CONNECTION_IDLE);
	if (close_after) {
		buf_done(&rest);
		if (c->peer_finished || shutdown(c->fd, SHUT_WR) < 0)
			connection_close(c);
		return;
	}
	if (rest.len > 0 && connection_begin_request(c))
		c->request->rest = rest;
	else
		buf_done(&rest);
}

void connection_answer(struct connection *c, int status, const struct buf *head, struct str body)
{
	struct iovec pieces[2] = {
		{ .iov_base = head->bytes, .iov_len = head->len },
		{ .iov_base = (char *)body.at, .iov_len = body.len },
	};
	struct buf *unsent = &c->request->unsent;
	ssize_t sent = 0;

	assert(c->state == CONNECTION_BUSY);
	connection_count_answer(c, status);
	if (!c->gone && !head->err)
		sent = connection_send(c, pieces, 2);
	if (c->gone || head->err || sent < 0) {
		connection_drop(c);
		return;
	}
	if ((size_t)sent == head->len + body.len) {
		finish(c);
		connection_arm(c);
		return;
	}
	if ((size_t)sent < head->len)
		buf_add(unsent, head->bytes + sent, head->len - (size_t)sent);
	sent -= (ssize_t)head->len;
	buf_add_str(unsent, str_from(body, sent > 0 ? (size_t)sent : 0));
	if (unsent->err) {
		connection_drop(c);
		return;
	}
	connection_set_state(c, CONNECTION_WRITING);
	connection_arm(c);
}

static void write_more(struct connection *c)
{
	struct http_request *request = c->request;
	struct iovec piece = { .iov_base = request->unsent.bytes + request->sent,
			       .iov_len = request->unsent.len - request->sent };
	ssize_t sent = connection_send(c, &piece, 1);

	if (sent < 0) {
		connection_close(c);
		return;
	}
	request->sent += (size_t)sent;
	if (request->sent == request->unsent.len)
		finish(c);
	else if (sent > 0)
		connection_set_state(c, CONNECTION_WRITING); /* progress: the time starts anew */
}

/* ---- what happens to it ---------------------------------------------------------------- */

/* A busy connection hears of more bytes, which have to wait for its answer. */
static bool is_overheard(const struct connection *c, uint32_t events)
{
	return c->state == CONNECTION_BUSY && !(events & EPOLLRDHUP);
}

static void react(struct connection *c, uint32_t events)
{
	switch ((enum connection_state)c->state) {
	case CONNECTION_IDLE:
	case CONNECTION_HEAD:
	case CONNECTION_BODY:
		if (connection_has_rest(c))
			connection_read_rest(c);
		else
			connection_read(c);
		break;
	case CONNECTION_BUSY:
		c->peer_finished = true;
		tell_of_abort(c);
		break;
	case CONNECTION_WRITING:
		write_more(c);
		break;
	case CONNECTION_STREAM:
		stream_on_ready(c, events);
		break;
	case CONNECTION_LINGER:
		if (!connection_discard(c, LINGER_LIMIT))
			connection_close(c);
		break;
	}
}

void connection_on_ready(void *owner, uint32_t events)
{
	struct connection *c = owner;

	if (c->closing)
		return;
	if (events & EPOLLHUP)
		events |= c->armed;
	if (is_overheard(c, events) && !(events & EPOLLERR)) {
		wait_for(c, wanted_events(c));
		return;
	}
	c->in_turn = true;
	if (events & EPOLLERR)
		lose(c);
	else
		react(c, events);
	c->in_turn = false;
	connection_arm(c);
	/* Its owner is not in a call any more and learns now that the place is free: the client may
	 * be back before the memory goes. */
	if (c->closing)
		tell_of_close(c);
}

/* What was waited for did not come. */
void connection_on_due(struct deadline *deadline, void *owner)
{
	struct connection *c = container_of(deadline, struct connection, deadline);
	struct http_server *server = owner;

	if (c->closing) {
		finish_closing(c);
		return;
	}
	if (c->state == CONNECTION_BUSY) {
		tell_of_abort(c);
		return;
	}
	if (c->fresh || (c->state != CONNECTION_LINGER && c->state != CONNECTION_IDLE))
		metric_add(server->metrics.timeouts, 1);
	if (c->fresh || c->state == CONNECTION_HEAD || c->state == CONNECTION_BODY)
		connection_refuse_request(c, HTTP_REQUEST_TIMEOUT, NULL);
	else
		connection_close(c);
}

/* ---- the start --------------------------------------------------------------------------- */

static struct connection *connection_new(struct http_server *server, int fd)
{
	struct connection *c = calloc(1, sizeof(*c));

	if (!c) {
		close(fd);
		return NULL;
	}
	c->server = server;
	c->fd = fd;
	deadline_init(&c->deadline);
	list_add_tail(&server->connections, &c->link);
	server->connection_count++;
	server->open_count++;
	metric_add(server->metrics.connections, 1);
	return c;
}

static void open_socket(struct http_server *server, int fd, bool is_surplus)
{
	struct connection *c = connection_new(server, fd);

	if (!c)
		return;
	c->surplus = is_surplus;
	c->fresh = true;
	c->state = CONNECTION_IDLE;
	deadline_start(&server->waits[WAIT_HEAD], &c->deadline);
	connection_arm(c);
}

void connection_open(struct http_server *server, int fd)
{
	open_socket(server, fd, false);
}

/* Not before it has asked: who wants a stream is refused in another way than the others. */
void connection_refuse(struct http_server *server, int fd)
{
	open_socket(server, fd, true);
}
