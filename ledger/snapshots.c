/* SPDX-License-Identifier: Apache-2.0 */

/* The time is that of the stream id, as for the audit row of a failure. */
#include "ledger/snapshots.h"

#include "core/utf8.h"

#define MAX_NAME 1024 /* the limit of a row of the trail */

static const struct db_query insert_outcome = {
	.sql = "INSERT INTO snapshot_outcomes (team_id, ended_at, name, is_success) "
	       "VALUES ($1, $2, $3, $4) ON CONFLICT (team_id, ended_at, name) DO NOTHING",
};

int snapshot_note_outcome(struct db *db, const struct event *event)
{
	const struct db_value values[] = {
		db_uuid(&event->team),
		db_time(event_stream_us(event)),
		db_text(utf8_cut(event->resource_id, MAX_NAME)),
		db_bool(event->outcome != OUTCOME_ERROR),
	};

	if (event->kind != EVENT_SNAPSHOT_CREATE)
		return 0;
	return db_run(db, &insert_outcome, values, ARRAY_LEN(values), NULL, NULL, NULL);
}
