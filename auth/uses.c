/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Notes that a credential was used: last_used of a key, last_seen_at of a session, at most once a
 * minute whatever the traffic, and the idle life of a session in Redis. Fire and forget: a note
 * that gets lost is made by the next request.
 */
#include <stdio.h>
#include <stdlib.h>

#include "auth/lookup.h"

#define NOTE_EVERY_US INT64_C(60000000)
#define REDIS_WAIT_MS 2000

struct note {
	struct store_job job;
	enum credential kind;
	char hash[SHA256_HEX_SIZE];
	int64_t now_us;
};

/* The condition again, since other workers had the same idea. */
static const struct db_query note_key = {
	.sql = "UPDATE team_api_keys SET last_used = $1 "
	       "WHERE key_hash = $2 AND (last_used IS NULL OR last_used <= $3)",
};
static const struct db_query note_session = {
	.sql = "UPDATE sessions SET last_seen_at = $1 WHERE id = $2 AND last_seen_at <= $3",
};

static int run_note(struct db *db, struct store_job *job)
{
	struct note *note = container_of(job, struct note, job);
	const struct db_value values[] = {
		db_time(note->now_us),
		db_text(str_of(note->hash)),
		db_time(note->now_us - NOTE_EVERY_US),
	};

	return db_run(db, note->kind == CREDENTIAL_API_KEY ? &note_key : &note_session, values,
		      ARRAY_LEN(values), NULL, NULL, NULL);
}

static void on_noted(struct store_job *job, int rc)
{
	(void)rc; /* the next request tries again */
	free(container_of(job, struct note, job));
}

static void note_in_store(const struct lookup *lookup)
{
	struct note *note;

	if (!lookup->found.has_row || lookup->found.last_use_us > lookup->now_us - NOTE_EVERY_US)
		return;
	note = calloc(1, sizeof(*note));
	if (!note)
		return;
	note->job.run = run_note;
	note->job.on_done = on_noted;
	note->kind = lookup->kind;
	note->now_us = lookup->now_us;
	memcpy(note->hash, lookup->hash, sizeof(note->hash));
	if (store_write(lookup->auth->options.store, &note->job) < 0)
		free(note);
}

static void on_extended(const redisReply *reply, void *owner)
{
	(void)reply;
	(void)owner;
}

/* The value belongs to the control plane; only its time to live is moved, and never past the
 * session's end. */
static void extend_in_redis(const struct lookup *lookup)
{
	int64_t left_us = lookup->cached.expires_us - lookup->now_us;
	int64_t life_us = left_us < SESSION_IDLE_US ? left_us : SESSION_IDLE_US;
	char key[sizeof("wrenn:session:") + SHA256_HEX_SIZE];
	char life_ms[24];

	if (life_us < 1000) /* zero would delete the key */
		return;
	snprintf(key, sizeof(key), "wrenn:session:%s", lookup->hash);
	snprintf(life_ms, sizeof(life_ms), "%lld", (long long)(life_us / 1000));
	int rc = redis_send_text(lookup->auth->options.redis, REDIS_WAIT_MS, on_extended, NULL,
				 "PEXPIRE", key, life_ms, (char *)NULL);

	(void)rc; /* when Redis is away the session lives on in the table */
}

void record_use(const struct lookup *lookup)
{
	note_in_store(lookup);
	if (lookup->is_cached)
		extend_in_redis(lookup);
}
