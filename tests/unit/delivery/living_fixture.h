/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A living channel on both stores, with the real provider of Telegram or Matrix and a chat that
 * holds messages as these do.
 */
#ifndef TESTS_UNIT_DELIVERY_LIVING_FIXTURE_H
#define TESTS_UNIT_DELIVERY_LIVING_FIXTURE_H

#include "tests/support/chat_channel.h"

#define MAX_MESSAGES 64
#define LIVING       "living_messages WHERE message_id <> ''"
#define FOLDED       "deliveries WHERE state = 'folded'"

/* What the next edit gets instead of an answer. */
enum refusal {
	REFUSE_NOTHING,
	REFUSE_DELETED,
	REFUSE_UNKNOWN, /* Matrix: the homeserver does not know the message */
	REFUSE_OLD,
	REFUSE_SAME,
	REFUSE_FORM,
	REFUSE_BUSY,
	/* Matrix: */
	REFUSE_PACE,
	REFUSE_TOKEN,
	REFUSE_MOVED,  /* a redirect */
	REFUSE_PAGE,   /* a page of something in between, with success */
	REFUSE_BROKEN, /* what is no HTTP */
	REFUSE_WORDS,  /* an error code that nobody knows */
	REFUSE_LONG    /* the message exists, but the lookup's response is too long to read */
};

struct chat {
	unsigned count;
	unsigned edits;
	enum refusal refusal;
	unsigned refusals;              /* how many edits get it */
	char subject[MAX_MESSAGES][64]; /* "Capsule cl-1" */
	char text[MAX_MESSAGES][1024];
	unsigned refused_posts; /* how many posts are still refused */
	unsigned wrong;         /* edits of another capsule's message */
	unsigned lookups;       /* Matrix: how often a message was asked for */
};

extern struct chat chat;

/* Answers requests as Telegram does. */
enum receiver_reply talk(const struct received *request, struct buf *out, void *arg);

/* Runs the steps on each store, and expects that no message was edited wrongly. */
void with_chat(void (*steps)(struct rig *rig));

/* The same with Matrix. The refusals are answers to the lookup before an edit. */
void with_matrix(void (*steps)(struct rig *rig));

struct event *event_of(const char *kind, const char *capsule, const char *outcome, int64_t ms);

/* An event with the outcome success, so many milliseconds after the start. */
void happen(struct rig *rig, const char *kind, const char *capsule, int64_t ms);

/* Refuses the edit of a posted message, and expects a new message, which is edited from then on. */
void post_anew(struct rig *rig, enum refusal refusal);

/* Until nothing is pending. */
void settle(struct rig *rig);

/* The text of the message has the piece. */
void expect_message(unsigned number, const char *piece);

#endif
