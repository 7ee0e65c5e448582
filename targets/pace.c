/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A bucket is one number: the time at which it is full again. A message moves that time by one
 * interval, and waiting costs nothing. An answer that says "too fast" empties the bucket, blocks
 * it as long as the destination asked, and doubles its interval. Ten successes in a row halve the
 * interval again. A pace without an interval has a bucket only after a destination has asked us
 * to pause.
 *
 * Several workers: each applies to its own bucket what the others publish. Workers that wait for
 * the same token would all take it at the same moment, before their messages arrive. So they take
 * turns, beginning with one that did not take the last token.
 *
 * Failure: without memory for a bucket the caller waits a second, as for an empty one.
 */
#include "targets/pace.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "targets/pace_news.h"
#include "targets/pace_table.h"
#include "targets/vendors.h"

#define MAX_SLOWER    4  /* doublings, so at most 16 times the interval */
#define SUCCESSES     10 /* in a row halve the interval */
#define LOOK_AGAIN_US INT64_C(1000000)
#define SHARED_US      \
	(INT64_C(60) * \
	 1000000) /* how long a bucket counts as shared after another worker used it */
#define YIELD_US 10000
#define STEP_US  1000 /* clocks of the loop tick in milliseconds */
#define STEPS    5
#define MAX_LINE 1024

struct paces {
	struct pace_table table;
	struct vendors vendors;
	struct uuid self;                              /* one worker among several */
	void (*publish)(struct str line, void *owner); /* NULL: alone */
	void *owner;
};

/* ---- one bucket ------------------------------------------------------------------------ */

static bool has_interval(const struct pace *pace)
{
	return pace->interval_us > 0;
}

static int64_t interval_of(const struct pace_bucket *bucket, const struct pace *pace)
{
	return pace->interval_us << bucket->slower;
}

/* How far in the future the time of an empty bucket is. */
static int64_t depth_of(const struct pace_bucket *bucket, const struct pace *pace)
{
	return (int64_t)(pace->burst > 1 ? pace->burst - 1 : 0) * interval_of(bucket, pace);
}

static int64_t later(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

/* The time of the next token. At or before now_us: a token is there. */
static int64_t next_of(const struct pace_bucket *bucket, const struct pace *pace)
{
	int64_t token_us = bucket->full_us;

	if (token_us != INT64_MIN)
		token_us -= depth_of(bucket, pace);
	return later(token_us, bucket->blocked_us);
}

static void take_token(struct pace_bucket *bucket, const struct pace *pace, int64_t now_us)
{
	bucket->full_us = later(bucket->full_us, now_us) + interval_of(bucket, pace);
}

static int64_t turn_of(const struct paces *paces, const struct pace_bucket *bucket,
		       const struct pace *pace, int64_t now_us)
{
	int64_t next_us = next_of(bucket, pace);
	int64_t yield_us = pace->interval_us / 4 < YIELD_US ? pace->interval_us / 4 : YIELD_US;

	if (bucket->shared_us == INT64_MIN || now_us - bucket->shared_us > SHARED_US ||
	    next_us == INT64_MIN)
		return next_us;
	if (bucket->took_us != INT64_MIN)
		return next_us + yield_us;
	return next_us + (int64_t)((uuid_hash(&paces->self) ^ (uint64_t)next_us) % STEPS) * STEP_US;
}

/* ---- news for the other workers ----------------------------------------------------------- */

static void share(const struct paces *paces, struct pace_news *news)
{
	struct buf line;

	if (!paces->publish)
		return;
	news->worker = paces->self;
	buf_init(&line, MAX_LINE);
	pace_news_write(&line, news);
	if (!line.err)
		paces->publish(buf_str(&line), paces->owner);
	buf_done(&line);
}

static void share_taken(const struct paces *paces, const struct paced *paced)
{
	struct pace_news news = { .kind = PACE_TOOK, .paced = *paced };

	if (paced->provider->paces)
		share(paces, &news);
}

/* ---- taking a message from the buckets ------------------------------------------------- */

/* Without an interval there is nothing to count, so no bucket is made. */
static struct pace_bucket *bucket_for(struct paces *paces, const struct paced *paced, size_t i,
				      int64_t now_us)
{
	if (has_interval(&paced->list[i]))
		return bucket_get(&paces->table, paced->list[i].key, &paced->user, now_us);
	return bucket_find(&paces->table, paced->list[i].key);
}

int64_t paces_take(struct paces *paces, const struct paced *paced, int64_t now_us)
{
	struct pace_bucket *buckets[PROVIDER_MAX_PACES];
	int64_t next_us = now_us;

	assert(paced->count <= PROVIDER_MAX_PACES);
	if (paced->provider->paces)
		next_us = vendors_next(&paces->vendors, paced->provider, &paced->user.team, now_us);
	for (size_t i = 0; i < paced->count; i++)
		(void)bucket_for(paces, paced, i, now_us);
	for (size_t i = 0; i < paced->count; i++) {
		/* making the second bucket may have freed the first */
		buckets[i] = bucket_find(&paces->table, paced->list[i].key);
		if (buckets[i])
			next_us =
				later(next_us, turn_of(paces, buckets[i], &paced->list[i], now_us));
		else if (has_interval(&paced->list[i]))
			return later(next_us, now_us + LOOK_AGAIN_US);
	}
	if (next_us > now_us)
		return next_us;
	for (size_t i = 0; i < paced->count; i++) {
		if (!buckets[i])
			continue;
		take_token(buckets[i], &paced->list[i], now_us);
		buckets[i]->took_us = now_us;
	}
	if (paced->provider->paces)
		vendors_count(&paces->vendors, paced->provider, &paced->user.team, now_us);
	share_taken(paces, paced);
	return 0;
}

/* ---- learning from answers ------------------------------------------------------------- */

/* Requests that ran at the same time get the same complaint, which counts once. */
static void slow_down(struct pace_bucket *bucket, const struct pace *pace, int64_t now_us)
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

/* After a block messages go one by one, not in a burst. */
static void drain(struct pace_bucket *bucket, const struct pace *pace, int64_t from_us)
{
	bucket->full_us = later(bucket->full_us, from_us + depth_of(bucket, pace));
}

static void speed_up(struct pace_bucket *bucket)
{
	if (bucket->slower == 0 || ++bucket->successes < SUCCESSES)
		return;
	bucket->successes = 0;
	bucket->slower--;
}

/* How long the destination asks us to pause, or -1. */
static int64_t rest_ms(const struct verdict *verdict)
{
	int64_t ms = verdict->kind == VERDICT_RETRY || verdict->is_throttled
			     ? verdict->retry_after_ms
			     : -1;

	return verdict->pause == PAUSE_CHANNEL ? later(ms, verdict->pause_ms) : ms;
}

static void learn(struct pace_bucket *bucket, const struct pace *pace,
		  const struct verdict *verdict, int64_t now_us)
{
	int64_t ms = rest_ms(verdict);

	if (ms >= 0)
		bucket->blocked_us = later(bucket->blocked_us, now_us + ms * 1000);
	if (!has_interval(pace))
		return;
	if (verdict->is_throttled) {
		slow_down(bucket, pace, now_us);
		/* the destination named no time: one interval of the new length */
		if (ms < 0)
			bucket->blocked_us =
				later(bucket->blocked_us, now_us + interval_of(bucket, pace));
		drain(bucket, pace, bucket->blocked_us);
	} else if (verdict->kind == VERDICT_DELIVERED) {
		speed_up(bucket);
	}
}

static void learn_here(struct paces *paces, const struct paced *paced,
		       const struct verdict *verdict, int status, int64_t now_us)
{
	const struct vendor_answer answer = { .provider = paced->provider,
					      .team = paced->user.team,
					      .verdict = verdict,
					      .status = status };
	struct pace_bucket *bucket;

	assert(paced->count <= PROVIDER_MAX_PACES);
	if (paced->provider->paces)
		vendors_learn(&paces->vendors, &answer, now_us);
	if (paced->count == 0 || (!has_interval(&paced->list[0]) && rest_ms(verdict) < 0))
		return;
	bucket = bucket_get(&paces->table, paced->list[0].key, &paced->user, now_us);
	if (bucket)
		learn(bucket, &paced->list[0], verdict, now_us);
}

/* A success of a destination that was never slowed down changes nothing. */
static bool is_news(const struct paces *paces, const struct paced *paced,
		    const struct verdict *verdict, int status)
{
	const struct pace_bucket *bucket =
		paced->count > 0 ? bucket_find(&paces->table, paced->list[0].key) : NULL;

	return rest_ms(verdict) >= 0 || verdict->pause_ms >= 0 || verdict->is_throttled ||
	       (paced->provider->paces && vendors_refuses(status)) ||
	       (verdict->kind == VERDICT_DELIVERED && bucket && bucket->slower > 0);
}

void paces_learn(struct paces *paces, const struct paced *paced, const struct verdict *verdict,
		 int status, int64_t now_us)
{
	struct pace_news news = {
		.kind = PACE_LEARNED, .paced = *paced, .verdict = *verdict, .status = status
	};

	if (is_news(paces, paced, verdict, status))
		share(paces, &news);
	learn_here(paces, paced, verdict, status, now_us);
}

/* ---- hearing the other workers ----------------------------------------------------------- */

/* After two took a token in the same moment, one of them waits for the other. */
static void note_taker(const struct paces *paces, struct pace_bucket *bucket,
		       const struct uuid *worker, int64_t now_us)
{
	bool is_same = bucket->took_us != INT64_MIN && now_us - bucket->took_us < YIELD_US;

	if (!is_same || uuid_compare(&paces->self, worker) > 0)
		bucket->took_us = INT64_MIN;
	bucket->shared_us = now_us;
}

static void see_taken(struct paces *paces, const struct pace_news *news, int64_t now_us)
{
	const struct paced *paced = &news->paced;

	for (size_t i = 0; i < paced->count; i++) {
		struct pace_bucket *bucket = bucket_for(paces, paced, i, now_us);

		if (!bucket)
			continue;
		take_token(bucket, &paced->list[i], now_us);
		note_taker(paces, bucket, &news->worker, now_us);
	}
	vendors_meet(&paces->vendors, paced->provider, &news->worker, now_us);
}

void paces_hear(struct paces *paces, struct str line, int64_t now_us)
{
	struct pace_news news;

	if (pace_news_read(line, &news) < 0 || uuid_eq(&news.worker, &paces->self))
		return;
	switch (news.kind) {
	case PACE_TOOK:
		see_taken(paces, &news, now_us);
		break;
	case PACE_LEARNED:
		learn_here(paces, &news.paced, &news.verdict, news.status, now_us);
		break;
	case PACE_FORGOT:
		pace_table_forget(&paces->table, &news.paced.user);
		break;
	}
}

void paces_share(struct paces *paces, void (*publish)(struct str line, void *owner), void *owner)
{
	uuid_v4(&paces->self);
	paces->publish = publish;
	paces->owner = owner;
}

/* ---- what owners see ------------------------------------------------------------------- */

struct pace_view paces_view(const struct paces *paces, const struct paced *paced, int64_t now_us)
{
	struct pace_view view = {
		.next_us = now_us,
		.limited_us = vendors_limited(&paces->vendors, paced->provider, &paced->user.team),
	};

	if (paced->provider->paces)
		view.next_us =
			vendors_next(&paces->vendors, paced->provider, &paced->user.team, now_us);
	for (size_t i = 0; i < paced->count; i++) {
		const struct pace *pace = &paced->list[i];
		const struct pace_bucket *bucket = bucket_find(&paces->table, pace->key);
		int64_t interval_us = bucket ? interval_of(bucket, pace) : pace->interval_us;

		view.interval_us = later(view.interval_us, interval_us);
		if (!bucket)
			continue;
		view.next_us = later(view.next_us, next_of(bucket, pace));
		view.limited_us = later(view.limited_us, bucket->blocked_us);
	}
	return view;
}

size_t pace_allowance(const struct paced *paced, int64_t span_us)
{
	const struct pace *list = paced->list;
	size_t allowance = SIZE_MAX;

	for (size_t i = 0; i < paced->count; i++) {
		size_t here = list[i].burst > 1 ? list[i].burst : 1;

		if (list[i].interval_us <= 0)
			continue;
		here += (size_t)(span_us / list[i].interval_us);
		if (here < allowance)
			allowance = here;
	}
	return allowance;
}

void paces_forget(struct paces *paces, const struct uuid *team, const struct uuid *channel)
{
	struct pace_news news = { .kind = PACE_FORGOT,
				  .paced.user = { .team = *team, .channel = *channel } };

	share(paces, &news);
	pace_table_forget(&paces->table, &news.paced.user);
}

/* ---- opening and closing --------------------------------------------------------------- */

int paces_open(struct paces **out)
{
	struct paces *paces = calloc(1, sizeof(*paces));

	if (!paces)
		return -ENOMEM;
	pace_table_init(&paces->table);
	vendors_init(&paces->vendors);
	*out = paces;
	return 0;
}

void paces_close(struct paces *paces)
{
	if (!paces)
		return;
	pace_table_done(&paces->table);
	vendors_done(&paces->vendors);
	free(paces);
}
