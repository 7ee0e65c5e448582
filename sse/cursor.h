/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Where a listener begins that comes with a cursor.
 *
 * A cursor is compared only with ids of the stream, never with a clock: the clocks of Redis, of the
 * client and of this host may differ by hours. An id belongs to an entry that somebody has seen. So
 * an id after the end of the stream means that entries are gone. The same holds for an id before
 * the first entry of a stream that was never trimmed. A time after the end means the end.
 */
#ifndef SSE_CURSOR_H
#define SSE_CURSOR_H

#include "bus/bus.h"
#include "sse/history.h"
#include "sse/query.h"

/* Where a listener begins. */
struct beginning {
	bool from_cursor; /* else at the head */
	bool gap;         /* entries after the cursor are lost */
	struct stream_id cursor;
	struct stream_id oldest; /* the first entry after the gap */
};

/* False when the history alone cannot tell: ask Redis. */
bool cursor_begin_in_memory(const struct history *history, const struct stream_query *query,
			    struct beginning *out) must_check;

/* The same with the stream's edges from Redis. */
void cursor_begin_at_edges(const struct history *history, const struct stream_query *query,
			   const struct bus_edges *edges, struct beginning *out);

/* A wait with a gap may begin after all: its answer lies before the gap, or nothing has arrived
 * since the gap, so its cursor may come from after it. */
bool cursor_outruns_gap(const struct topic *topic, const struct stream_query *query,
			const struct beginning *beginning) must_check;

#endif
