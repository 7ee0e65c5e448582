/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Only the newest state of a capsule or snapshot goes out: older deliveries of it that are due are
 * folded into it. docs/notes/living-messages.md
 */
#ifndef DELIVERY_COALESCE_H
#define DELIVERY_COALESCE_H

#include <stddef.h>
#include <stdint.h>

#include "core/attributes.h"
#include "core/uuid.h"
#include "store/store.h"

#define COALESCE_MAX_ROWS 1000 /* looked at, oldest first */

/* For write jobs. The caller has the channel's lease and no request is running. Folds rows that a
 * newer delivery, or a message that is already shown, replaces. 0 or a code of the store; -EBUSY
 * when another job took some of the rows meanwhile. */
int coalesce(struct db *db, const struct uuid *channel, int64_t now_us,
	     size_t *out_folded) must_check;

#endif
