/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Whether what listeners see is up to date. Three signs say that it is not: the tail's connection is
 * lost; Redis does not answer a small question asked every second; an entry that it said was there has
 * not reached us a second later. Listeners are told at once, and again when it is over.
 */
#ifndef SSE_SOURCE_H
#define SSE_SOURCE_H

#include "sse/live.h"

/* Begins to ask, if options.pulse_ms says so. */
void source_watch(struct sse *sse);

/* The tail has reached Redis, or lost it. */
void source_set_up(struct sse *sse, bool up);

/* The history's head has moved. */
void source_on_head(struct sse *sse);

void on_pulse_due(struct deadline *deadline, void *owner);

#endif
