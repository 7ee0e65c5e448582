/* SPDX-License-Identifier: Apache-2.0 */

/*
 * One socket to Redis, plain or with TLS: bytes out, parsed replies in. It lives from one connect
 * to one close and never comes back; net/redis.c opens the next. The protocol is hiredis's reader,
 * the socket is a libuv stream, the TLS is OpenSSL between the two. hiredis's own asynchronous half
 * is not used: in 0.14 it aborts the program on an unexpected reply.
 */
#ifndef NET_REDIS_LINK_H
#define NET_REDIS_LINK_H

#include <hiredis/hiredis.h>
#include <sys/socket.h>
#include <uv.h>

#include "core/attributes.h"
#include "net/redis_tls.h"

struct redis_link;

struct redis_link_events {
	void (*on_connected)(void *owner); /* after the TLS handshake, if any */
	/* The reply is freed after the call. */
	void (*on_reply)(const redisReply *reply, void *owner);
	/* Comes once; only on_closed follows. `why` is a few words. */
	void (*on_broken)(const char *why, void *owner);
	/* Always comes after redis_link_close(); the link is freed. */
	void (*on_closed)(void *owner);
};

struct redis_link_options {
	uv_loop_t *loop;
	const struct sockaddr *address; /* NULL: the Unix socket at `path` */
	const char *path;
	struct redis_tls *tls; /* NULL: plain */
	const char *host;      /* with `tls`, the name that the server's certificate must have */
	const struct redis_link_events *events; /* must outlive the link */
	void *owner;
};

/* Starts to connect; no callback is called from within. 0 or a negative errno, and then there is no
 * link and no callback. */
int redis_link_open(const struct redis_link_options *options, struct redis_link **out) must_check;

/* From now on the link has another owner. */
void redis_link_set_owner(struct redis_link *link, const struct redis_link_events *events,
			  void *owner);

/* What the link is waiting for, as an error text for a timeout. */
const char *redis_link_lateness(const struct redis_link *link);

/* Sends a copy. 0 or -ENOMEM; on_broken reports a failed write, after what can still be read. */
int redis_link_write(struct redis_link *link, const char *bytes, size_t len) must_check;

/* From here on only on_closed is called. Safe from the link's own callbacks; once. */
void redis_link_close(struct redis_link *link);

#endif
