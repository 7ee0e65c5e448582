/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Leases of processes of this machine that ended. Otherwise their channels would wait after a crash
 * until the leases end, which nobody renews.
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
