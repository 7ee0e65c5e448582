/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The fence of the ledger's lease: every transaction of the ledger asks first whether the lease is
 * still this worker's, and PostgreSQL keeps the row locked until the transaction ends, so that
 * nobody takes it over in between (SQLite has one writer at a time). Private to channels/; opening and
 * closing the lease: channels.h.
 */
#ifndef CHANNELS_LEDGER_LEASE_H
#define CHANNELS_LEDGER_LEASE_H

#include <stdbool.h>

#include "channels/position.h"
#include "core/attributes.h"
#include "store/store.h"

struct fence {
	bool is_ours;
	struct position stored;
};

/* Runs in a write job; *fence, which lives in the job, is filled by the time of db_flush(). */
int fence_ask(struct db *db, const char *group, const char *worker, struct fence *fence) must_check;

/* False when another worker has the lease, or when the store is no longer where this worker left
 * it (`known`): it failed over, or an older copy was put back. */
bool fence_holds(const struct fence *fence, const struct position *known);

#endif
