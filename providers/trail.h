/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The trail of a message that follows one capsule or snapshot: its earlier states in words,
 * "created → paused → resumed". Pure.
 */
#ifndef PROVIDERS_TRAIL_H
#define PROVIDERS_TRAIL_H

#include <stdbool.h>

#include "core/event.h"

#define MESSAGE_ID_SIZE 256 /* of a vendor's message id, NUL-terminated */
#define TRAIL_SIZE      128 /* the oldest states are left out */

/* True for a kind whose message may be replaced: a capsule or a snapshot has a next state. */
bool living_kind(enum event_kind kind);

/* Adds the event's state to the trail, unless it is the last one already. */
void trail_add(char trail[TRAIL_SIZE], const struct event *event);

#endif
