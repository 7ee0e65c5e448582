/* SPDX-License-Identifier: Apache-2.0 */

/* Drops what is pending for a channel that was deleted. */
#ifndef DELIVERY_DROP_H
#define DELIVERY_DROP_H

struct queue;

/* GONE. Drops one piece; ends in GONE while there is more, then frees the queue. In WAITING when the
 * store failed: loading shows again that the channel is gone. */
void drop_start(struct queue *queue);

#endif
