/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The id of a delivery begins with the milliseconds of its stream id. So old rows have low ids, and
 * no index on times is needed. Ids of earlier versions have no order: nearly all lie after those of
 * the current version. So a purge looks at the ids before the age and at those after the current
 * time. It skips the ids between, which are nearly all recent rows. The few old rows there are
 * removed once their ids are before the age.
 */
#include "delivery/purge.h"

#include <string.h>

#include "core/attributes.h"

#define PIECE  1000
#define DAY_US (INT64_C(24) * 3600 * 1000000)

static const struct db_query find_end = {
	.sql = "SELECT id FROM deliveries WHERE id > $1 AND id <= $2 ORDER BY id "
	       "LIMIT 1 OFFSET 999",
};
#define FINISHED "id > $1 AND id <= $2 AND state || '' <> 'pending' AND updated_at < $3"
#define OF_PIECE "(SELECT id FROM deliveries WHERE " FINISHED ")"
static const struct db_query purge_attempts = {
	.sql = "DELETE FROM delivery_attempts WHERE delivery_id = ANY (ARRAY" OF_PIECE ")",
	.sqlite = "DELETE FROM delivery_attempts WHERE delivery_id IN " OF_PIECE,
};
static const struct db_query purge_deliveries = {
	.sql = "DELETE FROM deliveries WHERE " FINISHED,
};
/* The oldest thousand, and the rows exactly as old as the last of them. */
#define PURGE_OLDEST(table, time)                                                          \
	"DELETE FROM " table " WHERE " time " <= (SELECT max(" time ") FROM (SELECT " time \
	" FROM " table " WHERE " time " < $1 ORDER BY " time " LIMIT 1000) AS oldest)"
static const struct db_query purge_accepts = { .sql = PURGE_OLDEST("accepts", "seen_at") };
static const struct db_query purge_suppressed = { .sql = PURGE_OLDEST("suppressed", "created_at") };
static const struct db_query purge_living = { .sql = PURGE_OLDEST("living_messages",
								  "expires_at") };
_Static_assert(PIECE == 1000, "the LIMITs and the OFFSET of these statements");

/* The lowest id of a stream id of that time. */
static struct uuid id_at(int64_t us)
{
	uint64_t ms = us > 0 ? (uint64_t)us / 1000 : 0;
	struct uuid id = { .bytes = { 0 } };

	for (int i = 5; i >= 0; i--, ms >>= 8)
		id.bytes[i] = (uint8_t)ms;
	return id;
}

static struct uuid highest_id(void)
{
	struct uuid id;

	memset(id.bytes, 0xff, sizeof(id.bytes));
	return id;
}

static int on_end(const struct db_row *row, void *arg)
{
	*(struct uuid *)arg = row_uuid(row, 0);
	return 0;
}

static int remove_deliveries(struct db *db, int64_t before_us, const struct uuid *after,
			     const struct uuid *until)
{
	const struct db_value values[] = { db_uuid(after), db_uuid(until), db_time(before_us) };
	int rc = db_run(db, &purge_attempts, values, ARRAY_LEN(values), NULL, NULL, NULL);

	return rc < 0 ? rc
		      : db_run(db, &purge_deliveries, values, ARRAY_LEN(values), NULL, NULL, NULL);
}

static int purge_old_deliveries(struct db *db, const struct purge_times *times,
				const struct purge_place *place, struct purge_place *next)
{
	const struct uuid last = place->is_past_now ? highest_id() : id_at(times->before_us);
	const struct db_value values[] = { db_uuid(&place->after), db_uuid(&last) };
	int rc;

	*next = (struct purge_place){ .after = last, .is_past_now = place->is_past_now };
	rc = db_run_now(db, &find_end, values, ARRAY_LEN(values), on_end, &next->after, NULL);
	if (rc == 0)
		rc = remove_deliveries(db, times->before_us, &place->after, &next->after);
	if (!uuid_eq(&next->after, &last))
		return rc;
	next->has_looked = place->is_past_now;
	if (!place->is_past_now)
		*next = (struct purge_place){ .after = id_at(times->now_us + DAY_US),
					      .is_past_now = true };
	return rc;
}

int purge_piece(struct db *db, const struct purge_times *times, const struct purge_place *place,
		struct purge_place *next)
{
	const struct db_value before = db_time(times->before_us);
	const struct db_value accepts_before = db_time(times->accepts_before_us);
	int64_t accepts = 0;
	int64_t suppressed = 0;
	const struct db_value expired = db_time(times->expired_us);
	int64_t living = 0;
	int rc = purge_old_deliveries(db, times, place, next);

	if (rc == 0)
		rc = db_run(db, &purge_accepts, &accepts_before, 1, NULL, NULL, &accepts);
	if (rc == 0)
		rc = db_run(db, &purge_suppressed, &before, 1, NULL, NULL, &suppressed);
	if (rc == 0)
		rc = db_run(db, &purge_living, &expired, 1, NULL, NULL, &living);
	if (rc == 0)
		rc = db_flush(db);
	next->has_more =
		!next->has_looked || accepts >= PIECE || suppressed >= PIECE || living >= PIECE;
	return rc;
}
