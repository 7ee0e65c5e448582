/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The life of a socket.
 *
 * Happy path: the poller reports an event, and the table of functions reacts. The connection then
 * waits for what is wanted next.
 * Failure: a socket that fails is reported by on_end. A closed connection's memory stays until the
 * next tick, because the poller's batch may still name it.
 */
#include "http/connection.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

static_assert(sizeof(struct connection) <= CONNECTION_SIZE, "there is room for what is served");
static_assert((EPOLLIN | EPOLLOUT | EPOLLRDHUP) <= UINT16_MAX, "connection.armed holds them");

struct connection *connection_open(struct pool *pool, int fd,
				   const struct connection_events *events)
{
	struct connection *c = calloc(1, CONNECTION_SIZE);

	if (!c) {
		close(fd);
		return NULL;
	}
	c->pool = pool;
	c->events = events;
	c->fd = fd;
	deadline_init(&c->deadline);
	pool_add(pool, &c->link);
	return c;
}

void connection_serve(struct connection *c, const struct connection_events *events)
{
	connection_stop_wait(c);
	c->events = events;
	connection_arm(c);
}

/* ---- waiting ------------------------------------------------------------------------------- */

static void wait_for(struct connection *c, uint32_t events)
{
	int rc = poller_change(&c->pool->poller, c->fd, c, c->armed, events);

	c->armed = rc < 0 ? 0 : (uint16_t)events;
	if (rc <
	    0) /* the kernel has no memory, so the connection would never hear anything again */
		connection_lose(c);
}

/* Most answers come at once. The connection then wants again what is still armed, so keep unwanted
 * input armed until some comes. Not so output: a socket is nearly always writable. */
static bool is_armed_enough(const struct connection *c, uint32_t wanted)
{
	uint32_t surplus = c->armed & ~wanted;

	return wanted && (c->armed & wanted) == wanted && !(surplus & EPOLLOUT);
}

void connection_arm(struct connection *c)
{
	uint32_t wanted;

	if (c->closing || c->in_turn)
		return;
	wanted = c->events->wanted(c);
	if (wanted != c->armed && !is_armed_enough(c, wanted))
		wait_for(c, wanted);
}

void connection_start_wait(struct connection *c, enum pool_wait wait)
{
	deadline_start(&c->pool->waits[wait], &c->deadline);
}

void connection_stop_wait(struct connection *c)
{
	deadline_stop(&c->deadline);
}

/* ---- bytes --------------------------------------------------------------------------------- */

ssize_t connection_send(struct connection *c, const struct iovec *pieces, int count)
{
	struct msghdr message = { .msg_iov = (struct iovec *)pieces, .msg_iovlen = (size_t)count };
	const int flags = MSG_NOSIGNAL | MSG_DONTWAIT;
	ssize_t n;

	do /* send() is cheaper, and a single event is one piece */
		n = count == 1 ? send(c->fd, pieces->iov_base, pieces->iov_len, flags)
			       : sendmsg(c->fd, &message, flags);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return errno == EAGAIN ? 0 : -errno;
	metric_add(c->pool->metrics.bytes_out, n);
	return n;
}

void connection_read(struct connection *c)
{
	char *bytes = c->pool->read_buffer;
	ssize_t n = recv(c->fd, bytes, POOL_READ_SIZE, 0);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		connection_close(c);
		return;
	}
	metric_add(c->pool->metrics.bytes_in, n);
	c->events->on_bytes(c, (struct str){ .at = bytes, .len = (size_t)n });
}

/* ---- closing ------------------------------------------------------------------------------- */

void connection_close(struct connection *c)
{
	if (c->closing)
		return;
	c->closing = true;
	pool_retire(c->pool);
	close(c->fd);
	connection_start_wait(c, WAIT_SOON);
}

void connection_lose(struct connection *c)
{
	if (c->gone || c->closing)
		return;
	c->gone = true;
	c->events->on_end(c);
}

static void report_close(struct connection *c)
{
	if (!c->reported)
		c->events->on_closed(c);
	c->reported = true;
}

/* ---- events of the socket ------------------------------------------------------------------ */

static void react(struct connection *c, uint32_t events)
{
	if (events & EPOLLRDHUP) {
		c->events->on_end(c);
		return;
	}
	if (events & EPOLLIN)
		connection_read(c);
	if ((events & EPOLLOUT) && !c->closing)
		c->events->on_writable(c);
}

void connection_on_ready(void *connection, uint32_t events)
{
	struct connection *c = connection;
	uint32_t wanted;

	if (c->closing)
		return;
	if (events & EPOLLHUP)
		events |= c->armed;
	wanted = c->events->wanted(c);
	if (!(events & (wanted | EPOLLERR))) {
		wait_for(c, wanted);
		return;
	}
	c->in_turn = true;
	if (events & EPOLLERR)
		connection_lose(c);
	else
		react(c, events & wanted);
	c->in_turn = false;
	connection_arm(c);
	/* Report it now: the client may reconnect before the memory is freed. */
	if (c->closing)
		report_close(c);
}

void connection_on_due(struct deadline *deadline, void *pool)
{
	struct connection *c = container_of(deadline, struct connection, deadline);

	if (!c->closing) {
		c->events->on_due(c);
		return;
	}
	report_close(c);
	pool_remove(pool, &c->link);
	free(c);
}
