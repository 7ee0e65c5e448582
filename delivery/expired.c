/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Drops the backlog of a channel that has been disabled for too long, after locking the channel.
 */
#include "delivery/expired.h"

#include "core/attributes.h"
#include "delivery/transitions.h"

/* Skips a channel that is locked, since its owner may be enabling it. A deleted channel has no
 * row to lock, and nobody enables it. */
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
static int on_disabled(const struct db_row *row, void *arg)
{
	*(struct uuid *)arg = row_uuid(row, 0);
	return 0;
}

int expired_drop(struct db *db, int64_t disabled_us, int64_t now_us, int64_t *dropped)
{
	struct uuid channel = { .bytes = { 0 } };
	const struct db_value value = db_time(disabled_us);
	int rc;

	*dropped = 0;
	rc = db_run_now(db, &find_disabled, &value, 1, on_disabled, &channel, NULL);
	if (rc < 0 || uuid_is_zero(&channel))
		return rc;
	rc = transition_drop_disabled(db, &channel, disabled_us, now_us, dropped);
	return rc < 0 ? rc : db_flush(db);
}
