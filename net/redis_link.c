/* SPDX-License-Identifier: Apache-2.0 */

/*
 * One socket to Redis.
 *
 * Happy path: connect, shake hands with TLS, on_connected; then every write goes out at once, and
 * on_reply gets every complete reply. A refused connection or handshake, a broken socket, an end of
 * file or bytes that are not Redis's protocol are reported once by on_broken. The memory is freed
 * when libuv has closed the socket, which is after the callbacks of all writes.
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
#define TLS_ALERT         21 /* first byte of a server's refusal to talk without TLS */

struct redis_link {
	union {
		uv_handle_t handle;
		uv_stream_t stream;
		uv_tcp_t tcp;
		uv_pipe_t pipe;
	} u;
	uv_connect_t connecting;
	redisReader *reader;
	struct tls_session *tls; /* NULL: plain */
	const struct redis_link_events *events;
	void *owner;
	bool is_open;      /* the socket */
	bool is_connected; /* on_connected was called */
	bool was_read;
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

/* The owner may break or close the link from within on_reply. Then the later replies are
 * dropped. */
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

static void take_plain(struct redis_link *link, struct str bytes)
{
	bool is_alert = !link->tls && !link->was_read && bytes.at[0] == TLS_ALERT;

	link->was_read = true;
	if (is_alert) {
		break_link(link, "the server speaks TLS on this port; that is rediss://");
		return;
	}
	if (redisReaderFeed(link->reader, bytes.at, bytes.len) != REDIS_OK) {
		break_link(link, "out of memory");
		return;
	}
	hand_out_replies(link);
}

/* ---- TLS ------------------------------------------------------------------------------- */

static int write_raw(struct redis_link *link, struct str bytes);

static int flush_tls(struct redis_link *link)
{
	struct str bytes = tls_session_pending(link->tls);
	int rc = bytes.len ? write_raw(link, bytes) : 0;

	tls_session_sent(link->tls);
	return rc;
}

/* The rest to send tells the server why we close. */
static void break_tls(struct redis_link *link, int rc)
{
	int flushed = flush_tls(link);

	if (rc == -EPROTO)
		break_link(link, tls_session_fault(link->tls));
	else if (rc == -EPIPE)
		break_link(link, "closed by Redis");
	else
		break_link(link, errno_text(rc ? rc : flushed));
}

static void shake_hands(struct redis_link *link)
{
	int rc = tls_session_shake_hands(link->tls);
	int flushed = rc < 0 ? 0 : flush_tls(link);

	if (rc < 0 || flushed < 0) {
		break_tls(link, rc < 0 ? rc : flushed);
	} else if (rc == 1) {
		link->is_connected = true;
		link->events->on_connected(link->owner);
	}
}

static void take_tls(struct redis_link *link, struct str bytes)
{
	int rc = tls_session_feed(link->tls, bytes);
	ssize_t n = 0;

	if (rc < 0) {
		break_tls(link, rc);
		return;
	}
	if (!link->is_connected)
		shake_hands(link);
	while (link->is_connected && !link->broken && !link->closing) {
		n = tls_session_read(link->tls, link->chunk, READ_SIZE);
		if (n <= 0)
			break;
		take_plain(link, (struct str){ link->chunk, (size_t)n });
	}
	if (link->broken || link->closing)
		return;
	rc = flush_tls(link);
	if (n < 0 || rc < 0)
		break_tls(link, n < 0 ? (int)n : rc);
}

/* ---- the socket ------------------------------------------------------------------------ */

/* Most servers with TLS close silently when a client does not use TLS. */
static const char *describe_end(const struct redis_link *link, int rc)
{
	if (rc != UV_EOF && rc != UV_ECONNRESET)
		return errno_text(rc);
	if (link->tls && !link->is_connected)
		return "TLS: the server closed the connection instead of shaking hands";
	if (!link->tls && !link->was_read && link->u.handle.type == UV_TCP)
		return "the server closed the connection before answering; does it want TLS "
		       "(rediss://)?";
	return rc == UV_EOF ? "closed by Redis" : errno_text(rc);
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *chunk)
{
	struct redis_link *link = stream->data;

	if (n < 0) {
		break_link(link, describe_end(link, (int)n));
		return;
	}
	if (n == 0 || link->broken)
		return;
	if (link->tls)
		take_tls(link, (struct str){ chunk->base, (size_t)n });
	else
		take_plain(link, (struct str){ chunk->base, (size_t)n });
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
	link->is_open = true;
	if (link->u.handle.type == UV_TCP) {
		/* A failure of either does not matter: they only save time. */
		uv_tcp_nodelay(&link->u.tcp, 1);
		uv_tcp_keepalive(&link->u.tcp, 1, KEEPALIVE_DELAY_S);
	}
	if (link->tls) {
		shake_hands(link);
		return;
	}
	link->is_connected = true;
	link->events->on_connected(link->owner);
}

const char *redis_link_lateness(const struct redis_link *link)
{
	if (link->tls && link->is_open)
		return "TLS: no answer to the handshake in time; does the server speak TLS?";
	return "not connected in time";
}

static void release(struct redis_link *link)
{
	tls_session_close(link->tls);
	redisReaderFree(link->reader); /* accepts NULL */
	free(link);
}

static struct redis_link *allocate(const struct redis_link_options *options)
{
	struct redis_link *link = calloc(1, sizeof(*link));

	if (!link)
		return NULL;
	link->reader = redisReaderCreate();
	if (!link->reader ||
	    (options->tls && tls_session_open(options->tls, options->host, &link->tls))) {
		release(link);
		return NULL;
	}
	link->events = options->events;
	link->owner = options->owner;
	link->connecting.data = link;
	return link;
}

static void on_discarded(uv_handle_t *handle)
{
	release(handle->data);
}

static int init_handle(struct redis_link *link, const struct redis_link_options *options)
{
	if (options->address)
		return uv_tcp_init(options->loop, &link->u.tcp);
	return uv_pipe_init(options->loop, &link->u.pipe, 0);
}

int redis_link_open(const struct redis_link_options *options, struct redis_link **out)
{
	struct redis_link *link = allocate(options);
	int rc;

	if (!link)
		return -ENOMEM;
	rc = init_handle(link, options);
	if (rc) {
		release(link);
		return rc;
	}
	link->u.handle.data = link;
	if (options->address)
		rc = uv_tcp_connect(&link->connecting, &link->u.tcp, options->address, on_connect);
	else
		uv_pipe_connect(&link->connecting, &link->u.pipe, options->path, on_connect);
	if (rc) {
		uv_close(&link->u.handle, on_discarded);
		return rc;
	}
	*out = link;
	return 0;
}

void redis_link_set_owner(struct redis_link *link, const struct redis_link_events *events,
			  void *owner)
{
	link->events = events;
	link->owner = owner;
}

/* ---- writing --------------------------------------------------------------------------- */

static void on_written(uv_write_t *request, int status)
{
	struct redis_link *link = request->data;
	struct write *write = container_of(request, struct write, request);

	explicit_bzero(write->bytes, write->len); /* it may hold a password */
	free(write);
	/* When the server is gone, its last replies can still be read, and after them the end of
	 * file. */
	if (status < 0 && status != UV_EPIPE && status != UV_ECONNRESET)
		break_link(link, errno_text(status));
}

static int write_raw(struct redis_link *link, struct str bytes)
{
	struct write *write;
	uv_buf_t piece;

	if (bytes.len > UINT32_MAX)
		return -ENOMEM;
	write = malloc(sizeof(*write) + bytes.len);
	if (!write)
		return -ENOMEM;
	memcpy(write->bytes, bytes.at, bytes.len);
	write->len = bytes.len;
	write->request.data = link;
	piece = uv_buf_init(write->bytes, (unsigned)bytes.len);
	if (uv_write(&write->request, &link->u.stream, &piece, 1, on_written) != 0) {
		free(write);
		return -ENOMEM;
	}
	return 0;
}

int redis_link_write(struct redis_link *link, const char *bytes, size_t len)
{
	assert(!link->closing && link->is_connected);
	if (!link->tls)
		return write_raw(link, (struct str){ bytes, len });
	if (tls_session_write(link->tls, (struct str){ bytes, len }) != 0)
		return -ENOMEM;
	return flush_tls(link);
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
