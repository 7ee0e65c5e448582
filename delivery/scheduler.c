/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Decides which channel is served when, and alone starts the steps of the engine.
 *
 * Happy path: the ledger notes a channel. It is leased, loaded, and takes its turn among the ready
 * channels whenever a slot is free. Every tick reads what else is due. While the store is away,
 * nothing is sent, since no result could be stored. Queues wait and try again.
 * Nothing is sent under a lease that ends soon; a queue that lost its lease is freed.
 */
#include "delivery/scheduler.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "core/attributes.h"
#include "delivery/cancel.h"
#include "delivery/clock.h"
#include "delivery/drop.h"
#include "delivery/hold.h"
#include "delivery/lease.h"
#include "delivery/load.h"
#include "delivery/news.h"
#include "delivery/queue.h"
#include "delivery/record.h"
#include "delivery/room.h"
#include "delivery/scan.h"
#include "delivery/send.h"
#include "delivery/storm.h"

#define CLOSE_LIMIT_MS 10000
#define IDLE_US        (INT64_C(5) * 1000000) /* an idle queue stays, in case more arrives */
#define MAX_LOADS      16                     /* reads at a time */

struct scheduler {
	struct delivery_engine engine;
	struct leases *leases;
	struct due_scan *scan;
	struct canceller *canceller;
	uv_timer_t tick;
	uv_timer_t alarm; /* for paces, which are finer than the tick */
	int64_t armed_us; /* when the alarm goes off; INT64_MAX: not set */
	uv_timer_t limit; /* for closing */
	unsigned open_handles;
	void (*on_closed)(void *owner);
	void *owner;
};

static void free_scheduler(struct scheduler *scheduler)
{
	canceller_close(scheduler->canceller);
	scan_close(scheduler->scan);
	leases_close(scheduler->leases);
	clock_close(&scheduler->engine);
	engine_done(&scheduler->engine);
	free(scheduler);
}

/* ---- what the scan found ----------------------------------------------------------------- */

/* A resting channel was enabled or changed through another worker, or its time has come. */
static void take_up(struct delivery_engine *engine, const struct uuid *channel)
{
	struct queue *queue = queue_find(engine, channel);

	if (queue && queue->phase == QUEUE_RESTING)
		news_change(engine, channel);
	else
		news_rows(engine, channel);
}

static void take_up_scan(struct scheduler *scheduler)
{
	struct delivery_engine *engine = &scheduler->engine;
	const struct uuid *found;
	size_t count;
	size_t placed;

	if (!scan_has_news(scheduler->scan, &found, &count))
		return;
	placed = count;
	for (size_t i = 0; i < count; i++) {
		take_up(engine, &found[i]);
		if (placed == count && !queue_find(engine, &found[i]))
			placed = i;
	}
	scan_turn_page(scheduler->scan, placed);
}

/* ---- serving ----------------------------------------------------------------------------- */

static void start_loaded(struct queue *queue)
{
	if (!hold_start(queue) && !storm_start(queue))
		queue_settle(queue);
}

/* `start` moves its queue to another phase. */
static void start_all(struct delivery_engine *engine, enum queue_phase phase,
		      void (*start)(struct queue *queue))
{
	struct queue *queue;

	while ((queue = queue_first(engine, phase)) != NULL)
		start(queue);
}

static void send_ready(struct delivery_engine *engine)
{
	struct share_seat *seat;

	while ((seat = shares_next(engine->shares)) != NULL)
		send_start(container_of(seat, struct queue, seat));
}

/* The next one waits while there is no room for its rows. */
static void load_hungry(struct delivery_engine *engine)
{
	while (engine->loads < MAX_LOADS && !list_is_empty(&engine->in[QUEUE_HUNGRY])) {
		size_t room = room_begin_load(engine);

		if (room == 0)
			return;
		load_start(queue_first(engine, QUEUE_HUNGRY), room);
	}
}

static void retry_unrecorded(struct delivery_engine *engine)
{
	LIST_EACH_SAFE (link, &engine->in[QUEUE_RECORDING]) {
		struct queue *queue = list_item(link, struct queue, turn);

		record_retry(queue);
	}
}

static void on_alarm(uv_timer_t *timer);

static void arm(struct scheduler *scheduler)
{
	int64_t alarm_us = scheduler->engine.alarm_us;
	int64_t wait_us = alarm_us - engine_mono_us(&scheduler->engine);

	if (alarm_us >= scheduler->armed_us)
		return;
	scheduler->armed_us = alarm_us;
	uv_timer_start(&scheduler->alarm, on_alarm,
		       wait_us < 1000 ? 1 : (uint64_t)(wait_us + 999) / 1000, 0);
}

static void on_handle_closed(uv_handle_t *handle)
{
	struct scheduler *scheduler = handle->data;
	void (*on_closed)(void *) = scheduler->on_closed;
	void *owner = scheduler->owner;

	if (--scheduler->open_handles > 0)
		return;
	free_scheduler(scheduler);
	on_closed(owner);
}

/* A result that was not stored gets one more try. */
static void close_if_quiet(struct scheduler *scheduler)
{
	retry_unrecorded(&scheduler->engine);
	if (scheduler->engine.queues > 0 || scheduler->engine.jobs > 0)
		return;
	uv_close((uv_handle_t *)&scheduler->engine.after_sockets, on_handle_closed);
	uv_close((uv_handle_t *)&scheduler->engine.before_wait, on_handle_closed);
	uv_close((uv_handle_t *)&scheduler->tick, on_handle_closed);
	uv_close((uv_handle_t *)&scheduler->alarm, on_handle_closed);
	uv_close((uv_handle_t *)&scheduler->limit, on_handle_closed);
}

/* Starts each step after the steps that may enter its phase, so one pass starts everything. */
static void serve(struct delivery_engine *engine)
{
	struct scheduler *scheduler = container_of(engine, struct scheduler, engine);

	clock_look(engine); /* before a lease is trusted or taken */
	take_up_scan(scheduler);
	start_all(engine, QUEUE_JUDGED, record_start); /* the next one may go out meanwhile */
	start_all(engine, QUEUE_LOADED, start_loaded);
	if (!engine->stopping)
		send_ready(engine);
	start_all(engine, QUEUE_JUDGED, record_start); /* of what cannot be sent */
	drop_next(engine);
	if (!engine->stopping)
		load_hungry(engine);
	leases_start(scheduler->leases);
	if (engine->stopping)
		close_if_quiet(scheduler);
	else
		arm(scheduler);
}

/* ---- wake-ups by time -------------------------------------------------------------------- */

/* Settings may have changed while it waited, so everything is read again, except after a short wait
 * for its pace. */
static void end_waits(struct delivery_engine *engine, int64_t mono_us)
{
	LIST_EACH_SAFE (link, &engine->in[QUEUE_WAITING]) {
		struct queue *queue = list_item(link, struct queue, turn);

		if (queue->wake_us > mono_us)
			continue;
		if (list_is_empty(&queue->deliveries))
			queue_reload(queue);
		else
			queue_settle(queue);
	}
}

static void let_idle_go(struct delivery_engine *engine, int64_t mono_us)
{
	LIST_EACH_SAFE (link, &engine->in[QUEUE_IDLE]) {
		struct queue *queue = list_item(link, struct queue, turn);

		if (queue->idle_since_us + IDLE_US <= mono_us)
			queue_let_go(queue);
	}
}

static void free_rested(struct delivery_engine *engine, int64_t mono_us)
{
	LIST_EACH_SAFE (link, &engine->in[QUEUE_RESTING]) {
		struct queue *queue = list_item(link, struct queue, turn);

		if (queue->rest_until_us <= mono_us)
			queue_free(queue); /* the scan finds it if something is due */
	}
}

static void on_tick(uv_timer_t *timer)
{
	struct scheduler *scheduler = timer->data;
	struct delivery_engine *engine = &scheduler->engine;
	int64_t mono_us = engine_mono_us(engine);

	clock_look(engine);
	clock_repair(engine);
	end_waits(engine, mono_us);
	let_idle_go(engine, mono_us);
	free_rested(engine, mono_us);
	retry_unrecorded(engine);
	engine->seeks_renewals = true;
	scan_start(scheduler->scan);
	cancel_orphans(scheduler->canceller);
	engine_wake(engine);
}

static void on_alarm(uv_timer_t *timer)
{
	struct scheduler *scheduler = timer->data;
	struct delivery_engine *engine = &scheduler->engine;
	int64_t mono_us = engine_mono_us(engine);

	scheduler->armed_us = INT64_MAX;
	engine->alarm_us = INT64_MAX;
	end_waits(engine, mono_us);
	LIST_EACH (link, &engine->in[QUEUE_WAITING]) {
		int64_t wake_us = list_item(link, struct queue, turn)->wake_us;

		if (wake_us < engine->alarm_us && wake_us - mono_us <= PACED_US)
			engine->alarm_us = wake_us;
	}
	engine_wake(engine); /* sets the alarm again, too */
}

/* ---- opening and closing ----------------------------------------------------------------- */

static void start_timers(struct scheduler *scheduler)
{
	uv_loop_t *loop = scheduler->engine.options.loop;
	unsigned tick_ms = scheduler->engine.options.tick_ms;

	engine_start(&scheduler->engine);
	uv_timer_init(loop, &scheduler->tick);
	uv_timer_init(loop, &scheduler->alarm);
	uv_timer_init(loop, &scheduler->limit);
	scheduler->engine.after_sockets.data = scheduler;
	scheduler->engine.before_wait.data = scheduler;
	scheduler->tick.data = scheduler;
	scheduler->alarm.data = scheduler;
	scheduler->limit.data = scheduler;
	scheduler->open_handles = 5;
	scheduler->armed_us = INT64_MAX;
	uv_timer_start(&scheduler->tick, on_tick, 0, tick_ms);
}

int scheduler_open(const struct delivery_options *options, struct scheduler **out)
{
	struct scheduler *scheduler = calloc(1, sizeof(*scheduler));
	int rc;

	if (!scheduler)
		return -ENOMEM;
	rc = engine_init(&scheduler->engine, options, serve);
	if (rc == 0)
		rc = clock_open(&scheduler->engine);
	if (rc == 0)
		rc = leases_open(&scheduler->engine, &scheduler->leases);
	if (rc == 0)
		rc = scan_open(&scheduler->engine, &scheduler->scan);
	if (rc == 0)
		rc = canceller_open(&scheduler->engine, &scheduler->canceller);
	if (rc < 0) {
		free_scheduler(scheduler);
		return rc;
	}
	start_timers(scheduler);
	*out = scheduler;
	return 0;
}

static void let_all_go(struct delivery_engine *engine, enum queue_phase phase)
{
	LIST_EACH_SAFE (link, &engine->in[phase])
		queue_settle(
			list_item(link, struct queue, turn)); /* as soon as results are stored */
}

static void on_limit(uv_timer_t *timer)
{
	struct scheduler *scheduler = timer->data;

	LIST_EACH (link, &scheduler->engine.in[QUEUE_SENDING])
		outbound_cancel(list_item(link, struct queue, turn)->call);
}

struct delivery_engine *scheduler_engine(struct scheduler *scheduler)
{
	return scheduler ? &scheduler->engine : NULL;
}

void scheduler_close(struct scheduler *scheduler, void (*on_closed)(void *owner), void *owner)
{
	if (!scheduler) {
		on_closed(owner);
		return;
	}
	assert(!scheduler->engine.stopping);
	scheduler->engine.stopping = true;
	scheduler->on_closed = on_closed;
	scheduler->owner = owner;
	uv_timer_stop(&scheduler->tick);
	uv_timer_stop(&scheduler->alarm);
	uv_timer_start(&scheduler->limit, on_limit, CLOSE_LIMIT_MS, 0);
	let_all_go(&scheduler->engine, QUEUE_HUNGRY);
	let_all_go(&scheduler->engine, QUEUE_READY);
	let_all_go(&scheduler->engine, QUEUE_WAITING);
	let_all_go(&scheduler->engine, QUEUE_IDLE);
	engine_wake(&scheduler->engine);
}
