/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Capsule rows for items (contract b.3, W37). An item is looked up once, and only when a listener
 * wants it. One job reads many rows. After two seconds the item goes out with null.
 */
#ifndef SSE_LOOKUP_H
#define SSE_LOOKUP_H

#include "sse/filter.h"
#include "sse/live.h"

#define LOOKUP_LIMIT_MS    2000
#define LOOKUP_MAX_WANTS   64
#define LOOKUP_MAX_RUNNING 64 /* jobs; items beyond that get null at once */

/* Gathers look-ups for the next `most` items from `first` onward, as far as the filter lets them
 * through. */
void lookup_want_from(struct sse *sse, struct item *first, enum item_chain chain,
		      const struct filter *filter, unsigned most);

/* Sends what was gathered. */
void lookup_submit(struct sse *sse);

/* For sse->lookup_limits. */
void on_lookup_limit(struct deadline *deadline, void *owner);

#endif
