/* SPDX-License-Identifier: Apache-2.0 */

/*
 * One socket to Redis.
 *
 * Happy path: connect, on_connected, then every write goes out at once and every complete reply
 * comes in by on_reply. A refused connection, a broken socket, an end of file or bytes that are
 * not Redis's protocol are told once by on_broken. The memory goes when libuv has closed the
 * socket, which is after the callbacks of all writes.
 */
#include "net/redis_link.h"

#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "core/errno_text.h"

#define READ_SIZE         65536
#define KEEPALIVE_DELAY_S 60

struct redis_link {
	union {
		uv_handle_t handle;
		uv_stream_t stream;
		uv_tcp_t tcp;
		uv_pipe_t pipe;
	} u;
	uv_connect_t connecting;
	redisReader *reader;
	const struct redis_link_events *events;
	void *owner;
	bool broken;
	bool closing;
	char chunk[READ_SIZE];
};

struct write {
	uv_write_t request;
	size_t len;
	char bytes[];
};

static void break_link(struct redis_link *link, const char *why)
{
	if (link->broken || link->closing)
		return;
	link->broken = true;
	link->events->on_broken(why, link->owner);
}

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *out)
{
	struct redis_link *link = handle->data;

	(void)suggested;
	*out = uv_buf_init(link->chunk, READ_SIZE);
}

/* The owner may break or close the link from within on_reply; what was read behind that reply
 * is then nobody's. */
static void hand_out_replies(struct redis_link *link)
{
	while (!link->broken && !link->closing) {
		void *reply = NULL;

		if (redisReaderGetReply(link->reader, &reply) != REDIS_OK) {
			break_link(link, "not the Redis protocol");
			return;
		}
		if (!reply)
			return;
		link->events->on_reply(reply, link->owner);
		freeReplyObject(reply);
	}
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *chunk)
{
	struct redis_link *link = stream->data;

	if (n < 0) {
		break_link(link, n == UV_EOF ? "closed by Redis" : errno_text((int)n));
		return;
	}
	if (n == 0 || link->broken)
		return;
	if (redisReaderFeed(link->reader, chunk->base, (size_t)n) != REDIS_OK) {
		break_link(link, "out of memory");
		return;
	}
	hand_out_replies(link);
}

static void on_connect(uv_connect_t *request, int status)
{
	struct redis_link *link = request->data;
	int rc = status;

	if (link->closing)
		return;
	if (rc == 0)
		rc = uv_read_start(&link->u.stream, on_alloc, on_read);
	if (rc) {
		break_link(link, errno_text(rc));
		return;
	}
	if (link->u.handle.type == UV_TCP) {
		/* Neither can fail in a way that matters: they only save time. */
		uv_tcp_nodelay(&link->u.tcp, 1);
		uv_tcp_keepalive(&link->u.tcp, 1, KEEPALIVE_DELAY_S);
	}
	link->events->on_connected(link->owner);
}

static struct redis_link *allocate(const struct redis_link_events *events, void *owner)
{
	struct redis_link *link = calloc(1, sizeof(*link));

	if (!link)
		return NULL;
	link->reader = redisReaderCreate();
	if (!link->reader) {
		free(link);
		return NULL;
	}
	link->events = events;
	link->owner = owner;
	link->connecting.data = link;
	return link;
}

static void release(struct redis_link *link)
{
	redisReaderFree(link->reader);
	free(link);
}

static void on_discarded(uv_handle_t *handle)
{
	release(handle->data);
}

int redis_link_open_tcp(uv_loop_t *loop, const struct sockaddr *address,
			const struct redis_link_events *events, void *owner,
			struct redis_link **out)
{
	struct redis_link *link = allocate(events, owner);
	int rc;

	if (!link)
		return -ENOMEM;
	rc = uv_tcp_init(loop, &link->u.tcp);
	if (rc) {
		release(link);
		return rc;
	}
	link->u.handle.data = link;
	rc = uv_tcp_connect(&link->connecting, &link->u.tcp, address, on_connect);
	if (rc) {
		uv_close(&link->u.handle, on_discarded);
		return rc;
	}
	*out = link;
	return 0;
}

int redis_link_open_unix(uv_loop_t *loop, const char *path, const struct redis_link_events *events,
			 void *owner, struct redis_link **out)
{
	struct redis_link *link = allocate(events, owner);
	int rc;

	if (!link)
		return -ENOMEM;
	rc = uv_pipe_init(loop, &link->u.pipe, 0);
	if (rc) {
		release(link);
		return rc;
	}
	link->u.handle.data = link;
	uv_pipe_connect(&link->connecting, &link->u.pipe, path, on_connect);
	*out = link;
	return 0;
}

static void on_written(uv_write_t *request, int status)
{
	struct redis_link *link = request->data;
	struct write *write = container_of(request, struct write, request);

	explicit_bzero(write->bytes, write->len); /* it may have been a password */
	free(write);
	if (status < 0)
		break_link(link, errno_text(status));
}

int redis_link_write(struct redis_link *link, const char *bytes, size_t len)
{
	struct write *write;
	uv_buf_t piece;

	assert(!link->closing);
	if (len > UINT32_MAX)
		return -ENOMEM;
	write = malloc(sizeof(*write) + len);
	if (!write)
		return -ENOMEM;
	memcpy(write->bytes, bytes, len);
	write->len = len;
	write->request.data = link;
	piece = uv_buf_init(write->bytes, (unsigned)len);
	if (uv_write(&write->request, &link->u.stream, &piece, 1, on_written) != 0) {
		free(write);
		return -ENOMEM;
	}
	return 0;
}

static void on_link_closed(uv_handle_t *handle)
{
	struct redis_link *link = handle->data;
	void (*on_closed)(void *owner) = link->events->on_closed;
	void *owner = link->owner;

	release(link);
	on_closed(owner);
}

void redis_link_close(struct redis_link *link)
{
	if (link->closing)
		return;
	link->closing = true;
	uv_close(&link->u.handle, on_link_closed);
}
