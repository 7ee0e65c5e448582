/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Results on their way into the store, in order.
 *
 * Happy path: the result leaves its queue with its delivery, the queue sends the next one, and the
 * result is forgotten when it is stored. Failure: the queue sends nothing more until every tick's
 * next try has stored all of them. When the service stops, results that cannot be stored are
 * forgotten: those deliveries are still pending and will be sent again.
 */
#include "delivery/unstored.h"

#include <errno.h>
#include <stdlib.h>

#include "core/attributes.h"
#include "core/errno_text.h"
#include "core/log.h"
#include "delivery/queue.h"
#include "delivery/record.h"

struct unstored {
	struct list link; /* in the queue's `unstored`, in the order of sending */
	struct queue *queue;
	struct uuid channel;
	struct delivery *delivery;
	int64_t settings_us; /* updated_at of the settings it was sent with */
	struct record record;
};

static void forget(struct unstored *unstored)
{
	list_remove(&unstored->link);
	unstored->queue->unstored_count--;
	buf_done(&unstored->record.turn.detail);
	delivery_free(unstored->delivery);
	free(unstored);
}

/* The queue may have waited for this result. */
static void go_on(struct queue *queue)
{
	if (queue->phase != QUEUE_RECORDING)
		return;
	if (!queue->current)
		queue_settle(queue);
	else if (queue->unstored_count == 0)
		queue_enter(queue, QUEUE_JUDGED);
}

/* ---- storing ------------------------------------------------------------------------------- */

static int run_unstored(struct db *db, struct store_job *job)
{
	struct record *record = container_of(job, struct record, job);
	struct unstored *unstored = container_of(record, struct unstored, record);

	return record_run_turn(db, record, unstored->delivery, &unstored->channel);
}

/* Another job moved the row or changed the channel. */
static bool met_a_change(const struct unstored *unstored)
{
	const struct record *record = &unstored->record;

	return record->outcome.changed == 0 || !record->outcome.channel_exists ||
	       record->outcome.channel_updated_us != unstored->settings_us;
}

static void on_stored(struct store_job *job, int rc)
{
	struct record *record = container_of(job, struct record, job);
	struct unstored *unstored = container_of(record, struct unstored, record);
	struct queue *queue = unstored->queue;
	struct delivery_engine *engine = queue->engine;
	bool is_stored;

	engine_end_job(engine);
	record->is_running = false;
	is_stored = rc == 0 && !record_was_moved(record);
	if (is_stored && met_a_change(unstored))
		queue->is_stale = true;
	if (is_stored || engine->stopping)
		forget(unstored);
	else
		queue->has_failed_results = true;
	if (rc < 0 && !engine->stopping && rc != -ENOTCONN && rc != -EBUSY)
		log_error("could not store the result of a delivery",
			  log_str("error", errno_text(rc)));
	go_on(queue);
}

static void submit(struct unstored *unstored)
{
	struct record *record = &unstored->record;

	record->job = (struct store_job){
		.run = run_unstored,
		.on_done = on_stored,
		/* If a power cut undoes it, the delivery is sent again. */
		.is_repeatable = true,
	};
	record->is_running = engine_write(unstored->queue->engine, &record->job) == 0;
	if (!record->is_running)
		unstored->queue->has_failed_results = true;
}

/* ---- taking a result ----------------------------------------------------------------------- */

static bool may_take(const struct queue *queue)
{
	unsigned limit = queue->engine->options.unstored_results;

	return limit > 1 && queue->unstored_count < limit && !queue->has_failed_results &&
	       !queue->engine->stopping && !queue->is_lost && record_is_routine(queue);
}

bool unstored_take(struct queue *queue)
{
	struct unstored *unstored = may_take(queue) ? calloc(1, sizeof(*unstored)) : NULL;

	if (!unstored)
		return false;
	unstored->queue = queue;
	unstored->channel = queue->channel;
	unstored->delivery = queue->current;
	unstored->settings_us = queue->settings.updated_us;
	unstored->record = queue->record;
	unstored->record.is_routine = true;
	buf_init(&queue->record.turn.detail, 0);
	hold_note(&queue->hold, queue->current, queue->record.turn.duration_us,
		  queue->record.turn.ended_us);
	queue_detach(queue, queue->current);
	queue->current = NULL;
	list_add_tail(&queue->unstored, &unstored->link);
	queue->unstored_count++;
	submit(unstored);
	queue_settle(queue);
	return true;
}

/* ---- trying again ---------------------------------------------------------------------------- */

static bool is_any_running(const struct queue *queue)
{
	LIST_EACH (link, &queue->unstored) {
		if (list_item(link, struct unstored, link)->record.is_running)
			return true;
	}
	return false;
}

void unstored_retry(struct queue *queue)
{
	if (is_any_running(queue))
		return;
	queue->has_failed_results = false;
	LIST_EACH (link, &queue->unstored)
		submit(list_item(link, struct unstored, link));
	if (!queue->engine->stopping || !queue->has_failed_results)
		return;
	LIST_EACH_SAFE (link, &queue->unstored) {
		struct unstored *unstored = list_item(link, struct unstored, link);

		if (!unstored->record.is_running) /* the store has the others */
			forget(unstored);
	}
	go_on(queue);
}
