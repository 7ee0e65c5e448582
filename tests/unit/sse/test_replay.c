/* SPDX-License-Identifier: Apache-2.0 */

/* Reconnects with a cursor: served from memory, from Redis and across the seam between them, and
 * with gaps. */
#include <criterion/criterion.h>
#include <signal.h>

#include "core/json.h"
#include "sse/replay.h"
#include "tests/unit/sse/stage.h"

static struct stage stage;

static void tear_down(void)
{
	stage_close(&stage);
}

TestSuite(replay, .fini = tear_down);

static void open_with(size_t history_bytes)
{
	const struct sse_options options = { .history_bytes = history_bytes };

	stage_open(&stage, &options);
}

/* Every third entry belongs to another team. */
static const char *nth_json(unsigned n)
{
	return HOST_UP(n % 3 == 0 ? TEAM_B : TEAM_A);
}

static const char *team_a_entries(unsigned from, unsigned to)
{
	static char text[200000];
	size_t len = 0;

	text[0] = '\0';
	for (unsigned n = from; n <= to; n++)
		if (n % 3 != 0)
			len += (size_t)snprintf(text + len, sizeof(text) - len, "%u ", n);
	return text;
}

static struct client *listen_after(unsigned n)
{
	char path[128];

	snprintf(path, sizeof(path), "/v1/events/stream?last_event_id=%lu-0",
		 (unsigned long)entry_id(n).ms);
	return client_listen(&stage, TEAM_A, path);
}

static size_t count_of(const char *entries)
{
	size_t count = 0;

	for (; *entries; entries++)
		count += *entries == ' ';
	return count;
}

static void expect_entries(struct client *client, unsigned from, unsigned to)
{
	size_t wanted = count_of(team_a_entries(from, to));

	UNTIL(&stage, client_frames(client) >= wanted + 1);
	stage_rest(&stage);
	cr_expect_str_eq(client_entries(client), team_a_entries(from, to));
}

Test(replay, from_memory_begins_exactly_after_every_cursor)
{
	open_with(0);
	stage_start(&stage, 0);
	for (unsigned n = 1; n <= 12; n++)
		entry_publish(&stage, n, nth_json(n));
	for (unsigned n = 0; n <= 12; n++)
		expect_entries(listen_after(n), n + 1, 12);
	cr_expect_eq(metric_value(stage.sse->metrics.from_memory), 13);
	cr_expect_eq(metric_value(stage.sse->metrics.from_redis), 0);
}

Test(replay, goes_on_live_without_a_gap_or_a_repeat)
{
	struct client *client;

	open_with(0);
	stage_start(&stage, 0);
	for (unsigned n = 1; n <= 500; n++)
		entry_publish(&stage, n, nth_json(n));
	client = listen_after(100);
	for (unsigned n = 501; n <= 600; n++)
		entry_publish(&stage, n, nth_json(n));
	expect_entries(client, 101, 600);
}

Test(replay, sends_the_bytes_that_went_out_live)
{
	struct client *live;
	struct client *later;

	open_with(0);
	stage_start(&stage, 0);
	capsule_add(&stage, CAPSULE, TEAM_A, "starting");
	live = client_listen(&stage, TEAM_A, "/v1/events/stream");
	entry_publish(&stage, 1, event_json("capsule.destroy", TEAM_A, CAPSULE, ""));
	UNTIL(&stage, client_frames(live) == 2);
	database_ask(&stage.database, "UPDATE sandboxes SET status = 'stopped'");
	later = client_listen(&stage, TEAM_A, "/v1/events/stream?since=earliest");
	UNTIL(&stage, client_frames(later) == 2);
	cr_expect(str_eq(client_frame(live, 1).all, client_frame(later, 1).all));
}

Test(replay, takes_what_redis_held_before_we_started_into_memory)
{
	open_with(0);
	for (unsigned n = 1; n <= 450; n++)
		entry_add(&stage, n, nth_json(n));
	stage_start(&stage, 440);
	for (unsigned n = 441; n <= 450; n++)
		entry_show(&stage, n, nth_json(n));
	batch_end(&stage, 450);
	cr_expect_eq(stage.sse->history.floor.ms, 0);
	expect_entries(listen_after(0), 1, 450);
	expect_entries(listen_after(439), 440, 450);
	expect_entries(client_listen(&stage, TEAM_A, "/v1/events/stream?since=earliest"), 1, 450);
	cr_expect_eq(metric_value(stage.sse->metrics.from_redis), 0);
}

Test(replay, keeps_the_order_when_events_arrive_while_the_past_is_being_loaded)
{
	struct client *client;

	open_with(0);
	for (unsigned n = 1; n <= 450; n++)
		entry_add(&stage, n, nth_json(n));
	sse_on_start(entry_id(440), stage.sse);
	sse_on_source(true, stage.sse);
	cr_assert(stage.sse->preload);
	client = client_open(&stage, TEAM_A, "/v1/events/stream?since=earliest", "");
	for (unsigned n = 441; n <= 450; n++)
		entry_show(&stage, n, nth_json(n));
	batch_end(&stage, 450);
	expect_entries(client, 1, 450);
}

Test(replay, before_the_history_reads_redis_and_hands_over_exactly)
{
	struct client *clients[8];

	open_with(40000); /* about a hundred entries */
	stage_start(&stage, 0);
	for (unsigned n = 1; n <= 900; n++)
		entry_publish(&stage, n, nth_json(n));
	cr_assert_gt(stage.sse->history.floor.ms, entry_id(700).ms);
	/* The floor rises while they read. */
	for (unsigned i = 0; i < 8; i++)
		clients[i] = listen_after(i * 125);
	for (unsigned n = 901; n <= 1300; n++) {
		entry_publish(&stage, n, nth_json(n));
		if (n % 10 == 0)
			stage_turn(&stage);
	}
	for (unsigned i = 0; i < 8; i++)
		expect_entries(clients[i], i * 125 + 1, 1300);
	cr_expect_gt(metric_value(stage.sse->metrics.from_redis), 0);
}

Test(replay, leaves_a_seam_at_every_possible_place)
{
	open_with(8000);
	stage_start(&stage, 0);
	for (unsigned n = 1; n <= 60; n++)
		entry_publish(&stage, n, nth_json(n));
	cr_assert(stage.sse->history.floor.ms > entry_id(20).ms);
	for (unsigned n = 0; n <= 60; n++) {
		struct client *client = listen_after(n);

		expect_entries(client, n + 1, 60);
		client_close(client);
	}
}

/* As if other listeners had all reads under way, so that further reads queue. */
static void hold_reads(void)
{
	stage.sse->reads.running += REPLAY_MAX_READS;
}

static void release_reads(void)
{
	stage.sse->reads.running -= REPLAY_MAX_READS;
	replay_retry(stage.sse);
}

Test(replay, misses_nothing_when_a_burst_overtakes_the_answer_of_redis)
{
	struct client *client;
	struct subscriber *sub;

	open_with(8000);
	stage_start(&stage, 0);
	for (unsigned n = 1; n <= 60; n++)
		entry_publish(&stage, n, nth_json(n));
	hold_reads();
	client = listen_after(0);
	sub = only_listener(&stage, TEAM_A);
	cr_assert(sub->replay && !list_is_empty(&stage.sse->reads.waiting));
	release_reads();
	cr_assert_eq(stage.sse->reads.running, 1);
	hold_reads();
	/* Redis answers up to 60. Meanwhile memory evicts everything up to there and more. */
	for (unsigned n = 61; n <= 160; n++)
		entry_show(&stage, n, nth_json(n));
	batch_end(&stage, 160);
	cr_assert_gt(stage.sse->history.floor.ms, entry_id(70).ms);
	UNTIL(&stage, stage.sse->reads.running == REPLAY_MAX_READS);
	for (unsigned n = 61; n <= 160; n++)
		entry_add(&stage, n, nth_json(n));
	release_reads();
	/* The last entry would come in any case. */
	UNTIL(&stage, client_has(client, "id: 1000160-0"));
	cr_expect_str_eq(client_entries(client), team_a_entries(1, 160));
}

static const char *large_json(void)
{
	char more[20100];

	snprintf(more, sizeof(more), ",\"metadata\":{\"a\":\"%020000d\"}", 7);
	return event_json("host.up", TEAM_A, "host-1", more);
}

Test(replay, of_a_reader_that_the_history_overtook_goes_on_from_redis)
{
	struct client *client;
	unsigned n = 0;

	open_with(60000);
	stage_start(&stage, 0);
	client = client_listen(&stage, TEAM_A, "/v1/events/stream");
	client->paused = true;
	while (!only_listener(&stage, TEAM_A)->blocked)
		entry_publish(&stage, ++n, large_json());
	/* Only other teams have events from here on: they evict its cursor, but it is not slow. */
	entry_publish(&stage, ++n, large_json());
	entry_publish(&stage, ++n, large_json());
	for (unsigned i = 0; i < 300; i++)
		entry_publish(&stage, n + 1 + i, HOST_UP(TEAM_B));
	cr_assert_eq(only_listener(&stage, TEAM_A)->cursor->place, ITEM_EVICTED);
	client->paused = false;
	UNTIL(&stage, client_frames(client) == n + 1);
	cr_expect_str_eq(client_entries(client), numbers(1, n));
	entry_publish(&stage, n + 500, HOST_UP(TEAM_A));
	UNTIL(&stage, client_frames(client) == n + 2);
	cr_expect_gt(metric_value(stage.sse->metrics.from_redis), 0);
}

/* The numbers of the states that it got rise up to the last one. */
static bool is_in_order(const struct client *client, unsigned last)
{
	static const char before[] = "\"metadata\":{\"n\":\"";
	struct str text = buf_str(&client->text);
	unsigned long shown = 0;

	for (;;) {
		const char *at = memmem(text.at, text.len, before, strlen(before));
		unsigned long number;

		if (!at)
			return shown == last;
		text = str_from(text, (size_t)(at - text.at) + strlen(before));
		number = strtoul(text.at, NULL, 10);
		if (number <= shown)
			return false;
		shown = number;
	}
}

Test(replay, of_a_reader_that_the_history_overtook_still_shows_the_newest_state)
{
	struct client *client;
	unsigned n = 0;

	open_with(60000);
	stage_start(&stage, 0);
	client = client_listen(&stage, TEAM_A, "/v1/events/stream");
	client->paused = true;
	while (!only_listener(&stage, TEAM_A)->blocked)
		entry_publish(&stage, ++n, large_json());
	for (unsigned i = 1; i <= 300; i++) {
		char more[64];

		snprintf(more, sizeof(more), ",\"sandbox\":null,\"metadata\":{\"n\":\"%u\"}", i);
		entry_show_transient(&stage,
				     event_json("capsule.state.changed", TEAM_A, CAPSULE, more));
		batch_end(&stage, 0);
	}
	cr_assert_eq(only_listener(&stage, TEAM_A)->cursor->place, ITEM_EVICTED);
	client->paused = false;
	UNTIL(&stage, client_has(client, "\"n\":\"300\""));
	cr_expect(is_in_order(client, 300));
	cr_expect(str_starts(str_of(client_entries(client)), str_of(numbers(1, n))), "%s",
		  client_entries(client));
}

Test(replay, ends_with_a_word_when_the_stream_is_trimmed_before_it)
{
	struct client *client;
	struct client *back;

	open_with(0);
	for (unsigned n = 1; n <= 1000; n++)
		entry_add(&stage, n, nth_json(n));
	stage_start(&stage, 1000);
	stage.sse->history.floor = entry_id(1000); /* as if memory had no room for them */
	client = client_open(&stage, TEAM_A, "/v1/events/stream?last_event_id=1000001-0", "");
	UNTIL(&stage, stage.sse->reads.running == 1);
	/* The first read is under way. The others come too late. */
	redis_server_do(&stage.redis_server, "XTRIM wrenn:events MINID 1000900-0");
	UNTIL(&stage, client->broken);
	cr_expect(client->ended);
	cr_expect(client_has(client, ": events were missed"));
	cr_expect_not(client_has(client, "id: 1000900-0"));
	back = client_listen(&stage, TEAM_A, "/v1/events/stream?last_event_id=1000001-0");
	UNTIL(&stage, client_has(back, "id: 1001000-0\n"));
	cr_expect(client_has(back, "\"gap\":true"));
	cr_expect_str_eq(client_entries(back), team_a_entries(900, 1000));
}

Test(replay, for_the_administrator_holds_every_team)
{
	struct client *client;

	open_with(40000);
	stage_start(&stage, 0);
	for (unsigned n = 1; n <= 400; n++)
		entry_publish(&stage, n, nth_json(n));
	client = client_listen(&stage, NULL, "/v1/admin/events/stream?since=earliest");
	UNTIL(&stage, client_frames(client) == 401);
	cr_expect_str_eq(client_entries(client), numbers(1, 400));
}

Test(replay, pauses_while_redis_is_away_and_goes_on)
{
	struct client *client;

	open_with(8000);
	stage_start(&stage, 0);
	for (unsigned n = 1; n <= 300; n++)
		entry_publish(&stage, n, nth_json(n));
	client = listen_after(0);
	/* A read under way fails, and so do the next ones. */
	redis_fail(stage.redis, "test");
	expect_entries(client, 1, 300);
}

/* ---- the status of old events -------------------------------------------------------------- */

static const char *status_in(struct str data)
{
	static char status[32];
	const char *at = memmem(data.at, data.len, "\"status\":\"", 10);

	snprintf(status, sizeof(status), "%.*s", at ? (int)strcspn(at + 10, "\"") : 4,
		 at ? at + 10 : "none");
	return status;
}

#define DONE(kind) event_json(kind, TEAM_A, CAPSULE, ",\"outcome\":\"success\"")

Test(replay, lets_only_the_newest_event_of_a_capsule_speak_about_its_status)
{
	struct client *client;

	open_with(0);
	entry_add(&stage, 1, DONE("capsule.create"));
	entry_add(&stage, 2, DONE("capsule.pause"));
	entry_add(&stage, 3, DONE("capsule.resume"));
	capsule_add(&stage, CAPSULE, TEAM_A, "stopping");
	stage_start(&stage, 3);
	client = client_listen(&stage, TEAM_A, "/v1/events/stream?since=earliest");
	UNTIL(&stage, client_frames(client) == 4);
	cr_expect_str_eq(status_in(client_frame(client, 1).data), "stopping");
	cr_expect_str_eq(status_in(client_frame(client, 2).data), "stopping");
	cr_expect_str_eq(status_in(client_frame(client, 3).data), "running");
}

Test(replay, does_so_from_redis_too)
{
	struct client *client;

	open_with(4000);
	stage_start(&stage, 0);
	capsule_add(&stage, CAPSULE, TEAM_A, "stopping");
	entry_publish(&stage, 1, DONE("capsule.create"));
	entry_publish(&stage, 2, DONE("capsule.pause"));
	for (unsigned n = 3; n <= 30; n++)
		entry_publish(&stage, n, HOST_UP(TEAM_B));
	cr_assert(stage.sse->history.floor.ms > entry_id(2).ms);
	client = client_listen(&stage, TEAM_A, "/v1/events/stream?since=earliest");
	UNTIL(&stage, client_frames(client) == 3);
	cr_expect_str_eq(status_in(client_frame(client, 1).data), "stopping");
	cr_expect_str_eq(status_in(client_frame(client, 2).data), "paused");
}

/* ---- gaps and odd cursors ------------------------------------------------------------------- */

static void trim_to(unsigned n)
{
	redis_server_do(&stage.redis_server, "XTRIM wrenn:events MINID %lu-0",
			(unsigned long)entry_id(n).ms);
}

Test(replay, tells_of_a_gap_when_entries_after_the_cursor_are_gone)
{
	struct client *client;
	struct heard heard;
	cJSON *json;

	open_with(0);
	for (unsigned n = 1; n <= 20; n++)
		entry_add(&stage, n, nth_json(n));
	trim_to(11);
	stage_start(&stage, 20);
	client = listen_after(5);
	expect_entries(client, 11, 20);
	heard = client_frame(client, 0);
	cr_expect(str_is(heard.id, "1000010-18446744073709551615"), "%.*s", STR_ARGS(heard.id));
	cr_assert_eq(json_parse(heard.data, 4096, &json, NULL), 0);
	cr_expect(cJSON_IsTrue(json_get(json, "gap")));
	cr_expect_str_eq(cJSON_GetStringValue(json_get(json_get(json, "metadata"), "gap")), "true");
	cr_expect_str_eq(cJSON_GetStringValue(json_get(json_get(json, "metadata"), "oldest")),
			 "1000011-0");
	cJSON_Delete(json);
	cr_expect_eq(metric_value(stage.sse->metrics.gaps), 1);
}

Test(replay, tells_of_no_gap_where_none_is)
{
	struct client *client;

	open_with(0);
	for (unsigned n = 1; n <= 20; n++)
		entry_add(&stage, n, nth_json(n));
	trim_to(11);
	stage_start(&stage, 20);
	client = client_listen(&stage, TEAM_A, "/v1/events/stream?since=earliest");
	expect_entries(client, 11, 20);
	cr_expect_not(client_has(client, "gap"));
	client = listen_after(15);
	expect_entries(client, 16, 20);
	cr_expect_not(client_has(client, "gap"));
	/* The cursor that we gave out with a gap has no gap itself. */
	client = client_listen(&stage, TEAM_A,
			       "/v1/events/stream?last_event_id=1000010-18446744073709551615");
	expect_entries(client, 11, 20);
	cr_expect_not(client_has(client, "gap"));
	cr_expect_eq(metric_value(stage.sse->metrics.gaps), 0);
}

Test(replay, from_redis_tells_of_no_gap_when_only_older_entries_are_gone)
{
	struct client *client;

	open_with(8000);
	stage_start(&stage, 0);
	for (unsigned n = 1; n <= 60; n++)
		entry_publish(&stage, n, nth_json(n));
	trim_to(5);
	cr_assert(stage.sse->history.floor.ms > entry_id(20).ms);
	client = listen_after(10);
	expect_entries(client, 11, 60);
	cr_expect_not(client_has(client, "gap"));
	client = listen_after(3);
	expect_entries(client, 5, 60);
	cr_expect(client_has(client, "\"gap\":true"));
}

Test(replay, tells_of_a_gap_when_nothing_is_left_at_all)
{
	struct client *client;

	open_with(0);
	for (unsigned n = 1; n <= 20; n++)
		entry_add(&stage, n, nth_json(n));
	redis_server_do(&stage.redis_server, "XTRIM wrenn:events MAXLEN 0");
	stage_start(&stage, 20);
	client = listen_after(5);
	entry_publish(&stage, 22, HOST_UP(TEAM_A));
	UNTIL(&stage, client_frames(client) == 2);
	cr_expect_str_eq(client_entries(client), "22 ");
	cr_expect(client_has(client, "\"gap\":true"));
}

Test(replay, waits_while_the_shared_connection_is_to_another_server_than_the_tail_reads)
{
	static const struct redis_identity other = { .run_id = "another" };
	struct client *client;

	open_with(8000);
	stage_start(&stage, 0);
	for (unsigned n = 1; n <= 60; n++)
		entry_publish(&stage, n, nth_json(n));
	hold_reads();
	client = listen_after(0);
	sse_on_server(&other, true, stage.sse);
	release_reads();
	UNTIL(&stage, !list_is_empty(&stage.sse->read_pauses.waiting));
	cr_expect_str_eq(client_entries(client), "");
	sse_on_server(redis_identity(stage.redis), true, stage.sse);
	expect_entries(client, 1, 60);
}

Test(replay, from_before_memory_is_refused_when_redis_dies_over_it)
{
	struct client *client;

	open_with(4000);
	stage_start(&stage, 0);
	for (unsigned n = 1; n <= 40; n++)
		entry_publish(&stage, n, HOST_UP(TEAM_A));
	kill(stage.redis_server.pid, SIGSTOP);
	client = client_open(&stage, TEAM_A, "/v1/events/stream?since=earliest", "");
	UNTIL(&stage, stage.sse->pending > 0);
	redis_server_kill(&stage.redis_server);
	client_expect_turned_away(client,
				  ": the event stream cannot be read right now, try again\n");
	redis_server_restart(&stage.redis_server);
}

Test(replay, from_before_memory_is_refused_while_redis_is_away)
{
	struct client *client;

	open_with(4000);
	stage_start(&stage, 0);
	for (unsigned n = 1; n <= 40; n++)
		entry_publish(&stage, n, HOST_UP(TEAM_A));
	redis_server_kill(&stage.redis_server);
	UNTIL(&stage, !redis_is_up(stage.redis));
	client = client_open(&stage, TEAM_A, "/v1/events/stream?since=earliest", "");
	client_expect_turned_away(client,
				  ": the event stream cannot be read right now, try again\n");
	/* Memory serves without Redis. */
	client = listen_after(39);
	UNTIL(&stage, client_frames(client) == 2);
	cr_expect_str_eq(client_entries(client), "40 ");
	redis_server_restart(&stage.redis_server);
}
