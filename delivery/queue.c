/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Moves one channel from phase to phase, and bounds what it keeps in memory.
 *
 * Happy path: rows are loaded and sent one by one. When none is left, the queue is idle for a while
 * and then freed. Rows that are tried later, or not now (breaker, disabled), are left to the store:
 * the scan of some worker finds them when their time has come.
 */
#include "delivery/queue.h"

#include <assert.h>
#include <stdlib.h>

#include "core/clock.h"
#include "delivery/room.h"

#define REST_US INT64_C(60000000) /* how long a disabled channel is left alone */

/* ---- a queue ----------------------------------------------------------------------------- */

static struct list *bucket_of(struct delivery_engine *engine, const struct uuid *channel)
{
	return &engine->buckets[uuid_hash(channel) % ENGINE_BUCKETS];
}

struct queue *queue_find(struct delivery_engine *engine, const struct uuid *channel)
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
	share_leave(queue->engine->shares, &queue->seat);
	list_remove(&queue->turn);
	queue->phase = phase;
	queue->needs_lease = false;
	list_add_tail(&queue->engine->in[phase], &queue->turn);
	engine_wake(queue->engine);
}

struct queue *queue_open(struct delivery_engine *engine, const struct uuid *channel)
{
	struct queue *queue = calloc(1, sizeof(*queue));

	if (!queue)
		return NULL;
	queue->engine = engine;
	queue->channel = *channel;
	queue->beside_us = engine_mono_us(engine);
	list_init(&queue->turn);
	share_seat_init(&queue->seat);
	list_init(&queue->deliveries);
	list_init(&queue->unstored);
	list_add_tail(bucket_of(engine, channel), &queue->hashed);
	engine->queues++;
	queue_enter(queue, QUEUE_CLAIMING);
	return queue;
}

struct queue *queue_first(struct delivery_engine *engine, enum queue_phase phase)
{
	if (list_is_empty(&engine->in[phase]))
		return NULL;
	return list_item(engine->in[phase].next, struct queue, turn);
}

/* ---- memory ---------------------------------------------------------------------------- */

void queue_add(struct queue *queue, struct delivery *delivery)
{
	list_add_tail(&queue->deliveries, &delivery->link);
	queue->rows++;
	queue->bytes += room_cost(delivery);
	queue->engine->bytes += room_cost(delivery);
	if (stream_id_compare(delivery->stream_id, queue->newest) > 0)
		queue->newest = delivery->stream_id;
}

void queue_detach(struct queue *queue, struct delivery *delivery)
{
	list_remove(&delivery->link);
	queue->rows--;
	queue->bytes -= room_cost(delivery);
	queue->engine->bytes -= room_cost(delivery);
	body_unref(delivery->body);
	delivery->body = NULL;
}

void queue_remove(struct queue *queue, struct delivery *delivery)
{
	queue_detach(queue, delivery);
	delivery_free(delivery);
}

void queue_discard(struct queue *queue)
{
	LIST_EACH_SAFE (link, &queue->deliveries)
		queue_remove(queue, list_item(link, struct delivery, link));
	queue->current = NULL;
	settings_wipe(&queue->settings);
}

void queue_trim(struct queue *queue, unsigned keep)
{
	LIST_EACH_SAFE (link, &queue->deliveries) {
		struct delivery *delivery = list_item(link, struct delivery, link);

		if (delivery == queue->current)
			continue;
		if (keep > 0) {
			keep--;
			continue;
		}
		queue_remove(queue, delivery);
		queue->more = true;
	}
}

void queue_free(struct queue *queue)
{
	assert(queue->unstored_count == 0);
	queue_discard(queue);
	share_leave(queue->engine->shares, &queue->seat);
	list_remove(&queue->turn);
	list_remove(&queue->hashed);
	queue->engine->queues--;
	engine_wake(queue->engine); /* its place is free */
	free(queue);
}

/* ---- from phase to phase --------------------------------------------------------------- */

void queue_wait(struct queue *queue, int64_t wake_us)
{
	queue->wake_us = wake_us;
	queue_enter(queue, QUEUE_WAITING);
}

/* The tick is exact enough for longer waits. */
void queue_wait_exactly(struct queue *queue, int64_t wake_us)
{
	struct delivery_engine *engine = queue->engine;

	queue_wait(queue, wake_us);
	if (wake_us < engine->alarm_us && wake_us - engine_mono_us(engine) <= PACED_US)
		engine->alarm_us = wake_us;
}

void queue_again(struct queue *queue)
{
	queue->more = true;
	if (queue->engine->stopping)
		queue_settle(queue);
	else
		queue_wait(queue, engine_mono_us(queue->engine) + AGAIN_US);
}

void queue_let_go(struct queue *queue)
{
	queue_discard(queue);
	if (queue->is_lost) {
		queue_free(queue);
		return;
	}
	queue->more = false;
	queue->is_stale = false;
	queue_enter(queue, QUEUE_RELEASING);
}

/* True when the delivery waits for a later try, or for its turn beside the queue, and holds nothing
 * back. */
static bool may_be_forgotten(const struct queue *queue, const struct delivery *delivery,
			     int64_t now_us)
{
	if (delivery_is_beside(delivery) && !hold_allows_beside(&queue->hold, now_us))
		return true;
	return delivery->next_attempt_us > now_us &&
	       !delivery_holds_back(delivery, &queue->hold, now_us);
}

/* The scan names the channel again when these rows are due. */
static void forget_passed(struct queue *queue, int64_t now_us)
{
	LIST_EACH_SAFE (link, &queue->deliveries) {
		struct delivery *delivery = list_item(link, struct delivery, link);

		if (may_be_forgotten(queue, delivery, now_us))
			queue_remove(queue, delivery);
	}
}

/* Loads nothing while the breaker is open or the channel is disabled. */
static bool rest(struct queue *queue, int64_t now_us)
{
	int64_t wait_us = breaker_wait_us(&queue->settings.breaker, now_us);
	int64_t pause_us;

	if (wait_us <= now_us)
		return false;
	pause_us = wait_us == INT64_MAX ? REST_US : wait_us - now_us;
	queue->rest_until_us = engine_mono_us(queue->engine) + pause_us;
	queue_let_go(queue);
	return true;
}

static void take_turn(struct queue *queue)
{
	const struct settings *settings = &queue->settings;
	bool is_proven =
		settings->breaker.failures == 0 && settings->success_us > settings->updated_us;

	queue_enter(queue, QUEUE_READY);
	share_wait(queue->engine->shares, &queue->seat, &settings->team, is_proven,
		   engine_mono_us(queue->engine));
}

/* While results are on their way, the queue may send the next delivery from memory, and nothing
 * else: the store still shows theirs as pending. */
static bool waits_for_results(const struct queue *queue, int64_t now_us)
{
	const struct delivery_engine *engine = queue->engine;
	int64_t wake_us;

	if (queue->unstored_count == 0)
		return false;
	return engine->stopping || queue->is_lost || queue->is_stale || queue->has_failed_results ||
	       queue->unstored_count >= engine->options.unstored_results ||
	       breaker_wait_us(&queue->settings.breaker, now_us) > now_us ||
	       !delivery_pick(&queue->deliveries, &queue->hold, now_us, &wake_us);
}

void queue_settle(struct queue *queue)
{
	int64_t now_us = engine_now_us(queue->engine);
	int64_t wake_us;

	forget_passed(queue,
		      now_us); /* otherwise the queue would go on for a row that it then forgets */
	if (waits_for_results(queue, now_us)) {
		queue_enter(queue, QUEUE_RECORDING);
		return;
	}
	if (queue->engine->stopping || queue->is_lost) {
		queue_let_go(queue);
		return;
	}
	if (queue->is_stale) {
		queue->is_stale = false;
		queue->more = true;
		queue_discard(queue);
	}
	if (rest(queue, now_us))
		return;
	if (list_is_empty(&queue->deliveries)) {
		assert(queue->unstored_count == 0);
		queue->idle_since_us = engine_mono_us(queue->engine);
		queue_enter(queue, queue->more ? QUEUE_HUNGRY : QUEUE_IDLE);
	} else if (delivery_pick(&queue->deliveries, &queue->hold, now_us, &wake_us)) {
		take_turn(queue);
	} else {
		/* It reads again when it wakes; until then other channels can use the memory. */
		queue_discard(queue);
		queue_wait(queue, engine_mono_us(queue->engine) + wake_us - now_us);
	}
}

void queue_reload(struct queue *queue)
{
	queue->is_stale = true;
	queue_settle(queue);
}
