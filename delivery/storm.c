/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Decides, after a load, whether the backlog becomes a digest. It does for providers that fold,
 * when more is due than the pace sends in a while, and the next message may go soon; and always
 * when two events were held by quiet hours. Channels that edit their messages have no digest: older
 * states of a resource go into its newest. Then what was loaded is forgotten, and the channel is
 * loaded again. Failure: without the store or memory nothing is folded; the rows go out one by one.
 */
#include "delivery/storm.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/attributes.h"
#include "core/errno_text.h"
#include "core/log.h"
#include "delivery/coalesce.h"
#include "delivery/fold.h"
#include "delivery/queue.h"

struct folding {
	struct store_job job;
	struct queue *queue;
	struct fold_order order;
	struct fold_result result;
	bool is_living; /* folds by resource, without a digest */
};

static int run_folding(struct db *db, struct store_job *job)
{
	struct folding *folding = container_of(job, struct folding, job);

	folding->result = (struct fold_result){ .folded = 0 };
	if (folding->is_living)
		return coalesce(db, &folding->order.channel, folding->order.now_us,
				&folding->result.folded);
	return fold_backlog(db, &folding->order, &folding->result);
}

static void on_folded(struct store_job *job, int rc)
{
	struct folding *folding = container_of(job, struct folding, job);
	struct queue *queue = folding->queue;
	struct delivery_engine *engine = queue->engine;

	engine_end_job(engine);
	if (rc == 0 && folding->result.folded > 0) {
		metric_add(engine->metrics.folded, (int64_t)folding->result.folded);
		metric_add(engine->metrics.digests, folding->is_living ? 0 : 1);
		queue->is_stale = true;
	}
	/* Another job took some of the rows: read again. */
	if (rc == -EBUSY)
		queue->is_stale = true;
	else if (rc < 0 && rc != -ENOTCONN && rc != -ECANCELED)
		log_error("could not fold a backlog", log_str("error", errno_text(rc)));
	free(folding);
	queue_settle(queue);
}

/* Only rows that were never tried may be folded. */
static size_t count_fresh(const struct queue *queue, int64_t now_us)
{
	size_t count = 0;

	LIST_EACH (link, &queue->deliveries) {
		const struct delivery *delivery = list_item(link, struct delivery, link);

		if (!delivery->is_digest && delivery->attempts == delivery->attempts_before &&
		    delivery->next_attempt_us <= now_us)
			count++;
	}
	return count;
}

/* The store may have more than was loaded. */
static bool may_be_storm(struct queue *queue, size_t allowance)
{
	size_t count = count_fresh(queue, engine_now_us(queue->engine));

	return count > allowance || count >= QUEUE_MAX_LINE;
}

static bool has_newer_state(const struct queue *queue, const struct delivery *delivery)
{
	const struct list *link = delivery->living ? delivery->link.next : &queue->deliveries;

	for (; link != &queue->deliveries; link = link->next) {
		const struct living *other = list_item(link, struct delivery, link)->living;

		if (other && strcmp(other->resource, delivery->living->resource) == 0)
			return true;
	}
	return false;
}

/* The store may have more than was loaded. */
static bool has_older_states(const struct queue *queue)
{
	unsigned count = 0;

	LIST_EACH (link, &queue->deliveries) {
		const struct delivery *delivery = list_item(link, struct delivery, link);

		count++;
		if (delivery_is_late(delivery) || has_newer_state(queue, delivery))
			return true;
	}
	return count >= QUEUE_MAX_LINE;
}

/* While the pace makes a channel wait for long, its backlog is loaded many times. Each load would
 * make another digest. */
static bool is_paced(const struct queue *queue)
{
	const struct settings *settings = &queue->settings;
	int64_t now_us = engine_mono_us(queue->engine);
	struct pace_view view = paces_view(queue->engine->options.paces, &settings->paced, now_us);

	return view.next_us - now_us > PACED_US;
}

static bool has_held(const struct queue *queue)
{
	size_t count = 0;

	LIST_EACH (link, &queue->deliveries) {
		const struct delivery *delivery = list_item(link, struct delivery, link);

		count += delivery->was_held && !delivery->is_digest &&
			 delivery->attempts == delivery->attempts_before;
	}
	return count >= 2;
}

static bool start(struct queue *queue, size_t allowance, bool of_held)
{
	struct delivery_engine *engine = queue->engine;
	const struct settings *settings = &queue->settings;
	struct folding *folding = calloc(1, sizeof(*folding));

	if (!folding)
		return false;
	folding->queue = queue;
	folding->is_living = settings->is_living;
	folding->order = (struct fold_order){ .provider = settings->provider,
					      .channel = queue->channel,
					      .of_held = of_held,
					      .hold = settings->hold,
					      .allowance = allowance,
					      .now_us = engine_now_us(engine) };
	folding->job.run = run_folding;
	folding->job.on_done = on_folded;
	folding->job.team = queue->settings.team;
	if (engine_write(engine, &folding->job) < 0) {
		free(folding);
		return false;
	}
	queue_enter(queue, QUEUE_FOLDING);
	return true;
}

bool storm_start(struct queue *queue)
{
	struct delivery_engine *engine = queue->engine;
	struct settings *settings = &queue->settings;
	size_t allowance;

	if (!settings->provider || !settings->provider->folds || engine->stopping ||
	    queue->is_lost || queue->is_stale ||
	    breaker_wait_us(&settings->breaker, engine_now_us(engine)) != 0)
		return false;
	if (settings->is_living)
		return has_older_states(queue) && start(queue, 0, false);
	if (has_held(queue))
		return start(queue, 1, true);
	settings_find_paces(settings, &queue->channel, engine->options.key);
	if (is_paced(queue))
		return false;
	allowance = pace_allowance(&settings->paced, FOLD_SPAN_US);
	return may_be_storm(queue, allowance) && start(queue, allowance, false);
}
