/* SPDX-License-Identifier: Apache-2.0 */

/* Cancels requests whose channel was deleted. */
#ifndef DELIVERY_CANCEL_H
#define DELIVERY_CANCEL_H

#include "core/attributes.h"
#include "core/uuid.h"

struct delivery_engine;
struct canceller;

int canceller_open(struct delivery_engine *engine, struct canceller **out) must_check;
void canceller_close(struct canceller *canceller); /* accepts NULL */

/* Runs with every tick: reads which channels with a running request still exist. */
void cancel_orphans(struct canceller *canceller);
/* This worker deleted the channel. The request ends with the next turn of the loop. */
void cancel_channel(struct delivery_engine *engine, const struct uuid *channel);

#endif
