/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A listener: an open stream, or a wait for one event.
 *
 *   front line --(socket full)--> others: own cursor --(caught up)--> front line
 *                                   ^  |
 *       opened with a cursor -------+  +--(cursor evicted)--> replay
 *                                   ^                           |
 *                                   +---(reached the history)---+
 *
 * In the front line a listener is this struct and nothing else. It holds an item that is half on
 * the wire until the last byte is out, whatever happens to the history.
 *
 *   subscriber_end() --> sse->ending --(end of the turn)--> type->end()
 *                                        --(last callback)--> type->release()
 */
#ifndef SSE_SUBSCRIBER_H
#define SSE_SUBSCRIBER_H

#include "core/identity.h"
#include "sse/live.h"

struct filter;
struct replay;
struct run;
struct subscriber;

/* The functions in which streams and waits differ. */
struct subscriber_type {
	/* Takes a run of at least one item. True when it took everything and wants more. */
	bool (*deliver)(struct subscriber *sub, const struct run *run);
	/* Takes our own item that is not an event. False when it cannot take one now. */
	bool (*send)(struct subscriber *sub, struct item *item);
	/* Ends for sub->reason, at the end of the turn. */
	void (*end)(struct subscriber *sub);
	/* The last callback has run: frees the memory. */
	void (*release)(struct subscriber *sub);
	unsigned lookahead; /* items for which it may want capsule rows at once */
	bool is_wait;       /* never in the front line; a kind of its own in metrics */
};

struct subscriber {
	struct list link; /* in topic->front_line, topic->others or sse->ending */
	const struct subscriber_type *type;
	struct topic *topic;
	struct http_stream *stream; /* NULL in a wait */
	struct filter *filter;
	struct replay *replay;
	struct item *cursor;    /* the next item, held; NULL: it has received everything */
	struct item *partial;   /* half written, held */
	struct deadline quiet;  /* waits for traffic, or for the socket to take some */
	struct list recheck;    /* in one of sse->rechecks */
	uint64_t from_serial;   /* it has received arrivals up to here, or they came before it */
	uint32_t offset;        /* of the part of `partial` that is still to be written */
	uint32_t full_since_ms; /* 0: not full */
	uint8_t credential;     /* enum credential */
	uint8_t kind;           /* enum listener_kind */
	uint8_t reason;         /* enum close_reason, once it is ending */
	bool is_admin : 1;
	bool unchunked : 1; /* speaks HTTP/1.0 */
	bool in_front : 1;
	bool blocked : 1;    /* the socket is full; on_writable will come */
	bool stalled : 1;    /* write.c: `quiet` is in sse->stalls */
	bool ending : 1;     /* no more events go to it */
	bool is_closing : 1; /* only `partial` and the closing frame at `cursor` are to be sent */
	bool left : 1;       /* off all lists */
	bool closed : 1;     /* its last callback has run */
	bool rechecking : 1;
	bool moved : 1; /* it has sent an id since the last offer of a bookmark */
	uint8_t credential_hash[SHA256_SIZE];
};

/* Puts a new listener among the topic's others. */
void subscriber_init(struct subscriber *sub, const struct subscriber_type *type,
		     struct topic *topic, const struct identity *identity, struct filter *filter);

/* Starts a replay after `position`. 0 or -ENOMEM. */
int subscriber_replay(struct subscriber *sub, struct stream_id position) must_check;

/* Replaces the cursor. */
void subscriber_set_cursor(struct subscriber *sub, struct item *item);

void subscriber_join_front(struct subscriber *sub);
/* From here on the listener has a cursor of its own, which the caller sets. */
void subscriber_leave_front(struct subscriber *sub);

/* Sends no further event; closing_frame.c ends the listener at the end of the turn. The first
 * reason counts. Safe anywhere, even within a pump. */
void subscriber_end(struct subscriber *sub, enum close_reason reason);
/* The same for all listeners of the topic. */
void subscriber_end_all(struct topic *topic, enum close_reason reason);

/* Takes the listener off all lists at once: nothing finds it from here on. Its memory stays. */
void subscriber_leave(struct subscriber *sub);

/* Frees a listener that has left, unless a callback is still under way. */
void subscriber_release(struct subscriber *sub);

#endif
