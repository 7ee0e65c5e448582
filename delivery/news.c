/* SPDX-License-Identifier: Apache-2.0 */

/*
 * New rows of a channel open its queue. A resting queue, or one that waits without rows, gives its
 * place to it. While no place is free, the next scan finds the channel again.
 */
#include "delivery/news.h"

#include "delivery/queue.h"

/* The one that has waited longest and keeps nothing in memory: a long hold or a late retry. */
static void let_a_waiting_one_go(struct delivery_engine *engine)
{
	LIST_EACH (link, &engine->in[QUEUE_WAITING]) {
		struct queue *queue = list_item(link, struct queue, turn);

		if (!queue->needs_lease && list_is_empty(&queue->deliveries) &&
		    queue->unstored_count == 0) {
			queue_let_go(queue);
			return;
		}
	}
}

/* A resting queue gives its place to one with work. A waiting queue must give its lease back first:
 * the next scan uses its place, and continues with the channel that found none. */
static bool has_place(struct delivery_engine *engine)
{
	struct queue *resting = queue_first(engine, QUEUE_RESTING);

	if (engine->queues < DELIVERY_MAX_QUEUES)
		return true;
	if (!resting) {
		let_a_waiting_one_go(engine);
		return false;
	}
	queue_free(resting);
	return true;
}

static void read_more(struct queue *queue)
{
	queue->more = true;
	if (queue->phase == QUEUE_IDLE)
		queue_enter(queue, QUEUE_HUNGRY);
}

void news_rows(struct delivery_engine *engine, const struct uuid *channel)
{
	struct queue *queue = queue_find(engine, channel);

	if (queue) {
		read_more(queue);
	} else if (!engine->stopping && has_place(engine)) {
		queue_open(engine, channel); /* if memory ran out, the next scan finds it again */
	}
}

void news_unknown(struct delivery_engine *engine)
{
	for (size_t i = 0; i < ENGINE_BUCKETS; i++) {
		LIST_EACH (link, &engine->buckets[i])
			read_more(list_item(link, struct queue, hashed));
	}
}

void news_change(struct delivery_engine *engine, const struct uuid *channel)
{
	struct queue *queue = queue_find(engine, channel);

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
		break; /* the next read sees the change anyway */
	default:
		queue->is_stale = true; /* checked when the job or request has ended */
	}
}
