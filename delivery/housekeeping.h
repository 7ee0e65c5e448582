/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Work that one worker does for all: it removes old rows every hour and measures the backlog every
 * 15 s. A lease under the all-zero id, like that of a channel, decides which worker. Nothing is
 * removed by age while the clock is not trusted (clock_trust.h).
 */
#ifndef DELIVERY_HOUSEKEEPING_H
#define DELIVERY_HOUSEKEEPING_H

#include "core/attributes.h"
#include "delivery/options.h"

struct housekeeping;

int housekeeping_open(const struct delivery_options *options, struct housekeeping **out) must_check;
/* Accepts NULL, and then calls on_closed at once. */
void housekeeping_close(struct housekeeping *housekeeping, void (*on_closed)(void *owner),
			void *owner);

#endif
