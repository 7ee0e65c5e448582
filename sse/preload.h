/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Fills the history at the start with what the stream still holds, so that the listeners who all
 * come back after a restart are served from memory, by one reading of Redis instead of one each. A
 * convenience: when it fails, replays read Redis themselves.
 */
#ifndef SSE_PRELOAD_H
#define SSE_PRELOAD_H

#include "sse/hub.h"

#define PRELOAD_PAUSE_MS  250 /* between tries */
#define PRELOAD_MAX_TRIES 20

/* Once the head is known. Openings with an older cursor wait until it has ended. */
void preload_start(struct sse *sse);

/* What it has read is no longer wanted. It ends by itself. */
void preload_abandon(struct sse *sse);

void on_preload_pause_due(struct deadline *deadline, void *owner);

#endif
