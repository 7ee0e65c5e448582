/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Leases of workers of this place whose process is gone. After a crash and a restart the channels
 * would otherwise wait for the end of leases that nobody is going to renew.
 */
#ifndef DELIVERY_ORPHANS_H
#define DELIVERY_ORPHANS_H

#include <stdint.h>

#include "core/attributes.h"
#include "store/store.h"

/* Gives such leases back, in a job of its own; what fails is left to the leases' end. `worker` is
 * as worker_name_make() makes it. 0 or -ENOMEM, -ENOBUFS. */
int orphans_release(struct store *store, const char *worker, int64_t now_us) must_check;

#endif
