/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The recent past, shared by all listeners. Items are in stream order, both in the chain of all
 * teams and in their own team's chain. Everything after `floor` is here; the rest is in Redis.
 *
 *	 floor                                   head
 *	   |   a1 --- b1 --- b2 --- a2 --- c1 --- | next arrives here
 *	   |    \______________/                  |  chain of team a
 *	 evicted first
 *
 * The history owns its items. A listener holds nothing until it falls behind, and then only the
 * item at its cursor. So a slow listener keeps one item alive and not all that follow.
 */
#ifndef SSE_HISTORY_H
#define SSE_HISTORY_H

#include "core/list.h"
#include "sse/item.h"

struct sse;

/* One team, or all of them: its chain and its listeners. */
struct topic {
	struct list link;  /* in the history's table of teams */
	struct list dirty; /* in sse->dirty: something to send, or perhaps unused */
	struct sse *sse;
	struct uuid team;
	enum item_chain chain;
	struct item *oldest;
	struct item *newest;
	uint32_t frames; /* running totals of all that was ever appended; they wrap */
	uint32_t size;
	uint32_t states; /* the part of transient items in both */
	uint32_t state_size;

	/* The front line: listeners without a filter that have received everything before `front`.
	 * They need no cursor of their own. All others have one. */
	struct list front_line;
	struct list others;
	struct item *front;   /* NULL: the front line has received everything */
	struct item *arrived; /* the first item since the last flush */
	unsigned streams;     /* counted against the limit */
	unsigned pins;        /* others that need this struct: listeners until freed, look-ups */
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
	struct stream_id head; /* the last entry that the tail read, shown or not */

	/* Entries were lost after some of the kept ones (sse/hole.h). */
	struct stream_id hole;   /* cursors up to here miss entries; zero: none were lost */
	struct stream_id resume; /* the head right after the hole */
	bool went_back;          /* ids restarted lower; nothing from before the hole is kept */
	bool other_history;      /* the stream came from another Redis, which may have had more */

	uint64_t serial; /* of the last item that arrived */
	uint32_t batch;  /* counts the tail's batches from 1; items that were never live have 0 */
};

/* 0 or -ENOMEM. */
int history_init(struct history *history, struct sse *sse, size_t max_bytes) must_check;
void history_done(struct history *history); /* accepts one whose init failed */

/* Finds the team's topic or makes it. NULL when out of memory. */
struct topic *history_topic(struct history *history, const struct uuid *team);

/* Takes over the reference, also on failure. 0 or -ENOMEM. */
int history_append(struct history *history, struct item *item) must_check;

/* The same for an item older than all kept ones. */
int history_prepend(struct history *history, struct item *item) must_check;

/* An event of the same capsule of the same team is kept. */
bool history_knows_capsule(const struct history *history, const struct item *item);

bool history_is_full(const struct history *history);

/* Drops the oldest item, which must exist. Its topic may be unused afterwards. */
void history_evict(struct history *history);

/* The topic's first item after `id`, which must not lie before the floor. NULL when there is none
 * yet. The caller skips transient items that it must not send. */
struct item *history_after(const struct topic *topic, struct stream_id id);

/* The topic's durable item with exactly this id. NULL when it is not kept. Walks back from the
 * newest. */
const struct item *history_find(const struct topic *topic, struct stream_id id);

/* An item was finished and now has another size. */
void history_recount(struct history *history, const struct item *item, size_t old_cost);

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
