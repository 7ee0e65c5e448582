/* SPDX-License-Identifier: Apache-2.0 */

/* Decides whether a backlog becomes a digest, and makes it. */
#ifndef DELIVERY_STORM_H
#define DELIVERY_STORM_H

#include <stdbool.h>

struct queue;

/* LOADED. True: the backlog is being folded, in FOLDING; the queue is settled afterwards. False:
 * nothing was done, since there is no storm or it cannot be folded now. */
bool storm_start(struct queue *queue);

#endif
