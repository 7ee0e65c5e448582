/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Bookmarks: a frame with an id and nothing else. It moves a client's cursor over events that the
 * client did not want, so that a reconnect replays little.
 */
#ifndef SSE_BOOKMARK_H
#define SSE_BOOKMARK_H

#include "sse/subscriber.h"

/* Sends one, unless the cursor has moved since the last offer or events still wait. */
void bookmark_offer(struct subscriber *sub);

#endif
