/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Work for the end of the loop turn. Files that find something to do leave it on a list and call
 * this; sse->flush serves the lists once, so a burst costs one write for each listener.
 */
#ifndef SSE_TURN_H
#define SSE_TURN_H

#include "sse/live.h"

/* The loop flushes before it sleeps. */
void turn_wake(struct sse *sse);

/* The topic has something to send, or may be unused: it is served at the end of the turn. */
void turn_mark(struct topic *topic);

/* An item could not be made, so everything up to now is lost to its listeners (hub_lose()). */
void turn_lose(struct sse *sse);

/* Nothing is left to do: the loop may sleep. */
void turn_rest(struct sse *sse);

#endif
