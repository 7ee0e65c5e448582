/* SPDX-License-Identifier: Apache-2.0 */

/* Removes old rows, a thousand of each table at a time, so that no statement stalls the store. */
#ifndef DELIVERY_PURGE_H
#define DELIVERY_PURGE_H

#include <stdbool.h>
#include <stdint.h>

#include "core/attributes.h"
#include "store/store.h"

/* Finished deliveries with their attempts, and notes of suppressed events, from before `before_us`;
 * accepts from before `accepts_before_us`. *has_more: some table may have more such rows. */
int purge_piece(struct db *db, int64_t before_us, int64_t accepts_before_us,
		bool *has_more) must_check;

#endif
