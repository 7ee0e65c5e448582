/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The recent past, shared by all listeners: items in stream order in one chain of all teams, and
 * those of one team in that team's chain. Everything after `floor` is here; what is at or before it
 * has to be read from Redis.
 *
 *	 floor                                   head
 *	   |   a1 --- b1 --- b2 --- a2 --- c1 --- | next arrives here
 *	   |    \______________/                  |  chain of team a
 *	 evicted first
 *
 * The history alone owns its items; listeners own nothing until they fall behind, and then only the
 * item at their cursor. So a slow one keeps one item alive and not all that follow it.
 */
#ifndef SSE_HISTORY_H
#define SSE_HISTORY_H

#include "core/list.h"
#include "sse/item.h"

struct sse;

/* One team, or all of them: its chain and its listeners. */
struct topic {
	struct list link;  /* in the history's table of teams */
	struct list dirty; /* in sse->dirty: there is something to send, or it may be dropped */
	struct sse *sse;
	struct uuid team;
	enum item_chain chain;
	struct item *oldest;
	struct item *newest;
	uint32_t frames; /* running totals of everything that was appended; they wrap */
	uint32_t size;
	uint32_t states; /* the part of the transient ones in both */
	uint32_t state_size;

	/* Listeners without a filter that have got everything before `front`, at no cost of their
	 * own: not even a cursor. All others have one each. */
	struct list front_line;
	struct list others;
	struct item *front;   /* NULL: they have got everything */
	struct item *arrived; /* the first item since the last flush */
	unsigned streams;     /* counted against the limit */
	unsigned pins;        /* who else needs this struct: listeners until freed, lookups */
};

#define HISTORY_TEAM_BUCKETS    4096 /* powers of two */
#define HISTORY_CAPSULE_BUCKETS 8192

struct history {
	struct sse *sse;
	struct topic all;
	struct list *teams; /* buckets */
	/* Buckets: the newest kept event of each capsule, and the newest transient one. */
	struct item **capsules;
	struct item **states;
	size_t bytes;
	size_t max_bytes;
	struct stream_id floor;
	struct stream_id head; /* the last entry of the stream that was seen, shown or not */

	/* Entries were lost after some of what is kept (sse/hole.h). */
	struct stream_id hole;   /* cursors up to here miss them; zero: none were lost */
	struct stream_id resume; /* the head right after the loss */
	bool went_back;     /* the ids behind it were smaller; nothing from before it is kept */
	bool other_history; /* the stream came from elsewhere; what it lacks may have been elsewhere */

	uint64_t serial; /* of the last item that arrived */
	uint32_t batch;  /* counts the tail's; items that never were live have 0 */
};

/* 0 or -ENOMEM. */
int history_init(struct history *history, struct sse *sse, size_t max_bytes) must_check;
void history_done(struct history *history); /* accepts a half-made one */

/* The team's topic, made when there is none; NULL without memory. */
struct topic *history_topic(struct history *history, const struct uuid *team);

/* Takes over the reference. 0, or -ENOMEM and the item is gone. */
int history_append(struct history *history, struct item *item) must_check;

/* The same for an item older than all that are kept. */
int history_prepend(struct history *history, struct item *item) must_check;

/* An event of the same capsule of the same team is kept. */
bool history_knows_capsule(const struct history *history, const struct item *item);

bool history_is_full(const struct history *history);

/* Lets go of the oldest item, which there must be; its topics may be unused then. */
void history_evict(struct history *history);

/* The first item of the topic that comes after `id`, which must not lie before the floor; NULL when
 * there is none yet. Transient ones before it are the caller's to skip. */
struct item *history_after(const struct topic *topic, struct stream_id id);

/* An item was finished and costs something else now. */
void history_recount(struct history *history, const struct item *item, size_t old_cost);

/* The lasting item of exactly this id is kept. Walks back to it. */
bool history_has(const struct history *history, struct stream_id id);

/* Entries after this cursor are lost (sse/hole.h). */
bool history_misses(const struct history *history, struct stream_id cursor);

/* The topic of all teams, then each team's. The visit must not free a topic. */
void history_each_topic(struct history *history, void (*visit)(struct topic *topic, void *arg),
			void *arg);

static inline bool topic_is_unused(const struct topic *topic)
{
	return topic->chain == CHAIN_TEAM && !topic->oldest && topic->pins == 0 &&
	       topic->streams == 0;
}

void topic_free(struct topic *topic);

#endif
