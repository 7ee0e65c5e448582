/* SPDX-License-Identifier: Apache-2.0 */

/* A batch of events, which the consumer hands to the ledger. */
#ifndef BUS_BUS_BATCH_H
#define BUS_BUS_BATCH_H

#include <stddef.h>

#include "core/event.h"
#include "core/reason.h"
#include "core/stream_id.h"

/* Entries read from the group and not yet acknowledged. */
struct bus_batch {
	size_t count; /* 0: no entry is an event; commit the position alone */
	struct event *
		*events; /* in stream order; each readable, of a known kind, and about a resource */
	/* The ledger fills it: events[i] can never be committed and becomes a dead letter with this
	 * sentence. Empty otherwise. */
	struct reason *rejected;
	/* The highest stream id of the read that this batch came from, for `positions`. A repeated
	 * batch has a smaller one than batches before it: keep the highest. */
	struct stream_id last;
};

#endif
