/* SPDX-License-Identifier: Apache-2.0 */

/* Changes by owners while the engine works, on both stores. */
#include <stdio.h>

#include "core/metrics.h"
#include "targets/targets.h"
#include "tests/support/calls.h"
#include "tests/support/destination.h"

#define CHANNEL_1 "11111111-1111-4111-8111-111111111111"
#define PATH_1    "/v1/channels/ch-10dgnsxljlxoxc3rmyv4e8snl"
#define DELIVERED "deliveries WHERE state = 'delivered'"

static struct destination destination;

static void with_channel(int status, void (*steps)(struct rig *rig))
{
	for (int engine = 0; engine < DATABASE_ENGINES; engine++) {
		const struct rig_options options = { .answer = destination_answer,
						     .arg = &destination };
		struct rig rig;

		rig_now_us = START_US;
		destination.status = status;
		destination.is_held = false;
		rig_open(&rig, (enum database_engine)engine, &options);
		rig_add_channel(&rig, CHANNEL_1, TEAM_A, "hook", "capsule.pause");
		steps(&rig);
		rig_close(&rig);
	}
}

static struct str header(struct rig *rig, unsigned n, const char *name)
{
	return received_header(receiver_get(rig->receiver, n), name);
}

/* ---- sent again on request ------------------------------------------------------------------ */

static void redeliver(struct rig *rig)
{
	char id[64];
	char path[128];

	rig_commit_pause(rig, START_MS);
	rig_wait_rows(rig, 1, "deliveries WHERE attempts = 1");
	rig_now_us += 25 * HOUR_US;
	rig_wait_rows(rig, 1, "deliveries WHERE state = 'failed' AND attempts = 2");
	rig_ask_text(rig, id, sizeof(id), "SELECT CAST(id AS text) FROM deliveries");
	rig_now_us += 3 * 24 * HOUR_US;
	snprintf(path, sizeof(path), "/v1/deliveries/%s/redeliver", id);
	cr_assert_eq(call(rig, "POST", path, ""), 202, "%s", call_answer);
	rig_wait_rows(rig, 1, "deliveries WHERE state = 'pending' AND attempts = 3");
	destination.status = 200;
	/* Its schedule begins again, too: the first pause. */
	rig_now_us += 12 * SECOND_US;
	rig_wait_rows(rig, 1, DELIVERED " AND attempts = 4");
	cr_expect(str_is(header(rig, 2, "X-Wrenn-Attempt"), "3"));
	cr_expect(str_eq(header(rig, 0, "X-Wrenn-Delivery"), header(rig, 3, "X-Wrenn-Delivery")));
}

Test(changes, redeliver_begins_day_and_schedule_anew_and_goes_on_counting)
{
	with_channel(503, redeliver);
}

/* ---- the secret before the last replacement ------------------------------------------------- */

static void set_old_secret(struct rig *rig, const char *until)
{
	struct buf sealed;

	buf_init(&sealed, SEALED_CONFIG_MAX);
	setting_seal(&sealed, STR("b2xkLXNlY3JldC1vbGQ="), rig->key);
	rig_ask(rig,
		"INSERT INTO channel_state (channel_id, updated_at, old_secret, old_secret_until) "
		"VALUES ('" CHANNEL_1 "', '2027-01-15T07:00:00.000000Z', '%s', '%s')",
		buf_text(&sealed), until);
	buf_done(&sealed);
}

static size_t count_signatures(struct rig *rig, unsigned n)
{
	struct str rest = header(rig, n, "webhook-signature");
	size_t count = 0;

	for (; rest.len; count++)
		str_cut(&rest, ' ');
	return count;
}

static void sign_twice(struct rig *rig)
{
	set_old_secret(rig, "2027-01-15T09:00:00.000000Z");
	rig_commit_pause(rig, START_MS);
	rig_wait_rows(rig, 1, DELIVERED);
	cr_expect_eq(count_signatures(rig, 0), 2);
	rig_now_us += HOUR_US;
	rig_commit_pause(rig, START_MS + 1);
	rig_wait_rows(rig, 2, DELIVERED);
	cr_expect_eq(count_signatures(rig, 1), 1, "its time is over");
}

Test(changes, a_replaced_secret_signs_too_until_its_time_is_over)
{
	with_channel(200, sign_twice);
}

static void ignore_broken_secret(struct rig *rig)
{
	rig_ask(rig, "INSERT INTO channel_state (channel_id, updated_at, old_secret, "
		     "old_secret_until) VALUES ('" CHANNEL_1 "', '2027-01-15T07:00:00.000000Z', "
		     "'bm90aGluZyBvZiBvdXJz', '2028-01-15T07:00:00.000000Z')");
	rig_commit_pause(rig, START_MS);
	rig_wait_rows(rig, 1, DELIVERED);
	cr_expect_eq(count_signatures(rig, 0), 1);
}

Test(changes, a_replaced_secret_that_does_not_open_stops_nothing)
{
	with_channel(200, ignore_broken_secret);
}

Test(changes, a_replaced_secret_is_kept_out_of_excerpts)
{
	struct destination repeats = { .status = 404, .body = "I know b2xkLXNlY3JldC1vbGQ= well" };
	const struct rig_options options = { .answer = destination_answer, .arg = &repeats };
	struct rig rig;
	char text[1200];

	rig_now_us = START_US;
	rig_open(&rig, DATABASE_SQLITE, &options);
	rig_add_channel(&rig, CHANNEL_1, TEAM_A, "hook", "capsule.pause");
	set_old_secret(&rig, "2027-01-15T09:00:00.000000Z");
	rig_commit_pause(&rig, START_MS);
	rig_wait_rows(&rig, 1, "attempts");
	rig_ask_text(&rig, text, sizeof(text), "SELECT detail FROM attempts");
	cr_expect_str_eq(text, "destination answered 404");
	rig_close(&rig);
}

/* ---- while a request is under way ----------------------------------------------------------- */

static void end_request(struct rig *rig)
{
	receiver_stop(rig->receiver);
	rig->receiver = receiver_start(destination_answer, &destination, NULL, NULL);
}

static void delete_under_way(struct rig *rig)
{
	destination.is_held = true;
	rig_commit_pause(rig, START_MS);
	rig_commit_pause(rig, START_MS + 1);
	rig_wait_received(rig, 1);
	cr_assert_eq(call(rig, "DELETE", PATH_1, ""), 204, "%s", call_answer);
	rig_idle(rig);
	end_request(rig);
	rig_now_us += HOUR_US;
	rig_idle(rig);
	cr_expect_eq(rig_ask(rig, "SELECT count(*) FROM deliveries WHERE state = 'dropped'"), 2);
	cr_expect_eq(receiver_count(rig->receiver), 0);
	cr_expect_eq(rig_ask(rig, "SELECT count(*) FROM attempts"), 0,
		     "its request was not cancelled");
}

Test(changes, a_channel_deleted_while_a_request_is_under_way_gets_nothing_more)
{
	with_channel(200, delete_under_way);
}

static bool has_no_request(struct rig *rig, void *arg)
{
	(void)rig;
	(void)arg;
	return metric_value(metric_gauge("wrenn_events_delivery_inflight", NULL, "")) == 0;
}

/* Deletes as another worker or the control plane would: we get no notice. */
static void delete_elsewhere(struct rig *rig, const char *statement)
{
	destination.is_held = true;
	rig_commit_pause(rig, START_MS);
	rig_wait_received(rig, 1);
	rig_ask(rig, "%s", statement);
	rig_now_us += 2 * SECOND_US;
	rig_turn_until(rig, has_no_request, NULL);
	rig_now_us += 2 * SECOND_US;
	rig_wait_rows(rig, 1, "deliveries WHERE state = 'dropped'");
	cr_expect_eq(rig_ask(rig, "SELECT count(*) FROM attempts"), 0,
		     "its request was not cancelled");
	end_request(rig);
}

static void delete_channel_elsewhere(struct rig *rig)
{
	delete_elsewhere(rig, "DELETE FROM channels");
}

static void delete_team_elsewhere(struct rig *rig)
{
	delete_elsewhere(rig, "UPDATE teams SET deleted_at = '2027-01-15T08:00:00.000000Z'");
}

Test(changes, a_request_of_a_channel_deleted_elsewhere_is_cancelled)
{
	with_channel(200, delete_channel_elsewhere);
	with_channel(200, delete_team_elsewhere);
}

/* The channel's rows wait for hours and it is disabled, so nothing else would look at it. */
static void delete_at_rest(struct rig *rig)
{
	rig_commit_pause(rig, START_MS);
	rig_wait_rows(rig, 1, "deliveries WHERE attempts = 1");
	rig_now_us += 70 * SECOND_US;
	rig_wait_rows(rig, 1, "deliveries WHERE attempts = 2");
	rig_idle(rig);
	rig_now_us += 6 * SECOND_US;
	rig_wait_rows(rig, 1,
		      "channel_state WHERE lease_owner IS NULL AND channel_id = '" CHANNEL_1 "'");
	rig_ask(rig, "UPDATE deliveries SET next_attempt_at = '2027-01-15T16:00:00.000000Z'");
	rig_ask(rig, "UPDATE channel_state SET disabled_at = '2027-01-15T08:00:00.000000Z'");
	rig_ask(rig, "DELETE FROM channels");
	rig_wait_rows(rig, 1, "deliveries WHERE state = 'dropped'");
}

Test(changes, what_waits_for_a_channel_deleted_elsewhere_is_dropped_at_once)
{
	with_channel(503, delete_at_rest);
}

/* A row loaded before the change must not go to the old address. */
static void edit_under_way(struct rig *rig)
{
	char body[128];

	destination.is_held = true;
	for (int i = 0; i < 3; i++)
		rig_commit_pause(rig, START_MS + i);
	rig_wait_received(rig, 1);
	end_request(rig);
	destination.is_held = false;
	snprintf(body, sizeof(body),
		 "{\"config\":{\"url\":\"http://127.0.0.1:%d/"
		 "new\",\"secret\":\"c2VjcmV0c2VjcmV0\"}}",
		 receiver_port(rig->receiver));
	cr_assert_eq(call(rig, "PUT", PATH_1 "/config", body), 200, "%s", call_answer);
	rig_now_us += 15 * SECOND_US;
	rig_wait_rows(rig, 3, DELIVERED);
	cr_expect_eq(receiver_count(rig->receiver), 3);
	for (unsigned i = 0; i < 3; i++)
		cr_expect_str_eq(receiver_get(rig->receiver, i)->target, "/new");
}

Test(changes, new_settings_hold_for_what_was_loaded_before)
{
	with_channel(200, edit_under_way);
}
