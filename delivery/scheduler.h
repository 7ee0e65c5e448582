/* SPDX-License-Identifier: Apache-2.0 */

/* Decides which channel is served when. delivery.h says what it promises. */
#ifndef DELIVERY_SCHEDULER_H
#define DELIVERY_SCHEDULER_H

#include "core/attributes.h"
#include "delivery/options.h"

struct delivery_engine;
struct scheduler;

int scheduler_open(const struct delivery_options *options, struct scheduler **out) must_check;
/* Accepts NULL, and then calls on_closed at once. */
void scheduler_close(struct scheduler *scheduler, void (*on_closed)(void *owner), void *owner);

/* NULL for NULL. */
struct delivery_engine *scheduler_engine(struct scheduler *scheduler);

#endif
