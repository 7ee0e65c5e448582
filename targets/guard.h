/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Keeps requests away from internal addresses (contract d.7). It judges a URL when a channel is
 * made, and every address again when a connection is opened or used.
 */
#ifndef TARGETS_GUARD_H
#define TARGETS_GUARD_H

#include <stdbool.h>
#include <sys/socket.h>
#include <uv.h>

#include "core/attributes.h"
#include "core/list.h"
#include "core/metrics.h"
#include "core/reason.h"
#include "core/str.h"
#include "core/uuid.h"

/* Lookups at once; see UV_THREADPOOL_SIZE in app/. A team may have a few of them, and fewer the
 * fewer are free (core/share.h), so that one team's slow names leave room for the others. */
#define GUARD_MAX_LOOKUPS      32
#define GUARD_MAX_TEAM_LOOKUPS 4

struct guard {
	uv_loop_t *loop;
	bool allow_private;
	struct list lookups; /* running, also those whose owner has its answer */
	unsigned lookup_count;
	void (*on_idle)(void *owner); /* set while the owner waits for the last lookup */
	void *idle_owner;
	struct metric *refusals;
};

void guard_init(struct guard *guard, uv_loop_t *loop, bool allow_private);

/* Calls on_idle when no lookup is running, perhaps before it returns. */
void guard_wait_idle(struct guard *guard, void (*on_idle)(void *owner), void *owner);

/* True for a public unicast address. Pure. */
bool address_is_public(const struct sockaddr *address);

/* True for a host that a resolver may read as a number although it is not a dotted quad. Pure. */
bool host_is_odd_number(struct str host);

/* For outbound_send(); `guard` is the struct guard. */
bool guard_allows(const struct sockaddr *address, const void *guard);

/* A URL that a channel is about to store. `field` must be a constant. */
struct target {
	struct str url;
	const char *field;
	struct uuid team;
};

/* May a channel have this URL? 0: yes. -EINVAL: no, with field and sentence in *why. -EBUSY: too
 * many lookups are running, or no thread was free in time. -ENOMEM. -EINPROGRESS: on_done gets
 * one of these codes later, never from within this call. */
typedef void (*guard_done_fn)(int rc, const struct reason *why, void *owner);
int guard_check_target(struct guard *guard, const struct target *target, struct reason *why,
		       guard_done_fn on_done, void *owner) must_check;

#endif
