/* SPDX-License-Identifier: Apache-2.0 */

/* Puts off what quiet hours or a snooze hold: docs/notes/quiet-hours.md */
#ifndef DELIVERY_HOLD_H
#define DELIVERY_HOLD_H

#include <stdbool.h>

struct queue;

/* LOADED. False when nothing of what was loaded is held. Else it ends in HUNGRY, to read what is
 * left; after a failure in WAITING. */
bool hold_start(struct queue *queue);

#endif
