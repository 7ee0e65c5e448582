/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Inside the engine: one channel, the phase it is in, and what its files offer each other.
 *
 *   CLAIMING --> HUNGRY --> LOADING --> READY --> SENDING --> RECORDING
 *      ^           ^  ^        |          ^                       |
 *      |           |  |        v          |             (its result stored)
 *      |           |  +---- WAITING ------+                       |
 *      |           +------- IDLE  <-------------------------------+
 *      |
 *   RESTING <-- RELEASING
 *
 *   from LOADING: FOLDING, when a backlog is to be told in one message; then as after LOADING
 *   from LOADING and RECORDING: DROPPING, when the channel is gone
 *   from every phase without a job or request: RELEASING, the end, or the begin of a rest: while
 *   its breaker is open or it is disabled a channel is not looked at and holds no lease
 *
 * Each phase is a list of the engine, and queue_enter() alone moves a queue from one to another.
 * Times are monotonic unless they come from the store or go into it.
 */
#ifndef CHANNELS_QUEUE_H
#define CHANNELS_QUEUE_H

#include <stdbool.h>
#include <stdint.h>

#include "channels/delivery.h"
#include "channels/shares.h"
#include "channels/standing.h"
#include "channels/states.h"
#include "channels/tally.h"
#include "core/buf.h"
#include "core/list.h"
#include "core/metrics.h"
#include "targets/targets.h"

#define QUEUE_MAX_LINE    56 /* rows of one channel in memory, in their order, */
#define QUEUE_MAX_BESIDE  8  /* and such as failed twice */
#define QUEUE_MAX_ROWS    (QUEUE_MAX_LINE + QUEUE_MAX_BESIDE)
#define QUEUE_MAX_BYTES   ((size_t)1024 * 1024) /* the same, payloads; one row more may exceed it */
#define ENGINE_MAX_ROWS   4096                  /* of all channels */
#define ENGINE_MAX_BYTES  (64 * QUEUE_MAX_BYTES)
#define ENGINE_MAX_QUEUES 4096
#define ENGINE_MAX_LOADS  16 /* reads under way */
#define ENGINE_BUCKETS    1024
#define LEASE_BATCH       256
#define PACED_ROWS        4 /* kept in memory while a channel waits for its pace */

#define REQUEST_MS        10000
#define LEASE_US          (INT64_C(30) * 1000000)
#define LEASE_RENEW_US    (INT64_C(20) * 1000000) /* less than this left: renew */
#define LEASE_MARGIN_US   (INT64_C(12) * 1000000) /* less than this left: send nothing */
#define IDLE_US           (INT64_C(5) * 1000000)  /* kept without work, in case more comes */
#define AGAIN_US          INT64_C(1000000)        /* after the store or memory failed us */
#define REST_US           (INT64_C(60) * 1000000) /* how long a disabled channel is not looked at */
#define FOREVER_US        (INT64_C(253402300799) * 1000000) /* the last second of the year 9999 */
#define PACED_US          (INT64_C(2) * 1000000)  /* a longer wait for the pace keeps no rows */
#define LOOK_AGAIN_US     (INT64_C(30) * 1000000) /* and reads the settings anew so often */

enum queue_phase {
	QUEUE_CLAIMING,  /* the lease is being asked for */
	QUEUE_HUNGRY,    /* waits for room to load */
	QUEUE_LOADING,   /* a read is under way */
	QUEUE_FOLDING,   /* its backlog becomes a digest */
	QUEUE_READY,     /* waits for a slot to send */
	QUEUE_SENDING,   /* a request is under way */
	QUEUE_RECORDING, /* its result is being stored */
	QUEUE_WAITING,   /* until wake_us */
	QUEUE_IDLE,      /* nothing to do since idle_since_us */
	QUEUE_DROPPING,  /* the channel is gone, so are its deliveries */
	QUEUE_RELEASING, /* the lease is being given back */
	QUEUE_RESTING,   /* no lease, nothing to be done until rest_until_us */
	QUEUE_PHASES
};

/* What the rows of the channel and its state say. All zero: not read. */
struct settings {
	const struct provider *provider; /* NULL: one we do not know */
	struct uuid team;
	struct buf sealed;     /* the config as stored */
	struct buf old_secret; /* of a webhook, as stored: those before the last replacements */
	int64_t old_secret_until_us;
	int64_t updated_us;
	int64_t success_us;       /* the last one that was written down; 0: none */
	struct standing standing; /* kept up to date with every attempt */
	bool has_paces;           /* the next is set */
	struct paced paced;
};

/* The result of the delivery in hand, on its way into the store. */
struct record {
	struct store_job job;
	bool is_running;
	bool has_attempt; /* a request went out */
	enum attempt_verdict verdict;
	int64_t started_us; /* wall clock */
	int64_t duration_us;
	int64_t ended_us;
	int status;      /* 0: none */
	char error[256]; /* empty: none */
	struct buf detail;
	bool is_success;     /* it was delivered */
	bool falls_apart;    /* a digest that was refused: its events go out one by one */
	struct verdict said; /* for the channel's standing */
	struct uuid audit_id;
	struct buf rebound; /* the config with the value the answer named, sealed; empty: none */
	int64_t rebound_us; /* updated_at with it */
	/* What the job found and did. */
	int64_t changed;
	int64_t rebound_rows;
	int64_t unfolded;
	bool channel_is_there;
	int64_t channel_updated_us;
	bool is_noted;            /* `standing` was stored */
	bool is_disabled;         /* the channel has become so with this attempt */
	struct standing standing; /* after this attempt */
};

struct queue {
	struct list hashed;
	struct list turn; /* in engine->in[phase] */
	struct engine *engine;
	struct uuid channel;
	enum queue_phase phase;
	bool more;        /* there may be rows to load */
	bool is_lost;     /* the lease went to somebody else */
	bool is_stale;    /* what is in memory is to be read anew before anything more is sent */
	bool needs_lease; /* waits for its renewal, nothing else */
	int64_t lease_until_us;
	int64_t wake_us;
	int64_t idle_since_us;
	int64_t rest_until_us;
	int64_t unreadable_us; /* updated_at of settings that were said not to open */
	int64_t noted_us;      /* when a success was last written down for its owner */
	struct share_seat seat;
	int64_t seat_us; /* updated_at of the settings that `seat` knows the destination of */
	struct settings settings;
	struct hold hold;
	int64_t beside_us; /* when those beside the queue were last looked for */
	struct list deliveries;
	unsigned rows;
	size_t bytes;
	struct delivery *current; /* while SENDING or RECORDING; stays in `deliveries` */
	struct outbound_call *call;
	struct record record;
};

struct engine_metrics {
	struct metric *inflight;
	struct metric *dropped;
	struct metric *folded;
	struct metric *digests;
	struct metric *unreadable;
};

/* When a lease of somebody else may be taken: one that ended before `ended_us`, or one that ends
 * after `absurd_us`, which was given before the clock was set back. */
struct takeover {
	int64_t ended_us;
	int64_t absurd_us;
};

enum lease_action { LEASE_CLAIM, LEASE_RENEW, LEASE_RELEASE };

struct lease_item {
	struct uuid channel;
	enum lease_action action;
	int64_t changed;
};

struct lease_job {
	struct store_job job;
	bool is_running;
	bool is_outdated; /* the clock was set since it began */
	/* Once a tick, since every queue is looked at: leases last far longer. */
	bool seeks_renewals;
	const char *worker;
	int64_t now_us;   /* wall clock */
	int64_t until_us; /* monotonic */
	struct takeover takeover;
	size_t count;
	struct lease_item items[LEASE_BATCH];
};

struct scan {
	struct store_job job;
	bool is_running;
	const char *worker;
	int64_t now_us;
	struct takeover takeover;
	struct uuid after; /* where the next scan goes on */
	size_t count;
	struct uuid found[LEASE_BATCH];
};

#define GONE_BATCH 256

/* Which of the channels with a request under way are still there. */
struct gone_look {
	struct store_job job;
	bool is_running;
	int64_t asked_us;
	size_t count;
	struct uuid channels[GONE_BATCH];
	bool is_there[GONE_BATCH];
};

/* What the wall clock did while we looked, clock.c. */
struct clock_watch {
	struct store_job job;
	bool is_repairing;
	bool needs_repair; /* rows may have times of before the clock was set back */
	int64_t repaired;  /* rows, by the last repair */
	int64_t now_us;
	int64_t offset_us;      /* wall clock less monotonic clock */
	int64_t jumped_us;      /* the last jump, forth (positive) or back */
	int64_t jumped_from_us; /* the wall clock before it */
	int64_t calm_us;        /* until then nobody's lease is held to have ended */
	int64_t absurd_us;      /* until then none is held to be absurd */
};

struct engine {
	struct engine_options options;
	uv_timer_t tick;
	uv_timer_t alarm; /* for paces: finer than the tick */
	int64_t alarm_us; /* INT64_MAX: not set */
	uv_timer_t limit; /* of a close */
	unsigned open_handles;
	bool stopping;
	struct list in[QUEUE_PHASES];
	struct list buckets[ENGINE_BUCKETS];
	unsigned queues;
	unsigned rows;
	size_t bytes;
	struct shares *shares; /* of the slots for requests */
	unsigned loads;
	unsigned jobs; /* store jobs under way */
	struct clock_watch clock;
	struct lease_job lease;
	struct scan scan;
	struct gone_look gone;
	struct engine_metrics metrics;
	struct tally tally;
	void (*on_closed)(void *owner);
	void *owner;
};

/* ---- scheduler.c ------------------------------------------------------------------------ */

/* Every callback of the engine ends with engine_serve(). Once the engine is stopping that gives the
 * leases back and ends the engine when nothing is left. */

int64_t engine_now_us(const struct engine *engine);  /* wall clock, for the store and the world */
int64_t engine_mono_us(const struct engine *engine); /* monotonic clock, for waiting */
/* Looks at waiting queues at that time, sooner than the tick if need be. */
void engine_set_alarm(struct engine *engine, int64_t mono_us);
struct queue *engine_find(struct engine *engine, const struct uuid *channel);

/* ---- queue.c --------------------------------------------------------------------------- */

struct list *engine_bucket(struct engine *engine, const struct uuid *channel);
/* NULL without memory. */
struct queue *queue_open(struct engine *engine, const struct uuid *channel);
void queue_enter(struct queue *queue, enum queue_phase phase);
/* Decides what comes next for a queue without job and request. */
void queue_settle(struct queue *queue);
void queue_wait(struct queue *queue, int64_t wake_us);
/* The store or memory failed us: read again in a moment. */
void queue_again(struct queue *queue);
/* Forgets the rows and settings in memory. */
void queue_discard(struct queue *queue);
/* Forgets rows beyond the first few; never `current`. They will be read again. */
void queue_trim(struct queue *queue, unsigned keep);
/* The same, and has them read anew. */
void queue_reload(struct queue *queue);
void queue_remove(struct queue *queue, struct delivery *delivery);
/* Forgets what is in memory and gives the lease back: whatever comes next begins with a claim. */
void queue_let_go(struct queue *queue);
void queue_free(struct queue *queue);

/* ---- lease.c --------------------------------------------------------------------------- */

/* Claims, renews and gives back what is due, in one job; one at a time. */
void lease_start(struct engine *engine);

/* ---- scan.c ---------------------------------------------------------------------------- */

/* Looks for channels with something due that nobody holds. */
void scan_start(struct engine *engine);

/* ---- cancel.c ---------------------------------------------------------------------------- */

/* With the tick: ends requests whose channel is gone. */
void gone_look(struct engine *engine);

/* ---- clock.c ---------------------------------------------------------------------- */

void clock_open(struct engine *engine);
/* Looks whether the wall clock was set, and what is known by it is known no more then. */
void clock_look(struct engine *engine);
/* With the tick: repairs what the store holds by the clock of before. */
void clock_repair(struct engine *engine);
struct takeover clock_takeover(const struct engine *engine, int64_t now_us);
/* The moment a delivery's day counts from, by today's clock. */
int64_t clock_since_us(const struct engine *engine, int64_t since_us);

/* ---- load.c ---------------------------------------------------------------------------- */

/* Reads settings and a piece of the pending rows. */
void load_start(struct queue *queue);

/* ---- storm.c --------------------------------------------------------------------------- */

/* Folds what was just loaded when it is a storm; false: it is none, or cannot be folded now. */
bool storm_start(struct queue *queue);

/* ---- drop.c ---------------------------------------------------------------------------- */

/* The channel or its team is gone: nothing of it will be sent. */
void drop_start(struct queue *queue);

/* ---- send.c ---------------------------------------------------------------------------- */

/* Sends the delivery whose turn it is, or waits for the channel's pace. */
void send_start(struct queue *queue);
/* The opened settings. Zero, -EBADMSG or -ENOMEM. */
int settings_open(const struct queue *queue, struct opened_config *out) must_check;
/* Those that are still valid; for old_secrets_done(). */
void settings_old_secrets(const struct queue *queue, struct old_secrets *out);
/* Once for all that is sent under these settings: none when they cannot be opened. */
void settings_find_paces(struct queue *queue);

/* ---- judge.c --------------------------------------------------------------------------- */

/* The answer to `current`; begins the record. */
void judge_answer(const struct answer *answer, void *owner);

/* ---- record.c -------------------------------------------------------------------------- */

/* Stores the result of `current`, again after a failure. */
void record_start(struct queue *queue);

#endif
