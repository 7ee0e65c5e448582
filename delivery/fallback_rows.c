/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Statements on `channel_fallbacks`, and the copies. The id of a copy is that of the fallback's own
 * delivery of the event, so that an event both channels want arrives once, and a copy that is made
 * again changes nothing.
 */
#include "delivery/fallback_rows.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/delivery_id.h"
#include "core/rfc3339.h"
#include "core/utf8.h"
#include "delivery/fold.h"
#include "providers/provider.h"

#define MINUTE_US   (INT64_C(60) * 1000000)
#define NAME_BYTES  128
#define ERROR_BYTES 200

/* ---- reading --------------------------------------------------------------------------- */

static const struct db_query read_fallbacks = {
	.sql = "SELECT f.channel_id, f.fallback_id, f.after_minutes, f.taken_over_at, f.copied_ms, "
	       "f.copied_seq, s.failing_since, s.disabled_at, c.name, "
	       "COALESCE(s.disabled_reason, s.last_error, ''), s.last_error_at FROM "
	       "channel_fallbacks f "
	       "JOIN channels c ON c.id = f.channel_id "
	       "JOIN channels b ON b.id = f.fallback_id AND b.team_id = c.team_id "
	       "LEFT JOIN channel_state s ON s.channel_id = f.channel_id "
	       "WHERE f.channel_id > $1 AND (f.taken_over_at IS NOT NULL "
	       "OR s.failing_since IS NOT NULL OR s.disabled_at IS NOT NULL) "
	       "ORDER BY f.channel_id LIMIT $2",
};

struct fallback_page {
	struct fallback *at;
	size_t count;
};

static void write_note(struct fallback *fallback, struct str name, struct str error)
{
	char since[RFC3339_TEXT_SIZE];

	name = utf8_cut(name, NAME_BYTES);
	error = utf8_cut(error, ERROR_BYTES);
	rfc3339_format(fallback->failing_since_us, 0, since);
	snprintf(fallback->note, sizeof(fallback->note),
		 "%.*s, which has failed since %.10s %.5s UTC%s%.*s", STR_ARGS(name), since,
		 since + 11, error.len ? ": " : "", STR_ARGS(error));
}

static int on_fallback(const struct db_row *row, void *arg)
{
	struct fallback_page *reading = arg;
	struct fallback *fallback = &reading->at[reading->count++];
	int64_t failing_us = row_time(row, 6);
	int64_t disabled_us = row_time(row, 7);

	*fallback = (struct fallback){
		.channel = row_uuid(row, 0),
		.to = row_uuid(row, 1),
		.after_us = row_int(row, 2) * MINUTE_US,
		.taken_over_us = row_time(row, 3),
		.failing_since_us = failing_us ? failing_us : disabled_us,
		.failed_at_us = row_time(row, 10),
		.is_disabled = disabled_us != 0,
		.copied = { .ms = (uint64_t)row_int(row, 4), .seq = (uint64_t)row_int(row, 5) },
	};
	write_note(fallback, row_text(row, 8), row_text(row, 9));
	return 0;
}

int fallbacks_read(struct db *db, const struct uuid *after, struct fallback *out, size_t max,
		   size_t *out_count)
{
	const struct db_value values[] = { db_uuid(after), db_int((int64_t)max) };
	struct fallback_page reading = { .at = out };
	int rc = db_run_now(db, &read_fallbacks, values, ARRAY_LEN(values), on_fallback, &reading,
			    NULL);

	*out_count = reading.count;
	return rc;
}

enum fallback_step fallback_next(const struct fallback *fallback, int64_t now_us)
{
	int64_t failing_us = fallback->failing_since_us;
	int64_t span_us;

	if (failing_us == 0 || failing_us > now_us)
		return fallback->taken_over_us ? FALLBACK_HAND_BACK : FALLBACK_REST;
	if (fallback->taken_over_us)
		return FALLBACK_COPY;
	/* Quiet hours may hold the retry that would end the failure, and then its age proves
	 * nothing. */
	span_us = (fallback->is_disabled ? now_us : fallback->failed_at_us) - failing_us;
	return span_us >= fallback->after_us ? FALLBACK_COPY : FALLBACK_REST;
}

/* ---- copying --------------------------------------------------------------------------- */

static const struct db_query read_pending = {
	.sql = "SELECT id, stream_ms, stream_seq, event, instead_of FROM deliveries "
	       "WHERE channel_id = $1 AND state = 'pending' "
	       "AND (stream_ms, stream_seq) > ($2, $3) "
	       "ORDER BY stream_ms, stream_seq LIMIT 100",
};
_Static_assert(FALLBACK_MAX_COPIES == 100, "the LIMIT of read_pending");
/* Rows folded into a digest that has not been delivered. */
static const struct db_query read_folded = {
	.sql = "SELECT id, stream_ms, stream_seq, event, instead_of FROM deliveries "
	       "WHERE digest_id = $1 AND state = 'folded' LIMIT 1000",
};
_Static_assert(FOLD_MAX_ROWS == 1000, "the LIMIT of read_folded");

/* Its day begins now: the event may be older. */
static const struct db_query insert_copy = {
	.sql = "INSERT INTO deliveries (id, stream_id, stream_ms, stream_seq, team_id, channel_id, "
	       "event, outcome, resource, payload, state, next_attempt_at, created_at, updated_at, "
	       "accepted_at, requeued_at, instead_of, note) SELECT $1, d.stream_id, d.stream_ms, "
	       "d.stream_seq, "
	       "d.team_id, $2, d.event, d.outcome, d.resource, d.payload, 'pending', $3, $3, $3, "
	       "d.accepted_at, $3, d.channel_id, $4 FROM deliveries d WHERE d.id = $5 "
	       "ON CONFLICT (id) DO NOTHING",
};
static const struct db_query take_over = {
	.sql = "UPDATE channel_fallbacks SET taken_over_at = COALESCE(taken_over_at, $3), "
	       "copied_ms = $4, copied_seq = $5 WHERE channel_id = $1 AND fallback_id = $2",
};

struct missed_row {
	struct uuid id;
	struct stream_id place;
	bool is_digest;
	bool is_copy; /* copying it again would begin a chain or a circle */
};

struct row_list {
	size_t count;
	struct missed_row rows[FOLD_MAX_ROWS];
};

struct copying {
	struct db *db;
	const struct fallback *fallback;
	int64_t now_us;
	int64_t tried;
	int64_t inserted;
	struct row_list pending;
	struct row_list folded;
};

static int on_row(const struct db_row *row, void *arg)
{
	struct row_list *list = arg;

	list->rows[list->count++] = (struct missed_row){
		.id = row_uuid(row, 0),
		.place = { .ms = (uint64_t)row_int(row, 1), .seq = (uint64_t)row_int(row, 2) },
		.is_digest = str_is(row_text(row, 3), DIGEST_EVENT),
		.is_copy = !row_is_null(row, 4),
	};
	return 0;
}

static int copy_one(struct copying *copying, const struct missed_row *row)
{
	const struct fallback *fallback = copying->fallback;
	struct uuid copy;
	int64_t changed = 0;
	int rc;

	if (row->is_copy)
		return 0;
	delivery_id_make(&fallback->to, row->place, &copy);

	const struct db_value values[] = {
		db_uuid(&copy),           db_uuid(&fallback->to),
		db_time(copying->now_us), db_text(str_of(fallback->note)),
		db_uuid(&row->id),
	};

	rc = db_run_now(copying->db, &insert_copy, values, ARRAY_LEN(values), NULL, NULL, &changed);
	copying->tried++;
	copying->inserted += changed;
	return rc;
}

static int copy_digest(struct copying *copying, const struct missed_row *digest)
{
	const struct db_value id = db_uuid(&digest->id);
	int rc;

	copying->folded.count = 0;
	rc = db_run_now(copying->db, &read_folded, &id, 1, on_row, &copying->folded, NULL);
	for (size_t i = 0; i < copying->folded.count && rc == 0; i++)
		rc = copy_one(copying, &copying->folded.rows[i]);
	return rc;
}

/* From the place after *copied on. A digest is copied as a whole. */
static int copy_pending(struct copying *copying, struct stream_id *copied)
{
	const struct db_value from[] = {
		db_uuid(&copying->fallback->channel),
		db_int((int64_t)copied->ms),
		db_int((int64_t)copied->seq),
	};
	int rc = db_run_now(copying->db, &read_pending, from, ARRAY_LEN(from), on_row,
			    &copying->pending, NULL);

	for (size_t i = 0; i < copying->pending.count && rc == 0; i++) {
		const struct missed_row *row = &copying->pending.rows[i];

		if (copying->tried >= FALLBACK_MAX_COPIES)
			break;
		rc = row->is_digest ? copy_digest(copying, row) : copy_one(copying, row);
		*copied = row->place;
	}
	return rc;
}

static int note_copied(struct db *db, const struct fallback *fallback, struct stream_id copied,
		       int64_t now_us)
{
	const struct db_value values[] = {
		db_uuid(&fallback->channel), db_uuid(&fallback->to),      db_time(now_us),
		db_int((int64_t)copied.ms),  db_int((int64_t)copied.seq),
	};
	int64_t changed = 0;
	int rc = db_run_now(db, &take_over, values, ARRAY_LEN(values), NULL, NULL, &changed);

	return rc == 0 && changed == 0 ? -EAGAIN : rc;
}

int fallback_copy(struct db *db, const struct fallback *fallback, int64_t now_us, int64_t *rows)
{
	struct copying *copying = calloc(1, sizeof(*copying));
	struct stream_id copied = fallback->copied;
	int rc;

	if (!copying)
		return -ENOMEM;
	copying->db = db;
	copying->fallback = fallback;
	copying->now_us = now_us;
	rc = copy_pending(copying, &copied);
	if (rc == 0 && (copying->pending.count > 0 || !fallback->taken_over_us))
		rc = note_copied(db, fallback, copied, now_us);
	*rows = copying->inserted;
	free(copying);
	return rc;
}

static const struct db_query hand_back = {
	.sql = "UPDATE channel_fallbacks SET taken_over_at = NULL "
	       "WHERE channel_id = $1 AND fallback_id = $2",
};

int fallback_hand_back(struct db *db, const struct fallback *fallback)
{
	const struct db_value values[] = { db_uuid(&fallback->channel), db_uuid(&fallback->to) };

	return db_run_now(db, &hand_back, values, ARRAY_LEN(values), NULL, NULL, NULL);
}
