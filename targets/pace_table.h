/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The buckets of pace.c: found by key, bounded for each team and for all together. A team that
 * has as many as it may gives one of its own up for a new one; when the table is full, something
 * at rest goes, else one of the team that holds most. Of a team's buckets the first at rest gives
 * way, or the one that is blocked for longest.
 */
#ifndef TARGETS_PACE_TABLE_H
#define TARGETS_PACE_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/attributes.h"
#include "core/digest.h"
#include "core/list.h"
#include "core/uuid.h"

#define PACES_MAX_BUCKETS  16384
#define PACES_TEAM_BUCKETS 256 /* of one team: five times what its channels can use */
#define PACE_SLOTS         4096
#define PACE_TEAM_SLOTS    1024

struct pace_holder; /* a team with buckets */

struct pace_bucket {
	struct list hashed;
	struct list used; /* least recently used, or looked at for room, first */
	struct list of_team;
	struct pace_holder *holder;
	struct uuid users[2]; /* the channels that used it last; all zero: none */
	bool is_crowded;      /* more than two have used it */
	char key[SHA256_HEX_SIZE];
	int64_t full_us; /* nothing taken is left to make good for from then on */
	int64_t blocked_us;
	int64_t used_us;
	int64_t slowed_us; /* the last doubling */
	unsigned slower;
	unsigned successes;
};

struct pace_table {
	struct list slots[PACE_SLOTS];
	struct list used;
	size_t count;
	struct list holders[PACE_TEAM_SLOTS];
	struct list by_count[PACES_TEAM_BUCKETS + 1]; /* holders, by the buckets they have */
};

struct pace_user {
	struct uuid team;
	struct uuid channel; /* all zero: none, for a test notification */
};

void pace_table_init(struct pace_table *table);
void pace_table_done(struct pace_table *table);

struct pace_bucket *bucket_find(const struct pace_table *table, const char *key);

/* The bucket, used now; NULL without memory for a new one. */
struct pace_bucket *bucket_get(struct pace_table *table, const char *key,
			       const struct pace_user *user, int64_t now_us);

/* The channel is gone or has another destination: its buckets go unless another channel uses
 * them. */
void pace_table_forget(struct pace_table *table, const struct pace_user *user);

#endif
