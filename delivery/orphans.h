/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Ends the leases of this machine's processes that are gone. After a crash their channels would
 * otherwise wait until the leases expire.
 */
#ifndef DELIVERY_ORPHANS_H
#define DELIVERY_ORPHANS_H

#include <stdbool.h>

#include "core/attributes.h"

struct delivery_engine;
struct orphans;

int orphans_open(struct delivery_engine *engine, struct orphans **out) must_check;
void orphans_close(struct orphans *orphans); /* accepts NULL */

/* Looks for such leases, gives them back, and calls `on_done` in a later turn of the loop. False if
 * the last look was too recent or the store accepts no job; then `on_done` is not called. */
bool orphans_start(struct orphans *orphans, void (*on_done)(void *owner), void *owner);

#endif
