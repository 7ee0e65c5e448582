/* SPDX-License-Identifier: Apache-2.0 */

/* A channel that fails, and the one that takes over, on both stores and a hand-set clock. */
#include <errno.h>
#include <stdio.h>

#include "delivery/fallback_rows.h"
#include "tests/support/destination.h"
#include "tests/support/rig.h"

#define SICK    "11111111-1111-4111-8111-111111111111"
#define SICK_ID "ch-10dgnsxljlxoxc3rmyv4e8snl"
#define WELL    "22222222-2222-4222-8222-222222222222"
#define THIRD   "33333333-3333-4333-8333-333333333333"
#define AFTER   10 /* minutes */

/* ---- when -------------------------------------------------------------------------------- */

Test(fallback, acts_by_how_long_the_channel_has_failed)
{
	static const struct {
		int64_t failing_us, taken_over_us;
		enum fallback_step step;
		int64_t failed_us;
	} cases[] = {
		{ 0, 0, FALLBACK_REST, START_US },
		{ START_US, 0, FALLBACK_REST, START_US },
		{ START_US - AFTER * MINUTE_US + 1, 0, FALLBACK_REST, START_US },
		{ START_US - AFTER * MINUTE_US, 0, FALLBACK_COPY, START_US },
		{ START_US - HOUR_US, 0, FALLBACK_COPY, START_US },
		{ START_US - HOUR_US, START_US - MINUTE_US, FALLBACK_COPY, START_US },
		{ START_US - MINUTE_US, START_US - HOUR_US, FALLBACK_COPY, START_US },
		{ 0, START_US - HOUR_US, FALLBACK_HAND_BACK, START_US },
		/* nothing has been tried since, as in quiet hours */
		{ START_US - HOUR_US, 0, FALLBACK_REST, START_US - 59 * MINUTE_US },
		{ START_US - HOUR_US, START_US - MINUTE_US, FALLBACK_COPY,
		  START_US - 59 * MINUTE_US },
		/* the clock was set back */
		{ START_US + HOUR_US, 0, FALLBACK_REST, START_US },
		{ START_US + HOUR_US, START_US + HOUR_US, FALLBACK_HAND_BACK, START_US },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct fallback fallback = { .after_us = AFTER * MINUTE_US,
						   .failing_since_us = cases[i].failing_us,
						   .failed_at_us = cases[i].failed_us,
						   .taken_over_us = cases[i].taken_over_us };

		cr_expect_eq(fallback_next(&fallback, START_US), cases[i].step, "case %zu", i);
	}
}

/* ---- the engine ---------------------------------------------------------------------------- */

static struct destination sick = { .only = "/sick" };

static void name_fallback(struct rig *rig, const char *channel, const char *to)
{
	rig_ask(rig,
		"INSERT INTO channel_fallbacks (channel_id, fallback_id, after_minutes) VALUES "
		"('%s', '%s', %d)",
		channel, to, AFTER);
}

static void with_channels(const char *kinds_of_well, void (*steps)(struct rig *rig))
{
	static const struct rig_options options = { .answer = destination_answer, .arg = &sick };

	for (int engine = 0; engine < DATABASE_ENGINES; engine++) {
		struct rig rig;

		rig_now_us = START_US;
		sick.status = 500;
		rig_open(&rig, (enum database_engine)engine, &options);
		rig_add_channel(&rig, SICK, TEAM_A, "sick", "capsule.pause");
		rig_add_channel(&rig, WELL, TEAM_A, "well", kinds_of_well);
		name_fallback(&rig, SICK, WELL);
		steps(&rig);
		rig_close(&rig);
	}
}

static int64_t count_rows(struct rig *rig, const char *channel, const char *condition)
{
	return rig_ask(rig, "SELECT count(*) FROM deliveries WHERE channel_id = '%s' AND %s",
		       channel, condition);
}

static const struct received *last_to_well(struct rig *rig)
{
	const struct received *found = NULL;
	const struct received *request;

	for (unsigned i = 0; (request = receiver_get(rig->receiver, i)); i++) {
		if (strcmp(request->target, "/well") == 0)
			found = request;
	}
	return found;
}

#define OF_WELL   "deliveries WHERE channel_id = '" WELL "' AND state = 'delivered'"
#define OF_SICK   "deliveries WHERE channel_id = '" SICK "' AND state = 'delivered'"
#define TAKEN     "channel_fallbacks WHERE taken_over_at IS NOT NULL"
#define NOT_TAKEN "channel_fallbacks WHERE taken_over_at IS NULL"

static void take_over_and_hand_back(struct rig *rig)
{
	char note[512];

	rig_commit_pause(rig, START_MS);
	rig_commit_pause(rig, START_MS + 1);
	rig_wait_rows(rig, 1, "channel_state WHERE failing_since IS NOT NULL");
	rig_idle(rig);
	cr_expect_eq(rig_ask(rig, "SELECT count(*) FROM " TAKEN), 0, "it has failed just now");

	rig_now_us += AFTER * MINUTE_US;
	rig_wait_rows(rig, 2, OF_WELL);
	rig_wait_rows(rig, 1, TAKEN);
	cr_expect_eq(count_rows(rig, SICK, "state = 'pending'"), 2, "the channel keeps its own");
	cr_expect(str_is(received_header(last_to_well(rig), "X-Wrenn-Instead-Of"), SICK_ID));
	rig_ask_text(rig, note, sizeof(note),
		     "SELECT note FROM deliveries WHERE instead_of = '" SICK "'");
	cr_expect(strstr(note, "which has failed since 2027-01-15 08:00 UTC: "), "%s", note);
	cr_expect(strstr(note, "500"), "%s", note);

	cr_expect_eq(count_rows(rig, WELL, "requeued_at = created_at"), 2,
		     "the day of a copy begins with it");
	rig_commit_pause(rig, START_MS + 2);
	rig_wait_rows(rig, 3, OF_WELL);

	sick.status = 200;
	rig_now_us += HOUR_US;
	rig_wait_rows(rig, 3, OF_SICK);
	rig_wait_rows(rig, 1, NOT_TAKEN);
	rig_commit_pause(rig, START_MS + 3);
	rig_wait_rows(rig, 4, OF_SICK);
	rig_idle(rig);
	cr_expect_eq(count_rows(rig, WELL, "TRUE"), 3, "nothing more comes to the fallback");
}

Test(fallback, takes_over_with_a_note_and_hands_back_what_was_missed)
{
	with_channels("host.up", take_over_and_hand_back);
}

static void tell_once(struct rig *rig)
{
	rig_commit_pause(rig, START_MS);
	rig_wait_rows(rig, 1, OF_WELL);
	rig_wait_rows(rig, 1, "channel_state WHERE failing_since IS NOT NULL");
	rig_now_us += AFTER * MINUTE_US;
	rig_wait_rows(rig, 1, TAKEN);
	rig_idle(rig);
	cr_expect_eq(count_rows(rig, WELL, "TRUE"), 1);
	cr_expect_eq(count_rows(rig, WELL, "instead_of IS NOT NULL"), 0);
}

Test(fallback, is_told_an_event_once_that_it_wants_itself)
{
	with_channels("capsule.pause", tell_once);
}

static void stop_after_a_step(struct rig *rig)
{
	rig_add_channel(rig, THIRD, TEAM_A, "third", "host.up");
	rig_ask(rig, "DELETE FROM channel_fallbacks");
	name_fallback(rig, WELL, THIRD);
	rig_commit_pause(rig, START_MS);
	rig_wait_rows(rig, 1, "channel_state WHERE failing_since IS NOT NULL");
	/* As if it were a copy, in a channel that fails too. */
	rig_ask(rig, "UPDATE deliveries SET channel_id = '" WELL "', instead_of = '" SICK
		     "', next_attempt_at = '2999-01-01T00:00:00.000000Z'");
	rig_ask(rig,
		"INSERT INTO channel_state (channel_id, failing_since, last_error_at, updated_at) "
		"VALUES ('" WELL "', '2027-01-15T07:00:00.000000Z', "
		"'2027-01-15T07:30:00.000000Z', '2027-01-15T07:30:00.000000Z')");
	rig_wait_rows(rig, 1, TAKEN);
	rig_idle(rig);
	cr_expect_eq(count_rows(rig, THIRD, "TRUE"), 0);
}

Test(fallback, never_copies_a_copy)
{
	with_channels("host.up", stop_after_a_step);
}

static void stay_in_the_team(struct rig *rig)
{
	rig_ask(rig, "UPDATE channels SET team_id = '" TEAM_B "' WHERE id = '" WELL "'");
	rig_commit_pause(rig, START_MS);
	rig_wait_rows(rig, 1, "channel_state WHERE failing_since IS NOT NULL");
	rig_now_us += AFTER * MINUTE_US;
	rig_idle(rig);
	cr_expect_eq(count_rows(rig, WELL, "TRUE"), 0);
}

Test(fallback, is_never_a_channel_of_another_team)
{
	with_channels("host.up", stay_in_the_team);
}

#define OTHER_SICK "44444444-4444-4444-8444-444444444444"

/* The database refuses every copy of the first channel's deliveries. */
static void go_on_after_a_refusal(struct rig *rig)
{
	rig_add_channel(rig, OTHER_SICK, TEAM_A, "sick", "capsule.pause");
	name_fallback(rig, OTHER_SICK, WELL);
	rig_ask(rig,
		"CREATE TRIGGER refuse BEFORE INSERT ON deliveries WHEN NEW.instead_of = '" SICK
		"' BEGIN SELECT RAISE(ABORT, 'refused'); END");
	rig_commit_pause(rig, START_MS);
	rig_wait_rows(rig, 2, "channel_state WHERE failing_since IS NOT NULL");
	rig_now_us += AFTER * MINUTE_US;
	rig_wait_rows(rig, 1, TAKEN " AND channel_id = '" OTHER_SICK "'");
	cr_expect_eq(rig_ask(rig, "SELECT count(*) FROM " TAKEN " AND channel_id = '" SICK "'"), 0);
}

Test(fallback, takes_over_although_the_write_of_another_channel_fails)
{
	static const struct rig_options options = { .answer = destination_answer, .arg = &sick };
	struct rig rig;

	rig_now_us = START_US;
	sick.status = 500;
	rig_open(&rig, DATABASE_SQLITE, &options);
	rig_add_channel(&rig, SICK, TEAM_A, "sick", "capsule.pause");
	rig_add_channel(&rig, WELL, TEAM_A, "well", "host.up");
	name_fallback(&rig, SICK, WELL);
	go_on_after_a_refusal(&rig);
	rig_close(&rig);
}

/* ---- jobs ------------------------------------------------------------------------------ */

struct copying {
	struct store_job job;
	struct fallback page[4];
	size_t count;
	int64_t rows;
	bool then_fail;
	const struct rig *meanwhile; /* an owner names the third channel after the rows were read */
};

static const struct db_query name_third = {
	.sql = "UPDATE channel_fallbacks SET fallback_id = '" THIRD "'",
};

static int run_copying(struct db *db, struct store_job *job)
{
	struct copying *copying = container_of(job, struct copying, job);
	const struct uuid zero = { .bytes = { 0 } };
	int rc =
		fallbacks_read(db, &zero, copying->page, ARRAY_LEN(copying->page), &copying->count);

	if (rc == 0 && copying->meanwhile)
		rc = db_run_now(db, &name_third, NULL, 0, NULL, NULL, NULL);
	for (size_t i = 0; i < copying->count && rc == 0; i++)
		rc = fallback_copy(db, &copying->page[i], START_US, &copying->rows);
	return copying->then_fail ? -ECANCELED : rc;
}

static int copy(struct rig *rig, struct copying *copying)
{
	struct reason why = { .text = "" };

	copying->job.run = run_copying;
	return store_run_blocking(rig->database.url, &copying->job, &why);
}

static void add_pending(struct rig *rig, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		rig_commit_pause(rig, START_MS + i);
	rig_ask(rig, "INSERT INTO channel_state (channel_id, disabled_at, disabled_reason, "
		     "updated_at) VALUES ('" SICK "', '2027-01-15T07:00:00.000000Z', "
		     "'gone', '2027-01-15T07:00:00.000000Z')");
}

static void with_rows(struct rig *rig)
{
	rig_add_channel(rig, SICK, TEAM_A, "sick", "capsule.pause");
	rig_add_channel(rig, WELL, TEAM_A, "well", "host.up");
	name_fallback(rig, SICK, WELL);
	add_pending(rig, FALLBACK_MAX_COPIES + 20);
}

static void copy_in_pieces(struct rig *rig)
{
	struct copying copying = { .then_fail = true };

	with_rows(rig);
	cr_expect_lt(copy(rig, &copying), 0);
	cr_expect_eq(count_rows(rig, WELL, "TRUE"), 0, "a lost transaction leaves nothing");
	cr_expect_eq(rig_ask(rig, "SELECT count(*) FROM " TAKEN), 0);

	copying = (struct copying){ .then_fail = false };
	cr_expect_eq(copy(rig, &copying), 0);
	cr_expect_eq(copying.rows, FALLBACK_MAX_COPIES);
	cr_expect_eq(copy(rig, &copying), 0);
	cr_expect_eq(copying.rows, 20);
	cr_expect_eq(copy(rig, &copying), 0);
	cr_expect_eq(copying.rows, 0);
	cr_expect_eq(count_rows(rig, WELL, "state = 'pending'"), FALLBACK_MAX_COPIES + 20);
	/* Another worker that read the same page copies the same rows, and none is new. */
	rig_ask(rig, "UPDATE channel_fallbacks SET copied_ms = 0");
	cr_expect_eq(copy(rig, &copying), 0);
	cr_expect_eq(copying.rows, 0);
}

static const struct rig_options quiet = { .no_sending = true };

Test(fallback, gets_copies_in_pieces_and_each_once)
{
	ON_BOTH_STORES(&quiet, copy_in_pieces)
}

static void notice_a_change(struct rig *rig)
{
	struct copying copying = { .meanwhile = rig };

	with_rows(rig);
	rig_add_channel(rig, THIRD, TEAM_A, "third", "host.up");
	cr_expect_eq(copy(rig, &copying), -EAGAIN);
	cr_expect_eq(count_rows(rig, WELL, "TRUE"), 0);
	cr_expect_eq(count_rows(rig, THIRD, "TRUE"), 0);
}

Test(fallback, gets_nothing_when_its_owner_named_another_one_meanwhile)
{
	ON_BOTH_STORES(&quiet, notice_a_change)
}

static void copy_what_is_folded(struct rig *rig)
{
	struct copying copying = { .then_fail = false };

	with_rows(rig);
	rig_ask(rig,
		"UPDATE deliveries SET state = 'folded', digest_id = "
		"'44444444-4444-4444-8444-444444444444' WHERE stream_ms < %lld",
		(long long)START_MS + 3);
	rig_ask(rig, "UPDATE deliveries SET state = 'delivered' WHERE stream_ms >= %lld",
		(long long)START_MS + 5);
	rig_ask(rig,
		"UPDATE deliveries SET id = '44444444-4444-4444-8444-444444444444', "
		"event = 'notification.digest' WHERE stream_ms = %lld",
		(long long)START_MS + 4);
	cr_expect_eq(copy(rig, &copying), 0);
	cr_expect_eq(copying.rows, 4, "three of the digest and the one that waits");
	cr_expect_eq(count_rows(rig, WELL, "event = 'capsule.pause' AND digest_id IS NULL"), 4);

	rig_ask(rig, "DELETE FROM deliveries WHERE channel_id = '" WELL "'");
	rig_ask(rig, "UPDATE channel_fallbacks SET copied_ms = 0");
	rig_ask(rig, "UPDATE deliveries SET state = 'delivered' WHERE event = "
		     "'notification.digest'");
	cr_expect_eq(copy(rig, &copying), 0);
	cr_expect_eq(copying.rows, 1, "the digest has arrived");
}

Test(fallback, gets_the_events_of_a_digest_that_has_not_arrived)
{
	ON_BOTH_STORES(&quiet, copy_what_is_folded)
}
