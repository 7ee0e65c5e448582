/* SPDX-License-Identifier: Apache-2.0 */

/*
 * How fast destinations may be sent to: token buckets, shared by all channels whose paces have
 * the same key, and made slower for a while when a destination says it was too much; and what the
 * vendor allows us as a whole (vendors.h). Pure but for its own memory: time is an argument,
 * microseconds of the monotonic clock, so that a step of the wall clock changes nothing. Bounded,
 * for each team and in all (pace_table.h). Without an interval every token is there at once, but
 * for the rest a destination wished.
 */
#ifndef TARGETS_PACE_H
#define TARGETS_PACE_H

#include <stddef.h>
#include <stdint.h>

#include "core/attributes.h"
#include "providers/provider.h"
#include "targets/pace_table.h"

struct paces;

int paces_open(struct paces **out) must_check;
void paces_close(struct paces *paces); /* accepts NULL */

/* Who asks, and what its provider says of its paces: the tightest first. */
struct paced {
	const struct provider *provider;
	struct pace_user user;
	size_t count;
	struct pace list[PROVIDER_MAX_PACES];
};

/* Takes a token from each of the buckets, or from none: 0 when taken, else the time to try again
 * (after now_us). */
int64_t paces_take(struct paces *paces, const struct paced *paced, int64_t now_us);

/* What an answer said of our pace. `status` 0: there was none. */
void paces_learn(struct paces *paces, const struct paced *paced, const struct verdict *verdict,
		 int status, int64_t now_us);

/* The channel is gone or has other settings: what is kept of its destination goes, unless another
 * channel has the same one. */
void paces_forget(struct paces *paces, const struct uuid *team, const struct uuid *channel);

/* For the owner: the present interval (slowed or not) and when the next message may go. */
struct pace_view {
	int64_t interval_us;
	int64_t next_us;    /* not after now_us: at once */
	int64_t limited_us; /* the destination asked for a rest until then */
};
struct pace_view paces_view(const struct paces *paces, const struct paced *paced, int64_t now_us);

/* How many messages the tightest pace lets out in `span_us`; SIZE_MAX without a pace. */
size_t pace_allowance(const struct paced *paced, int64_t span_us);

#endif
