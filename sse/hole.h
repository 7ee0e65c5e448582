/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Holes: entries that this worker did not read and never will, because they were trimmed, or because Redis
 * is not the one it was.
 *
 *	   kept, from before        hole, resume       kept, from after
 *	   a1 --- b1 --- a2 ------- ? ? ? ------------ a3 --- b2 ---
 *
 * What is kept from before stays: it may be all that is left of it. Streams that have everything are told in
 * the midst of it, the others are closed; waits are refused. Every cursor up to the hole misses something.
 * Only when the ids behind the hole are smaller than those before it is the history emptied, since it is
 * ordered by id.
 */
#ifndef SSE_HOLE_H
#define SSE_HOLE_H

#include "sse/hub.h"

/* Entries after this cursor are lost. */
bool hole_concerns(const struct history *history, struct stream_id cursor);

/* Called before the event of this id is appended. Not from within a pump. */
void hole_make_room(struct sse *sse, struct stream_id id);

#endif
