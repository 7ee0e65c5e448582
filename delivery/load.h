/* SPDX-License-Identifier: Apache-2.0 */

/* Reads the settings and a piece of the pending rows of one channel. */
#ifndef DELIVERY_LOAD_H
#define DELIVERY_LOAD_H

#include <stddef.h>

struct queue;

/* HUNGRY. Ends in LOADED, in GONE when the channel was deleted, or in WAITING when the store
 * failed. `room` is what room_begin_load() reserved; it is given back. */
void load_start(struct queue *queue, size_t room);

#endif
