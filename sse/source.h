/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Whether listeners are up to date. Three signs say no: the tail has lost its connection; Redis
 * does not answer a small query sent every second; an entry that Redis announced has not arrived a
 * second later. Listeners get a notice at once, and again when it is over.
 */
#ifndef SSE_SOURCE_H
#define SSE_SOURCE_H

#include "sse/live.h"

/* Starts to ask Redis, unless options.pulse_ms is 0. */
void source_watch(struct sse *sse);

/* The tail has reached Redis, or lost it. */
void source_set_up(struct sse *sse, bool up);

/* The history's head has moved: an awaited entry may have arrived. */
void source_on_head(struct sse *sse);

/* For sse->pulses. */
void on_pulse_due(struct deadline *deadline, void *owner);

#endif
