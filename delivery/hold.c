/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Stores in each row until when it is held. The scan then finds them when that time comes, in any
 * process, and the options decide again. Happy path: what was loaded for one end is put off in one
 * statement, and the queue reads again, until nothing that it reads is held. Failure: the options
 * changed meanwhile, so nothing is written and everything is read again; without the store or
 * memory the queue waits a moment.
 */
#include "delivery/hold.h"

#include <errno.h>
#include <stdlib.h>

#include "core/attributes.h"
#include "core/errno_text.h"
#include "core/log.h"
#include "delivery/queue.h"
#include "delivery/transitions.h"

#define MAX_ROWS (QUEUE_MAX_LINE + QUEUE_MAX_BESIDE)

struct holding {
	struct store_job job;
	struct queue *queue;
	struct uuid channel;
	int64_t updated_us; /* of the settings */
	int64_t until_us;
	int64_t now_us;
	int64_t held;
	size_t count;
	char texts[MAX_ROWS][UUID_TEXT_SIZE];
	struct str ids[MAX_ROWS];
};

static int run_holding(struct db *db, struct store_job *job)
{
	struct holding *holding = container_of(job, struct holding, job);
	const struct held_rows rows = { .ids = holding->ids,
					.count = holding->count,
					.until_us = holding->until_us };

	return transition_hold(db, &holding->channel, holding->updated_us, &rows, holding->now_us,
			       &holding->held);
}

static void on_held(struct store_job *job, int rc)
{
	struct holding *holding = container_of(job, struct holding, job);
	struct queue *queue = holding->queue;

	engine_end_job(queue->engine);
	if (rc == 0)
		metric_add(queue->engine->metrics.held, holding->held);
	else if (rc != -ENOTCONN && rc != -ECANCELED && rc != -EBUSY)
		log_error("could not hold deliveries", log_str("error", errno_text(rc)));
	free(holding);
	if (rc < 0)
		queue_again(queue);
	else
		queue_reload(queue);
}

/* coalesce.c folds late rows. If they were held first, they would look like deliveries sent on
 * request. */
static bool must_hold(const struct delivery *delivery)
{
	return delivery->held_until_us != 0 && !delivery_is_late(delivery);
}

/* Rows that are held until the same time as the first. */
static void gather(struct holding *holding, const struct list *deliveries)
{
	LIST_EACH (link, deliveries) {
		const struct delivery *delivery = list_item(link, struct delivery, link);

		if (!must_hold(delivery) || holding->count == MAX_ROWS)
			continue;
		if (holding->count == 0)
			holding->until_us = delivery->held_until_us;
		if (delivery->held_until_us != holding->until_us)
			continue;
		uuid_format(&delivery->id, holding->texts[holding->count]);
		holding->ids[holding->count] = str_of(holding->texts[holding->count]);
		holding->count++;
	}
}

static bool has_held(const struct queue *queue)
{
	LIST_EACH (link, &queue->deliveries) {
		if (must_hold(list_item(link, struct delivery, link)))
			return true;
	}
	return false;
}

bool hold_start(struct queue *queue)
{
	struct delivery_engine *engine = queue->engine;
	struct holding *holding;

	if (engine->stopping || queue->is_lost || queue->is_stale || !has_held(queue))
		return false;
	holding = calloc(1, sizeof(*holding));
	if (holding) {
		holding->queue = queue;
		holding->channel = queue->channel;
		holding->updated_us = queue->settings.updated_us;
		holding->now_us = engine_now_us(engine);
		gather(holding, &queue->deliveries);
		holding->job.run = run_holding;
		holding->job.on_done = on_held;
		holding->job.team = queue->settings.team;
		if (engine_write(engine, &holding->job) == 0) {
			queue_enter(queue, QUEUE_HOLDING);
			return true;
		}
	}
	free(holding);
	queue_again(queue);
	return true;
}
