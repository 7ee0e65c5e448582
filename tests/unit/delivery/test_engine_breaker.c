/* SPDX-License-Identifier: Apache-2.0 */

/* Breakers and disabled channels, as the engine treats them, on both stores and a clock set by
 * hand. */
#include <stdio.h>

#include "tests/support/calls.h"

#define CHANNEL_1 "11111111-1111-4111-8111-111111111111"
#define CHANNEL_2 "22222222-2222-4222-8222-222222222222"
#define PATH_1    "/v1/channels/ch-10dgnsxljlxoxc3rmyv4e8snl"
#define PENDING   "deliveries WHERE state = 'pending'"
#define DELIVERED "deliveries WHERE state = 'delivered'"
#define DISABLED  "channel_state WHERE disabled_at IS NOT NULL"

struct destination {
	_Atomic int status;
	bool is_slack;
	void (*meanwhile)(const struct rig *rig); /* while the next request is running */
	const struct rig *rig;
};

static enum receiver_reply answer(const struct received *request, struct buf *out, void *arg)
{
	struct destination *destination = arg;

	(void)request;
	if (destination->meanwhile) {
		destination->meanwhile(destination->rig);
		destination->meanwhile = NULL;
	}
	/* Slack's words for a final refusal, and for success. */
	if (destination->is_slack)
		receiver_answer(out, destination->status, "",
				destination->status == 200 ? STR("ok") : STR("user_not_found"));
	else
		receiver_answer(out, destination->status, "", STR("so says the destination"));
	return RECEIVER_ANSWER;
}

static struct destination destination;

static void with_destination(int status, bool is_slack, void (*steps)(struct rig *rig))
{
	static const char *const slack[] = { "webhook_url",
					     "https://hooks.slack.com/services/T0123/B0123/abc",
					     NULL };

	for (int engine = 0; engine < DATABASE_ENGINES; engine++) {
		const struct rig_options options = { .answer = answer,
						     .arg = &destination,
						     .chat = is_slack };
		struct rig rig;

		rig_now_us = START_US;
		destination.status = status;
		destination.is_slack = is_slack;
		destination.meanwhile = NULL;
		destination.rig = &rig;
		rig_open(&rig, (enum database_engine)engine, &options);
		if (is_slack)
			rig_add_chat(&rig, CHANNEL_1, "slack", slack, "capsule.pause");
		else
			rig_add_channel(&rig, CHANNEL_1, TEAM_A, "hook", "capsule.pause");
		steps(&rig);
		rig_close(&rig);
	}
}

static void with_channel(int status, void (*steps)(struct rig *rig))
{
	with_destination(status, false, steps);
}

static void with_slack(int status, void (*steps)(struct rig *rig))
{
	with_destination(status, true, steps);
}

static void wait_attempts(struct rig *rig, unsigned count)
{
	rig_wait_rows(rig, count, "attempts");
}

/* ---- disabling ----------------------------------------------------------------------------- */

static void disable_at_once(struct rig *rig)
{
	char text[512];

	rig_commit_pause(rig, START_MS);
	rig_wait_rows(rig, 1, DISABLED);
	rig_commit_pause(rig, START_MS + 1);
	rig_idle(rig);
	rig_now_us += HOUR_US;
	rig_idle(rig);
	cr_expect_eq(receiver_count(rig->receiver), 1, "it was disabled");
	cr_expect_eq(rig_ask(rig,
			     "SELECT count(*) FROM channel_state WHERE channel_id = '" CHANNEL_1
			     "' AND updated_at > '2027-01-15T08:30:00.000000Z'"),
		     0, "the scan does not lease it, either");
	cr_expect_eq(rig_ask(rig, "SELECT count(*) FROM " PENDING), 2, "the backlog is kept");
	cr_expect_eq(rig_ask(rig, "SELECT count(*) FROM attempts "
				  "WHERE verdict = 'disabled'"),
		     1);
	rig_ask_text(rig, text, sizeof(text),
		     "SELECT actor_type || ' ' || resource_type || ' ' || resource_id || ' ' || "
		     "action || ' ' || status || ' ' || scope FROM audit_logs "
		     "WHERE action = 'disable'");
	cr_expect_str_eq(text, "system channel ch-10dgnsxljlxoxc3rmyv4e8snl disable error team");
	cr_expect_eq(rig_ask(rig, "SELECT count(*) FROM audit_logs WHERE action = 'disable'"), 1);
	rig_ask_text(rig, text, sizeof(text), "SELECT disabled_reason FROM " DISABLED);
	cr_expect(strstr(text, "410"), "%s", text);
	cr_expect_null(strstr(text, "127.0.0.1"), "%s", text);
}

Test(breaker_engine, disables_a_channel_whose_destination_is_gone_and_keeps_its_backlog)
{
	with_channel(410, disable_at_once);
}

/* Enables the channel in the store only, as a worker that does not deliver would: it cannot notify
 * us. */
static void see_it_enabled_elsewhere(struct rig *rig)
{
	rig_commit_pause(rig, START_MS);
	rig_wait_rows(rig, 1, DISABLED);
	rig_wait_rows(rig, 1,
		      "channel_state WHERE channel_id = '" CHANNEL_1 "' AND lease_owner IS NULL");
	destination.status = 200;
	rig_ask(rig, "UPDATE channel_state SET disabled_at = NULL, failures = 0, disabling = 0");
	rig_ask(rig, "UPDATE deliveries SET next_attempt_at = '2027-01-15T08:00:00.000000Z'");
	rig_wait_rows(rig, 1, DELIVERED);
}

Test(breaker_engine, takes_a_channel_up_that_was_enabled_through_another_worker)
{
	with_channel(410, see_it_enabled_elsewhere);
}

static void enable_and_deliver(struct rig *rig)
{
	rig_commit_pause(rig, START_MS);
	rig_wait_rows(rig, 1, DISABLED);
	rig_commit_pause(rig, START_MS + 1);
	rig_now_us += 3 * 24 * HOUR_US;
	destination.status = 200;
	cr_assert_eq(call(rig, "POST", PATH_1 "/enable", "{\"backlog\":\"deliver\"}"), 200, "%s",
		     call_answer);
	rig_wait_rows(rig, 2, DELIVERED);
	cr_expect_eq(receiver_count(rig->receiver), 3);
	cr_expect_eq(rig_ask(rig, "SELECT count(*) FROM " DISABLED), 0);
}

Test(breaker_engine, delivers_the_backlog_of_a_channel_that_was_enabled)
{
	with_channel(410, enable_and_deliver);
}

static void enable_and_skip(struct rig *rig)
{
	rig_commit_pause(rig, START_MS);
	rig_wait_rows(rig, 1, DISABLED);
	destination.status = 200;
	cr_assert_eq(call(rig, "POST", PATH_1 "/enable", "{\"backlog\":\"skip\"}"), 200, "%s",
		     call_answer);
	rig_commit_pause(rig, START_MS + 1);
	rig_wait_rows(rig, 1, DELIVERED);
	cr_expect_eq(rig_ask(rig, "SELECT count(*) FROM deliveries WHERE state = 'dropped'"), 1);
	cr_expect_eq(receiver_count(rig->receiver), 2);
}

Test(breaker_engine, goes_on_without_the_backlog_that_was_skipped)
{
	with_channel(410, enable_and_skip);
}

static void disable_after_days(struct rig *rig)
{
	rig_commit_pause(rig, START_MS);
	wait_attempts(rig, 1);
	/* Only the time without a success changes. */
	rig_ask(rig, "UPDATE channel_state SET failures = 40, failing_since = "
		     "'2027-01-10T07:00:00.000000Z' WHERE channel_id = '" CHANNEL_1 "'");
	rig_now_us += 15 * SECOND_US;
	rig_wait_rows(rig, 1, DISABLED);
	cr_expect_eq(rig_ask(rig, "SELECT count(*) FROM " PENDING), 1);
}

Test(breaker_engine, disables_a_channel_after_five_days_of_nothing_but_failure)
{
	with_channel(503, disable_after_days);
}

static void answer_well(struct rig *rig)
{
	rig_commit_pause(rig, START_MS);
	rig_wait_rows(rig, 1, DELIVERED);
	cr_expect_eq(rig_ask(rig, "SELECT count(*) FROM channel_state WHERE failures = 0 AND "
				  "last_success_at IS NOT NULL AND last_error_at IS NULL AND "
				  "channel_id = '" CHANNEL_1 "'"),
		     1);
}

Test(breaker_engine, writes_down_a_success_for_the_owner)
{
	with_channel(200, answer_well);
}

/* ---- breakers ------------------------------------------------------------------------------ */

/* Five rejections in a row: each is final, and the next delivery goes out after it. */
static void open_breaker(struct rig *rig)
{
	for (int i = 0; i < 8; i++)
		rig_commit_pause(rig, START_MS + i);
	for (unsigned i = 1; i <= 5; i++) {
		wait_attempts(rig, i);
		rig_now_us += 2 * SECOND_US; /* the pace */
	}
	rig_wait_rows(rig, 1, "channel_state WHERE breaker_until IS NOT NULL AND failures = 5");
	rig_idle(rig);
	cr_assert_eq(receiver_count(rig->receiver), 5, "the breaker is open");
}

static void probe_and_close(struct rig *rig)
{
	open_breaker(rig);
	rig_now_us += 40 * SECOND_US;
	wait_attempts(rig, 6);
	rig_idle(rig);
	cr_expect_eq(receiver_count(rig->receiver), 6, "one probe");
	cr_expect_eq(rig_ask(rig, "SELECT breaker_opened FROM channel_state "
				  "WHERE channel_id = '" CHANNEL_1 "'"),
		     2);
	destination.status = 200;
	rig_now_us += 20 * SECOND_US;
	rig_idle(rig);
	cr_expect_eq(receiver_count(rig->receiver), 6, "the second time it is open for longer");
	rig_now_us += 60 * SECOND_US;
	rig_wait_rows(rig, 1, DELIVERED);
	rig_now_us += 2 * SECOND_US;
	rig_wait_rows(rig, 2, DELIVERED);
	cr_expect_eq(rig_ask(rig, "SELECT count(*) FROM channel_state WHERE failures = 0 AND "
				  "breaker_until IS NULL AND channel_id = '" CHANNEL_1 "'"),
		     1);
	cr_expect_eq(receiver_count(rig->receiver), 8);
}

Test(breaker_engine, opens_a_breaker_probes_with_one_event_and_closes_it)
{
	with_slack(400, probe_and_close);
}

static void give_lease_back(struct rig *rig)
{
	open_breaker(rig);
	rig_wait_rows(rig, 1,
		      "channel_state WHERE channel_id = '" CHANNEL_1 "' AND lease_owner IS NULL");
	rig_commit_pause(rig, START_MS + 20);
	rig_idle(rig);
	cr_expect_eq(rig_ask(rig, "SELECT count(*) FROM channel_state WHERE lease_owner IS NULL "
				  "AND channel_id = '" CHANNEL_1 "'"),
		     1, "new rows do not wake it");
	rig_add_channel(rig, CHANNEL_2, TEAM_A, "other", "capsule.pause");
	rig_commit_pause(rig, START_MS + 21);
	rig_wait_rows(rig, 1,
		      "attempts a JOIN deliveries d ON d.id = a.delivery_id "
		      "WHERE d.channel_id = '" CHANNEL_2 "'");
}

Test(breaker_engine, leaves_a_channel_alone_while_its_breaker_is_open)
{
	with_slack(400, give_lease_back);
}

static void survive_restart(struct rig *rig)
{
	rig_ask(rig, "INSERT INTO channel_state (channel_id, updated_at, failures, breaker_opened, "
		     "breaker_until, failing_since) VALUES ('" CHANNEL_1
		     "', '2027-01-15T08:00:00.000000Z', 5, 1, '2027-01-15T08:00:30.000000Z', "
		     "'2027-01-15T07:59:00.000000Z')");
	rig_commit_pause(rig, START_MS);
	rig_idle(rig);
	cr_expect_eq(receiver_count(rig->receiver), 0);
	rig_now_us += 31 * SECOND_US;
	rig_wait_rows(rig, 1, DELIVERED);
}

Test(breaker_engine, minds_a_breaker_that_was_open_before_it_started)
{
	with_channel(200, survive_restart);
}

/* ---- changes while a request is under way -------------------------------------------------- */

static void replace_settings(const struct rig *rig)
{
	database_ask(&rig->database,
		     "UPDATE channels SET updated_at = '2027-01-15T08:00:01.000000Z'");
}

static void edit_meanwhile(struct rig *rig)
{
	destination.meanwhile = replace_settings;
	rig_commit_pause(rig, START_MS);
	wait_attempts(rig, 1);
	cr_expect_eq(rig_ask(rig, "SELECT count(*) FROM " DISABLED), 0,
		     "the answer was to settings that are gone");
	destination.status = 200;
	rig_now_us += 12 * SECOND_US;
	rig_wait_rows(rig, 1, DELIVERED);
}

Test(breaker_engine, does_not_blame_new_settings_for_an_answer_to_the_old_ones)
{
	with_channel(410, edit_meanwhile);
}

static void disable_row(const struct rig *rig)
{
	database_ask(&rig->database,
		     "UPDATE channel_state SET disabled_at = '2027-01-15T08:00:00.000000Z', "
		     "disabled_reason = 'by hand' WHERE channel_id = '" CHANNEL_1 "'");
}

static void disable_meanwhile(struct rig *rig)
{
	destination.meanwhile = disable_row;
	rig_commit_pause(rig, START_MS);
	rig_commit_pause(rig, START_MS + 1);
	wait_attempts(rig, 1);
	rig_idle(rig);
	cr_expect_eq(receiver_count(rig->receiver), 1);
	cr_expect_eq(
		rig_ask(rig, "SELECT count(*) FROM " DISABLED " AND disabled_reason = 'by hand'"),
		1);
	cr_expect_eq(rig_ask(rig, "SELECT count(*) FROM " DELIVERED), 1,
		     "what had gone out is written down");
}

Test(breaker_engine, stops_when_the_channel_is_disabled_while_a_request_is_under_way)
{
	with_channel(200, disable_meanwhile);
}

/* ---- a turn after one that disabled the channel ---------------------------------------------- */

/* The second event can never be built. Its result disables nothing, so it does not wait for
 * audit_logs, which somebody else holds. */
Test(breaker_engine, does_not_judge_an_unsent_delivery_by_the_answer_before_it)
{
	const struct rig_options options = { .answer = answer, .arg = &destination };
	struct uuid channel;
	struct rig rig;
	PGconn *other;

	rig_now_us = START_US;
	destination = (struct destination){ .status = 410 };
	rig_open(&rig, DATABASE_POSTGRES, &options);
	rig_add_channel(&rig, CHANNEL_1, TEAM_A, "hook", "capsule.pause");
	rig_commit_pause(&rig, START_MS);
	rig_wait_rows(&rig, 1, DISABLED);
	rig_idle(&rig);
	rig_ask(&rig, "UPDATE deliveries SET payload = '{}', next_attempt_at = updated_at");
	other = PQconnectdb(rig.database.url);
	PQclear(PQexec(other, "BEGIN; LOCK TABLE public.audit_logs"));
	rig_ask(&rig, "UPDATE channel_state SET disabled_at = NULL, failures = 0, disabling = 0");
	cr_assert_eq(uuid_parse(STR(CHANNEL_1), &channel), 0);
	deliveries_changed(rig.deliveries, &channel);
	rig_wait_rows(&rig, 1, "deliveries WHERE state = 'failed'");
	PQfinish(other);
	rig_close(&rig);
}
