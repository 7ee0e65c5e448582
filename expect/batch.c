/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A wait has two halves: `due`, and `missed` with `arrived` (docs/notes/expectations.md). A row
 * is ignored when its rule was changed after it.
 */
#include "expect/batch.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/utf8.h"
#include "expect/notice.h"
#include "expect/waits.h"

struct expect_wait {
	struct expect_team *team;
	const struct expect_rule *rule;
	struct str resource; /* text of an event */
	struct wait_row row;
	bool is_changed;
	size_t next; /* in its bucket, counted from 1; 0: none */
};

int expect_batch_init(struct expect_batch *batch, struct expect_cache *cache, size_t events)
{
	*batch = (struct expect_batch){ .cache = cache, .cap = events };
	batch->events = calloc(events ? events : 1, sizeof(batch->events[0]));
	batch->teams = calloc(events ? events : 1, sizeof(batch->teams[0]));
	return batch->events && batch->teams ? 0 : -ENOMEM;
}

void expect_batch_reset(struct expect_batch *batch)
{
	for (size_t i = 0; i < batch->team_count; i++)
		batch->teams[i]->is_noted = false;
	memset(batch->buckets, 0, sizeof(batch->buckets));
	batch->event_count = 0;
	batch->team_count = 0;
	batch->wait_count = 0;
	batch->missed = 0;
	batch->arrived = 0;
	batch->refused = 0;
}

void expect_batch_done(struct expect_batch *batch)
{
	if (batch->teams)
		expect_batch_reset(batch);
	free((void *)batch->events);
	free((void *)batch->teams);
	free(batch->waits);
	*batch = (struct expect_batch){ .cache = NULL };
}

int expect_batch_gather(struct expect_batch *batch, const struct event *event)
{
	struct expect_team *team;

	if (batch->event_count == 0)
		expect_cache_trim(batch->cache);
	team = expect_cache_team(batch->cache, &event->team);
	if (!team)
		return -ENOMEM;
	batch->events[batch->event_count++] = event;
	if (team->is_noted)
		return 0;
	team->is_noted = true;
	batch->teams[batch->team_count++] = team;
	return 0;
}

/* ---- rules ----------------------------------------------------------------------------------- */

static const struct db_query read_version = {
	.sql = "SELECT version FROM expectation_version WHERE one = 1",
};

static int on_number(const struct db_row *row, void *arg)
{
	*(int64_t *)arg = row_int(row, 0);
	return 0;
}

static int read_missing(struct expect_batch *batch, struct db *db)
{
	int rc = 0;

	for (size_t i = 0; i < batch->team_count && rc == 0; i++) {
		if (!batch->teams[i]->is_read)
			rc = expect_cache_read(batch->cache, db, batch->teams[i]);
	}
	return rc;
}

int expect_batch_read_rules(struct expect_batch *batch, struct db *db)
{
	int rc;

	if (batch->event_count == 0)
		return 0;
	rc = db_run(db, &read_version, NULL, 0, on_number, &batch->version, NULL);
	return rc < 0 ? rc : read_missing(batch, db);
}

/* A rule may change between the two statements, so the next batch may read the same rules again. */
static int complete_rules(struct expect_batch *batch, struct db *db)
{
	int rc = 0;

	if (batch->version != batch->cache->version) {
		expect_cache_forget(batch->cache);
		rc = read_missing(batch, db);
		if (rc == 0)
			rc = db_flush(db);
		if (rc == 0)
			batch->cache->version = batch->version;
	}
	for (size_t i = 0; i < batch->team_count && rc == 0; i++)
		batch->teams[i]->is_read = true;
	return rc;
}

/* ---- waits in memory ------------------------------------------------------------------------- */

static struct str resource_of(const struct event *event)
{
	return utf8_cut(event->resource_id, WAIT_MAX_RESOURCE);
}

static size_t *bucket_of(struct expect_batch *batch, struct str resource)
{
	uint64_t hash = 14695981039346656037u; /* FNV-1a */

	for (size_t i = 0; i < resource.len; i++)
		hash = (hash ^ (unsigned char)resource.at[i]) * 1099511628211u;
	return &batch->buckets[hash % EXPECT_BATCH_BUCKETS];
}

static struct expect_wait *find(struct expect_batch *batch, const struct expect_rule *rule,
				struct str resource)
{
	for (size_t at = *bucket_of(batch, resource); at != 0; at = batch->waits[at - 1].next) {
		struct expect_wait *wait = &batch->waits[at - 1];

		/* A rule belongs to one team, so the team need not be compared. */
		if (wait->rule == rule && str_eq(wait->resource, resource))
			return wait;
	}
	return NULL;
}

static int add(struct expect_batch *batch, struct expect_team *team, const struct expect_rule *rule,
	       struct str resource)
{
	size_t *bucket = bucket_of(batch, resource);

	if (resource.len == 0 || find(batch, rule, resource))
		return 0;
	if (batch->wait_count == batch->wait_cap) {
		size_t cap = batch->wait_cap ? 2 * batch->wait_cap : 16;
		struct expect_wait *more = realloc(batch->waits, cap * sizeof(*more));

		if (!more)
			return -ENOMEM;
		batch->waits = more;
		batch->wait_cap = cap;
	}
	batch->waits[batch->wait_count++] = (struct expect_wait){
		.team = team, .rule = rule, .resource = resource, .next = *bucket
	};
	*bucket = batch->wait_count;
	return 0;
}

static const struct expect_rule *rule_of_notice(const struct expect_team *team,
						const struct event *event)
{
	struct str name = event_metadata(event, "rule");

	for (size_t i = 0; i < team->count; i++) {
		if (event->kind == EVENT_EXPECTATION_MISSED && str_is(name, team->rules[i].name))
			return &team->rules[i];
	}
	return NULL;
}

static int gather_waits(struct expect_batch *batch, const struct event *event)
{
	struct expect_team *team = expect_cache_team(batch->cache, &event->team);
	const struct expect_rule *own = team ? rule_of_notice(team, event) : NULL;
	int rc = team ? 0 : -ENOMEM;

	if (own)
		return add(batch, team, own, resource_of(event));
	for (size_t i = 0; rc == 0 && i < team->count; i++) {
		const struct expect_rule *rule = &team->rules[i];
		bool arms = expect_rule_arms(rule, event);

		if (arms)
			team->waiting = -1;
		if (arms || expect_rule_meets(rule, event))
			rc = add(batch, team, rule, resource_of(event));
	}
	return rc;
}

/* ---- waits in the store ---------------------------------------------------------------------- */

static int on_wait(const struct db_row *row, void *arg)
{
	struct expect_wait *wait = arg;
	struct wait_row stored = wait_row_read(row);

	if (stored.rule_changed_us == wait->rule->changed_us)
		wait->row = stored;
	return 0;
}

int expect_batch_read_waits(struct expect_batch *batch, struct db *db)
{
	int rc = complete_rules(batch, db);

	for (size_t i = 0; i < batch->team_count; i++)
		batch->teams[i]->waiting = 0;
	for (size_t i = 0; i < batch->event_count && rc == 0; i++)
		rc = gather_waits(batch, batch->events[i]);
	for (size_t i = 0; i < batch->wait_count && rc == 0; i++) {
		struct expect_wait *wait = &batch->waits[i];
		const struct wait_key key = { &wait->team->team, str_of(wait->rule->name),
					      wait->resource };

		rc = wait_row_ask(db, &key, on_wait, wait);
	}
	for (size_t i = 0; i < batch->team_count && rc == 0; i++) {
		struct expect_team *team = batch->teams[i];

		if (team->waiting < 0)
			rc = wait_rows_count(db, &team->team, &team->waiting);
	}
	return rc;
}

int expect_batch_write(const struct expect_batch *batch, struct db *db)
{
	int rc = 0;

	for (size_t i = 0; i < batch->wait_count && rc == 0; i++) {
		const struct expect_wait *wait = &batch->waits[i];
		const struct wait_key key = { &wait->team->team, str_of(wait->rule->name),
					      wait->resource };

		if (wait->is_changed)
			rc = wait_row_write(db, &key, &wait->row);
	}
	return rc;
}

/* ---- deciding -------------------------------------------------------------------------------- */

static void meet(struct expect_wait *wait, int64_t at_ms)
{
	struct wait_row *row = &wait->row;

	if (row->due_ms) {
		row->due_ms = 0;
		wait->is_changed = true;
	}
	if (row->missed_ms && !row->arrived_ms) {
		row->arrived_ms = at_ms;
		wait->is_changed = true;
	}
}

static void arm(struct expect_batch *batch, struct expect_wait *wait, int64_t at_ms)
{
	struct wait_row *row = &wait->row;

	if (row->due_ms)
		return; /* the first request counts */
	if (!row->missed_ms) {
		if (wait->team->waiting >= WAIT_MAX_ROWS) {
			batch->refused++;
			return;
		}
		wait->team->waiting++;
	}
	row->rule_changed_us = wait->rule->changed_us;
	row->since_ms = at_ms;
	row->due_ms = at_ms + wait->rule->within_ms;
	wait->is_changed = true;
}

void expect_batch_see(struct expect_batch *batch, const struct event *event)
{
	struct expect_team *team = expect_cache_team(batch->cache, &event->team);
	int64_t at_ms = event_stream_us(event) / 1000;

	for (size_t i = 0; team && i < team->count; i++) {
		const struct expect_rule *rule = &team->rules[i];
		struct expect_wait *wait = find(batch, rule, resource_of(event));

		if (wait && expect_rule_meets(rule, event))
			meet(wait, at_ms);
		if (wait && expect_rule_arms(rule, event))
			arm(batch, wait, at_ms);
	}
}

bool expect_batch_take_notice(struct expect_batch *batch, const struct event *event)
{
	struct expect_team *team = expect_cache_team(batch->cache, &event->team);
	const struct expect_rule *rule = team ? rule_of_notice(team, event) : NULL;
	struct expect_wait *wait = rule ? find(batch, rule, resource_of(event)) : NULL;
	int64_t due_ms = expect_notice_due_ms(event);
	bool is_miss = event->outcome == OUTCOME_ERROR;
	struct wait_row *row;

	if (!wait || due_ms <= 0)
		return false;
	row = &wait->row;
	if (is_miss ? row->due_ms != due_ms : row->missed_ms != due_ms || !row->arrived_ms)
		return false;
	row->missed_ms = is_miss ? due_ms : 0;
	row->arrived_ms = 0;
	if (is_miss)
		row->due_ms = 0;
	wait->is_changed = true;
	*(is_miss ? &batch->missed : &batch->arrived) += 1;
	return true;
}
