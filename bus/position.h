/* SPDX-License-Identifier: Apache-2.0 */

/* Where the ledger is in the stream. The consumer keeps it; the group is compared with it. Private
 * to bus/. */
#ifndef BUS_POSITION_H
#define BUS_POSITION_H

#include <stdbool.h>

#include "core/stream_id.h"

struct ledger_position {
	bool is_known;              /* the ledger has seen this group */
	bool is_untouched;          /* it began at `committed`; no entry has been committed since */
	struct stream_id committed; /* everything up to here, and nothing after it */
	struct stream_id reached;   /* the same, including the batch that is being committed */
};

/* The ledger has a batch that ends at `last`. */
static inline void position_reach(struct ledger_position *position, struct stream_id last)
{
	if (stream_id_compare(last, position->reached) > 0)
		position->reached = last;
}

/* The ledger has committed everything up to `last`. */
static inline void position_commit(struct ledger_position *position, struct stream_id last,
				   bool has_entries)
{
	position_reach(position, last);
	if (stream_id_compare(last, position->committed) > 0)
		position->committed = last;
	if (has_entries)
		position->is_untouched = false;
}

#endif
