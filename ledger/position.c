/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The statement compares both numbers of an id, so an entry that comes again never moves the
 * position back.
 */
#include "ledger/position.h"

/* The last millisecond of a stored time: 9999-12-31T23:59:59.999Z. */
#define STREAM_MS_MAX UINT64_C(253402300799999)

static const struct db_query store_position = {
	.sql = "INSERT INTO positions (group_name, last_id, last_ms, last_seq, updated_at) "
	       "VALUES ($1, $2, $3, $4, $5) ON CONFLICT (group_name) DO UPDATE SET "
	       "last_id = excluded.last_id, last_ms = excluded.last_ms, "
	       "last_seq = excluded.last_seq, updated_at = excluded.updated_at "
	       "WHERE (positions.last_ms, positions.last_seq) "
	       "< (excluded.last_ms, excluded.last_seq)",
};

bool position_fits(struct stream_id id)
{
	return id.ms <= STREAM_MS_MAX && id.seq <= INT64_MAX;
}

int position_store(struct db *db, const char *group, struct stream_id last, int64_t now_us)
{
	char text[STREAM_ID_TEXT_SIZE];

	if (!position_fits(last))
		return 0;
	stream_id_format(last, text);

	const struct db_value values[] = {
		db_text(str_of(group)),    db_text(str_of(text)), db_int((int64_t)last.ms),
		db_int((int64_t)last.seq), db_time(now_us),
	};

	return db_run(db, &store_position, values, ARRAY_LEN(values), NULL, NULL, NULL);
}

void position_advance(struct position *position, struct stream_id last)
{
	if (!position_fits(last) ||
	    (position->is_known && stream_id_compare(last, position->last) <= 0))
		return;
	*position = (struct position){ .is_known = true, .last = last };
}
