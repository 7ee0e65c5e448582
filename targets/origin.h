/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The operator's overrides of where a provider's requests go, for tests and gateways. A channel's
 * URL is checked and stored without them. Only an outgoing request gets the other scheme, host and
 * port; path and query stay byte for byte. Pure.
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

/* The override for a provider; NULL when there is none, and the guard's own rules apply. */
const struct target_origin *origin_find(const struct target_origin *origins, size_t count,
					const char *provider);

/* Points the request to the override. 0; -EINVAL when either URL is malformed, with nothing
 * changed; -ENOMEM or -E2BIG, after which the request's URL is unusable (its `err` says so). */
int origin_apply(const struct target_origin *origin, struct outgoing *request) must_check;

/* The guard that outbound_send() asks before it connects. */
struct passage {
	outbound_guard_fn allows;
	const void *arg;
};

/* For every request to a destination. With an override, points the request there; NULL: there is
 * none. Returns the codes of origin_apply(). */
int origin_lead(const struct target_origin *origin, const struct guard *guard,
		struct outgoing *request, struct passage *out) must_check;

/* Replaces guard_allows() for a struct target_origin. Allows only the override's own address and
 * port. If the override is a name, it allows any address at that port, because the operator chose
 * the name. */
bool origin_allows(const struct sockaddr *address, const void *origin);

#endif
