/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A connection that has become an open stream: no parser, no buffer, no queue.
 *
 * Happy path: the owner writes frames it has kept itself; what the socket does not take it offers again
 * from on_writable. Failure: a client that leaves, stalls or talks too much is closed, and on_closed
 * is the last the owner hears, whoever closed.
 */
#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <sys/epoll.h>

#include "http/request.h"
#include "http/request_state.h"
#include "http/response.h"
#include "http/response_head.h"
#include "http/server_state.h"

#define STREAM_DISCARD_LIMIT 65536

/* An answer with the head of a stream and nothing behind it. */
static void answer_head_only(struct http_request *request, const struct response *response)
{
	struct buf head;

	buf_init(&head, RESPONSE_MAX_HEAD);
	response_write_head(&head, request, response);
	connection_answer(request->connection, response->status, &head, STR(""));
	buf_done(&head);
}

static int send_head(struct connection *c, const struct response *response, struct str first)
{
	struct buf head;
	int rc = 0;

	buf_init(&head, RESPONSE_MAX_HEAD);
	response_write_head(&head, c->request, response);

	const struct iovec pieces[] = {
		{ .iov_base = head.bytes, .iov_len = head.len },
		{ .iov_base = (char *)first.at, .iov_len = first.len },
	};

	/* A socket without room for this belongs to a client that does not read. */
	if (head.err || connection_send(c, pieces, 2) != (ssize_t)(head.len + first.len))
		rc = -EPIPE;
	buf_done(&head);
	return rc;
}

int http_stream_open(struct http_request *request, const struct http_stream_events *events,
		     void *owner, struct str first, struct http_stream **out)
{
	struct connection *c = request->connection;
	const struct response response = {
		.status = 200,
		.content_type = "text/event-stream",
		.is_stream = true,
		.date = connection_date(c),
	};

	assert(c->state == CONNECTION_BUSY);
	if (!c->gone && request->extra.err) {
		http_respond_error(request, HTTP_INTERNAL_ERROR, NULL);
		return -EPIPE;
	}
	if (!c->gone && request->message.head_only) {
		answer_head_only(request, &response);
		return -EPIPE;
	}
	if (c->gone || send_head(c, &response, first) < 0) {
		connection_drop(c);
		return -EPIPE;
	}
	connection_count_answer(c, response.status);
	c->chunked = http_request_takes_chunks(request);
	request_free(request);
	c->request = NULL;
	c->stream = (struct http_stream){ .events = *events, .owner = owner };
	connection_set_state(c, CONNECTION_STREAM);
	connection_arm(c);
	*out = &c->stream;
	return 0;
}

ssize_t http_stream_write(struct http_stream *stream, const struct iovec *pieces, int count)
{
	struct connection *c = container_of(stream, struct connection, stream);
	struct deadlines *stalled = &c->server->waits[WAIT_WRITE];
	size_t total = 0;
	ssize_t taken;

	if (c->closing)
		return -EPIPE;
	for (int i = 0; i < count; i++)
		total += pieces[i].iov_len;
	taken = connection_send(c, pieces, count < IOV_MAX ? count : IOV_MAX);
	if (taken < 0)
		return taken;
	c->wants_write = (size_t)taken < total;
	if (!c->wants_write)
		deadline_stop(&c->deadline);
	else if (taken > 0 || !deadline_is_waiting(&c->deadline))
		deadline_start(stalled, &c->deadline);
	connection_arm(c);
	return taken;
}

void http_stream_close(struct http_stream *stream, bool ended_well)
{
	static const char last_chunk[] = "0\r\n\r\n";
	struct connection *c = container_of(stream, struct connection, stream);
	struct iovec piece = { .iov_base = (char *)last_chunk, .iov_len = sizeof(last_chunk) - 1 };

	if (c->closing)
		return;
	if (ended_well && c->chunked)
		(void)connection_send(c, &piece, 1); /* without it the client sees a break */
	connection_close(c);
}

void stream_on_ready(struct connection *c, uint32_t events)
{
	if (events & EPOLLRDHUP) {
		connection_close(c);
		return;
	}
	if ((events & EPOLLIN) && !connection_discard(c, STREAM_DISCARD_LIMIT)) {
		connection_close(c);
		return;
	}
	if ((events & EPOLLOUT) && c->wants_write) {
		c->wants_write = false; /* unless the owner is cut short again */
		c->stream.events.on_writable(c->stream.owner);
	}
}

void stream_on_closed(struct connection *c)
{
	c->stream.events.on_closed(c->stream.owner);
}
