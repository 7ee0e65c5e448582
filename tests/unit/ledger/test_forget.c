/* SPDX-License-Identifier: Apache-2.0 */

/* Persons who are erased from the trail, on request and because they deleted their account. That
 * exports still verify is in test_audit_proof.py. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>

#include "audit/follow.h"
#include "audit/forget.h"
#include "core/rfc3339.h"
#include "tests/support/rig.h"

#define ADA   "usr-0x5yg3bfyrehlas5fmd3rslxq"
#define BOB   "usr-6dfzh5ik5uxynzmlf5cshamdk"
#define ROW   "11111111-1111-4111-8111-111111111111" /* of the trail */
#define ROWS  300                                    /* more than one piece */
#define KNOWN "SELECT count(*) FROM audit_logs WHERE actor_id = '" ADA "' OR actor_name = 'Ada'"
#define KEYS  "SELECT count(*) FROM audit_salts WHERE subject = '" ADA "'"

static const struct rig_options quiet = { .no_delivery = true, .audit_mode = AUDIT_ALL };

static int64_t now_us(void)
{
	return rig_now_us;
}

/* Events by Ada, and one by nobody. */
static void fill(struct rig *rig)
{
	struct event *events[ROWS + 1];

	for (int i = 0; i < ROWS; i++)
		events[i] =
			rig_event("capsule.pause", USER, ",\"outcome\":\"success\"", START_MS + i);
	events[ROWS] = rig_event("host.down", SYSTEM, "", START_MS + ROWS);
	cr_assert_eq(rig_commit(rig, events, ROWS + 1), 0);
	cr_assert_eq(rig_ask(rig, KNOWN), ROWS);
	cr_assert_eq(rig_ask(rig, KEYS), 1);
}

static int forget(struct rig *rig, struct audit_forgetting *forgetting)
{
	struct reason why = { .text = "" };

	*forgetting = (struct audit_forgetting){ .user = ADA };
	return audit_forget(rig->database.url, forgetting, now_us, &why);
}

static void erase(struct rig *rig)
{
	struct audit_forgetting forgetting;

	fill(rig);
	cr_expect_eq(forget(rig, &forgetting), 0);
	cr_expect_eq(forgetting.rows, ROWS);
	cr_expect_eq(forgetting.teams, 1);
	cr_expect_eq(rig_ask(rig, KNOWN), 0);
	cr_expect_eq(rig_ask(rig, KEYS), 0);
	cr_expect_eq(rig_ask(rig, "SELECT count(*) FROM audit_erased"), 2 * ROWS);
	cr_expect_eq(rig_ask(rig, "SELECT count(*) FROM audit_logs WHERE actor_id IS NULL "
				  "AND actor_name = 'deleted-user' AND actor_type = 'user'"),
		     ROWS);
	cr_expect_eq(rig_ask(rig, "SELECT count(*) FROM audit_logs WHERE action = 'erase' AND "
				  "resource_type = 'user' AND resource_id IS NULL"),
		     1);
	cr_expect_eq(forget(rig, &forgetting), 0);
	cr_expect_eq(forgetting.rows, 0);
	cr_expect_eq(rig_ask(rig, "SELECT count(*) FROM audit_erased"), 2 * ROWS);
}

Test(forget, keeps_the_commitments_and_erases_values_and_key)
{
	ON_BOTH_STORES(&quiet, erase)
}

static void wait_for_leaves(struct rig *rig)
{
	struct audit_forgetting forgetting;

	fill(rig);
	rig_ask(rig, "INSERT INTO audit_waiting (noted_at, audit_id) SELECT created_at, id FROM "
		     "audit_logs WHERE resource_type = 'host'");
	cr_expect_eq(forget(rig, &forgetting), -EAGAIN);
	cr_expect_eq(rig_ask(rig, KEYS), 1, "the row that waits needs the key");
	rig_ask(rig, "DELETE FROM audit_waiting");
	cr_expect_eq(forget(rig, &forgetting), 0);
	cr_expect_eq(rig_ask(rig, KEYS), 0);
}

Test(forget, waits_for_rows_that_are_no_leaves_yet)
{
	ON_BOTH_STORES(&quiet, wait_for_leaves)
}

/* The person's first row: no leaf names it, so there is no key yet. */
static void add_waiting_row(struct rig *rig)
{
	rig_ask(rig, "INSERT INTO audit_logs (id, team_id, actor_type, actor_id, actor_name, "
		     "resource_type, action, scope, status, metadata, created_at) SELECT '" ROW
		     "', team_id, 'user', '" ADA "', 'Ada', 'channel', 'create', 'team', "
		     "'success', metadata, created_at FROM audit_logs "
		     "WHERE resource_type = 'host' LIMIT 1");
	rig_ask(rig, "INSERT INTO audit_waiting (noted_at, audit_id) SELECT created_at, id FROM "
		     "audit_logs WHERE id = '" ROW "'");
}

static void wait_for_first_row(struct rig *rig)
{
	struct event *event = rig_event("host.down", SYSTEM, "", START_MS);
	struct audit_forgetting forgetting;

	cr_assert_eq(rig_commit(rig, &event, 1), 0);
	add_waiting_row(rig);
	cr_expect_eq(rig_ask(rig, KEYS), 0);
	cr_expect_eq(forget(rig, &forgetting), -EAGAIN);
	rig_ask(rig, "UPDATE audit_logs SET actor_id = NULL, resource_id = '" ADA
		     "' WHERE id = '" ROW "'");
	cr_expect_eq(forget(rig, &forgetting), -EAGAIN);
	rig_ask(rig, "UPDATE audit_logs SET resource_id = NULL, metadata = '{\"owner\":\"" ADA
		     "\"}' WHERE id = '" ROW "'");
	cr_expect_eq(forget(rig, &forgetting), -EAGAIN, "the metadata name the person");
	rig_ask(rig, "DELETE FROM audit_waiting");
	cr_expect_eq(forget(rig, &forgetting), 0);
}

Test(forget, waits_for_a_first_row_that_is_no_leaf_yet)
{
	ON_BOTH_STORES(&quiet, wait_for_first_row)
}

/* ---- two workers --------------------------------------------------------------------------- */

struct piece_job {
	struct store_job job;
	struct audit_forgetting forgetting;
};

static int run_piece(struct db *db, struct store_job *job)
{
	return audit_forget_piece(db, &container_of(job, struct piece_job, job)->forgetting,
				  rig_now_us);
}

static void do_piece(struct rig *rig, struct piece_job *job)
{
	struct reason why = { .text = "" };

	job->job = (struct store_job){ .run = run_piece, .needs_audit_lock = true };
	cr_assert_eq(store_run_blocking(rig->database.url, &job->job, &why), 0, "%s", why.text);
}

/* Both have looked at the only leaf before the first of them deletes the key. */
static void erase_in_step(struct rig *rig)
{
	struct piece_job jobs[2] = { { .forgetting.user = ADA }, { .forgetting.user = ADA } };

	rig_commit_pause(rig, START_MS);
	cr_assert_eq(rig_ask(rig, KEYS), 1);
	while (jobs[1].forgetting.next < 1) {
		do_piece(rig, &jobs[0]);
		do_piece(rig, &jobs[1]);
	}
	for (int i = 0; i < 2; i++) {
		while (!jobs[i].forgetting.is_done)
			do_piece(rig, &jobs[i]);
		rig_ask(rig, "DELETE FROM audit_waiting"); /* it became a leaf */
	}
	cr_expect_eq(jobs[0].forgetting.teams, 1);
	cr_expect_eq(jobs[1].forgetting.teams, 0);
	cr_expect_eq(rig_ask(rig, "SELECT count(*) FROM audit_logs WHERE action = 'erase'"), 1);
}

Test(forget, by_two_workers_is_recorded_once)
{
	ON_BOTH_STORES(&quiet, erase_in_step)
}

/* ---- deleted accounts ---------------------------------------------------------------------- */

static bool is_closed(struct rig *rig, void *arg)
{
	(void)rig;
	return *(bool *)arg;
}

static void note_closed(void *owner)
{
	*(bool *)owner = true;
}

static void mark(struct rig *rig, int64_t age_us)
{
	char at[RFC3339_TEXT_SIZE];

	rfc3339_format(rig_now_us - age_us, 6, at);
	rig_ask(rig, "DELETE FROM users");
	rig_ask(rig,
		"INSERT INTO users (id, email, name, deleted_at) VALUES ('" TEAM_A
		"', 'ada@example.com', 'Ada', '%s')",
		at);
}

static void follow(struct rig *rig)
{
	const struct follower_options options = {
		.loop = &rig->loop, .store = rig->store, .now_us = now_us, .every_ms = 1
	};
	struct follower *follower;
	bool closed = false;

	fill(rig);
	mark(rig, FOLLOW_AFTER_US);
	cr_assert_eq(follower_open(&options, &follower), 0);
	rig_idle(rig);
	cr_expect_eq(rig_ask(rig, KNOWN), ROWS, "the account may still come back");
	mark(rig, FOLLOW_AFTER_US + 1);
	rig_wait_rows(rig, 0, "audit_salts WHERE subject = '" ADA "'");
	cr_expect_eq(rig_ask(rig, KNOWN), 0);
	follower_close(follower, note_closed, &closed);
	rig_turn_until(rig, is_closed, &closed);
}

Test(follow, erases_users_a_fortnight_after_they_deleted_their_account)
{
	ON_BOTH_STORES(&quiet, follow)
}

/* ---- several persons ----------------------------------------------------------------------- */

#define BOBS_KEYS "audit_salts WHERE subject = '" BOB "'"

static unsigned rounds;

/* Only the first round finds anybody. */
static int64_t now_once_us(void)
{
	return rounds++ == 0 ? rig_now_us : rig_now_us - 2 * FOLLOW_AFTER_US;
}

static const char bob[] = "{\"type\":\"user\",\"id\":\"" BOB "\",\"name\":\"Bob\"}";

/* Ada and Bob did something in the same team and deleted their accounts. */
static void mark_both(struct rig *rig)
{
	struct event *events[] = {
		rig_event("capsule.pause", USER, ",\"outcome\":\"success\"", START_MS),
		rig_event("capsule.pause", bob, ",\"outcome\":\"success\"", START_MS + 1),
	};

	cr_assert_eq(rig_commit(rig, events, ARRAY_LEN(events)), 0);
	mark(rig, FOLLOW_AFTER_US + 1);
	rig_ask(rig, "INSERT INTO users (id, email, name, deleted_at) SELECT '" TEAM_B
		     "', 'bob@example.com', 'Bob', deleted_at FROM users");
}

/* To a team whose tree is empty. */
static void move_bob(struct rig *rig)
{
	rig_ask(rig, "UPDATE audit_salts SET team_id = '" TEAM_B "' WHERE subject = '" BOB "'");
	rig_ask(rig, "INSERT INTO audit_trees (team_id) VALUES ('" TEAM_B "')");
}

static struct follower *follow_once(struct rig *rig, unsigned tries)
{
	const struct follower_options options = { .loop = &rig->loop,
						  .store = rig->store,
						  .now_us = now_once_us,
						  .every_ms = 1,
						  .again_ms = 1,
						  .tries = tries };
	struct follower *follower;

	rounds = 0;
	cr_assert_eq(follower_open(&options, &follower), 0);
	return follower;
}

static struct follower *follow_always(struct rig *rig)
{
	const struct follower_options options = { .loop = &rig->loop,
						  .store = rig->store,
						  .now_us = now_us,
						  .every_ms = 1,
						  .again_ms = 1 };
	struct follower *follower;

	cr_assert_eq(follower_open(&options, &follower), 0);
	return follower;
}

static void close_follower(struct rig *rig, struct follower *follower)
{
	bool closed = false;

	follower_close(follower, note_closed, &closed);
	rig_turn_until(rig, is_closed, &closed);
}

static void follow_two(struct rig *rig)
{
	struct follower *follower;

	mark_both(rig);
	follower = follow_once(rig, UINT_MAX);
	rig_wait_rows(rig, 1, "audit_waiting");
	rig_idle(rig);
	cr_expect_eq(rig_ask(rig, "SELECT count(*) FROM " BOBS_KEYS), 1, "Ada's erasure waits");
	rig_ask(rig, "DELETE FROM audit_waiting");
	rig_wait_rows(rig, 0, BOBS_KEYS);
	close_follower(rig, follower);
}

Test(follow, erases_two_users_of_a_team_in_one_round)
{
	ON_BOTH_STORES(&quiet, follow_two)
}

static void follow_past_waiting(struct rig *rig)
{
	struct follower *follower;

	mark_both(rig);
	move_bob(rig);
	rig_ask(rig, "INSERT INTO audit_waiting (noted_at, audit_id) SELECT created_at, id FROM "
		     "audit_logs WHERE actor_id = '" ADA "'");
	follower = follow_once(rig, 2);
	rig_wait_rows(rig, 0, BOBS_KEYS);
	cr_expect_eq(rig_ask(rig, KEYS), 1, "nobody made a leaf of the row that waits");
	close_follower(rig, follower);
}

Test(follow, goes_on_with_the_next_user_after_some_tries)
{
	ON_BOTH_STORES(&quiet, follow_past_waiting)
}

static void follow_past_damage(struct rig *rig)
{
	struct follower *follower;

	mark_both(rig);
	move_bob(rig);
	rig_ask(rig, "UPDATE audit_salts SET key = substr(key, 1, 3) WHERE subject = '" ADA "'");
	follower = follow_once(rig, 2);
	rig_wait_rows(rig, 0, BOBS_KEYS);
	cr_expect_eq(rig_ask(rig, KEYS), 1);
	close_follower(rig, follower);
}

Test(follow, goes_on_with_the_next_user_after_damage)
{
	ON_BOTH_STORES(&quiet, follow_past_damage)
}

/* ---- a table that others hold -------------------------------------------------------------- */

struct look_job {
	struct store_job job;
	struct rig *rig;
	int64_t waiting;
};

static int on_waiting(const struct db_row *row, void *arg)
{
	*(int64_t *)arg = row_int(row, 0);
	return 0;
}

static int run_look(struct db *db, struct store_job *job)
{
	static const struct db_query look = {
		.sql = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' "
		       "AND datname = current_database() AND query LIKE 'LOCK TABLE audit_logs%'",
	};
	struct look_job *lookout = container_of(job, struct look_job, job);

	return db_run_now(db, &look, NULL, 0, on_waiting, &lookout->waiting, NULL);
}

/* Looks until another job waits for a lock. */
static void on_look(struct store_job *job, int rc)
{
	struct look_job *lookout = container_of(job, struct look_job, job);

	cr_assert_eq(rc, 0);
	if (lookout->waiting == 0)
		cr_assert_eq(store_write(lookout->rig->store, job), 0);
}

static bool has_seen_one(struct rig *rig, void *arg)
{
	(void)rig;
	return ((struct look_job *)arg)->waiting > 0;
}

/* The look is a write like the result of a delivery: it sees the erasure wait only if it does not
 * wait with it. */
Test(follow, holds_up_no_other_write_while_others_hold_the_trail)
{
	struct look_job look = { .job = { .run = run_look, .on_done = on_look } };
	struct follower *follower;
	struct rig rig;
	PGconn *other;

	rig_open(&rig, DATABASE_POSTGRES, &quiet);
	mark_both(&rig);
	other = PQconnectdb(rig.database.url);
	PQclear(PQexec(other, "BEGIN; LOCK TABLE public.audit_logs"));
	follower = follow_always(&rig);
	look.rig = &rig;
	cr_assert_eq(store_write(rig.store, &look.job), 0);
	rig_turn_until(&rig, has_seen_one, &look);
	PQclear(PQexec(other, "COMMIT"));
	PQfinish(other);
	rig_wait_rows(&rig, 0, "audit_salts WHERE subject = '" ADA "'");
	close_follower(&rig, follower);
	rig_close(&rig);
}
