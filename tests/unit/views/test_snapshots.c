/* SPDX-License-Identifier: Apache-2.0 */

/* Snapshots under way: who counts as asked, what ends one, and what is usual. On both stores. */
#include <stdio.h>

#include "core/rfc3339.h"
#include "tests/support/view_rig.h"

#define SUCCESS ",\"outcome\":\"success\""
#define FAILURE ",\"outcome\":\"error\""

static const struct rig_options options = { .no_delivery = true };

/* A row of the trail, `ago_s` before now. The id's first digits are `number`, its version given. */
static void add_asked(struct rig *rig, int number, char version, const char *team,
		      const char *actor, const char *scope, const char *name, int ago_s)
{
	char at[RFC3339_TEXT_SIZE];

	rfc3339_format(rig_now_us - ago_s * SECOND_US, 6, at);
	rig_ask(rig,
		"INSERT INTO audit_logs (id, team_id, actor_type, actor_name, resource_type, "
		"resource_id, action, scope, status, metadata, created_at) VALUES "
		"('%08d-0000-%c000-8000-000000000000', '%s', '%s', 'Ada', 'snapshot', '%s', "
		"'create', '%s', 'success', '{}', '%s')",
		number, version, team, actor, name, scope, at);
}

static void ask_for(struct rig *rig, int number, const char *name, int ago_s)
{
	add_asked(rig, number, '4', TEAM_A, "user", "team", name, ago_s);
}

static void add_outcome(struct rig *rig, const char *name, int ago_s, bool is_success)
{
	char at[RFC3339_TEXT_SIZE];

	rfc3339_format(rig_now_us - ago_s * SECOND_US, 6, at);
	rig_ask(rig,
		"INSERT INTO snapshot_outcomes (team_id, ended_at, name, is_success) VALUES "
		"('" TEAM_A "', '%s', '%s', '%d')",
		at, name, is_success);
}

static cJSON *ask_pending(struct rig *rig, const char *team)
{
	cr_assert_eq(call_as(rig, team, "GET", "/v1/snapshots/pending", ""), 200, "%s",
		     call_answer);
	return call_tree();
}

static const cJSON *find_item(const cJSON *tree, const char *name)
{
	const cJSON *item;

	cJSON_ArrayForEach(item, json_get(tree, "items"))
	{
		if (strcmp(json_get_string(item, "name"), name) == 0)
			return item;
	}
	return NULL;
}

static void expect_usual(const cJSON *tree, int count, int median_s, int p90_s)
{
	const cJSON *usual = json_get(tree, "usual");

	cr_assert_not_null(usual, "%s", call_answer);
	cr_expect_eq(json_get(usual, "count")->valueint, count);
	cr_expect_eq(json_get(usual, "median_s")->valueint, median_s, "%s", call_answer);
	cr_expect_eq(json_get(usual, "p90_s")->valueint, p90_s, "%s", call_answer);
}

/* ---- pairs --------------------------------------------------------------------------------- */

static void pair(struct rig *rig)
{
	const cJSON *item;
	cJSON *tree = ask_pending(rig, TEAM_A);

	cr_expect_eq(cJSON_GetArraySize(json_get(tree, "items")), 0);
	cr_expect_null(json_get(tree, "usual"), "nothing is known yet");
	cJSON_Delete(tree);
	ask_for(rig, 1, "a", 1000);
	ask_for(rig, 8, "a", 2000); /* its outcome was lost */
	add_outcome(rig, "a", 990, true);
	ask_for(rig, 2, "b", 900);
	add_outcome(rig, "b", 880, true);
	ask_for(rig, 3, "c", 800);
	add_outcome(rig, "c", 760, true);
	ask_for(rig, 4, "failed", 700);
	add_outcome(rig, "failed", 100, false);
	add_outcome(rig, "nobody asked", 90, true);
	ask_for(rig, 5, "late", 50);
	ask_for(rig, 6, "young", 15);
	ask_for(rig, 7, "a", 3);
	tree = ask_pending(rig, TEAM_A);
	cr_expect_eq(cJSON_GetArraySize(json_get(tree, "items")), 3, "%s", call_answer);
	expect_usual(tree, 3, 20, 40);
	item = find_item(tree, "late");
	cr_expect(item && cJSON_IsTrue(json_get(item, "overdue")));
	cr_expect_eq(json_get(item, "elapsed_s")->valueint, 50);
	item = find_item(tree, "young");
	cr_expect(item && cJSON_IsFalse(json_get(item, "overdue")));
	item = find_item(tree, "a");
	cr_expect_eq(json_get(item, "elapsed_s")->valueint, 3, "the name was asked for again");
	cr_expect_str_eq(json_get_string(item, "requested_at"), "2027-01-15T07:59:57Z");
	cJSON_Delete(tree);
}

Test(snapshots, are_pending_until_their_outcome_and_tell_what_is_usual)
{
	ON_BOTH_STORES(&options, pair);
}

/* Two outcomes after one request: the first is its own. */
static void end_twice(struct rig *rig)
{
	cJSON *tree;

	ask_for(rig, 1, "a", 1000);
	add_outcome(rig, "a", 990, true);
	add_outcome(rig, "a", 500, true);
	tree = ask_pending(rig, TEAM_A);
	expect_usual(tree, 1, 10, 10);
	cJSON_Delete(tree);
}

Test(snapshots, end_with_their_first_outcome)
{
	ON_BOTH_STORES(&options, end_twice);
}

static void leave_out(struct rig *rig)
{
	cJSON *tree;

	add_asked(rig, 1, '8', TEAM_A, "user", "team", "recorded by us", 10);
	add_asked(rig, 2, '4', TEAM_A, "system", "team", "made by itself", 10);
	add_asked(rig, 3, '4', TEAM_A, "user", "admin", "of the platform", 10);
	add_asked(rig, 4, '4', TEAM_B, "api_key", "team", "of others", 10);
	ask_for(rig, 5, "forgotten", 3601);
	tree = ask_pending(rig, TEAM_A);
	cr_expect_eq(cJSON_GetArraySize(json_get(tree, "items")), 0, "%s", call_answer);
	cJSON_Delete(tree);
	tree = ask_pending(rig, TEAM_B);
	cr_expect_not_null(find_item(tree, "of others"), "%s", call_answer);
	cJSON_Delete(tree);
}

Test(snapshots, are_those_that_somebody_of_the_team_asked_for)
{
	ON_BOTH_STORES(&options, leave_out);
}

/* ---- outcomes from events ------------------------------------------------------------------ */

static void note_outcomes(struct rig *rig)
{
	cJSON *tree;

	for (int i = 0; i < 2; i++) {
		struct event *events[] = {
			rig_event("template.snapshot.create", SYSTEM, SUCCESS, START_MS + i),
			rig_event("template.snapshot.delete", USER, SUCCESS, START_MS + 10 + i),
		};

		cr_assert_eq(rig_commit(rig, events, 2), 0);
	}
	cr_expect_eq(rig_ask(rig, "SELECT count(*) FROM snapshot_outcomes"), 2);
	rig_now_us += 60 * SECOND_US;
	add_asked(rig, 1, '4', TEAM_A, "api_key", "team", CAPSULE_ID, 90);
	tree = ask_pending(rig, TEAM_A);
	cr_expect_eq(cJSON_GetArraySize(json_get(tree, "items")), 0, "%s", call_answer);
	expect_usual(tree, 1, 30, 30);
	cJSON_Delete(tree);

	struct event *failed =
		rig_event("template.snapshot.create", SYSTEM, FAILURE, START_MS + 50000);

	cr_assert_eq(rig_commit(rig, &failed, 1), 0);
	cr_expect_eq(rig_ask(rig, "SELECT count(*) FROM snapshot_outcomes WHERE NOT is_success"),
		     1);
	rig_now_us = START_US; /* for the next store */
}

Test(snapshots, end_with_the_event_of_their_outcome)
{
	ON_BOTH_STORES(&options, note_outcomes);
}
