/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Keeps items in their chains, counts their bytes, and knows the newest event of each capsule.
 * Appending and evicting touch only the ends. The search for a cursor starts at the newest item,
 * because most clients that reconnect were away only briefly.
 */
#include "sse/history.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

static void topic_init(struct topic *topic, struct sse *sse, enum item_chain chain)
{
	*topic = (struct topic){ .sse = sse, .chain = chain };
	list_init(&topic->link);
	list_init(&topic->dirty);
	list_init(&topic->front_line);
	list_init(&topic->others);
}

int history_init(struct history *history, struct sse *sse, size_t max_bytes)
{
	*history = (struct history){ .sse = sse, .max_bytes = max_bytes, .batch = 1 };
	topic_init(&history->all, sse, CHAIN_ALL);
	history->teams = calloc(HISTORY_TEAM_BUCKETS, sizeof(*history->teams));
	for (size_t i = 0; history->teams && i < HISTORY_TEAM_BUCKETS; i++)
		list_init(&history->teams[i]);
	history->capsules = calloc(HISTORY_CAPSULE_BUCKETS, sizeof(struct item *));
	history->states = calloc(HISTORY_CAPSULE_BUCKETS, sizeof(struct item *));
	return history->teams && history->capsules && history->states ? 0 : -ENOMEM;
}

void history_done(struct history *history)
{
	while (history->all.oldest)
		history_evict(history);
	for (size_t i = 0; history->teams && i < HISTORY_TEAM_BUCKETS; i++)
		LIST_EACH_SAFE (link, &history->teams[i])
			topic_free(list_item(link, struct topic, link));
	free(history->teams);
	free(history->capsules);
	free(history->states);
}

struct topic *history_topic(struct history *history, const struct uuid *team)
{
	struct list *bucket = &history->teams[uuid_hash(team) % HISTORY_TEAM_BUCKETS];
	struct topic *topic;

	LIST_EACH (link, bucket) {
		topic = list_item(link, struct topic, link);
		if (uuid_eq(&topic->team, team))
			return topic;
	}
	topic = malloc(sizeof(*topic));
	if (!topic)
		return NULL;
	topic_init(topic, history->sse, CHAIN_TEAM);
	topic->team = *team;
	list_add_head(bucket, &topic->link);
	return topic;
}

void topic_free(struct topic *topic)
{
	assert(topic_is_unused(topic));
	list_remove(&topic->link);
	list_remove(&topic->dirty);
	free(topic);
}

/* ---- the newest event of each capsule, and the newest state ------------------------------ */

static struct item **capsule_bucket(const struct history *history, const struct item *item)
{
	struct item **table = item->transient ? history->states : history->capsules;

	return &table[uuid_hash(&item->capsule) % HISTORY_CAPSULE_BUCKETS];
}

static struct item **find_capsule(const struct history *history, const struct item *item)
{
	struct item **at = capsule_bucket(history, item);

	while (*at && !item_is_same_capsule(*at, item))
		at = &(*at)->next_capsule;
	return at;
}

static void add_newer(struct history *history, struct item *item)
{
	struct item **at = find_capsule(history, item);

	item->next_capsule = NULL;
	if (*at) {
		(*at)->superseded = true;
		item->next_capsule = (*at)->next_capsule;
		(*at)->next_capsule = NULL;
	}
	*at = item;
}

static void add_older(struct history *history, struct item *item)
{
	struct item **at = find_capsule(history, item);

	item->superseded = *at;
	if (!*at)
		*at = item;
}

static void forget_capsule(struct history *history, struct item *item)
{
	struct item **at = find_capsule(history, item);

	if (*at == item) {
		*at = item->next_capsule;
		item->next_capsule = NULL;
	}
}

bool history_knows_capsule(const struct history *history, const struct item *item)
{
	return *find_capsule(history, item);
}

/* ---- chains ------------------------------------------------------------------------------ */

static void link_newest(struct topic *topic, struct item *item)
{
	enum item_chain chain = topic->chain;

	item->prev[chain] = topic->newest;
	item->next[chain] = NULL;
	if (topic->newest)
		topic->newest->next[chain] = item;
	else
		topic->oldest = item;
	topic->newest = item;
	topic->frames++;
	topic->size += (uint32_t)item_cost(item);
	if (item->transient) {
		topic->states++;
		topic->state_size += (uint32_t)item_cost(item);
	}
	item->frames[chain] = topic->frames;
	item->sizes[chain] = topic->size;
	item->states[chain] = topic->states;
	item->state_sizes[chain] = topic->state_size;
}

/* A preload brings no transient items. The totals are those before the item that was the oldest. */
static void link_oldest(struct topic *topic, struct item *item)
{
	enum item_chain chain = topic->chain;
	struct item *next = topic->oldest;

	item->prev[chain] = NULL;
	item->next[chain] = next;
	item->frames[chain] = next ? next->frames[chain] - 1 : topic->frames;
	item->sizes[chain] = next ? next->sizes[chain] - (uint32_t)item_cost(next) : topic->size;
	item->states[chain] = topic->states;
	item->state_sizes[chain] = topic->state_size;
	if (next) {
		item->states[chain] = next->states[chain] - next->transient;
		item->state_sizes[chain] = next->state_sizes[chain] -
					   (next->transient ? (uint32_t)item_cost(next) : 0);
		next->prev[chain] = item;
	} else {
		topic->newest = item;
	}
	topic->oldest = item;
}

static void unlink_oldest(struct topic *topic, struct item *item)
{
	enum item_chain chain = topic->chain;

	assert(topic->oldest == item);
	topic->oldest = item->next[chain];
	if (topic->oldest)
		topic->oldest->prev[chain] = NULL;
	else
		topic->newest = NULL;
	item->next[chain] = NULL;
}

int history_append(struct history *history, struct item *item)
{
	struct topic *topic = history_topic(history, &item->team);

	if (!topic) {
		item_unref(item);
		return -ENOMEM;
	}
	if (item->transient)
		item->id = history->head;
	else
		history->head = item->id;
	item->place = ITEM_KEPT;
	item->topic = topic;
	item->serial = ++history->serial;
	item->batch = history->batch;
	link_newest(topic, item);
	link_newest(&history->all, item);
	if (item->has_capsule)
		add_newer(history, item);
	history->bytes += item_cost(item);
	return 0;
}

int history_prepend(struct history *history, struct item *item)
{
	struct topic *topic = history_topic(history, &item->team);

	if (!topic) {
		item_unref(item);
		return -ENOMEM;
	}
	item->place = ITEM_KEPT;
	item->topic = topic;
	link_oldest(topic, item);
	link_oldest(&history->all, item);
	if (item->has_capsule)
		add_older(history, item);
	history->bytes += item_cost(item);
	return 0;
}

bool history_is_full(const struct history *history)
{
	return history->bytes > history->max_bytes;
}

void history_evict(struct history *history)
{
	struct item *item = history->all.oldest;

	unlink_oldest(item->topic, item);
	unlink_oldest(&history->all, item);
	if (item->has_capsule)
		forget_capsule(history, item);
	item->place = ITEM_EVICTED;
	history->bytes -= item_cost(item);
	/* Items of a preload may lie before the floor already. */
	if (stream_id_compare(item->id, history->floor) > 0)
		history->floor = item->id;
	item_unref(item);
}

struct item *history_after(const struct topic *topic, struct stream_id id)
{
	struct item *after = NULL;

	for (struct item *item = topic->newest; item; item = item->prev[topic->chain]) {
		/* A transient item shares the id of the durable one before it. */
		if (stream_id_compare(item->id, id) <= 0 && !item->transient)
			break;
		after = item;
	}
	return after;
}

const struct item *history_find(const struct topic *topic, struct stream_id id)
{
	for (const struct item *item = topic->newest; item; item = item->prev[topic->chain]) {
		int order = stream_id_compare(item->id, id);

		if (order == 0 && !item->transient)
			return item;
		if (order < 0)
			return NULL;
	}
	return NULL;
}

bool history_misses(const struct history *history, struct stream_id cursor)
{
	if (stream_id_compare(cursor, history->hole) > 0)
		return false;
	if (!history->went_back)
		return !stream_id_is_zero(history->hole);
	/* An id may exist on both sides of the hole. The kept items are from after it. */
	return stream_id_compare(cursor, history->head) != 0 &&
	       !history_find(&history->all, cursor);
}

void history_each_topic(struct history *history, void (*visit)(struct topic *topic, void *arg),
			void *arg)
{
	visit(&history->all, arg);
	for (size_t i = 0; i < HISTORY_TEAM_BUCKETS; i++)
		LIST_EACH (link, &history->teams[i])
			visit(list_item(link, struct topic, link), arg);
}

void history_recount(struct history *history, const struct item *item, size_t old_cost)
{
	if (item->place == ITEM_KEPT)
		history->bytes = history->bytes - old_cost + item_cost(item);
}
