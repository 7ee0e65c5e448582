/* SPDX-License-Identifier: Apache-2.0 */

/* Drops the pending deliveries of a channel that was deleted. */
#ifndef DELIVERY_DROP_H
#define DELIVERY_DROP_H

struct queue;

/* GONE. Drops one piece. Ends in GONE while there is more, then frees the queue. After a failure it
 * ends in WAITING; loading then shows again that the channel is gone. */
void drop_start(struct queue *queue);

#endif
