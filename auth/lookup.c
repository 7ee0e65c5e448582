/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Lookups in flight, keyed by the hash of the credential: ten thousand streams that reconnect at
 * once with one key cost one read. No answer outlives its lookup here; the next caller reads again.
 *
 * Happy path: an API key costs one read of the store. A session is read from Redis, and then costs
 * one read of the store for what the cache must not decide. When Redis is down, slow or holds
 * nonsense, the session is read from the tables instead. When the store fails, every waiter gets
 * its code.
 */
#include "auth/lookup.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "auth/keys.h"
#include "auth/sessions.h"
#include "core/clock.h"
#include "core/log.h"

#define REDIS_WAIT_MS 2000

/* One credential that is being looked up, however many callers wait for it. */
struct credential_lookup {
	struct store_job job;
	struct list link; /* in a bucket of lookups->buckets */
	struct list waiters;
	struct credential_lookups *lookups;
	enum credential kind;
	char hash[SHA256_HEX_SIZE];
	int64_t asked_us;
	int64_t asked_ms;
	bool is_use;
	bool is_cached; /* Redis held the session: `cached` is filled */
	struct session cached;
	struct found found; /* a thread of the store writes it */
};

static struct credential_lookup *find_lookup(struct credential_lookups *lookups,
					     enum credential kind, const char *hash)
{
	struct list *bucket = &lookups->buckets[credential_bucket(hash)];

	LIST_EACH (link, bucket) {
		struct credential_lookup *lookup = list_item(link, struct credential_lookup, link);

		if (lookup->kind == kind && strcmp(lookup->hash, hash) == 0)
			return lookup;
	}
	return NULL;
}

static void drop_lookup(struct credential_lookup *lookup)
{
	struct credential_lookups *lookups = lookup->lookups;

	list_remove(&lookup->link);
	free(lookup);
	lookups->in_flight--;
	if (lookups->is_closing && lookups->in_flight == 0)
		lookups->on_idle(lookups->owner);
}

static void finish_lookup(struct credential_lookup *lookup, int rc)
{
	struct credential_lookups *lookups = lookup->lookups;

	if (rc < 0)
		lookup->found.rc = rc;
	/* From here on, callers and the callbacks below start a new lookup. */
	list_remove(&lookup->link);
	if (!lookups->is_closing)
		lookups->on_result(&lookup->found, lookup->is_use, lookups->owner);

	while (!list_is_empty(&lookup->waiters)) {
		struct lookup_waiter *waiter =
			list_item(lookup->waiters.next, struct lookup_waiter, link);

		list_remove(&waiter->link);
		waiter->on_found(waiter, &lookup->found);
	}
	drop_lookup(lookup);
}

/* ---- the store's part ---------------------------------------------------------------- */

/* Nothing is found yet, except what the lookup began with. The store may run a job again. */
static void reset_found(struct credential_lookup *lookup)
{
	struct found *found = &lookup->found;

	*found = (struct found){ .rc = -EACCES,
				 .is_cached = lookup->is_cached,
				 .asked_us = lookup->asked_us,
				 .asked_ms = lookup->asked_ms,
				 .identity = { .credential = lookup->kind } };
	memcpy(found->identity.credential_hash, lookup->hash, sizeof(lookup->hash));
}

static int run_read(struct db *db, struct store_job *job)
{
	struct credential_lookup *lookup = container_of(job, struct credential_lookup, job);

	reset_found(lookup);
	if (lookup->kind == CREDENTIAL_API_KEY)
		return key_read(db, &lookup->found);
	if (lookup->is_cached)
		return session_read_cached(db, &lookup->cached, &lookup->found);
	return session_read_table(db, &lookup->found);
}

static void on_read(struct store_job *job, int rc)
{
	finish_lookup(container_of(job, struct credential_lookup, job), rc);
}

static int read_store(struct credential_lookup *lookup)
{
	lookup->job.run = run_read;
	lookup->job.on_done = on_read;
	return store_read(lookup->lookups->store, &lookup->job);
}

/* ---- Redis ---------------------------------------------------------------------------- */

static void take_cached(struct credential_lookup *lookup, const redisReply *reply)
{
	struct str hash = str_of(lookup->hash);
	struct str json;

	if (reply->type == REDIS_REPLY_NIL)
		return;
	if (reply->type != REDIS_REPLY_STRING) {
		log_warn("Redis did not answer for a session; reading it from the database",
			 log_int("reply_type", reply->type));
		return;
	}
	json = (struct str){ .at = reply->str, .len = (size_t)reply->len };
	lookup->is_cached = session_parse(json, hash, &lookup->cached) == 0;
	if (!lookup->is_cached)
		log_warn("cannot parse a session from Redis; reading it from the database");
}

static void on_cached(const redisReply *reply, void *owner)
{
	struct credential_lookup *lookup = owner;
	int rc;

	/* The store may be closing as well, and no caller needs the result now. */
	if (lookup->lookups->is_closing) {
		finish_lookup(lookup, -ECANCELED);
		return;
	}
	if (reply)
		take_cached(lookup, reply);
	if (lookup->is_cached && lookup->cached.expires_us <= lookup->asked_us) {
		finish_lookup(lookup, -EACCES);
		return;
	}
	rc = read_store(lookup);
	if (rc < 0)
		finish_lookup(lookup, rc);
}

static int ask_redis(struct credential_lookup *lookup)
{
	char key[sizeof("wrenn:session:") + SHA256_HEX_SIZE];

	snprintf(key, sizeof(key), "wrenn:session:%s", lookup->hash);
	return redis_send_text(lookup->lookups->redis, REDIS_WAIT_MS, on_cached, lookup, "GET", key,
			       (char *)NULL);
}

/* ---- starting a lookup ------------------------------------------------------------------ */

static int start_lookup(struct credential_lookup *lookup)
{
	if (lookup->kind == CREDENTIAL_SESSION && ask_redis(lookup) == 0)
		return 0;
	return read_store(lookup);
}

static struct credential_lookup *lookup_new(struct credential_lookups *lookups,
					    enum credential kind, const char *hash)
{
	struct credential_lookup *lookup = calloc(1, sizeof(*lookup));

	if (!lookup)
		return NULL;
	lookup->lookups = lookups;
	lookup->kind = kind;
	memcpy(lookup->hash, hash, sizeof(lookup->hash));
	lookup->asked_us = clock_wall_us();
	lookup->asked_ms = clock_mono_ms();
	reset_found(lookup);
	list_init(&lookup->waiters);
	list_add_tail(&lookups->buckets[credential_bucket(hash)], &lookup->link);
	lookups->in_flight++;
	return lookup;
}

int lookup_join(struct credential_lookups *lookups, enum credential kind, const char *hash,
		struct lookup_waiter *waiter)
{
	struct credential_lookup *lookup = find_lookup(lookups, kind, hash);

	assert(kind != CREDENTIAL_NONE);
	if (lookups->is_closing)
		return -ECANCELED;
	if (!lookup) {
		int rc;

		lookup = lookup_new(lookups, kind, hash);
		if (!lookup)
			return -ENOMEM;
		rc = start_lookup(lookup);
		if (rc < 0) {
			drop_lookup(lookup);
			return rc;
		}
		metric_add(lookups->started, 1);
	}
	lookup->is_use |= waiter->is_use;
	list_add_tail(&lookup->waiters, &waiter->link);
	return 0;
}

/* ---- opening and closing ------------------------------------------------------------------ */

void lookups_init(struct credential_lookups *lookups)
{
	for (size_t i = 0; i < CREDENTIAL_BUCKETS; i++)
		list_init(&lookups->buckets[i]);
	lookups->in_flight = 0;
	lookups->is_closing = false;
	lookups->started =
		metric_counter("wrenn_events_auth_lookups_total", NULL,
			       "Lookups of credentials; requests at the same time share one.");
}

void lookups_close(struct credential_lookups *lookups)
{
	lookups->is_closing = true;
	if (lookups->in_flight == 0)
		lookups->on_idle(lookups->owner);
}
