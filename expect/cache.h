/* SPDX-License-Identifier: Apache-2.0 */

/* The rules of teams in memory, as of one version of all rules. For the thread of one job at a
 * time. */
#ifndef EXPECT_CACHE_H
#define EXPECT_CACHE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/attributes.h"
#include "core/uuid.h"
#include "expect/rule.h"
#include "store/store.h"

#define EXPECT_CACHE_BUCKETS 256
#define EXPECT_CACHE_MAX     4096 /* teams, or rules */

struct expect_team {
	struct uuid team;
	bool is_read;  /* the rules are those of the cache's version */
	bool is_noted; /* batch.c: by the current batch */
	struct expect_rule *rules;
	size_t count;
	int64_t waiting; /* rows of the team; read when an event makes it wait */
	struct expect_team *next;
};

struct expect_cache {
	int64_t version; /* of all rules; batch.c compares it */
	size_t size;     /* teams and rules */
	struct expect_team *buckets[EXPECT_CACHE_BUCKETS];
};

void expect_cache_done(struct expect_cache *cache);
/* Frees all when the cache has grown past its bound. No caller may hold a team. */
void expect_cache_trim(struct expect_cache *cache);
/* Forgets all rules. The teams stay. */
void expect_cache_forget(struct expect_cache *cache);

/* Adds the team without rules when it is not there; NULL when out of memory. */
struct expect_team *expect_cache_team(struct expect_cache *cache, const struct uuid *team);

/* Reads the rules of a team that is not deleted. Pipelined. The caller sets is_read once they are
 * complete. */
int expect_cache_read(struct expect_cache *cache, struct db *db,
		      struct expect_team *team) must_check;

#endif
