/* SPDX-License-Identifier: Apache-2.0 */

/* Counts the results of each channel's deliveries, by minute and by hour. For write jobs. */
#ifndef DELIVERY_ACTIVITY_H
#define DELIVERY_ACTIVITY_H

#include <stdint.h>

#include "core/attributes.h"
#include "core/uuid.h"
#include "delivery/states.h"
#include "store/store.h"

/* Rows of each table that one call of activity_purge() removes. */
#define ACTIVITY_PIECE 1000

/* Counts one result: delivered, failed for good, or to be tried again. Pipelined. */
int activity_add(struct db *db, const struct uuid *channel, enum delivery_state state,
		 int64_t ended_us) must_check;

/* Removes one piece of the counters, events' and channels', and of the outcomes of snapshots, that
 * are too old at `age_us`. *out_removed is the number of rows of the statement that removed most.
 * Runs at once. */
int activity_purge(struct db *db, int64_t age_us, int64_t *out_removed) must_check;

#endif
