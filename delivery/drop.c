/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Drops the pending deliveries of a channel that was deleted, or whose team was, and deletes its
 * state. Each job drops a piece, so that others can use the writer in between, and one job runs at
 * a time: a team may delete any number of channels, and which team a deleted one had is not known.
 * Failure: the queue waits a moment and loads again, which shows again that the channel is gone.
 */
#include "delivery/drop.h"

#include <stdlib.h>

#include "core/attributes.h"
#include "delivery/queue.h"
#include "delivery/transitions.h"

static const struct db_query forget_state = {
	.sql = "DELETE FROM channel_state WHERE channel_id = $1",
};

static const struct db_query forget_options = {
	.sql = "DELETE FROM channel_options WHERE channel_id = $1 "
	       "AND NOT EXISTS (SELECT 1 FROM channels WHERE id = $1)",
};

/* The deleted channel no longer has a fallback, and is the fallback of no channel. */
static const struct db_query forget_fallbacks = {
	.sql = "DELETE FROM channel_fallbacks WHERE (channel_id = $1 OR fallback_id = $1) "
	       "AND NOT EXISTS (SELECT 1 FROM channels WHERE id = $1)",
};

struct dropping {
	struct store_job job;
	struct queue *queue;
	struct uuid channel;
	int64_t now_us;
	int64_t dropped;
};

static int run_drop(struct db *db, struct store_job *job)
{
	struct dropping *dropping = container_of(job, struct dropping, job);
	const struct db_value channel = db_uuid(&dropping->channel);
	int rc;

	dropping->dropped = 0;
	rc = transition_drop(db, &dropping->channel, STR("the channel or its team was deleted"),
			     dropping->now_us, &dropping->dropped);
	if (rc == 0)
		rc = db_flush(db);
	if (rc == 0 && dropping->dropped < TRANSITION_PIECE)
		rc = db_run(db, &forget_state, &channel, 1, NULL, NULL, NULL);
	if (rc == 0 && dropping->dropped < TRANSITION_PIECE)
		rc = db_run(db, &forget_options, &channel, 1, NULL, NULL, NULL);
	if (rc == 0 && dropping->dropped < TRANSITION_PIECE)
		rc = db_run(db, &forget_fallbacks, &channel, 1, NULL, NULL, NULL);
	return rc < 0 ? rc : db_flush(db);
}

static void on_dropped(struct store_job *job, int rc)
{
	struct dropping *dropping = container_of(job, struct dropping, job);
	struct queue *queue = dropping->queue;
	struct delivery_engine *engine = queue->engine;

	engine_end_job(engine);
	if (rc == 0)
		metric_add(engine->metrics.dropped, dropping->dropped);
	if (rc < 0 || (dropping->dropped == TRANSITION_PIECE && engine->stopping))
		queue_again(queue);
	else if (dropping->dropped == TRANSITION_PIECE)
		queue_enter(queue, QUEUE_GONE); /* there may be more */
	else
		queue_free(queue);
	free(dropping);
}

static void start(struct queue *queue)
{
	struct delivery_engine *engine = queue->engine;
	struct dropping *dropping = calloc(1, sizeof(*dropping));

	if (dropping) {
		dropping->queue = queue;
		dropping->channel = queue->channel;
		dropping->now_us = engine_now_us(engine);
		dropping->job.run = run_drop;
		dropping->job.on_done = on_dropped;
		dropping->job.team =
			uuid_is_zero(&queue->settings.team) ? queue->channel : queue->settings.team;
		if (engine_write(engine, &dropping->job) == 0) {
			queue_enter(queue, QUEUE_DROPPING);
			return;
		}
	}
	free(dropping);
	queue_again(queue);
}

void drop_next(struct delivery_engine *engine)
{
	struct queue *queue;

	while ((queue = queue_first(engine, QUEUE_GONE)) != NULL) {
		if (!engine->stopping && queue_first(engine, QUEUE_DROPPING))
			return;
		queue_discard(queue);
		if (engine->stopping)
			queue_again(queue);
		else
			start(queue);
	}
}
