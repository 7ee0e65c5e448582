/* SPDX-License-Identifier: Apache-2.0 */

/* What the endpoints of channels/ share: the folder's struct, and how to submit a change. */
#ifndef CHANNELS_CALL_H
#define CHANNELS_CALL_H

#include "api/api.h"
#include "audit/audit.h"
#include "channels/pauses.h"
#include "channels/test_quota.h"
#include "core/metrics.h"
#include "delivery/delivery.h"
#include "targets/targets.h"

struct channels {
	uv_loop_t *loop;
	struct store *store;
	struct api api;      /* of the endpoints */
	struct redis *redis; /* may be NULL: then nothing is looked up there */
	char *worker;
	uint8_t key[SEAL_KEY_SIZE];
	bool strip_host;
	char *link_base;          /* NULL: no links */
	struct test_quota *quota; /* test notifications under way and in the last minute */
	struct pauses pauses;     /* of these, for the pace of their destination */
	enum audit_mode audit_mode;
	int64_t (*now_us)(void);  /* wall clock */
	int64_t (*mono_us)(void); /* monotonic clock, of deliveries and paces */
	struct paces *paces;
	struct guard guard;
	struct attempt_route route;
	struct deliveries *deliveries;
	bool is_closing; /* the endpoints send nothing more */
	void (*on_closed)(void *owner);
	void *owner;
};

static inline struct channels *channels_of(const struct api_call *call)
{
	return call->api.owner;
}

/* Submits a change that leaves an audit row. */
static inline void submit_change(struct api_call *call)
{
	call->job.needs_audit_lock = channels_of(call)->audit_mode != AUDIT_OFF;
	api_call_submit(call, store_write);
}

#endif
