/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Rows from the ledger join the queue of a channel that this worker works on.
 *
 * Happy path: the queue has read all that was stored before, its settings are those that the
 * ledger's transaction saw, and the rows go to the end of its line. Failure: whatever does not fit
 * is read from the store later, with all that follows it. A load may already have read such rows;
 * their stream ids show that.
 */
#include "delivery/fresh.h"

#include <stdlib.h>

#include "delivery/queue.h"
#include "delivery/room.h"

#define MAX_ROWS 256 /* each turn looks at all rows of a queue */

/* A storm is noticed when it is read (storm.c), and so is what must be held (hold.c). So channels
 * that fold or hold read all their rows. */
static bool may_take(const struct queue *queue, const struct fresh_rows *fresh)
{
	static const unsigned phases = 1u << QUEUE_IDLE | 1u << QUEUE_READY | 1u << QUEUE_SENDING |
				       1u << QUEUE_JUDGED | 1u << QUEUE_RECORDING;
	const struct settings *settings = &queue->settings;

	return (phases & 1u << queue->phase) != 0 && !queue->more && !queue->is_stale &&
	       !queue->is_lost && !queue->engine->stopping && settings->provider &&
	       !settings->provider->folds && settings->hold.changes_us == INT64_MAX &&
	       settings->updated_us == fresh->channel_us;
}

static struct delivery *new_delivery(const struct fresh_row *row, int64_t now_us)
{
	struct delivery *delivery = calloc(1, sizeof(*delivery));

	if (!delivery)
		return NULL;
	delivery->id = row->id;
	delivery->stream_id = row->stream_id;
	delivery->state = DELIVERY_PENDING;
	delivery->is_fresh = true;
	delivery->since_us = (int64_t)row->stream_id.ms * 1000;
	delivery->next_attempt_us = now_us;
	delivery->body = body_ref(row->body);
	return delivery;
}

static bool take_row(struct queue *queue, const struct fresh_row *row, int64_t now_us)
{
	struct delivery *delivery;
	size_t cost;

	if (stream_id_compare(row->stream_id, queue->newest) <= 0 || queue->rows >= MAX_ROWS)
		return false;
	delivery = new_delivery(row, now_us);
	if (!delivery)
		return false;
	cost = room_cost(delivery);
	if (queue->bytes + cost > QUEUE_MAX_BYTES || !room_has(queue->engine, cost)) {
		delivery_free(delivery);
		return false;
	}
	queue_add(queue, delivery);
	return true;
}

bool fresh_take(struct queue *queue, const struct fresh_rows *fresh)
{
	if (!may_take(queue, fresh))
		return false;
	queue->more = fresh->has_more;
	for (const struct fresh_row *row = fresh->first; row; row = row->next) {
		if (!take_row(queue, row, fresh->now_us)) {
			queue->more = true;
			break;
		}
		metric_add(queue->engine->metrics.rows_taken, 1);
	}
	if (queue->phase == QUEUE_IDLE || (queue->phase == QUEUE_RECORDING && !queue->current))
		queue_settle(queue);
	return true;
}
