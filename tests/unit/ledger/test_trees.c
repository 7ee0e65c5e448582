/* SPDX-License-Identifier: Apache-2.0 */

/* Every row that the ledger writes is a leaf of its team's tree, once, on both engines. */
#include "core/metrics.h"
#include "tests/unit/ledger/tree_fixture.h"

#define WELL    ",\"outcome\":\"success\""
#define BECAUSE WELL ",\"metadata\":{\"reason\":\"ttl_expired\"}"
#define FAILED  ",\"outcome\":\"error\",\"error\":\"no room for Ada\""
#define LATER   (START_MS + 3 * HOUR_US / 1000) /* no older version runs any more */

static const struct rig_options options = { .strict = false, .no_delivery = true };

static void commit_of_two_teams(struct rig *rig)
{
	struct event *events[] = {
		rig_event("capsule.pause", SYSTEM, BECAUSE, START_MS),
		rig_event_of_b("capsule.pause", START_MS + 1),
		rig_event("capsule.resume", USER, WELL, START_MS + 2),
		rig_event("capsule.resume", USER, FAILED, START_MS + 3),
	};

	expect_sound_tree(rig, TEAM_A, 0);
	cr_assert_eq(rig_offer(rig, events, 3), 0);
	expect_sound_tree(rig, TEAM_A, 2);
	cr_assert_eq(rig_offer(rig, events + 3, 1), 0);
	expect_sound_tree(rig, TEAM_A, 3);
	expect_sound_tree(rig, TEAM_B, 1);
	cr_expect_eq(rig_ask(rig, "SELECT count(*) FROM audit_salts WHERE team_id = '" TEAM_A
				  "' AND subject = 'usr-0x5yg3bfyrehlas5fmd3rslxq'"),
		     1, "the user has one key in two batches");
	for (size_t i = 0; i < ARRAY_LEN(events); i++)
		event_free(events[i]);
}

Test(trees, have_every_row_of_their_team_as_a_leaf)
{
	ON_BOTH_STORES(&options, commit_of_two_teams);
}

/* More than the first room for keys, of two teams, some of them known from the batch before. */
static void commit_of_many_people(struct rig *rig)
{
	struct event *events[61];
	char actor[128];

	for (int i = 0; i < 60; i++) {
		snprintf(actor, sizeof(actor),
			 "{\"type\":\"user\",\"id\":\"usr-%025d\",\"name\":\"Ada %d\"}", i % 40,
			 i % 40);
		events[i] = rig_event("capsule.resume", actor, WELL, START_MS + i);
	}
	events[60] = rig_event_of_b("capsule.resume", START_MS + 60);
	cr_assert_eq(rig_offer(rig, events, 20), 0);
	cr_assert_eq(rig_offer(rig, events + 20, 41), 0);
	expect_sound_tree(rig, TEAM_A, 60);
	expect_sound_tree(rig, TEAM_B, 1);
	cr_expect_eq(rig_ask(rig, "SELECT count(*) FROM audit_salts"), 41);
	cr_expect_eq(rig_ask(rig, "SELECT count(DISTINCT key) FROM audit_salts"), 41);
	for (size_t i = 0; i < ARRAY_LEN(events); i++)
		event_free(events[i]);
}

Test(trees, of_many_people_have_a_key_for_each)
{
	ON_BOTH_STORES(&options, commit_of_many_people);
}

static void commit_again(struct rig *rig)
{
	struct event *events[] = {
		rig_event("capsule.pause", SYSTEM, BECAUSE, START_MS),
		rig_event("capsule.resume", SYSTEM, BECAUSE, START_MS + 1),
		rig_event("capsule.pause", SYSTEM, BECAUSE, LATER),
	};

	cr_assert_eq(rig_offer(rig, events, 2), 0);
	cr_assert_eq(rig_offer(rig, events, 3), 0);
	cr_assert_eq(rig_offer(rig, events, 3), 0);
	expect_sound_tree(rig, TEAM_A, 3);
	for (size_t i = 0; i < ARRAY_LEN(events); i++)
		event_free(events[i]);
}

Test(trees, have_no_second_leaf_when_an_event_comes_again)
{
	ON_BOTH_STORES(&options, commit_again);
}

static void commit_many(struct rig *rig)
{
	static struct event *events[700];

	for (size_t i = 0; i < ARRAY_LEN(events); i++)
		events[i] = rig_event("capsule.pause", SYSTEM, BECAUSE, START_MS + (int64_t)i);
	cr_assert_eq(rig_commit(rig, events, 5), 0);
	cr_assert_eq(rig_commit(rig, events + 5, 250), 0);
	expect_sound_tree(rig, TEAM_A, 255);
	cr_assert_eq(rig_commit(rig, events + 255, 1), 0);
	expect_sound_tree(rig, TEAM_A, 256);
	cr_assert_eq(rig_commit(rig, events + 256, 444), 0);
	expect_sound_tree(rig, TEAM_A, 700);
}

Test(trees, keep_the_root_of_each_256_leaves)
{
	ON_BOTH_STORES(&options, commit_many);
}

static void leave_rows_out(struct rig *rig)
{
	struct event *events[] = {
		rig_event("capsule.pause", USER, WELL, START_MS), /* the control plane's */
		rig_event("capsule.pause", SYSTEM, FAILED, START_MS + 1),
		rig_event("capsule.create", SYSTEM, BECAUSE, START_MS + 2),
	};
	struct recount found;

	for (int i = 0; i < 2; i++)
		cr_assert_eq(rig_offer(rig, events, ARRAY_LEN(events)), 0);
	expect_sound_tree(rig, TEAM_A, 1);
	recount_tree(rig, TEAM_A, &found);
	cr_expect_eq(found.outside, 2);
	for (size_t i = 0; i < ARRAY_LEN(events); i++)
		event_free(events[i]);
}

Test(trees, count_the_rows_that_are_left_to_the_control_plane)
{
	const struct rig_options missing = { .no_delivery = true, .audit_mode = AUDIT_MISSING };

	ON_BOTH_STORES(&missing, leave_rows_out);
}

/* Somebody who knows how ids are made writes another row before the event comes. */
static void find_a_row_that_is_not_ours(struct rig *rig)
{
	struct event *event = rig_event("capsule.pause", SYSTEM, BECAUSE, LATER);
	struct recount found;

	cr_assert_eq(rig_offer(rig, &event, 1), 0);
	rig_ask(rig, "UPDATE audit_logs SET action = 'resume'");
	rig_ask(rig, "DELETE FROM audit_leaves");
	rig_ask(rig, "DELETE FROM audit_trees");
	rig_ask(rig, "DELETE FROM positions");
	rig_open_ledger(rig, &options);
	cr_assert_eq(rig_commit(rig, &event, 1), 0);
	recount_tree(rig, TEAM_A, &found);
	cr_expect_eq(found.size, 1);
	cr_expect_eq(found.wrong, 1);
}

Test(trees, show_that_a_row_was_written_before_its_event)
{
	ON_BOTH_STORES(&options, find_a_row_that_is_not_ours);
}

static int64_t outside(struct rig *rig, const char *team)
{
	return rig_ask(rig, "SELECT outside FROM audit_trees WHERE team_id = '%s'", team);
}

static int64_t without_leaf(void)
{
	return metric_value(
		metric_counter("wrenn_events_ledger_rows_without_leaf_total", NULL, ""));
}

/* One event of each team in one batch. */
static void commit_both(struct rig *rig, int64_t ms)
{
	struct event *events[] = { rig_event("capsule.pause", USER, WELL, ms),
				   rig_event_of_b("capsule.pause", ms + 1) };

	cr_expect_eq(rig_offer(rig, events, ARRAY_LEN(events)), 0);
	cr_expect_str_eq(rig_rejected(0).text, "");
	event_free(events[0]);
	event_free(events[1]);
}

static void pass_over_a_damaged_tree(struct rig *rig)
{
	int64_t before = without_leaf();

	commit_both(rig, START_MS);
	rig_ask(rig, "UPDATE audit_trees SET size = 3 WHERE team_id = '" TEAM_A "'");
	commit_both(rig, START_MS + 10);
	cr_expect_eq(outside(rig, TEAM_A), 1, "a frontier of another size");
	expect_sound_tree(rig, TEAM_B, 2);
	rig_ask(rig, "UPDATE audit_trees SET size = 1 WHERE team_id = '" TEAM_A "'");

	rig_ask(rig, "INSERT INTO audit_leaves (tree, idx, audit_id, hash) "
		     "SELECT tree, 70, audit_id, hash FROM audit_leaf WHERE idx = 1");
	rig_ask(rig, "UPDATE audit_leaves SET tree = (SELECT tree FROM audit_trees WHERE "
		     "team_id = '" TEAM_A "') WHERE idx = 70");
	commit_both(rig, START_MS + 20);
	cr_expect_eq(outside(rig, TEAM_A), 2, "a leaf past the end");
	expect_sound_tree(rig, TEAM_B, 3);
	rig_ask(rig, "DELETE FROM audit_leaves WHERE idx = 70");

	commit_both(rig, START_MS + 30);
	expect_sound_tree(rig, TEAM_A, 2);
	rig_ask(rig, "UPDATE audit_salts SET key = substr(key, 1, 16) "
		     "WHERE team_id = '" TEAM_A "'");
	commit_both(rig, START_MS + 40);
	cr_expect_eq(outside(rig, TEAM_A), 3, "a key of another length");
	expect_sound_tree(rig, TEAM_B, 5);
	cr_expect_eq(rig_ask(rig, "SELECT count(*) FROM audit_logs"), 10);
	cr_expect_eq(without_leaf(), before + 3);
}

Test(trees, that_are_damaged_do_not_stop_other_teams)
{
	ON_BOTH_STORES(&options, pass_over_a_damaged_tree);
}

/* The leaves of a batch may be one row of the table, and the end that was put back within it. */
static void put_an_old_end_back(struct rig *rig)
{
	struct event *events[20];

	for (size_t i = 0; i < ARRAY_LEN(events); i++)
		events[i] = rig_event("capsule.pause", SYSTEM, BECAUSE, START_MS + (int64_t)i);
	cr_assert_eq(rig_commit(rig, events, 19), 0);
	rig_ask(rig, "UPDATE audit_trees SET size = 1, frontier = "
		     "(SELECT hash FROM audit_leaf WHERE idx = 0)");
	cr_expect_eq(rig_commit(rig, events + 19, 1), 0);
	cr_expect_eq(outside(rig, TEAM_A), 1);
	cr_expect_eq(rig_ask(rig, "SELECT count(*) FROM audit_leaf"), 19);
}

Test(trees, that_end_within_their_leaves_are_damaged)
{
	ON_BOTH_STORES(&options, put_an_old_end_back);
}

/* As versions before schema 024 wrote them. */
static void go_on_after_rows_of_one_leaf(struct rig *rig)
{
	struct event *events[90];

	for (size_t i = 0; i < ARRAY_LEN(events); i++)
		events[i] = rig_event("capsule.pause", USER, WELL, START_MS + (int64_t)i);
	cr_assert_eq(rig_commit(rig, events, 40), 0);
	rig_ask(rig, "INSERT INTO audit_leaves (tree, idx, audit_id, hash) "
		     "SELECT tree, 1000 + idx, audit_id, hash FROM audit_leaf");
	rig_ask(rig, "DELETE FROM audit_leaves WHERE idx < 1000");
	rig_ask(rig, "UPDATE audit_leaves SET idx = idx - 1000");
	cr_assert_eq(rig_commit(rig, events + 40, 50), 0);
	expect_sound_tree(rig, TEAM_A, 90);
	cr_expect_eq(outside(rig, TEAM_A), 0);
}

Test(trees, go_on_after_rows_of_one_leaf)
{
	ON_BOTH_STORES(&options, go_on_after_rows_of_one_leaf);
}
