/* SPDX-License-Identifier: Apache-2.0 */

/* Drops the backlog of channels that have been disabled for too long. */
#ifndef DELIVERY_EXPIRED_H
#define DELIVERY_EXPIRED_H

#include "core/attributes.h"
#include "store/store.h"

/* For a write job: drops a piece of the backlog of one channel that was disabled before
 * disabled_us. *dropped is 0 when no such channel has a backlog, or others have locked all of
 * them. */
int expired_drop(struct db *db, int64_t disabled_us, int64_t now_us, int64_t *dropped) must_check;

#endif
