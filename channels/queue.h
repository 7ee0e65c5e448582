/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Inside the engine: one leased channel, the phase it is in, and what its files offer each other.
 *
 *   CLAIMING --> HUNGRY --> LOADING --> READY --> SENDING --> RECORDING
 *                  ^  ^        |          ^          (its result stored)
 *                  |  |        v          |                |
 *                  |  +---- WAITING ------+                |
 *                  +------- IDLE  <------------------------+
 *   from LOADING and RECORDING: DROPPING, when the channel is gone
 *   from every phase without a job or request: RELEASING, the end
 *
 * Each phase is a list of the engine, and queue_enter() alone moves a queue from one to another.
 */
#ifndef CHANNELS_QUEUE_H
#define CHANNELS_QUEUE_H

#include <stdbool.h>
#include <stdint.h>

#include "channels/delivery.h"
#include "channels/engine.h"
#include "core/buf.h"
#include "core/list.h"
#include "core/metrics.h"

#define QUEUE_MAX_ROWS    64                    /* of one channel in memory */
#define QUEUE_MAX_BYTES   ((size_t)1024 * 1024) /* the same, payloads; one row more may exceed it */
#define ENGINE_MAX_ROWS   4096                  /* of all channels */
#define ENGINE_MAX_BYTES  (64 * QUEUE_MAX_BYTES)
#define ENGINE_MAX_QUEUES 4096
#define ENGINE_MAX_LOADS  16 /* reads under way */
#define ENGINE_BUCKETS    1024
#define LEASE_BATCH       256

#define REQUEST_MS        10000
#define LEASE_US          (INT64_C(30) * 1000000)
#define LEASE_RENEW_US    (INT64_C(20) * 1000000) /* less than this left: renew */
#define LEASE_MARGIN_US   (INT64_C(12) * 1000000) /* less than this left: send nothing */
#define IDLE_US           (INT64_C(5) * 1000000)  /* kept without work, in case more comes */
#define AGAIN_US          INT64_C(1000000)        /* after the store or memory failed us */

enum queue_phase {
	QUEUE_CLAIMING,  /* the lease is being asked for */
	QUEUE_HUNGRY,    /* waits for room to load */
	QUEUE_LOADING,   /* a read is under way */
	QUEUE_READY,     /* waits for a slot to send */
	QUEUE_SENDING,   /* a request is under way */
	QUEUE_RECORDING, /* its result is being stored */
	QUEUE_WAITING,   /* until wake_us */
	QUEUE_IDLE,      /* nothing to do since idle_since_us */
	QUEUE_DROPPING,  /* the channel is gone, so are its deliveries */
	QUEUE_RELEASING, /* the lease is being given back */
	QUEUE_PHASES
};

/* What the channel's row says. */
struct settings {
	const struct provider *provider; /* NULL: one we do not know */
	struct buf sealed;               /* the config as stored */
	int64_t updated_us;
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
	char error[160]; /* empty: none */
	struct buf detail;
	/* What the store said. */
	int64_t changed;
	bool channel_is_there;
	int64_t channel_updated_us;
};

struct queue {
	struct list hashed;
	struct list turn; /* in engine->in[phase] */
	struct engine *engine;
	struct uuid channel;
	enum queue_phase phase;
	bool more;        /* there may be rows to load */
	bool is_lost;     /* the lease went to somebody else */
	bool needs_lease; /* waits for its renewal, nothing else */
	int64_t lease_until_us;
	int64_t wake_us;
	int64_t idle_since_us;
	struct settings settings;
	struct list deliveries;
	unsigned rows;
	size_t bytes;
	struct delivery *current; /* while SENDING or RECORDING; stays in `deliveries` */
	struct outbound_call *call;
	struct record record;
};

struct engine_metrics {
	struct metric *verdicts[ATTEMPT_VERDICTS];
	struct metric *seconds;
	struct metric *inflight;
	struct metric *dropped;
	struct metric *unreadable;
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
	const char *worker;
	int64_t now_us;
	size_t count;
	struct lease_item items[LEASE_BATCH];
};

struct scan {
	struct store_job job;
	bool is_running;
	const char *worker;
	int64_t now_us;
	struct uuid after; /* where the next scan goes on */
	size_t count;
	struct uuid found[LEASE_BATCH];
};

struct engine {
	struct engine_options options;
	uv_timer_t tick;
	uv_timer_t limit; /* of a close */
	unsigned open_handles;
	bool stopping;
	struct list in[QUEUE_PHASES];
	struct list buckets[ENGINE_BUCKETS];
	unsigned queues;
	unsigned rows;
	size_t bytes;
	unsigned inflight;
	unsigned loads;
	unsigned jobs; /* store jobs under way */
	struct lease_job lease;
	struct scan scan;
	struct engine_metrics metrics;
	void (*on_closed)(void *owner);
	void *owner;
};

/* ---- schedule.c ------------------------------------------------------------------------ */

/* Every callback of the engine ends with engine_serve(). Once the engine is stopping that gives the
 * leases back and ends the engine when nothing is left. */

int64_t engine_now_us(const struct engine *engine);
struct queue *engine_find(struct engine *engine, const struct uuid *channel);

void queue_enter(struct queue *queue, enum queue_phase phase);
/* Decides what comes next for a queue without job and request. */
void queue_settle(struct queue *queue);
void queue_wait(struct queue *queue, int64_t wake_us);
/* The store or memory failed us: read again in a moment. */
void queue_again(struct queue *queue);
/* Forgets the rows and settings in memory. */
void queue_discard(struct queue *queue);
/* The same, and has them read anew. */
void queue_reload(struct queue *queue);
void queue_remove(struct queue *queue, struct delivery *delivery);
void queue_free(struct queue *queue);

/* ---- lease.c --------------------------------------------------------------------------- */

/* Claims, renews and gives back what is due, in one job; one at a time. */
void lease_start(struct engine *engine);
/* Looks for channels with something due that nobody holds. */
void scan_start(struct engine *engine);

/* ---- load.c ---------------------------------------------------------------------------- */

/* Reads settings and a piece of the pending rows. */
void load_start(struct queue *queue);
/* The channel or its team is gone: nothing of it will be sent. */
void drop_start(struct queue *queue);

/* ---- send.c ---------------------------------------------------------------------------- */

/* Sends the delivery whose turn it is. */
void send_start(struct queue *queue);
/* Stores the result of `current`, again after a failure. */
void record_start(struct queue *queue);

#endif
