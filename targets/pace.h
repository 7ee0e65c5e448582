/* SPDX-License-Identifier: Apache-2.0 */

/*
 * How fast we may send to a destination: token buckets. Channels whose paces have the same key
 * share a bucket. A destination that complains of our speed gets a slower bucket for a while.
 * vendors.h has the limits of a vendor for all destinations together. Memory is bounded for each
 * team and in total (pace_table.h). Pure except for its own memory: time is an argument, in
 * microseconds of the monotonic clock, so that a step of the wall clock changes nothing.
 *
 * Workers that send to the same destination tell each other what they take and learn, so that the
 * paces hold for all of them together (pace_news.h).
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

/* The channel, and the provider's paces, the tightest first. A pace without an interval lets every
 * message through, except while the destination has asked us to pause. */
struct paced {
	const struct provider *provider;
	struct pace_user user;
	size_t count;
	struct pace list[PROVIDER_MAX_PACES];
};

/* Takes a token from each bucket, or from none. 0: taken. Else the time to try again, after
 * now_us. */
int64_t paces_take(struct paces *paces, const struct paced *paced, int64_t now_us);

/* Learns from an answer. `status` 0: there was no answer. */
void paces_learn(struct paces *paces, const struct paced *paced, const struct verdict *verdict,
		 int status, int64_t now_us);

/* The channel is gone or has other settings. Forgets its buckets unless another channel uses
 * them. */
void paces_forget(struct paces *paces, const struct uuid *team, const struct uuid *channel);

/* Shares the paces among several workers: `publish` sends a line to the others, which pass it to
 * paces_hear(). A lost line costs at most one message too many. */
void paces_share(struct paces *paces, void (*publish)(struct str line, void *owner), void *owner);

/* Ignores its own lines, and lines that no worker publishes. */
void paces_hear(struct paces *paces, struct str line, int64_t now_us);

/* For the owner of a channel: the current interval and when the next message may go. */
struct pace_view {
	int64_t interval_us;
	int64_t next_us;    /* at or before now_us: at once */
	int64_t limited_us; /* the destination asked us to pause until then */
};
struct pace_view paces_view(const struct paces *paces, const struct paced *paced, int64_t now_us);

/* How many messages the tightest pace lets through in `span_us`; SIZE_MAX without a pace. */
size_t pace_allowance(const struct paced *paced, int64_t span_us);

#endif
