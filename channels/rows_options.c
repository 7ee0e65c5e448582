/* SPDX-License-Identifier: Apache-2.0 */

/* The options of a channel, in a table of their own: `channels` is the control plane's. */
#include "channels/rows.h"

#include "channels/rows_fallback.h"

static const struct db_query read_options = {
	.sql = "SELECT options FROM channel_options WHERE channel_id = $1",
};
static const struct db_query store_options = {
	.sql = "INSERT INTO channel_options (channel_id, options, updated_at) VALUES ($1, $2, $3) "
	       "ON CONFLICT (channel_id) DO UPDATE SET options = excluded.options, "
	       "updated_at = excluded.updated_at WHERE channel_options.options <> excluded.options",
};
static const struct db_query delete_options = {
	.sql = "DELETE FROM channel_options WHERE channel_id = $1",
};

static int on_options(const struct db_row *row, void *arg)
{
	struct buf *stored = arg;

	buf_add_str(stored, row_text(row, 0));
	return stored->err;
}

static int merge(struct db *db, const struct uuid *id, const cJSON *request, struct buf *out)
{
	const struct db_value value = db_uuid(id);
	struct buf stored;
	int rc;

	buf_init(&stored, CHANNEL_OPTIONS_MAX_BYTES);
	rc = db_run_now(db, &read_options, &value, 1, on_options, &stored, NULL);
	if (rc == 0)
		rc = channel_options_merge(buf_str(&stored), request, out);
	buf_done(&stored);
	return rc;
}

int channel_store_options(struct db *db, const struct uuid *team, const struct uuid *id,
			  const cJSON *request, int64_t now_us)
{
	struct buf json;
	int rc;

	if (!channel_options_are_named(request))
		return 0;
	buf_init(&json, CHANNEL_OPTIONS_MAX_BYTES);
	rc = merge(db, id, request, &json);

	const struct db_value values[] = { db_uuid(id), db_text(buf_str(&json)), db_time(now_us) };

	if (rc == 0 && json.len == 0)
		rc = channel_delete_options(db, id);
	else if (rc == 0)
		rc = db_run_now(db, &store_options, values, ARRAY_LEN(values), NULL, NULL, NULL);
	buf_done(&json);
	return rc < 0 ? rc : channel_store_fallback(db, team, id, request);
}

int channel_delete_options(struct db *db, const struct uuid *id)
{
	const struct db_value value = db_uuid(id);

	return db_run_now(db, &delete_options, &value, 1, NULL, NULL, NULL);
}

/* ---- a channel that goes ----------------------------------------------------------------- */

static const struct db_query find_dependants = {
	.sql = "SELECT channel_id FROM channel_fallbacks WHERE fallback_id = $1 LIMIT 50",
};
_Static_assert(CHANNELS_PER_TEAM == 50, "the LIMIT of find_dependants");

struct dependants {
	size_t count;
	struct uuid ids[CHANNELS_PER_TEAM];
};

static int on_dependant(const struct db_row *row, void *arg)
{
	struct dependants *dependants = arg;

	dependants->ids[dependants->count++] = row_uuid(row, 0);
	return 0;
}

int channel_forget_fallbacks(struct db *db, const struct uuid *team, const struct uuid *id,
			     int64_t now_us)
{
	const struct db_value value = db_uuid(id);
	struct dependants dependants = { .count = 0 };
	cJSON *request = NULL;
	int rc = json_parse(STR("{\"fallback\":null}"), 64, &request, NULL);

	if (rc == 0)
		rc = channel_delete_fallback(db, id);
	if (rc == 0)
		rc = db_run_now(db, &find_dependants, &value, 1, on_dependant, &dependants, NULL);
	for (size_t i = 0; i < dependants.count && rc == 0; i++)
		rc = channel_store_options(db, team, &dependants.ids[i], request, now_us);
	cJSON_Delete(request);
	return rc;
}

static const struct db_query delete_living = {
	.sql = "DELETE FROM living_messages WHERE channel_id = $1 AND resource IN "
	       "(SELECT resource FROM living_messages WHERE channel_id = $1 LIMIT 1000)",
};

int channel_delete_living(struct db *db, const struct uuid *id)
{
	const struct db_value value = db_uuid(id);

	return db_run(db, &delete_living, &value, 1, NULL, NULL, NULL);
}
