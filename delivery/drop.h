/* SPDX-License-Identifier: Apache-2.0 */

/* Drops the pending deliveries of a channel that was deleted. */
#ifndef DELIVERY_DROP_H
#define DELIVERY_DROP_H

struct delivery_engine;

/* Starts the next queue in GONE, unless one is DROPPING: it drops one piece, and is in GONE again
 * while there is more, else freed. After a failure it is WAITING; loading then shows again that the
 * channel is gone. When the engine stops, all of them give their leases back instead. */
void drop_next(struct delivery_engine *engine);

#endif
