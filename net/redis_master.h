/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The server that all connections of a process talk to. After a failover, those at the old master
 * are dropped as soon as one of them has found the new one.
 *
 * Connections (net/redis.c) are its members and report here. Sentinels (net/redis_sentinel.c) are
 * its finder: they name the host. It calls both back through the functions they registered.
 */
#ifndef NET_REDIS_MASTER_H
#define NET_REDIS_MASTER_H

#include <stdbool.h>
#include <uv.h>

#include "core/attributes.h"
#include "core/list.h"
#include "net/redis_address.h"
#include "net/redis_identity.h"

struct redis_master;

/* 0 or -ENOMEM. `address` must outlive *out. */
int redis_master_open(uv_loop_t *loop, const struct redis_address *address,
		      struct redis_master **out) must_check;

/* After redis_close() of all connections, and redis_sentinel_close(). on_closed (may be NULL) comes
 * on a later loop turn. Accepts NULL, and then calls on_closed at once. */
void redis_master_close(struct redis_master *master, void (*on_closed)(void *owner), void *owner);

/* ---- for connections ------------------------------------------------------------------- */

struct redis_member_events {
	/* The connection must be dropped. */
	void (*on_dismissed)(const char *why, void *owner);
	/* The master has moved: redis_master_host() has the new host. */
	void (*on_moved)(void *owner);
	/* Time to ask ROLE. If the server is not a master, call redis_master_dismiss(). */
	void (*on_role_check)(void *owner);
};

/* One connection, from opening to closing. */
struct redis_member {
	struct list link;
	const struct redis_identity *identity; /* of its server */
	bool is_up;
	const struct redis_member_events *events;
	void *owner;
};

void redis_master_join(struct redis_master *master, struct redis_member *member);
void redis_master_leave(struct redis_member *member);

/* Where to connect to; NULL until a sentinel has named the host. on_moved is called then. */
const struct redis_host *redis_master_host(const struct redis_master *master);

/* Why there is no host. */
const char *redis_master_fault(const struct redis_master *master);

/* This connection has greeted a master. True when it may stay; then all connections to other
 * servers are dismissed. False when it was dismissed itself. */
bool redis_master_admit(struct redis_master *master, struct redis_member *member);

/* The server of this connection cannot be used. All connections to it are dismissed. */
void redis_master_dismiss(struct redis_master *master, struct redis_member *member,
			  const char *why);

/* A try to connect has failed. */
void redis_master_report_failure(struct redis_master *master);

/* ---- for sentinels --------------------------------------------------------------------- */

struct redis_finder {
	const char *(*fault)(void *owner); /* why it has named no host */
	void (*on_bad_host)(void *owner);  /* the host it named cannot be reached or used */
	void *owner;
};

/* Sets the finder, or removes it if `finder` is NULL. *finder must outlive its use. */
void redis_master_set_finder(struct redis_master *master, const struct redis_finder *finder);

/* The finder names the master's host. All connections move if it is a new one. */
void redis_master_move(struct redis_master *master, const struct redis_host *host);

#endif
