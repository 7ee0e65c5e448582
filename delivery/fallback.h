/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Copies the deliveries of a failing channel to its fallback, another channel that its owner named,
 * until it delivers again. docs/notes/fallback.md
 */
#ifndef DELIVERY_FALLBACK_H
#define DELIVERY_FALLBACK_H

#include "core/attributes.h"
#include "core/uuid.h"
#include "delivery/options.h"

struct fallbacks;

/* Looks every five ticks, 5 s. on_copied says which channel has new rows. */
int fallbacks_open(const struct delivery_options *options,
		   void (*on_copied)(const struct uuid *channel, void *owner), void *owner,
		   struct fallbacks **out) must_check;
/* Accepts NULL, and then calls on_closed at once. */
void fallbacks_close(struct fallbacks *fallbacks, void (*on_closed)(void *owner), void *owner);

#endif
