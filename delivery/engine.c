/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Functions that the steps share: opening, waking the scheduler, counting store jobs.
 *
 * The scheduler runs once after the sockets, or just before the loop waits when a timer woke it. So
 * ten answers in one turn of the loop cost one look at the queues. A request that is started after
 * the sockets does not cost another turn either: libcurl begins it with a timer of 0 ms.
 */
#include "delivery/engine.h"

#include <errno.h>

static void open_metrics(struct engine_metrics *metrics)
{
	metrics->inflight = metric_gauge("wrenn_events_delivery_inflight", NULL,
					 "Requests to destinations that have not ended");
	metrics->dropped =
		metric_counter("wrenn_events_deliveries_dropped_total", NULL,
			       "Deliveries dropped because their channel or team was deleted");
	metrics->held = metric_counter("wrenn_events_deliveries_held_total", NULL,
				       "Deliveries put off by quiet hours or a snooze");
	metrics->folded = metric_counter("wrenn_events_deliveries_folded_total", NULL,
					 "Deliveries folded into a digest");
	metrics->digests =
		metric_counter("wrenn_events_delivery_digests_total", NULL, "Digests made");
	metrics->unreadable = metric_counter("wrenn_events_channels_unreadable_total", NULL,
					     "Times a channel's settings could not be decrypted");
	metrics->rows_read = metric_counter("wrenn_events_delivery_rows_read_total", NULL,
					    "Pending deliveries read from the store");
	metrics->rows_taken = metric_counter("wrenn_events_delivery_rows_taken_total", NULL,
					     "Pending deliveries taken from the ledger in memory");
}

int engine_init(struct delivery_engine *engine, const struct delivery_options *options,
		void (*serve)(struct delivery_engine *engine))
{
	if (shares_open(options->max_inflight, &engine->shares) < 0)
		return -ENOMEM;
	engine->options = *options;
	engine->serve = serve;
	engine->alarm_us = INT64_MAX;
	for (size_t i = 0; i < QUEUE_PHASES; i++)
		list_init(&engine->in[i]);
	for (size_t i = 0; i < ENGINE_BUCKETS; i++)
		list_init(&engine->buckets[i]);
	open_metrics(&engine->metrics);
	attempt_metrics_open(&engine->attempts);
	return 0;
}

void engine_start(struct delivery_engine *engine)
{
	uv_check_init(engine->options.loop, &engine->after_sockets);
	uv_prepare_init(engine->options.loop, &engine->before_wait);
}

void engine_done(struct delivery_engine *engine)
{
	shares_close(engine->shares);
}

/* ---- waking the scheduler ---------------------------------------------------------------- */

static void serve(struct delivery_engine *engine)
{
	engine->serve(engine);
	/* The scheduler need not be woken by its own steps: it has looked at all phases. */
	uv_check_stop(&engine->after_sockets);
	uv_prepare_stop(&engine->before_wait);
}

static void on_after_sockets(uv_check_t *check)
{
	serve(container_of(check, struct delivery_engine, after_sockets));
}

static void on_before_wait(uv_prepare_t *prepare)
{
	serve(container_of(prepare, struct delivery_engine, before_wait));
}

void engine_wake(struct delivery_engine *engine)
{
	if (uv_is_closing((uv_handle_t *)&engine->before_wait))
		return;
	uv_check_start(&engine->after_sockets, on_after_sockets);
	uv_prepare_start(&engine->before_wait, on_before_wait);
}

/* ---- clocks ------------------------------------------------------------------------------ */

int64_t engine_now_us(const struct delivery_engine *engine)
{
	return engine->options.now_us();
}

int64_t engine_mono_us(const struct delivery_engine *engine)
{
	return engine->options.mono_us();
}

/* ---- store jobs -------------------------------------------------------------------------- */

static int count_job(struct delivery_engine *engine, int rc)
{
	if (rc == 0)
		engine->jobs++;
	return rc;
}

int engine_read(struct delivery_engine *engine, struct store_job *job)
{
	return count_job(engine, store_read(engine->options.store, job));
}

int engine_write(struct delivery_engine *engine, struct store_job *job)
{
	return count_job(engine, store_write(engine->options.store, job));
}

void engine_end_job(struct delivery_engine *engine)
{
	engine->jobs--;
	engine_wake(engine);
}
