/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Reads the newest requests of the last 25 hours that have no outcome. An outcome ends every
 * earlier request of the same name, as in the list of pending snapshots.
 */
#include "expect/requests.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/utf8.h"
#include "expect/waits.h"

#define MAX_RULES    50
#define MAX_REQUESTS 200
#define LOOK_BACK_MS (INT64_C(25) * 3600 * 1000)

static const struct db_query select_rules = {
	.sql = "SELECT team_id, name, rule, changed_at FROM expectation_rules "
	       "WHERE is_of_request = 1 AND (team_id, name) > ($1, $2) "
	       "ORDER BY team_id, name LIMIT 50",
};
/* Walks the index (team_id, resource_type, created_at), and the outcomes of the team from the
 * request on. */
static const struct db_query select_requests = {
	.sql = "SELECT a.id, a.resource_id, a.created_at FROM audit_logs a WHERE a.team_id = $1 "
	       "AND a.resource_type = 'snapshot' AND a.created_at > $2 AND a.action = 'create' "
	       "AND a.status = 'success' AND a.actor_type IN ('user', 'api_key') "
	       "AND a.scope = 'team' AND NOT EXISTS (SELECT 1 FROM snapshot_outcomes o "
	       "WHERE o.team_id = a.team_id AND o.ended_at >= a.created_at "
	       "AND o.name = a.resource_id) ORDER BY a.created_at DESC LIMIT 200",
};
_Static_assert(MAX_RULES == 50 && MAX_REQUESTS == 200, "the LIMITs of both");

/* A later request waits again after a miss. */
static const struct db_query begin_wait = {
	.sql = "INSERT INTO expectations (team_id, rule, resource, rule_changed_at, since_ms, "
	       "due_ms, missed_ms, arrived_ms) VALUES ($1, $2, $3, $4, $5, $6, 0, 0) "
	       "ON CONFLICT (team_id, rule, resource) DO UPDATE SET "
	       "since_ms = excluded.since_ms, due_ms = excluded.due_ms "
	       "WHERE expectations.due_ms = 0 AND expectations.since_ms < excluded.since_ms",
};

struct snapshot_request {
	char name[WAIT_MAX_RESOURCE + 1];
	int64_t at_us;
};

struct found_rule {
	struct uuid team;
	struct expect_rule rule;
};

struct arming {
	struct found_rule rules[MAX_RULES];
	size_t rule_count;
	size_t row_count; /* rules of newer versions, too */
	struct requests_place last;
	const struct uuid *requests_team;               /* NULL: none was read */
	struct snapshot_request requests[MAX_REQUESTS]; /* of that team, newest first */
	size_t request_count;
};

static int on_rule(const struct db_row *row, void *arg)
{
	struct arming *arming = arg;
	struct found_rule *found = &arming->rules[arming->rule_count];
	int rc = expect_rule_parse(row_text(row, 2), &found->rule);

	arming->row_count++;
	arming->last.team = row_uuid(row, 0);
	snprintf(arming->last.rule, sizeof(arming->last.rule), "%.*s", STR_ARGS(row_text(row, 1)));
	if (rc < 0)
		return rc == -ENOMEM ? rc : 0;
	found->team = arming->last.team;
	snprintf(found->rule.name, sizeof(found->rule.name), "%s", arming->last.rule);
	found->rule.changed_us = row_time(row, 3);
	arming->rule_count++;
	return 0;
}

/* Our own rows record the end, not the request. Their ids have these versions. */
static bool is_our_row(const struct uuid *id)
{
	return id->bytes[6] >> 4 == 8 || id->bytes[6] >> 4 == 5;
}

static int on_request(const struct db_row *row, void *arg)
{
	struct arming *arming = arg;
	struct snapshot_request *request = &arming->requests[arming->request_count];
	struct uuid id = row_uuid(row, 0);
	struct str name = utf8_cut(row_text(row, 1), WAIT_MAX_RESOURCE);

	if (is_our_row(&id) || name.len == 0)
		return 0;
	snprintf(request->name, sizeof(request->name), "%.*s", STR_ARGS(name));
	request->at_us = row_time(row, 2);
	arming->request_count++;
	return 0;
}

static int begin(struct db *db, const struct found_rule *found,
		 const struct snapshot_request *request)
{
	int64_t at_ms = request->at_us / 1000;
	const struct db_value values[] = {
		db_uuid(&found->team),
		db_text(str_of(found->rule.name)),
		db_text(str_of(request->name)),
		db_time(found->rule.changed_us),
		db_int(at_ms),
		db_int(at_ms + found->rule.within_ms),
	};

	return db_run(db, &begin_wait, values, ARRAY_LEN(values), NULL, NULL, NULL);
}

/* Rules of one team come one after another, so its requests are read once for all of them.
 * Answers everything that was asked before, too. */
static int read_requests(struct db *db, struct arming *arming, const struct uuid *team,
			 int64_t now_ms)
{
	const struct db_value values[] = { db_uuid(team), db_time((now_ms - LOOK_BACK_MS) * 1000) };

	if (arming->requests_team && uuid_eq(arming->requests_team, team))
		return db_flush(db);
	arming->requests_team = team;
	arming->request_count = 0;
	return db_run_now(db, &select_requests, values, 2, on_request, arming, NULL);
}

/* A request that is older than the rule begins no wait. */
static int arm_rule(struct db *db, struct arming *arming, const struct found_rule *found,
		    int64_t now_ms)
{
	int64_t room = 0;
	int rc = wait_rows_count(db, &found->team, &room);

	if (rc == 0)
		rc = read_requests(db, arming, &found->team, now_ms);
	room = WAIT_MAX_ROWS - room;
	/* oldest first: the first request of a name counts */
	for (size_t i = arming->request_count; i > 0 && rc == 0 && room > 0; i--) {
		const struct snapshot_request *request = &arming->requests[i - 1];

		if (request->at_us <= found->rule.changed_us)
			continue;
		rc = begin(db, found, request);
		room--;
	}
	return rc;
}

int requests_arm(struct db *db, struct requests_place *place, int64_t now_ms)
{
	const struct db_value values[] = { db_uuid(&place->team), db_text(str_of(place->rule)) };
	struct arming *arming = calloc(1, sizeof(*arming));
	int rc = -ENOMEM;

	if (!arming)
		return rc;
	rc = db_run_now(db, &select_rules, values, 2, on_rule, arming, NULL);
	for (size_t i = 0; i < arming->rule_count && rc == 0; i++)
		rc = arm_rule(db, arming, &arming->rules[i], now_ms);
	if (rc == 0)
		*place = arming->row_count == MAX_RULES ? arming->last
							: (struct requests_place){ .rule = "" };
	for (size_t i = 0; i < arming->rule_count; i++)
		expect_rule_done(&arming->rules[i].rule);
	free(arming);
	return rc;
}
