/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Quiet hours and snoozes, on both stores: what is held and let through, what goes out at their
 * end, and that options, restarts, changed options and set clocks decide it, not memory. The clock
 * of the rig begins on Friday 2027-01-15 at 08:00 UTC.
 */
#include <stdio.h>
#include <string.h>

#include "core/id.h"
#include "core/rfc3339.h"
#include "tests/support/chat_channel.h"

#define QUIET "{\"quiet\":{\"zone\":\"UTC\",\"from\":\"07:00\",\"to\":\"09:00\"}}"
#define QUIET_UNLESS                                                        \
	"{\"quiet\":{\"zone\":\"UTC\",\"from\":\"07:00\",\"to\":\"09:00\"," \
	"\"let_through\":[\"failures\"]}}"
#define LATER         "{\"quiet\":{\"zone\":\"UTC\",\"from\":\"10:00\",\"to\":\"11:00\"}}"
#define SNOOZED_WEB   "{\"snooze\":{\"resources\":{\"web-7\":\"2027-01-15T08:30:00Z\"}}}"
#define HELD_TO(time) PENDING " AND held_until = '" time "' AND next_attempt_at = held_until"
#define NINE          HELD_TO("2027-01-15T09:00:00.000000Z")

static const struct rig_options options = { .tick_ms = 20 };

static void on_both_stores(const struct rig_options *wanted, void (*steps)(struct rig *rig))
{
	for (int engine = 0; engine < DATABASE_ENGINES; engine++) {
		struct rig rig;

		rig_now_us = START_US;
		rig_open(&rig, (enum database_engine)engine, wanted);
		steps(&rig);
		rig_close(&rig);
	}
}

static void set_options(struct rig *rig, const char *json)
{
	rig_ask(rig, "DELETE FROM channel_options");
	rig_ask(rig,
		"INSERT INTO channel_options (channel_id, options, updated_at) VALUES "
		"('" CHANNEL_1 "', '%s', '2027-01-15T07:00:00.000000Z')",
		json);
}

static void add_hook(struct rig *rig, const char *json)
{
	rig_add_channel(rig, CHANNEL_1, TEAM_A, "hook", "capsule.pause");
	set_options(rig, json);
}

static struct event *named(const char *name, const char *outcome, int64_t ms)
{
	const struct stream_id id = { .ms = (uint64_t)ms };
	struct event *event = NULL;
	char time[RFC3339_TEXT_SIZE];
	char json[512];

	rfc3339_format(ms * 1000, 0, time);
	snprintf(json, sizeof(json),
		 "{\"event\":\"capsule.pause\",\"timestamp\":\"%s\",\"team_id\":\"" TEAM_A_ID
		 "\",\"actor\":" USER ",\"resource\":{\"id\":\"%s\",\"type\":\"sandbox\"},"
		 "\"outcome\":\"%s\"}",
		 time, name, outcome);
	cr_assert_eq(event_parse(str_of(json), id, &event, NULL), 0, "%s", json);
	return event;
}

static void commit_named(struct rig *rig, const char *name, const char *outcome, int64_t ms)
{
	struct event *event = named(name, outcome, ms);

	cr_assert_eq(rig_commit(rig, &event, 1), 0);
}

static bool is_sent(struct rig *rig, unsigned index, const char *text)
{
	cr_assert_gt(receiver_count(rig->receiver), index);
	return strstr(receiver_get(rig->receiver, index)->body, text);
}

/* ---- webhooks: one by one ------------------------------------------------------------------- */

static void hold_and_release(struct rig *rig)
{
	add_hook(rig, QUIET_UNLESS);
	commit_named(rig, "web-1", "success", START_MS);
	commit_named(rig, "web-2", "success", START_MS + 1);
	rig_wait_rows(rig, 2, NINE);
	commit_named(rig, "web-3", "error", START_MS + 2);
	rig_wait_received(rig, 1);
	cr_expect(is_sent(rig, 0, "web-3"), "a failure is let through");
	rig_wait_rows(rig, 1, DELIVERED);
	rig_now_us += 59 * MINUTE_US;
	rig_idle(rig);
	cr_expect_eq(receiver_count(rig->receiver), 1);
	rig_now_us += MINUTE_US;
	commit_named(rig, "web-4", "success", START_MS + 3);
	rig_wait_rows(rig, 4, DELIVERED);
	cr_expect(is_sent(rig, 1, "web-1") && is_sent(rig, 2, "web-2") && is_sent(rig, 3, "web-4"),
		  "in their order");
	cr_expect_eq(receiver_count(rig->receiver), 4);
}

Test(quiet, holds_what_is_not_let_through_and_releases_it_in_order)
{
	on_both_stores(&options, hold_and_release);
}

/* A row of before waits for its retry. Its day begins again at the end, but once only. */
static void hold_retries(struct rig *rig)
{
	add_hook(rig, LATER);
	rig_now_us += 119 * MINUTE_US;
	commit_named(rig, "web-1", "success", rig_now_us / 1000);
	rig_wait_rows(rig, 1, PENDING " AND attempts = 1");
	rig_now_us += 2 * MINUTE_US;
	rig_wait_rows(rig, 1,
		      HELD_TO("2027-01-15T11:00:00.000000Z") " AND requeued_at = held_until");
	cr_expect_eq(receiver_count(rig->receiver), 1);
	rig_now_us += HOUR_US;
	rig_wait_rows(rig, 1, PENDING " AND attempts = 2");
	rig_idle(rig); /* it waits for its retry, and reads the options then */
	set_options(rig, "{\"quiet\":{\"zone\":\"UTC\",\"from\":\"11:01\",\"to\":\"12:00\"}}");
	rig_now_us += 2 * MINUTE_US;
	rig_wait_rows(rig, 1,
		      HELD_TO("2027-01-15T12:00:00.000000Z") " AND requeued_at = "
							     "'2027-01-15T11:00:00.000000Z'");
}

Test(quiet, holds_a_retry_and_gives_it_one_new_day)
{
	struct destination refusing = { .status = 503 };
	const struct rig_options failing = { .answer = destination_answer, .arg = &refusing };

	on_both_stores(&failing, hold_retries);
}

/* The hold is longer now, but it is the same hold. */
static void lengthen_a_hold(struct rig *rig)
{
	char path[128], id[ID_TEXT_SIZE], body[4096];
	struct uuid channel;

	add_hook(rig, LATER);
	rig_now_us += 119 * MINUTE_US;
	commit_named(rig, "web-1", "success", rig_now_us / 1000);
	rig_wait_rows(rig, 1, PENDING " AND attempts = 1");
	rig_now_us += 2 * MINUTE_US;
	rig_wait_rows(rig, 1, HELD_TO("2027-01-15T11:00:00.000000Z"));
	cr_assert_eq(uuid_parse(STR(CHANNEL_1), &channel), 0);
	id_format(ID_CHANNEL, &channel, id);
	snprintf(path, sizeof(path), "/v1/channels/%s/snooze", id);
	cr_assert_eq(rig_request(rig, "POST", path, TEAM_A, "{\"until\":\"2027-01-15T12:00:00Z\"}",
				 body, sizeof(body)),
		     200, "%s", body);
	rig_wait_rows(rig, 1, HELD_TO("2027-01-15T12:00:00.000000Z"));
	cr_expect_eq(rig_ask(rig, "SELECT count(*) FROM " PENDING " AND requeued_at = held_until"),
		     1);
}

Test(quiet, gives_a_retry_its_day_after_a_hold_that_was_changed)
{
	struct destination refusing = { .status = 503 };
	const struct rig_options failing = { .answer = destination_answer, .arg = &refusing };

	on_both_stores(&failing, lengthen_a_hold);
}

/* ---- chats: one digest ---------------------------------------------------------------------- */

static void tell_in_a_digest(struct rig *rig)
{
	add_slack(rig);
	set_options(rig, QUIET);
	for (int i = 0; i < 6; i++) {
		char name[16];

		snprintf(name, sizeof(name), "web-%d", i);
		commit_named(rig, name, i == 4 ? "error" : "success", START_MS + i);
	}
	rig_wait_rows(rig, 6, NINE);
	rig_now_us += HOUR_US;
	rig_wait_rows(rig, 1, DELIVERED);
	cr_expect_eq(receiver_count(rig->receiver), 1);
	cr_expect(is_sent(rig, 0, "web-0, web-1, web-2, web-3, web-5"), "%s",
		  receiver_get(rig->receiver, 0)->body);
	cr_expect(is_sent(rig, 0, "web-4"));
	cr_expect_eq(rig_ask(rig, "SELECT count(*) FROM deliveries WHERE state = 'folded'"), 6);
	/* A single one says more by itself. */
	rig_now_us += 22 * HOUR_US;
	commit_named(rig, "web-9", "success", rig_now_us / 1000);
	rig_wait_rows(rig, 1, HELD_TO("2027-01-16T09:00:00.000000Z"));
	rig_now_us += 2 * HOUR_US;
	rig_wait_rows(rig, 2, DELIVERED);
	cr_expect(is_sent(rig, 1, "web-9"));
}

Test(quiet, ends_in_one_digest_that_names_every_event)
{
	with_replies(ok, tell_in_a_digest);
}

/* Every name is in some message, and in one only. */
static void expect_all_named(struct rig *rig, int count)
{
	for (int i = 0; i < count; i++) {
		char name[48];
		unsigned found = 0;

		snprintf(name, sizeof(name), "capsule-with-a-long-name-%04d", i);
		for (unsigned n = 0; n < receiver_count(rig->receiver); n++)
			found += is_sent(rig, n, name);
		cr_expect_eq(found, 1u, "%s is in %u messages", name, found);
	}
}

static void split_digests(struct rig *rig)
{
	enum { COUNT = 150 };
	struct event *events[COUNT];

	add_slack(rig);
	set_options(rig, QUIET);
	for (int i = 0; i < COUNT; i++) {
		char name[48];

		snprintf(name, sizeof(name), "capsule-with-a-long-name-%04d", i);
		events[i] = named(name, i % 15 == 0 ? "error" : "success", START_MS + i);
	}
	cr_assert_eq(rig_commit(rig, events, COUNT), 0);
	rig_wait_rows(rig, COUNT, NINE);
	rig_now_us += HOUR_US;
	rig_wait_rows(rig, COUNT, "deliveries WHERE state = 'folded'");
	while (rig_ask(rig, "SELECT count(*) FROM " PENDING) > 0) {
		rig_idle(rig);
		rig_now_us += 2 * SECOND_US;
	}
	cr_expect_leq(receiver_count(rig->receiver), 8u);
	expect_all_named(rig, COUNT);
}

Test(quiet, ends_in_more_digests_when_one_cannot_name_all)
{
	with_replies(ok, split_digests);
}

#define DIGEST " AND event = 'notification.digest'"

static void let_a_digest_through(struct rig *rig)
{
	struct event *events[60];

	add_slack(rig);
	set_options(rig, QUIET_UNLESS);
	for (size_t i = 0; i < ARRAY_LEN(events); i++)
		events[i] = named("web-1", "error", START_MS + (int64_t)i);
	cr_assert_eq(rig_commit(rig, events, ARRAY_LEN(events)), 0);
	rig_wait_rows(rig, 1,
		      "deliveries WHERE event = 'notification.digest' AND (state = 'delivered' "
		      "OR held_until IS NOT NULL)");
	cr_expect_eq(rig_ask(rig, "SELECT count(*) FROM " DELIVERED DIGEST), 1);
}

Test(quiet, lets_a_digest_of_failures_through)
{
	with_replies(ok, let_a_digest_through);
}

/* More than is loaded at once. */
static void snooze_the_rest_of_a_storm(struct rig *rig)
{
	enum { LOUD = 60, SNOOZED = 10 };
	struct event *events[LOUD + SNOOZED];

	add_slack(rig);
	set_options(rig, SNOOZED_WEB);
	for (int i = 0; i < LOUD + SNOOZED; i++)
		events[i] = named(i < LOUD ? "web-1" : "web-7", "success", START_MS + i);
	cr_assert_eq(rig_commit(rig, events, LOUD + SNOOZED), 0);
	rig_wait_rows(rig, LOUD, "deliveries WHERE state = 'folded' AND resource = 'web-1'");
	rig_wait_rows(rig, SNOOZED,
		      "deliveries WHERE resource = 'web-7' AND (state = 'folded' OR held_until IS "
		      "NOT NULL)");
	cr_expect_eq(rig_ask(rig, "SELECT count(*) FROM " HELD_TO("2027-01-15T08:30:00.000000Z")),
		     SNOOZED);
}

Test(quiet, keeps_a_snoozed_resource_out_of_a_digest)
{
	with_replies(ok, snooze_the_rest_of_a_storm);
}

/* ---- what decides --------------------------------------------------------------------------- */

static void restart_in_the_middle(struct rig *rig)
{
	struct database database = rig->database;
	const struct rig_options again = { .database = &database };
	enum database_engine engine =
		strncmp(database.url, "sqlite", 6) == 0 ? DATABASE_SQLITE : DATABASE_POSTGRES;

	add_hook(rig, QUIET);
	commit_named(rig, "web-1", "success", START_MS);
	rig_wait_rows(rig, 1, NINE);
	rig_close(rig);
	rig_open(rig, engine, &again);
	rig_idle(rig);
	rig_wait_rows(rig, 1, NINE " AND attempts = 0");
	rig_now_us += HOUR_US;
	/* The receiver of before is gone, but it was asked. */
	rig_wait_rows(rig, 1, PENDING " AND attempts = 1");
}

Test(quiet, goes_on_after_a_restart)
{
	on_both_stores(&options, restart_in_the_middle);
}

static void set_the_clock(struct rig *rig)
{
	add_hook(rig, QUIET);
	commit_named(rig, "web-1", "success", START_MS);
	rig_wait_rows(rig, 1, NINE);
	rig_set_clock(-2 * HOUR_US); /* it is 06:00, and was never quiet */
	rig_wait_rows(rig, 1, DELIVERED);
	rig_set_clock(90 * MINUTE_US); /* 07:30 */
	commit_named(rig, "web-2", "success", START_MS + 1);
	rig_wait_rows(rig, 1, NINE);
	rig_set_clock(HOUR_US + 30 * MINUTE_US); /* 09:00 */
	rig_wait_rows(rig, 2, DELIVERED);
}

Test(quiet, follows_a_clock_that_is_set)
{
	on_both_stores(&options, set_the_clock);
}

static void over_daylight_saving(struct rig *rig)
{
	add_hook(rig,
		 "{\"quiet\":{\"zone\":\"Europe/Berlin\",\"from\":\"22:00\",\"to\":\"08:00\"}}");
	rig_now_us += 71 * 24 * HOUR_US + 15 * HOUR_US; /* 2027-03-27T23:00Z */
	commit_named(rig, "web-1", "success", rig_now_us / 1000);
	rig_wait_rows(rig, 1, HELD_TO("2027-03-28T06:00:00.000000Z"));
	rig_now_us += 7 * HOUR_US;
	rig_wait_rows(rig, 1, DELIVERED);
	rig_now_us += 216 * 24 * HOUR_US + 17 * HOUR_US; /* 2027-10-30T23:00Z */
	commit_named(rig, "web-2", "success", rig_now_us / 1000);
	rig_wait_rows(rig, 1, HELD_TO("2027-10-31T07:00:00.000000Z"));
	rig_now_us += 8 * HOUR_US;
	rig_wait_rows(rig, 2, DELIVERED);
}

Test(quiet, ends_by_the_clocks_of_its_zone)
{
	on_both_stores(&options, over_daylight_saving);
}

static void snooze_a_resource(struct rig *rig)
{
	add_hook(rig, SNOOZED_WEB);
	commit_named(rig, "web-7", "error", START_MS);
	commit_named(rig, "web-8", "success", START_MS + 1);
	rig_wait_rows(rig, 1, DELIVERED);
	cr_expect(is_sent(rig, 0, "web-8"));
	rig_wait_rows(rig, 1, HELD_TO("2027-01-15T08:30:00.000000Z"));
	rig_now_us += 30 * MINUTE_US;
	rig_wait_rows(rig, 2, DELIVERED);
}

Test(quiet, of_one_resource_holds_its_failures_and_nothing_else)
{
	on_both_stores(&options, snooze_a_resource);
}
