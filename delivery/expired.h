/* SPDX-License-Identifier: Apache-2.0 */

/* Drops the backlog of channels that have been disabled for too long. */
#ifndef DELIVERY_EXPIRED_H
#define DELIVERY_EXPIRED_H

#include "core/attributes.h"
#include "store/store.h"

/* For a store job: drops a piece of the backlog of one channel that was disabled before
 * disabled_us. 0 in *dropped: no such channel has a backlog, except one that others have locked. */
int expired_drop(struct db *db, int64_t disabled_us, int64_t now_us, int64_t *dropped) must_check;

#endif
