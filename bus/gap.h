/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Decides whether entries are missing between what a reader has read and the stream as it is now.
 * Pure: no connection, no clock. Private to bus/.
 *
 * The entries read last are the proof: while the stream has the newest of them, no entry after it
 * was missed. Trimming removes the oldest entries first, so it cannot remove a later entry and
 * leave that one. Before the first entry, and after a gap, there is no such proof; then the edges
 * of the stream must suffice.
 */
#ifndef BUS_GAP_H
#define BUS_GAP_H

#include "bus/range.h"
#include "bus/recent.h"

struct gap_watch {
	struct stream_id position;    /* of the last entry read */
	struct recent_entries recent; /* up to the position */
	/* Both are used only while there are no recent entries: */
	struct stream_id expected; /* the oldest entry, which must come next; or zero */
	uint64_t removed;          /* from the stream, as of the last look at its edges */
};

/* Begins at the end of the stream. The caller has filled `recent`. */
void gap_start(struct gap_watch *watch, const struct bus_edges *edges);

/* Compares after a loss, or when the newest recent entry is gone. `match` says which recent entries
 * the stream still has (all false when there are none). Returns true if entries may be lost;
 * reading then continues after the new position. */
bool gap_check(struct gap_watch *watch, const struct bus_edges *edges,
	       const struct recent_match *match, bool same_server) must_check;

/* Used while there are no recent entries: a read began with `first`, and then the edges were read.
 * Returns true if entries before `first` may be lost. */
bool gap_is_before(struct stream_id first, const struct gap_watch *watch,
		   const struct bus_edges *edges) must_check;

#endif
