/* SPDX-License-Identifier: Apache-2.0 */

/* Shared by the endpoints of channels/: the folder's struct, and how to submit a change. */
#ifndef CHANNELS_CALL_H
#define CHANNELS_CALL_H

#include "api/api.h"
#include "audit/audit.h"
#include "channels/pauses.h"
#include "channels/test_quota.h"
#include "core/crypto.h"
#include "delivery/delivery.h"
#include "targets/targets.h"

struct channels {
	struct api api;
	struct route *route;
	struct deliveries *deliveries;
	uint8_t key[SEAL_KEY_SIZE];
	bool strip_host;
	bool notify_completion;
	enum audit_mode audit_mode;
	struct test_quota *quota; /* of running tests, and of those in the last minute */
	struct pauses pauses;     /* tests that wait for the pace of their destination */
	bool is_closing;          /* send nothing more */
	int64_t (*mono_us)(void); /* the clock of the paces */
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

/* Answers a change whose job failed. -ENOENT and -ELOOP are those of channel_store_options(). */
void fail_change(struct api_call *call, int rc);

#endif
