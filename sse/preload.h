/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Fills the history at the start with what the stream still holds. After a restart all listeners
 * come back at once: one reading of Redis then serves them all from memory. When it fails, replays
 * read Redis themselves.
 */
#ifndef SSE_PRELOAD_H
#define SSE_PRELOAD_H

#include "sse/live.h"

#define PRELOAD_PAUSE_MS  250 /* between tries */
#define PRELOAD_MAX_TRIES 20

typedef void (*preload_ended_fn)(struct sse *sse);

/* Starts once the head is known. Calls on_ended once, however it ends; sse->preload is NULL by
 * then. When out of memory it does not start and does not call back. */
void preload_start(struct sse *sse, preload_ended_fn on_ended);

/* Drops what the preload has read. The preload then ends by itself. */
void preload_abandon(struct sse *sse);

/* For sse->preload_pauses. */
void on_preload_pause_due(struct deadline *deadline, void *owner);

#endif
