/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The engine's order of work: which channel is looked at when.
 *
 * Happy path: the ledger wakes a channel, it is leased, loaded, and takes its turn among the ready
 * ones whenever a slot for a request is free; every second the store is asked for what else is due.
 * Waiting goes by the monotonic clock.
 * Failure: with the store away nothing is sent, since no result could be stored; queues wait and
 * try again. A lease about to end sends nothing; a lost one is forgotten.
 */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "channels/queue.h"
#include "core/attributes.h"

#define CLOSE_LIMIT_MS 10000

int64_t engine_now_us(const struct engine *engine)
{
	return engine->options.now_us();
}

int64_t engine_mono_us(const struct engine *engine)
{
	return engine->options.mono_us();
}

struct queue *engine_find(struct engine *engine, const struct uuid *channel)
{
	LIST_EACH (link, engine_bucket(engine, channel)) {
		struct queue *queue = list_item(link, struct queue, hashed);

		if (uuid_eq(&queue->channel, channel))
			return queue;
	}
	return NULL;
}

/* ---- turns ----------------------------------------------------------------------------- */

static struct queue *first_in(struct engine *engine, enum queue_phase phase)
{
	if (list_is_empty(&engine->in[phase]))
		return NULL;
	return list_item(engine->in[phase].next, struct queue, turn);
}

static bool has_room(const struct engine *engine)
{
	return engine->rows + (engine->loads + 1) * QUEUE_MAX_ROWS <= ENGINE_MAX_ROWS &&
	       engine->bytes + (engine->loads + 1) * QUEUE_MAX_BYTES <= ENGINE_MAX_BYTES;
}

/* Rows of queues that cannot use them now make room for others: of those that wait for their pace,
 * and behind a request under way, first those whose request takes longest. They are read again. */
static void make_room(struct engine *engine)
{
	static const enum queue_phase phases[] = { QUEUE_WAITING, QUEUE_SENDING };

	for (size_t i = 0; i < ARRAY_LEN(phases); i++) {
		LIST_EACH (link, &engine->in[phases[i]]) {
			if (has_room(engine))
				return;
			queue_trim(list_item(link, struct queue, turn), 0);
		}
	}
}

static bool may_load(struct engine *engine)
{
	if (engine->loads >= ENGINE_MAX_LOADS || list_is_empty(&engine->in[QUEUE_HUNGRY]))
		return false;
	if (!has_room(engine))
		make_room(engine);
	return has_room(engine);
}

static struct queue *next_ready(struct engine *engine)
{
	struct share_seat *seat = shares_next(engine->shares);

	return seat ? container_of(seat, struct queue, seat) : NULL;
}

static void on_handle_closed(uv_handle_t *handle)
{
	struct engine *engine = handle->data;
	void (*on_closed)(void *) = engine->on_closed;
	void *owner = engine->owner;

	if (--engine->open_handles > 0)
		return;
	shares_close(engine->shares);
	free(engine);
	on_closed(owner);
}

static void check_closed(struct engine *engine)
{
	if (engine->queues > 0 || engine->jobs > 0 || uv_is_closing((uv_handle_t *)&engine->tick))
		return;
	uv_close((uv_handle_t *)&engine->tick, on_handle_closed);
	uv_close((uv_handle_t *)&engine->alarm, on_handle_closed);
	uv_close((uv_handle_t *)&engine->limit, on_handle_closed);
}

void engine_serve(struct engine *engine)
{
	struct queue *queue;

	if (engine->stopping) {
		lease_start(engine);
		check_closed(engine);
		return;
	}
	clock_look(engine); /* before a lease is trusted or taken */
	while ((queue = next_ready(engine)) != NULL)
		send_start(queue);
	while (may_load(engine))
		load_start(first_in(engine, QUEUE_HUNGRY));
	lease_start(engine);
}

/* The one that has waited longest, of those that keep nothing in memory: long holds and late retries. */
static void let_a_waiting_one_go(struct engine *engine)
{
	LIST_EACH (link, &engine->in[QUEUE_WAITING]) {
		struct queue *queue = list_item(link, struct queue, turn);

		if (!queue->needs_lease && list_is_empty(&queue->deliveries)) {
			queue_let_go(queue);
			return;
		}
	}
}

/* A queue at rest may give its place to one with work. One that waits gives its lease back first: then
 * its place is for the next scan, which begins with whoever found none. */
static bool has_place(struct engine *engine)
{
	struct queue *resting = first_in(engine, QUEUE_RESTING);

	if (engine->queues < ENGINE_MAX_QUEUES)
		return true;
	if (!resting) {
		let_a_waiting_one_go(engine);
		return false;
	}
	queue_free(resting);
	return true;
}

void engine_note(struct engine *engine, const struct uuid *channel)
{
	struct queue *queue = engine_find(engine, channel);

	if (queue) {
		queue->more = true;
		if (queue->phase == QUEUE_IDLE)
			queue_enter(queue, QUEUE_HUNGRY);
	} else if (!engine->stopping && has_place(engine)) {
		queue_open(engine, channel); /* without memory the next scan finds it again */
	}
}

void engine_changed(struct engine *engine, const struct uuid *channel)
{
	struct queue *queue = engine_find(engine, channel);

	if (!queue || engine->stopping)
		return;
	queue->more = true;
	queue->rest_until_us = 0;
	switch (queue->phase) {
	case QUEUE_READY:
	case QUEUE_WAITING:
	case QUEUE_IDLE:
		queue_reload(queue);
		break;
	case QUEUE_RESTING:
		queue_enter(queue, QUEUE_CLAIMING);
		break;
	case QUEUE_CLAIMING:
	case QUEUE_HUNGRY:
	case QUEUE_RELEASING:
		break; /* what is read next is read after the change */
	default:
		queue->is_stale = true; /* looked at when the job or request has ended */
	}
	engine_serve(engine);
}

/* ---- time ------------------------------------------------------------------------------ */

/* Settings may have changed while it waited, so everything is read again, unless it was only for a
 * moment and for its pace. */
static void look_at_waiting(struct engine *engine, int64_t mono_us)
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

static void look_at_idle(struct engine *engine, int64_t mono_us)
{
	LIST_EACH_SAFE (link, &engine->in[QUEUE_IDLE]) {
		struct queue *queue = list_item(link, struct queue, turn);

		if (queue->idle_since_us + IDLE_US <= mono_us)
			queue_let_go(queue);
	}
}

static void look_at_resting(struct engine *engine, int64_t mono_us)
{
	LIST_EACH_SAFE (link, &engine->in[QUEUE_RESTING]) {
		struct queue *queue = list_item(link, struct queue, turn);

		if (queue->rest_until_us <= mono_us)
			queue_free(queue); /* the scan finds it, if there is something due */
	}
}

static void look_at_unrecorded(struct engine *engine)
{
	LIST_EACH_SAFE (link, &engine->in[QUEUE_RECORDING]) {
		struct queue *queue = list_item(link, struct queue, turn);

		if (!queue->record.is_running)
			record_start(queue);
	}
}

static void on_tick(uv_timer_t *timer)
{
	struct engine *engine = timer->data;
	int64_t mono_us = engine_mono_us(engine);

	clock_look(engine);
	clock_repair(engine);
	look_at_waiting(engine, mono_us);
	look_at_idle(engine, mono_us);
	look_at_resting(engine, mono_us);
	look_at_unrecorded(engine);
	engine->lease.seeks_renewals = true;
	scan_start(engine);
	gone_look(engine);
	engine_serve(engine);
}

static void on_alarm(uv_timer_t *timer)
{
	struct engine *engine = timer->data;

	engine->alarm_us = INT64_MAX;
	look_at_waiting(engine, engine_mono_us(engine));
	LIST_EACH (link, &engine->in[QUEUE_WAITING])
		engine_set_alarm(engine, list_item(link, struct queue, turn)->wake_us);
	engine_serve(engine);
}

void engine_set_alarm(struct engine *engine, int64_t mono_us)
{
	int64_t wait_us = mono_us - engine_mono_us(engine);

	if (mono_us >= engine->alarm_us || engine->stopping)
		return;
	if (wait_us > PACED_US)
		return; /* the tick is exact enough */
	engine->alarm_us = mono_us;
	uv_timer_start(&engine->alarm, on_alarm,
		       wait_us < 1000 ? 1 : (uint64_t)(wait_us + 999) / 1000, 0);
}

/* ---- opening and closing ----------------------------------------------------------------- */

static void open_metrics(struct engine_metrics *metrics)
{
	metrics->inflight = metric_gauge("wrenn_events_delivery_inflight", NULL,
					 "Requests to destinations under way");
	metrics->dropped = metric_counter("wrenn_events_deliveries_dropped_total", NULL,
					  "Deliveries dropped because channel or team is gone");
	metrics->folded = metric_counter("wrenn_events_deliveries_folded_total", NULL,
					 "Deliveries told in a digest instead");
	metrics->digests =
		metric_counter("wrenn_events_delivery_digests_total", NULL, "Digests made");
	metrics->unreadable = metric_counter("wrenn_events_channels_unreadable_total", NULL,
					     "Times a channel's settings could not be decrypted");
}

int engine_open(const struct engine_options *options, struct engine **out)
{
	struct engine *engine = calloc(1, sizeof(*engine));

	if (!engine)
		return -ENOMEM;
	if (shares_open(options->max_inflight, &engine->shares) < 0) {
		free(engine);
		return -ENOMEM;
	}
	engine->options = *options;
	for (size_t i = 0; i < QUEUE_PHASES; i++)
		list_init(&engine->in[i]);
	for (size_t i = 0; i < ENGINE_BUCKETS; i++)
		list_init(&engine->buckets[i]);
	open_metrics(&engine->metrics);
	tally_init(&engine->tally);
	clock_open(engine);
	engine->lease.worker = options->worker;
	engine->scan.worker = options->worker;
	uv_timer_init(options->loop, &engine->tick);
	uv_timer_init(options->loop, &engine->alarm);
	uv_timer_init(options->loop, &engine->limit);
	engine->tick.data = engine;
	engine->alarm.data = engine;
	engine->limit.data = engine;
	engine->open_handles = 3;
	engine->alarm_us = INT64_MAX;
	uv_timer_start(&engine->tick, on_tick, 0, options->tick_ms);
	*out = engine;
	return 0;
}

static void let_all_go(struct engine *engine, enum queue_phase phase)
{
	LIST_EACH_SAFE (link, &engine->in[phase])
		queue_let_go(list_item(link, struct queue, turn));
}

static void on_limit(uv_timer_t *timer)
{
	struct engine *engine = timer->data;

	LIST_EACH (link, &engine->in[QUEUE_SENDING])
		outbound_cancel(list_item(link, struct queue, turn)->call);
}

void engine_close(struct engine *engine, void (*on_closed)(void *owner), void *owner)
{
	assert(!engine->stopping);
	engine->stopping = true;
	engine->on_closed = on_closed;
	engine->owner = owner;
	uv_timer_stop(&engine->tick);
	uv_timer_stop(&engine->alarm);
	uv_timer_start(&engine->limit, on_limit, CLOSE_LIMIT_MS, 0);
	let_all_go(engine, QUEUE_HUNGRY);
	let_all_go(engine, QUEUE_READY);
	let_all_go(engine, QUEUE_WAITING);
	let_all_go(engine, QUEUE_IDLE);
	/* A result that could not be stored yet has one more chance. */
	look_at_unrecorded(engine);
	engine_serve(engine);
}
