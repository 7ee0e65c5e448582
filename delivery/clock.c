/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What happens when the wall clock is set. All waiting uses the monotonic clock, which shows that
 * it was set; but the store holds wall clock times:
 *
 * - Our own leases are renewed before anything is sent. For the length of a lease no other lease
 *   counts as ended, because its owner is about to renew it, too.
 * - Set back: rows written under the later clock would wait until it is reached again, and newer
 *   ones would pass them. Their pauses begin again now, and the options decide again about held
 *   rows. The repair is queued before our leases are renewed, so nothing is sent before it. The
 *   same is done at start, when nobody knows what the clock did before. So it must not look at
 *   every row that waits: the index of times finds those whose next attempt is in the future.
 * - Set forward: older deliveries seem older than they are. Their day is longer by the jump.
 *
 * Failure: the next tick repeats a failed repair.
 */
#include "delivery/clock.h"

#include <errno.h>
#include <stdlib.h>

#include "core/attributes.h"
#include "core/log.h"
#include "delivery/queue.h"

#define JUMP_US   (INT64_C(2) * 1000000)   /* a smaller step is an ordinary correction */
#define AHEAD_US  (INT64_C(10) * 1000000)  /* clocks of several machines may differ so much */
#define ABSURD_US (INT64_C(120) * 1000000) /* no lease given by this clock ends later */
#define SETTLE_US \
	(INT64_C(60) * 1000000) /* after that time all workers have renewed their leases */
#define NEVER_US (INT64_C(253402300799) * 1000000) /* the last second of the year 9999 */

struct clock_watch {
	struct store_job job;
	struct delivery_engine *engine;
	bool is_repairing;
	bool needs_repair; /* rows may have times from before the clock was set back */
	int64_t repaired;  /* rows, by the last repair */
	int64_t now_us;
	int64_t offset_us; /* wall clock less monotonic clock */
	unsigned jumps;
	int64_t jumped_us;      /* the last jump, forward (positive) or back */
	int64_t jumped_from_us; /* the wall clock before it */
	int64_t calm_us;        /* until then, treat every other worker's lease as valid */
	int64_t absurd_us;      /* until then, treat no lease as absurd */
};

/* A row of the future has its next attempt there, too, or is due. SQLite's index of times lacks
 * rows that were never tried or held. Those are due whatever their time says (DELIVERY_IS_NEW). */
#define OF_THE_FUTURE "next_attempt_at > $2 AND updated_at > $2"
static const struct db_query restart_pauses = {
	.sql = "UPDATE deliveries SET next_attempt_at = CASE WHEN held_until IS NULL "
	       "AND next_attempt_at > updated_at THEN CAST($1 AS timestamptz) + (next_attempt_at - "
	       "updated_at) ELSE $1 END, "
	       "first_failed_at = CASE WHEN first_failed_at > $1 THEN $1 ELSE first_failed_at END, "
	       "held_until = CASE WHEN held_until > $1 THEN $1 ELSE held_until END, "
	       "updated_at = $1 WHERE state = 'pending' AND " OF_THE_FUTURE,
	.sqlite = "UPDATE deliveries SET next_attempt_at = CASE WHEN held_until IS NULL "
		  "AND next_attempt_at > updated_at THEN strftime('%Y-%m-%dT%H:%M:%f000Z', $1, "
		  "printf('+%.3f seconds', 86400 * "
		  "(julianday(next_attempt_at) - julianday(updated_at)))) ELSE $1 END, "
		  "first_failed_at = CASE WHEN first_failed_at > $1 THEN $1 ELSE first_failed_at "
		  "END, held_until = CASE WHEN held_until > $1 THEN $1 ELSE held_until END, "
		  "updated_at = $1 WHERE state = 'pending' "
		  "AND (attempts > 0 OR held_until IS NOT NULL) AND " OF_THE_FUTURE,
};

int clock_open(struct delivery_engine *engine)
{
	struct clock_watch *clock = calloc(1, sizeof(*clock));
	int64_t mono_us = engine_mono_us(engine);

	if (!clock)
		return -ENOMEM;
	clock->engine = engine;
	clock->offset_us = engine_now_us(engine) - mono_us;
	clock->absurd_us = mono_us + SETTLE_US;
	clock->needs_repair = true;
	engine->clock = clock;
	return 0;
}

void clock_close(struct delivery_engine *engine)
{
	free(engine->clock);
	engine->clock = NULL;
}

unsigned clock_jumps(const struct delivery_engine *engine)
{
	return engine->clock->jumps;
}

struct takeover clock_takeover(const struct delivery_engine *engine, int64_t now_us)
{
	int64_t mono_us = engine_mono_us(engine);

	return (struct takeover){
		.ended_us = mono_us < engine->clock->calm_us ? 0 : now_us,
		.absurd_us = mono_us < engine->clock->absurd_us ? NEVER_US : now_us + ABSURD_US,
	};
}

int64_t clock_since_us(const struct delivery_engine *engine, int64_t since_us)
{
	const struct clock_watch *clock = engine->clock;

	if (clock->jumped_us <= 0 || since_us > clock->jumped_from_us)
		return since_us;
	return since_us + clock->jumped_us;
}

/* The rows in memory were chosen by the old clock. */
static void reload_all(struct delivery_engine *engine)
{
	static const enum queue_phase at_rest[] = { QUEUE_READY, QUEUE_WAITING, QUEUE_IDLE };
	static const enum queue_phase at_work[] = { QUEUE_LOADING,  QUEUE_LOADED,  QUEUE_FOLDING,
						    QUEUE_HOLDING,  QUEUE_SENDING, QUEUE_JUDGED,
						    QUEUE_RECORDING };

	for (size_t i = 0; i < ARRAY_LEN(at_work); i++) {
		LIST_EACH (link, &engine->in[at_work[i]])
			list_item(link, struct queue, turn)->is_stale = true;
	}
	for (size_t i = 0; i < ARRAY_LEN(at_rest); i++) {
		LIST_EACH_SAFE (link, &engine->in[at_rest[i]])
			queue_reload(list_item(link, struct queue, turn));
	}
}

static int run_repair(struct db *db, struct store_job *job)
{
	struct clock_watch *clock = container_of(job, struct clock_watch, job);
	const struct db_value values[] = { db_time(clock->now_us),
					   db_time(clock->now_us + AHEAD_US) };

	return db_run_now(db, &restart_pauses, values, 2, NULL, NULL, &clock->repaired);
}

static void on_repaired(struct store_job *job, int rc)
{
	struct clock_watch *clock = container_of(job, struct clock_watch, job);
	struct delivery_engine *engine = clock->engine;

	engine_end_job(engine);
	clock->is_repairing = false;
	if (rc < 0)
		clock->needs_repair = true;
	else if (clock->repaired > 0 && !engine->stopping)
		reload_all(engine);
}

void clock_repair(struct delivery_engine *engine)
{
	struct clock_watch *clock = engine->clock;

	if (!clock->needs_repair || clock->is_repairing || engine->stopping)
		return;
	clock->now_us = engine_now_us(engine);
	clock->job = (struct store_job){ .run = run_repair, .on_done = on_repaired };
	if (engine_write(engine, &clock->job) < 0)
		return;
	clock->needs_repair = false;
	clock->is_repairing = true;
}

/* Sends nothing under a lease until it has been renewed by the new clock. */
static void distrust_leases(struct delivery_engine *engine)
{
	for (size_t phase = 0; phase < QUEUE_PHASES; phase++) {
		LIST_EACH (link, &engine->in[phase])
			list_item(link, struct queue, turn)->lease_until_us = 0;
	}
	engine->seeks_renewals = true;
}

static void notice_jump(struct delivery_engine *engine, int64_t now_us, int64_t jump_us)
{
	struct clock_watch *clock = engine->clock;
	int64_t mono_us = engine_mono_us(engine);

	log_warn("the clock was set", log_int("by_seconds", jump_us / 1000000));
	clock->jumps++;
	clock->jumped_us = jump_us;
	clock->jumped_from_us = now_us - jump_us;
	clock->calm_us = mono_us + LEASE_US;
	clock->absurd_us = mono_us + SETTLE_US;
	distrust_leases(engine);
	if (jump_us < 0) {
		clock->needs_repair = true;
		clock_repair(engine);
	}
	reload_all(engine);
}

void clock_look(struct delivery_engine *engine)
{
	struct clock_watch *clock = engine->clock;
	int64_t now_us = engine_now_us(engine);
	int64_t offset_us = now_us - engine_mono_us(engine);
	int64_t jump_us = offset_us - clock->offset_us;

	clock->offset_us = offset_us;
	if (engine->stopping)
		return;
	if (jump_us > JUMP_US || jump_us < -JUMP_US)
		notice_jump(engine, now_us, jump_us);
}
