/* SPDX-License-Identifier: Apache-2.0 */

/* Puts off deliveries that quiet hours or a snooze hold: docs/notes/quiet-hours.md */
#ifndef DELIVERY_HOLD_H
#define DELIVERY_HOLD_H

#include <stdbool.h>

struct queue;

/* LOADED. False when no loaded row is held. Otherwise it ends in HUNGRY, to read the rest, or after
 * a failure in WAITING. */
bool hold_start(struct queue *queue);

#endif
