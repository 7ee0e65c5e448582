/* SPDX-License-Identifier: Apache-2.0 */

/* Removes old rows, a thousand of each table at a time, so that no statement stalls the store. */
#ifndef DELIVERY_PURGE_H
#define DELIVERY_PURGE_H

#include <stdbool.h>
#include <stdint.h>

#include "core/attributes.h"
#include "core/uuid.h"
#include "store/store.h"

struct purge_times {
	/* Limit for finished deliveries with their attempts, and for notes of suppressed events. */
	int64_t before_us;
	int64_t accepts_before_us;
	int64_t expired_us; /* of living messages */
	int64_t now_us;
};

/* How far a purge is. All zero: at its beginning. */
struct purge_place {
	struct uuid after; /* the last delivery that was looked at */
	bool is_past_now;  /* it looks at the ids after the current time */
	bool has_looked;   /* at all deliveries */
	bool has_more;     /* another piece may find something */
};

/* For a write job. Removes what is older from the piece after *place. A job may run twice, so
 * *next, where the next piece begins, is another one. */
int purge_piece(struct db *db, const struct purge_times *times, const struct purge_place *place,
		struct purge_place *next) must_check;

#endif
