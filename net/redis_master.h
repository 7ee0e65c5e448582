/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Which server the connections of a process talk to: where it is, and that it is the same one for
 * all. net/redis.c asks and reports here; redis.h has what owners of connections see.
 */
#ifndef NET_REDIS_MASTER_H
#define NET_REDIS_MASTER_H

#include <stdbool.h>

#include "net/redis.h"

/* From opening to closing. */
void redis_master_join(struct redis_master *master, struct redis *redis);
void redis_master_leave(struct redis *redis);

/* Where to connect to; NULL while no sentinel has said. The connection then waits for
 * redis_relocate(). */
const struct redis_host *redis_master_host(const struct redis_master *master);

/* Why there is no host, in words. */
const char *redis_master_riddle(const struct redis_master *master);

/* A connection was greeted by a master. True when it may stay: then all connections to other
 * servers are lost. False when it has been lost itself. */
bool redis_master_admit(struct redis_master *master, struct redis *redis);

/* The server of this connection turned out to be none that we can work with. It is lost, and with
 * it all others to the same server. */
void redis_master_depose(struct redis_master *master, struct redis *redis, const char *why);

/* A try to connect has failed: perhaps another sentinel knows better. */
void redis_master_doubt(struct redis_master *master);

/* True for the first caller: once for all connections a stranger is logged. */
bool redis_master_notes_stranger(struct redis_master *master);

#endif
