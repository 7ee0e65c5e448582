/* SPDX-License-Identifier: Apache-2.0 */

/* Deliveries from event to destination, on both stores and a hand-set clock. */
#include <stdio.h>
#include <stdlib.h>

#include "delivery/states.h"
#include "delivery/transitions.h"
#include "tests/support/destination.h"
#include "tests/support/rig.h"

#define CHANNEL_1 "11111111-1111-4111-8111-111111111111"
#define CHANNEL_2 "22222222-2222-4222-8222-222222222222"
#define WELL      ",\"outcome\":\"success\""

/* ---- the happy path ------------------------------------------------------------------------ */

static void deliver_in_order(struct rig *rig)
{
	enum { EVENTS = 150 }; /* more than one load holds */
	static struct event *events[EVENTS];
	char first[UUID_TEXT_SIZE + 8];

	rig_add_channel(rig, CHANNEL_1, TEAM_A, "hook", "capsule.pause");
	for (int i = 0; i < EVENTS; i++) {
		char more[64];

		snprintf(more, sizeof(more), WELL ",\"n\":\"%d\"", i);
		events[i] = rig_event("capsule.pause", USER, more, START_MS + i);
	}
	cr_assert_eq(rig_commit(rig, events, EVENTS), 0);
	rig_wait_rows(rig, EVENTS, "deliveries WHERE state = 'delivered'");
	cr_expect_eq(receiver_count(rig->receiver), EVENTS);
	for (unsigned i = 0; i < EVENTS; i++) {
		const struct received *got = receiver_get(rig->receiver, i);
		char mark[32];

		snprintf(mark, sizeof(mark), "\"n\":\"%u\"}", i);
		cr_expect(strstr(got->body, mark), "request %u out of order: %s", i, got->body);
		cr_expect(str_is(received_header(got, "X-Wrenn-Attempt"), "1"));
		cr_expect_eq(received_header(got, "X-Wrenn-Delivery").len, UUID_TEXT_SIZE - 1);
	}
	cr_expect_str_eq(receiver_get(rig->receiver, 0)->target, "/hook");
	cr_expect(str_starts(received_header(receiver_get(rig->receiver, 0), "User-Agent"),
			     STR("wrenn-events/")));
	rig_ask_text(rig, first, sizeof(first),
		     "SELECT CAST(id AS text) FROM deliveries ORDER BY stream_ms LIMIT 1");
	cr_expect(
		str_is(received_header(receiver_get(rig->receiver, 0), "X-Wrenn-Delivery"), first));
	cr_expect_eq(rig_ask(rig, "SELECT count(*) FROM attempts WHERE number = 1 "
				  "AND verdict = 'delivered' AND status = 200"),
		     EVENTS);
	cr_expect_eq(rig_ask(rig, "SELECT count(*) FROM deliveries WHERE attempts = 1 "
				  "AND last_status = 200 AND last_error IS NULL "
				  "AND delivered_at IS NOT NULL AND first_failed_at IS NULL"),
		     EVENTS);
}

Test(engine, delivers_in_stream_order_and_writes_down_how)
{
	const struct rig_options options = { .strict = false };

	ON_BOTH_STORES(&options, deliver_in_order);
}

struct watch {
	const struct database *database;
	unsigned requests;
	unsigned faults;
};

/* Before a request leaves, the result of the previous one is stored. */
static enum receiver_reply look_at_store(const struct received *request, struct buf *out, void *arg)
{
	struct watch *watch = arg;

	(void)request;
	if (database_ask(watch->database,
			 "SELECT count(*) FROM deliveries WHERE state = 'delivered'") !=
	    (int64_t)watch->requests++)
		watch->faults++;
	receiver_answer_status(out, 204);
	return RECEIVER_ANSWER;
}

Test(engine, stores_a_result_before_it_sends_the_next)
{
	for (int engine = 0; engine < DATABASE_ENGINES; engine++) {
		struct rig rig;
		struct watch watch = { .database = &rig.database };
		const struct rig_options options = { .answer = look_at_store, .arg = &watch };

		rig_open(&rig, (enum database_engine)engine, &options);
		rig_add_channel(&rig, CHANNEL_1, TEAM_A, "hook", "capsule.pause");
		for (int i = 0; i < 20; i++)
			rig_commit_pause(&rig, START_MS + i);
		rig_wait_rows(&rig, 20, "deliveries WHERE state = 'delivered'");
		cr_expect_eq(watch.faults, 0);
		rig_close(&rig);
	}
}

/* ---- failures ------------------------------------------------------------------------------ */

#define LATER "Retry-After: 7\r\n"

#define WITH_SCRIPT(steps, ...)                                                                 \
	do {                                                                                    \
		static const struct reply replies[] = { __VA_ARGS__, { .status = 0 } };         \
		struct script script = { .replies = replies };                                  \
		const struct rig_options options = { .answer = script_answer, .arg = &script }; \
		for (int engine = 0; engine < DATABASE_ENGINES; engine++) {                     \
			struct rig rig;                                                         \
			script.next = 0;                                                        \
			rig_now_us = START_US;                                                  \
			rig_open(&rig, (enum database_engine)engine, &options);                 \
			rig_add_channel(&rig, CHANNEL_1, TEAM_A, "hook", "capsule.pause");      \
			steps(&rig);                                                            \
			rig_close(&rig);                                                        \
		}                                                                               \
	} while (0)

static void retry_then_go_on(struct rig *rig)
{
	struct str first;

	rig_commit_pause(rig, START_MS);
	rig_wait_rows(rig, 1,
		      "deliveries WHERE attempts = 1 AND state = 'pending' "
		      "AND last_status = 503 AND first_failed_at IS NOT NULL");
	rig_commit_pause(rig, START_MS + 1);
	rig_idle(rig);
	cr_expect_eq(receiver_count(rig->receiver), 1, "the newer one must wait");
	rig_now_us += 12 * SECOND_US;
	rig_wait_rows(rig, 2, "deliveries WHERE state = 'delivered'");
	cr_assert_eq(receiver_count(rig->receiver), 3);
	first = received_header(receiver_get(rig->receiver, 0), "X-Wrenn-Delivery");
	cr_expect(
		str_eq(received_header(receiver_get(rig->receiver, 1), "X-Wrenn-Delivery"), first),
		"the retry has another id");
	cr_expect_str_eq(receiver_get(rig->receiver, 1)->body,
			 receiver_get(rig->receiver, 0)->body);
	cr_expect(str_is(received_header(receiver_get(rig->receiver, 1), "X-Wrenn-Attempt"), "2"));
	cr_expect_eq(rig_ask(rig, "SELECT count(*) FROM attempts"), 3);
	cr_expect_eq(rig_ask(rig, "SELECT count(*) FROM attempts WHERE verdict = 'retry' "
				  "AND status = 503 AND number = 1"),
		     1);
}

Test(engine, tries_again_and_holds_newer_ones_back)
{
	WITH_SCRIPT(retry_then_go_on, { .status = 503 }, { .status = 200 });
}

static void let_newer_pass(struct rig *rig)
{
	rig_commit_pause(rig, START_MS);
	rig_wait_rows(rig, 1, "deliveries WHERE attempts = 1");
	rig_commit_pause(rig, START_MS + 1);
	rig_idle(rig);
	cr_expect_eq(receiver_count(rig->receiver), 1, "the newer one must wait");
	rig_now_us += 12 * SECOND_US;
	rig_wait_rows(rig, 1, "deliveries WHERE attempts = 2 AND state = 'pending'");
	rig_wait_rows(rig, 1, "deliveries WHERE state = 'delivered'");
	rig_now_us += 35 * SECOND_US;
	rig_wait_rows(rig, 2, "deliveries WHERE state = 'delivered'");
}

Test(engine, lets_newer_ones_pass_what_failed_twice)
{
	WITH_SCRIPT(let_newer_pass, { .status = 503 }, { .status = 503 }, { .status = 200 },
		    { .status = 200 });
}

/* A 404 of an owner's endpoint may be a deploy as well as the end. */
static void retry(struct rig *rig)
{
	char text[256];

	rig_commit_pause(rig, START_MS);
	rig_wait_rows(rig, 1, "deliveries WHERE state = 'pending' AND attempts = 1");
	rig_ask_text(rig, text, sizeof(text), "SELECT verdict || '|' || detail FROM attempts");
	cr_expect_str_eq(text, "retry|destination answered 404: said by the destination");
	rig_now_us += 12 * SECOND_US;
	rig_wait_rows(rig, 1, "deliveries WHERE state = 'pending' AND attempts = 2");
	rig_ask_text(rig, text, sizeof(text), "SELECT last_error FROM deliveries");
	cr_expect_str_eq(text, "destination answered 301 (redirected, which is not followed)");
	rig_now_us += 34 * SECOND_US;
	rig_wait_rows(rig, 1, "deliveries WHERE state = 'delivered' AND attempts = 3");
}

Test(engine, retries_whatever_a_webhook_answers)
{
	WITH_SCRIPT(retry, { .status = 404 }, { .status = 301 }, { .status = 204 });
}

static void obey(struct rig *rig)
{
	rig_commit_pause(rig, START_MS);
	for (int i = 1; i <= 5; i++) {
		char rows[128];

		snprintf(rows, sizeof(rows), "deliveries WHERE attempts = %d AND state = 'pending'",
			 i);
		rig_wait_rows(rig, 1, rows);
		rig_now_us += 6 * SECOND_US;
		rig_idle(rig);
		cr_expect_eq(receiver_count(rig->receiver), (unsigned)i, "sooner than asked for");
		rig_now_us += 1 * SECOND_US;
	}
	/* The sixth wait is not free: the first step of the schedule, 10 s, is longer. */
	rig_wait_rows(rig, 1, "deliveries WHERE attempts = 6");
	rig_now_us += 8 * SECOND_US;
	rig_idle(rig);
	cr_expect_eq(receiver_count(rig->receiver), 6);
	rig_now_us += 4 * SECOND_US;
	rig_wait_rows(rig, 1, "deliveries WHERE state = 'delivered' AND attempts = 7");
	cr_expect_eq(rig_ask(rig, "SELECT count(*) FROM attempts WHERE verdict = 'wait'"), 6);
}

Test(engine, waits_as_long_as_the_destination_asks)
{
	WITH_SCRIPT(obey, { 429, LATER, NULL }, { 429, LATER, NULL }, { 429, LATER, NULL },
		    { 429, LATER, NULL }, { 429, LATER, NULL }, { 429, LATER, NULL },
		    { .status = 200 });
}

static void give_up(struct rig *rig)
{
	char text[256];

	rig_commit_pause(rig, START_MS);
	rig_wait_rows(rig, 1, "deliveries WHERE attempts = 1");
	rig_now_us += 24 * HOUR_US + MINUTE_US;
	rig_wait_rows(rig, 1, "deliveries WHERE state = 'failed' AND attempts = 2");
	rig_ask_text(rig, text, sizeof(text), "SELECT last_error FROM deliveries");
	cr_expect(strstr(text, "given up") && strstr(text, "503"), "%s", text);
}

Test(engine, gives_up_a_day_after_the_event)
{
	WITH_SCRIPT(give_up, { .status = 503 });
}

static enum receiver_reply repeat_target(const struct received *request, struct buf *out, void *arg)
{
	struct buf body;

	(void)arg;
	buf_init(&body, 65536);
	buf_addf(&body, "cannot %s \001\002 %s", request->target, "\xff\xfe");
	receiver_answer(out, 404, "", buf_str(&body));
	buf_done(&body);
	return RECEIVER_ANSWER;
}

Test(engine, keeps_no_answer_that_repeats_a_setting)
{
	const struct rig_options options = { .answer = repeat_target };
	struct rig rig;
	char text[2048];

	rig_open(&rig, DATABASE_SQLITE, &options);
	rig_add_channel(&rig, CHANNEL_1, TEAM_A, "token-in-path", "capsule.pause");
	rig_commit_pause(&rig, START_MS);
	rig_wait_rows(&rig, 1, "attempts");
	rig_ask_text(&rig, text, sizeof(text), "SELECT detail FROM attempts");
	cr_expect_str_eq(text, "destination answered 404");
	rig_close(&rig);
}

static enum receiver_reply answer_spelling(const struct received *request, struct buf *out,
					   void *arg)
{
	const struct str *body = arg;

	(void)request;
	receiver_answer(out, 404, "", *body);
	return RECEIVER_ANSWER;
}

static const char said[] = "destination answered 404";
static const struct spelling {
	struct str body;
	const char *detail;
} spellings[] = {
	{ STR("{\"url\":\"http:\\/\\/h\\/v1\\/T0Secret1\\/aB3%2DxY9kQw7\"}"), said },
	{ STR("no hook T0Secret1"), said },
	{ STR("no hook aB3%2DxY9kQw7"), said },
	{ STR("no hook aB3-xY9kQw7"), said },
	{ STR("<a href='?mode=fast&amp;key=Qu3ry%2BVal+9'>"), said },
	{ STR("not a key: Qu3ry+Val+9"), said },
	{ STR("not a key: bareParameter"), said },
	{ STR("signed with c2VjcmV0LXNlY3JldA=="), said },
	{ STR("signed with c2VjcmV0LXNlY3JldA\\u003d\\u003d"), said },
	{ STR("T\0000\0S\0e\0c\0r\0e\0t\0001\0"), said },
	{ STR("no mode fast in v1"), "destination answered 404: no mode fast in v1" },
	{ STR("no hook T0Secret"), "destination answered 404: no hook T0Secret" },
};

Test(engine, keeps_no_answer_that_spells_a_setting_its_own_way)
{
	struct str body = STR("");
	const struct rig_options options = { .answer = answer_spelling, .arg = &body };

	for (size_t i = 0; i < ARRAY_LEN(spellings); i++) {
		struct rig rig;
		char text[2048];

		body = spellings[i].body;
		rig_open(&rig, DATABASE_SQLITE, &options);
		rig_add_channel(
			&rig, CHANNEL_1, TEAM_A,
			"v1/T0Secret1/aB3%2DxY9kQw7?key=Qu3ry%2BVal+9&mode=fast&bareParameter",
			"capsule.pause");
		rig_commit_pause(&rig, START_MS);
		rig_wait_rows(&rig, 1, "attempts");
		rig_ask_text(&rig, text, sizeof(text), "SELECT detail FROM attempts");
		cr_expect_str_eq(text, spellings[i].detail, "answer %zu: %s", i, text);
		rig_close(&rig);
	}
}

static enum receiver_reply answer_much(const struct received *request, struct buf *out, void *arg)
{
	static char body[20000];

	(void)request;
	(void)arg;
	memset(body, 'y', sizeof(body));
	memcpy(body, "a\r\n\001b\xff", 6);
	receiver_answer(out, 400, "", (struct str){ body, sizeof(body) });
	return RECEIVER_ANSWER;
}

Test(engine, cleans_and_cuts_what_it_keeps_of_an_answer)
{
	const struct rig_options options = { .answer = answer_much };

	for (int engine = 0; engine < DATABASE_ENGINES; engine++) {
		struct rig rig;
		char text[4096];

		rig_open(&rig, (enum database_engine)engine, &options);
		rig_add_channel(&rig, CHANNEL_1, TEAM_A, "hook", "capsule.pause");
		rig_commit_pause(&rig, START_MS);
		rig_wait_rows(&rig, 1, "attempts");
		rig_ask_text(&rig, text, sizeof(text), "SELECT detail FROM attempts");
		cr_expect(str_starts(str_of(text),
				     STR("destination answered 400: ab\xef\xbf\xbdyyy")),
			  "%s", text);
		cr_expect_leq(strlen(text), 1024);
		rig_close(&rig);
	}
}

static void refuse_address(struct rig *rig)
{
	char text[256];

	rig_add_channel(rig, CHANNEL_1, TEAM_A, "hook", "capsule.pause");
	rig_commit_pause(rig, START_MS);
	rig_wait_rows(rig, 1, "deliveries WHERE state = 'failed' AND attempts = 1");
	rig_ask_text(rig, text, sizeof(text), "SELECT last_error FROM deliveries");
	cr_expect(strstr(text, "not allowed"), "%s", text);
	cr_expect_eq(receiver_count(rig->receiver), 0);
}

Test(engine, never_retries_an_address_the_guard_refuses)
{
	const struct rig_options options = { .strict = true };

	ON_BOTH_STORES(&options, refuse_address);
}

static int64_t unreadable(void)
{
	return metric_value(metric_counter("wrenn_events_channels_unreadable_total", NULL,
					   "Times a channel's settings could not be decrypted"));
}

static bool has_unreadable(struct rig *rig, void *arg)
{
	(void)rig;
	return unreadable() >= *(int64_t *)arg;
}

static void keep_unreadable(struct rig *rig)
{
	char answer[4096];
	int64_t wanted = unreadable() + 1;

	rig_add_channel(rig, CHANNEL_1, TEAM_A, "hook", "capsule.pause");
	rig_add_channel(rig, CHANNEL_2, TEAM_A, "good", "capsule.pause");
	rig_ask(rig, "INSERT INTO store_facts (name, value) SELECT 'kept', CAST(config AS text) "
		     "FROM channels WHERE id = '" CHANNEL_1 "'");
	rig_ask(rig,
		"UPDATE channels SET config = '{\"url\":\"AAAA\"}' WHERE id = '" CHANNEL_1 "'");
	rig_commit_pause(rig, START_MS);
	rig_wait_rows(rig, 1, "deliveries WHERE state = 'delivered'");
	rig_turn_until(rig, has_unreadable, &wanted);
	rig_idle(rig);
	cr_expect_eq(rig_ask(rig, "SELECT count(*) FROM deliveries WHERE state = 'pending' "
				  "AND attempts = 0 AND channel_id = '" CHANNEL_1 "'"),
		     1);
	cr_expect_eq(unreadable(), wanted);
	cr_assert_eq(rig_request(rig, "GET", "/v1/channels/ch-10dgnsxljlxoxc3rmyv4e8snl/health",
				 TEAM_A, "", answer, sizeof(answer)),
		     200);
	cr_expect(strstr(answer, "cannot decrypt the settings") && strstr(answer, "\"pending\":1"),
		  "%s", answer);

	rig_ask(rig,
		"UPDATE channels SET config = (SELECT CAST(value AS %s) FROM store_facts "
		"WHERE name = 'kept') WHERE id = '" CHANNEL_1 "'",
		rig->database.url[0] == 's' ? "text" : "jsonb");
	rig_now_us += MINUTE_US;
	rig_wait_rows(rig, 2, "deliveries WHERE state = 'delivered'");
}

Test(engine, keeps_what_it_cannot_decrypt_and_harms_no_other_channel)
{
	const struct rig_options options = { .strict = false };

	ON_BOTH_STORES(&options, keep_unreadable);
}

static void fail_unknown_provider(struct rig *rig)
{
	rig_add_channel(rig, CHANNEL_1, TEAM_A, "hook", "capsule.pause");
	rig_ask(rig, "UPDATE channels SET provider = 'pager'");
	rig_commit_pause(rig, START_MS);
	rig_wait_rows(rig, 1, "deliveries WHERE state = 'failed' AND attempts = 0");
	cr_expect_eq(receiver_count(rig->receiver), 0);
}

Test(engine, fails_what_it_has_no_provider_for)
{
	const struct rig_options options = { .strict = false };

	ON_BOTH_STORES(&options, fail_unknown_provider);
}

/* ---- channels and teams that go ------------------------------------------------------------ */

static void drop_with_channel(struct rig *rig)
{
	char out[512];

	rig_commit_pause(rig, START_MS);
	rig_wait_rows(rig, 1, "deliveries WHERE attempts = 1");
	rig_commit_pause(rig, START_MS + 1);
	rig_commit_pause(rig, START_MS + 2);
	/* ch- and the id in base 36 */
	cr_assert_eq(rig_request(rig, "DELETE", "/v1/channels/ch-10dgnsxljlxoxc3rmyv4e8snl", TEAM_A,
				 "", out, sizeof(out)),
		     204, "%s", out);
	rig_wait_rows(rig, 3, "deliveries WHERE state = 'dropped'");
	rig_now_us += HOUR_US;
	rig_idle(rig);
	cr_expect_eq(receiver_count(rig->receiver), 1, "sent to a channel that is gone");
}

Test(engine, drops_what_waits_for_a_deleted_channel)
{
	WITH_SCRIPT(drop_with_channel, { .status = 503 });
}

static void drop_many(struct rig *rig)
{
	char out[512];

	rig_commit_pause(rig, START_MS);
	rig_wait_rows(rig, 1, "deliveries WHERE attempts = 1");
	rig_ask(rig,
		"INSERT INTO deliveries (id, stream_id, stream_ms, stream_seq, team_id, "
		"channel_id, event, payload, state, next_attempt_at, created_at, updated_at) "
		"WITH RECURSIVE n (i) AS (SELECT 2 UNION ALL SELECT i + 1 FROM n WHERE i < 900) "
		"SELECT %s, i || '-0', i, 0, team_id, channel_id, event, payload, state, "
		"'2999-01-01T00:00:00.000000Z', created_at, updated_at FROM deliveries, n",
		strncmp(rig->database.url, "sqlite", 6) == 0
			? "printf('bbbbbbbb-0000-4000-8000-%012d', i)"
			: "('bbbbbbbb-0000-4000-8000-' || lpad(i::text, 12, '0'))::uuid");
	cr_assert_eq(rig_request(rig, "DELETE", "/v1/channels/ch-10dgnsxljlxoxc3rmyv4e8snl", TEAM_A,
				 "", out, sizeof(out)),
		     204, "%s", out);
	rig_wait_rows(rig, 900, "deliveries WHERE state = 'dropped'");
	cr_expect_eq(rig_ask(rig, "SELECT count(*) FROM deliveries WHERE state = 'dropped' "
				  "AND last_error = 'the channel was deleted'"),
		     TRANSITION_PIECE, "more than a piece with the request");
	rig_wait_rows(rig, 0, "channel_state WHERE channel_id = '" CHANNEL_1 "'");
	rig_idle(rig);
	cr_expect_eq(receiver_count(rig->receiver), 1, "sent to a channel that is gone");
}

Test(engine, drops_a_large_backlog_of_a_deleted_channel_piece_by_piece)
{
	WITH_SCRIPT(drop_many, { .status = 503 });
}

static void drop_behind_our_back(struct rig *rig)
{
	rig_commit_pause(rig, START_MS);
	rig_wait_rows(rig, 1, "deliveries WHERE attempts = 1");
	rig_commit_pause(rig, START_MS + 1);
	rig_ask(rig, "DELETE FROM channels"); /* as the control plane deletes */
	rig_now_us += 12 * SECOND_US;
	rig_wait_rows(rig, 2, "deliveries WHERE state = 'dropped'");
	cr_expect_eq(receiver_count(rig->receiver), 1);
	cr_expect_eq(rig_ask(rig,
			     "SELECT count(*) FROM channel_state WHERE channel_id = '" CHANNEL_1
			     "'"),
		     0);
}

Test(engine, drops_what_waits_for_a_channel_the_control_plane_removed)
{
	WITH_SCRIPT(drop_behind_our_back, { .status = 503 });
}

static void drop_with_team(struct rig *rig)
{
	rig_commit_pause(rig, START_MS);
	rig_wait_rows(rig, 1, "deliveries WHERE attempts = 1");
	rig_idle(rig); /* the engine knows the result, too */
	rig_ask(rig, "UPDATE teams SET deleted_at = created_at WHERE id = '" TEAM_A "'");
	rig_now_us += 12 * SECOND_US;
	rig_wait_rows(rig, 1, "deliveries WHERE state = 'dropped'");
	cr_expect_eq(receiver_count(rig->receiver), 1);
}

Test(engine, drops_what_waits_for_a_deleted_team)
{
	WITH_SCRIPT(drop_with_team, { .status = 503 });
}

/* The channel is deleted while the request is running: what another transaction dropped stays
 * dropped. */
static enum receiver_reply drop_meanwhile(const struct received *request, struct buf *out,
					  void *arg)
{
	const struct database *database = arg;

	(void)request;
	database_ask(database, "DELETE FROM channels");
	database_ask(database, "UPDATE deliveries SET state = 'dropped'");
	receiver_answer_status(out, 200);
	return RECEIVER_ANSWER;
}

Test(engine, leaves_dropped_what_was_dropped_while_it_was_sent)
{
	for (int engine = 0; engine < DATABASE_ENGINES; engine++) {
		struct rig rig;
		const struct rig_options options = { .answer = drop_meanwhile,
						     .arg = &rig.database };

		rig_open(&rig, (enum database_engine)engine, &options);
		rig_add_channel(&rig, CHANNEL_1, TEAM_A, "hook", "capsule.pause");
		rig_commit_pause(&rig, START_MS);
		rig_wait_rows(&rig, 1, "attempts");
		cr_expect_eq(
			rig_ask(&rig, "SELECT count(*) FROM deliveries WHERE state = 'dropped'"),
			1);
		rig_close(&rig);
	}
}
