/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The statements. Each names the state it moves rows out of, so a row that another job has moved is
 * not touched.
 *
 * PostgreSQL plans by statistics, which may be hours old. So no plan depends on them here:
 * - It gets ids as an array. Otherwise it may join by reading all rows of a state.
 * - A statement that finds a row by its id checks the state with HAS_STATE. Written as `state =`
 *   the condition fits a partial index, and PostgreSQL reads all of it if it seems small.
 */
#include "delivery/transitions.h"

#include <assert.h>

#include "core/attributes.h"

#define HAS_STATE(comparison) "state || '' " comparison " "

static struct db_value time_or_null(int64_t us)
{
	return us == 0 ? db_null() : db_time(us);
}

/* ---- what the engine does ------------------------------------------------------------------ */

static const struct db_query end_turn = {
	.sql = "UPDATE deliveries SET state = $2, attempts = $3, next_attempt_at = $4, "
	       "first_failed_at = $5, last_status = $6, last_error = $7, updated_at = $8, "
	       "delivered_at = $9 WHERE id = $1 AND " HAS_STATE("= 'pending'"),
};

/* Nothing has failed before, so most columns are as they were made. */
static const struct db_query end_first_turn = {
	.sql = "UPDATE deliveries SET state = 'delivered', attempts = 1, last_status = $2, "
	       "updated_at = $3, delivered_at = $3, first_started_at = $4, "
	       "first_duration_us = $5, first_status = $2, first_verdict = $6, "
	       "first_detail = $7 WHERE id = $1 AND " HAS_STATE("= 'pending'"),
};
static const struct db_query store_attempt = {
	.sql = "INSERT INTO delivery_attempts (delivery_id, number, started_at, duration_us, "
	       "status, verdict, detail) VALUES ($1, $2, $3, $4, $5, $6, $7) "
	       "ON CONFLICT (delivery_id, number) DO NOTHING",
};

static struct db_value status_of(const struct turn_result *result)
{
	return result->status ? db_int(result->status) : db_null();
}

/* A row has room for one attempt, and a delivery can be sent again on request. */
static bool is_first_success(const struct delivery *delivery, const struct turn_result *result)
{
	return result->has_attempt && delivery->attempts == 1 &&
	       delivery->state == DELIVERY_DELIVERED;
}

static int end_first(struct db *db, const struct delivery *delivery,
		     const struct turn_result *result, int64_t *out_rows)
{
	const struct attempt_note *attempt = &result->attempt;
	const struct db_value values[] = {
		db_uuid(&delivery->id),
		status_of(result),
		db_time(result->ended_us),
		db_time(attempt->started_us),
		db_int(attempt->duration_us),
		db_text(str_of(attempt_verdict_name(attempt->verdict))),
		db_text(attempt->detail),
	};

	return db_run(db, &end_first_turn, values, ARRAY_LEN(values), NULL, NULL, out_rows);
}

static int end_other(struct db *db, const struct delivery *delivery,
		     const struct turn_result *result, int64_t *out_rows)
{
	bool is_delivered = delivery->state == DELIVERY_DELIVERED;
	const struct db_value values[] = {
		db_uuid(&delivery->id),
		db_text(str_of(delivery_state_name(delivery->state))),
		db_int(delivery->attempts),
		db_time(delivery->next_attempt_us),
		time_or_null(delivery->first_failed_us),
		status_of(result),
		db_text_or_null(str_of(result->error)),
		db_time(result->ended_us),
		time_or_null(is_delivered ? result->ended_us : 0),
	};

	return db_run(db, &end_turn, values, ARRAY_LEN(values), NULL, NULL, out_rows);
}

static int insert_attempt(struct db *db, const struct delivery *delivery,
			  const struct turn_result *result)
{
	const struct attempt_note *attempt = &result->attempt;
	const struct db_value values[] = {
		db_uuid(&delivery->id),
		db_int(delivery->attempts),
		db_time(attempt->started_us),
		db_int(attempt->duration_us),
		status_of(result),
		db_text(str_of(attempt_verdict_name(attempt->verdict))),
		db_text(attempt->detail),
	};

	return db_run(db, &store_attempt, values, ARRAY_LEN(values), NULL, NULL, NULL);
}

int transition_end_turn(struct db *db, const struct delivery *delivery,
			const struct turn_result *result, int64_t *out_rows)
{
	int rc;

	assert(delivery->state == DELIVERY_PENDING ||
	       delivery_may_store(DELIVERY_PENDING, delivery->state));
	if (is_first_success(delivery, result))
		return end_first(db, delivery, result, out_rows);
	rc = end_other(db, delivery, result, out_rows);
	return rc == 0 && result->has_attempt ? insert_attempt(db, delivery, result) : rc;
}

int transition_keep_attempt(struct db *db, const struct delivery *delivery,
			    const struct turn_result *result)
{
	return is_first_success(delivery, result) ? insert_attempt(db, delivery, result) : 0;
}

static const struct db_query lock_settings = {
	.sql = "SELECT 1 FROM channels WHERE id = $1 AND updated_at = $2 FOR SHARE",
	.sqlite = "SELECT 1 FROM channels WHERE id = $1 AND updated_at = $2",
};
#define HOLD                                                                                    \
	"UPDATE deliveries SET next_attempt_at = $1, held_until = $1, first_failed_at = NULL, " \
	"requeued_at = CASE WHEN held_until IS NULL OR attempts = attempts_before THEN $1 "     \
	"ELSE requeued_at END, updated_at = $2 "
static const struct db_query hold_rows = {
	.sql = HOLD "WHERE id = ANY (CAST(CAST($3 AS text[]) AS uuid[])) "
		    "AND " HAS_STATE("= 'pending'"),
	.sqlite = HOLD "WHERE state = 'pending' AND id IN (SELECT value FROM json_each($3))",
};

static int on_present(const struct db_row *row, void *arg)
{
	(void)row;
	*(bool *)arg = true;
	return 0;
}

int transition_hold(struct db *db, const struct uuid *channel, int64_t updated_us,
		    const struct held_rows *held, int64_t now_us, int64_t *out_rows)
{
	const struct db_value settings[] = { db_uuid(channel), db_time(updated_us) };
	const struct db_value values[] = { db_time(held->until_us), db_time(now_us),
					   db_words(held->ids, held->count) };
	bool are_same = false;
	int rc = db_run_now(db, &lock_settings, settings, 2, on_present, &are_same, NULL);

	*out_rows = 0;
	if (rc < 0 || !are_same)
		return rc;
	return db_run_now(db, &hold_rows, values, ARRAY_LEN(values), NULL, NULL, out_rows);
}

static const struct db_query fold = {
	.sql = "UPDATE deliveries SET state = 'folded', digest_id = $1, updated_at = $2 "
	       "WHERE id = ANY (CAST(CAST($3 AS text[]) AS uuid[])) AND " HAS_STATE("= 'pending'"),
	.sqlite = "UPDATE deliveries SET state = 'folded', digest_id = $1, updated_at = $2 "
		  "WHERE state = 'pending' AND id IN (SELECT value FROM json_each($3))",
};

int transition_fold(struct db *db, const struct uuid *digest, const struct str *ids, size_t count,
		    int64_t now_us, int64_t *out_rows)
{
	const struct db_value values[] = { db_uuid(digest), db_time(now_us), db_words(ids, count) };

	return db_run_now(db, &fold, values, ARRAY_LEN(values), NULL, NULL, out_rows);
}

static const struct db_query refold = {
	.sql = "UPDATE deliveries SET digest_id = $1, updated_at = $2 "
	       "WHERE digest_id = ANY (CAST(CAST($3 AS text[]) AS uuid[])) AND " HAS_STATE(
		       "= 'folded'"),
	.sqlite =
		"UPDATE deliveries SET digest_id = $1, updated_at = $2 "
		"WHERE digest_id IN (SELECT value FROM json_each($3)) AND " HAS_STATE("= 'folded'"),
};

int transition_refold(struct db *db, const struct uuid *digest, const struct str *ids, size_t count,
		      int64_t now_us)
{
	const struct db_value values[] = { db_uuid(digest), db_time(now_us), db_words(ids, count) };

	return db_run_now(db, &refold, values, ARRAY_LEN(values), NULL, NULL, NULL);
}

/* When a digest was dropped while its request was running, its rows are dropped, too. */
static const struct db_query unfold = {
	.sql = "UPDATE deliveries SET state = 'pending', next_attempt_at = $2, updated_at = $2, "
	       "held_until = CASE WHEN held_until > $2 THEN $2 ELSE held_until END "
	       "WHERE digest_id = $1 AND " HAS_STATE(
		       "= 'folded'") "AND EXISTS "
				     "(SELECT 1 FROM deliveries d WHERE d.id = $1 AND d." HAS_STATE(
					     "= 'failed'") ")",
};

int transition_unfold(struct db *db, const struct uuid *digest, int64_t now_us, int64_t *out_rows)
{
	const struct db_value values[] = { db_uuid(digest), db_time(now_us) };

	return db_run(db, &unfold, values, ARRAY_LEN(values), NULL, NULL, out_rows);
}

#define DROP "UPDATE deliveries SET state = 'dropped', last_error = $3, updated_at = $2 "
#define OLDEST                                                                    \
	"(SELECT id FROM deliveries WHERE channel_id = $1 AND state = 'pending' " \
	"ORDER BY stream_ms, stream_seq LIMIT 50) "
static const struct db_query drop_oldest = {
	.sql = DROP "WHERE id = ANY (ARRAY" OLDEST ") AND " HAS_STATE("= 'pending'"),
	.sqlite = DROP "WHERE id IN " OLDEST "AND " HAS_STATE("= 'pending'"),
};
_Static_assert(TRANSITION_PIECE == 50, "the LIMIT of every piece in this file");

int transition_drop(struct db *db, const struct uuid *channel, struct str why, int64_t now_us,
		    int64_t *out_rows)
{
	const struct db_value values[] = { db_uuid(channel), db_time(now_us), db_text(why) };

	return db_run(db, &drop_oldest, values, ARRAY_LEN(values), NULL, NULL, out_rows);
}

/* Checks again: an owner may have enabled the channel after the earlier statement read its
 * state. */
#define DROP_DISABLED                                                                  \
	"UPDATE deliveries SET state = 'dropped', last_error = 'the channel has been " \
	"disabled for more than 30 days', updated_at = $2 "
#define LONG_DISABLED                                                                     \
	"(SELECT d.id FROM deliveries d WHERE d.state = 'pending' AND d.channel_id = $3 " \
	"AND EXISTS (SELECT 1 FROM channel_state s WHERE s.channel_id = $3 "              \
	"AND s.disabled_at < $1) LIMIT 50) "
static const struct db_query drop_disabled = {
	.sql = DROP_DISABLED "WHERE id = ANY (ARRAY" LONG_DISABLED
			     ") AND " HAS_STATE("= 'pending'"),
	.sqlite = DROP_DISABLED "WHERE id IN " LONG_DISABLED "AND " HAS_STATE("= 'pending'"),
};

int transition_drop_disabled(struct db *db, const struct uuid *channel, int64_t before_us,
			     int64_t now_us, int64_t *out_rows)
{
	const struct db_value values[] = { db_time(before_us), db_time(now_us), db_uuid(channel) };

	return db_run(db, &drop_disabled, values, ARRAY_LEN(values), NULL, NULL, out_rows);
}

/* ---- what owners ask for ------------------------------------------------------------------- */

#define OLDEST_FROM(which)                                                        \
	"(SELECT id FROM deliveries WHERE channel_id = $1 AND state = 'pending' " \
	"AND (stream_ms, stream_seq) >= ($3, $4) AND " which                      \
	" ORDER BY stream_ms, stream_seq LIMIT 50) "
#define STILL "AND " HAS_STATE("= 'pending'") "RETURNING stream_ms, stream_seq"
#define PIECE(set, which)                                                                        \
	.sql = "UPDATE deliveries SET " set "updated_at = $2 "                                   \
	       "WHERE id = ANY (ARRAY" OLDEST_FROM(which) ") " STILL,                            \
	.sqlite = "UPDATE deliveries SET " set "updated_at = $2 WHERE id IN " OLDEST_FROM(which) \
		STILL

/* The wait was not their fault: their clock and their retry schedule begin again. */
static const struct db_query release_piece = { PIECE(
	"next_attempt_at = $2, requeued_at = $2, attempts_before = attempts, "
	"first_failed_at = NULL, held_until = NULL, ",
	"(requeued_at IS NULL OR requeued_at <> $2)") };
static const struct db_query skip_piece = { PIECE(
	"state = 'dropped', last_error = 'skipped when the channel was enabled', ",
	"created_at <= $2") };

/* They were held once, so one digest reports them (fold.h). Rows that were tried are in no digest:
 * if they are held again, it is the same hold, and their day begins at its end. */
static const struct db_query unhold_piece = { PIECE(
	"next_attempt_at = $2, "
	"held_until = CASE WHEN attempts = attempts_before THEN $2 END, "
	"requeued_at = CASE WHEN requeued_at > $2 THEN $2 ELSE requeued_at END, ",
	"held_until > $2") };

static int on_piece_row(const struct db_row *row, void *arg)
{
	struct backlog_piece *piece = arg;
	int64_t ms = row_int(row, 0);
	int64_t seq = row_int(row, 1);

	piece->rows++;
	if (ms > piece->last_ms || (ms == piece->last_ms && seq > piece->last_seq)) {
		piece->last_ms = ms;
		piece->last_seq = seq;
	}
	return 0;
}

int transition_release(struct db *db, const struct uuid *channel, struct backlog_piece *piece,
		       int64_t now_us)
{
	const struct db_value values[] = { db_uuid(channel), db_time(now_us),
					   db_int(piece->from_ms), db_int(piece->from_seq) };
	int rc = db_run_now(db, piece->skips ? &skip_piece : &release_piece, values,
			    ARRAY_LEN(values), on_piece_row, piece, NULL);

	piece->has_more = piece->rows == TRANSITION_PIECE;
	return rc;
}

int transition_release_held(struct db *db, const struct uuid *channel, struct backlog_piece *piece,
			    int64_t now_us)
{
	const struct db_value values[] = { db_uuid(channel), db_time(now_us),
					   db_int(piece->from_ms), db_int(piece->from_seq) };
	int rc =
		db_run_now(db, &unhold_piece, values, ARRAY_LEN(values), on_piece_row, piece, NULL);

	piece->has_more = piece->rows == TRANSITION_PIECE;
	return rc;
}

#define AGAIN                                                                              \
	"UPDATE deliveries SET state = 'pending', requeued_at = $1, asked_again_at = $1, " \
	"next_attempt_at = $1, updated_at = $1, attempts_before = attempts, "              \
	"first_failed_at = NULL, delivered_at = NULL, digest_id = NULL, held_until = NULL "

static const struct db_query requeue_one = {
	.sql = AGAIN "WHERE id = $2 AND team_id = $3 AND " HAS_STATE(
		"<> 'pending'") "AND EXISTS "
				"(SELECT 1 FROM channels c WHERE c.id = channel_id AND c.team_id = "
				"$3)",
};

int transition_requeue(struct db *db, const struct uuid *team, const struct uuid *id,
		       int64_t now_us, int64_t *out_rows)
{
	const struct db_value values[] = { db_time(now_us), db_uuid(id), db_uuid(team) };

	return db_run_now(db, &requeue_one, values, ARRAY_LEN(values), NULL, NULL, out_rows);
}

/* The conditions are spelled exactly as in the partial indexes deliveries_missed and
 * deliveries_state. Otherwise no store would use them, and the writer would read the channel's
 * whole history. */
#define OLDEST_MISSED(states)                                  \
	"(SELECT id FROM deliveries WHERE channel_id = $2 "    \
	"AND created_at >= $3 AND created_at < $4 AND " states \
	" ORDER BY created_at, stream_ms, stream_seq LIMIT 50) "
#define STILL_MISSED "AND " HAS_STATE("IN ('failed', 'dropped')") "RETURNING created_at"
#define MISSED(states)                                                                \
	.sql = AGAIN "WHERE id = ANY (ARRAY" OLDEST_MISSED(states) ") " STILL_MISSED, \
	.sqlite = AGAIN "WHERE id IN " OLDEST_MISSED(states) STILL_MISSED

#define INDEXED "AND state <> 'delivered' AND state <> 'pending'"

static const struct db_query requeue_missed = { MISSED("state IN ('failed', 'dropped')") };
static const struct db_query requeue_failed = { MISSED("state = 'failed' " INDEXED) };
static const struct db_query requeue_dropped = { MISSED("state = 'dropped' " INDEXED) };

static const struct db_query *missed_query(const struct missed_piece *piece)
{
	if (piece->failed && piece->dropped)
		return &requeue_missed;
	return piece->failed ? &requeue_failed : &requeue_dropped;
}

static int on_requeued(const struct db_row *row, void *arg)
{
	struct missed_piece *piece = arg;
	int64_t created_us = row_time(row, 0);

	piece->rows++;
	if (created_us > piece->last_us)
		piece->last_us = created_us;
	return 0;
}

int transition_requeue_missed(struct db *db, const struct uuid *channel, struct missed_piece *piece,
			      int64_t now_us)
{
	const struct db_value values[] = { db_time(now_us), db_uuid(channel),
					   db_time(piece->since_us), db_time(piece->until_us) };

	piece->rows = 0;
	piece->last_us = piece->since_us;
	return db_run_now(db, missed_query(piece), values, ARRAY_LEN(values), on_requeued, piece,
			  NULL);
}
