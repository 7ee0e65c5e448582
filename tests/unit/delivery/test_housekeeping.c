/* SPDX-License-Identifier: Apache-2.0 */

/* Housekeeping removes what is old, keeps the rest, and one worker does it. */
#include <stdio.h>

#include "core/rfc3339.h"
#include "tests/support/rig.h"

#define DAY_US (24 * HOUR_US)

static const struct rig_options quiet = { .no_delivery = true };

static void add_delivery(struct rig *rig, unsigned number, const char *state, int64_t age_us)
{
	bool is_embedded = strncmp(rig->database.url, "sqlite", 6) == 0;
	char at[RFC3339_TEXT_SIZE];

	rfc3339_format(rig_now_us - age_us, 6, at);
	rig_ask(rig,
		"INSERT INTO deliveries (id, stream_id, stream_ms, stream_seq, team_id, "
		"channel_id, event, payload, state, next_attempt_at, created_at, updated_at) "
		"VALUES "
		"('%08u-0000-4000-8000-000000000000', '1-1', 1, 1, '" TEAM_A "', '" TEAM_A
		"', 'host.up', %s, '%s', '%s', '%s', '%s')",
		number % 100000000u, is_embedded ? "x'00'" : "'x'", state, at, at, at);
	rig_ask(rig,
		"INSERT INTO delivery_attempts (delivery_id, number, started_at, duration_us, "
		"verdict, detail) VALUES ('%08u-0000-4000-8000-000000000000', 1, '%s', 1, 'retry', "
		"'')",
		number % 100000000u, at);
}

static void add_accept(struct rig *rig, unsigned number, int64_t age_us)
{
	char at[RFC3339_TEXT_SIZE];

	rfc3339_format(rig_now_us - age_us, 6, at);
	rig_ask(rig,
		"INSERT INTO accepts (team_id, sandbox_id, event, seen_at) VALUES ('" TEAM_A
		"', '%08u-0000-4000-8000-000000000000', 'capsule.pause', '%s')",
		number % 100000000u, at);
}

static void add_state(struct rig *rig, const char *channel, const char *column, int64_t at_us)
{
	char at[RFC3339_TEXT_SIZE];

	rfc3339_format(at_us, 6, at);
	rig_ask(rig,
		"INSERT INTO channel_state (channel_id, updated_at, %s) VALUES ('%s', '%s', '%s')",
		column, channel, at, at);
}

/* One row in each table of counters. */
static void add_counters(struct rig *rig, int step_s, int64_t age_us)
{
	char at[RFC3339_TEXT_SIZE];

	rfc3339_format(rig_now_us - age_us, 6, at);
	rig_ask(rig,
		"INSERT INTO event_activity (team_id, step_s, begins_at, events, failed) VALUES "
		"('" TEAM_A "', %d, '%s', 1, 0)",
		step_s, at);
	rig_ask(rig,
		"INSERT INTO channel_activity (channel_id, step_s, begins_at, delivered, failed, "
		"retried) VALUES ('" TEAM_A "', %d, '%s', 1, 0, 0)",
		step_s, at);
}

static void add_outcome(struct rig *rig, int64_t age_us)
{
	char at[RFC3339_TEXT_SIZE];

	rfc3339_format(rig_now_us - age_us, 6, at);
	rig_ask(rig,
		"INSERT INTO snapshot_outcomes (team_id, ended_at, name, is_success) VALUES "
		"('" TEAM_A "', '%s', 'base', '1')",
		at);
}

static void add_message(struct rig *rig, const char *name, int64_t expired_us)
{
	char at[RFC3339_TEXT_SIZE];

	rfc3339_format(rig_now_us - expired_us, 6, at);
	rig_ask(rig,
		"INSERT INTO living_messages (channel_id, resource, message_id, place, told_ms, "
		"told_seq, told_by, began_at, trail, updated_at, expires_at) VALUES ('" TEAM_A
		"', '%s', '1', 'p', 1, 0, '" TEAM_A "', '%s', '', '%s', '%s')",
		name, at, at, at);
}

static void fill(struct rig *rig)
{
	add_message(rig, "capsule a", SECOND_US);
	add_message(rig, "capsule b", -SECOND_US * 3600);
	add_outcome(rig, 31 * DAY_US + 1);
	add_outcome(rig, 31 * DAY_US - SECOND_US);
	add_counters(rig, 60, 2 * HOUR_US + 1);
	add_counters(rig, 60, 2 * HOUR_US - SECOND_US);
	add_counters(rig, 3600, 31 * DAY_US + 1);
	add_counters(rig, 3600, 31 * DAY_US - SECOND_US);
	add_delivery(rig, 1, "delivered", 7 * DAY_US + 1);
	add_delivery(rig, 2, "failed", 8 * DAY_US);
	add_delivery(rig, 3, "dropped", 30 * DAY_US);
	add_delivery(rig, 4, "delivered", 7 * DAY_US - SECOND_US);
	add_delivery(rig, 5, "pending", 30 * DAY_US);
	rig_ask(rig,
		"INSERT INTO suppressed (team_id, stream_id, event, reason, created_at) VALUES "
		"('" TEAM_A "', '1-0', 'host.up', 'repeat', '2020-01-01T00:00:00.000000Z'), "
		"('" TEAM_A "', '2-0', 'host.up', 'repeat', '2027-01-15T07:00:00.000000Z')");
	add_accept(rig, 1, DAY_US + 1);
	add_accept(rig, 2, DAY_US - SECOND_US);
}

/* The first round comes when the loop first turns, so the rows must exist before. */
Test(housekeeping, removes_what_finished_a_week_ago_and_nothing_else)
{
	for (int engine = 0; engine < DATABASE_ENGINES; engine++) {
		struct rig rig;

		rig_open(&rig, (enum database_engine)engine, &quiet);
		fill(&rig);
		rig_wait_rows(&rig, 2, "deliveries");
		rig_wait_rows(&rig, 1, "accepts");
		rig_wait_rows(&rig, 1, "living_messages");
		rig_wait_rows(&rig, 1, "suppressed");
		rig_wait_rows(&rig, 1, "snapshot_outcomes");
		rig_wait_rows(&rig, 2, "event_activity");
		rig_wait_rows(&rig, 2, "channel_activity");
		cr_expect_eq(rig_ask(&rig, "SELECT count(*) FROM deliveries WHERE "
					   "state = 'pending' OR state = 'delivered'"),
			     2);
		cr_expect_eq(rig_ask(&rig, "SELECT count(*) FROM delivery_attempts"), 2);
		rig_close(&rig);
	}
}

/* Half of the ids come from an earlier version, in no order. */
Test(housekeeping, removes_more_than_one_piece)
{
	struct rig rig;

	rig_open(&rig, DATABASE_SQLITE, &quiet);
	rig_ask(&rig,
		"WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < "
		"2500) INSERT INTO deliveries (id, stream_id, stream_ms, stream_seq, team_id, "
		"channel_id, event, payload, state, next_attempt_at, created_at, updated_at) "
		"SELECT printf('%%s%%07x-0000-4000-8000-000000000000', CASE WHEN i %% 2 = 1 THEN "
		"'0' ELSE 'f' END, i), '1-1', 1, 1, 't', 'c', 'host.up', x'00', 'failed', "
		"'2020-01-01T00:00:00.000000Z', '2020-01-01T00:00:00.000000Z', "
		"'2020-01-01T00:00:00.000000Z' FROM n");
	rig_ask(&rig,
		"WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2500) "
		"INSERT INTO accepts (team_id, sandbox_id, event, seen_at) "
		"SELECT 't', 'id-' || i, 'host.up', '2020-01-01T00:00:00.' || (100000 + i) || 'Z' "
		"FROM n");
	rig_ask(&rig,
		"WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3500) "
		"INSERT INTO suppressed (team_id, stream_id, event, reason, created_at) "
		"SELECT 't', i || '-1', 'host.up', 'repeat', "
		"'2020-01-01T00:00:00.' || (100000 + i) || 'Z' FROM n");
	rig_wait_rows(&rig, 0, "deliveries");
	rig_wait_rows(&rig, 0, "accepts");
	rig_wait_rows(&rig, 0, "suppressed");
	rig_close(&rig);
}

static int64_t count_finished(struct rig *rig)
{
	return rig_ask(rig, "SELECT count(*) FROM deliveries WHERE state = 'delivered'");
}

/* A clock that is a month ahead, trusted or not, costs no month of history. */
Test(housekeeping, lets_nothing_age_by_more_than_two_hours_a_purge)
{
	for (int engine = 0; engine < DATABASE_ENGINES; engine++) {
		struct rig_options again = quiet;
		struct database database;
		struct rig rig;

		rig_open(&rig, (enum database_engine)engine, &quiet);
		database = rig.database;
		add_delivery(&rig, 1, "delivered", 8 * DAY_US);
		add_delivery(&rig, 2, "delivered", 7 * DAY_US - HOUR_US);
		add_delivery(&rig, 3, "delivered", 7 * DAY_US - 3 * HOUR_US);
		add_accept(&rig, 1, HOUR_US);
		add_state(&rig, TEAM_A, "disabled_at", rig_now_us - 10 * DAY_US);
		add_delivery(&rig, 4, "pending", DAY_US);
		rig_wait_rows(&rig, 3, "deliveries");
		rig_close(&rig);

		rig_now_us += 31 * DAY_US;
		again.database = &database;
		rig_open(&rig, (enum database_engine)engine, &again);
		rig_wait_rows(&rig, 2, "deliveries");
		rig_idle(&rig);
		cr_expect_eq(count_finished(&rig), 1);
		cr_expect_eq(rig_ask(&rig, "SELECT count(*) FROM accepts"), 1);
		cr_expect_eq(rig_ask(&rig, "SELECT count(*) FROM deliveries WHERE "
					   "state = 'pending'"),
			     1);
		rig_close(&rig);
	}
}

static bool is_measured(struct rig *rig, void *arg)
{
	(void)rig;
	return metric_value(arg) == 2;
}

Test(housekeeping, measures_what_waits)
{
	struct metric *pending = metric_gauge("wrenn_events_deliveries_pending", NULL,
					      "Deliveries not finished yet, counted every 15 s");
	struct metric *oldest = metric_gauge("wrenn_events_deliveries_oldest_pending_seconds", NULL,
					     "Age of the oldest delivery not finished yet");
	struct rig rig;

	rig_open(&rig, DATABASE_SQLITE, &quiet);
	add_delivery(&rig, 1, "pending", 90 * SECOND_US);
	add_delivery(&rig, 2, "pending", 30 * SECOND_US);
	add_delivery(&rig, 3, "delivered", 300 * SECOND_US);
	rig_turn_until(&rig, is_measured, pending);
	cr_expect_eq(metric_value(oldest), 90);
	rig_close(&rig);
}

Test(housekeeping, leaves_the_work_to_the_worker_with_the_lease)
{
	struct rig rig;

	rig_open(&rig, DATABASE_SQLITE, &quiet);
	rig_ask(&rig,
		"INSERT INTO channel_state (channel_id, lease_owner, lease_until, updated_at) "
		"VALUES ('00000000-0000-0000-0000-000000000000', 'other', "
		"'2027-01-15T08:00:40.000000Z', '2027-01-15T08:00:00.000000Z')");
	fill(&rig);
	rig_idle(&rig);
	cr_expect_eq(rig_ask(&rig, "SELECT count(*) FROM deliveries"), 5);
	rig_close(&rig);
}

/* A lease dated further ahead than any current clock could set it is ignored. */
Test(housekeeping, takes_over_a_lease_from_before_the_clock_was_set_back)
{
	for (int engine = 0; engine < DATABASE_ENGINES; engine++) {
		struct rig rig;

		rig_open(&rig, (enum database_engine)engine, &quiet);
		rig_ask(&rig, "INSERT INTO channel_state (channel_id, lease_owner, lease_until, "
			      "updated_at) VALUES ('00000000-0000-0000-0000-000000000000', "
			      "'other', '2999-01-01T00:00:00.000000Z', "
			      "'2998-01-01T00:00:00.000000Z')");
		fill(&rig);
		rig_wait_rows(&rig, 2, "deliveries");
		rig_close(&rig);
	}
}

Test(housekeeping, drops_what_waits_for_a_channel_disabled_a_month_ago)
{
	for (int engine = 0; engine < DATABASE_ENGINES; engine++) {
		struct rig rig;
		char text[128];

		rig_open(&rig, (enum database_engine)engine, &quiet);
		add_state(&rig, TEAM_A, "disabled_at", rig_now_us - 30 * DAY_US - SECOND_US);
		add_delivery(&rig, 1, "pending", DAY_US);
		add_delivery(&rig, 2, "failed", DAY_US);
		rig_wait_rows(&rig, 1, "deliveries WHERE state = 'dropped'");
		rig_ask_text(&rig, text, sizeof(text),
			     "SELECT last_error FROM deliveries WHERE state = 'dropped'");
		cr_expect_str_eq(text, "the channel has been disabled for more than 30 days");
		cr_expect_eq(
			rig_ask(&rig, "SELECT count(*) FROM deliveries WHERE state = 'failed'"), 1);
		rig_close(&rig);
	}
}

/* On PostgreSQL the purge sees the channel disabled until the owner's change is committed. */
Test(housekeeping, leaves_the_backlog_of_a_channel_that_is_being_enabled)
{
	PGconn *owner;
	struct rig rig;

	rig_open(&rig, DATABASE_POSTGRES, &quiet);
	rig_add_channel(&rig, TEAM_A, TEAM_A, "hook", "host.up");
	add_state(&rig, TEAM_A, "disabled_at", rig_now_us - 31 * DAY_US);
	add_delivery(&rig, 1, "pending", DAY_US);
	add_delivery(&rig, 2, "failed", 8 * DAY_US);
	owner = PQconnectdb(rig.database.url);
	PQclear(PQexec(owner, "SET search_path = wrenn_events, public; BEGIN; "
			      "SELECT 1 FROM channels FOR UPDATE; "
			      "UPDATE channel_state SET disabled_at = NULL"));
	cr_assert_eq(PQtransactionStatus(owner), PQTRANS_INTRANS);
	rig_wait_rows(&rig, 1, "deliveries"); /* the purge has run */
	cr_expect_eq(rig_ask(&rig, "SELECT count(*) FROM deliveries WHERE state = 'pending'"), 1);
	PQclear(PQexec(owner, "COMMIT"));
	PQfinish(owner);
	rig_close(&rig);
}

/* One channel after another, each in pieces. */
Test(housekeeping, drops_what_waits_for_all_channels_disabled_a_month_ago)
{
	for (int engine = 0; engine < DATABASE_ENGINES; engine++) {
		struct rig rig;

		rig_open(&rig, (enum database_engine)engine, &quiet);
		rig_add_channel(&rig, TEAM_A, TEAM_A, "hook", "host.up");
		add_state(&rig, TEAM_A, "disabled_at", rig_now_us - 31 * DAY_US);
		add_state(&rig, TEAM_B, "disabled_at", rig_now_us - 31 * DAY_US);
		for (unsigned i = 1; i <= 4; i++)
			add_delivery(&rig, i, "pending", DAY_US);
		rig_ask(&rig, "UPDATE deliveries SET channel_id = '" TEAM_B "' WHERE id IN "
			      "('00000003-0000-4000-8000-000000000000', "
			      "'00000004-0000-4000-8000-000000000000')");
		rig_wait_rows(&rig, 4, "deliveries WHERE state = 'dropped'");
		rig_close(&rig);
	}
}

Test(housekeeping, keeps_what_waits_for_a_channel_disabled_of_late)
{
	for (int engine = 0; engine < DATABASE_ENGINES; engine++) {
		struct rig rig;

		rig_open(&rig, (enum database_engine)engine, &quiet);
		add_state(&rig, TEAM_A, "disabled_at", rig_now_us - 30 * DAY_US + SECOND_US);
		add_state(&rig, TEAM_B, "breaker_until", rig_now_us - 60 * DAY_US);
		add_delivery(&rig, 1, "pending", 29 * DAY_US);
		add_delivery(&rig, 2, "folded", 8 * DAY_US);
		rig_wait_rows(&rig, 1, "deliveries"); /* the purge has run */
		cr_expect_eq(rig_ask(&rig, "SELECT count(*) FROM deliveries WHERE "
					   "state = 'pending'"),
			     1);
		rig_close(&rig);
	}
}

static bool is_one(struct rig *rig, void *arg)
{
	(void)rig;
	return metric_value(arg) == 1;
}

Test(housekeeping, counts_channels_that_are_disabled_and_left_alone)
{
	struct metric *open = metric_gauge("wrenn_events_channels_breaker_open", NULL,
					   "Channels whose breaker is open after failures");
	struct metric *disabled = metric_gauge("wrenn_events_channels_disabled", NULL,
					       "Channels disabled until their owner enables them");
	struct rig rig;

	rig_open(&rig, DATABASE_SQLITE, &quiet);
	add_state(&rig, TEAM_A, "disabled_at", rig_now_us);
	add_state(&rig, TEAM_B, "breaker_until", rig_now_us + 30 * SECOND_US);
	add_state(&rig, "11111111-1111-4111-8111-111111111111", "breaker_until",
		  rig_now_us - SECOND_US);
	rig_turn_until(&rig, is_one, open);
	cr_expect_eq(metric_value(disabled), 1);
	rig_close(&rig);
}
