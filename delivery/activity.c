/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The counters are written in the transaction of the result, so a result is never stored without
 * them. They also count a result that changed nothing because its row was gone.
 */
#include "delivery/activity.h"

#include "core/activity.h"

#define SECOND_US INT64_C(1000000)

static const struct db_query add_result = {
	.sql = "INSERT INTO channel_activity (channel_id, step_s, begins_at, delivered, failed, "
	       "retried) VALUES ($1, $2, $3, $4, $5, $6), ($1, $7, $8, $4, $5, $6) "
	       "ON CONFLICT (channel_id, step_s, begins_at) DO UPDATE SET "
	       "delivered = channel_activity.delivered + excluded.delivered, "
	       "failed = channel_activity.failed + excluded.failed, "
	       "retried = channel_activity.retried + excluded.retried",
};

/* The index (step_s, begins_at) gives the oldest rows. */
#define PURGE(table, id)                                                           \
	"DELETE FROM " table " WHERE (" id ", step_s, begins_at) IN (SELECT " id   \
	", step_s, begins_at FROM " table " WHERE step_s = $1 AND begins_at < $2 " \
	"ORDER BY begins_at LIMIT 1000)"
static const struct db_query purges[] = {
	{ .sql = PURGE("event_activity", "team_id") },
	{ .sql = PURGE("channel_activity", "channel_id") },
};

static const struct db_query purge_snapshots = {
	.sql = "DELETE FROM snapshot_outcomes WHERE (team_id, ended_at, name) IN (SELECT team_id, "
	       "ended_at, name FROM snapshot_outcomes WHERE ended_at < $1 "
	       "ORDER BY ended_at LIMIT 1000)",
};

int activity_add(struct db *db, const struct uuid *channel, enum delivery_state state,
		 int64_t ended_us)
{
	const struct db_value values[] = {
		db_uuid(channel),
		db_int(ACTIVITY_MINUTE_S),
		db_time(activity_begin_us(ended_us, ACTIVITY_MINUTE_S)),
		db_int(state == DELIVERY_DELIVERED),
		db_int(state == DELIVERY_FAILED),
		db_int(state == DELIVERY_PENDING),
		db_int(ACTIVITY_HOUR_S),
		db_time(activity_begin_us(ended_us, ACTIVITY_HOUR_S)),
	};

	return db_run(db, &add_result, values, ARRAY_LEN(values), NULL, NULL, NULL);
}

int activity_purge(struct db *db, int64_t age_us, int64_t *out_removed)
{
	const struct db_value minutes[] = { db_int(ACTIVITY_MINUTE_S),
					    db_time(age_us - ACTIVITY_KEEP_MINUTES * SECOND_US) };
	const struct db_value hours[] = { db_int(ACTIVITY_HOUR_S),
					  db_time(age_us - ACTIVITY_KEEP_HOURS * SECOND_US) };
	int64_t removed[2 * ARRAY_LEN(purges) + 1] = { 0 };
	int rc = 0;

	for (size_t i = 0; i < ARRAY_LEN(purges) && rc == 0; i++) {
		rc = db_run(db, &purges[i], minutes, 2, NULL, NULL, &removed[2 * i]);
		if (rc == 0)
			rc = db_run(db, &purges[i], hours, 2, NULL, NULL, &removed[2 * i + 1]);
	}
	if (rc == 0)
		rc = db_run(db, &purge_snapshots, &hours[1], 1, NULL, NULL,
			    &removed[2 * ARRAY_LEN(purges)]);
	if (rc == 0)
		rc = db_flush(db);
	*out_removed = 0;
	for (size_t i = 0; i < ARRAY_LEN(removed); i++)
		*out_removed = removed[i] > *out_removed ? removed[i] : *out_removed;
	return rc;
}
