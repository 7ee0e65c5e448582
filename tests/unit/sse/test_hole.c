/* SPDX-License-Identifier: Apache-2.0 */

/* Lost entries: what open streams, waits and old cursors are told, and what memory still has. */
#include <criterion/criterion.h>

#include "core/log_limit.h"
#include "tests/support/clock_by_hand.h"
#include "tests/support/recorded_log.h"
#include "tests/unit/sse/stage.h"

static struct stage stage;

static void set_up(void)
{
	const struct sse_options options = { .keepalive_s = 60 };

	stage_open(&stage, &options);
	stage_start(&stage, 0);
}

static void tear_down(void)
{
	stage_close(&stage);
}

TestSuite(hole, .init = set_up, .fini = tear_down);

static void publish(unsigned from, unsigned to)
{
	for (unsigned n = from; n <= to; n++)
		entry_publish(&stage, n, HOST_UP(TEAM_A));
}

/* Does what the tail does when it finds an empty Redis. */
static void flush_redis(void)
{
	redis_server_do(&stage.redis_server, "FLUSHALL");
	sse_on_gap((struct stream_id){ .ms = 0 }, stage.sse);
}

static struct client *open_after(const char *what, unsigned n)
{
	char path[128];

	snprintf(path, sizeof(path), "/v1/events/%s%clast_event_id=%lu-0", what,
		 strchr(what, '?') ? '&' : '?', (unsigned long)entry_id(n).ms);
	return client_open(&stage, TEAM_A, path, "");
}

static struct client *listen_after(unsigned n)
{
	struct client *client = open_after("stream", n);

	UNTIL(&stage, client_frames(client) > 0);
	return client;
}

static void expect_status(struct client *client, int status)
{
	UNTIL(&stage, client->status);
	cr_expect_eq(client->status, status);
}

static size_t gaps_in(const struct client *client)
{
	size_t gaps = 0;

	for (size_t i = 0; i < client_frames(client); i++) {
		struct str data = client_frame(client, i).data;

		gaps += data.at && memmem(data.at, data.len, "\"gap\":true", 10) != NULL;
	}
	return gaps;
}

Test(hole, is_told_in_the_midst_of_every_stream_and_they_go_on)
{
	struct client *clients[] = {
		client_listen(&stage, TEAM_A, "/v1/events/stream"),
		client_listen(&stage, TEAM_A, "/v1/events/stream?event=host.*"),
		client_listen(&stage, NULL, "/v1/admin/events/stream"),
	};

	publish(1, 3);
	sse_on_gap(entry_id(49), stage.sse);
	publish(50, 52);
	for (size_t i = 0; i < ARRAY_LEN(clients); i++) {
		struct heard gap;

		UNTIL(&stage, client_frames(clients[i]) == 8);
		gap = client_frame(clients[i], 4);
		cr_expect(str_is(gap.event, "connected"));
		cr_expect_null(gap.id.at, "the cursor stays before the gap");
		cr_expect(memmem(gap.data.at, gap.data.len, "\"oldest\":\"1000049-1\"", 20));
		cr_expect_eq(gaps_in(clients[i]), 1);
		cr_expect_str_eq(client_entries(clients[i]), "1 2 3 50 51 52 ");
		cr_expect_not(clients[i]->broken);
	}
}

Test(hole, is_told_in_a_few_lines_of_the_log_when_it_comes_again_and_again)
{
	FILE *log = record_log();

	clock_hold(); /* all in one minute */
	for (unsigned n = 1; n <= LOG_LIMIT_LINES + 5; n++) {
		publish(n, n);
		flush_redis();
	}
	cr_expect_eq(count_lines(log, "events were missed"), LOG_LIMIT_LINES);
}

Test(hole, closes_the_stream_of_a_reader_who_is_behind)
{
	struct client *client = client_listen(&stage, TEAM_A, "/v1/events/stream");
	char more[60100];

	snprintf(more, sizeof(more), ",\"metadata\":{\"a\":\"%060000d\"}", 7);
	client_squeeze(client);
	entry_publish(&stage, 1, event_json("host.up", TEAM_A, "host-1", more));
	cr_assert(only_listener(&stage, TEAM_A)->partial);
	sse_on_gap(entry_id(49), stage.sse);
	UNTIL(&stage, client->broken);
	cr_expect(client_has(client, ": events were missed"));
	cr_expect_eq(metric_value(stage.sse->metrics.closes[CLOSE_GAP]), 1);
	cr_expect_eq(gaps_in(listen_after(1)), 1);
}

Test(hole, concerns_every_cursor_from_before_it_and_memory_sends_what_only_it_has)
{
	struct client *client;

	publish(1, 5);
	flush_redis();
	client = listen_after(3);
	cr_expect_eq(gaps_in(client), 1);
	publish(6, 7);
	UNTIL(&stage, client_frames(client) == 5);
	cr_expect_str_eq(client_entries(client), "4 5 6 7 ");
	client = listen_after(5);
	UNTIL(&stage, client_frames(client) == 3);
	cr_expect_eq(gaps_in(client), 1);
	cr_expect_str_eq(client_entries(client), "6 7 ");
	client = listen_after(6);
	UNTIL(&stage, client_frames(client) == 2);
	cr_expect_eq(gaps_in(client), 0);
	client = client_listen(&stage, TEAM_A, "/v1/events/stream?since=earliest");
	UNTIL(&stage, client_frames(client) == 3);
	cr_expect_eq(gaps_in(client), 0);
	cr_expect_str_eq(client_entries(client), "6 7 ");
}

Test(hole, gives_new_listeners_a_cursor_that_misses_nothing)
{
	struct client *client;

	publish(1, 5);
	flush_redis();
	client = client_listen(&stage, TEAM_A, "/v1/events/stream");
	cr_expect(str_is(client_frame(client, 0).id, "0-0"));
	publish(6, 7);
	client = client_listen(&stage, TEAM_A, "/v1/events/stream?last_event_id=0-0");
	UNTIL(&stage, client_frames(client) == 3);
	cr_expect_eq(gaps_in(client), 0);
	cr_expect_str_eq(client_entries(client), "6 7 ");
}

Test(hole, lets_waits_find_what_came_before_it_and_refuses_the_others)
{
	struct client *client;

	publish(1, 5);
	flush_redis();
	expect_status(open_after("wait", 3), 200);
	expect_status(open_after("wait", 5), 409);
	expect_status(open_after("wait?event=host.down", 3), 409);
	client = client_open(&stage, TEAM_A, "/v1/events/wait?timeout=1", "");
	expect_status(client, 204);
	cr_expect(memmem(client->head.bytes, client->head.len, "X-Wrenn-Cursor: 0-0\r\n", 21));
	expect_status(
		client_open(&stage, TEAM_A, "/v1/events/wait?timeout=1&last_event_id=0-0", ""),
		204);
	publish(6, 6);
	expect_status(open_after("wait", 5), 409);
	expect_status(open_after("wait?timeout=1", 6), 204);
}

Test(hole, of_a_failover_lets_waits_go_on_from_where_the_stream_does)
{
	publish(1, 5);
	sse_on_gap(entry_id(3), stage.sse);
	expect_status(
		client_open(&stage, TEAM_A,
			    "/v1/events/wait?timeout=1&event=host.down&last_event_id=1000003-0",
			    ""),
		204);
	expect_status(open_after("wait?event=host.down", 2), 409);
}

Test(hole, with_smaller_ids_behind_it_hides_no_event)
{
	struct client *live;
	struct client *back;

	publish(201, 205);
	live = client_listen(&stage, TEAM_A, "/v1/events/stream?last_event_id=1000203-0");
	UNTIL(&stage, client_frames(live) == 3);
	flush_redis();
	back = listen_after(204); /* now only memory has entries */
	publish(1, 102);
	UNTIL(&stage, client_frames(live) == 3 + 1 + 102);
	cr_expect(str_starts(str_of(client_entries(live)), STR("204 205 1 2 3 ")));
	cr_expect_eq(gaps_in(live), 1);
	UNTIL(&stage, client_frames(back) == 1 + 1 + 102);
	cr_expect_eq(gaps_in(back), 1);
	back = listen_after(205);
	UNTIL(&stage, client_frames(back) == 1 + 102);
	cr_expect_eq(gaps_in(back), 1);
	/* An id may be old and new. Only the new entry is kept. */
	back = listen_after(50);
	UNTIL(&stage, client_frames(back) == 1 + 52);
	cr_expect_eq(gaps_in(back), 0);
	expect_status(open_after("wait?timeout=1", 102), 204);
	expect_status(open_after("wait", 205), 409);
}

Test(hole, is_told_to_times_from_before_a_stream_that_came_from_elsewhere)
{
	static const struct redis_identity other = { .run_id = "" };
	static const char since[] = "/v1/events/stream?since=1970-01-01T00:16:40.005Z";

	redis_server_do(&stage.redis_server, "XGROUP CREATE wrenn:events g 0 MKSTREAM");
	publish(10, 12);
	stage.sse->history.floor = entry_id(9); /* as if memory had held more */
	cr_expect_eq(gaps_in(client_listen(&stage, TEAM_A, since)), 0);
	sse_on_server(&other, false, stage.sse);
	cr_expect_eq(gaps_in(client_listen(&stage, TEAM_A, since)), 1);
}
