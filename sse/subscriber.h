/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A listener: an open stream, or a wait for one event, which differ only in what becomes of an
 * item.
 *
 *   front line --(socket full)--> others: own cursor --(caught up)--> front line
 *                                   ^  |
 *       opened with a cursor -------+  +--(cursor evicted)--> replay
 *                                   ^                           |
 *                                   +---(reached the history)---+
 *
 * In the front line it is this struct and nothing else. An item half on the wire is held until its
 * last byte is out, whatever happens to the history meanwhile.
 */
#ifndef SSE_SUBSCRIBER_H
#define SSE_SUBSCRIBER_H

#include "core/identity.h"
#include "sse/filter.h"
#include "sse/hub.h"

struct replay;

struct subscriber {
	struct list link; /* topic->front_line or topic->others; sse->parting */
	struct topic *topic;
	struct http_stream *stream; /* NULL: this is a wait */
	struct filter *filter;
	struct replay *replay;
	struct item *cursor;    /* the next to look at, held; NULL: everything was */
	struct item *partial;   /* half written, held */
	struct deadline quiet;  /* waiting for traffic, or for the socket to take some */
	struct list recheck;    /* in one of sse->rechecks */
	uint64_t from_serial;   /* arrivals up to here are past it, or were before it */
	uint32_t offset;        /* of what is left of `partial` */
	uint32_t full_since_ms; /* 0: not full */
	uint8_t credential;     /* enum credential */
	uint8_t kind;           /* enum listener_kind */
	bool is_admin;
	bool unchunked; /* speaks HTTP/1.0 */
	bool in_front;
	bool blocked; /* the socket is full; on_writable will come */
	bool stalled; /* `quiet` is in the stalls */
	bool ended;
	bool closed; /* the stream's last callback has come */
	bool rechecking;
	bool moved;             /* its cursor did, since the last bookmark */
	bool parting;           /* off the topic's lists; `cursor` is the last thing to say */
	uint8_t parting_reason; /* enum close_reason */
	uint8_t credential_hash[SHA256_SIZE];
};

/* Where a listener begins. */
struct beginning {
	bool from_cursor; /* else at the head */
	bool gap;
	struct stream_id cursor;
	struct stream_id oldest; /* with a gap */
};

/* Fills the common part and puts it among the topic's others. `stream` is set by the caller. */
void subscriber_init(struct subscriber *sub, struct topic *topic, const struct identity *identity,
		     struct filter *filter, bool is_wait);

/* Starts replaying after `cursor`. 0 or -ENOMEM. */
int subscriber_begin(struct subscriber *sub, const struct beginning *beginning) must_check;

/* Takes it off all lists; nothing finds it from here on. Its memory stays. */
void subscriber_leave(struct subscriber *sub);

/* After the last callback: frees what is left unless a recheck is under way. True when the
 * struct is the caller's to free. */
bool subscriber_is_done(struct subscriber *sub);

/* Answers the request with a stream. The request is dead afterwards. */
void stream_start(struct topic *topic, struct http_request *request, struct filter *filter,
		  const struct beginning *beginning);

/* Sends one item of ours, when the socket is free and at a frame boundary. */
void stream_send(struct subscriber *sub, struct item *item);

/* Ends it. Last words (a comment or frame of ours; or NULL) are said first, and when the socket is full
 * it has PARTING_MS to take them behind what is half written; nothing else is sent any more. */
void subscriber_end(struct subscriber *sub, enum close_reason reason, const char *last_words);

/* What a stream is told when we stop: when to come back, each a time of its own. */
#define FAREWELL_SIZE 64
void farewell_write(char text[FAREWELL_SIZE]);

/* Sends what there is. For listeners outside the front line. */
void subscriber_pump(struct subscriber *sub);

/* The position everything up to which has been looked at. */
struct stream_id subscriber_position(const struct subscriber *sub);

/* Sends the topic's new items to its front line. */
void front_line_flush(struct topic *topic);
/* Gives each its own cursor, because the item they would start at is going. */
void front_line_scatter(struct topic *topic);
/* It is full, and over the bound with the states of capsules counted in. */
bool subscriber_is_behind(const struct subscriber *sub);
/* Closes those who have had too much ahead of them for too long. */
void topic_close_slow(struct topic *topic);

/* For the deadlines; owner is the struct sse. */
void on_keepalive_due(struct deadline *deadline, void *owner);
void on_parting_due(struct deadline *deadline, void *owner);
void on_stall_due(struct deadline *deadline, void *owner);
void on_recheck_due(struct deadline *deadline, void *owner);

#endif
