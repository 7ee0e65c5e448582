/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The memory that all queues use for rows: a bound in bytes, shared by need.
 *
 * A load may bring as much as its queue's share while all queues load. So a channel with a backlog
 * keeps what it read until it was sent. Only when all memory is used does it forget rows that their
 * queues cannot use now.
 */
#ifndef DELIVERY_ROOM_H
#define DELIVERY_ROOM_H

#include <stdbool.h>
#include <stddef.h>

#include "delivery/engine.h"
#include "delivery/states.h"

/* The memory of a row in bytes. A body that several rows share counts for each. */
size_t room_cost(const struct delivery *delivery);

bool room_has(const struct delivery_engine *engine, size_t bytes);

/* Reserves room for a load, in bytes, until room_end_load(). 0: there is none now. */
size_t room_begin_load(struct delivery_engine *engine);
void room_end_load(struct delivery_engine *engine, size_t reserved);

#endif
