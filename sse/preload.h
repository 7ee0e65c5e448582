/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Fills the history at the start with what the stream still holds, so that the listeners that all
 * come back after a restart are served from memory, by one reading of Redis instead of one each. A
 * convenience: when it fails, replays read Redis themselves.
 */
#ifndef SSE_PRELOAD_H
#define SSE_PRELOAD_H

#include "sse/live.h"

#define PRELOAD_PAUSE_MS  250 /* between tries */
#define PRELOAD_MAX_TRIES 20

/* Starts once the head is known. sse->preload is NULL when on_ended is called, once, however it
 * ended; without memory it is not started and calls nobody. */
void preload_start(struct sse *sse, void (*on_ended)(struct sse *sse));

/* What it has read is no longer wanted. It ends by itself. */
void preload_abandon(struct sse *sse);

/* For sse->preload_pauses. */
void on_preload_pause_due(struct deadline *deadline, void *owner);

#endif
