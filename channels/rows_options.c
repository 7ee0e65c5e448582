/* SPDX-License-Identifier: Apache-2.0 */

/* The options of a channel, in a table of their own: `channels` is the control plane's. */
#include "channels/rows.h"

#include "channels/rows_fallback.h"
#include "core/rfc3339.h"

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

static int read_stored(struct db *db, const struct uuid *id, struct buf *out)
{
	const struct db_value value = db_uuid(id);

	return db_run_now(db, &read_options, &value, 1, on_options, out, NULL);
}

static int write_stored(struct db *db, const struct uuid *id, struct str json, int64_t now_us)
{
	const struct db_value values[] = { db_uuid(id), db_text(json), db_time(now_us) };

	if (json.len == 0)
		return channel_delete_options(db, id);
	return db_run_now(db, &store_options, values, ARRAY_LEN(values), NULL, NULL, NULL);
}

int channel_store_options(struct db *db, const struct uuid *team, const struct uuid *id,
			  const cJSON *request, int64_t now_us)
{
	struct buf before, after;
	int rc;

	if (!channel_options_are_named(request))
		return 0;
	buf_init(&before, CHANNEL_OPTIONS_MAX_BYTES);
	buf_init(&after, CHANNEL_OPTIONS_MAX_BYTES);
	rc = read_stored(db, id, &before);
	if (rc == 0)
		rc = channel_options_merge(buf_str(&before), request, &after);
	if (rc == 0)
		rc = write_stored(db, id, buf_str(&after), now_us);
	buf_done(&before);
	buf_done(&after);
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
	.sql = "DELETE FROM living_messages WHERE channel_id = $1 AND resource <= "
	       "(SELECT max(resource) FROM (SELECT resource FROM living_messages "
	       "WHERE channel_id = $1 ORDER BY resource LIMIT 1000) head)",
};

int channel_delete_living(struct db *db, const struct uuid *id)
{
	const struct db_value value = db_uuid(id);

	return db_run(db, &delete_living, &value, 1, NULL, NULL, NULL);
}

/* ---- snoozing -------------------------------------------------------------------------- */

/* Other workers read the channel again when they see this. */
static const struct db_query touch_channel = {
	.sql = "UPDATE channels SET updated_at = $3 WHERE id = $1 AND team_id = $2",
};

static int set_snooze(struct str before, const struct snooze_change *wanted, int64_t now_us,
		      struct buf *after)
{
	const struct channel_options none = { .tree = NULL };
	struct channel_options *options = NULL;
	struct snooze snooze;
	int rc = before.len ? channel_options_open(before, &options) : 0;

	if (rc < 0)
		return rc;
	snooze = (options ? options : &none)->snooze;
	rc = snooze_set(&snooze, wanted->resource, wanted->until_us, now_us);
	if (rc == 0)
		rc = channel_options_set_snooze(before, &snooze, after);
	channel_options_close(options);
	return rc;
}

static int store_snooze(struct db *db, const struct uuid *id, const struct snooze_change *wanted,
			const struct change *change)
{
	struct buf before, after;
	int rc;

	buf_init(&before, CHANNEL_OPTIONS_MAX_BYTES);
	buf_init(&after, CHANNEL_OPTIONS_MAX_BYTES);
	rc = read_stored(db, id, &before);
	if (rc == 0)
		rc = set_snooze(buf_str(&before), wanted, change->now_us, &after);
	if (rc == 0)
		rc = write_stored(db, id, buf_str(&after), change->now_us);
	buf_done(&before);
	buf_done(&after);
	return rc;
}

static int audit_snooze(struct db *db, const struct uuid *id, const struct snooze_change *wanted,
			const struct change *change)
{
	char until[RFC3339_TEXT_SIZE] = "";
	struct changed changed = {
		.id = id,
		.action = wanted->until_us ? STR("snooze") : STR("end_snooze"),
		.status = STR("info"),
		.resource = wanted->resource,
	};

	if (wanted->until_us)
		rfc3339_format(wanted->until_us, 0, until);
	changed.until = str_of(until);
	return channel_audit(db, change, &changed);
}

int channel_snooze(struct db *db, const struct uuid *id, const struct snooze_change *snooze,
		   const struct change *change, struct buf *out, enum update_result *result)
{
	const struct uuid *team = &change->who->team;
	const struct db_value values[] = { db_uuid(id), db_uuid(team), db_time(change->now_us) };
	bool exists;
	bool found;
	int64_t count = 0;
	int rc = channel_lock_team(db, team, &exists);

	*result = UPDATE_NO_TEAM;
	if (rc < 0 || !exists)
		return rc;
	rc = db_run_now(db, &touch_channel, values, ARRAY_LEN(values), NULL, NULL, &count);
	*result = count > 0 ? UPDATE_DONE : UPDATE_NOT_FOUND;
	if (rc < 0 || count == 0)
		return rc;
	rc = store_snooze(db, id, snooze, change);
	if (rc == 0)
		rc = audit_snooze(db, id, snooze, change);
	return rc < 0 ? rc : channel_get(db, team, id, out, &found);
}
