/* SPDX-License-Identifier: Apache-2.0 */

/* Statements on `deliveries` and `suppressed`. All ids come from the stream, so a batch that is
 * committed again changes nothing. */
#include "ledger/delivery_rows.h"

#define INTO                                                                      \
	"INSERT INTO deliveries (id, stream_id, stream_ms, stream_seq, team_id, " \
	"channel_id, event, outcome, resource, payload, state, next_attempt_at, " \
	"created_at, updated_at, accepted_at) "
#define VALUES        "$1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 'pending', $11, $11, $11, $12"
#define UNLESS_STORED " ON CONFLICT (id) DO NOTHING"

static const struct db_query insert_delivery = {
	.sql = INTO "VALUES (" VALUES ")" UNLESS_STORED,
};
/* Looks for the old id, too. A statement of its own, so that only entries around an upgrade pay
 * for it. */
static const struct db_query insert_delivery_once = {
	.sql = INTO "SELECT " VALUES
		    " WHERE NOT EXISTS (SELECT 1 FROM deliveries WHERE id = $13)" UNLESS_STORED,
};
static const struct db_query insert_suppressed = {
	.sql = "INSERT INTO suppressed (team_id, stream_id, event, reason, created_at) "
	       "VALUES ($1, $2, $3, $4, $5) ON CONFLICT (team_id, stream_id) DO NOTHING",
};

struct str event_outcome_word(enum event_outcome outcome)
{
	switch (outcome) {
	case OUTCOME_SUCCESS:
		return STR("success");
	case OUTCOME_ERROR:
		return STR("error");
	case OUTCOME_NONE:
		break;
	}
	return STR("");
}

int delivery_insert(struct db *db, const struct new_delivery *delivery)
{
	const struct event *event = delivery->event;
	bool is_once = delivery->may_be_stored;
	char stream_id[STREAM_ID_TEXT_SIZE];
	struct uuid old_id;

	stream_id_format(event->id, stream_id);
	delivery_id_make_old(delivery->channel, event->id, &old_id);

	const struct db_value values[] = {
		db_uuid(delivery->id),
		db_text(str_of(stream_id)),
		db_int((int64_t)event->id.ms),
		db_int((int64_t)event->id.seq),
		db_uuid(&event->team),
		db_uuid(delivery->channel),
		db_text(str_of(event_kind_name(event->kind))),
		db_text_or_null(event_outcome_word(event->outcome)),
		db_text(event->resource_id),
		db_blob(delivery->payload),
		db_time(delivery->now_us),
		delivery->accepted_us ? db_time(delivery->accepted_us) : db_null(),
		db_uuid(&old_id),
	};

	return db_run(db, is_once ? &insert_delivery_once : &insert_delivery, values,
		      ARRAY_LEN(values) - !is_once, NULL, NULL, delivery->inserted);
}

int suppressed_insert(struct db *db, const struct event *event, const char *reason, int64_t now_us)
{
	char stream_id[STREAM_ID_TEXT_SIZE];

	stream_id_format(event->id, stream_id);

	const struct db_value values[] = {
		db_uuid(&event->team),
		db_text(str_of(stream_id)),
		db_text(str_of(event_kind_name(event->kind))),
		db_text(str_of(reason)),
		db_time(now_us),
	};

	return db_run(db, &insert_suppressed, values, ARRAY_LEN(values), NULL, NULL, NULL);
}
