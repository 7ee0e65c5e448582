/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A connection that has become an open stream: no parser, no buffer, no queue.
 *
 * Happy path: the owner keeps its frames and writes them. It offers again from on_writable what the
 * socket did not take.
 * Failure: a client that leaves, stalls or sends too much is closed. on_closed is the owner's last
 * call, whoever closed.
 */
#include "http/stream.h"

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <sys/epoll.h>

#include "http/connection.h"
#include "http/exchange.h"
#include "http/request.h"
#include "http/request_state.h"
#include "http/response.h"
#include "http/response_head.h"

#define DISCARD_LIMIT 65536

struct http_stream {
	struct connection connection; /* first */
	const struct http_stream_events *events;
	void *owner;
	uint32_t discarded;
	bool wants_write : 1; /* the last write was short */
	bool is_chunked : 1;  /* ends with the last chunk */
};

static_assert(sizeof(struct http_stream) <= CONNECTION_SIZE, "a connection has room for it");
static_assert(offsetof(struct http_stream, connection) == 0, "it starts where its connection does");

/* ---- events of the connection -------------------------------------------------------------- */

static struct http_stream *stream_of(struct connection *c)
{
	return container_of(c, struct http_stream, connection);
}

static uint32_t wanted(const struct connection *c)
{
	const struct http_stream *stream = container_of(c, struct http_stream, connection);

	return EPOLLIN | EPOLLRDHUP | (stream->wants_write ? EPOLLOUT : 0u);
}

static void on_bytes(struct connection *c, struct str bytes)
{
	struct http_stream *stream = stream_of(c);

	stream->discarded += (uint32_t)bytes.len;
	if (stream->discarded > DISCARD_LIMIT)
		connection_close(c);
}

static void on_writable(struct connection *c)
{
	struct http_stream *stream = stream_of(c);

	stream->wants_write = false; /* unless this write is short, too */
	stream->events->on_writable(stream->owner);
}

static void on_due(struct connection *c)
{
	metric_add(c->pool->metrics.timeouts, 1);
	connection_close(c);
}

static void on_closed(struct connection *c)
{
	struct http_stream *stream = stream_of(c);

	stream->events->on_closed(stream->owner);
}

static const struct connection_events stream_events = {
	.wanted = wanted,
	.on_bytes = on_bytes,
	.on_writable = on_writable,
	.on_end = connection_close,
	.on_due = on_due,
	.on_closed = on_closed,
};

/* ---- opening ------------------------------------------------------------------------------- */

static const struct response response = {
	.status = 200,
	.content_type = "text/event-stream",
	.is_stream = true,
};

static void answer_head_only(struct http_request *request)
{
	struct buf head;

	buf_init(&head, RESPONSE_MAX_HEAD);
	response_write_head(&head, request, &response);
	exchange_answer(request, response.status, &head, STR(""));
	buf_done(&head);
}

static int send_head(struct http_request *request, struct str first)
{
	struct buf head;
	int rc = 0;

	buf_init(&head, RESPONSE_MAX_HEAD);
	response_write_head(&head, request, &response);

	const struct iovec pieces[] = {
		{ .iov_base = head.bytes, .iov_len = head.len },
		{ .iov_base = (char *)first.at, .iov_len = first.len },
	};

	/* A socket without room for this belongs to a client that does not read. */
	if (head.err ||
	    connection_send(request->connection, pieces, 2) != (ssize_t)(head.len + first.len))
		rc = -EPIPE;
	buf_done(&head);
	return rc;
}

static struct http_stream *become_stream(struct http_request *request)
{
	bool is_chunked = http_request_takes_chunks(request);
	struct http_stream *stream = stream_of(exchange_leave(request));

	stream->discarded = 0;
	stream->wants_write = false;
	stream->is_chunked = is_chunked;
	connection_serve(&stream->connection, &stream_events);
	return stream;
}

int http_stream_open(struct http_request *request, const struct http_stream_events *events,
		     void *owner, struct str first, struct http_stream **out)
{
	bool is_gone = request->connection->gone;
	struct http_stream *stream;

	if (!is_gone && request->extra.err) {
		http_respond_error(request, HTTP_INTERNAL_ERROR, NULL);
		return -EPIPE;
	}
	if (!is_gone && request->message.head_only) {
		answer_head_only(request);
		return -EPIPE;
	}
	if (is_gone || send_head(request, first) < 0) {
		exchange_drop(request);
		return -EPIPE;
	}
	exchange_count_answer(request, response.status);
	stream = become_stream(request);
	stream->events = events;
	stream->owner = owner;
	*out = stream;
	return 0;
}

/* ---- what the owner of the stream does ----------------------------------------------------- */

ssize_t http_stream_write(struct http_stream *stream, const struct iovec *pieces, int count)
{
	struct connection *c = &stream->connection;
	size_t total = 0;
	ssize_t taken;

	if (c->closing)
		return -EPIPE;
	for (int i = 0; i < count; i++)
		total += pieces[i].iov_len;
	taken = connection_send(c, pieces, count < IOV_MAX ? count : IOV_MAX);
	if (taken < 0)
		return taken;
	stream->wants_write = (size_t)taken < total;
	if (!stream->wants_write)
		connection_stop_wait(c);
	else if (taken > 0 || !deadline_is_waiting(&c->deadline))
		connection_start_wait(c, WAIT_WRITE);
	connection_arm(c);
	return taken;
}

void http_stream_close(struct http_stream *stream, bool ended_well)
{
	static const char last_chunk[] = "0\r\n\r\n";
	struct iovec piece = { .iov_base = (char *)last_chunk, .iov_len = sizeof(last_chunk) - 1 };

	if (stream->connection.closing)
		return;
	if (ended_well && stream->is_chunked) /* without it the client sees a broken answer */
		(void)connection_send(&stream->connection, &piece, 1);
	connection_close(&stream->connection);
}
