/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Housekeeping that one worker does for all: old rows are removed every hour, and what waits is
 * measured every 15 s. Who does it is settled by a lease, like a channel's, under the all-zero id.
 * Nothing is removed for its age by a clock that has not behaved for an hour (clock_trust.h).
 */
#ifndef DELIVERY_HOUSEKEEPING_H
#define DELIVERY_HOUSEKEEPING_H

#include "core/attributes.h"
#include "delivery/options.h"

struct housekeeping;

int housekeeping_open(const struct delivery_options *options, struct housekeeping **out) must_check;
/* Accepts NULL and then does nothing. */
void housekeeping_close(struct housekeeping *housekeeping, void (*on_closed)(void *owner),
			void *owner);

#endif
