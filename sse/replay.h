/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The way from a cursor to the live chain. In memory it is one step; before the floor of the
 * history Redis is read in bounded steps, and only what this listener wants is kept, until it is
 * sent. The history holds everything after its floor, so entries after the floor are left for it:
 * that makes the hand-over exact.
 */
#ifndef SSE_REPLAY_H
#define SSE_REPLAY_H

#include "sse/subscriber.h"

#define REPLAY_STEP_ENTRIES 200
#define REPLAY_STEP_BYTES   (256 * 1024) /* items held for one listener */
#define REPLAY_MAX_READS    8            /* at a time, over all listeners */

struct replay {
	struct subscriber *sub; /* NULL: it left while a read was under way */
	struct sse *sse;
	struct list link;          /* in sse->reads */
	struct deadline pause;     /* in sse->read_pauses */
	struct stream_id position; /* everything up to here was taken or is not wanted */
	struct stream_id floor;    /* of the history when the read under way was started */
	struct item *first;        /* taken and not yet sent, linked by next[CHAIN_TEAM] */
	struct item *last;
	/* What the read under way has brought; it counts once the edges of the stream prove that nothing
	 * before it had been trimmed. */
	struct item *held;
	struct item *held_last;
	struct stream_id read_to;
	bool read_failed;
	bool asks_edges;
	bool reading;
	bool has_read;
};

/* 0 or -ENOMEM. */
int replay_start(struct subscriber *sub, struct stream_id position) must_check;
void replay_stop(struct subscriber *sub);

/* Everything before `next` was sent (NULL: all that was taken). */
void replay_drop_before(struct replay *replay, const struct item *next);

/* Nothing taken is left. True when the listener has reached the history: its cursor is set and the
 * replay over. Else it is pumped again when there is more. */
bool replay_continue(struct subscriber *sub);

/* Redis is back. */
void replay_retry(struct sse *sse);

void on_read_pause_due(struct deadline *deadline, void *owner);

#endif
