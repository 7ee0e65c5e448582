/* SPDX-License-Identifier: Apache-2.0 */

/* Asks the sentinels of an address where its master is, and tells net/redis_master.h. */
#ifndef NET_REDIS_SENTINEL_H
#define NET_REDIS_SENTINEL_H

#include <uv.h>

#include "core/attributes.h"
#include "net/redis_address.h"
#include "net/redis_master.h"

struct redis_sentinel;

/* 0 or -ENOMEM. *out is NULL for an address without sentinels. `address` and `master` must outlive
 * it. */
int redis_sentinel_open(uv_loop_t *loop, const struct redis_address *address,
			struct redis_master *master, struct redis_sentinel **out) must_check;

/* on_closed (may be NULL) comes on a later loop turn. Accepts NULL, and then calls on_closed at
 * once. */
void redis_sentinel_close(struct redis_sentinel *sentinel, void (*on_closed)(void *owner),
			  void *owner);

#endif
