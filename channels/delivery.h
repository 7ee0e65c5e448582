/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Delivers what the store holds. A worker leases channels, loads a bounded piece of each one's
 * pending deliveries, and sends them one at a time per channel; teams share the
 * slots for requests (shares.h).
 * docs/notes/delivery.md
 */
#ifndef CHANNELS_DELIVERY_H
#define CHANNELS_DELIVERY_H

#include <stdint.h>
#include <uv.h>

#include "audit/audit.h"
#include "channels/attempt.h"
#include "core/attributes.h"
#include "core/digest.h"
#include "core/uuid.h"
#include "net/net.h"
#include "store/store.h"
#include "targets/targets.h"

struct scheduler;

#define SCHEDULER_MAX_QUEUES 4096 /* channels that a worker works on at a time */

struct engine_options {
	uv_loop_t *loop;
	struct store *store;
	struct attempt_route route;
	const char *worker; /* owner of the leases; must outlive the engine */
	const uint8_t *key; /* SEAL_KEY_SIZE bytes; the same */
	unsigned max_inflight;
	unsigned tick_ms;
	enum audit_mode audit_mode;
	struct paces *paces;      /* the same; the endpoints look at it, too */
	int64_t (*now_us)(void);  /* wall clock */
	int64_t (*mono_us)(void); /* monotonic clock */
};

int scheduler_open(const struct engine_options *options, struct scheduler **out) must_check;

/* Sends nothing more. Running requests may end by themselves for 10 s. Their results are stored and
 * the leases given back before on_closed. */
void scheduler_close(struct scheduler *scheduler, void (*on_closed)(void *owner), void *owner);

/* The channel has new rows. */
void scheduler_note(struct scheduler *scheduler, const struct uuid *channel);
/* The channel was changed, enabled or deleted, or rows of it were made pending or dropped: what is
 * known of it is read again before anything is sent. */
void scheduler_changed(struct scheduler *scheduler, const struct uuid *channel);
/* The same of a channel that was deleted. A running request is cancelled; its slot is free with the
 * next turn of the loop. */
void scheduler_removed(struct scheduler *scheduler, const struct uuid *channel);

#endif
