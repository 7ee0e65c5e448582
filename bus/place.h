/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Where a reader is in the stream, and whether the stream it meets again is still the one it read.
 * Pure: no connection, no clock. Private to bus/.
 *
 * The entries read last vouch for the place: as long as the newest of them is in the stream, nothing after
 * it was missed. Trimming takes from the front, so it cannot take what follows and leave that one. Where
 * there is none to ask for (nothing was read yet, or a hole was just passed) the edges of the stream have to do.
 */
#ifndef BUS_PLACE_H
#define BUS_PLACE_H

#include "bus/range.h"
#include "bus/recent.h"

struct stream_place {
	struct stream_id position;    /* of the last entry read */
	struct recent_entries recent; /* up to the position */
	/* Both for a place without recent entries: */
	struct stream_id expected; /* the oldest entry there was, which must come next; else zero */
	uint64_t removed;          /* from the stream, when its edges were looked at last */
};

/* Where a reader begins who wants nothing that is there. `recent` is filled already. */
void place_start(struct stream_place *place, const struct bus_edges *edges);

/* Looks at the stream after a loss, or when the newest recent entry is not there. `match` is what it has
 * of the recent ones (all false when there are none). True: entries may be lost, and the position
 * is where to go on from. */
bool place_check(struct stream_place *place, const struct bus_edges *edges,
		 const struct recent_match *match, bool same_server) must_check;

/* Without recent entries: a read brought `first` as its first entry, and the edges were looked at after it.
 * False: entries before `first` may be lost. */
bool place_precedes(const struct stream_place *place, struct stream_id first,
		    const struct bus_edges *edges) must_check;

#endif
