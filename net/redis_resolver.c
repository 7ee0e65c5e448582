/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A request cannot be stopped once its thread has begun. So a new lookup does not start a second
 * request: the answer to the first serves it, unless it is for another host.
 */
#include "net/redis_resolver.h"

#include <stdio.h>

static int start(struct redis_resolver *resolver);

static void answer(struct redis_resolver *resolver, int status, struct addrinfo *addresses)
{
	resolver->is_wanted = false;
	resolver->on_resolved(status, addresses, resolver->owner);
}

static void on_request_done(uv_getaddrinfo_t *request, int status, struct addrinfo *addresses)
{
	struct redis_resolver *resolver = request->data;
	int rc;

	resolver->is_busy = false;
	if (resolver->is_wanted && redis_host_is_same(&resolver->requested, &resolver->wanted)) {
		answer(resolver, status, addresses);
		return;
	}
	uv_freeaddrinfo(addresses); /* accepts NULL */
	if (resolver->on_closed) {
		resolver->on_closed(resolver->owner);
		return;
	}
	rc = resolver->is_wanted ? start(resolver) : 0;
	if (rc)
		answer(resolver, rc, NULL);
}

static int start(struct redis_resolver *resolver)
{
	const struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_family = AF_UNSPEC };
	char port[12];
	int rc;

	snprintf(port, sizeof(port), "%d", resolver->wanted.port);
	resolver->requested = resolver->wanted;
	rc = uv_getaddrinfo(resolver->loop, &resolver->request, on_request_done,
			    resolver->requested.name, port, &hints);
	resolver->is_busy = rc == 0;
	return rc;
}

void redis_resolver_init(struct redis_resolver *resolver, uv_loop_t *loop,
			 void (*on_resolved)(int status, struct addrinfo *addresses, void *owner),
			 void *owner)
{
	*resolver =
		(struct redis_resolver){ .loop = loop, .on_resolved = on_resolved, .owner = owner };
	resolver->request.data = resolver;
}

int redis_resolver_ask(struct redis_resolver *resolver, const struct redis_host *host)
{
	int rc;

	resolver->wanted = *host;
	rc = resolver->is_busy ? 0 : start(resolver);
	resolver->is_wanted = rc == 0;
	return rc;
}

void redis_resolver_stop(struct redis_resolver *resolver)
{
	resolver->is_wanted = false;
}

bool redis_resolver_close(struct redis_resolver *resolver, void (*on_closed)(void *owner))
{
	resolver->is_wanted = false;
	if (!resolver->is_busy)
		return false;
	resolver->on_closed = on_closed;
	uv_cancel(
		(uv_req_t *)&resolver->request); /* its callback comes whether or not this works */
	return true;
}
