/* SPDX-License-Identifier: Apache-2.0 */

/* Reads and writes `living_messages`. The statements compare positions, so a late writer changes
 * nothing. */
#include "delivery/living.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/crypto.h"

#define DAY_US   (INT64_C(24) * 3600 * 1000000)
#define KEEP_US  (90 * DAY_US) /* after the last change */
#define ENDED_US (7 * DAY_US)  /* after the end of the resource */
#define KEY_MAX  1024          /* bytes of a resource's name; no index takes a very long one */
#define KEY_SIZE (KEY_MAX + 16)

void living_place(const struct provider *provider, const struct provider_config *config,
		  struct str key, char out[SHA256_HEX_SIZE])
{
	struct str pieces[2 + 4 * PROVIDER_MAX_FIELDS] = { str_of(provider->name) };
	uint8_t mac[SHA256_SIZE];
	size_t count = 1;

	for (size_t i = 0; i < config->count; i++) {
		pieces[count++] = STR("\n");
		pieces[count++] = str_of(config->fields[i].name);
		pieces[count++] = STR("=");
		pieces[count++] = config->fields[i].value;
	}
	crypto_hmac_sha256(key, pieces, count, mac);
	hex_encode(mac, sizeof(mac), out);
}

void living_key(struct buf *out, enum event_kind kind, struct str outcome, struct str resource)
{
	if (!living_kind(kind) || str_is(outcome, "error") || resource.len == 0 ||
	    resource.len > KEY_MAX)
		return;
	buf_add_text(out, event_kind_is_capsule(kind) ? "capsule " : "snapshot ");
	buf_add_str(out, resource);
}

/* ---- reading --------------------------------------------------------------------------------- */

/* One row, whether there is a message or not. */
static const struct db_query read_message = {
	.sql = "SELECT l.message_id, l.place, l.told_ms, l.told_seq, l.told_by, l.began_at, "
	       "l.trail, (SELECT min(f.stream_ms) FROM deliveries f WHERE f.digest_id = $3 "
	       "AND f.state || '' = 'folded') FROM (SELECT 1 AS n) AS one "
	       "LEFT JOIN living_messages l ON l.channel_id = $1 AND l.resource = $2",
};
/* The newest of the folded deliveries, in order. */
static const struct db_query read_folded = {
	.sql = "SELECT payload, stream_ms, stream_seq FROM (SELECT payload, stream_ms, stream_seq "
	       "FROM deliveries WHERE digest_id = $1 AND state || '' = 'folded' "
	       "ORDER BY stream_ms DESC, stream_seq DESC LIMIT 12) AS newest "
	       "ORDER BY stream_ms, stream_seq",
};

struct message_reading {
	struct living *living;
	const char *place;
	int64_t first_folded_ms;
};

static int on_message(const struct db_row *row, void *arg)
{
	struct message_reading *reading = arg;
	struct living *living = reading->living;

	reading->first_folded_ms = row_int(row, 7);
	if (row_is_null(row, 0))
		return 0;
	if (str_is(row_text(row, 1), reading->place))
		snprintf(living->message_id, sizeof(living->message_id), "%.*s",
			 STR_ARGS(row_text(row, 0)));
	living->shown.ms = (uint64_t)row_int(row, 2);
	living->shown.seq = (uint64_t)row_int(row, 3);
	living->shown_by = row_uuid(row, 4);
	living->began_us = row_time(row, 5);
	snprintf(living->trail, sizeof(living->trail), "%.*s", STR_ARGS(row_text(row, 6)));
	return 0;
}

static int on_folded(const struct db_row *row, void *arg)
{
	struct living *living = arg;
	const struct stream_id id = { .ms = (uint64_t)row_int(row, 1),
				      .seq = (uint64_t)row_int(row, 2) };
	struct event *event = NULL;
	int rc = event_parse(row_blob(row, 0), id, &event, NULL);

	if (rc == 0)
		trail_add(living->trail, event);
	event_free(event);
	return rc == -ENOMEM ? rc : 0;
}

static int read_living(struct db *db, const struct living_subject *subject,
		       struct message_reading *reading)
{
	struct living *living = reading->living;
	const struct db_value values[] = { db_uuid(subject->channel),
					   db_text(str_of(living->resource)),
					   db_uuid(subject->delivery) };
	int rc =
		db_run_now(db, &read_message, values, ARRAY_LEN(values), on_message, reading, NULL);

	if (rc < 0 || reading->first_folded_ms == 0)
		return rc;
	living->carries = true;
	if (living->began_us == 0)
		living->began_us = reading->first_folded_ms * 1000;
	return db_run_now(db, &read_folded, &values[2], 1, on_folded, living, NULL);
}

static struct living *new_living(const struct event *event)
{
	bool is_failure = event->outcome == OUTCOME_ERROR;
	struct living *living;
	struct buf key;

	buf_init(&key, KEY_SIZE);
	living_key(&key, event->kind, is_failure ? STR("error") : STR(""), event->resource_id);
	living = key.len && !key.err ? calloc(1, sizeof(*living) + key.len + 1) : NULL;
	if (living) {
		memcpy(living->resource, key.bytes, key.len);
		living->is_ended = event->kind == EVENT_CAPSULE_DESTROY ||
				   event->kind == EVENT_SNAPSHOT_DELETE;
	}
	buf_done(&key);
	return living;
}

static bool was_shown(const struct living *living, const struct living_subject *subject)
{
	return stream_id_compare(subject->stream_id, living->shown) <= 0;
}

/* A body that cannot be read fails when it is sent. */
int living_read(struct db *db, const struct living_subject *subject, const char *place,
		struct living **out)
{
	struct message_reading reading = { .place = place };
	struct event *event = NULL;
	int rc = event_parse(subject->body, subject->stream_id, &event, NULL);

	*out = NULL;
	if (rc < 0)
		return rc == -ENOMEM ? rc : 0;
	reading.living = new_living(event);
	if (reading.living)
		rc = read_living(db, subject, &reading);
	if (reading.living && rc == 0) {
		memcpy(reading.living->trail_after, reading.living->trail, TRAIL_SIZE);
		trail_add(reading.living->trail_after, event);
	}
	event_free(event);
	/* A delivery that its owner sends again must appear as a new message. */
	if (reading.living &&
	    (rc < 0 || (subject->is_asked_again && was_shown(reading.living, subject)))) {
		free(reading.living);
		return rc;
	}
	*out = reading.living;
	return rc;
}

/* ---- writing --------------------------------------------------------------------------------- */

static const struct db_query store_message = {
	.sql = "INSERT INTO living_messages (channel_id, resource, message_id, place, told_ms, "
	       "told_seq, told_by, began_at, trail, updated_at, expires_at) "
	       "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) "
	       "ON CONFLICT (channel_id, resource) DO UPDATE SET message_id = excluded.message_id, "
	       "place = excluded.place, told_ms = excluded.told_ms, told_seq = excluded.told_seq, "
	       "told_by = excluded.told_by, began_at = excluded.began_at, trail = excluded.trail, "
	       "updated_at = excluded.updated_at, expires_at = excluded.expires_at "
	       "WHERE (living_messages.told_ms, living_messages.told_seq) < "
	       "(excluded.told_ms, excluded.told_seq)",
};
static const struct db_query lose_message = {
	.sql = "UPDATE living_messages SET message_id = '', updated_at = $3 "
	       "WHERE channel_id = $1 AND resource = $2 AND message_id = $4",
};

int living_store(struct db *db, const struct living_subject *subject, const struct living *living,
		 const char *place, const char *message_id, int64_t now_us)
{
	int64_t event_us = (int64_t)subject->stream_id.ms * 1000;
	const struct db_value values[] = {
		db_uuid(subject->channel),
		db_text(str_of(living->resource)),
		db_text(str_of(message_id)),
		db_text(str_of(place)),
		db_int((int64_t)subject->stream_id.ms),
		db_int((int64_t)subject->stream_id.seq),
		db_uuid(subject->delivery),
		db_time(living->began_us ? living->began_us : event_us),
		db_text(str_of(living->trail_after)),
		db_time(now_us),
		db_time(now_us + (living->is_ended ? ENDED_US : KEEP_US)),
	};

	return db_run(db, &store_message, values, ARRAY_LEN(values), NULL, NULL, NULL);
}

int living_lose(struct db *db, const struct uuid *channel, const struct living *living,
		int64_t now_us)
{
	const struct db_value values[] = { db_uuid(channel), db_text(str_of(living->resource)),
					   db_time(now_us), db_text(str_of(living->message_id)) };

	return db_run(db, &lose_message, values, ARRAY_LEN(values), NULL, NULL, NULL);
}
