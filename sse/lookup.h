/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Capsule rows for items (contract b.3, W37): looked up once per event and only when a listener
 * wants it, many in one job, for at most two seconds, and then it is null.
 */
#ifndef SSE_LOOKUP_H
#define SSE_LOOKUP_H

#include "sse/filter.h"
#include "sse/live.h"

#define LOOKUP_LIMIT_MS    2000
#define LOOKUP_MAX_WANTS   64
#define LOOKUP_MAX_RUNNING 64 /* jobs; beyond that the answer is null at once */

/* Wants what a listener with this filter is about to need, from `first` (not ready) onward, looking
 * at no more than `most` items. */
void lookup_want_from(struct sse *sse, struct item *first, enum item_chain chain,
		      const struct filter *filter, unsigned most);

/* Sends what has been gathered. */
void lookup_submit(struct sse *sse);

void on_lookup_limit(struct deadline *deadline, void *owner);

#endif
