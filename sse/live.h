/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The state of the live path: options, history, handles of the loop, and what each file of this
 * folder keeps for all listeners together. The small structs name that file.
 *
 * When the path closes, its memory is freed after the last listener and the last answer.
 */
#ifndef SSE_LIVE_H
#define SSE_LIVE_H

#include "core/log_limit.h"
#include "core/metrics.h"
#include "sse/history.h"
#include "sse/sse.h"

#define SCRATCH_MAX_BYTES (1024 * 1024)

enum close_reason {
	CLOSE_CLIENT,
	CLOSE_SLOW,
	CLOSE_STALLED,
	CLOSE_CREDENTIALS,
	CLOSE_GAP,
	CLOSE_SHUTDOWN,
	CLOSE_FAILED, /* no memory for this listener */
	CLOSE_LOST,   /* events could not be kept for anybody; counted as failed */
	CLOSE_REASONS
};

/* Kinds of listeners: a team's stream, the administrator's stream of all teams, a wait. */
enum listener_kind { LISTENER_TEAM, LISTENER_ALL, LISTENER_WAIT, LISTENER_KINDS };

/* Teams by how many listeners they have. A team without any is not counted. */
#define CROWDS 4

enum wait_result { WAIT_FOUND, WAIT_TIMED_OUT, WAIT_REFUSED, WAIT_LEFT, WAIT_RESULTS };
enum lookup_result { LOOKUP_ROW, LOOKUP_NONE, LOOKUP_FAILED, LOOKUP_LATE, LOOKUP_RESULTS };

/* metrics.c opens them, and counts crowds. */
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

/* source.c: whether listeners are up to date. */
struct source {
	struct deadline pulse;
	struct stream_id newest; /* entry that Redis could read at the last pulse */
	int64_t asked_ms;
	int64_t stale_since_us; /* 0: listeners are up to date */
	bool up;                /* as the tail says */
	bool asking;
	bool silent;
	bool lags;
};

/* lookup.c: capsule rows for items. */
struct lookups {
	struct capsule_lookup *gathering; /* sent at the end of the turn */
	unsigned running;                 /* late ones included */
	bool failing;                     /* and logged */
};

/* replay.c: who reads Redis. */
struct reads {
	struct list waiting; /* replays, until it is their turn to read */
	struct list done;    /* replays that the pump continues at the end of the turn */
	unsigned running;
};

/* bookmark.c: the frame that all streams get until the head moves. */
struct bookmark {
	struct item *item; /* NULL: none yet */
	struct stream_id id;
};

/* backlog.c: the most that ever waited for one listener. */
struct high_water {
	uint32_t frames;
	uint32_t bytes;
};

#define RECHECK_ROUNDS 60

/* recheck.c: a list for each round of a minute. A credential's hash picks the round, so listeners
 * with the same credential share one look-up. */
struct rechecks {
	struct list rounds[RECHECK_ROUNDS];
	struct deadline next;
	unsigned count;  /* of rounds so far */
	uint64_t due_ms; /* the next round, by the loop's clock */
};

struct sse {
	struct sse_options options;
	struct history history;
	struct buf scratch; /* every use overwrites it */
	struct sse_metrics metrics;

	/* Work for the end of the turn. */
	struct list dirty;   /* topics with something to send */
	struct list ending;  /* listeners to be ended, each for its reason */
	bool losing;         /* an item could not be made: all listeners lose it */
	uv_check_t turn;     /* flushes at the end of a loop turn; active while there is work */
	uv_idle_t turn_soon; /* keeps the loop from sleeping before that */
	void (*flush)(struct sse *sse);

	struct deadlines keepalives;
	struct deadlines stalls;
	struct deadlines closings;
	struct deadlines pulses;
	struct deadlines recheck_rounds;
	struct deadlines lookup_limits;
	struct deadlines read_pauses; /* between tries to read Redis for a replay */
	struct deadlines preload_pauses;
	unsigned open_handles;

	struct source source;
	struct lookups lookups;
	struct rechecks rechecks;
	struct reads reads;
	struct bookmark bookmark;
	struct high_water high_water; /* backlog.c */
	struct log_limit hole_lines;  /* hole.c */
	struct preload *preload;      /* NULL: over, or not started */
	struct list openings;         /* requests that wait for the preload */
	/* server.c: run id of the Redis that the tail reads; empty: unknown. */
	char server[REDIS_ID_SIZE];

	struct item *keepalive;
	struct item *source_lost;
	struct item *source_back;

	size_t listeners; /* streams and waits, until freed */
	size_t pending;   /* calls under way: look-ups, reads, rechecks, openings */
	bool started;
	bool closing;
	void (*on_closed)(void *owner);
	void *owner;
};

/* Prepares lists, buffers and the history. 0 or -ENOMEM; live_free() either way. */
int live_init(struct sse *sse, const struct sse_options *options) must_check;

/* Frees everything. The handles must be closed, or never have been opened. */
void live_free(struct sse *sse);

/* Continues a close: closes the handles once no listener and no pending call is left. Call it after
 * lowering `listeners` or `pending`. */
void live_release(struct sse *sse);

#endif
