/* SPDX-License-Identifier: Apache-2.0 */

/*
 * House-keeping that one worker does for all: old rows are removed every hour, and what waits is
 * measured every 15 s. Who does it is settled by a lease, like a channel's, under the all-zero id.
 * Nothing is removed for its age by a clock that has not behaved for an hour (clock_trust.h).
 */
#ifndef CHANNELS_STEWARD_H
#define CHANNELS_STEWARD_H

#include <stdint.h>
#include <uv.h>

#include "core/attributes.h"
#include "net/net.h"
#include "store/store.h"

struct steward;

struct steward_options {
	uv_loop_t *loop;
	struct store *store;
	struct redis *redis;      /* whose clock ours is held against; may be NULL */
	const char *worker;       /* must outlive the steward */
	int64_t (*now_us)(void);  /* wall clock */
	int64_t (*mono_us)(void); /* monotonic clock, never 0 */
	int64_t clock_trust_us;   /* how long the clock has to behave before it is believed */
};

int steward_open(const struct steward_options *options, struct steward **out) must_check;
/* Accepts NULL and then does nothing. */
void steward_close(struct steward *steward, void (*on_closed)(void *owner), void *owner);

#endif
