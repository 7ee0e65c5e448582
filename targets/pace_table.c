/* SPDX-License-Identifier: Apache-2.0 */

/* A bucket counts towards the bound of the team that made it, whichever teams use it later. */
#include "targets/pace_table.h"

#include <stdlib.h>
#include <string.h>

#define FORGET_US   (INT64_C(3600) * 1000000) /* how long a slower interval is kept */
#define EVICT_TRIES 32

struct pace_holder {
	struct list hashed;
	struct list level; /* in by_count */
	struct uuid team;
	unsigned count;
	struct list buckets;
};

/* ---- teams ----------------------------------------------------------------------------- */

static struct pace_holder *find_holder(const struct pace_table *table, const struct uuid *team)
{
	const struct list *slot = &table->holders[uuid_hash(team) % PACE_TEAM_SLOTS];

	LIST_EACH (link, slot) {
		struct pace_holder *holder = list_item(link, struct pace_holder, hashed);

		if (uuid_eq(&holder->team, team))
			return holder;
	}
	return NULL;
}

static struct pace_holder *make_holder(struct pace_table *table, const struct uuid *team)
{
	struct pace_holder *holder = calloc(1, sizeof(*holder));

	if (!holder)
		return NULL;
	holder->team = *team;
	list_init(&holder->level);
	list_init(&holder->buckets);
	list_add_tail(&table->holders[uuid_hash(team) % PACE_TEAM_SLOTS], &holder->hashed);
	return holder;
}

/* A holder without buckets is freed. */
static void set_count(struct pace_table *table, struct pace_holder *holder, unsigned count)
{
	holder->count = count;
	list_remove(&holder->level);
	if (count == 0) {
		list_remove(&holder->hashed);
		free(holder);
	} else {
		list_add_tail(&table->by_count[count], &holder->level);
	}
}

static struct pace_holder *largest_holder(const struct pace_table *table)
{
	for (unsigned count = PACES_TEAM_BUCKETS; count > 0; count--) {
		const struct list *level = &table->by_count[count];

		if (!list_is_empty(level))
			return list_item(level->next, struct pace_holder, level);
	}
	return NULL;
}

/* ---- room for a bucket ----------------------------------------------------------------- */

static void forget(struct pace_table *table, struct pace_bucket *bucket)
{
	list_remove(&bucket->hashed);
	list_remove(&bucket->used);
	list_remove(&bucket->of_team);
	table->count--;
	set_count(table, bucket->holder, bucket->holder->count - 1);
	free(bucket);
}

/* True when a new bucket would behave the same. */
static bool is_at_rest(const struct pace_bucket *bucket, int64_t now_us)
{
	return bucket->full_us <= now_us && bucket->blocked_us <= now_us &&
	       (bucket->slower == 0 || now_us - bucket->used_us >= FORGET_US);
}

static int64_t busy_until(const struct pace_bucket *bucket)
{
	return bucket->full_us > bucket->blocked_us ? bucket->full_us : bucket->blocked_us;
}

static void give_one_up(struct pace_table *table, const struct pace_holder *holder, int64_t now_us)
{
	struct pace_bucket *longest = list_item(holder->buckets.next, struct pace_bucket, of_team);

	LIST_EACH (link, &holder->buckets) {
		struct pace_bucket *bucket = list_item(link, struct pace_bucket, of_team);

		if (busy_until(bucket) > busy_until(longest))
			longest = bucket;
		if (is_at_rest(bucket, now_us)) {
			longest = bucket;
			break;
		}
	}
	forget(table, longest);
}

static void move_to_end(struct pace_table *table, struct pace_bucket *bucket)
{
	list_remove(&bucket->used);
	list_add_tail(&table->used, &bucket->used);
}

/* Moves busy buckets to the end, because a few of them would hide all the others from every
 * search. */
static bool forget_one_at_rest(struct pace_table *table, int64_t now_us)
{
	for (unsigned i = 0; i < EVICT_TRIES; i++) {
		struct pace_bucket *bucket = list_item(table->used.next, struct pace_bucket, used);

		if (is_at_rest(bucket, now_us)) {
			forget(table, bucket);
			return true;
		}
		move_to_end(table, bucket);
	}
	return false;
}

static void make_room(struct pace_table *table, const struct uuid *team, int64_t now_us)
{
	const struct pace_holder *holder = find_holder(table, team);

	if (holder && holder->count >= PACES_TEAM_BUCKETS)
		give_one_up(table, holder, now_us);
	else if (table->count == PACES_MAX_BUCKETS && !forget_one_at_rest(table, now_us))
		give_one_up(table, largest_holder(table), now_us);
}

/* ---- buckets --------------------------------------------------------------------------- */

static size_t slot_of(const char *key)
{
	uint64_t hash = UINT64_C(14695981039346656037);

	for (; *key; key++)
		hash = (hash ^ (unsigned char)*key) * UINT64_C(1099511628211);
	return hash % PACE_SLOTS;
}

struct pace_bucket *bucket_find(const struct pace_table *table, const char *key)
{
	const struct list *slot = &table->slots[slot_of(key)];

	LIST_EACH (link, slot) {
		struct pace_bucket *bucket = list_item(link, struct pace_bucket, hashed);

		if (strcmp(bucket->key, key) == 0)
			return bucket;
	}
	return NULL;
}

static struct pace_bucket *make(struct pace_table *table, const char *key, const struct uuid *team,
				int64_t now_us)
{
	struct pace_bucket *bucket = calloc(1, sizeof(*bucket));
	struct pace_holder *holder;

	if (!bucket)
		return NULL;
	make_room(table, team, now_us);
	holder = find_holder(table, team);
	if (!holder)
		holder = make_holder(table, team);
	if (!holder) {
		free(bucket);
		return NULL;
	}
	bucket->holder = holder;
	memcpy(bucket->key, key, sizeof(bucket->key));
	bucket->key[sizeof(bucket->key) - 1] = '\0';
	bucket->full_us = bucket->blocked_us = bucket->slowed_us = INT64_MIN;
	bucket->shared_us = bucket->took_us = INT64_MIN;
	list_add_tail(&table->slots[slot_of(bucket->key)], &bucket->hashed);
	list_add_tail(&holder->buckets, &bucket->of_team);
	list_init(&bucket->used);
	table->count++;
	set_count(table, holder, holder->count + 1);
	return bucket;
}

static bool is_none(const struct uuid *channel)
{
	static const struct uuid none;

	return uuid_eq(channel, &none);
}

static void note_user(struct pace_bucket *bucket, const struct uuid *channel)
{
	if (is_none(channel) || uuid_eq(&bucket->users[0], channel))
		return;
	if (!is_none(&bucket->users[1]) && !uuid_eq(&bucket->users[1], channel))
		bucket->is_crowded = true;
	bucket->users[1] = bucket->users[0];
	bucket->users[0] = *channel;
}

struct pace_bucket *bucket_get(struct pace_table *table, const char *key,
			       const struct pace_user *user, int64_t now_us)
{
	struct pace_bucket *bucket = bucket_find(table, key);

	if (!bucket)
		bucket = make(table, key, &user->team, now_us);
	if (!bucket)
		return NULL;
	note_user(bucket, &user->channel);
	bucket->used_us = now_us;
	move_to_end(table, bucket);
	return bucket;
}

/* True when no other channel uses it. */
static bool remove_user(struct pace_bucket *bucket, const struct uuid *channel)
{
	if (uuid_eq(&bucket->users[0], channel))
		bucket->users[0] = bucket->users[1];
	else if (!uuid_eq(&bucket->users[1], channel))
		return false;
	bucket->users[1] = (struct uuid){ .bytes = { 0 } };
	return is_none(&bucket->users[0]) && !bucket->is_crowded;
}

void pace_table_forget(struct pace_table *table, const struct pace_user *user)
{
	struct pace_holder *holder = find_holder(table, &user->team);
	unsigned left = holder ? holder->count : 0;
	struct list *link = holder ? holder->buckets.next : NULL;

	/* With its last bucket the holder is freed, and the head of the list with it. */
	for (; left > 0; left--) {
		struct pace_bucket *bucket = list_item(link, struct pace_bucket, of_team);

		link = link->next;
		if (remove_user(bucket, &user->channel))
			forget(table, bucket);
	}
}

/* ---- opening and closing --------------------------------------------------------------- */

void pace_table_init(struct pace_table *table)
{
	table->count = 0;
	list_init(&table->used);
	for (size_t i = 0; i < PACE_SLOTS; i++)
		list_init(&table->slots[i]);
	for (size_t i = 0; i < PACE_TEAM_SLOTS; i++)
		list_init(&table->holders[i]);
	for (size_t i = 0; i <= PACES_TEAM_BUCKETS; i++)
		list_init(&table->by_count[i]);
}

void pace_table_done(struct pace_table *table)
{
	LIST_EACH_SAFE (link, &table->used)
		forget(table, list_item(link, struct pace_bucket, used));
}
