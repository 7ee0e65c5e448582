/* SPDX-License-Identifier: Apache-2.0 */

/* Two statements: one reads the lease, the other the position. */
#include "ledger/fence.h"

#include <errno.h>

static const struct db_query lock_lease = {
	.sql = "SELECT 1 FROM ledger_leases WHERE group_name = $1 AND owner = $2 FOR UPDATE",
	.sqlite = "SELECT 1 FROM ledger_leases WHERE group_name = $1 AND owner = $2",
};
/* The position needs its own statement: one that waits for a lock sees the rows as they were before
 * it waited. */
static const struct db_query read_stored = {
	.sql = "SELECT last_ms, last_seq FROM positions WHERE group_name = $1",
};

static int on_lease(const struct db_row *row, void *arg)
{
	(void)row;
	((struct fence *)arg)->is_ours = true;
	return 0;
}

static int on_stored(const struct db_row *row, void *arg)
{
	struct fence *fence = arg;

	fence->stored.is_known = true;
	fence->stored.last.ms = (uint64_t)row_int(row, 0);
	fence->stored.last.seq = (uint64_t)row_int(row, 1);
	return 0;
}

int fence_ask(struct db *db, const char *group, const char *worker, struct fence *fence)
{
	const struct db_value values[] = { db_text(str_of(group)), db_text(str_of(worker)) };
	int rc;

	*fence = (struct fence){ .is_ours = false };
	rc = db_run(db, &lock_lease, values, 2, on_lease, fence, NULL);
	return rc < 0 ? rc : db_run(db, &read_stored, values, 1, on_stored, fence, NULL);
}

bool fence_holds(const struct fence *fence, const struct position *known)
{
	if (!fence->is_ours || !known->is_known)
		return fence->is_ours;
	return fence->stored.is_known && stream_id_compare(fence->stored.last, known->last) >= 0;
}

int fence_check(struct db *db, const char *group, const char *worker, const struct position *known)
{
	struct fence fence;
	int rc = fence_ask(db, group, worker, &fence);

	if (rc == 0)
		rc = db_flush(db);
	return rc == 0 && !fence_holds(&fence, known) ? -EPERM : rc;
}
