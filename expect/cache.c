/* SPDX-License-Identifier: Apache-2.0 */

/* A stored rule that cannot be read belongs to a newer version and is left out. */
#include "expect/cache.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

static const struct db_query read_rules = {
	.sql = "SELECT r.name, r.rule, r.changed_at FROM expectation_rules r "
	       "JOIN teams t ON t.id = r.team_id WHERE r.team_id = $1 AND t.deleted_at IS NULL "
	       "ORDER BY r.name LIMIT 20",
};

static void forget_rules(struct expect_cache *cache, struct expect_team *team)
{
	for (size_t i = 0; i < team->count; i++)
		expect_rule_done(&team->rules[i]);
	free(team->rules);
	cache->size -= team->count;
	team->rules = NULL;
	team->count = 0;
	team->is_read = false;
}

void expect_cache_forget(struct expect_cache *cache)
{
	for (size_t i = 0; i < EXPECT_CACHE_BUCKETS; i++) {
		for (struct expect_team *team = cache->buckets[i]; team; team = team->next)
			forget_rules(cache, team);
	}
}

void expect_cache_done(struct expect_cache *cache)
{
	expect_cache_forget(cache);
	for (size_t i = 0; i < EXPECT_CACHE_BUCKETS; i++) {
		while (cache->buckets[i]) {
			struct expect_team *team = cache->buckets[i];

			cache->buckets[i] = team->next;
			free(team);
		}
	}
	cache->size = 0;
}

void expect_cache_trim(struct expect_cache *cache)
{
	if (cache->size > EXPECT_CACHE_MAX)
		expect_cache_done(cache);
}

struct expect_team *expect_cache_team(struct expect_cache *cache, const struct uuid *id)
{
	struct expect_team **bucket = &cache->buckets[uuid_hash(id) % EXPECT_CACHE_BUCKETS];
	struct expect_team *team = *bucket;

	while (team && !uuid_eq(&team->team, id))
		team = team->next;
	if (team)
		return team;
	team = calloc(1, sizeof(*team));
	if (!team)
		return NULL;
	team->team = *id;
	team->next = *bucket;
	*bucket = team;
	cache->size++;
	return team;
}

static int on_rule(const struct db_row *row, void *arg)
{
	struct expect_team *team = arg;
	struct expect_rule *more = realloc(team->rules, (team->count + 1) * sizeof(*more));
	struct str name = row_text(row, 0);
	int rc;

	if (!more)
		return -ENOMEM;
	team->rules = more;
	rc = expect_rule_parse(row_text(row, 1), &more[team->count]);
	if (rc < 0)
		return rc == -ENOMEM ? rc : 0;
	more += team->count++;
	snprintf(more->name, sizeof(more->name), "%.*s", STR_ARGS(name));
	more->changed_us = row_time(row, 2);
	return 0;
}

int expect_cache_read(struct expect_cache *cache, struct db *db, struct expect_team *team)
{
	const struct db_value value = db_uuid(&team->team);

	forget_rules(cache, team);
	return db_run(db, &read_rules, &value, 1, on_rule, team, NULL);
}
