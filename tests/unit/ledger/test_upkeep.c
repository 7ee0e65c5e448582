/* SPDX-License-Identifier: Apache-2.0 */

/* What the holder of the lease does for the trees beside its batches, on both engines. */
#include <errno.h>

#include "core/rfc3339.h"
#include "ledger/checkpoint_round.h"
#include "ledger/waiting.h"
#include "proof/checkpoint.h"
#include "proof/note.h"
#include "tests/unit/ledger/tree_fixture.h"

#define WELL ",\"outcome\":\"success\""

static const struct rig_options options = { .strict = false, .no_delivery = true };
static const struct audit_signer signer = { .private_key = { 1, 2, 3 },
					    .origin = "events.example.com" };

/* ---- rows that wait ------------------------------------------------------------------------ */

struct take_job {
	struct store_job job;
	struct waiting waiting;
};

static int run_take(struct db *db, struct store_job *job)
{
	return waiting_take(&container_of(job, struct take_job, job)->waiting, db);
}

static size_t take(struct rig *rig)
{
	struct take_job job = { .job.run = run_take };
	struct reason why = { .text = "" };
	size_t count;

	cr_assert_eq(waiting_init(&job.waiting), 0);
	cr_assert_eq(store_run_blocking(rig->database.url, &job.job, &why), 0, "%s", why.text);
	count = job.waiting.count;
	waiting_done(&job.waiting);
	return count;
}

static void create_channels(struct rig *rig, int count)
{
	for (int i = 0; i < count; i++) {
		char body[256];
		char answer[4096];

		snprintf(body, sizeof(body),
			 "{\"name\":\"hook %d\",\"provider\":\"webhook\",\"events\":[\"host.up\"],"
			 "\"config\":{\"url\":\"http://127.0.0.1:9/x\"}}",
			 i);
		cr_assert_eq(rig_request(rig, "POST", "/v1/channels", TEAM_A, body, answer,
					 sizeof(answer)),
			     201, "%s", answer);
	}
}

static void take_changes(struct rig *rig)
{
	rig_commit_pause(rig, START_MS);
	create_channels(rig, 2);
	expect_sound_tree(rig, TEAM_A, 1);
	cr_expect_eq(take(rig), 2);
	expect_sound_tree(rig, TEAM_A, 3);
	cr_expect_eq(take(rig), 0);
	cr_expect_eq(rig_ask(rig, "SELECT count(*) FROM audit_waiting"), 0);
	expect_sound_tree(rig, TEAM_A, 3);
}

Test(waiting, makes_leaves_of_what_other_workers_wrote)
{
	ON_BOTH_STORES(&options, take_changes);
}

static void take_what_is_left(struct rig *rig)
{
	create_channels(rig, 3);
	rig_ask(rig, "DELETE FROM audit_logs WHERE id = (SELECT audit_id FROM audit_waiting "
		     "ORDER BY noted_at, audit_id LIMIT 1)");
	cr_expect_eq(take(rig), 3);
	expect_sound_tree(rig, TEAM_A, 2);
}

Test(waiting, goes_on_after_a_row_that_is_gone)
{
	ON_BOTH_STORES(&options, take_what_is_left);
}

static void commit_a_hundred(struct rig *rig)
{
	struct event *events[WAITING_MAX];

	for (size_t i = 0; i < WAITING_MAX; i++)
		events[i] = rig_event("capsule.pause", SYSTEM, WELL, START_MS + (int64_t)i);
	cr_assert_eq(rig_commit(rig, events, WAITING_MAX), 0);
}

/* Rows of a damaged tree fill the first page. */
static void skip_a_damaged_tree(struct rig *rig)
{
	static struct take_job job = { .job.run = run_take };
	struct event *last = rig_event_of_b("capsule.pause", START_MS + WAITING_MAX);
	struct reason why = { .text = "" };

	commit_a_hundred(rig);
	cr_assert_eq(rig_commit(rig, &last, 1), 0);
	rig_ask(rig, "INSERT INTO audit_waiting (noted_at, audit_id) "
		     "SELECT created_at, id FROM audit_logs");
	rig_ask(rig, "UPDATE audit_trees SET size = 1 WHERE team_id = '" TEAM_A "'");
	cr_assert_eq(waiting_init(&job.waiting), 0);
	for (int i = 0; i < 2; i++) {
		cr_assert_eq(store_run_blocking(rig->database.url, &job.job, &why), 0, "%s",
			     why.text);
		waiting_taken(&job.waiting, 0);
	}
	cr_expect_eq(job.waiting.count, 1);
	cr_expect_eq(rig_ask(rig, "SELECT count(*) FROM audit_waiting"), WAITING_MAX);
	cr_expect_eq(rig_ask(rig, "SELECT size FROM audit_trees WHERE team_id = '" TEAM_B "'"), 2);
	cr_expect_eq(rig_ask(rig, "SELECT sum(outside) FROM audit_trees"), 0);
	rig_ask(rig, "UPDATE audit_trees SET size = %d WHERE team_id = '" TEAM_A "'", WAITING_MAX);
	cr_assert_eq(store_run_blocking(rig->database.url, &job.job, &why), 0, "%s", why.text);
	cr_expect_eq(rig_ask(rig, "SELECT count(*) FROM audit_waiting"), 0);
	waiting_done(&job.waiting);
}

Test(waiting, of_a_damaged_tree_does_not_hold_up_other_teams)
{
	ON_BOTH_STORES(&options, skip_a_damaged_tree);
}

static int run_take_in_vain(struct db *db, struct store_job *job)
{
	int rc = run_take(db, job);

	return rc == 0 ? -ECANCELED : rc;
}

/* As when another job of the store rolls it back: the same job runs again. */
static void take_again(struct rig *rig)
{
	static struct take_job job;
	struct event *last = rig_event("capsule.pause", SYSTEM, WELL, START_MS + WAITING_MAX);
	struct reason why = { .text = "" };

	commit_a_hundred(rig);
	cr_assert_eq(rig_commit(rig, &last, 1), 0);
	rig_ask(rig, "INSERT INTO audit_waiting (noted_at, audit_id) "
		     "SELECT created_at, id FROM audit_logs");
	cr_assert_eq(waiting_init(&job.waiting), 0);
	job.job.run = run_take_in_vain;
	cr_assert_eq(store_run_blocking(rig->database.url, &job.job, &why), -ECANCELED);
	cr_assert_eq(job.waiting.count, WAITING_MAX);
	job.job.run = run_take;
	cr_assert_eq(store_run_blocking(rig->database.url, &job.job, &why), 0, "%s", why.text);
	cr_expect_eq(job.waiting.count, WAITING_MAX, "%zu", job.waiting.count);
	waiting_done(&job.waiting);
}

Test(waiting, that_runs_again_takes_the_same_rows)
{
	ON_BOTH_STORES(&options, take_again);
}

/* ---- rounds -------------------------------------------------------------------------------- */

struct round_job {
	struct store_job job;
	struct checkpoint_round round;
	bool begins;
};

static int run_round(struct db *db, struct store_job *job)
{
	struct round_job *round = container_of(job, struct round_job, job);
	int rc = round->begins ? checkpoint_round_begin(&round->round, db, rig_now_us) : 0;

	return rc < 0 ? rc : checkpoint_round_piece(&round->round, db, &signer, rig_now_us);
}

/* The whole round as one piece. Returns how many checkpoints it has. */
static size_t make_round(struct rig *rig, struct round_job *job)
{
	struct reason why = { .text = "" };

	*job = (struct round_job){ .job.run = run_round, .begins = true };
	cr_assert_eq(store_run_blocking(rig->database.url, &job->job, &why), 0, "%s", why.text);
	cr_expect(!job->round.is_due || checkpoint_round_is_over(&job->round));
	return job->round.count;
}

/* Checks the note as an auditor does who knows the key. */
static void expect_signed(const struct audit_checkpoint *made, const char *team_id, int64_t size,
			  const struct merkle_hash *root)
{
	struct reason why = { .text = "" };
	struct note_key key;
	const struct note_key *by;
	struct checkpoint read;
	struct str text;
	char origin[128];
	int64_t at_us;

	cr_assert_eq(note_key_of_private(&key, str_of(signer.origin), signer.private_key, &why), 0);
	cr_assert_eq(note_open(str_of(made->note), &key, 1, &text, &by, &why), 0, "%s", why.text);
	cr_assert_eq(checkpoint_read(text, &read, &why), 0, "%s", why.text);
	snprintf(origin, sizeof(origin), "events.example.com/audit/%s", team_id);
	cr_expect(str_is(read.origin, origin), "%.*s", STR_ARGS(read.origin));
	cr_expect_eq(read.size, (uint64_t)size);
	cr_expect(merkle_eq(&read.root, root));
	cr_assert_eq(rfc3339_parse(read.time, &at_us), 0);
	cr_expect_eq(at_us, made->at_us);
}

static void sign_what_has_grown(struct rig *rig)
{
	struct event *events[] = {
		rig_event("capsule.pause", USER, WELL, START_MS),
		rig_event_of_b("capsule.pause", START_MS + 1),
		rig_event("capsule.resume", USER, WELL, START_MS + 2),
	};
	struct round_job job;
	struct recount found;

	cr_expect_eq(make_round(rig, &job), 0, "there is no tree");
	cr_assert_eq(rig_commit(rig, events, ARRAY_LEN(events)), 0);
	cr_expect_eq(make_round(rig, &job), 0);
	cr_expect_not(job.round.is_due, "the last one is not an hour ago");
	cr_expect_eq(job.round.wait_us, HOUR_US);
	rig_now_us += HOUR_US;
	cr_assert_eq(make_round(rig, &job), 2);
	recount_tree(rig, TEAM_A, &found);
	expect_signed(&job.round.made[0], TEAM_A_ID, 2, &found.root);
	recount_tree(rig, TEAM_B, &found);
	expect_signed(&job.round.made[1], TEAM_B_ID, 1, &found.root);

	rig_now_us += HOUR_US;
	rig_commit_pause(rig, START_MS + 3);
	rig_ask(rig, "UPDATE audit_trees SET checkpoint_size = 9 WHERE team_id = '" TEAM_A "'");
	cr_assert_eq(make_round(rig, &job), 1, "no number in the table keeps it from a checkpoint");
	cr_expect_eq(job.round.made[0].size, 3);
	rig_now_us += HOUR_US;
	cr_expect_eq(make_round(rig, &job), 0, "nothing has happened");
	cr_expect_eq(rig_ask(rig, "SELECT count(*) FROM audit_checkpoints"), 3);
	cr_expect_eq(rig_ask(rig, "SELECT count(*) FROM audit_keys"), 1);
}

Test(round, signs_every_tree_that_has_grown_in_an_hour)
{
	ON_BOTH_STORES(&options, sign_what_has_grown);
}

static void subscribe_to_checkpoints(struct rig *rig)
{
	static const char body[] =
		"{\"name\":\"auditor\",\"provider\":\"webhook\",\"events\":"
		"[\"audit.checkpoint\"],\"config\":{\"url\":\"http://127.0.0.1:9/x\"}}";
	char answer[4096];

	cr_assert_eq(rig_request(rig, "POST", "/v1/channels", TEAM_A, body, answer, sizeof(answer)),
		     201, "%s", answer);
}

/* Does what the next process does, which has no note in memory. */
static void find_what_has_not_left(struct rig *rig)
{
	struct event *of_b = rig_event_of_b("capsule.pause", START_MS + 1);
	struct audit_checkpoint made;
	struct round_job job;

	rig_commit_pause(rig, START_MS);
	cr_assert_eq(rig_commit(rig, &of_b, 1), 0);
	cr_assert_eq(make_round(rig, &job), 2);
	cr_expect_eq(job.round.other_count, 0, "this process publishes what it has made");
	made = job.round.made[0];
	cr_expect_eq(make_round(rig, &job), 0);
	cr_expect_not(job.round.is_due);
	cr_assert_eq(job.round.other_count, 2);
	cr_expect(uuid_eq(&job.round.others[0].team, &made.team));
	cr_expect_eq(job.round.others[0].tree, made.tree);
	cr_expect_eq(job.round.others[0].size, 1);
	cr_expect_eq(job.round.others[0].at_us, made.at_us);
	cr_expect_str_eq(job.round.others[0].note, made.note);
	cr_expect_not(job.round.others[0].is_new);
	cr_expect_not(job.round.others[0].is_wanted);

	subscribe_to_checkpoints(rig);
	made = job.round.others[1];
	published_note(rig->store, &made);
	made.size = 0;
	published_note(rig->store, &made);
	rig_wait_for_store(rig);
	make_round(rig, &job);
	cr_assert_eq(job.round.other_count, 1, "a late note of an older one changes nothing");
	cr_expect_lt(job.round.others[0].tree, made.tree);
	cr_expect(job.round.others[0].is_wanted);
}

Test(round, finds_checkpoints_that_have_not_left_the_host)
{
	ON_BOTH_STORES(&options, find_what_has_not_left);
}

/* The clock was a day ahead and is set back. */
static void set_the_clock_back(struct rig *rig)
{
	struct round_job job;
	int64_t first_us;

	rig_now_us += 24 * HOUR_US;
	rig_commit_pause(rig, START_MS);
	cr_assert_eq(make_round(rig, &job), 1);
	first_us = job.round.made[0].at_us;
	rig_now_us -= 24 * HOUR_US;
	rig_commit_pause(rig, START_MS + 1);
	cr_assert_eq(make_round(rig, &job), 1, "a round in the future counts as none");
	cr_expect_eq(job.round.made[0].at_us, first_us, "times follow the sizes");
	cr_expect_eq(job.round.made[0].size, 2);
}

Test(round, keeps_times_in_order_when_the_clock_is_set_back)
{
	ON_BOTH_STORES(&options, set_the_clock_back);
}

static void go_on_where_the_piece_ended(struct rig *rig)
{
	struct reason why = { .text = "" };
	struct round_job job;

	rig_commit_pause(rig, START_MS);
	for (int i = 1; i < 2 * ROUND_PIECE; i++)
		rig_ask(rig,
			"INSERT INTO audit_trees (team_id, size, frontier) SELECT "
			"'0f8fad5b-d9cb-469f-a165-%012d', 1, hash FROM audit_leaf",
			i);
	job = (struct round_job){ .job.run = run_round, .begins = true };
	cr_assert_eq(store_run_blocking(rig->database.url, &job.job, &why), 0);
	cr_expect_eq(job.round.count, ROUND_PIECE);
	cr_expect_not(checkpoint_round_is_over(&job.round));
	job.begins = false;
	cr_assert_eq(store_run_blocking(rig->database.url, &job.job, &why), 0);
	cr_expect_eq(job.round.count, ROUND_PIECE);
	cr_assert_eq(store_run_blocking(rig->database.url, &job.job, &why), 0);
	cr_expect_eq(job.round.count, 0);
	cr_expect(checkpoint_round_is_over(&job.round));
	cr_expect_eq(rig_ask(rig, "SELECT count(*) FROM audit_checkpoints"), 2 * ROUND_PIECE);
}

Test(round, goes_on_where_the_last_piece_ended)
{
	ON_BOTH_STORES(&options, go_on_where_the_piece_ended);
}

static void pass_over_a_damaged_tree(struct rig *rig)
{
	static struct round_job job;
	struct event *of_b = rig_event_of_b("capsule.pause", START_MS + 1);

	rig_commit_pause(rig, START_MS);
	cr_assert_eq(rig_commit(rig, &of_b, 1), 0);
	rig_ask(rig, "UPDATE audit_trees SET size = 3 WHERE team_id = '" TEAM_A "'");
	cr_assert_eq(make_round(rig, &job), 2);
	cr_expect_not(job.round.made[0].is_new);
	cr_expect(job.round.made[1].is_new);
	cr_expect_eq(rig_ask(rig, "SELECT count(*) FROM audit_checkpoints"), 1);
	cr_expect_eq(rig_ask(rig, "SELECT checkpoint_size FROM audit_trees WHERE size = 3"), 0);

	rig_now_us += HOUR_US;
	rig_ask(rig, "UPDATE audit_trees SET size = 1 WHERE size = 3");
	rig_ask(rig, "INSERT INTO audit_leaves (tree, idx, audit_id, hash) "
		     "SELECT tree, 5, audit_id, hash FROM audit_leaf WHERE tree = 1");
	rig_ask(rig, "UPDATE audit_trees SET size = 0, frontier = substr(frontier, 1, 0) "
		     "WHERE team_id = '" TEAM_B "'");
	rig_ask(rig, "DELETE FROM audit_leaves WHERE tree <> 1");
	cr_assert_eq(make_round(rig, &job), 2);
	cr_expect(job.round.made[0].is_damaged, "a leaf past the end");
	cr_expect(job.round.made[1].is_damaged, "a tree that shrank");
	cr_expect_eq(rig_ask(rig, "SELECT count(*) FROM audit_checkpoints"), 1);
}

Test(round, goes_on_after_a_damaged_tree)
{
	ON_BOTH_STORES(&options, pass_over_a_damaged_tree);
}
