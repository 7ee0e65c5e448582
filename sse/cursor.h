/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Where a listener begins who comes with a cursor.
 *
 * A cursor is compared with ids of the stream only, never with a clock: Redis's clock, a client's and ours may
 * differ by hours. An id is that of an entry somebody has seen. So one beyond the end of the stream, or from before
 * the beginning of a stream that was never trimmed, is of entries that are gone. A time beyond the end is
 * the end.
 */
#ifndef SSE_CURSOR_H
#define SSE_CURSOR_H

#include "bus/bus.h"
#include "sse/history.h"
#include "sse/query.h"

/* Where a listener begins. */
struct beginning {
	bool from_cursor; /* else at the head */
	bool gap;         /* entries after the cursor are lost, */
	struct stream_id cursor;
	struct stream_id oldest; /* and with a gap, this is the first one left */
};

/* False: the history alone cannot tell, Redis has to be asked. */
bool cursor_begin_in_memory(const struct history *history, const struct stream_query *query,
			    struct beginning *out) must_check;

/* The same with what Redis says. */
void cursor_begin_at_edges(const struct history *history, const struct stream_query *query,
			   const struct bus_edges *edges, struct beginning *out);

/* A wait that begins in memory with a gap misses nothing after all: its answer lies before the gap, or nothing
 * has come since, so that its cursor may be from after the gap. */
bool cursor_outruns_gap(const struct topic *topic, const struct stream_query *query,
			const struct beginning *beginning) must_check;

#endif
