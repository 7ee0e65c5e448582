/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Holes: entries that this worker did not read and never will, because they were trimmed or because
 * Redis is another one than before.
 *
 *	   kept, from before        hole, resume       kept, from after
 *	   a1 --- b1 --- a2 ------- ? ? ? ------------ a3 --- b2 ---
 *
 * What is kept from before stays: it may be all that is left. A stream that has got everything is
 * told in its midst; the others are closed, and waits are refused. Every cursor up to the hole
 * misses something (history_misses()). The history is ordered by id, so it is emptied when the ids
 * after the hole are smaller than those before it, and only then.
 */
#ifndef SSE_HOLE_H
#define SSE_HOLE_H

#include "sse/live.h"

/* Entries were lost; the next ones come after `from`. */
void hole_open(struct sse *sse, struct stream_id from);

/* Called before the event of this id is appended. Not from within a pump. */
void hole_make_room(struct sse *sse, struct stream_id id);

#endif
