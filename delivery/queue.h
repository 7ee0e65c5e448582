/* SPDX-License-Identifier: Apache-2.0 */

/*
 * One channel at work: the phase it is in, what it holds in memory, and how it moves on.
 *
 *   CLAIMING -> HUNGRY -> LOADING -> LOADED -> READY -> SENDING -> JUDGED -> RECORDING
 *      ^          ^ ^       |          |         ^                               |
 *      |          | |       v          v         |              (its result is stored)
 *      |          | +--- WAITING    FOLDING -----+                               |
 *      |          +----- IDLE <--------------------------------------------------+
 *      |
 *   RESTING <- RELEASING
 *
 *   LOADED -> FOLDING: the backlog becomes one message; then as after LOADED without a digest
 *   LOADED -> HOLDING: rows are put off until quiet hours or a snooze end; then HUNGRY
 *   LOADING, RECORDING -> GONE -> DROPPING: the channel was deleted
 *   IDLE -> READY: the ledger brought new rows
 *   READY -> JUDGED: the delivery can never be built
 *   JUDGED -> READY: the next one goes out while the result is stored (unstored.c)
 *   RECORDING -> JUDGED: the results before it are stored (unstored.c)
 *   any phase without a job or request -> RELEASING: at the end, or to rest. A channel that is
 *   disabled, or whose breaker is open, rests without a lease.
 *
 * Each phase is a list of the engine; queue_enter() alone moves a queue between them.
 * Times are monotonic, except those that come from the store or go there.
 */
#ifndef DELIVERY_QUEUE_H
#define DELIVERY_QUEUE_H

#include <stdbool.h>
#include <stdint.h>

#include "core/buf.h"
#include "core/list.h"
#include "delivery/breaker.h"
#include "delivery/engine.h"
#include "delivery/settings.h"
#include "delivery/shares.h"
#include "delivery/states.h"

#define QUEUE_MAX_LINE   56                    /* rows of one channel in memory: in their order, */
#define QUEUE_MAX_BESIDE 8                     /* and those that failed twice */
#define QUEUE_MAX_BYTES  ((size_t)1024 * 1024) /* their cost; the last row may exceed it */

/* The result of an attempt at `current`: judge.c and send.c fill it in. */
struct turn {
	bool has_attempt; /* a request went out */
	enum attempt_verdict verdict;
	int64_t started_us; /* wall clock */
	int64_t duration_us;
	int64_t ended_us;
	int status;      /* 0: none */
	char error[256]; /* empty: none */
	struct buf detail;
	bool is_success;   /* it was delivered */
	bool learns_plain; /* the channel gets plain text from now on */
	bool is_split;     /* it contains others and was refused: they go out one by one */
	char message_id[MESSAGE_ID_SIZE]; /* of a living delivery: the message that shows it */
	struct verdict said;              /* the breaker counts it */
	struct uuid audit_id;
	struct buf rebound; /* the sealed config with the value from the answer; empty: none */
	int64_t rebound_us; /* updated_at with it */
};

/* The results of an attempt's store job. Each run in record.c resets them. */
struct record_outcome {
	int64_t changed;
	int64_t rebound_rows;
	int64_t unfolded;
	bool channel_exists;
	int64_t channel_updated_us;
	bool is_noted;          /* `breaker` was stored */
	bool is_disabled;       /* this attempt disabled the channel */
	struct breaker breaker; /* after this attempt */
};

/* The result of an attempt while record.c stores it. */
struct record {
	struct turn turn;
	struct store_job job;
	bool is_running;
	bool must_audit; /* the job found that it disables the channel, which is audited */
	bool is_routine; /* the job does not check that the row was still there */
	bool was_moved;  /* another job moved the row of a routine result: keep its attempt */
	struct record_outcome outcome;
};

struct queue {
	struct list hashed;
	struct list turn; /* in engine->in[phase] */
	struct delivery_engine *engine;
	struct uuid channel;
	enum queue_phase phase;
	bool more;        /* there may be rows to load */
	bool is_lost;     /* another worker has the lease */
	bool is_stale;    /* read everything again before sending more */
	bool needs_lease; /* waits only for its renewal */
	int64_t lease_until_us;
	int64_t wake_us;
	int64_t idle_since_us;
	int64_t rest_until_us;
	int64_t unreadable_us; /* send.c: updated_at of the settings that did not decrypt */
	int64_t noted_us;      /* record.c: when a success was last stored for the owner */
	struct share_seat seat;
	int64_t seat_us; /* load.c: updated_at of the settings whose destination `seat` knows */
	struct settings settings;
	struct hold hold;
	int64_t beside_us; /* when rows beside the queue were last searched */
	struct list deliveries;
	unsigned rows;
	size_t bytes;
	struct stream_id newest;  /* of all rows that were ever in `deliveries` */
	struct delivery *current; /* while SENDING, JUDGED or RECORDING; stays in `deliveries` */
	struct outbound_call *call;
	struct list unstored; /* results on their way into the store, in order; unstored.c */
	unsigned unstored_count;
	bool has_failed_results; /* some could not be stored: nothing is sent until they are */
	struct record record;
};

/* ---- a queue ----------------------------------------------------------------------------- */

/* NULL when out of memory. It begins in CLAIMING. */
struct queue *queue_open(struct delivery_engine *engine, const struct uuid *channel);
void queue_free(struct queue *queue);
struct queue *queue_find(struct delivery_engine *engine, const struct uuid *channel);
/* The one that has been longest in that phase, or NULL. */
struct queue *queue_first(struct delivery_engine *engine, enum queue_phase phase);

/* ---- from phase to phase ------------------------------------------------------------------ */

/* Wakes the scheduler. */
void queue_enter(struct queue *queue, enum queue_phase phase);
/* Decides what comes next for a queue without job and request. */
void queue_settle(struct queue *queue);
/* Waits until wake_us, or a tick longer. */
void queue_wait(struct queue *queue, int64_t wake_us);
/* Waits to the millisecond if wake_us is soon. */
void queue_wait_exactly(struct queue *queue, int64_t wake_us);
/* The store failed or memory ran out: reads again in a moment. */
void queue_again(struct queue *queue);
/* Forgets what is in memory and gives the lease back. */
void queue_let_go(struct queue *queue);

/* ---- memory ------------------------------------------------------------------------------ */

/* Forgets the rows and settings in memory. */
void queue_discard(struct queue *queue);
/* Forgets all rows except the first `keep` and `current`. They will be read again. */
void queue_trim(struct queue *queue, unsigned keep);
/* Forgets what is in memory and reads the channel again. */
void queue_reload(struct queue *queue);
/* At the end of `deliveries`. */
void queue_add(struct queue *queue, struct delivery *delivery);
void queue_remove(struct queue *queue, struct delivery *delivery);
/* The caller owns the delivery now, without its body. */
void queue_detach(struct queue *queue, struct delivery *delivery);

#endif
