/* SPDX-License-Identifier: Apache-2.0 */

/* The filter of a channel, in a table of its own: `channels` is the control plane's. */
#include "channels/rows.h"

static const struct db_query store_filter = {
	.sql = "INSERT INTO channel_filters (channel_id, filter, updated_at) VALUES ($1, $2, $3) "
	       "ON CONFLICT (channel_id) DO UPDATE SET filter = excluded.filter, "
	       "updated_at = excluded.updated_at WHERE channel_filters.filter <> excluded.filter",
};
static const struct db_query delete_filter = {
	.sql = "DELETE FROM channel_filters WHERE channel_id = $1",
};

int channel_store_filter(struct db *db, const struct uuid *id, const struct draft *draft,
			 int64_t now_us)
{
	struct buf json;
	int rc;

	if (!draft->has_filter)
		return 0;
	if (event_filter_is_empty(&draft->filter))
		return channel_delete_filter(db, id);
	buf_init(&json, EVENT_FILTER_MAX_BYTES);
	event_filter_write(&json, &draft->filter);

	const struct db_value values[] = { db_uuid(id), db_text(buf_str(&json)), db_time(now_us) };

	rc = json.err ? json.err : db_run_now(db, &store_filter, values, 3, NULL, NULL, NULL);
	buf_done(&json);
	return rc;
}

int channel_delete_filter(struct db *db, const struct uuid *id)
{
	const struct db_value value = db_uuid(id);

	return db_run_now(db, &delete_filter, &value, 1, NULL, NULL, NULL);
}
