/* SPDX-License-Identifier: Apache-2.0 */

/*
 * State that the steps of the delivery engine share: every queue by its phase, the memory the
 * queues use, the slots for requests, and the clocks.
 *
 * The scheduler alone starts steps. A step does one thing, enters its queue into the next phase
 * and returns. Entering a phase and the end of a store job wake the scheduler, which looks at
 * everything once, before the loop waits again.
 */
#ifndef DELIVERY_ENGINE_H
#define DELIVERY_ENGINE_H

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "core/attributes.h"
#include "core/list.h"
#include "core/metrics.h"
#include "delivery/attempt_metrics.h"
#include "delivery/options.h"
#include "delivery/shares.h"

#define ENGINE_BUCKETS 1024

#define AGAIN_US       INT64_C(1000000) /* the pause after the store failed or memory ran out */
#define PACED_US       (INT64_C(2) * 1000000) /* a longer wait for the pace keeps no rows */
#define LEASE_US       (INT64_C(30) * 1000000)

enum queue_phase {
	QUEUE_CLAIMING,  /* needs a lease */
	QUEUE_HUNGRY,    /* waits for room to load */
	QUEUE_LOADING,   /* a read is running */
	QUEUE_LOADED,    /* rows were read; do they need a digest? */
	QUEUE_FOLDING,   /* its backlog is being made into a digest */
	QUEUE_HOLDING,   /* the rows that were read are put off by quiet hours or a snooze */
	QUEUE_READY,     /* waits for a slot */
	QUEUE_SENDING,   /* a request is running */
	QUEUE_JUDGED,    /* the result of `current` is known, not stored */
	QUEUE_RECORDING, /* results are being stored, or will be again with the next tick */
	QUEUE_WAITING,   /* until wake_us */
	QUEUE_IDLE,      /* has had nothing to do since idle_since_us */
	QUEUE_GONE,      /* the channel was deleted; its deliveries are still pending */
	QUEUE_DROPPING,  /* they are being dropped */
	QUEUE_RELEASING, /* gives its lease back */
	QUEUE_RESTING,   /* has no lease and needs none until rest_until_us */
	QUEUE_PHASES
};

struct clock_watch;

struct engine_metrics {
	struct metric *inflight;
	struct metric *dropped;
	struct metric *folded;
	struct metric *held;
	struct metric *digests;
	struct metric *unreadable;
	struct metric *rows_read;
	struct metric *rows_taken;
};

/* room.c reserves memory; clock.c keeps its watch. */
struct delivery_engine {
	struct delivery_options options;
	uv_check_t after_sockets; /* both are active after engine_wake() */
	uv_prepare_t before_wait;
	void (*serve)(struct delivery_engine *engine);
	bool stopping;
	struct list in[QUEUE_PHASES];
	struct list buckets[ENGINE_BUCKETS]; /* every queue by its channel */
	unsigned queues;
	size_t bytes;          /* of all rows in memory, room_cost() */
	size_t reserved;       /* for loads that are running */
	unsigned loads;        /* queues in LOADING */
	unsigned jobs;         /* store jobs that have not ended */
	int64_t alarm_us;      /* the next exact wake, queue_wait_exactly(); INT64_MAX: none */
	bool seeks_renewals;   /* the next lease job looks for leases to renew */
	struct shares *shares; /* of the slots */
	struct clock_watch *clock;
	struct engine_metrics metrics;
	struct attempt_metrics attempts;
};

/* `serve` looks at every phase. It runs once in a turn of the loop, after engine_wake(). */
int engine_init(struct delivery_engine *engine, const struct delivery_options *options,
		void (*serve)(struct delivery_engine *engine)) must_check;
/* Opens its two handles. */
void engine_start(struct delivery_engine *engine);
/* Frees the engine. Its handles must have closed, or never been opened. */
void engine_done(struct delivery_engine *engine);

void engine_wake(struct delivery_engine *engine);

int64_t engine_now_us(const struct delivery_engine *engine);  /* wall clock */
int64_t engine_mono_us(const struct delivery_engine *engine); /* monotonic, for waiting */

/* Submits the job and counts it. Its on_done calls engine_end_job(). */
int engine_read(struct delivery_engine *engine, struct store_job *job) must_check;
int engine_write(struct delivery_engine *engine, struct store_job *job) must_check;
void engine_end_job(struct delivery_engine *engine);

#endif
