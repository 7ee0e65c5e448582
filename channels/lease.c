/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Leases: which worker works on which channel. A lease is a row of channel_state with an owner and
 * an end; it is taken when nobody has one that still runs, and renewed by its owner. Failure: a
 * claim that fails or loses is forgotten, the next scan finds the channel again. A renewal that
 * changes nothing says the lease went to another worker: the queue is left as soon as its request
 * has ended.
 */
#include <errno.h>

#include "channels/queue.h"
#include "core/attributes.h"
#include "core/log.h"

/* ---- taking, keeping, giving back -------------------------------------------------------- */

static const struct db_query claim = {
	.sql = "INSERT INTO channel_state (channel_id, lease_owner, lease_until, updated_at) "
	       "VALUES ($1, $2, $3, $4) ON CONFLICT (channel_id) DO UPDATE SET "
	       "lease_owner = excluded.lease_owner, lease_until = excluded.lease_until, "
	       "updated_at = excluded.updated_at WHERE channel_state.lease_owner IS NULL "
	       "OR channel_state.lease_until < excluded.updated_at "
	       "OR channel_state.lease_owner = excluded.lease_owner",
};
static const struct db_query renew = {
	.sql = "UPDATE channel_state SET lease_until = $3, updated_at = $4 "
	       "WHERE channel_id = $1 AND lease_owner = $2",
};
static const struct db_query give_back = {
	.sql = "UPDATE channel_state SET lease_owner = NULL, lease_until = NULL, updated_at = $3 "
	       "WHERE channel_id = $1 AND lease_owner = $2",
};

static int run_item(struct db *db, const struct lease_job *lease, struct lease_item *item)
{
	const struct db_value channel = db_uuid(&item->channel);
	const struct db_value worker = db_text(str_of(lease->worker));
	const struct db_value now = db_time(lease->now_us);
	const struct db_value keep[] = { channel, worker, db_time(lease->now_us + LEASE_US), now };
	const struct db_value end[] = { channel, worker, now };

	switch (item->action) {
	case LEASE_CLAIM:
		return db_run(db, &claim, keep, 4, NULL, NULL, &item->changed);
	case LEASE_RENEW:
		return db_run(db, &renew, keep, 4, NULL, NULL, &item->changed);
	case LEASE_RELEASE:
		break;
	}
	return db_run(db, &give_back, end, 3, NULL, NULL, &item->changed);
}

static int run_lease(struct db *db, struct store_job *job)
{
	struct lease_job *lease = container_of(job, struct lease_job, job);
	int rc = 0;

	for (size_t i = 0; i < lease->count && rc == 0; i++) {
		lease->items[i].changed = 0;
		rc = run_item(db, lease, &lease->items[i]);
	}
	return rc < 0 ? rc : db_flush(db);
}

static void finish_claim(struct queue *queue, bool is_ours, int64_t until_us)
{
	if (!is_ours) {
		queue_free(queue);
		return;
	}
	queue->lease_until_us = until_us;
	queue->more = true;
	queue_settle(queue);
}

/* More work may have come while the lease was on its way back. */
static void finish_release(struct queue *queue)
{
	if (queue->more && !queue->engine->stopping)
		queue_enter(queue, QUEUE_CLAIMING);
	else
		queue_free(queue);
}

static void finish_renewal(struct queue *queue, int rc, int64_t changed, int64_t until_us)
{
	if (rc < 0)
		return; /* asked again on the next tick, while it runs on */
	if (changed > 0)
		queue->lease_until_us = until_us;
	else
		queue->is_lost = true;
	if (queue->needs_lease && queue->phase == QUEUE_WAITING)
		queue_settle(queue);
}

static void on_lease_done(struct store_job *job, int rc)
{
	struct lease_job *lease = container_of(job, struct lease_job, job);
	struct engine *engine = container_of(lease, struct engine, lease);
	int64_t until_us = lease->now_us + LEASE_US;

	lease->is_running = false;
	engine->jobs--;
	for (size_t i = 0; i < lease->count; i++) {
		const struct lease_item *item = &lease->items[i];
		struct queue *queue = engine_find(engine, &item->channel);

		if (!queue)
			continue;
		if (item->action == LEASE_CLAIM)
			finish_claim(queue, rc == 0 && item->changed > 0, until_us);
		else if (item->action == LEASE_RELEASE)
			finish_release(queue);
		else
			finish_renewal(queue, rc, item->changed, until_us);
	}
	lease->count = 0;
	engine_serve(engine); /* takes up what did not fit into this job, too */
}

static void add_item(struct lease_job *lease, const struct queue *queue, enum lease_action action)
{
	struct lease_item *item = &lease->items[lease->count++];

	item->channel = queue->channel;
	item->action = action;
}

static void add_all(struct engine *engine, enum queue_phase phase, enum lease_action action)
{
	struct lease_job *lease = &engine->lease;

	LIST_EACH (link, &engine->in[phase]) {
		if (lease->count < LEASE_BATCH)
			add_item(lease, list_item(link, struct queue, turn), action);
	}
}

/* Queues at work whose lease will need to run longer than it does. */
static void add_renewals(struct engine *engine, int64_t now_us)
{
	static const enum queue_phase at_work[] = { QUEUE_HUNGRY,  QUEUE_LOADING,   QUEUE_READY,
						    QUEUE_SENDING, QUEUE_RECORDING, QUEUE_WAITING };
	struct lease_job *lease = &engine->lease;

	for (size_t i = 0; i < ARRAY_LEN(at_work); i++) {
		LIST_EACH (link, &engine->in[at_work[i]]) {
			const struct queue *queue = list_item(link, struct queue, turn);

			if (lease->count < LEASE_BATCH && !queue->is_lost &&
			    queue->lease_until_us - now_us < LEASE_RENEW_US)
				add_item(lease, queue, LEASE_RENEW);
		}
	}
}

static void free_all(struct engine *engine, enum queue_phase phase)
{
	LIST_EACH_SAFE (link, &engine->in[phase])
		queue_free(list_item(link, struct queue, turn));
}

void lease_start(struct engine *engine)
{
	struct lease_job *lease = &engine->lease;

	if (lease->is_running)
		return;
	if (engine->stopping)
		free_all(engine, QUEUE_CLAIMING);
	lease->now_us = engine_now_us(engine);
	lease->count = 0;
	add_all(engine, QUEUE_CLAIMING, LEASE_CLAIM);
	add_all(engine, QUEUE_RELEASING, LEASE_RELEASE);
	add_renewals(engine, lease->now_us);
	if (lease->count == 0)
		return;
	lease->job = (struct store_job){ .run = run_lease, .on_done = on_lease_done };
	if (store_write(engine->options.store, &lease->job) == 0) {
		lease->is_running = true;
		engine->jobs++;
	} else if (engine->stopping) {
		free_all(engine, QUEUE_RELEASING); /* these leases run out by themselves */
	}
}

/* ---- looking for work -------------------------------------------------------------------- */

/* Jumps from channel to channel along the index of pending rows, so that a channel with a hundred
 * thousand of them costs no more than one with a single row. */
static const struct db_query find_due = {
	.sql = "WITH RECURSIVE waiting (id) AS ("
	       "SELECT head.channel_id FROM (SELECT d.channel_id FROM deliveries d "
	       "WHERE d.state = 'pending' AND d.channel_id > $1 ORDER BY d.channel_id LIMIT 1) "
	       "AS head UNION ALL "
	       "SELECT (SELECT d.channel_id FROM deliveries d WHERE d.state = 'pending' "
	       "AND d.channel_id > waiting.id ORDER BY d.channel_id LIMIT 1) "
	       "FROM waiting WHERE waiting.id IS NOT NULL) "
	       "SELECT waiting.id FROM waiting "
	       "LEFT JOIN channel_state s ON s.channel_id = waiting.id "
	       "WHERE waiting.id IS NOT NULL "
	       "AND (s.lease_owner IS NULL OR s.lease_until < $2 OR s.lease_owner = $3) "
	       "AND EXISTS (SELECT 1 FROM deliveries d WHERE d.channel_id = waiting.id "
	       "AND d.state = 'pending' AND d.next_attempt_at <= $2) "
	       "ORDER BY waiting.id LIMIT 256",
};
_Static_assert(LEASE_BATCH == 256, "the LIMIT of find_due");

static int on_found(const struct db_row *row, void *arg)
{
	struct scan *scan = arg;

	if (scan->count < LEASE_BATCH)
		scan->found[scan->count++] = row_uuid(row, 0);
	return 0;
}

static int run_scan(struct db *db, struct store_job *job)
{
	struct scan *scan = container_of(job, struct scan, job);
	const struct db_value values[] = { db_uuid(&scan->after), db_time(scan->now_us),
					   db_text(str_of(scan->worker)) };

	scan->count = 0;
	return db_run_now(db, &find_due, values, ARRAY_LEN(values), on_found, scan, NULL);
}

static void on_scan_done(struct store_job *job, int rc)
{
	struct scan *scan = container_of(job, struct scan, job);
	struct engine *engine = container_of(scan, struct engine, scan);
	bool is_full = rc == 0 && scan->count == LEASE_BATCH;

	scan->is_running = false;
	engine->jobs--;
	if (rc < 0 && rc != -ENOTCONN && rc != -ECANCELED && rc != -EBUSY)
		log_error("could not look for pending deliveries",
			  log_str("error", uv_strerror(rc)));
	for (size_t i = 0; rc == 0 && i < scan->count; i++)
		engine_note(engine, &scan->found[i]);
	/* A full page is not the end: go on behind it, so that nobody is left out. */
	scan->after = is_full ? scan->found[scan->count - 1] : (struct uuid){ .bytes = { 0 } };
	engine_serve(engine);
}

void scan_start(struct engine *engine)
{
	struct scan *scan = &engine->scan;

	if (scan->is_running || engine->stopping)
		return;
	scan->now_us = engine_now_us(engine);
	scan->job = (struct store_job){ .run = run_scan, .on_done = on_scan_done };
	if (store_read(engine->options.store, &scan->job) < 0)
		return; /* the next tick tries again */
	scan->is_running = true;
	engine->jobs++;
}
