/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Sends deliveries again: one by its id, or what a channel missed. A row becomes pending with its
 * clock and schedule begun anew, under the id it always had, so that receivers know it.
 *
 * Recovering goes in pieces of REQUEUE_PIECE rows, oldest first, each a job of its own, so that others
 * get at the writer in between; what is done is done if a later piece fails. Beyond
 * REQUEUE_PIECES of them the answer says that there is more.
 */
#include <errno.h>

#include "channels/views.h"
#include "core/json.h"

#define REQUEUE_PIECE  1000 /* as in the statement */
#define REQUEUE_PIECES 100

#define AGAIN                                                                               \
	"UPDATE deliveries SET state = 'pending', requeued_at = $1, next_attempt_at = $1, " \
	"updated_at = $1, attempts_before = attempts, first_failed_at = NULL, "             \
	"delivered_at = NULL, digest_id = NULL "

/* ---- one ------------------------------------------------------------------------------------- */

struct redelivery {
	struct errand errand;
	struct uuid channel;
	bool is_pending;
	int64_t changed;
};

static const struct db_query requeue_one = {
	.sql = AGAIN "WHERE id = $2 AND team_id = $3 AND state <> 'pending' AND EXISTS "
		     "(SELECT 1 FROM channels c WHERE c.id = channel_id AND c.team_id = $3)",
};
static const struct db_query look_at_one = {
	.sql = "SELECT channel_id, state FROM deliveries WHERE id = $1 AND team_id = $2",
};

static int on_looked(const struct db_row *row, void *arg)
{
	struct redelivery *redelivery = arg;

	redelivery->channel = row_uuid(row, 0);
	redelivery->is_pending = str_is(row_text(row, 1), "pending");
	return 0;
}

static int run_redeliver(struct db *db, struct store_job *job)
{
	struct redelivery *redelivery = container_of(job, struct redelivery, errand.job);
	struct errand *errand = &redelivery->errand;
	const struct db_value values[] = { db_time(errand->now_us), db_uuid(&errand->id),
					   db_uuid(&errand->who.team) };
	int rc;

	buf_reset(&errand->json);
	redelivery->changed = 0;
	rc = db_run_now(db, &requeue_one, values, ARRAY_LEN(values), NULL, NULL,
			&redelivery->changed);
	if (rc == 0)
		rc = db_run_now(db, &look_at_one, values + 1, 2, on_looked, redelivery, NULL);
	return rc < 0 ? rc
		      : delivery_show(db, &errand->who.team, &errand->id, &errand->json,
				      &errand->found);
}

static void on_redelivered(struct store_job *job, int rc)
{
	struct redelivery *redelivery = container_of(job, struct redelivery, errand.job);
	struct errand *errand = &redelivery->errand;

	if (rc < 0) {
		errand_fail(errand, rc);
	} else if (!errand->found) {
		errand_no_delivery(errand);
	} else if (redelivery->changed > 0) {
		view_wake(errand->channels, &redelivery->channel);
		errand_answer(errand, 202);
	} else {
		errand_refuse_text(errand, HTTP_INVALID_STATE, NULL,
				   redelivery->is_pending
					   ? "the delivery is waiting to be sent already"
					   : "the channel of this delivery was deleted");
	}
}

void redeliver_one(struct http_request *request, void *owner)
{
	struct errand *errand = errand_new_of_delivery(owner, request, sizeof(struct redelivery));

	if (!errand)
		return;
	errand->job.run = run_redeliver;
	errand->job.on_done = on_redelivered;
	errand_submit(errand, store_write);
}

/* ---- many ------------------------------------------------------------------------------------ */

struct recovery {
	struct errand errand;
	struct recover_query query;
	unsigned pieces;
	int64_t requeued;
	/* Of one piece. */
	int64_t changed;
	int64_t last_us;
};

/* The states are spelled as the partial indexes have them, deliveries_missed for both and
 * deliveries_state for one, or else the channel's whole history is read on the writer. */
#define REQUEUE_PIECE_OF(states)                                              \
	AGAIN "WHERE id IN (SELECT id FROM deliveries WHERE channel_id = $2 " \
	      "AND created_at >= $3 AND created_at < $4 AND " states          \
	      " ORDER BY created_at, stream_ms, stream_seq LIMIT 1000) "      \
	      "AND state IN ('failed', 'dropped') RETURNING created_at"

static const struct db_query requeue_missed = {
	.sql = REQUEUE_PIECE_OF("state IN ('failed', 'dropped')"),
};
static const struct db_query requeue_failed = {
	.sql = REQUEUE_PIECE_OF("state = 'failed' AND state <> 'delivered'"),
};
static const struct db_query requeue_dropped = {
	.sql = REQUEUE_PIECE_OF("state = 'dropped' AND state <> 'delivered'"),
};

static const struct db_query *piece_of(const struct recover_query *query)
{
	if (query->failed && query->dropped)
		return &requeue_missed;
	return query->failed ? &requeue_failed : &requeue_dropped;
}

static int on_requeued(const struct db_row *row, void *arg)
{
	struct recovery *recovery = arg;
	int64_t created_us = row_time(row, 0);

	recovery->changed++;
	if (created_us > recovery->last_us)
		recovery->last_us = created_us;
	return 0;
}

static int run_recover(struct db *db, struct store_job *job)
{
	struct recovery *recovery = container_of(job, struct recovery, errand.job);
	struct errand *errand = &recovery->errand;
	const struct db_value values[] = {
		db_time(errand->now_us),
		db_uuid(&errand->id),
		db_time(recovery->query.since_us),
		db_time(recovery->query.until_us),
	};
	int rc = view_find_channel(db, errand);

	recovery->changed = 0;
	recovery->last_us = recovery->query.since_us;
	if (rc < 0 || !errand->found)
		return rc;
	return db_run_now(db, piece_of(&recovery->query), values, ARRAY_LEN(values), on_requeued,
			  recovery, NULL);
}

static void answer_recovery(struct recovery *recovery, bool has_more)
{
	struct errand *errand = &recovery->errand;

	buf_add_char(&errand->json, '{');
	view_add_number(&errand->json, "requeued", recovery->requeued);
	json_add_name(&errand->json, "more");
	buf_add_text(&errand->json, has_more ? "true}" : "false}");
	errand_answer(errand, 202);
}

static void on_recovered(struct store_job *job, int rc)
{
	struct recovery *recovery = container_of(job, struct recovery, errand.job);
	struct errand *errand = &recovery->errand;

	if (rc < 0) {
		errand_fail(errand, rc);
		return;
	}
	if (!errand->found) {
		errand_not_found(errand);
		return;
	}
	recovery->requeued += recovery->changed;
	/* What has this very time and did not fit comes with the next piece. */
	recovery->query.since_us = recovery->last_us;
	if (recovery->changed > 0)
		view_wake(errand->channels, &errand->id);
	if (recovery->changed < REQUEUE_PIECE)
		answer_recovery(recovery, false);
	else if (++recovery->pieces == REQUEUE_PIECES)
		answer_recovery(recovery, true);
	else
		errand_submit(errand, store_write);
}

void recover_many(struct http_request *request, void *owner)
{
	struct errand *errand;
	struct recovery *recovery;
	struct reason why = { .text = "" };
	int rc;

	if (!errand_body_is_json(request))
		return;
	errand = errand_new_of_channel(owner, request, sizeof(*recovery));
	if (!errand)
		return;
	recovery = container_of(errand, struct recovery, errand);
	errand->job.run = run_recover;
	errand->job.on_done = on_recovered;
	rc = recover_query_parse(http_request_body(request), errand->now_us, &recovery->query,
				 &why);
	if (rc < 0)
		errand_refuse_draft(errand, rc, &why);
	else
		errand_submit(errand, store_write);
}
