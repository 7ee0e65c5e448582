/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The fallback that a channel names, in a table of its own beside its options: the engine looks for
 * channels by it (docs/notes/fallback.md). The team is locked, so two changes cannot name each
 * other.
 */
#include "channels/rows_fallback.h"

#include <errno.h>

#include "core/channel_options.h"

/* Whether the team ($3) has the fallback ($2), and whether it would begin a chain for the channel
 * ($1). */
static const struct db_query check_fallback = {
	.sql = "SELECT (SELECT count(*) FROM channels WHERE id = $2 AND team_id = $3), "
	       "(SELECT count(*) FROM channel_fallbacks WHERE channel_id = $2 OR fallback_id = $1)",
};
static const struct db_query store_fallback = {
	.sql = "INSERT INTO channel_fallbacks (channel_id, fallback_id, after_minutes) "
	       "VALUES ($1, $2, $3) ON CONFLICT (channel_id) DO UPDATE SET "
	       "after_minutes = excluded.after_minutes, fallback_id = excluded.fallback_id",
};
/* Copies to an earlier fallback no longer count. */
static const struct db_query forget_other = {
	.sql = "DELETE FROM channel_fallbacks WHERE channel_id = $1 AND fallback_id <> $2",
};
static const struct db_query delete_fallback = {
	.sql = "DELETE FROM channel_fallbacks WHERE channel_id = $1",
};

struct fitness {
	bool exists;
	bool is_chained;
};

static int on_checked(const struct db_row *row, void *arg)
{
	*(struct fitness *)arg = (struct fitness){ .exists = row_int(row, 0) > 0,
						   .is_chained = row_int(row, 1) > 0 };
	return 0;
}

static int check(struct db *db, const struct uuid *team, const struct uuid *id,
		 const struct uuid *fallback)
{
	const struct db_value values[] = { db_uuid(id), db_uuid(fallback), db_uuid(team) };
	struct fitness fitness = { .exists = false };
	int rc = db_run_now(db, &check_fallback, values, ARRAY_LEN(values), on_checked, &fitness,
			    NULL);

	if (rc < 0)
		return rc;
	if (!fitness.exists)
		return -ENOENT;
	return fitness.is_chained || uuid_eq(id, fallback) ? -ELOOP : 0;
}

static int store(struct db *db, const struct uuid *id, const struct fallback_option *fallback)
{
	const struct db_value values[] = {
		db_uuid(id),
		db_uuid(&fallback->channel),
		db_int(fallback->after_minutes),
	};
	int rc = db_run_now(db, &forget_other, values, 2, NULL, NULL, NULL);

	return rc < 0 ? rc
		      : db_run_now(db, &store_fallback, values, ARRAY_LEN(values), NULL, NULL,
				   NULL);
}

int channel_delete_fallback(struct db *db, const struct uuid *id)
{
	const struct db_value value = db_uuid(id);

	return db_run_now(db, &delete_fallback, &value, 1, NULL, NULL, NULL);
}

int channel_store_fallback(struct db *db, const struct uuid *team, const struct uuid *id,
			   const cJSON *request)
{
	struct channel_options options;
	int rc;

	if (!json_get(request, "fallback"))
		return 0;
	rc = channel_options_read(request, &options, NULL);
	if (rc < 0)
		return rc;
	if (!options.fallback.is_set)
		return channel_delete_fallback(db, id);
	rc = check(db, team, id, &options.fallback.channel);
	return rc < 0 ? rc : store(db, id, &options.fallback);
}
