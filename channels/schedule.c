/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The engine's order of work: which channel is looked at when.
 *
 * Happy path: the ledger wakes a channel, it is leased, loaded, and takes its turn among the ready
 * ones whenever a slot for a request is free; every second the store is asked for what else is due.
 * Failure: with the store away nothing is sent, since no result could be stored; queues wait and
 * try again. A lease about to end sends nothing; a lost one is forgotten.
 */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "channels/queue.h"

#define CLOSE_LIMIT_MS 10000

int64_t engine_now_us(const struct engine *engine)
{
	return engine->options.now_us();
}

/* ---- queues ---------------------------------------------------------------------------- */

static struct list *bucket_of(struct engine *engine, const struct uuid *channel)
{
	return &engine->buckets[uuid_hash(channel) % ENGINE_BUCKETS];
}

struct queue *engine_find(struct engine *engine, const struct uuid *channel)
{
	LIST_EACH (link, bucket_of(engine, channel)) {
		struct queue *queue = list_item(link, struct queue, hashed);

		if (uuid_eq(&queue->channel, channel))
			return queue;
	}
	return NULL;
}

void queue_enter(struct queue *queue, enum queue_phase phase)
{
	list_remove(&queue->turn);
	queue->phase = phase;
	queue->needs_lease = false;
	list_add_tail(&queue->engine->in[phase], &queue->turn);
}

void queue_wait(struct queue *queue, int64_t wake_us)
{
	queue->wake_us = wake_us;
	queue_enter(queue, QUEUE_WAITING);
}

void queue_again(struct queue *queue)
{
	queue->more = true;
	if (queue->engine->stopping)
		queue_settle(queue);
	else
		queue_wait(queue, engine_now_us(queue->engine) + AGAIN_US);
}

static struct queue *new_queue(struct engine *engine, const struct uuid *channel)
{
	struct queue *queue = calloc(1, sizeof(*queue));

	if (!queue)
		return NULL;
	queue->engine = engine;
	queue->channel = *channel;
	list_init(&queue->turn);
	list_init(&queue->deliveries);
	buf_init(&queue->settings.sealed, 0);
	list_add_tail(bucket_of(engine, channel), &queue->hashed);
	engine->queues++;
	queue_enter(queue, QUEUE_CLAIMING);
	return queue;
}

void queue_remove(struct queue *queue, struct delivery *delivery)
{
	list_remove(&delivery->link);
	queue->rows--;
	queue->engine->rows--;
	queue->bytes -= delivery->payload_len;
	queue->engine->bytes -= delivery->payload_len;
	free(delivery);
}

void queue_discard(struct queue *queue)
{
	LIST_EACH_SAFE (link, &queue->deliveries)
		queue_remove(queue, list_item(link, struct delivery, link));
	queue->current = NULL;
	buf_done(&queue->settings.sealed);
	queue->settings.provider = NULL;
}

void queue_free(struct queue *queue)
{
	queue_discard(queue);
	list_remove(&queue->turn);
	list_remove(&queue->hashed);
	queue->engine->queues--;
	free(queue);
}

static void let_go(struct queue *queue)
{
	queue_discard(queue);
	if (queue->is_lost) {
		queue_free(queue);
		return;
	}
	queue->more = false;
	queue_enter(queue, QUEUE_RELEASING);
}

/* What waits for a later try and does not hold newer ones back any more is left to the store, which
 * will name the channel again when its time has come. */
static void forget_passed(struct queue *queue, int64_t now_us)
{
	LIST_EACH_SAFE (link, &queue->deliveries) {
		struct delivery *delivery = list_item(link, struct delivery, link);

		if (delivery->next_attempt_us > now_us && !delivery_holds_back(delivery, now_us))
			queue_remove(queue, delivery);
	}
}

void queue_settle(struct queue *queue)
{
	int64_t now_us = engine_now_us(queue->engine);
	int64_t wake_us;

	if (queue->engine->stopping || queue->is_lost) {
		let_go(queue);
		return;
	}
	forget_passed(queue, now_us);
	if (list_is_empty(&queue->deliveries)) {
		queue->idle_since_us = now_us;
		queue_enter(queue, queue->more ? QUEUE_HUNGRY : QUEUE_IDLE);
	} else if (delivery_pick(&queue->deliveries, now_us, &wake_us)) {
		queue_enter(queue, QUEUE_READY);
	} else {
		/* Waking reads anew; until then the memory is for channels that can use it. */
		queue_discard(queue);
		queue_wait(queue, wake_us);
	}
}

void queue_reload(struct queue *queue)
{
	queue_discard(queue);
	queue->more = true;
	queue_settle(queue);
}

/* ---- turns ----------------------------------------------------------------------------- */

static struct queue *first_in(struct engine *engine, enum queue_phase phase)
{
	if (list_is_empty(&engine->in[phase]))
		return NULL;
	return list_item(engine->in[phase].next, struct queue, turn);
}

static bool has_room_to_load(const struct engine *engine)
{
	return engine->loads < ENGINE_MAX_LOADS &&
	       engine->rows + (engine->loads + 1) * QUEUE_MAX_ROWS <= ENGINE_MAX_ROWS &&
	       engine->bytes + (engine->loads + 1) * QUEUE_MAX_BYTES <= ENGINE_MAX_BYTES;
}

static void on_handle_closed(uv_handle_t *handle)
{
	struct engine *engine = handle->data;
	void (*on_closed)(void *) = engine->on_closed;
	void *owner = engine->owner;

	if (--engine->open_handles > 0)
		return;
	free(engine);
	on_closed(owner);
}

static void check_closed(struct engine *engine)
{
	if (engine->queues > 0 || engine->jobs > 0 || uv_is_closing((uv_handle_t *)&engine->tick))
		return;
	uv_close((uv_handle_t *)&engine->tick, on_handle_closed);
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
	while (engine->inflight < engine->options.max_inflight &&
	       (queue = first_in(engine, QUEUE_READY)) != NULL)
		send_start(queue);
	while (has_room_to_load(engine) && (queue = first_in(engine, QUEUE_HUNGRY)) != NULL)
		load_start(queue);
	lease_start(engine);
}

void engine_note(struct engine *engine, const struct uuid *channel)
{
	struct queue *queue = engine_find(engine, channel);

	if (queue) {
		queue->more = true;
		if (queue->phase == QUEUE_IDLE)
			queue_enter(queue, QUEUE_HUNGRY);
	} else if (engine->queues < ENGINE_MAX_QUEUES && !engine->stopping) {
		new_queue(engine, channel); /* without memory the next scan finds it again */
	}
}

void engine_changed(struct engine *engine, const struct uuid *channel)
{
	struct queue *queue = engine_find(engine, channel);

	if (!queue || engine->stopping)
		return;
	/* In the other phases a read is under way or the next result looks at the channel. */
	if (queue->phase == QUEUE_READY || queue->phase == QUEUE_WAITING ||
	    queue->phase == QUEUE_IDLE)
		queue_reload(queue);
	else
		queue->more = true;
	engine_serve(engine);
}

/* Settings may have changed while it waited, so everything is read again. */
static void look_at_waiting(struct engine *engine, int64_t now_us)
{
	LIST_EACH_SAFE (link, &engine->in[QUEUE_WAITING]) {
		struct queue *queue = list_item(link, struct queue, turn);

		if (queue->wake_us <= now_us)
			queue_reload(queue);
	}
}

static void look_at_idle(struct engine *engine, int64_t now_us)
{
	LIST_EACH_SAFE (link, &engine->in[QUEUE_IDLE]) {
		struct queue *queue = list_item(link, struct queue, turn);

		if (queue->idle_since_us + IDLE_US <= now_us)
			let_go(queue);
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
	int64_t now_us = engine_now_us(engine);

	look_at_waiting(engine, now_us);
	look_at_idle(engine, now_us);
	look_at_unrecorded(engine);
	scan_start(engine);
	engine_serve(engine);
}

/* ---- opening and closing ----------------------------------------------------------------- */

static void open_metrics(struct engine_metrics *metrics)
{
	static const char *const labels[ATTEMPT_VERDICTS] = {
		[ATTEMPT_DELIVERED] = "verdict=\"delivered\"",
		[ATTEMPT_RETRY] = "verdict=\"retry\"",
		[ATTEMPT_WAIT] = "verdict=\"wait\"",
		[ATTEMPT_REJECTED] = "verdict=\"rejected\"",
		[ATTEMPT_DISABLED] = "verdict=\"disabled\"",
	};

	for (size_t i = 0; i < ATTEMPT_VERDICTS; i++)
		metrics->verdicts[i] = metric_counter("wrenn_events_delivery_attempts_total",
						      labels[i], "Requests sent, by verdict");
	metrics->seconds = metric_histogram("wrenn_events_delivery_attempt_seconds", NULL,
					    "Duration of requests to destinations");
	metrics->inflight = metric_gauge("wrenn_events_delivery_inflight", NULL,
					 "Requests to destinations under way");
	metrics->dropped = metric_counter("wrenn_events_deliveries_dropped_total", NULL,
					  "Deliveries dropped because channel or team is gone");
	metrics->unreadable = metric_counter("wrenn_events_channels_unreadable_total", NULL,
					     "Times a channel's settings could not be decrypted");
}

int engine_open(const struct engine_options *options, struct engine **out)
{
	struct engine *engine = calloc(1, sizeof(*engine));

	if (!engine)
		return -ENOMEM;
	engine->options = *options;
	for (size_t i = 0; i < QUEUE_PHASES; i++)
		list_init(&engine->in[i]);
	for (size_t i = 0; i < ENGINE_BUCKETS; i++)
		list_init(&engine->buckets[i]);
	open_metrics(&engine->metrics);
	engine->lease.worker = options->worker;
	engine->scan.worker = options->worker;
	uv_timer_init(options->loop, &engine->tick);
	uv_timer_init(options->loop, &engine->limit);
	engine->tick.data = engine;
	engine->limit.data = engine;
	engine->open_handles = 2;
	uv_timer_start(&engine->tick, on_tick, 0, options->tick_ms);
	*out = engine;
	return 0;
}

static void let_all_go(struct engine *engine, enum queue_phase phase)
{
	LIST_EACH_SAFE (link, &engine->in[phase])
		let_go(list_item(link, struct queue, turn));
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
	uv_timer_start(&engine->limit, on_limit, CLOSE_LIMIT_MS, 0);
	let_all_go(engine, QUEUE_HUNGRY);
	let_all_go(engine, QUEUE_READY);
	let_all_go(engine, QUEUE_WAITING);
	let_all_go(engine, QUEUE_IDLE);
	/* A result that could not be stored yet has one more chance. */
	look_at_unrecorded(engine);
	engine_serve(engine);
}
