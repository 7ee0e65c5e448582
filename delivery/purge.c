/* SPDX-License-Identifier: Apache-2.0 */

#include "delivery/purge.h"

#include "core/attributes.h"

#define PIECE 1000

/* Both statements name the same rows, because they run in one transaction and finished rows do not
 * change. */
#define FINISHED_PIECE                                                             \
	"(SELECT id FROM deliveries WHERE state <> 'pending' AND updated_at < $1 " \
	"ORDER BY updated_at, id LIMIT 1000)"
static const struct db_query purge_attempts = {
	.sql = "DELETE FROM delivery_attempts WHERE delivery_id = ANY (ARRAY" FINISHED_PIECE ")",
	.sqlite = "DELETE FROM delivery_attempts WHERE delivery_id IN " FINISHED_PIECE,
};
static const struct db_query purge_deliveries = {
	.sql = "DELETE FROM deliveries WHERE id = ANY (ARRAY" FINISHED_PIECE ")",
	.sqlite = "DELETE FROM deliveries WHERE id IN " FINISHED_PIECE,
};
/* The oldest thousand, and what is exactly as old as the last of them. */
#define PURGE_OLDEST(table, time)                                                          \
	"DELETE FROM " table " WHERE " time " <= (SELECT max(" time ") FROM (SELECT " time \
	" FROM " table " WHERE " time " < $1 ORDER BY " time " LIMIT 1000) AS oldest)"
static const struct db_query purge_accepts = { .sql = PURGE_OLDEST("accepts", "seen_at") };
static const struct db_query purge_suppressed = { .sql = PURGE_OLDEST("suppressed", "created_at") };
_Static_assert(PIECE == 1000, "the LIMITs of these statements");

int purge_piece(struct db *db, int64_t before_us, int64_t accepts_before_us, bool *has_more)
{
	const struct db_value before = db_time(before_us);
	const struct db_value accepts_before = db_time(accepts_before_us);
	int64_t deliveries = 0;
	int64_t accepts = 0;
	int64_t suppressed = 0;
	int rc = db_run(db, &purge_attempts, &before, 1, NULL, NULL, NULL);

	if (rc == 0)
		rc = db_run(db, &purge_deliveries, &before, 1, NULL, NULL, &deliveries);
	if (rc == 0)
		rc = db_run(db, &purge_accepts, &accepts_before, 1, NULL, NULL, &accepts);
	if (rc == 0)
		rc = db_run(db, &purge_suppressed, &before, 1, NULL, NULL, &suppressed);
	if (rc == 0)
		rc = db_flush(db);
	*has_more = deliveries >= PIECE || accepts >= PIECE || suppressed >= PIECE;
	return rc;
}
