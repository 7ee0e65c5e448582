/* SPDX-License-Identifier: Apache-2.0 */

/* Slow readers: how much waits for them, and when that is too much. */
#ifndef SSE_BACKLOG_H
#define SSE_BACKLOG_H

#include "sse/subscriber.h"

/* A listener with more than this ahead of it is full (contract b.5) ... */
#define BACKLOG_MAX_FRAMES 256
#define BACKLOG_MAX_BYTES  (1024 * 1024)
/* ... and is closed after this time, because one read of Redis may bring more than the bound at once.
 * It is closed at once when it has this many times the bound. */
#define BACKLOG_GRACE_MS   1000
#define BACKLOG_HARD_TIMES 16

/* It is full, states of capsules included: of those it gets the newest only. */
bool backlog_is_full(const struct subscriber *sub);

/* Ends the topic's listeners that have been full for too long. */
void backlog_end_slow(struct topic *topic);

#endif
