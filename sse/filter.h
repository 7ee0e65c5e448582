/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Which events a listener wants (contract b.5): kinds, outcomes, resources. The query fills a
 * draft, which compiles into one small allocation, or into none when the query has no filter.
 * Kinds that published clients do not know (event_kind_is_opt_in()) pass only when the query names
 * them. Pure.
 */
#ifndef SSE_FILTER_H
#define SSE_FILTER_H

#include <stdbool.h>

#include "core/attributes.h"
#include "core/buf.h"
#include "core/event.h"
#include "core/reason.h"

#define FILTER_MAX_KINDS     32 /* words in all `event` parameters together */
#define FILTER_MAX_RESOURCES 16
#define FILTER_MAX_RESOURCE  256 /* bytes */

struct filter; /* free() it; NULL passes every kind that need not be named */

/* Zeroed, then filter_draft_init(). */
struct filter_draft {
	unsigned kinds;    /* bit per event_kind; 0: none was named */
	unsigned outcomes; /* bit per event_outcome; 0: any */
	unsigned kind_words;
	unsigned resource_count;
	struct buf resources; /* each: its length in two bytes, low first, then its text */
};

void filter_draft_init(struct filter_draft *draft);
void filter_draft_done(struct filter_draft *draft);

/* Each adds one value of its parameter. -EINVAL with *why. */
int filter_add_events(struct filter_draft *draft, struct str value, struct reason *why) must_check;
int filter_add_resource(struct filter_draft *draft, struct str value,
			struct reason *why) must_check;
int filter_add_outcome(struct filter_draft *draft, struct str value, struct reason *why) must_check;

/* *out is NULL when the draft is empty. 0 or -ENOMEM. */
int filter_compile(const struct filter_draft *draft, struct filter **out) must_check;

bool filter_lets_through(const struct filter *filter, enum event_kind kind,
			 enum event_outcome outcome, struct str resource);

#endif
