/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The buckets of pace.c, found by key. Their number is bounded for each team and in total. A team
 * at its bound gives up one of its own buckets for a new one. A full table gives up a full bucket,
 * or else one of the team that has most. A team gives up its first full bucket, or else the one
 * that is blocked for longest.
 */
#ifndef TARGETS_PACE_TABLE_H
#define TARGETS_PACE_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/attributes.h"
#include "core/crypto.h"
#include "core/list.h"
#include "core/uuid.h"

#define PACES_MAX_BUCKETS  16384
#define PACES_TEAM_BUCKETS 256 /* of one team: five times as many as its channels can use */
#define PACE_SLOTS         4096
#define PACE_TEAM_SLOTS    1024

struct pace_holder; /* a team with buckets */

struct pace_bucket {
	struct list hashed;
	struct list used; /* in the order of the last use, or of the last search for room */
	struct list of_team;
	struct pace_holder *holder;
	struct uuid users[2]; /* the last two channels that used it; all zero: none */
	bool is_crowded;      /* more than two have used it */
	char key[SHA256_HEX_SIZE];
	int64_t full_us; /* from then on the bucket is full */
	int64_t blocked_us;
	int64_t used_us;
	int64_t slowed_us; /* when the interval was doubled last */
	int64_t shared_us; /* when another worker took a token last; INT64_MIN: never */
	int64_t took_us;   /* when this worker took the last token; INT64_MIN: another did */
	unsigned slower;
	unsigned successes; /* pace.c: in a row */
};

struct pace_table {
	struct list slots[PACE_SLOTS];
	struct list used;
	size_t count;
	struct list holders[PACE_TEAM_SLOTS];
	struct list by_count[PACES_TEAM_BUCKETS + 1]; /* holders, by the number of their buckets */
};

struct pace_user {
	struct uuid team;
	struct uuid channel; /* all zero for a test notification, which has none */
};

void pace_table_init(struct pace_table *table);
void pace_table_done(struct pace_table *table);

struct pace_bucket *bucket_find(const struct pace_table *table, const char *key);

/* Finds or makes the bucket and notes the use. NULL when out of memory. */
struct pace_bucket *bucket_get(struct pace_table *table, const char *key,
			       const struct pace_user *user, int64_t now_us);

/* The channel is gone or has another destination. Frees its buckets unless another channel uses
 * them. */
void pace_table_forget(struct pace_table *table, const struct pace_user *user);

#endif
