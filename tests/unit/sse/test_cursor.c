/* SPDX-License-Identifier: Apache-2.0 */

/* Cursors of every kind: ids and times, before the stream and after it, with wrong clocks. */
#include <criterion/criterion.h>

#include "tests/unit/sse/stage.h"

static struct stage stage;

static void set_up(void)
{
	const struct sse_options options = { .keepalive_s = 60 };

	stage_open(&stage, &options);
}

static void tear_down(void)
{
	stage_close(&stage);
}

TestSuite(cursor, .init = set_up, .fini = tear_down);

static struct client *listen_after(unsigned n)
{
	char path[128];

	snprintf(path, sizeof(path), "/v1/events/stream?last_event_id=%lu-0",
		 (unsigned long)entry_id(n).ms);
	return client_listen(&stage, TEAM_A, path);
}

/* Ten to twenty. */
static void expect_entries(struct client *client)
{
	UNTIL(&stage, client_frames(client) >= 12);
	cr_expect_str_eq(client_entries(client), numbers(10, 20));
}

/* The id belonged to an entry once. */
Test(cursor, with_a_cursor_beyond_the_stream_is_told_of_a_gap_and_sent_what_there_is)
{
	struct client *client;

	stage_start(&stage, 0);
	entry_publish(&stage, 1, HOST_UP(TEAM_A));
	client = client_listen(&stage, TEAM_A, "/v1/events/stream?last_event_id=99999999999999-0");
	entry_publish(&stage, 2, HOST_UP(TEAM_A));
	UNTIL(&stage, client_frames(client) == 3);
	cr_expect_str_eq(client_entries(client), "1 2 ");
	cr_expect(client_has(client, "\"gap\":true"));
	cr_expect(client_has(client, "\"oldest\":\"1000001-0\""));
}

/* Either clock, ours or that of Redis, may be years ahead of the other. */
Test(cursor, after_a_cursor_ahead_of_every_clock_but_behind_the_head_misses_nothing)
{
	static const uint64_t in_a_century = UINT64_C(4900000000000);
	struct client *client;
	char path[96];

	stage_start(&stage, 0);
	for (unsigned n = 0; n < 10; n++)
		entry_publish(&stage, in_a_century + n, HOST_UP(TEAM_A));
	snprintf(path, sizeof(path), "/v1/events/stream?last_event_id=%llu-0",
		 (unsigned long long)(in_a_century + FIRST_MS));
	client = client_listen(&stage, TEAM_A, path);
	UNTIL(&stage, client_frames(client) == 10);
	cr_expect_not(client_has(client, "gap"));
	snprintf(path, sizeof(path), "/v1/events/wait?last_event_id=%llu-0",
		 (unsigned long long)(in_a_century + FIRST_MS));
	client = client_open(&stage, TEAM_A, path, "");
	UNTIL(&stage, client->status);
	cr_expect_eq(client->status, 200);
}

/* This stream was never trimmed and never had that entry. */
Test(cursor, after_an_id_from_before_the_stream_is_told_of_a_gap)
{
	struct client *client;
	struct str cursor;
	char path[128];

	for (unsigned n = 10; n <= 20; n++)
		entry_add(&stage, n, HOST_UP(TEAM_A));
	stage_start(&stage, 20);
	client = listen_after(5);
	expect_entries(client);
	cr_expect(client_has(client, "\"gap\":true"));
	/* A time proves nothing, and nor does the cursor that we make from it. */
	client = client_listen(&stage, TEAM_A, "/v1/events/stream?since=1970-01-01T00:16:40.005Z");
	expect_entries(client);
	cr_expect_not(client_has(client, "gap"));
	cursor = client_frame(client, 0).id;
	snprintf(path, sizeof(path), "/v1/events/stream?last_event_id=%.*s", STR_ARGS(cursor));
	client = client_listen(&stage, TEAM_A, path);
	expect_entries(client);
	cr_expect_not(client_has(client, "gap"));
}

Test(cursor, does_not_repeat_what_was_seen_at_a_worker_ahead_of_us)
{
	struct client *client;

	stage_start(&stage, 0);
	entry_publish(&stage, 1, HOST_UP(TEAM_A));
	for (unsigned n = 2; n <= 4; n++)
		entry_add(&stage, n, HOST_UP(TEAM_A));
	client = listen_after(3);
	for (unsigned n = 2; n <= 4; n++)
		entry_show(&stage, n, HOST_UP(TEAM_A));
	batch_end(&stage, 4);
	entry_publish(&stage, 5, HOST_UP(TEAM_A));
	UNTIL(&stage, client_frames(client) == 3);
	stage_rest(&stage);
	cr_expect_str_eq(client_entries(client), "4 5 ");
}

Test(cursor, since_a_time_in_the_future_is_now)
{
	struct client *client;

	stage_start(&stage, 0);
	client = client_listen(&stage, TEAM_A, "/v1/events/stream?since=2999-01-01T00:00:00Z");
	entry_publish(&stage, (uint64_t)clock_wall_ms() + 1000 - FIRST_MS, HOST_UP(TEAM_A));
	UNTIL(&stage, client_frames(client) == 2);
	cr_expect_str_neq(client_entries(client), "");
}

/* An event from before that time may arrive after the request. */
Test(cursor, since_a_time_ahead_of_what_was_seen_hides_what_came_before_it)
{
	struct client *client;

	stage_start(&stage, 0);
	entry_publish(&stage, 1, HOST_UP(TEAM_A));
	entry_add(&stage, 4999, HOST_UP(TEAM_A));
	client = client_listen(&stage, TEAM_A, "/v1/events/stream?since=1970-01-01T00:16:45Z");
	cr_expect(str_is(client_frame(client, 0).id, "1004999-0"), "never beyond the stream");
	entry_show(&stage, 4999, HOST_UP(TEAM_A));
	entry_publish(&stage, 5000, HOST_UP(TEAM_A));
	UNTIL(&stage, client_frames(client) == 2);
	cr_expect_str_eq(client_entries(client), "5000 ");
}

Test(cursor, obeys_the_header_before_the_parameter)
{
	struct client *client;

	stage_start(&stage, 0);
	for (unsigned n = 1; n <= 9; n++)
		entry_publish(&stage, n, HOST_UP(TEAM_A));
	client = client_open(&stage, TEAM_A, "/v1/events/stream?last_event_id=1000002-0",
			     "Last-Event-ID: 1000007-0\r\n");
	UNTIL(&stage, client_frames(client) == 3);
	cr_expect_str_eq(client_entries(client), "8 9 ");
}
