/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The rows that the ledger writes for a team's channels: deliveries, and notes of why an event
 * notified nobody. A row that is already there stays as it is. Both may be pipelined.
 */
#ifndef LEDGER_DELIVERY_ROWS_H
#define LEDGER_DELIVERY_ROWS_H

#include <stdint.h>

#include "core/attributes.h"
#include "core/delivery_id.h"
#include "core/event.h"
#include "core/str.h"
#include "core/uuid.h"
#include "store/store.h"

struct new_delivery {
	const struct uuid *id; /* delivery_id_make() */
	const struct event *event;
	const struct uuid *channel;
	struct str payload;
	int64_t accepted_us; /* when the request was accepted that the event ends; 0: unknown */
	int64_t now_us;
	bool may_be_stored; /* it may be stored under its old id */
	int64_t *inserted;  /* set when the statement has run; NULL: not needed */
};
int delivery_insert(struct db *db, const struct new_delivery *delivery) must_check;

/* `reason` is "follow_up", "repeat" or "accept". */
int suppressed_insert(struct db *db, const struct event *event, const char *reason,
		      int64_t now_us) must_check;

/* "success", "error", or the empty slice. */
struct str event_outcome_word(enum event_outcome outcome);

#endif
