/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Chat providers: their pace, the plain form, another setting, digests, two refusals before a
 * channel is disabled. On both stores, with the real Slack and Telegram providers and a local
 * receiver.
 */
#include <stdio.h>
#include <string.h>

#include "delivery/delivery.h"
#include "delivery/states.h"
#include "targets/targets.h"
#include "tests/support/chat_channel.h"

#define CHANNEL_2 "22222222-2222-4222-8222-222222222222"
#define BOT_TOKEN "123456789:AAExampleExampleExampleExampleExampl"

static const char *const telegram_fields[] = {
	"bot_token", BOT_TOKEN, "chat_id", "-1234", NULL,
};

/* ---- the operator's origin ------------------------------------------------------------------ */

static void go_to_origin(struct rig *rig)
{
	const struct received *got;

	add_slack(rig);
	/* The guard is strict here, and lets no other request through to this address. */
	rig_add_channel(rig, CHANNEL_2, TEAM_A, "hook", "capsule.pause");
	commit_pauses(rig, 1, START_MS);
	rig_wait_rows(rig, 1, DELIVERED " AND channel_id = '" CHANNEL_1 "'");
	rig_wait_rows(rig, 1, "deliveries WHERE state = 'failed' AND channel_id = '" CHANNEL_2 "'");
	cr_assert_eq(receiver_count(rig->receiver), 1);
	got = receiver_get(rig->receiver, 0);
	cr_expect_str_eq(got->target, "/services/T0123/B0123/s3cr3ts3cr3t");
	cr_expect(strstr(got->body, "blocks"), "the rich form: %s", got->body);
}

Test(chat, goes_to_the_origin_of_the_operator_and_nothing_else_does)
{
	with_replies(ok, go_to_origin);
}

/* ---- form and settings ---------------------------------------------------------------------- */

static void send_plain(struct rig *rig)
{
	add_slack(rig);
	commit_pauses(rig, 1, START_MS);
	rig_wait_received(rig, 1);
	rig_wait_rows(rig, 1, "attempts");
	rig_now_us += 2 * SECOND_US; /* the plain form takes a token, too */
	rig_wait_rows(rig, 1, DELIVERED " AND attempts = 2");
	cr_assert_eq(receiver_count(rig->receiver), 2);
	cr_expect(strstr(receiver_get(rig->receiver, 0)->body, "blocks"));
	cr_expect_null(strstr(receiver_get(rig->receiver, 1)->body, "blocks"));
	cr_expect_eq(count_attempts(rig, "reformed"), 1);
	cr_expect_eq(rig_ask(rig, "SELECT count(*) FROM deliveries WHERE first_failed_at IS NULL"),
		     1);
}

Test(chat, sends_plain_text_at_once_when_the_rich_form_is_refused)
{
	static const struct reply replies[] = { { 400, "", "invalid_blocks" },
						{ 200, "", "ok" },
						{ .status = 0 } };

	with_replies(replies, send_plain);
}

static void give_up_plain(struct rig *rig)
{
	char text[256];

	add_slack(rig);
	commit_pauses(rig, 1, START_MS);
	rig_wait_rows(rig, 1, "attempts");
	rig_now_us += 2 * SECOND_US;
	rig_wait_rows(rig, 1, "deliveries WHERE state = 'failed' AND attempts = 2");
	rig_ask_text(rig, text, sizeof(text), "SELECT last_error FROM deliveries");
	cr_expect_str_eq(text, "destination answered 400 (Slack refused the message's form)");
}

Test(chat, gives_a_message_up_whose_plain_form_is_refused_too)
{
	static const struct reply replies[] = { { 400, "", "invalid_blocks" }, { .status = 0 } };

	with_replies(replies, give_up_plain);
}

static void remember_plain(struct rig *rig)
{
	add_slack(rig);
	commit_pauses(rig, 1, START_MS);
	rig_wait_rows(rig, 1, "attempts");
	rig_now_us += 2 * SECOND_US;
	rig_wait_rows(rig, 2, "attempts");
	rig_idle(rig); /* it has left memory */
	rig_now_us += 12 * SECOND_US;
	rig_wait_rows(rig, 1, DELIVERED " AND attempts = 3");
	cr_expect_null(strstr(receiver_get(rig->receiver, 2)->body, "blocks"));
}

Test(chat, remembers_over_a_retry_that_the_rich_form_was_refused)
{
	static const struct reply replies[] = {
		{ 400, "", "invalid_blocks" }, { 500, "", "oh" }, { 200, "", "ok" }, { .status = 0 }
	};

	with_replies(replies, remember_plain);
}

#define MIGRATED                                                                      \
	"{\"ok\":false,\"error_code\":400,\"description\":\"Bad Request: group chat " \
	"was upgraded to a supergroup chat\",\"parameters\":{\"migrate_to_chat_id\":" \
	"-1009876543210}}"
#define SENT "{\"ok\":true,\"result\":{}}"

static void read_chat(struct rig *rig, char *out, size_t size)
{
	static char sealed[8192];
	struct opened_config opened;

	rig_ask_text(rig, sealed, sizeof(sealed), "SELECT CAST(config AS text) FROM channels");
	cr_assert_eq(config_open(&opened, provider_find(STR("telegram")), str_of(sealed), rig->key),
		     0);
	snprintf(out, size, "%.*s", STR_ARGS(config_value(&opened.config, "chat_id")));
	cr_expect(str_is(config_value(&opened.config, "bot_token"), BOT_TOKEN));
	opened_config_done(&opened);
}

static void follow_chat(struct rig *rig)
{
	char chat[64];

	rig_add_chat(rig, CHANNEL_1, "telegram", telegram_fields, "capsule.pause");
	rig_ask(rig, "UPDATE channels SET updated_at = '2027-01-15T07:00:00.000000Z'");
	commit_pauses(rig, 1, START_MS);
	rig_wait_rows(rig, 1, "attempts WHERE verdict = 'rebound'");
	rig_now_us += 4 * SECOND_US;
	rig_wait_rows(rig, 1, DELIVERED " AND attempts = 2");
	cr_assert_eq(receiver_count(rig->receiver), 2);
	cr_expect(strstr(receiver_get(rig->receiver, 0)->body, "-1234"));
	cr_expect(strstr(receiver_get(rig->receiver, 1)->body, "-1009876543210"), "%s",
		  receiver_get(rig->receiver, 1)->body);
	read_chat(rig, chat, sizeof(chat));
	cr_expect_str_eq(chat, "-1009876543210");
	cr_expect_eq(rig_ask(rig, "SELECT count(*) FROM channels WHERE "
				  "updated_at > '2027-01-15T07:00:00.000000Z'"),
		     1);
	commit_pauses(rig, 1, START_MS + 1);
	rig_now_us += 4 * SECOND_US;
	rig_wait_rows(rig, 2, DELIVERED);
	cr_expect_eq(receiver_count(rig->receiver), 3, "the new chat is used from then on");
}

Test(chat, follows_a_chat_that_moved_and_stores_where_to)
{
	static const struct reply replies[] = { { 400, "", MIGRATED },
						{ 200, "", SENT },
						{ .status = 0 } };

	with_replies(replies, follow_chat);
}

/* Every turn is long enough for the pace, so nothing leaves memory. */
static bool is_done(struct rig *rig, void *arg)
{
	(void)arg;
	rig_now_us += 4 * SECOND_US;
	return rig_ask(rig, "SELECT count(*) FROM " PENDING) == 0;
}

/* The message to edit is in the chat of before. */
static void leave_the_message(struct rig *rig)
{
	struct event *events[2];

	rig_add_chat(rig, CHANNEL_1, "telegram", telegram_fields, "capsule.pause");
	rig_ask(rig, "INSERT INTO channel_options (channel_id, options, updated_at) VALUES "
		     "('" CHANNEL_1 "', '{\"living\":true}', '2027-01-15T07:00:00.000000Z')");
	commit_pauses(rig, 1, START_MS);
	rig_turn_until(rig, is_done, NULL);
	events[0] = rig_event("capsule.pause", USER, ",\"outcome\":\"error\"", START_MS + 1);
	events[1] = rig_event("capsule.pause", USER, ",\"outcome\":\"success\"", START_MS + 2);
	cr_assert_eq(rig_commit(rig, events, 2), 0);
	rig_turn_until(rig, is_done, NULL);
	cr_assert_eq(receiver_count(rig->receiver), 4);
	cr_expect(strstr(receiver_get(rig->receiver, 3)->body, "-1009876543210"));
	cr_expect(strstr(receiver_get(rig->receiver, 3)->target, "/sendMessage"), "%s",
		  receiver_get(rig->receiver, 3)->target);
}

Test(chat, edits_no_message_of_the_chat_that_moved)
{
	static const struct reply replies[] = { { 200, "",
						  "{\"ok\":true,\"result\":{\"message_id\":7}}" },
						{ 400, "", MIGRATED },
						{ 200, "", SENT },
						{ .status = 0 } };

	with_replies(replies, leave_the_message);
}

/* The pace of a group is so slow that the delivery leaves memory between two requests. */
static void follow_a_few(struct rig *rig)
{
	rig_add_chat(rig, CHANNEL_1, "telegram", telegram_fields, "capsule.pause");
	commit_pauses(rig, 1, START_MS);
	for (int i = 1; i <= DELIVERY_REBOUNDS + 1; i++) {
		rig_wait_rows(rig, i, "attempts");
		rig_now_us += 4 * SECOND_US;
	}
	rig_idle(rig);
	cr_expect_eq(receiver_count(rig->receiver), DELIVERY_REBOUNDS + 1);
	cr_expect_eq(count_attempts(rig, "rebound"), DELIVERY_REBOUNDS);
	cr_expect_eq(rig_ask(rig, "SELECT count(*) FROM " PENDING " AND first_failed_at "
				  "IS NOT NULL"),
		     1);
	cr_expect_eq(count_attempts(rig, "retry"), 1);
}

Test(chat, is_not_sent_from_chat_to_chat_for_ever)
{
	static const struct reply replies[] = { { 400, "", MIGRATED }, { .status = 0 } };

	with_replies(replies, follow_a_few);
}

/* As if Slack had just answered that we are too fast. */
static void hold_slack(struct rig *rig, int64_t ms)
{
	const struct provider_config config = { .count = 1,
						.fields = { { "webhook_url", STR(SLACK_URL) } } };
	const struct provider *slack = provider_find(STR("slack"));
	struct verdict too_fast = verdict_of(VERDICT_RETRY);
	struct paced paced = { .provider = slack, .count = 1 };

	too_fast.is_throttled = true;
	too_fast.retry_after_ms = ms;
	slack->paces(&config, paced.list);
	paces_learn(rig->route->paces, &paced, &too_fast, 429, rig->channels->mono_us());
}

/* The first settings wait for long, the others do not wait. */
static void use_settings_changed_elsewhere(struct rig *rig)
{
	static const char *const others[] = { "webhook_url",
					      "https://hooks.slack.com/services/T0123/B0123/other",
					      NULL };

	hold_slack(rig, 3600000);
	add_slack(rig);
	rig_add_chat(rig, CHANNEL_2, "slack", others, "capsule.resume");
	commit_pauses(rig, 1, START_MS);
	rig_wait_rows(rig, 1, "channel_state WHERE channel_id = '" CHANNEL_1 "'");
	rig_idle(rig);
	rig_ask(rig, "UPDATE channels SET config = (SELECT config FROM channels "
		     "WHERE id = '" CHANNEL_2 "'), updated_at = '2027-01-15T08:00:01.000000Z'");
	rig_now_us += MINUTE_US + SECOND_US;
	rig_wait_rows(rig, 1, DELIVERED);
	cr_expect_str_eq(receiver_get(rig->receiver, 0)->target, "/services/T0123/B0123/other");
}

Test(chat, that_waits_long_sees_other_settings_within_a_minute)
{
	static const struct reply replies[] = { { 200, "", "ok" }, { .status = 0 } };

	with_replies(replies, use_settings_changed_elsewhere);
}

/* ---- pace ----------------------------------------------------------------------------------- */

/* Too few for a storm. Slack takes one a second; we are a little slower. */
static void keep_pace(struct rig *rig)
{
	enum { COUNT = 12 };

	add_slack(rig);
	commit_pauses(rig, COUNT, START_MS);
	rig_wait_rows(rig, 1, "attempts");
	for (unsigned i = 2; i <= COUNT; i++) {
		rig_now_us += 900000;
		rig_idle(rig);
		cr_assert_eq(receiver_count(rig->receiver), i - 1, "too early");
		rig_now_us += 200000;
		rig_wait_rows(rig, i, "attempts");
	}
	cr_expect_eq(rig_ask(rig, "SELECT count(*) FROM " DELIVERED " AND attempts = 1"), COUNT);
}

Test(chat, keeps_to_the_pace_of_its_destination)
{
	with_replies(ok, keep_pace);
}

static void share_pace(struct rig *rig)
{
	add_slack(rig);
	rig_add_chat(rig, CHANNEL_2, "slack", slack_fields, "capsule.pause");
	commit_pauses(rig, 1, START_MS);
	rig_wait_rows(rig, 1, "attempts");
	rig_idle(rig);
	cr_expect_eq(receiver_count(rig->receiver), 1, "two channels, one webhook");
	rig_now_us += 1100000;
	rig_wait_rows(rig, 2, DELIVERED);
}

Test(chat, shares_a_pace_between_channels_of_the_same_webhook)
{
	with_replies(ok, share_pace);
}

static void obey_wish(struct rig *rig)
{
	add_slack(rig);
	rig_add_chat(rig, CHANNEL_2, "slack", slack_fields, "capsule.resume");
	commit_pauses(rig, 2, START_MS);
	rig_wait_rows(rig, 1, "attempts WHERE verdict = 'wait'");

	struct event *event =
		rig_event("capsule.resume", USER, ",\"outcome\":\"success\"", START_MS + 5);

	cr_assert_eq(rig_commit(rig, &event, 1), 0);
	rig_now_us += 29 * SECOND_US;
	rig_idle(rig);
	cr_expect_eq(receiver_count(rig->receiver), 1, "the other channel knows of it, too");
	for (int i = 0; i < 20; i++) {
		rig_now_us += 3 * SECOND_US;
		rig_idle(rig);
	}
	rig_wait_rows(rig, 3, DELIVERED);
	cr_expect_eq(count_attempts(rig, "wait"), 1);
	cr_expect_eq(rig_ask(rig,
			     "SELECT failures FROM channel_state WHERE channel_id = '" CHANNEL_1
			     "'"),
		     0, "too fast is no failure of the destination");
}

Test(chat, obeys_a_wish_to_wait_for_all_channels_of_the_same_webhook)
{
	static const struct reply replies[] = { { 429, "Retry-After: 30\r\n", "rate_limited" },
						{ 200, "", "ok" },
						{ .status = 0 } };

	with_replies(replies, obey_wish);
}

/* Fills every place of a worker with channels of one webhook that is held for an hour. */
static void fill_all_places(struct rig *rig)
{
	add_slack(rig);
	hold_slack(rig, 3600000);
	rig_ask(rig,
		"INSERT INTO channels (id, team_id, name, provider, config, event_types) "
		"WITH RECURSIVE n (i) AS (SELECT 2 UNION ALL SELECT i + 1 FROM n WHERE i < %d) "
		"SELECT %s, team_id, 'c' || i, provider, config, event_types FROM channels, n",
		DELIVERY_MAX_QUEUES,
		strncmp(rig->database.url, "sqlite", 6) == 0
			? "printf('11111111-0000-4000-8000-%012d', i)"
			: "('11111111-0000-4000-8000-' || lpad(i::text, 12, '0'))::uuid");
	commit_pauses(rig, 1, START_MS);
	rig_wait_rows(rig, DELIVERY_MAX_QUEUES,
		      "channel_state WHERE lease_owner IS NOT NULL "
		      "AND channel_id IN (SELECT id FROM channels)");
	rig_idle(rig);
}

static void pass_by_those_held(struct rig *rig)
{
	static const char *const others[] = { "webhook_url",
					      "https://hooks.slack.com/services/T0123/B0123/other",
					      NULL };
	struct event *event =
		rig_event("capsule.resume", USER, ",\"outcome\":\"success\"", START_MS + 1);

	fill_all_places(rig);
	rig_add_chat(rig, CHANNEL_2, "slack", others, "capsule.resume");
	cr_assert_eq(rig_commit(rig, &event, 1), 0);
	rig_wait_rows(rig, 1, DELIVERED);
	cr_expect_str_eq(receiver_get(rig->receiver, 0)->target, "/services/T0123/B0123/other");
}

Test(chat, that_is_held_gives_its_place_to_one_with_work)
{
	with_replies(ok, pass_by_those_held);
}

/* ---- storms --------------------------------------------------------------------------------- */

static void fold(struct rig *rig)
{
	enum { COUNT = 50 };
	struct metric *folded = metric_counter("wrenn_events_deliveries_folded_total", NULL,
					       "Deliveries folded into a digest");
	int64_t before = metric_value(folded);

	add_slack(rig);
	commit_pauses(rig, COUNT, START_MS);
	rig_wait_rows(rig, 1, DELIVERED " AND event = 'notification.digest'");
	cr_expect_eq(receiver_count(rig->receiver), 1);
	cr_expect(strstr(receiver_get(rig->receiver, 0)->body, "50"), "%s",
		  receiver_get(rig->receiver, 0)->body);
	cr_expect_eq(rig_ask(rig, "SELECT count(*) FROM deliveries f JOIN deliveries d "
				  "ON d.id = f.digest_id WHERE f.state = 'folded' AND "
				  "d.event = 'notification.digest'"),
		     COUNT);
	cr_expect_eq(metric_value(folded) - before, COUNT);
	/* An event after the storm is one message again. */
	commit_pauses(rig, 1, START_MS + COUNT);
	rig_now_us += 2 * SECOND_US;
	rig_wait_rows(rig, 2, DELIVERED);
	cr_expect_eq(receiver_count(rig->receiver), 2);
}

Test(chat, tells_a_storm_in_one_digest)
{
	with_replies(ok, fold);
}

static void fold_once_after_a_hold(struct rig *rig)
{
	enum { COUNT = 40, MINUTES = 3 };

	add_slack(rig);
	hold_slack(rig, MINUTES * 60000 + 30000);
	for (int i = 0; i < MINUTES; i++) {
		commit_pauses(rig, COUNT, START_MS + (int64_t)i * COUNT);
		rig_wait_rows(rig, 1, "channel_state WHERE channel_id = '" CHANNEL_1 "'");
		rig_idle(rig);
		rig_now_us += MINUTE_US + SECOND_US;
	}
	rig_now_us += MINUTE_US;
	rig_wait_rows(rig, 1, DELIVERED);
	cr_expect_eq(rig_ask(rig, "SELECT count(*) FROM deliveries WHERE state = 'folded'"),
		     COUNT * MINUTES);
	cr_expect_eq(rig_ask(rig, "SELECT count(*) FROM deliveries "
				  "WHERE event = 'notification.digest'"),
		     1, "one for every time it looked");
}

Test(chat, tells_a_storm_during_a_long_hold_in_one_digest)
{
	with_replies(ok, fold_once_after_a_hold);
}

static void fold_none(struct rig *rig)
{
	rig_add_channel(rig, CHANNEL_2, TEAM_A, "hook", "capsule.pause");
	commit_pauses(rig, 150, START_MS);
	rig_wait_rows(rig, 150, DELIVERED);
	cr_expect_eq(receiver_count(rig->receiver), 150);
	cr_expect_eq(rig_ask(rig, "SELECT count(*) FROM deliveries"), 150);
}

Test(chat, never_folds_for_a_webhook)
{
	for (int engine = 0; engine < DATABASE_ENGINES; engine++) {
		const struct rig_options options = { .chat = true };
		struct rig rig;

		rig_now_us = START_US;
		rig_open(&rig, (enum database_engine)engine, &options);
		fold_none(&rig);
		rig_close(&rig);
	}
}

/* ---- refusals ------------------------------------------------------------------------------- */

static void refuse_twice(struct rig *rig)
{
	char text[256];

	add_slack(rig);
	commit_pauses(rig, 1, START_MS);
	rig_wait_rows(rig, 1, "attempts");
	rig_idle(rig);
	cr_expect_eq(rig_ask(rig, "SELECT count(*) FROM channel_state WHERE disabled_at IS NULL "
				  "AND disabling = 1"),
		     1, "once may be an accident");
	rig_now_us += 12 * SECOND_US;
	rig_wait_rows(rig, 1, "channel_state WHERE disabled_at IS NOT NULL");
	cr_expect_eq(rig_ask(rig, "SELECT count(*) FROM " PENDING), 1);
	rig_ask_text(rig, text, sizeof(text),
		     "SELECT disabled_reason FROM channel_state WHERE disabled_at IS NOT NULL");
	cr_expect(strstr(text, "removed or switched off"), "%s", text);
	cr_expect_null(strstr(text, "s3cr3t"));
}

Test(chat, disables_a_channel_that_is_refused_twice_in_a_row)
{
	static const struct reply replies[] = { { 404, "", "no_service" }, { .status = 0 } };

	with_replies(replies, refuse_twice);
}

static void refuse_once(struct rig *rig)
{
	add_slack(rig);
	commit_pauses(rig, 1, START_MS);
	rig_wait_rows(rig, 1, "attempts");
	rig_now_us += 12 * SECOND_US;
	rig_wait_rows(rig, 1, DELIVERED);
	rig_wait_rows(rig, 1, "channel_state WHERE disabling = 0 AND channel_id = '" CHANNEL_1 "'");
}

Test(chat, forgets_one_refusal_when_the_next_attempt_succeeds)
{
	static const struct reply replies[] = { { 404, "", "no_service" },
						{ 200, "", "ok" },
						{ .status = 0 } };

	with_replies(replies, refuse_once);
}

/* ---- what a message knows besides its event ------------------------------------------------- */

static void say_how_long_it_took(struct rig *rig)
{
	static const char failed[] = ",\"outcome\":\"error\",\"error\":\"boom\","
				     "\"metadata\":{\"reason\":\"pause_failed\"}";
	struct event *accept =
		rig_event("capsule.pause", USER, ",\"outcome\":\"success\"", START_MS);
	struct event *end = rig_event("capsule.pause", SYSTEM, failed, START_MS + 192000);
	const char *body;

	add_slack(rig);
	cr_assert_eq(rig_commit(rig, &accept, 1), 0);
	rig_wait_rows(rig, 1, DELIVERED);
	rig_now_us += 2 * SECOND_US;
	cr_assert_eq(rig_commit(rig, &end, 1), 0);
	rig_wait_rows(rig, 2, DELIVERED);
	body = receiver_get(rig->receiver, 1)->body;
	cr_expect(strstr(body, " failed to pause after 3 min 12 s: boom\""), "%s", body);
	cr_expect(strstr(body, "\"A (" TEAM_A_ID ")\""), "the team's name: %s", body);
}

Test(chat, says_how_long_it_took_and_the_name_of_the_team)
{
	with_replies(ok, say_how_long_it_took);
}

#define HOSTS 40

/* All have the same name here. */
static void fold_hosts(struct rig *rig)
{
	static struct event *events[HOSTS];
	const char *body;

	rig_add_chat(rig, CHANNEL_1, "slack", slack_fields, "host.down");
	for (int i = 0; i < HOSTS; i++)
		events[i] = rig_event("host.down", USER, "", START_MS + i);
	cr_assert_eq(rig_commit(rig, events, HOSTS), 0);
	rig_wait_rows(rig, 1, DELIVERED " AND event = 'notification.digest'");
	body = receiver_get(rig->receiver, receiver_count(rig->receiver) - 1)->body;
	cr_expect(strstr(body, "hosts down\""), "%s", body);
	cr_expect(strstr(body, CAPSULE_ID " ("), "%s", body);
}

Test(chat, names_hosts_that_are_down_in_the_digest_of_a_storm)
{
	with_replies(ok, fold_hosts);
}
