/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Token buckets in a hash table, in the order of their last use. A bucket is one number: the time at which it
 * will be full again, so that a message moves it by one interval and a rest costs nothing. An answer that
 * says "too fast" empties the bucket, blocks it as long as the destination wished and doubles its
 * interval; successes halve it again. A pause of a whole provider doubles when nothing of it succeeded since
 * the one before. A pace without an interval has nothing to count or to double: it has a bucket only once a
 * destination has wished for a rest.
 * Failure: no memory or no room for a bucket is an answer like an empty one, look again in a second.
 */
#include "channels/pace.h"

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "core/list.h"

#define SLOTS         4096
#define MAX_PROVIDERS 16 /* those that were ever paused */
#define MAX_SLOWER    4  /* doublings: 16 times the interval */
#define SUCCESSES     10 /* in a row make it faster again */
#define LOOK_AGAIN_US INT64_C(1000000)
#define FORGET_US     (INT64_C(3600) * 1000000) /* a slowed bucket that is not used */
#define EVICT_TRIES   32
#define LONG_PAUSE_US (INT64_C(900) * 1000000) /* pauses of a provider grow up to this */

struct bucket {
	struct list hashed;
	struct list used; /* least recently used, or looked at for room, first */
	char key[SHA256_HEX_SIZE];
	int64_t full_us; /* nothing taken is left to make good for from then on */
	int64_t blocked_us;
	int64_t used_us;
	int64_t slowed_us; /* the last doubling */
	unsigned slower;
	unsigned successes;
};

struct pause {
	const struct provider *provider;
	int64_t until_us;
	unsigned repeats; /* of pauses without a success in between */
};

struct paces {
	struct list slots[SLOTS];
	struct list used;
	size_t count;
	size_t pause_count;
	struct pause pauses[MAX_PROVIDERS];
};

/* ---- the buckets ----------------------------------------------------------------------- */

static size_t slot_of(const char *key)
{
	uint64_t hash = UINT64_C(14695981039346656037);

	for (; *key; key++)
		hash = (hash ^ (unsigned char)*key) * UINT64_C(1099511628211);
	return hash % SLOTS;
}

static struct bucket *find(const struct paces *paces, const char *key)
{
	const struct list *slot = &paces->slots[slot_of(key)];

	LIST_EACH (link, slot) {
		struct bucket *bucket = list_item(link, struct bucket, hashed);

		if (strcmp(bucket->key, key) == 0)
			return bucket;
	}
	return NULL;
}

static void forget(struct paces *paces, struct bucket *bucket)
{
	list_remove(&bucket->hashed);
	list_remove(&bucket->used);
	paces->count--;
	free(bucket);
}

/* Nothing is lost by forgetting it. */
static bool is_at_rest(const struct bucket *bucket, int64_t now_us)
{
	return bucket->full_us <= now_us && bucket->blocked_us <= now_us &&
	       (bucket->slower == 0 || now_us - bucket->used_us >= FORGET_US);
}

static void move_to_end(struct paces *paces, struct bucket *bucket)
{
	list_remove(&bucket->used);
	list_add_tail(&paces->used, &bucket->used);
}

/* Those that must stay go to the end, or a few of them would hide all the others from every search. */
static bool make_room(struct paces *paces, int64_t now_us)
{
	if (paces->count < PACES_MAX_BUCKETS)
		return true;
	for (unsigned i = 0; i < EVICT_TRIES; i++) {
		struct bucket *bucket = list_item(paces->used.next, struct bucket, used);

		if (is_at_rest(bucket, now_us)) {
			forget(paces, bucket);
			return true;
		}
		move_to_end(paces, bucket);
	}
	return false;
}

static struct bucket *find_or_make(struct paces *paces, const char *key, int64_t now_us)
{
	struct bucket *bucket = find(paces, key);

	if (!bucket) {
		if (!make_room(paces, now_us))
			return NULL;
		bucket = calloc(1, sizeof(*bucket));
		if (!bucket)
			return NULL;
		memcpy(bucket->key, key, sizeof(bucket->key));
		bucket->key[sizeof(bucket->key) - 1] = '\0';
		bucket->full_us = bucket->blocked_us = bucket->slowed_us = INT64_MIN;
		list_add_tail(&paces->slots[slot_of(bucket->key)], &bucket->hashed);
		list_init(&bucket->used);
		paces->count++;
	}
	bucket->used_us = now_us;
	move_to_end(paces, bucket);
	return bucket;
}

static bool has_interval(const struct pace *pace)
{
	return pace->interval_us > 0;
}

static int64_t interval_of(const struct bucket *bucket, const struct pace *pace)
{
	return pace->interval_us << bucket->slower;
}

/* How far ahead of now a bucket that is just empty becomes full. */
static int64_t depth_of(const struct bucket *bucket, const struct pace *pace)
{
	return (int64_t)(pace->burst > 1 ? pace->burst - 1 : 0) * interval_of(bucket, pace);
}

static int64_t later(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

/* When its next token is there; not after now_us when it already is. */
static int64_t next_of(const struct bucket *bucket, const struct pace *pace)
{
	int64_t token_us = bucket->full_us;

	if (token_us != INT64_MIN)
		token_us -= depth_of(bucket, pace);
	return later(token_us, bucket->blocked_us);
}

/* ---- the providers --------------------------------------------------------------------- */

static struct pause *find_pause(const struct paces *paces, const struct provider *provider)
{
	for (size_t i = 0; i < paces->pause_count; i++) {
		if (paces->pauses[i].provider == provider)
			return (struct pause *)&paces->pauses[i];
	}
	return NULL;
}

static int64_t paused_until(const struct paces *paces, const struct provider *provider)
{
	const struct pause *pause = find_pause(paces, provider);

	return pause ? pause->until_us : INT64_MIN;
}

/* Whoever goes on after a pause and is told the same has waited too little. */
static int64_t grown(int64_t span_us, unsigned repeats)
{
	int64_t longest_us = later(span_us, LONG_PAUSE_US);

	while (repeats-- > 0 && span_us < longest_us)
		span_us *= 2;
	return span_us < longest_us ? span_us : longest_us;
}

static void pause_provider(struct paces *paces, const struct provider *provider, int64_t span_us,
			   int64_t now_us)
{
	struct pause *pause = find_pause(paces, provider);

	if (!pause) {
		assert(paces->pause_count < MAX_PROVIDERS); /* they are constants of ours */
		pause = &paces->pauses[paces->pause_count++];
		*pause = (struct pause){ .provider = provider, .until_us = INT64_MIN };
	}
	/* Requests that were under way together are told the same: that counts once. */
	if (pause->until_us > now_us) {
		pause->until_us = later(pause->until_us, now_us + span_us);
		return;
	}
	pause->until_us = now_us + grown(span_us, pause->repeats);
	if (pause->repeats < UINT_MAX)
		pause->repeats++;
}

/* It was no block of our address, or it is over. The pause itself is kept. */
static void note_success(struct paces *paces, const struct provider *provider)
{
	struct pause *pause = find_pause(paces, provider);

	if (pause)
		pause->repeats = 0;
}

/* ---- taking ---------------------------------------------------------------------------- */

int64_t paces_take(struct paces *paces, const struct provider *provider, const struct pace *list,
		   size_t count, int64_t now_us)
{
	struct bucket *buckets[PROVIDER_MAX_PACES];
	int64_t next_us = paused_until(paces, provider);

	assert(count <= PROVIDER_MAX_PACES);
	for (size_t i = 0; i < count; i++) {
		buckets[i] = has_interval(&list[i]) ? find_or_make(paces, list[i].key, now_us)
						    : find(paces, list[i].key);
		if (buckets[i])
			next_us = later(next_us, next_of(buckets[i], &list[i]));
		else if (has_interval(&list[i]))
			return later(next_us, now_us + LOOK_AGAIN_US);
	}
	if (next_us > now_us)
		return next_us;
	for (size_t i = 0; i < count; i++) {
		if (buckets[i])
			buckets[i]->full_us = later(buckets[i]->full_us, now_us) +
					      interval_of(buckets[i], &list[i]);
	}
	return 0;
}

/* ---- learning -------------------------------------------------------------------------- */

/* Several requests that went out together are told off together: that counts once. */
static void slow_down(struct bucket *bucket, const struct pace *pace, int64_t now_us)
{
	bool is_same = bucket->slowed_us != INT64_MIN &&
		       now_us - bucket->slowed_us < interval_of(bucket, pace);

	bucket->successes = 0;
	if (is_same)
		return;
	bucket->slowed_us = now_us;
	if (bucket->slower < MAX_SLOWER)
		bucket->slower++;
}

/* After a block messages go one by one, not as a burst. */
static void drain(struct bucket *bucket, const struct pace *pace, int64_t from_us)
{
	bucket->full_us = later(bucket->full_us, from_us + depth_of(bucket, pace));
}

static void speed_up(struct bucket *bucket)
{
	if (bucket->slower == 0 || ++bucket->successes < SUCCESSES)
		return;
	bucket->successes = 0;
	bucket->slower--;
}

/* How long the channel's own bucket is asked to rest, or -1. */
static int64_t wish_ms(const struct verdict *verdict)
{
	int64_t ms = verdict->kind == VERDICT_RETRY || verdict->is_throttled
			     ? verdict->retry_after_ms
			     : -1;

	return verdict->pause == PAUSE_CHANNEL ? later(ms, verdict->pause_ms) : ms;
}

static void learn(struct bucket *bucket, const struct pace *pace, const struct verdict *verdict,
		  int64_t now_us)
{
	int64_t ms = wish_ms(verdict);

	if (ms >= 0)
		bucket->blocked_us = later(bucket->blocked_us, now_us + ms * 1000);
	if (!has_interval(pace))
		return;
	if (verdict->is_throttled) {
		slow_down(bucket, pace, now_us);
		/* Without a wish: one interval of the new length. */
		if (ms < 0)
			bucket->blocked_us =
				later(bucket->blocked_us, now_us + interval_of(bucket, pace));
		drain(bucket, pace, bucket->blocked_us);
	} else if (verdict->kind == VERDICT_DELIVERED) {
		speed_up(bucket);
	}
}

void paces_learn(struct paces *paces, const struct provider *provider, const struct pace *list,
		 size_t count, const struct verdict *verdict, int64_t now_us)
{
	struct bucket *bucket;

	assert(count <= PROVIDER_MAX_PACES);
	if (verdict->pause == PAUSE_PROVIDER && verdict->pause_ms >= 0)
		pause_provider(paces, provider, verdict->pause_ms * 1000, now_us);
	else if (verdict->kind == VERDICT_DELIVERED)
		note_success(paces, provider);
	if (count == 0 || (!has_interval(&list[0]) && wish_ms(verdict) < 0))
		return;
	bucket = find_or_make(paces, list[0].key, now_us);
	if (bucket)
		learn(bucket, &list[0], verdict, now_us);
}

/* ---- looking --------------------------------------------------------------------------- */

struct pace_view paces_view(const struct paces *paces, const struct provider *provider,
			    const struct pace *list, size_t count, int64_t now_us)
{
	struct pace_view view = { .next_us = paused_until(paces, provider) };

	for (size_t i = 0; i < count; i++) {
		const struct bucket *bucket = find(paces, list[i].key);
		int64_t interval_us = bucket ? interval_of(bucket, &list[i]) : list[i].interval_us;

		view.interval_us = later(view.interval_us, interval_us);
		if (bucket)
			view.next_us = later(view.next_us, next_of(bucket, &list[i]));
	}
	view.next_us = later(view.next_us, now_us);
	return view;
}

size_t pace_allowance(const struct pace *list, size_t count, int64_t span_us)
{
	size_t allowance = SIZE_MAX;

	for (size_t i = 0; i < count; i++) {
		size_t here = list[i].burst > 1 ? list[i].burst : 1;

		if (list[i].interval_us <= 0)
			continue;
		here += (size_t)(span_us / list[i].interval_us);
		if (here < allowance)
			allowance = here;
	}
	return allowance;
}

/* ---- life ------------------------------------------------------------------------------ */

int paces_open(struct paces **out)
{
	struct paces *paces = calloc(1, sizeof(*paces));

	if (!paces)
		return -ENOMEM;
	for (size_t i = 0; i < SLOTS; i++)
		list_init(&paces->slots[i]);
	list_init(&paces->used);
	*out = paces;
	return 0;
}

void paces_close(struct paces *paces)
{
	if (!paces)
		return;
	LIST_EACH_SAFE (link, &paces->used)
		forget(paces, list_item(link, struct bucket, used));
	free(paces);
}
