/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Lookups in flight, keyed by the hash of the credential. Whoever asks for a credential that is
 * being looked up joins that lookup, so ten thousand streams that come back at once with one key
 * cost one read. Nothing outlives its lookup, but for the streams of a crowd (recent.c): the next question
 * reads again.
 *
 * Happy path: API key -> one read of the store. Session -> Redis -> one read of the store, for what
 * the cache must not decide. Failure: Redis away, slow or holding nonsense -> the tables know the
 * session as well; the store away -> everybody who waits gets its code.
 */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "auth/lookup.h"
#include "core/clock.h"
#include "core/log.h"

#define REDIS_WAIT_MS 2000

unsigned lookup_bucket(const char *hash)
{
	uint8_t bytes[2];

	/* SHA-256 is as good a hash as any; its first digits will do. */
	if (!hex_decode((struct str){ .at = hash, .len = 4 }, bytes, sizeof(bytes)))
		abort();
	return (unsigned)(bytes[0] << 8 | bytes[1]) % LOOKUP_BUCKETS;
}

static struct lookup *find_lookup(struct auth *auth, enum credential kind, const char *hash)
{
	struct list *bucket = &auth->lookups[lookup_bucket(hash)];

	LIST_EACH (link, bucket) {
		struct lookup *lookup = list_item(link, struct lookup, link);

		if (lookup->kind == kind && strcmp(lookup->hash, hash) == 0)
			return lookup;
	}
	return NULL;
}

static void drop_lookup(struct lookup *lookup)
{
	struct auth *auth = lookup->auth;

	list_remove(&lookup->link);
	free(lookup);
	auth->in_flight--;
	if (auth->closing)
		auth_free_when_idle(auth);
}

static void finish_lookup(struct lookup *lookup, int rc)
{
	if (rc < 0)
		lookup->found.rc = rc;
	/* From here on the credential is looked up anew, also by the callbacks below. */
	list_remove(&lookup->link);
	if (lookup->found.rc == 0 && lookup->is_use && !lookup->auth->closing)
		record_use(lookup);
	if (!lookup->auth->closing && (lookup->is_use || lookup->found.rc != 0))
		recent_keep(lookup->auth, lookup);

	while (!list_is_empty(&lookup->waiters)) {
		struct lookup_waiter *waiter =
			list_item(lookup->waiters.next, struct lookup_waiter, link);

		list_remove(&waiter->link);
		waiter->on_found(waiter, &lookup->found);
	}
	drop_lookup(lookup);
}

/* ---- the store's part ---------------------------------------------------------------- */

static int run_read(struct db *db, struct store_job *job)
{
	struct lookup *lookup = container_of(job, struct lookup, job);

	lookup->found = (struct found){ .rc = -EACCES };
	if (lookup->kind == CREDENTIAL_API_KEY)
		return key_read(db, lookup);
	if (lookup->is_cached)
		return session_read_cached(db, lookup);
	return session_read_table(db, lookup);
}

static void on_read(struct store_job *job, int rc)
{
	struct lookup *lookup = container_of(job, struct lookup, job);

	memcpy(lookup->found.identity.credential_hash, lookup->hash, sizeof(lookup->hash));
	lookup->found.identity.credential = lookup->kind;
	finish_lookup(lookup, rc);
}

static int read_store(struct lookup *lookup)
{
	lookup->job.run = run_read;
	lookup->job.on_done = on_read;
	return store_read(lookup->auth->options.store, &lookup->job);
}

/* ---- Redis ---------------------------------------------------------------------------- */

static void take_cached(struct lookup *lookup, const redisReply *reply)
{
	struct str json;

	if (reply->type == REDIS_REPLY_NIL)
		return;
	if (reply->type != REDIS_REPLY_STRING) {
		log_warn("redis did not answer for a session, asking the database",
			 log_int("reply_type", reply->type));
		return;
	}
	json = (struct str){ .at = reply->str, .len = (size_t)reply->len };
	lookup->is_cached = session_parse(json, str_of(lookup->hash), &lookup->cached) == 0;
	if (!lookup->is_cached)
		log_warn("cannot read a cached session, asking the database");
}

static void on_cached(const redisReply *reply, void *owner)
{
	struct lookup *lookup = owner;
	int rc;

	/* The store may be going as well; nobody needs the answer any more. */
	if (lookup->auth->closing) {
		finish_lookup(lookup, -ECANCELED);
		return;
	}
	if (reply)
		take_cached(lookup, reply);
	if (lookup->is_cached && lookup->cached.expires_us <= lookup->now_us) {
		finish_lookup(lookup, -EACCES);
		return;
	}
	rc = read_store(lookup);
	if (rc < 0)
		finish_lookup(lookup, rc);
}

static int ask_redis(struct lookup *lookup)
{
	char key[sizeof("wrenn:session:") + SHA256_HEX_SIZE];

	snprintf(key, sizeof(key), "wrenn:session:%s", lookup->hash);
	return redis_send_text(lookup->auth->options.redis, REDIS_WAIT_MS, on_cached, lookup, "GET",
			       key, (char *)NULL);
}

/* ---- start ------------------------------------------------------------------------------ */

static int start_lookup(struct lookup *lookup)
{
	if (lookup->kind == CREDENTIAL_SESSION && ask_redis(lookup) == 0)
		return 0;
	return read_store(lookup);
}

static struct lookup *lookup_new(struct auth *auth, enum credential kind, const char *hash)
{
	struct lookup *lookup = calloc(1, sizeof(*lookup));

	if (!lookup)
		return NULL;
	lookup->auth = auth;
	lookup->kind = kind;
	lookup->now_us = clock_wall_us();
	lookup->asked_ms = clock_mono_ms();
	memcpy(lookup->hash, hash, sizeof(lookup->hash));
	list_init(&lookup->waiters);
	list_add_tail(&auth->lookups[lookup_bucket(hash)], &lookup->link);
	auth->in_flight++;
	return lookup;
}

int lookup_join(struct auth *auth, enum credential kind, const char *hash,
		struct lookup_waiter *waiter)
{
	struct lookup *lookup = find_lookup(auth, kind, hash);

	assert(kind != CREDENTIAL_NONE);
	if (auth->closing)
		return -ECANCELED;
	if (!lookup) {
		int rc;

		lookup = lookup_new(auth, kind, hash);
		if (!lookup)
			return -ENOMEM;
		rc = start_lookup(lookup);
		if (rc < 0) {
			drop_lookup(lookup);
			return rc;
		}
		metric_add(auth->lookups_started, 1);
	}
	lookup->is_use |= waiter->is_use;
	list_add_tail(&lookup->waiters, &waiter->link);
	return 0;
}
