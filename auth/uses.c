/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Updates last_used of a key or last_seen_at of a session at most once a minute, whatever the
 * traffic, and prolongs a session in Redis. A lost note does no harm: the next request makes it
 * again.
 */
#include "auth/uses.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NOTE_EVERY_US INT64_C(60000000)
#define REDIS_WAIT_MS 2000

struct note {
	struct store_job job;
	enum credential kind;
	char hash[SHA256_HEX_SIZE];
	int64_t now_us;
};

/* The statement checks the minute again, because other workers note uses as well. */
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

static void note_in_store(struct store *store, const struct found *found)
{
	struct note *note;

	if (!found->has_row || found->last_use_us > found->asked_us - NOTE_EVERY_US)
		return;
	note = calloc(1, sizeof(*note));
	if (!note)
		return;
	note->job.run = run_note;
	note->job.on_done = on_noted;
	note->kind = found->identity.credential;
	note->now_us = found->asked_us;
	memcpy(note->hash, found->identity.credential_hash, sizeof(note->hash));
	if (store_write(store, &note->job) < 0)
		free(note);
}

static void on_extended(const redisReply *reply, void *owner)
{
	(void)reply;
	(void)owner;
}

/* The value belongs to the control plane. We move only its time to live, and never past the end of
 * the session. */
static void extend_in_redis(struct redis *redis, const struct found *found)
{
	int64_t left_us = found->identity.expires_us - found->asked_us;
	int64_t life_us = left_us < SESSION_IDLE_US ? left_us : SESSION_IDLE_US;
	char key[sizeof("wrenn:session:") + SHA256_HEX_SIZE];
	char life_ms[24];

	if (life_us < 1000) /* zero would delete the key */
		return;
	snprintf(key, sizeof(key), "wrenn:session:%s", found->identity.credential_hash);
	snprintf(life_ms, sizeof(life_ms), "%lld", (long long)(life_us / 1000));
	int rc = redis_send_text(redis, REDIS_WAIT_MS, on_extended, NULL, "PEXPIRE", key, life_ms,
				 (char *)NULL);

	(void)rc; /* while Redis is down the session lives on in the table */
}

void use_record(struct store *store, struct redis *redis, const struct found *found)
{
	note_in_store(store, found);
	if (found->is_cached)
		extend_in_redis(redis, found);
}
