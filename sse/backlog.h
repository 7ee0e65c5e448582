/* SPDX-License-Identifier: Apache-2.0 */

/* Slow readers: how large their backlog is, and when it is too large. */
#ifndef SSE_BACKLOG_H
#define SSE_BACKLOG_H

#include "sse/subscriber.h"

/* A listener with a backlog of this size is full (contract b.5). */
#define BACKLOG_MAX_FRAMES 256
#define BACKLOG_MAX_BYTES  (1024 * 1024)

/* One read of Redis may bring more than that, so a full listener has this long to catch up. With
 * this many times the bound it is closed at once. */
#define BACKLOG_GRACE_MS   1000
#define BACKLOG_HARD_TIMES 16

/* The listener is full, counting states of capsules. It then gets only the newest state of each
 * capsule. */
bool backlog_is_full(const struct subscriber *sub);

/* Ends the topic's listeners that have been full for too long. */
void backlog_end_slow(struct topic *topic);

#endif
