/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Ends the leases of this machine's processes that are gone. After a crash their channels would
 * otherwise wait until the leases expire.
 */
#ifndef DELIVERY_ORPHANS_H
#define DELIVERY_ORPHANS_H

#include <stdint.h>

#include "core/attributes.h"
#include "store/store.h"

/* Gives them back, in one job; after a failure they end by themselves. `worker` comes from
 * worker_name_make(). 0 or -ENOMEM, -ENOBUFS. */
int orphans_release(struct store *store, const char *worker, int64_t now_us) must_check;

#endif
