/* SPDX-License-Identifier: Apache-2.0 */

/* Takes rows that were just committed into a queue, so that they need not be read. */
#ifndef DELIVERY_FRESH_H
#define DELIVERY_FRESH_H

#include <stdbool.h>

#include "core/fresh_rows.h"

struct queue;

/* False when the queue cannot send them before it has read the store; nothing was taken then. */
bool fresh_take(struct queue *queue, const struct fresh_rows *fresh);

#endif
