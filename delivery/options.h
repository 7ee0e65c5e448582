/* SPDX-License-Identifier: Apache-2.0 */

/* The settings of delivery/. The pointers must outlive it. */
#ifndef DELIVERY_OPTIONS_H
#define DELIVERY_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "audit/audit.h"
#include "core/crypto.h"
#include "core/uuid.h"
#include "delivery/attempt.h"
#include "net/net.h"
#include "store/store.h"
#include "targets/targets.h"

#define DELIVERY_MAX_QUEUES     4096                      /* channels a worker works on at a time */
#define DELIVERY_CLOCK_TRUST_US (INT64_C(3600) * 1000000) /* how long a clock must agree */

struct delivery_options {
	uv_loop_t *loop;
	struct store *store;
	struct redis *redis; /* a second clock for housekeeping; NULL: none */
	struct attempt_route route;
	struct paces *paces;
	const char *worker; /* owner of the leases, from worker_name_make() */
	const uint8_t *key; /* SEAL_KEY_SIZE bytes */
	bool sends;         /* WRENN_EVENTS_DELIVER; false: housekeeping only */
	unsigned max_inflight;
	unsigned unstored_results; /* deliveries of a channel that a kill may repeat; 0: one */
	unsigned tick_ms;
	enum audit_mode audit_mode;
	int64_t clock_trust_us;   /* before housekeeping trusts the clock */
	int64_t (*now_us)(void);  /* wall clock */
	int64_t (*mono_us)(void); /* monotonic clock */
	/* A channel has new rows, but another worker has its lease; may be NULL. */
	void (*on_held_elsewhere)(const struct uuid *channel, void *owner);
	void *owner;
};

#endif
