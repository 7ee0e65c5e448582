/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The fence around the ledger. Every transaction of the ledger first checks that this worker
 * still has the lease. PostgreSQL then keeps the lease's row locked until the transaction ends,
 * so that no other worker takes it over in between. SQLite has one writer at a time.
 */
#ifndef LEDGER_FENCE_H
#define LEDGER_FENCE_H

#include <stdbool.h>

#include "core/attributes.h"
#include "ledger/position.h"
#include "store/store.h"

struct fence {
	bool is_ours;
	struct position stored;
};

/* For a write job. *fence must live in the job; it is filled after db_flush(). */
int fence_ask(struct db *db, const char *group, const char *worker, struct fence *fence) must_check;

/* False when another worker has the lease. Also false when the store's position is before `known`,
 * which this worker has committed: the store failed over, or an older copy was restored. */
bool fence_holds(const struct fence *fence, const struct position *known);

/* Both at once, for a job that reads nothing else. Flushes. -EPERM when the fence does not hold. */
int fence_check(struct db *db, const char *group, const char *worker,
		const struct position *known) must_check;

#endif
