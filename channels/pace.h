/* SPDX-License-Identifier: Apache-2.0 */

/*
 * How fast destinations may be sent to: token buckets, shared by all channels whose paces have the
 * same key, and made slower for a while when a destination says it was too much. Pure but for its
 * own memory: time is an argument, microseconds of the monotonic clock, so that a step of
 * the wall clock changes nothing. Bounded: the least used bucket makes room for a new one when it
 * is full and at rest; without room for one, no token is given. Without an interval every token is
 * there at once, but for the rest a destination wished.
 */
#ifndef CHANNELS_PACE_H
#define CHANNELS_PACE_H

#include <stddef.h>
#include <stdint.h>

#include "core/attributes.h"
#include "providers/provider.h"

#define PACES_MAX_BUCKETS 16384

struct paces;

int paces_open(struct paces **out) must_check;
void paces_close(struct paces *paces); /* accepts NULL */

/* Takes a token from each of the buckets, or from none: 0 when taken, else the time to try again
 * (after now_us). */
int64_t paces_take(struct paces *paces, const struct provider *provider, const struct pace *list,
		   size_t count, int64_t now_us);

/* What an answer said of our pace. */
void paces_learn(struct paces *paces, const struct provider *provider, const struct pace *list,
		 size_t count, const struct verdict *verdict, int64_t now_us);

/* For the owner: the present interval (slowed or not) and when the next message may go. */
struct pace_view {
	int64_t interval_us;
	int64_t next_us; /* not after now_us: at once */
};
struct pace_view paces_view(const struct paces *paces, const struct provider *provider,
			    const struct pace *list, size_t count, int64_t now_us);

/* How many messages the tightest pace lets out in `span_us`; SIZE_MAX without a pace. */
size_t pace_allowance(const struct pace *list, size_t count, int64_t span_us);

#endif
