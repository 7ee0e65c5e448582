/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Leases: which worker works on which channel. A lease is a row of channel_state with an owner and
 * an end. A worker takes it when no other lease is valid, and renews it. Failure: a claim that
 * fails is forgotten, and the next scan finds the channel again. A renewal that changes no row
 * means that another worker has the lease. The queue is freed as soon as its request has ended.
 * clock.c says what happens to leases when a clock is set.
 */
#include "delivery/lease.h"

#include <errno.h>
#include <stdlib.h>

#include "core/attributes.h"
#include "delivery/clock.h"
#include "delivery/queue.h"

#define BATCH    256
#define RENEW_US (INT64_C(20) * 1000000) /* with less left it is renewed */

enum lease_action { LEASE_CLAIM, LEASE_RENEW, LEASE_RELEASE };

struct lease_item {
	struct uuid channel;
	enum lease_action action;
	int64_t changed;
};

struct leases {
	struct store_job job;
	struct delivery_engine *engine;
	bool is_running;
	unsigned clock_jumps; /* when the job began */
	int64_t now_us;       /* wall clock */
	int64_t until_us;     /* monotonic */
	struct takeover takeover;
	size_t count;
	struct lease_item items[BATCH];
};

/* ---- claim, renew, release --------------------------------------------------------------- */

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

static int run_item(struct db *db, const struct leases *leases, struct lease_item *item)
{
	const struct db_value channel = db_uuid(&item->channel);
	const struct db_value worker = db_text(str_of(leases->engine->options.worker));
	const struct db_value now = db_time(leases->now_us);
	const struct db_value keep[] = {
		channel,
		worker,
		db_time(leases->now_us + LEASE_US),
		now,
		db_time(leases->takeover.ended_us),
		db_time(leases->takeover.absurd_us),
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
	struct leases *leases = container_of(job, struct leases, job);
	int rc = 0;

	for (size_t i = 0; i < leases->count && rc == 0; i++) {
		leases->items[i].changed = 0;
		rc = run_item(db, leases, &leases->items[i]);
	}
	return rc < 0 ? rc : db_flush(db);
}

static void notify_holder(const struct delivery_engine *engine, const struct uuid *channel)
{
	if (engine->options.on_held_elsewhere)
		engine->options.on_held_elsewhere(channel, engine->options.owner);
}

static void finish_claim(struct queue *queue, bool is_ours, int64_t until_us)
{
	if (!is_ours) {
		queue_free(queue);
		return;
	}
	queue->is_lost = false; /* if set, it was about an earlier lease */
	queue->lease_until_us = until_us;
	queue->more = true;
	queue_settle(queue);
}

/* More work may have arrived while the lease was given back. */
static void finish_release(struct queue *queue)
{
	struct delivery_engine *engine = queue->engine;

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
		return; /* the next tick asks again; until then the lease is valid */
	if (queue->phase == QUEUE_RELEASING || queue->phase == QUEUE_CLAIMING)
		return; /* the answer is about a lease that the queue no longer relies on */
	if (changed > 0)
		queue->lease_until_us = until_us;
	else
		queue->is_lost = true;
	if (queue->needs_lease && queue->phase == QUEUE_WAITING)
		queue_settle(queue);
}

static void on_lease_done(struct store_job *job, int rc)
{
	struct leases *leases = container_of(job, struct leases, job);
	struct delivery_engine *engine = leases->engine;
	/* A lease from before the clock was set is renewed before anything is sent under it. */
	bool is_outdated = leases->clock_jumps != clock_jumps(engine);
	int64_t until_us = is_outdated ? 0 : leases->until_us;

	leases->is_running = false;
	engine_end_job(engine); /* the next job takes what did not fit */
	if (rc < 0)
		engine->seeks_renewals = false; /* until the next tick */
	for (size_t i = 0; i < leases->count; i++) {
		const struct lease_item *item = &leases->items[i];
		struct queue *queue = queue_find(engine, &item->channel);

		if (!queue)
			continue;
		if (item->action == LEASE_CLAIM && rc == 0 && item->changed == 0)
			notify_holder(engine, &item->channel);
		if (item->action == LEASE_CLAIM)
			finish_claim(queue, rc == 0 && item->changed > 0, until_us);
		else if (item->action == LEASE_RELEASE)
			finish_release(queue);
		else
			finish_renewal(queue, rc, item->changed, until_us);
	}
	leases->count = 0;
}

static void add_item(struct leases *leases, const struct queue *queue, enum lease_action action)
{
	struct lease_item *item = &leases->items[leases->count++];

	item->channel = queue->channel;
	item->action = action;
}

static void add_all(struct leases *leases, enum queue_phase phase, enum lease_action action)
{
	LIST_EACH (link, &leases->engine->in[phase]) {
		if (leases->count < BATCH)
			add_item(leases, list_item(link, struct queue, turn), action);
	}
}

/* Queues whose lease ends too soon. An idle queue keeps its lease as well: the next event would
 * have to wait for another one. */
static void add_renewals(struct leases *leases, int64_t mono_us)
{
	static const enum queue_phase at_work[] = { QUEUE_HUNGRY,  QUEUE_LOADING, QUEUE_FOLDING,
						    QUEUE_READY,   QUEUE_SENDING, QUEUE_RECORDING,
						    QUEUE_WAITING, QUEUE_IDLE };
	struct delivery_engine *engine = leases->engine;

	if (!engine->seeks_renewals)
		return;
	for (size_t i = 0; i < ARRAY_LEN(at_work); i++) {
		LIST_EACH (link, &engine->in[at_work[i]]) {
			const struct queue *queue = list_item(link, struct queue, turn);

			if (leases->count < BATCH && !queue->is_lost &&
			    queue->lease_until_us - mono_us < RENEW_US)
				add_item(leases, queue, LEASE_RENEW);
		}
	}
	engine->seeks_renewals = leases->count == BATCH;
}

static void collect(struct leases *leases)
{
	struct delivery_engine *engine = leases->engine;
	int64_t mono_us = engine_mono_us(engine);

	leases->now_us = engine_now_us(engine);
	leases->until_us = mono_us + LEASE_US;
	leases->takeover = clock_takeover(engine, leases->now_us);
	leases->clock_jumps = clock_jumps(engine);
	leases->count = 0;
	add_all(leases, QUEUE_CLAIMING, LEASE_CLAIM);
	add_all(leases, QUEUE_RELEASING, LEASE_RELEASE);
	add_renewals(leases, mono_us);
}

static void free_all(struct delivery_engine *engine, enum queue_phase phase)
{
	LIST_EACH_SAFE (link, &engine->in[phase])
		queue_free(list_item(link, struct queue, turn));
}

void leases_start(struct leases *leases)
{
	struct delivery_engine *engine = leases->engine;

	if (leases->is_running)
		return;
	if (engine->stopping) {
		free_all(engine, QUEUE_CLAIMING);
		free_all(engine, QUEUE_RESTING);
	}
	collect(leases);
	if (leases->count == 0)
		return;
	leases->job = (struct store_job){ .run = run_lease, .on_done = on_lease_done };
	if (engine_write(engine, &leases->job) == 0)
		leases->is_running = true;
	else if (engine->stopping)
		free_all(engine, QUEUE_RELEASING); /* these leases end by themselves */
}

int leases_open(struct delivery_engine *engine, struct leases **out)
{
	struct leases *leases = calloc(1, sizeof(*leases));

	if (!leases)
		return -ENOMEM;
	leases->engine = engine;
	*out = leases;
	return 0;
}

void leases_close(struct leases *leases)
{
	free(leases);
}
