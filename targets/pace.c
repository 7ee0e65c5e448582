/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A bucket is one number: the time at which it is full again. A message moves that time by one
 * interval, and waiting costs nothing. An answer that says "too fast" empties the bucket, blocks
 * it as long as the destination asked, and doubles its interval. Ten successes in a row halve the
 * interval again. A pace without an interval has a bucket only after a destination has asked us
 * to pause.
 *
 * Failure: without memory for a bucket the caller waits a second, as for an empty one.
 */
#include "targets/pace.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "targets/pace_table.h"
#include "targets/vendors.h"

#define MAX_SLOWER    4  /* doublings, so at most 16 times the interval */
#define SUCCESSES     10 /* in a row halve the interval */
#define LOOK_AGAIN_US INT64_C(1000000)

struct paces {
	struct pace_table table;
	struct vendors vendors;
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

/* How far ahead of now the time of an empty bucket lies. */
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
		/* the team may have lost the first bucket to the second */
		buckets[i] = bucket_find(&paces->table, paced->list[i].key);
		if (buckets[i])
			next_us = later(next_us, next_of(buckets[i], &paced->list[i]));
		else if (has_interval(&paced->list[i]))
			return later(next_us, now_us + LOOK_AGAIN_US);
	}
	if (next_us > now_us)
		return next_us;
	for (size_t i = 0; i < paced->count; i++) {
		if (buckets[i])
			buckets[i]->full_us = later(buckets[i]->full_us, now_us) +
					      interval_of(buckets[i], &paced->list[i]);
	}
	if (paced->provider->paces)
		vendors_count(&paces->vendors, paced->provider, &paced->user.team, now_us);
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

void paces_learn(struct paces *paces, const struct paced *paced, const struct verdict *verdict,
		 int status, int64_t now_us)
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
	const struct pace_user user = { .team = *team, .channel = *channel };

	pace_table_forget(&paces->table, &user);
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
