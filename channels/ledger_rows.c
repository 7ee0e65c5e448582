/* SPDX-License-Identifier: Apache-2.0 */

/* Statements on `deliveries` and `suppressed`; see the header. All ids come from the stream, so a
 * batch that is committed again changes nothing. */
#include "channels/ledger_rows.h"

static const struct db_query insert_delivery = {
	.sql = "INSERT INTO deliveries (id, stream_id, stream_ms, stream_seq, team_id, "
	       "channel_id, event, outcome, resource, payload, state, next_attempt_at, "
	       "created_at, updated_at) "
	       "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 'pending', $11, $11, $11) "
	       "ON CONFLICT (id) DO NOTHING",
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

void delivery_id_make(const struct uuid *channel, struct stream_id event, struct uuid *out)
{
	char stream_id[STREAM_ID_TEXT_SIZE];

	stream_id_format(event, stream_id);
	uuid_v5(channel, str_of(stream_id), out);
}

int delivery_insert(struct db *db, const struct event *event, const struct uuid *channel,
		    struct str payload, int64_t now_us)
{
	char stream_id[STREAM_ID_TEXT_SIZE];
	struct uuid id;

	stream_id_format(event->id, stream_id);
	delivery_id_make(channel, event->id, &id);

	const struct db_value values[] = {
		db_uuid(&id),
		db_text(str_of(stream_id)),
		db_int((int64_t)event->id.ms),
		db_int((int64_t)event->id.seq),
		db_uuid(&event->team),
		db_uuid(channel),
		db_text(str_of(event_kind_name(event->kind))),
		db_text_or_null(event_outcome_word(event->outcome)),
		db_text(event->resource_id),
		db_blob(payload),
		db_time(now_us),
	};

	return db_run(db, &insert_delivery, values, ARRAY_LEN(values), NULL, NULL, NULL);
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
