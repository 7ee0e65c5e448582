/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Sends deliveries again: one by its id, or all failed and dropped ones of a channel. A row becomes
 * pending with a new clock and schedule. It keeps its id, so that receivers recognize it.
 *
 * Recovering goes in pieces of TRANSITION_PIECE rows, oldest first. Each piece is a job of its own,
 * so that other writers get their turn in between. If a piece fails, the earlier ones stay done.
 * After REQUEUE_PIECES pieces the answer says that there is more.
 */
#include "views/redeliver.h"

#include <errno.h>

#include "core/json.h"
#include "delivery/delivery.h"
#include "views/call.h"
#include "views/deliveries.h"
#include "views/list_query.h"

#define REQUEUE_PIECES 2000 /* 100,000 rows */

/* ---- one delivery again ---------------------------------------------------------------------- */

struct redelivery {
	struct api_call call;
	struct uuid channel;
	bool is_pending;
	int64_t changed;
};

static const struct db_query find_channel = {
	.sql = "SELECT channel_id, state FROM deliveries WHERE id = $1 AND team_id = $2",
};

static int on_found(const struct db_row *row, void *arg)
{
	struct redelivery *redelivery = arg;

	redelivery->channel = row_uuid(row, 0);
	redelivery->is_pending = str_is(row_text(row, 1), "pending");
	return 0;
}

static int run_redeliver(struct db *db, struct store_job *job)
{
	struct redelivery *redelivery = container_of(job, struct redelivery, call.job);
	struct api_call *call = &redelivery->call;
	const struct db_value values[] = { db_uuid(&call->id), db_uuid(&call->who.team) };
	int rc;

	buf_reset(&call->json);
	redelivery->changed = 0;
	rc = transition_requeue(db, &call->who.team, &call->id, call->now_us, &redelivery->changed);
	if (rc == 0)
		rc = db_run_now(db, &find_channel, values, 2, on_found, redelivery, NULL);
	return rc < 0 ? rc
		      : delivery_show(db, &call->who.team, &call->id, &call->json, &call->found);
}

static void on_redelivered(struct store_job *job, int rc)
{
	struct redelivery *redelivery = container_of(job, struct redelivery, call.job);
	struct api_call *call = &redelivery->call;

	if (rc < 0) {
		api_call_fail(call, rc);
	} else if (!call->found) {
		view_no_delivery(call);
	} else if (redelivery->changed > 0) {
		view_wake(views_of(call), &redelivery->channel);
		api_call_answer(call, 202);
	} else {
		api_call_refuse_text(call, HTTP_INVALID_STATE, NULL,
				     redelivery->is_pending
					     ? "the delivery already waits to be sent"
					     : "the channel of this delivery was deleted");
	}
}

void redeliver_one(struct http_request *request, void *owner)
{
	struct api_call *call = view_call_for_delivery(owner, request, sizeof(struct redelivery));

	if (!call)
		return;
	call->job.run = run_redeliver;
	call->job.on_done = on_redelivered;
	api_call_submit(call, store_write);
}

/* ---- all deliveries missed since a time ------------------------------------------------------ */

struct recovery {
	struct api_call call;
	struct missed_piece piece;
	unsigned pieces;
	int64_t requeued;
};

static int run_recover(struct db *db, struct store_job *job)
{
	struct recovery *recovery = container_of(job, struct recovery, call.job);
	struct api_call *call = &recovery->call;
	int rc = view_find_channel(db, call);

	if (rc < 0 || !call->found)
		return rc;
	return transition_requeue_missed(db, &call->id, &recovery->piece, call->now_us);
}

static void answer_recovery(struct recovery *recovery, bool has_more)
{
	struct api_call *call = &recovery->call;

	buf_add_char(&call->json, '{');
	field_add_number(&call->json, "requeued", recovery->requeued);
	json_add_name(&call->json, "more");
	buf_add_text(&call->json, has_more ? "true}" : "false}");
	api_call_answer(call, 202);
}

static void on_recovered(struct store_job *job, int rc)
{
	struct recovery *recovery = container_of(job, struct recovery, call.job);
	struct api_call *call = &recovery->call;

	if (rc < 0) {
		api_call_fail(call, rc);
		return;
	}
	if (!call->found) {
		api_call_no_channel(call);
		return;
	}
	recovery->requeued += recovery->piece.rows;
	/* Rows of that same moment that did not fit come with the next piece. */
	recovery->piece.since_us = recovery->piece.last_us;
	if (recovery->piece.rows > 0)
		view_wake(views_of(call), &call->id);
	if (recovery->piece.rows < TRANSITION_PIECE)
		answer_recovery(recovery, false);
	else if (++recovery->pieces == REQUEUE_PIECES)
		answer_recovery(recovery, true);
	else
		api_call_submit(call, store_write);
}

void recover_many(struct http_request *request, void *owner)
{
	struct api_call *call;
	struct recovery *recovery;
	struct recover_query query;
	struct reason why = { .text = "" };
	int rc;

	if (!body_is_json(request))
		return;
	call = api_call_new_for_channel(owner, request, sizeof(*recovery));
	if (!call)
		return;
	recovery = container_of(call, struct recovery, call);
	call->job.run = run_recover;
	call->job.on_done = on_recovered;
	rc = recover_query_parse(http_request_body(request), call->now_us, &query, &why);
	if (rc < 0) {
		api_call_refuse_input(call, rc, &why);
		return;
	}
	recovery->piece = (struct missed_piece){ .failed = query.failed,
						 .dropped = query.dropped,
						 .since_us = query.since_us,
						 .until_us = query.until_us };
	api_call_submit(call, store_write);
}
