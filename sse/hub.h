/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The whole of the live path, shared by the files of this folder: the history, who listens, and the
 * loop's handles. Appending marks topics dirty; a flush pumps each dirty topic once, then lets go
 * of what no longer fits and sends the gathered capsule look-ups.
 */
#ifndef SSE_HUB_H
#define SSE_HUB_H

#include "core/metrics.h"
#include "sse/history.h"
#include "sse/sse.h"

#define SCRATCH_MAX_BYTES (1024 * 1024)

/* A listener with more than this ahead of it is full (contract b.5) ... */
#define BACKLOG_MAX_FRAMES 256
#define BACKLOG_MAX_BYTES  (1024 * 1024)
/* ... and is closed when that has lasted this long, since one read of Redis may bring more than
 * the bound at once, or at once when it has this many times the bound. */
#define BACKLOG_GRACE_MS   1000
#define BACKLOG_HARD_TIMES 16

/* A little under a minute together, since the loop may come late to a round. */
#define RECHECK_ROUNDS   60
#define RECHECK_ROUND_MS 950

enum close_reason {
	CLOSE_CLIENT,
	CLOSE_SLOW,
	CLOSE_STALLED,
	CLOSE_CREDENTIALS,
	CLOSE_GAP,
	CLOSE_SHUTDOWN,
	CLOSE_FAILED, /* no memory */
	CLOSE_REASONS
};

/* What a listener is: a team's stream, the administrator's stream of all teams, a wait. */
enum listener_kind { LISTENER_TEAM, LISTENER_ALL, LISTENER_WAIT, LISTENER_KINDS };

/* Teams by how many listeners they have; those without any are not counted. */
#define CROWDS 4

enum wait_result { WAIT_FOUND, WAIT_TIMED_OUT, WAIT_REFUSED, WAIT_LEFT, WAIT_RESULTS };
enum lookup_result { LOOKUP_ROW, LOOKUP_NONE, LOOKUP_FAILED, LOOKUP_LATE, LOOKUP_RESULTS };

struct sse_metrics {
	struct metric *subscribers[LISTENER_KINDS];
	struct metric *crowds[CROWDS];
	struct metric *frames;
	struct metric *bytes;
	struct metric *from_memory;
	struct metric *from_redis;
	struct metric *gaps;
	struct metric *history_bytes;
	struct metric *stale;
	struct metric *high_water_frames;
	struct metric *high_water_bytes;
	struct metric *closes[CLOSE_REASONS];
	struct metric *lookups[LOOKUP_RESULTS];
	struct metric *waits[WAIT_RESULTS];
};

struct lookup;
struct preload;

/* What source.c knows. */
struct source {
	struct deadline pulse;
	struct stream_id newest; /* entry that could be read when it was asked for last */
	int64_t asked_ms;
	int64_t stale_since_us; /* 0: what listeners see is up to date */
	bool up;                /* the tail's word */
	bool asking;
	bool silent;
	bool lags;
};

struct sse {
	struct sse_options options;
	struct history history;
	struct buf scratch;
	struct buf joined; /* what many listeners get in one write */
	struct sse_metrics metrics;

	struct list dirty;   /* topics */
	uv_check_t turn;     /* flushes at the end of a loop turn; only active when there is work */
	uv_idle_t turn_soon; /* keeps the loop from sleeping before that */

	struct deadlines keepalives;
	struct deadlines stalls;
	struct deadlines partings;
	struct deadlines pulses;
	struct source source;
	char server
		[REDIS_ID_SIZE]; /* run id of the one whose stream the tail reads; empty: unknown */
	struct deadlines recheck_rounds;
	struct deadlines lookup_limits;
	struct deadlines read_pauses; /* between tries to read Redis for a replay */
	struct deadlines preload_pauses;
	unsigned open_handles;

	struct lookup *gathering; /* look-ups to be sent at the end of the flush */
	struct list lookups;      /* under way, not yet late */
	unsigned lookups_running; /* late ones included */
	bool lookups_fail;        /* said so already */
	bool losing;              /* hub_lose_soon() was called */

	/* Listeners by credential: those of one are looked at in the same round, with one look-up. */
	struct list rechecks[RECHECK_ROUNDS];
	struct deadline recheck_round;
	unsigned rounds;       /* that there were */
	uint64_t round_due_ms; /* the next one, by the loop's clock */

	struct list reads; /* replays waiting for their turn to read Redis */
	unsigned reads_running;
	struct preload *preload;
	struct list openings;       /* waiting for the preload */
	struct list parting;        /* listeners with a few seconds left for our last words */
	uint32_t high_water_frames; /* the most that ever waited for one listener */
	uint32_t high_water_bytes;

	struct item *keepalive;
	struct item *source_lost;
	struct item *source_back;
	struct item *bookmark; /* of bookmark_id */
	struct stream_id bookmark_id;

	size_t listeners; /* streams and waits, until freed */
	size_t pending;   /* calls that will come back: look-ups, reads, rechecks, openings */
	bool started;
	bool closing;
	void (*on_closed)(void *owner);
	void *owner;
};

/* Registers what sse_metrics names. */
void sse_metrics_init(struct sse_metrics *metrics);

/* Listeners come and go, requests on their way to be one included. */
void topic_count(struct topic *topic, int n);

/* There is something to do for this topic; it is done at the end of the loop turn at the latest. */
void hub_mark(struct topic *topic);
/* There is something to do that belongs to no topic. */
void hub_wake(struct sse *sse);
/* Does it now. Not from within a pump. */
void hub_flush(struct sse *sse);

/* An item up to `last` could not be made: closes every listener, so that each comes back with
 * its cursor and is served from Redis, and forgets the history. Not from within a pump. */
void hub_lose(struct sse *sse, struct stream_id last);
/* The same at the end of the loop turn, with everything so far: an item could not be made. */
void hub_lose_soon(struct sse *sse);

/* Lets go of all items. Listeners that need one of them must have been ended. */
void hub_forget(struct sse *sse);

/* Goes on with sse_close() when the last one that had to come back has. */
void sse_release(struct sse *sse);

#endif
