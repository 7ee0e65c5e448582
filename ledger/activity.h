/* SPDX-License-Identifier: Apache-2.0 */

/* How many events each team had, by minute and by hour: counted for one run of a batch, then added
 * to the stored counters in the batch's transaction. */
#ifndef LEDGER_ACTIVITY_H
#define LEDGER_ACTIVITY_H

#include <stddef.h>
#include <stdint.h>

#include "core/attributes.h"
#include "core/event.h"
#include "core/uuid.h"
#include "store/store.h"

/* The events of one team in one minute. */
struct activity_count {
	struct uuid team;
	int64_t minute_us;
	int64_t events;
	int64_t failed; /* those whose outcome is error */
};

struct activity {
	struct activity_count *all;
	size_t count;
	size_t cap;
};

/* Makes room for that many events. 0 or -ENOMEM; activity_done() is needed after both. */
int activity_init(struct activity *activity, size_t events) must_check;
void activity_done(struct activity *activity);
void activity_reset(struct activity *activity);

/* For each event that was not committed before. Its time is that of the stream id. */
void activity_see(struct activity *activity, const struct event *event);
/* Pipelined; complete after the caller's db_flush(). */
int activity_write(const struct activity *activity, struct db *db) must_check;

#endif
