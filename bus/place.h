/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Where a reader is in the stream, and whether the stream is still the one that it read. Pure: no
 * connection, no clock. Private to bus/.
 *
 * The entries read last prove the place: while the stream has the newest of them, no entry after it
 * was missed. Trimming takes from the front, so it cannot take a later entry and leave that one.
 * Before the first entry, and after a gap, there is none to ask for; then the edges of the stream
 * must suffice.
 */
#ifndef BUS_PLACE_H
#define BUS_PLACE_H

#include "bus/range.h"
#include "bus/recent.h"

struct stream_place {
	struct stream_id position;    /* of the last entry read */
	struct recent_entries recent; /* up to the position */
	/* Both only without recent entries: */
	struct stream_id expected; /* the oldest entry, which must come next; or zero */
	uint64_t removed;          /* from the stream, as of the last look at its edges */
};

/* Begins at the end of the stream. `recent` is filled already. */
void place_start(struct stream_place *place, const struct bus_edges *edges);

/* Compares after a loss, or when the newest recent entry is gone. `match` is what the stream has of
 * the recent ones (all false when there are none). True: entries may be lost, and reading goes on
 * after the new position. */
bool place_check(struct stream_place *place, const struct bus_edges *edges,
		 const struct recent_match *match, bool same_server) must_check;

/* Without recent entries: a read began with `first`, and then the edges were asked for. False:
 * entries before `first` may be lost. */
bool place_precedes(const struct stream_place *place, struct stream_id first,
		    const struct bus_edges *edges) must_check;

#endif
