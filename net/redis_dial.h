/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Makes one connected link to a host of Redis, or to a Unix socket. It resolves the name and tries
 * one address after the other; the name and each address have five seconds. The TLS handshake
 * counts as connecting. Part of net/redis.c.
 */
#ifndef NET_REDIS_DIAL_H
#define NET_REDIS_DIAL_H

#include "net/redis_address.h"
#include "net/redis_link.h"
#include "net/redis_resolver.h"

struct redis_dial_events {
	/* The owner takes the link: it sets its own events and closes it. */
	void (*on_connected)(struct redis_link *link, void *owner);
	/* May come from within redis_dial_start(). */
	void (*on_failed)(const char *why, void *owner);
};

struct redis_dial {
	uv_loop_t *loop;
	const struct redis_address *address;
	struct redis_resolver resolver;
	uv_timer_t timer; /* limits the current step */
	struct redis_host host;
	struct addrinfo *addresses;
	const struct addrinfo *next_address;
	struct redis_link *link; /* the link that is connecting; NULL: none */
	unsigned open_handles;   /* the timer, links not yet closed, when closing the resolver */
	const struct redis_dial_events *events;
	void (*on_closed)(void *owner);
	void *owner;
};

/* *address and *events must outlive it. */
void redis_dial_init(struct redis_dial *dial, uv_loop_t *loop, const struct redis_address *address,
		     const struct redis_dial_events *events, void *owner);

/* Replaces a running try. `host` is NULL for the Unix socket of the address. */
void redis_dial_start(struct redis_dial *dial, const struct redis_host *host);

/* No event follows. */
void redis_dial_stop(struct redis_dial *dial);

/* on_closed is called on a later loop turn. */
void redis_dial_close(struct redis_dial *dial, void (*on_closed)(void *owner));

#endif
