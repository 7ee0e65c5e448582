/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Every statement that moves deliveries, against one row in each state, on both stores. A move that
 * states.c does not allow fails the test, and so does an allowed move that no statement makes.
 */
#include "delivery/transitions.h"
#include "tests/support/rig.h"

#define CHANNEL "11111111-1111-4111-8111-111111111111"
#define ID      "0000000%u-0000-4000-8000-000000000000" /* with the number of its state */
#define IN(s)   (1u << DELIVERY_##s)

struct step {
	const char *name;
	int (*run)(struct db *db);
	unsigned from; /* the states it moves rows out of */
	enum delivery_state to;
};

struct running {
	struct store_job job;
	const struct step *step;
	bool is_done;
	int rc;
};

static unsigned moves[DELIVERY_STATES]; /* the moves that were seen, by the state they begin in */
static int64_t rows;                    /* the store says it changed */

static struct uuid row_of(unsigned state)
{
	char text[UUID_TEXT_SIZE];
	struct uuid id;

	snprintf(text, sizeof(text), ID, state);
	cr_assert_eq(uuid_parse(str_of(text), &id), 0);
	return id;
}

static struct uuid channel_id(void)
{
	struct uuid id;

	cr_assert_eq(uuid_parse(STR(CHANNEL), &id), 0);
	return id;
}

static bool is_stored(unsigned state)
{
	return state != DELIVERY_SENDING;
}

/* ---- the statements -------------------------------------------------------------------------- */

static int end_turns(struct db *db, enum delivery_state to)
{
	const struct turn_result result = { .status = 200, .error = "", .ended_us = rig_now_us };
	int rc = 0;

	for (unsigned state = 0; state < DELIVERY_STATES && rc == 0; state++) {
		const struct delivery delivery = { .id = row_of(state),
						   .state = to,
						   .next_attempt_us = rig_now_us };

		rc = transition_end_turn(db, &delivery, &result, &rows);
	}
	return rc;
}

static int deliver(struct db *db)
{
	return end_turns(db, DELIVERY_DELIVERED);
}

static int fail(struct db *db)
{
	return end_turns(db, DELIVERY_FAILED);
}

static int wait(struct db *db)
{
	return end_turns(db, DELIVERY_PENDING);
}

static int fold(struct db *db)
{
	const struct uuid digest = row_of(DELIVERY_FAILED);
	char texts[DELIVERY_STATES][UUID_TEXT_SIZE];
	struct str ids[DELIVERY_STATES];

	for (unsigned state = 0; state < DELIVERY_STATES; state++) {
		snprintf(texts[state], sizeof(texts[state]), ID, state);
		ids[state] = str_of(texts[state]);
	}
	return transition_fold(db, &digest, ids, DELIVERY_STATES, rig_now_us, &rows);
}

static int on_updated(const struct db_row *row, void *arg)
{
	*(int64_t *)arg = row_time(row, 0);
	return 0;
}

static int hold(struct db *db)
{
	static const struct db_query find = { .sql = "SELECT updated_at FROM channels" };
	const struct uuid channel = channel_id();
	char texts[DELIVERY_STATES][UUID_TEXT_SIZE];
	struct str ids[DELIVERY_STATES];
	const struct held_rows held = { .ids = ids,
					.count = DELIVERY_STATES,
					.until_us = rig_now_us + HOUR_US };
	int64_t updated_us = 0;
	int rc = db_run_now(db, &find, NULL, 0, on_updated, &updated_us, NULL);

	for (unsigned state = 0; state < DELIVERY_STATES; state++) {
		snprintf(texts[state], sizeof(texts[state]), ID, state);
		ids[state] = str_of(texts[state]);
	}
	if (rc == 0)
		rc = transition_hold(db, &channel, updated_us, &held, rig_now_us, &rows);
	cr_expect_eq(rows, 1);
	if (rc == 0)
		rc = transition_hold(db, &channel, updated_us + 1, &held, rig_now_us, &rows);
	cr_expect_eq(rows, 0, "the options changed meanwhile");
	return rc;
}

static int release_held(struct db *db)
{
	const struct uuid channel = channel_id();
	struct backlog_piece piece = { .skips = false };
	int rc = hold(db);

	if (rc == 0)
		rc = transition_release_held(db, &channel, &piece, rig_now_us);
	cr_expect_eq(piece.rows, 1);
	return rc;
}

static int unfold(struct db *db)
{
	const struct uuid digest = row_of(DELIVERY_FAILED);

	return transition_unfold(db, &digest, rig_now_us, &rows);
}

static int drop(struct db *db)
{
	const struct uuid channel = channel_id();

	return transition_drop(db, &channel, STR("gone"), rig_now_us, &rows);
}

static int drop_disabled(struct db *db)
{
	const struct uuid channel = channel_id();

	return transition_drop_disabled(db, &channel, rig_now_us, rig_now_us, &rows);
}

static int release_backlog(struct db *db, bool skips)
{
	const struct uuid channel = channel_id();
	struct backlog_piece piece = { .skips = skips };

	return transition_release(db, &channel, &piece, rig_now_us);
}

static int release(struct db *db)
{
	return release_backlog(db, false);
}

static int skip(struct db *db)
{
	return release_backlog(db, true);
}

static int requeue(struct db *db)
{
	struct uuid team;
	int rc = uuid_parse(STR(TEAM_A), &team);

	for (unsigned state = 0; state < DELIVERY_STATES && rc == 0; state++) {
		const struct uuid id = row_of(state);

		rc = transition_requeue(db, &team, &id, rig_now_us, &rows);
	}
	return rc;
}

static int requeue_piece(struct db *db, bool failed, bool dropped)
{
	const struct uuid channel = channel_id();
	struct missed_piece piece = { .failed = failed,
				      .dropped = dropped,
				      .since_us = rig_now_us - HOUR_US,
				      .until_us = rig_now_us + HOUR_US };

	return transition_requeue_missed(db, &channel, &piece, rig_now_us);
}

static int requeue_missed(struct db *db)
{
	return requeue_piece(db, true, true);
}

static int requeue_failed(struct db *db)
{
	return requeue_piece(db, true, false);
}

static int requeue_dropped(struct db *db)
{
	return requeue_piece(db, false, true);
}

/* ---- the table ------------------------------------------------------------------------------- */

static const struct step steps[] = {
	{ "delivered", deliver, IN(PENDING), DELIVERY_DELIVERED },
	{ "failed", fail, IN(PENDING), DELIVERY_FAILED },
	{ "retried later", wait, 0, DELIVERY_PENDING },
	{ "held", hold, 0, DELIVERY_PENDING },
	{ "no longer held", release_held, 0, DELIVERY_PENDING },
	{ "folded", fold, IN(PENDING), DELIVERY_FOLDED },
	{ "unfolded", unfold, IN(FOLDED), DELIVERY_PENDING },
	{ "dropped", drop, IN(PENDING), DELIVERY_DROPPED },
	{ "dropped, disabled", drop_disabled, IN(PENDING), DELIVERY_DROPPED },
	{ "released", release, 0, DELIVERY_PENDING },
	{ "skipped", skip, IN(PENDING), DELIVERY_DROPPED },
	{ "sent again", requeue, IN(DELIVERED) | IN(FAILED) | IN(DROPPED) | IN(FOLDED),
	  DELIVERY_PENDING },
	{ "recovered", requeue_missed, IN(FAILED) | IN(DROPPED), DELIVERY_PENDING },
	{ "recovered, failed", requeue_failed, IN(FAILED), DELIVERY_PENDING },
	{ "recovered, dropped", requeue_dropped, IN(DROPPED), DELIVERY_PENDING },
};

static void fill(struct rig *rig)
{
	bool is_embedded = strncmp(rig->database.url, "sqlite", 6) == 0;

	rig_ask(rig, "DELETE FROM deliveries");
	for (unsigned state = 0; state < DELIVERY_STATES; state++) {
		if (!is_stored(state))
			continue;
		rig_ask(rig,
			"INSERT INTO deliveries (id, stream_id, stream_ms, stream_seq, team_id, "
			"channel_id, event, payload, state, next_attempt_at, created_at, "
			"updated_at) VALUES ('" ID "', '%u-0', %u, 0, '" TEAM_A "', '" CHANNEL
			"', 'host.up', %s, '%s', '2027-01-15T08:00:00.000000Z', "
			"'2027-01-15T08:00:00.000000Z', '2027-01-15T08:00:00.000000Z')",
			state, state, state, is_embedded ? "x'7b7d'" : "'{}'",
			delivery_state_name((enum delivery_state)state));
	}
	rig_ask(rig, "UPDATE deliveries SET digest_id = '" ID "' WHERE state = 'folded'",
		DELIVERY_FAILED);
}

static int run_step(struct db *db, struct store_job *job)
{
	return container_of(job, struct running, job)->step->run(db);
}

static void on_step_done(struct store_job *job, int rc)
{
	struct running *running = container_of(job, struct running, job);

	running->rc = rc;
	running->is_done = true;
}

static bool is_done(struct rig *rig, void *arg)
{
	(void)rig;
	return ((struct running *)arg)->is_done;
}

static enum delivery_state state_of(struct rig *rig, unsigned row)
{
	for (unsigned state = 0; state < DELIVERY_STATES; state++) {
		if (rig_ask(rig,
			    "SELECT count(*) FROM deliveries WHERE id = '" ID "' AND state = '%s'",
			    row, delivery_state_name((enum delivery_state)state)) == 1)
			return (enum delivery_state)state;
	}
	cr_assert_fail("the row has a state");
	return DELIVERY_STATES;
}

static void check(struct rig *rig, const struct step *step)
{
	for (unsigned from = 0; from < DELIVERY_STATES; from++) {
		enum delivery_state expected = (step->from & (1u << from)) ? step->to : from;
		enum delivery_state to;

		if (!is_stored(from))
			continue;
		to = state_of(rig, from);
		cr_expect_eq(to, expected, "%s: a row in %s went to %s", step->name,
			     delivery_state_name(from), delivery_state_name(to));
		if (to == from)
			continue;
		moves[from] |= 1u << to;
		cr_expect(delivery_may_store(from, to), "%s: %s to %s is not in the table",
			  step->name, delivery_state_name(from), delivery_state_name(to));
	}
}

static void run_all(struct rig *rig)
{
	memset(moves, 0, sizeof(moves));
	rig_add_channel(rig, CHANNEL, TEAM_A, "hook", "host.up");
	rig_ask(rig,
		"INSERT INTO channel_state (channel_id, disabled_at, updated_at) VALUES ('" CHANNEL
		"', '2027-01-01T08:00:00.000000Z', '2027-01-15T08:00:00.000000Z')");
	for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
		struct running running = { .step = &steps[i],
					   .job.run = run_step,
					   .job.on_done = on_step_done };

		fill(rig);
		cr_assert_eq(store_write(rig->store, &running.job), 0);
		rig_turn_until(rig, is_done, &running);
		cr_assert_eq(running.rc, 0, "%s: %d", steps[i].name, running.rc);
		check(rig, &steps[i]);
	}
	for (unsigned from = 0; from < DELIVERY_STATES; from++) {
		for (unsigned to = 0; to < DELIVERY_STATES; to++)
			cr_expect_eq(delivery_may_store(from, to), (moves[from] & (1u << to)) != 0,
				     "%s to %s", delivery_state_name(from),
				     delivery_state_name(to));
	}
}

Test(transitions, are_those_of_the_table_and_no_others)
{
	const struct rig_options options = { .no_delivery = true };

	rig_now_us = START_US;
	ON_BOTH_STORES(&options, run_all);
}
