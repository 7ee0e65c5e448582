/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The way from a cursor to the live chain. In memory it is one step. Before the floor of the history
 * Redis is read in bounded steps, and only what this listener wants is kept, until it is sent. The
 * history holds everything after its floor, so entries after the floor are left for it: that makes
 * the hand-over exact.
 *
 * When a read is over, the replay stands on sse->reads.done until the listener is pumped.
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
	struct stream_id position; /* everything up to here was taken or is not wanted */
	struct item *first;        /* taken and not yet sent, linked by next[CHAIN_TEAM] */
	bool failed;               /* the listener has to end, for this reason: */
	enum close_reason failure;
};

/* Starts after `position`. NULL without memory. The filter must outlive it. */
struct replay *replay_open(struct topic *topic, const struct filter *filter,
			   struct stream_id position, struct subscriber *sub);
/* It ends by itself after the read under way. Accepts NULL. */
void replay_stop(struct replay *replay);

/* Everything before `next` was sent (NULL: all that was taken). */
void replay_drop_before(struct replay *replay, const struct item *next);

/* Nothing taken is left. True when the history continues at `position`: the replay is over. Else it
 * reads on, if there is more. */
bool replay_continue(struct replay *replay);

/* Redis is back. */
void replay_retry(struct sse *sse);

/* For sse->read_pauses. */
void on_read_pause_due(struct deadline *deadline, void *owner);

#endif
