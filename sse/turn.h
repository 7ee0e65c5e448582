/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Work for the end of the loop turn. A file puts its work on a list and wakes the turn; sse->flush
 * serves all lists once, so a burst costs one write for each listener.
 */
#ifndef SSE_TURN_H
#define SSE_TURN_H

#include "sse/live.h"

/* Makes the loop flush before it sleeps. */
void turn_wake(struct sse *sse);

/* The topic has something to send, or may be unused: the flush serves it or frees it. */
void turn_mark(struct topic *topic);

/* An item could not be made: the flush ends all listeners (hub_lose()). */
void turn_lose(struct sse *sse);

/* Nothing is left to do: the loop may sleep. */
void turn_rest(struct sse *sse);

#endif
