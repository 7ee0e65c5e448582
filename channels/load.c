/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Reads what a leased channel needs: its settings and a bounded piece of its pending deliveries,
 * those that are due and those that hold newer ones back. And drops all of it when the channel is
 * gone. Failure: the store away means waiting a moment and reading again.
 */
#include <errno.h>
#include <stdlib.h>

#include "channels/queue.h"
#include "channels/seal.h"
#include "core/attributes.h"
#include "core/log.h"

/* ---- reading --------------------------------------------------------------------------- */

static const struct db_query read_settings = {
	.sql = "SELECT c.provider, c.config, c.updated_at FROM channels c "
	       "JOIN teams t ON t.id = c.team_id WHERE c.id = $1 AND t.deleted_at IS NULL",
};
static const struct db_query read_pending = {
	.sql = "SELECT d.id, d.stream_ms, d.stream_seq, d.attempts, d.next_attempt_at, "
	       "d.first_failed_at, (SELECT count(*) FROM delivery_attempts a "
	       "WHERE a.delivery_id = d.id AND a.verdict = 'wait'), d.payload "
	       "FROM deliveries d WHERE d.channel_id = $1 AND d.state = 'pending' "
	       "AND (d.next_attempt_at <= $2 OR d.first_failed_at > $3) "
	       "ORDER BY d.stream_ms, d.stream_seq LIMIT 64",
};
_Static_assert(QUEUE_MAX_ROWS == 64, "the LIMIT of read_pending");

struct loading {
	struct store_job job;
	struct queue *queue;
	struct uuid channel;
	int64_t now_us;
	bool is_there; /* the channel and its team */
	bool is_full;  /* there may be more than was read */
	struct settings settings;
	struct list deliveries;
	unsigned rows;
	size_t bytes;
};

static int on_settings(const struct db_row *row, void *arg)
{
	struct loading *loading = arg;

	loading->is_there = true;
	loading->settings.provider = provider_find(row_text(row, 0));
	buf_add_str(&loading->settings.sealed, row_text(row, 1));
	loading->settings.updated_us = row_time(row, 2);
	return 0;
}

static int on_pending(const struct db_row *row, void *arg)
{
	struct loading *loading = arg;
	struct str payload = row_blob(row, 7);
	struct delivery *delivery;

	if (loading->bytes >= QUEUE_MAX_BYTES) {
		loading->is_full = true;
		return 0;
	}
	delivery = calloc(1, sizeof(*delivery) + payload.len);
	if (!delivery)
		return -ENOMEM;
	delivery->id = row_uuid(row, 0);
	delivery->stream_id.ms = (uint64_t)row_int(row, 1);
	delivery->stream_id.seq = (uint64_t)row_int(row, 2);
	delivery->state = DELIVERY_PENDING;
	delivery->attempts = (unsigned)row_int(row, 3);
	delivery->next_attempt_us = row_time(row, 4);
	delivery->first_failed_us = row_time(row, 5);
	delivery->waits = (unsigned)row_int(row, 6);
	delivery->payload_len = payload.len;
	memcpy(delivery->payload, payload.at, payload.len);
	list_add_tail(&loading->deliveries, &delivery->link);
	loading->rows++;
	loading->bytes += payload.len;
	return 0;
}

static void reset_loading(struct loading *loading)
{
	LIST_EACH_SAFE (link, &loading->deliveries) {
		list_remove(link);
		free(list_item(link, struct delivery, link));
	}
	buf_reset(&loading->settings.sealed);
	loading->is_there = false;
	loading->is_full = false;
	loading->rows = 0;
	loading->bytes = 0;
}

static int run_load(struct db *db, struct store_job *job)
{
	struct loading *loading = container_of(job, struct loading, job);
	const struct db_value values[] = { db_uuid(&loading->channel), db_time(loading->now_us),
					   db_time(loading->now_us - DELIVERY_HOLD_US) };
	int rc;

	reset_loading(loading);
	rc = db_run(db, &read_settings, values, 1, on_settings, loading, NULL);
	if (rc == 0)
		rc = db_run(db, &read_pending, values, 3, on_pending, loading, NULL);
	return rc < 0 ? rc : db_flush(db);
}

static void free_loading(struct loading *loading)
{
	reset_loading(loading);
	buf_done(&loading->settings.sealed);
	free(loading);
}

/* Hands what was read over to the queue. */
static void take_over(struct queue *queue, struct loading *loading)
{
	buf_done(&queue->settings.sealed);
	queue->settings = loading->settings;
	buf_init(&loading->settings.sealed, 0);
	list_splice_tail(&queue->deliveries, &loading->deliveries);
	queue->rows += loading->rows;
	queue->bytes += loading->bytes;
	queue->engine->rows += loading->rows;
	queue->engine->bytes += loading->bytes;
	if (loading->is_full || loading->rows == QUEUE_MAX_ROWS)
		queue->more = true;
}

static void on_loaded(struct store_job *job, int rc)
{
	struct loading *loading = container_of(job, struct loading, job);
	struct queue *queue = loading->queue;
	struct engine *engine = queue->engine;

	engine->jobs--;
	engine->loads--;
	if (rc < 0) {
		queue_again(queue);
	} else if (!loading->is_there) {
		drop_start(queue);
	} else {
		take_over(queue, loading);
		queue_settle(queue);
	}
	if (rc < 0 && rc != -ENOTCONN && rc != -ECANCELED && rc != -EBUSY)
		log_error("could not read pending deliveries", log_str("error", uv_strerror(rc)));
	free_loading(loading);
	engine_serve(engine);
}

void load_start(struct queue *queue)
{
	struct engine *engine = queue->engine;
	struct loading *loading = calloc(1, sizeof(*loading));

	if (!loading) {
		queue_again(queue);
		return;
	}
	loading->queue = queue;
	loading->channel = queue->channel;
	loading->now_us = engine_now_us(engine);
	buf_init(&loading->settings.sealed, SEALED_CONFIG_MAX);
	list_init(&loading->deliveries);
	loading->job.run = run_load;
	loading->job.on_done = on_loaded;
	if (store_read(engine->options.store, &loading->job) < 0) {
		free_loading(loading);
		queue_again(queue);
		return;
	}
	queue->more = false; /* from here on every wake means something new */
	engine->jobs++;
	engine->loads++;
	queue_enter(queue, QUEUE_LOADING);
}

/* ---- dropping -------------------------------------------------------------------------- */

static const struct db_query drop_pending = {
	.sql = "UPDATE deliveries SET state = 'dropped', "
	       "last_error = 'the channel or its team was deleted', updated_at = $2 "
	       "WHERE channel_id = $1 AND state = 'pending'",
};
static const struct db_query forget_state = {
	.sql = "DELETE FROM channel_state WHERE channel_id = $1",
};

struct dropping {
	struct store_job job;
	struct queue *queue;
	struct uuid channel;
	int64_t now_us;
	int64_t dropped;
};

static int run_drop(struct db *db, struct store_job *job)
{
	struct dropping *dropping = container_of(job, struct dropping, job);
	const struct db_value values[] = { db_uuid(&dropping->channel), db_time(dropping->now_us) };
	int rc = db_run(db, &drop_pending, values, 2, NULL, NULL, &dropping->dropped);

	if (rc == 0)
		rc = db_run(db, &forget_state, values, 1, NULL, NULL, NULL);
	return rc < 0 ? rc : db_flush(db);
}

static void on_dropped(struct store_job *job, int rc)
{
	struct dropping *dropping = container_of(job, struct dropping, job);
	struct queue *queue = dropping->queue;
	struct engine *engine = queue->engine;

	engine->jobs--;
	if (rc == 0) {
		metric_add(engine->metrics.dropped, dropping->dropped);
		queue_free(queue);
	} else {
		queue_again(queue); /* reading again shows again that it is gone */
	}
	free(dropping);
	engine_serve(engine);
}

void drop_start(struct queue *queue)
{
	struct engine *engine = queue->engine;
	struct dropping *dropping = calloc(1, sizeof(*dropping));

	queue_discard(queue);
	if (dropping) {
		dropping->queue = queue;
		dropping->channel = queue->channel;
		dropping->now_us = engine_now_us(engine);
		dropping->job.run = run_drop;
		dropping->job.on_done = on_dropped;
		if (store_write(engine->options.store, &dropping->job) == 0) {
			engine->jobs++;
			queue_enter(queue, QUEUE_DROPPING);
			return;
		}
	}
	free(dropping);
	queue_again(queue);
}
