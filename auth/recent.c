/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Answers of a moment ago, for live streams that come in a crowd, and for nothing else: ten thousand
 * that are back at once with a few keys must not be ten thousand reads. Such a stream is looked at
 * again within a minute, so that its answer may be two seconds old. Who comes alone, or asks for
 * anything else, asks anew. Only who was let in is remembered (a look at an open stream's
 * credential can only forget), and only they make a crowd: knocking with keys that do not fit
 * opens nothing sooner. Without memory nothing is remembered, which costs a read and nothing else.
 */
#include <stdlib.h>
#include <string.h>

#include "auth/lookup.h"
#include "core/clock.h"

#define RECENT_MS  2000 /* ten thousand take a second and a half */
#define RECENT_MAX 1024

/* So many streams opened in so short a time are a crowd, and the time after it belongs to it. */
#define CROWD_STREAMS  16
#define CROWD_MS       100
#define CROWD_LASTS_MS 500

struct recent {
	struct list link;  /* in auth->recent, oldest first */
	struct list place; /* in a bucket of auth->recents */
	enum credential kind;
	char hash[SHA256_HEX_SIZE];
	int64_t until_ms;
	struct found found;
};

static void forget(struct auth *auth, struct recent *recent)
{
	list_remove(&recent->link);
	list_remove(&recent->place);
	auth->recent_count--;
	free(recent);
}

static void forget_until(struct auth *auth, int64_t now_ms, size_t most)
{
	LIST_EACH_SAFE (link, &auth->recent) {
		struct recent *oldest = list_item(link, struct recent, link);

		if (oldest->until_ms > now_ms && auth->recent_count <= most)
			break;
		forget(auth, oldest);
	}
}

void recent_forget_all(struct auth *auth)
{
	forget_until(auth, INT64_MAX, 0);
}

static struct recent *find_recent(const struct auth *auth, enum credential kind, const char *hash)
{
	const struct list *bucket = &auth->recents[lookup_bucket(hash)];

	LIST_EACH (link, bucket) {
		struct recent *recent = list_item(link, struct recent, place);

		if (recent->kind == kind && strcmp(recent->hash, hash) == 0)
			return recent;
	}
	return NULL;
}

void crowd_grow(struct auth *auth)
{
	int64_t now_ms = clock_mono_ms();

	if (now_ms - auth->crowd_since_ms >= CROWD_MS) {
		auth->crowd_since_ms = now_ms;
		auth->crowd_count = 0;
	}
	if (++auth->crowd_count >= CROWD_STREAMS)
		auth->crowd_until_ms = now_ms + CROWD_LASTS_MS;
}

const struct found *recent_find(struct auth *auth, enum credential kind, const char *hash)
{
	int64_t now_ms = clock_mono_ms();
	const struct recent *recent;

	forget_until(auth, now_ms, RECENT_MAX);
	if (now_ms >= auth->crowd_until_ms)
		return NULL;
	recent = find_recent(auth, kind, hash);
	/* Answers overtake each other, so the list is only nearly in order. */
	return recent && recent->until_ms > now_ms ? &recent->found : NULL;
}

void recent_keep(struct auth *auth, const struct lookup *lookup)
{
	int64_t now_ms = clock_mono_ms();
	struct recent *recent = find_recent(auth, lookup->kind, lookup->hash);

	if (recent)
		forget(auth, recent);
	forget_until(auth, now_ms, RECENT_MAX - 1);
	recent = lookup->found.rc == 0 ? malloc(sizeof(*recent)) : NULL;
	if (!recent)
		return;
	recent->kind = lookup->kind;
	memcpy(recent->hash, lookup->hash, sizeof(recent->hash));
	/* From when it was asked: the answer may have been on its way for long. */
	recent->until_ms = lookup->asked_ms + RECENT_MS;
	recent->found = lookup->found;
	list_add_tail(&auth->recent, &recent->link);
	list_add_head(&auth->recents[lookup_bucket(lookup->hash)], &recent->place);
	auth->recent_count++;
}
