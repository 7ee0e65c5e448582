/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The way from a cursor to the live chain. In memory it is one step. Before the floor of the
 * history a replay reads Redis in bounded steps and keeps what its listener wants until it is sent.
 * It takes no entries after the floor, because the history holds them all: so the hand-over is
 * exact.
 *
 * After a read the replay is on the list sse->reads.done until its listener is pumped.
 */
#ifndef SSE_REPLAY_H
#define SSE_REPLAY_H

#include "sse/live.h"

#define REPLAY_STEP_ENTRIES 200
#define REPLAY_STEP_BYTES   (256 * 1024) /* items held for one listener */
#define REPLAY_MAX_READS    8            /* at a time, over all listeners */

struct filter;
struct subscriber;

struct replay {
	struct list link;          /* in sse->reads */
	struct subscriber *sub;    /* who pumps it; NULL: stopped while a read was under way */
	struct stream_id position; /* everything up to here was taken or filtered out */
	struct item *first;        /* taken and not yet sent, linked by next[CHAIN_TEAM] */
	bool failed;               /* the listener has to end, for this reason: */
	enum close_reason failure;
};

/* Starts after `position`. NULL when out of memory. The filter must outlive the replay. */
struct replay *replay_open(struct topic *topic, const struct filter *filter,
			   struct stream_id position, struct subscriber *sub);
/* Frees the replay, or lets the read under way end first. Accepts NULL. */
void replay_stop(struct replay *replay);

/* Drops the items before `next`, which were sent, or all items if `next` is NULL. */
void replay_drop_before(struct replay *replay, const struct item *next);

/* Call it when all taken items were sent. True when the replay is over: the history continues after
 * `position`. Otherwise it reads the next step, if there is one. */
bool replay_continue(struct replay *replay);

/* Makes paused replays read at once, because Redis is back. */
void replay_retry(struct sse *sse);

/* For sse->read_pauses. */
void on_read_pause_due(struct deadline *deadline, void *owner);

#endif
