/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Ten thousand streams that reconnect at once with a few keys must not be ten thousand reads. Open
 * streams are rechecked within a minute anyway, so for them an answer may be two seconds old. A
 * stream that comes alone, and any other request, is looked up.
 *
 * Only answers that let somebody in are kept; a recheck can only remove one. Only admitted streams
 * make a crowd, so an attacker with wrong keys cannot make one. When out of memory nothing is kept,
 * which costs one read.
 */
#include "auth/recent.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "core/clock.h"

#define RECENT_MS  2000 /* ten thousand streams take a second and a half */
#define RECENT_MAX 1024

/* This many streams in this time are a crowd, and the time after it belongs to the crowd. */
#define CROWD_STREAMS  16
#define CROWD_MS       100
#define CROWD_LASTS_MS 500

struct recent_answer {
	struct list in_order;
	struct list in_bucket;
	int64_t until_ms;
	struct found found;
};

static void forget(struct recent_answers *recent, struct recent_answer *answer)
{
	list_remove(&answer->in_order);
	list_remove(&answer->in_bucket);
	recent->count--;
	free(answer);
}

static void forget_until(struct recent_answers *recent, int64_t now_ms, size_t most)
{
	LIST_EACH_SAFE (link, &recent->in_order) {
		struct recent_answer *oldest = list_item(link, struct recent_answer, in_order);

		if (oldest->until_ms > now_ms && recent->count <= most)
			break;
		forget(recent, oldest);
	}
}

void recent_forget_all(struct recent_answers *recent)
{
	forget_until(recent, INT64_MAX, 0);
}

static struct recent_answer *find_answer(const struct recent_answers *recent, enum credential kind,
					 const char *hash)
{
	const struct list *bucket = &recent->buckets[credential_bucket(hash)];

	LIST_EACH (link, bucket) {
		struct recent_answer *answer = list_item(link, struct recent_answer, in_bucket);
		const struct identity *who = &answer->found.identity;

		if (who->credential == kind && strcmp(who->credential_hash, hash) == 0)
			return answer;
	}
	return NULL;
}

void recent_count_stream(struct recent_answers *recent)
{
	int64_t now_ms = clock_mono_ms();

	if (now_ms - recent->crowd_since_ms >= CROWD_MS) {
		recent->crowd_since_ms = now_ms;
		recent->crowd_count = 0;
	}
	if (++recent->crowd_count >= CROWD_STREAMS)
		recent->crowd_until_ms = now_ms + CROWD_LASTS_MS;
}

const struct found *recent_find(struct recent_answers *recent, enum credential kind,
				const char *hash)
{
	int64_t now_ms = clock_mono_ms();
	const struct recent_answer *answer;

	forget_until(recent, now_ms, RECENT_MAX);
	if (now_ms >= recent->crowd_until_ms)
		return NULL;
	answer = find_answer(recent, kind, hash);
	/* Answers overtake each other, so the list is only nearly in order. */
	return answer && answer->until_ms > now_ms ? &answer->found : NULL;
}

void recent_keep(struct recent_answers *recent, const struct found *found)
{
	const struct identity *who = &found->identity;
	struct recent_answer *answer = find_answer(recent, who->credential, who->credential_hash);

	if (answer)
		forget(recent, answer);
	forget_until(recent, clock_mono_ms(), RECENT_MAX - 1);
	answer = found->rc == 0 ? malloc(sizeof(*answer)) : NULL;
	if (!answer)
		return;
	/* Counted from the lookup's start, because the answer may have been slow. */
	answer->until_ms = found->asked_ms + RECENT_MS;
	answer->found = *found;
	list_add_tail(&recent->in_order, &answer->in_order);
	list_add_head(&recent->buckets[credential_bucket(who->credential_hash)],
		      &answer->in_bucket);
	recent->count++;
}

void recent_init(struct recent_answers *recent)
{
	memset(recent, 0, sizeof(*recent));
	for (size_t i = 0; i < CREDENTIAL_BUCKETS; i++)
		list_init(&recent->buckets[i]);
	list_init(&recent->in_order);
}
