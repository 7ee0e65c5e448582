/* SPDX-License-Identifier: Apache-2.0 */

/*
 * One socket to Redis: bytes out, parsed replies in. It lives from one connect to one close and
 * never comes back; net/redis.c opens the next. The protocol is hiredis's reader, the socket is a
 * libuv stream. hiredis's own asynchronous half is not used: in 0.14 it aborts the program on
 * a reply nobody asked for.
 */
#ifndef NET_REDIS_LINK_H
#define NET_REDIS_LINK_H

#include <hiredis/hiredis.h>
#include <sys/socket.h>
#include <uv.h>

#include "core/attributes.h"

struct redis_link;

struct redis_link_events {
	void (*on_connected)(void *owner);
	/* The reply is freed after the call. */
	void (*on_reply)(const redisReply *reply, void *owner);
	/* Once; nothing but on_closed follows. `why` is a few words. */
	void (*on_broken)(const char *why, void *owner);
	/* After redis_link_close(), always; the link is gone. */
	void (*on_closed)(void *owner);
};

/* Starts to connect; no callback comes from within these calls. 0 or a negative errno, and then
 * there is no link and no callback. `events` must outlive the link. */
int redis_link_open_tcp(uv_loop_t *loop, const struct sockaddr *address,
			const struct redis_link_events *events, void *owner,
			struct redis_link **out) must_check;
int redis_link_open_unix(uv_loop_t *loop, const char *path, const struct redis_link_events *events,
			 void *owner, struct redis_link **out) must_check;

/* Sends a copy. 0 or -ENOMEM; a failed write is told by on_broken. */
int redis_link_write(struct redis_link *link, const char *bytes, size_t len) must_check;

/* From here on only on_closed comes. Safe from the link's own callbacks; once. */
void redis_link_close(struct redis_link *link);

#endif
