/* SPDX-License-Identifier: Apache-2.0 */

/* Resolves the name of a Redis host on libuv's threads, for one connection. Part of net/redis.c. */
#ifndef NET_REDIS_RESOLVER_H
#define NET_REDIS_RESOLVER_H

#include <stdbool.h>
#include <uv.h>

#include "core/attributes.h"
#include "net/redis_address.h"

struct redis_resolver {
	uv_loop_t *loop;
	uv_getaddrinfo_t request;
	bool is_busy;                /* the request runs */
	bool is_wanted;              /* the owner waits for `wanted` */
	struct redis_host requested; /* what the request is for */
	struct redis_host wanted;
	/* 0 and addresses, which the owner frees with uv_freeaddrinfo(); or a negative errno. */
	void (*on_resolved)(int status, struct addrinfo *addresses, void *owner);
	void (*on_closed)(void *owner);
	void *owner;
};

void redis_resolver_init(struct redis_resolver *resolver, uv_loop_t *loop,
			 void (*on_resolved)(int status, struct addrinfo *addresses, void *owner),
			 void *owner);

/* 0, and on_resolved is called on a later loop turn; or a negative errno, and it is not. Replaces a
 * pending lookup. */
int redis_resolver_ask(struct redis_resolver *resolver, const struct redis_host *host) must_check;

/* on_resolved is no longer called. */
void redis_resolver_stop(struct redis_resolver *resolver);

/* True when a request still runs: on_closed then comes on a later loop turn. */
bool redis_resolver_close(struct redis_resolver *resolver, void (*on_closed)(void *owner));

#endif
