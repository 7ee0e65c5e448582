/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The operator's overrides of where a provider's requests go, for tests and gateways. A channel's
 * address is checked as it was stored; scheme, host and port are exchanged only when a request goes
 * out, path and query stay byte for byte. Pure.
 */
#ifndef TARGETS_ORIGIN_H
#define TARGETS_ORIGIN_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

#include "core/attributes.h"
#include "core/exchange.h"
#include "net/net.h"
#include "targets/guard.h"

/* Where the requests of a provider go instead of the stored address. */
struct target_origin {
	const char *provider; /* as in the registry of providers */
	const char *origin;   /* scheme://host or scheme://host:port */
};

/* The override for a provider, or NULL: then the guard's own rules apply. */
const struct target_origin *origin_find(const struct target_origin *origins, size_t count,
					const char *provider);

/* Points the request there. 0; -EINVAL when its URL or the origin is none, with nothing
 * changed; -ENOMEM or -E2BIG, with the URL no longer usable (its `err` says so). */
int origin_apply(const struct target_origin *origin, struct outgoing *request) must_check;

/* What outbound_send() is to ask before it connects. */
struct passage {
	outbound_guard_fn allows;
	const void *arg;
};

/* For every request to a destination: with an override (NULL: there is none) points it there.
 * Codes of origin_apply(). */
int origin_lead(const struct target_origin *origin, const struct guard *guard,
		struct outgoing *request, struct passage *out) must_check;

/* In place of guard_allows(), with the struct target_origin: the override's own address and port
 * alone; any address at its port when it is a name, since the operator chose that. */
bool origin_allows(const struct sockaddr *address, const void *origin);

#endif
