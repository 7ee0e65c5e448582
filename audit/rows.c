/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Writes rows of the trail inside the caller's transaction, so the row exists exactly when the
 * change or the delivery rows of that transaction do. A row whose id exists is left alone. The
 * caller gets the store's error and rolls back.
 */
#include "audit/rows.h"

#include <assert.h>
#include <errno.h>

#include "core/id.h"
#include "core/metrics.h"

#define INTO                                                                      \
	"INSERT INTO audit_logs (id, team_id, actor_type, actor_id, actor_name, " \
	"resource_type, resource_id, action, scope, status, metadata, created_at) "
#define VALUES        "$1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12"
#define UNLESS_STORED " ON CONFLICT (id) DO NOTHING"

static const struct db_query insert_row = {
	.sql = INTO "VALUES (" VALUES ")" UNLESS_STORED,
};
/* Used only for entries around an upgrade, so that other entries do not pay for the look-up. */
static const struct db_query insert_row_once = {
	.sql = INTO "SELECT " VALUES
		    " WHERE NOT EXISTS (SELECT 1 FROM audit_logs WHERE id = $13)" UNLESS_STORED,
};

static const struct db_query note_waiting = {
	.sql = "INSERT INTO audit_waiting (noted_at, audit_id) VALUES ($1, $2)",
};

static const struct db_query find_other = {
	.sql = "SELECT 1 FROM audit_logs WHERE id = $1 AND NOT (team_id = $2 AND resource_type = "
	       "$3 "
	       "AND coalesce(resource_id, '') = $4 AND action = $5 AND status = $6 "
	       "AND created_at = $7)",
};

/* audit_open() sets this on the loop, before the store's thread writes its first row. */
static struct metric *event_rows;
static struct metric *change_rows;

void audit_count_rows(void)
{
	static const char help[] =
		"Audit rows sent to the database. An entry read twice counts twice.";

	event_rows = metric_counter("wrenn_events_audit_rows_total", "source=\"event\"", help);
	change_rows = metric_counter("wrenn_events_audit_rows_total", "source=\"change\"", help);
}

static int insert(struct db *db, const struct audit_entry *entry, struct metric *counter,
		  int64_t *inserted)
{
	const struct db_value values[] = {
		db_uuid(&entry->id),
		db_uuid(&entry->team),
		db_text(entry->actor_type),
		db_text_or_null(entry->actor_id),
		db_text(entry->actor_name),
		db_text(entry->resource_type),
		db_text_or_null(entry->resource_id),
		db_text(entry->action),
		db_text(entry->scope),
		db_text(entry->status),
		db_json(entry->metadata),
		db_time(entry->created_us),
		db_uuid(&entry->old_id),
	};
	bool is_once = !uuid_is_zero(&entry->old_id);
	int rc;

	assert(db_may_audit(db));
	rc = db_run(db, is_once ? &insert_row_once : &insert_row, values,
		    ARRAY_LEN(values) - !is_once, NULL, NULL, inserted);

	if (rc == 0)
		metric_add(counter, 1);
	return rc;
}

int audit_insert(struct db *db, const struct audit_entry *entry, int64_t *inserted)
{
	if (entry->metadata_buf.err)
		return entry->metadata_buf.err;
	return insert(db, entry, event_rows, inserted);
}

static int insert_for_later(struct db *db, const struct audit_entry *entry, int64_t now_us,
			    struct metric *counter)
{
	const struct db_value values[] = { db_time(now_us), db_uuid(&entry->id) };
	int64_t inserted = 0;
	int rc = insert(db, entry, counter, &inserted);

	if (rc == 0)
		rc = db_flush(db);
	if (rc < 0 || inserted == 0)
		return rc;
	return db_run(db, &note_waiting, values, ARRAY_LEN(values), NULL, NULL, NULL);
}

int audit_insert_for_later(struct db *db, const struct audit_entry *entry, int64_t now_us)
{
	return insert_for_later(db, entry, now_us, event_rows);
}

static int on_other(const struct db_row *row, void *arg)
{
	(void)row;
	*(bool *)arg = true;
	return 0;
}

int audit_ask_other(struct db *db, const struct audit_entry *entry, bool *is_other)
{
	const struct db_value values[] = {
		db_uuid(&entry->id),         db_uuid(&entry->team),  db_text(entry->resource_type),
		db_text(entry->resource_id), db_text(entry->action), db_text(entry->status),
		db_time(entry->created_us),
	};

	return db_run(db, &find_other, values, ARRAY_LEN(values), on_other, is_other, NULL);
}

int audit_insert_change(struct db *db, enum audit_mode mode, const struct identity *who,
			struct str resource_type, struct str resource_id, struct str action,
			struct str status, struct str metadata, int64_t now_us)
{
	bool by_key = who->credential == CREDENTIAL_API_KEY;
	char actor_id[ID_TEXT_SIZE];
	struct audit_entry entry = {
		.team = who->team,
		.actor_type = by_key ? STR("api_key") : STR("user"),
		.actor_name = str_of(who->name),
		.resource_type = resource_type,
		.resource_id = resource_id,
		.action = action,
		.scope = STR("team"),
		.status = status,
		.metadata = metadata.len ? metadata : STR("{}"),
		.created_us = now_us,
	};

	if (mode == AUDIT_OFF)
		return 0;
	id_format(by_key ? ID_KEY : ID_USER, &who->actor, actor_id);
	entry.actor_id = str_of(actor_id);
	uuid_v4(&entry.id);
	return insert_for_later(db, &entry, now_us, change_rows);
}
