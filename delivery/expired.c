/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The backlog of a channel that has been disabled for too long: locks the channel, then drops a
 * piece of what waits for it.
 */
#include "delivery/expired.h"

#include "core/attributes.h"

/* A channel that its owner enables at this moment is locked, and left alone. One that is deleted has
 * no row to lock, and nobody enables it. */
#define WITH_BACKLOG                                                     \
	"FROM channel_state s WHERE s.disabled_at < $1 AND EXISTS "      \
	"(SELECT 1 FROM deliveries d WHERE d.channel_id = s.channel_id " \
	"AND d.state = 'pending') "
#define FIND_DISABLED(lock)                                                      \
	"WITH held AS (SELECT c.id FROM channels c WHERE c.id IN "               \
	"(SELECT s.channel_id " WITH_BACKLOG ") LIMIT 1 " lock ") "              \
	"SELECT id FROM held UNION ALL SELECT s.channel_id " WITH_BACKLOG "AND " \
	"NOT EXISTS (SELECT 1 FROM channels c WHERE c.id = s.channel_id) LIMIT 1"
static const struct db_query find_disabled = {
	.sql = FIND_DISABLED("FOR UPDATE SKIP LOCKED"),
	.sqlite = FIND_DISABLED(""),
};
/* Asks once more: an owner may have enabled the channel after the statement before read its state. */
static const struct db_query drop_disabled = {
	.sql = "UPDATE deliveries SET state = 'dropped', last_error = 'the channel has been "
	       "disabled for more than 30 days', updated_at = $2 WHERE id IN (SELECT d.id "
	       "FROM deliveries d WHERE d.state = 'pending' AND d.channel_id = $3 AND EXISTS "
	       "(SELECT 1 FROM channel_state s WHERE s.channel_id = $3 AND s.disabled_at < $1) "
	       "LIMIT 1000) AND state = 'pending'",
};

static int on_disabled(const struct db_row *row, void *arg)
{
	*(struct uuid *)arg = row_uuid(row, 0);
	return 0;
}

int expired_drop(struct db *db, int64_t disabled_us, int64_t now_us, int64_t *dropped)
{
	struct uuid channel = { .bytes = { 0 } };
	struct db_value values[] = { db_time(disabled_us), db_time(now_us), db_null() };
	int rc;

	*dropped = 0;
	rc = db_run_now(db, &find_disabled, values, 1, on_disabled, &channel, NULL);
	if (rc < 0 || uuid_is_zero(&channel))
		return rc;
	values[2] = db_uuid(&channel);
	return db_run_now(db, &drop_disabled, values, 3, NULL, NULL, dropped);
}
