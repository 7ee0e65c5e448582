/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Holes: entries that this worker did not read and never will, because they were trimmed or because
 * Redis was replaced.
 *
 *	   kept, from before        hole, resume       kept, from after
 *	   a1 --- b1 --- a2 ------- ? ? ? ------------ a3 --- b2 ---
 *
 * Items from before the hole stay, because Redis may no longer have them. A stream that has
 * received everything gets a notice and stays open. The others are closed, and waits are refused.
 * Every cursor up to the hole misses something (history_misses()). The history is ordered by id:
 * when the ids after the hole are smaller than those before it, it is emptied.
 */
#ifndef SSE_HOLE_H
#define SSE_HOLE_H

#include "sse/live.h"

/* Entries were lost; the next ones come after `from`. */
void hole_open(struct sse *sse, struct stream_id from);

/* Called before the event of this id is appended. Not from within a pump. */
void hole_make_room(struct sse *sse, struct stream_id id);

#endif
