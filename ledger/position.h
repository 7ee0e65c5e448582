/* SPDX-License-Identifier: Apache-2.0 */

/* How far a consumer group has got, by the store (table `positions`). */
#ifndef LEDGER_POSITION_H
#define LEDGER_POSITION_H

#include <stdbool.h>
#include <stdint.h>

#include "core/attributes.h"
#include "core/stream_id.h"
#include "store/store.h"

struct position {
	bool is_known; /* false: the group was never seen */
	struct stream_id last;
};

/* True if both numbers fit their columns and the milliseconds fit a timestamp. */
bool position_fits(struct stream_id id);

/* Moves the group's position forward, never back. Ignores an id that does not fit. */
int position_store(struct db *db, const char *group, struct stream_id last,
		   int64_t now_us) must_check;

/* The same for the position in memory. */
void position_advance(struct position *position, struct stream_id last);

#endif
