/* SPDX-License-Identifier: Apache-2.0 */

/* Decides whether a backlog becomes a digest, and makes it. */
#ifndef DELIVERY_STORM_H
#define DELIVERY_STORM_H

#include <stdbool.h>

struct queue;

/* LOADED. Returns true if it has begun to fold the backlog: the queue is in FOLDING and is settled
 * afterwards. Returns false, with nothing done, if there is no storm or it cannot be folded now. */
bool storm_start(struct queue *queue);

#endif
