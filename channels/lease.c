/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Leases: which worker works on which channel. A lease is a row of channel_state with an owner and
 * an end; it is taken when nobody has one that still runs, and renewed by its owner. Failure: a
 * claim that fails or loses is forgotten, the next scan finds the channel again. A renewal that
 * changes nothing says the lease went to another worker: the queue is left as soon as its request
 * has ended. What clocks that are set do to leases: clock.c.
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
	       "OR channel_state.lease_until < $5 OR channel_state.lease_until > $6 "
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
	const struct db_value keep[] = {
		channel,
		worker,
		db_time(lease->now_us + LEASE_US),
		now,
		db_time(lease->takeover.ended_us),
		db_time(lease->takeover.absurd_us),
	};
	const struct db_value end[] = { channel, worker, now };

	switch (item->action) {
	case LEASE_CLAIM:
		return db_run(db, &claim, keep, 6, NULL, NULL, &item->changed);
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
	struct engine *engine = queue->engine;

	if (!engine->stopping && queue->rest_until_us > engine_mono_us(engine))
		queue_enter(queue, QUEUE_RESTING);
	else if (!engine->stopping && queue->more)
		queue_enter(queue, QUEUE_CLAIMING);
	else
		queue_free(queue);
}

static void finish_renewal(struct queue *queue, int rc, int64_t changed, int64_t until_us)
{
	if (rc < 0)
		return; /* asked again with the next tick, while it runs on */
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
	int64_t until_us = lease->is_outdated ? 0 : lease->until_us;

	lease->is_running = false;
	lease->is_outdated = false;
	engine->jobs--;
	if (rc < 0)
		lease->seeks_renewals = false; /* until the next tick */
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

/* Queues whose lease will need to run longer than it does. One that idles is between two events, or
 * soon let go; without a renewal its next event would have to wait for one. */
static void add_renewals(struct engine *engine, int64_t mono_us)
{
	static const enum queue_phase at_work[] = { QUEUE_HUNGRY,  QUEUE_LOADING, QUEUE_FOLDING,
						    QUEUE_READY,   QUEUE_SENDING, QUEUE_RECORDING,
						    QUEUE_WAITING, QUEUE_IDLE };
	struct lease_job *lease = &engine->lease;

	if (!lease->seeks_renewals)
		return;
	for (size_t i = 0; i < ARRAY_LEN(at_work); i++) {
		LIST_EACH (link, &engine->in[at_work[i]]) {
			const struct queue *queue = list_item(link, struct queue, turn);

			if (lease->count < LEASE_BATCH && !queue->is_lost &&
			    queue->lease_until_us - mono_us < LEASE_RENEW_US)
				add_item(lease, queue, LEASE_RENEW);
		}
	}
	lease->seeks_renewals = lease->count == LEASE_BATCH;
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
	if (engine->stopping) {
		free_all(engine, QUEUE_CLAIMING);
		free_all(engine, QUEUE_RESTING);
	}
	lease->now_us = engine_now_us(engine);
	lease->until_us = engine_mono_us(engine) + LEASE_US;
	lease->takeover = clock_takeover(engine, lease->now_us);
	lease->is_outdated = false;
	lease->count = 0;
	add_all(engine, QUEUE_CLAIMING, LEASE_CLAIM);
	add_all(engine, QUEUE_RELEASING, LEASE_RELEASE);
	add_renewals(engine, engine_mono_us(engine));
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
