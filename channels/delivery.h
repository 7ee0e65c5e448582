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
#include "core/attributes.h"
#include "core/digest.h"
#include "core/uuid.h"
#include "net/net.h"
#include "store/store.h"
#include "targets/targets.h"

struct engine;

struct engine_options {
	uv_loop_t *loop;
	struct store *store;
	struct outbound *outbound;
	const struct guard *guard;
	const char *worker; /* owner of the leases; must outlive the engine */
	const uint8_t *key; /* SEAL_KEY_SIZE bytes; the same */
	unsigned max_inflight;
	unsigned tick_ms;
	enum audit_mode audit_mode;
	struct str link_base; /* WRENN_EVENTS_LINK_BASE; empty: none; must outlive the engine */
	const struct target_origin *origins; /* the same */
	size_t origin_count;
	struct paces *paces;      /* the same; the endpoints look at it, too */
	int64_t (*now_us)(void);  /* wall clock */
	int64_t (*mono_us)(void); /* monotonic clock */
};

int engine_open(const struct engine_options *options, struct engine **out) must_check;

/* Sends nothing more; requests under way may end by themselves for 10 s. Their results are stored
 * and the leases given back before on_closed. */
void engine_close(struct engine *engine, void (*on_closed)(void *owner), void *owner);

/* The channel has got new rows. After the last of several notes: engine_serve(). */
void engine_note(struct engine *engine, const struct uuid *channel);
/* Starts whatever there is room for. */
void engine_serve(struct engine *engine);

/* The channel was changed, enabled or deleted, or rows of it were made pending or dropped: what is
 * known of it is read again before anything is sent. */
void engine_changed(struct engine *engine, const struct uuid *channel);
/* The same of a channel that was deleted: a request under way is cancelled, its slot free with the
 * next turn of the loop. */
void engine_removed(struct engine *engine, const struct uuid *channel);

#endif
