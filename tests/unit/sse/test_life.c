/* SPDX-License-Identifier: Apache-2.0 */

/* The life of listeners: silence, slowness, loss of the source, the end. */
#include <criterion/criterion.h>
#include <signal.h>

#include "core/clock.h"
#include "sse/backlog.h"
#include "sse/closing_frame.h"
#include "sse/frame.h"
#include "sse/stream.h"
#include "tests/unit/sse/stage.h"

static struct stage stage;

/* On a busy machine a short silence would put comments among the frames that tests count. */
static void set_up(void)
{
	const struct sse_options options = { .keepalive_s = 300, .max_streams_per_team = 500 };

	stage_open(&stage, &options);
	stage_start(&stage, 0);
}

static void set_up_silence(void)
{
	const struct sse_options options = { .keepalive_s = 1 };

	stage_open(&stage, &options);
	stage_start(&stage, 0);
}

static void tear_down(void)
{
	stage_close(&stage);
}

TestSuite(life, .init = set_up, .fini = tear_down);
TestSuite(silence, .init = set_up_silence, .fini = tear_down);

Test(silence, gives_a_stream_comments)
{
	struct client *client = client_listen(&stage, TEAM_A, "/v1/events/stream");

	UNTIL(&stage, client_frames(client) >= 3);
	cr_expect(str_is(client_frame(client, 1).all, ": keepalive"));
	cr_expect(str_is(client_frame(client, 2).all, ": keepalive"));
}

Test(life, an_idle_listener_is_small)
{
	cr_expect_leq(sizeof(struct subscriber), 200, "%zu bytes", sizeof(struct subscriber));
}

Test(life, an_idle_listener_holds_nothing)
{
	struct client *client = client_listen(&stage, TEAM_A, "/v1/events/stream?since=earliest");
	const struct subscriber *sub;

	entry_publish(&stage, 1, HOST_UP(TEAM_A));
	UNTIL(&stage, client_frames(client) == 2);
	sub = only_listener(&stage, TEAM_A);
	cr_expect(sub->in_front);
	cr_expect_null(sub->cursor);
	cr_expect_null(sub->partial);
	cr_expect_null(sub->replay);
	cr_expect_null(sub->filter);
}

Test(life, listeners_are_counted_by_kind_and_teams_by_crowd)
{
	const struct sse_metrics *metrics = &stage.sse->metrics;
	struct client *clients[10];

	for (size_t i = 0; i < ARRAY_LEN(clients); i++)
		clients[i] = client_listen(&stage, TEAM_A, "/v1/events/stream");
	client_listen(&stage, TEAM_B, "/v1/events/stream");
	client_listen(&stage, NULL, "/v1/admin/events/stream");
	client_open(&stage, TEAM_B, "/v1/events/wait", "");
	UNTIL(&stage, metric_value(metrics->subscribers[LISTENER_WAIT]) == 1);
	cr_expect_eq(metric_value(metrics->subscribers[LISTENER_TEAM]), 11);
	cr_expect_eq(metric_value(metrics->subscribers[LISTENER_ALL]), 1);
	cr_expect_eq(metric_value(metrics->crowds[0]), 0);
	cr_expect_eq(metric_value(metrics->crowds[1]), 1, "team B has two");
	cr_expect_eq(metric_value(metrics->crowds[2]), 1, "team A has ten");
	cr_expect_eq(metric_value(metrics->crowds[3]), 0);
	for (size_t i = 0; i < ARRAY_LEN(clients); i++)
		client_close(clients[i]);
	UNTIL(&stage, metric_value(metrics->subscribers[LISTENER_TEAM]) == 1);
	cr_expect_eq(metric_value(metrics->crowds[2]), 0);
	cr_expect_eq(metric_value(metrics->closes[CLOSE_CLIENT]), ARRAY_LEN(clients));
}

/* Counts as the client does: each frame is a chunk. */
static void count_sent(const struct client *client, int64_t *frames, int64_t *bytes)
{
	for (size_t i = 0; i < client_frames(client); i++) {
		size_t len = client_frame(client, i).all.len + strlen("\n\n");
		char head[CHUNK_HEAD_MAX];

		*frames += 1;
		*bytes += (int64_t)(chunk_head(len, head) + len + strlen("\r\n"));
	}
}

Test(life, frames_and_bytes_are_counted_as_they_are_sent)
{
	static const char *const queries[] = { "", "?since=earliest", "?outcome=error" };
	struct client *clients[ARRAY_LEN(queries)];
	int64_t frames = 0;
	int64_t bytes = 0;

	for (unsigned n = 1; n <= 5; n++)
		entry_publish(&stage, n, HOST_UP(TEAM_A));
	for (size_t i = 0; i < ARRAY_LEN(queries); i++) {
		char path[64];

		snprintf(path, sizeof(path), "/v1/events/stream%s", queries[i]);
		clients[i] = client_listen(&stage, TEAM_A, path);
	}
	client_squeeze(clients[0]);
	for (unsigned n = 6; n <= 105; n++)
		entry_publish(&stage, n, HOST_UP(TEAM_A));
	UNTIL(&stage, client_frames(clients[0]) == 101 && client_frames(clients[1]) == 106);
	for (size_t i = 0; i < ARRAY_LEN(clients); i++)
		count_sent(clients[i], &frames, &bytes);
	cr_expect_eq(metric_value(stage.sse->metrics.frames), frames);
	cr_expect_eq(metric_value(stage.sse->metrics.bytes), bytes);
}

/* ---- slowness ------------------------------------------------------------------------------ */

static const char *large_json(const char *team)
{
	char more[20100];

	snprintf(more, sizeof(more), ",\"metadata\":{\"a\":\"%020000d\"}", 7);
	return event_json("host.up", team, "host-1", more);
}

Test(life, a_reader_who_sleeps_is_closed_and_costs_the_others_nothing)
{
	struct client *asleep = client_listen(&stage, TEAM_A, "/v1/events/stream");
	const struct subscriber *sub = only_listener(&stage, TEAM_A);
	struct client *awake = client_listen(&stage, TEAM_A, "/v1/events/stream");
	struct client *other = client_listen(&stage, TEAM_B, "/v1/events/stream");
	unsigned n = 0;

	asleep->paused = true;
	while (!sub->is_closing) {
		cr_assert_lt(n, 20000);
		n++;
		entry_show(&stage, n, n % 100 ? large_json(TEAM_A) : HOST_UP(TEAM_B));
		batch_end(&stage, n);
		if (n % 8 == 0)
			stage_turn(&stage);
	}
	UNTIL(&stage,
	      client_frames(awake) == n - n / 100 + 1 && client_frames(other) == n / 100 + 1);
	cr_expect_not(awake->broken);
	asleep->paused = false;
	UNTIL(&stage, asleep->broken);
	cr_expect(asleep->ended);
	cr_expect(client_has(asleep, ": this client reads too slowly"));
	cr_expect_eq(metric_value(stage.sse->metrics.closes[CLOSE_SLOW]), 1);
	cr_expect_geq(metric_value(stage.sse->metrics.high_water_bytes), BACKLOG_MAX_BYTES);
}

Test(life, a_reader_who_is_closed_and_goes_on_sleeping_loses_its_last_words)
{
	struct client *client = client_listen(&stage, TEAM_A, "/v1/events/stream");
	struct subscriber *sub = only_listener(&stage, TEAM_A);
	unsigned n = 0;

	client->paused = true;
	while (!sub->blocked)
		entry_publish(&stage, ++n, large_json(TEAM_A));
	subscriber_end(sub, CLOSE_CREDENTIALS);
	UNTIL(&stage, sub->is_closing);
	cr_expect_null(sub->replay);
	entry_publish(&stage, ++n, large_json(TEAM_A));
	cr_expect_eq(stage.sse->listeners, 1);
	deadline_stop(&sub->quiet);
	on_closing_due(&sub->quiet, stage.sse);
	UNTIL(&stage, stage.sse->listeners == 0);
	cr_expect_eq(metric_value(stage.sse->metrics.closes[CLOSE_CREDENTIALS]), 1);
	client->paused = false;
	UNTIL(&stage, client->broken);
	cr_expect_not(client->ended, "cut off inside a frame, so it must not look complete");
	cr_expect_not(client_has(client, "credentials no longer valid"));
}

Test(life, a_reader_who_is_told_to_go_gets_the_frame_it_was_reading_whole_and_nothing_after_it)
{
	struct client *client = client_listen(&stage, TEAM_A, "/v1/events/stream");
	char more[60100];

	snprintf(more, sizeof(more), ",\"metadata\":{\"a\":\"%060000d\"}", 7);
	client_squeeze(client);
	entry_publish(&stage, 1, event_json("host.up", TEAM_A, "host-1", more));
	entry_publish(&stage, 2, HOST_UP(TEAM_A));
	cr_assert(only_listener(&stage, TEAM_A)->partial);
	stage_begin_close_sse(&stage);
	stage_end_close_sse(&stage);
	UNTIL(&stage, client->broken);
	cr_expect(client->ended);
	cr_expect_str_eq(client_entries(client), "1 ");
	cr_expect(client_frame(client, client_frames(client) - 1).retry.at);
}

static const char *state_json(unsigned capsule, unsigned n)
{
	char id[64];
	char more[4100];

	snprintf(id, sizeof(id), "cl-%025u", capsule);
	snprintf(more, sizeof(more),
		 ",\"sandbox\":null,\"metadata\":{\"n\":\"%u\",\"a\":\"%04000d\"}", n, 7);
	return event_json("capsule.state.changed", TEAM_A, id, more);
}

/* Passes the bound many times over, with states only. */
static unsigned show_states(struct client *asleep, unsigned count)
{
	unsigned n = 0;

	asleep->paused = true;
	while (n < count) {
		n++;
		entry_show_transient(&stage, state_json(n % 3 + 1, n));
		batch_end(&stage, 0);
		if (n % 16 == 0)
			stage_turn(&stage);
	}
	return n;
}

Test(life, a_slow_reader_is_shown_the_newest_state_of_each_capsule_and_stays)
{
	struct client *asleep = client_listen(&stage, TEAM_A, "/v1/events/stream");
	struct client *awake = client_listen(&stage, TEAM_A, "/v1/events/stream");
	unsigned n = show_states(asleep, 3000);
	char text[64];

	UNTIL(&stage, client_frames(awake) == n + 1);
	asleep->paused = false;
	entry_publish(&stage, 1, HOST_UP(TEAM_A));
	UNTIL(&stage, asleep->broken || client_has(asleep, "id: 1000001-0"));
	cr_expect_not(asleep->broken);
	cr_expect_lt(client_frames(asleep), n - 500);
	for (unsigned last = n - 2; last <= n; last++) {
		snprintf(text, sizeof(text), "\"n\":\"%u\"", last);
		cr_expect(client_has(asleep, text), "%s", text);
	}
	cr_expect_geq(metric_value(stage.sse->metrics.high_water_frames), BACKLOG_MAX_FRAMES);
}

Test(life, a_slow_reader_is_skipped_no_lasting_event_among_many_states)
{
	struct client *asleep = client_listen(&stage, TEAM_A, "/v1/events/stream");
	struct client *awake = client_listen(&stage, TEAM_A, "/v1/events/stream");
	unsigned states = 0;

	asleep->paused = true;
	for (unsigned n = 1; n <= 200; n++) {
		entry_show(&stage, n, HOST_UP(TEAM_A));
		for (unsigned i = 0; i < 15; i++)
			entry_show_transient(&stage, state_json(1, ++states));
		batch_end(&stage, n);
		stage_turn(&stage);
	}
	UNTIL(&stage, client_frames(awake) == 200 + states + 1);
	asleep->paused = false;
	UNTIL(&stage, asleep->broken || client_has(asleep, "id: 1000200-0"));
	stage_rest(&stage);
	cr_expect_not(asleep->broken);
	cr_expect_lt(client_frames(asleep), 200 + states);
	for (unsigned n = 1; n <= 200; n++) {
		char id[32];

		snprintf(id, sizeof(id), "id: %u-0\n", 1000000 + n);
		cr_expect(client_has(asleep, id), "%s", id);
	}
}

Test(life, a_burst_larger_than_the_bound_closes_nobody_who_reads)
{
	struct client *client = client_listen(&stage, TEAM_A, "/v1/events/stream");
	char more[9000];

	snprintf(more, sizeof(more), ",\"metadata\":{\"a\":\"%08000d\"}", 7);
	for (unsigned n = 1; n <= 1000; n++) /* 8 MB in one batch */
		entry_show(&stage, n, event_json("host.up", TEAM_A, "host-1", more));
	batch_end(&stage, 1000);
	cr_expect(only_listener(&stage, TEAM_A)->blocked);
	UNTIL(&stage, client->broken || client_has(client, "id: 1001000-0\n"));
	UNTIL(&stage, client->broken || client_frames(client) == 1001);
	cr_expect_str_eq(client_entries(client), numbers(1, 1000));
}

Test(life, a_reader_who_stops_altogether_is_closed_after_a_while)
{
	struct client *client = client_listen(&stage, TEAM_A, "/v1/events/stream");
	struct subscriber *sub = only_listener(&stage, TEAM_A);
	unsigned n = 0;

	client->paused = true;
	while (!sub->blocked)
		entry_publish(&stage, ++n, large_json(TEAM_A));
	cr_expect(sub->stalled);
	cr_expect(deadline_is_waiting(&sub->quiet));
	deadline_stop(&sub->quiet);
	on_stall_due(&sub->quiet, stage.sse);
	UNTIL(&stage, stage.sse->listeners == 0);
	cr_expect_eq(metric_value(stage.sse->metrics.closes[CLOSE_STALLED]), 1);
}

Test(life, a_frame_cut_many_times_arrives_whole)
{
	struct client *client = client_listen(&stage, TEAM_A, "/v1/events/stream");
	char more[60100];
	const char *json;

	snprintf(more, sizeof(more), ",\"metadata\":{\"a\":\"%060000d\"}", 7);
	json = event_json("host.up", TEAM_A, "host-1", more);
	client_squeeze(client);
	entry_publish(&stage, 1, json);
	cr_expect(only_listener(&stage, TEAM_A)->partial);
	entry_publish(&stage, 2, HOST_UP(TEAM_A));
	UNTIL(&stage, client_has(client, "id: 1000002-0\n") || client->broken);
	cr_expect_eq(client_frame(client, 1).data.len,
		     strlen(event_json("host.up", TEAM_A, "host-1", more)));
	cr_expect_str_eq(client_entries(client), "1 2 ");
}

Test(life, what_arrives_while_a_reader_catches_up_is_sent_once)
{
	struct client *client = client_listen(&stage, TEAM_A, "/v1/events/stream");
	char more[60100];
	unsigned n = 1;

	snprintf(more, sizeof(more), ",\"metadata\":{\"a\":\"%060000d\"}", 7);
	client_squeeze(client);
	entry_publish(&stage, n, event_json("host.up", TEAM_A, "host-1", more));
	/* The socket takes the rest before the flush of the same turn. */
	while (only_listener(&stage, TEAM_A)->blocked) {
		entry_show(&stage, ++n, HOST_UP(TEAM_A));
		stage_turn(&stage);
	}
	entry_publish(&stage, ++n, HOST_UP(TEAM_A));
	UNTIL(&stage, client_frames(client) > n);
	cr_expect_str_eq(client_entries(client), numbers(1, n));
}

/* Readers of different speed, frames of every size, writes cut anywhere: all get the same frames,
 * whole and in order. Everything is within the bound, so no reader may be closed. */
Test(life, everybody_gets_the_same_however_they_read)
{
	static struct client *clients[24];
	static const size_t sizes[] = { 1, 100, 3000, 900, 20000, 12 };
	unsigned seed = 7;

	/* On a busy machine a reader that pauses may take nothing for twenty seconds. */
	stage.sse->stalls.length_ms = PATIENCE_MS;
	for (size_t i = 0; i < ARRAY_LEN(clients); i++)
		clients[i] =
			client_listen(&stage, i % 5 == 4 ? NULL : TEAM_A,
				      i % 5 == 4 ? "/v1/admin/events/stream" : "/v1/events/stream");
	for (size_t i = 0; i < ARRAY_LEN(clients); i += 3)
		client_squeeze(clients[i]);
	for (unsigned n = 1; n <= 200; n++) {
		char more[50000];

		snprintf(more, sizeof(more), ",\"metadata\":{\"a\":\"%0*d\"}",
			 (int)sizes[n % ARRAY_LEN(sizes)], 7);
		entry_add(&stage, n, event_json("host.up", TEAM_A, "host-1", more));
		entry_show(&stage, n, event_json("host.up", TEAM_A, "host-1", more));
		seed = seed * 1103515245 + 12345;
		for (size_t i = 0; i < ARRAY_LEN(clients); i++)
			clients[i]->paused = (seed >> 8) % (i + 1) > 2;
		if (seed >> 16 & 1)
			batch_end(&stage, n);
		if (seed >> 17 & 1)
			stage_turn(&stage);
	}
	batch_end(&stage, 200);
	for (size_t i = 0; i < ARRAY_LEN(clients); i++)
		clients[i]->paused = false;
	for (size_t i = 0; i < ARRAY_LEN(clients); i++) {
		UNTIL(&stage, clients[i]->broken || client_has(clients[i], "id: 1000200-0\n"));
		cr_assert_not(clients[i]->broken, "reader %zu was closed", i);
		stage_rest(&stage);
		cr_expect_str_eq(client_entries(clients[i]), numbers(1, 200), "reader %zu: %s", i,
				 client_entries(clients[i]));
	}
}

/* ---- the source ---------------------------------------------------------------------------- */

/* Nginx speaks HTTP/1.0 by default, so even the last words must come without a chunk. */
Test(silence, does_not_end_a_stream_over_http_1_0_that_lasts_until_the_connection_closes)
{
	struct client *client = client_open_plain(&stage, TEAM_A, "/v1/events/stream");
	struct client *filtered =
		client_open_plain(&stage, TEAM_A, "/v1/events/stream?event=host.up");
	char more[60100];

	UNTIL(&stage, client_frames(client) >= 1 && client_frames(filtered) >= 1);
	cr_expect_not(memmem(client->head.bytes, client->head.len, "chunked", 7));
	cr_expect(memmem(client->head.bytes, client->head.len, "\r\nConnection: close\r\n", 21));
	entry_publish(&stage, 1, HOST_UP(TEAM_A));
	snprintf(more, sizeof(more), ",\"metadata\":{\"a\":\"%060000d\"}", 7);
	client_squeeze(client);
	entry_publish(&stage, 2,
		      event_json("host.up", TEAM_A, "host-1", more)); /* cut many times */
	for (unsigned n = 3; n <= 40; n++)
		entry_publish(&stage, n, HOST_UP(TEAM_A));
	UNTIL(&stage,
	      client_has(client, "id: 1000040-0\n") && client_has(filtered, "id: 1000040-0\n"));
	cr_expect_str_eq(client_entries(client), numbers(1, 40));
	cr_expect_str_eq(client_entries(filtered), numbers(1, 40));
	UNTIL(&stage, client_has(client, ": keepalive\n\n"));
	stage_close_sse(&stage);
	UNTIL(&stage, client->broken);
	cr_expect(client_frame(client, client_frames(client) - 1).retry.at);
	cr_expect_eq(client->text.bytes[client->text.len - 1], '\n', "no last chunk");
}

Test(life, a_lost_source_is_told_once_and_the_stream_goes_on)
{
	struct client *client = client_listen(&stage, TEAM_A, "/v1/events/stream");
	struct client *filtered = client_listen(&stage, TEAM_A, "/v1/events/stream?event=host.up");
	const char *first;

	sse_on_source(false, stage.sse);
	sse_on_source(false, stage.sse);
	sse_on_source(true, stage.sse);
	entry_publish(&stage, 1, HOST_UP(TEAM_A));
	UNTIL(&stage, client_has(client, "id: 1000001-0") && client_has(filtered, "id: 1000001-0"));
	buf_text(&client->text);
	buf_text(&filtered->text);
	first = strstr(client->text.bytes, ": source lost\n\n");
	cr_assert(first);
	cr_expect_null(strstr(first + 1, ": source lost"));
	cr_expect(strstr(filtered->text.bytes, ": source lost\n\n"));
	cr_expect(strstr(first, ": source back\n\n"));
}

Test(life, a_stream_opened_while_the_source_is_lost_is_told_so_and_since_when)
{
	struct client *client;

	sse_on_source(false, stage.sse);
	cr_expect(sse_is_stale(stage.sse));
	client = client_listen(&stage, TEAM_A, "/v1/events/stream");
	cr_expect(client_has(client, "\"stale\":\"true\",\"stale_since\":\"20"));
	sse_on_source(true, stage.sse);
	UNTIL(&stage, client_has(client, ": source back\n\n"));
	cr_expect_not(sse_is_stale(stage.sse));
	cr_expect_not(client_has(client_listen(&stage, TEAM_A, "/v1/events/stream"), "stale"));
}

static void set_up_pulse(void)
{
	const struct sse_options options = { .keepalive_s = 60, .pulse_ms = 50 };

	stage_open(&stage, &options);
	stage_start(&stage, 0);
	/* The first pulse may have come before the connection. */
	UNTIL(&stage, !sse_is_stale(stage.sse));
}

TestSuite(pulse, .init = set_up_pulse, .fini = tear_down);

/* Twice, because the second pulse judges the answer to the first. */
static void source_ask_again(struct stage *on)
{
	const struct source *source = &on->sse->source;

	for (int i = 0; i < 2; i++) {
		int64_t before_ms = source->asked_ms;

		UNTIL(on, source->asked_ms > before_ms && !source->asking);
	}
}

Test(pulse, an_entry_that_does_not_arrive_makes_every_stream_stale_until_it_does)
{
	struct client *client = client_listen(&stage, TEAM_A, "/v1/events/stream");
	struct client *admin = client_listen(&stage, NULL, "/v1/admin/events/stream");

	entry_add(&stage, 1, HOST_UP(TEAM_B));
	UNTIL(&stage, client_has(client, ": source lost\n\n"));
	UNTIL(&stage, client_has(admin, ": source lost\n\n"));
	cr_expect_eq(metric_value(stage.sse->metrics.stale), 1);
	entry_show(&stage, 1, HOST_UP(TEAM_B));
	cr_expect(sse_is_stale(stage.sse));
	batch_end(&stage, 1);
	cr_expect_not(sse_is_stale(stage.sse));
	UNTIL(&stage, client_has(client, ": source back\n\n"));
	cr_expect_eq(metric_value(stage.sse->metrics.stale), 0);
}

Test(pulse, a_redis_that_hangs_makes_every_stream_stale)
{
	struct client *client = client_listen(&stage, TEAM_A, "/v1/events/stream");

	kill(stage.redis_server.pid, SIGSTOP);
	UNTIL(&stage, client_has(client, ": source lost\n\n"));
	kill(stage.redis_server.pid, SIGCONT);
	UNTIL(&stage, client_has(client, ": source back\n\n"));
}

/* It can no longer be read, so its absence is no delay. */
Test(pulse, an_entry_deleted_before_it_was_read_makes_no_stream_stale)
{
	const struct source *source = &stage.sse->source;
	struct client *client = client_listen(&stage, TEAM_A, "/v1/events/stream");

	entry_publish(&stage, 1, HOST_UP(TEAM_A));
	entry_add(&stage, 2, HOST_UP(TEAM_A));
	redis_server_do(&stage.redis_server, "XDEL wrenn:events 1000002-0");
	source_ask_again(&stage);
	cr_expect_eq(stream_id_compare(source->newest, entry_id(1)), 0);
	cr_expect_not(sse_is_stale(stage.sse));
	cr_expect_not(client_has(client, ": source lost"));
}

Test(life, a_stream_is_refused_before_the_source_was_ever_there)
{
	struct client *client;

	stage.sse->started = false;
	client = client_open(&stage, TEAM_A, "/v1/events/stream", "");
	client_expect_turned_away(client, ": the event stream is not read yet, try again\n");
	client = client_open(&stage, TEAM_A, "/v1/events/stream", "Accept: application/json\r\n");
	UNTIL(&stage, client->status);
	cr_expect_eq(client->status, 503);
	cr_expect(memmem(client->head.bytes, client->head.len, "Retry-After", 11));
	stage.sse->started = true;
}

/* ---- the end ------------------------------------------------------------------------------- */

Test(life, the_end_tells_everyone_when_to_come_back)
{
	const struct metric *closes = stage.sse->metrics.closes[CLOSE_SHUTDOWN];
	struct client *clients[20];
	int first = 0;
	bool differ = false;

	for (size_t i = 0; i < ARRAY_LEN(clients); i++)
		clients[i] = client_listen(&stage, TEAM_A, "/v1/events/stream");
	stage_close_sse(&stage);
	for (size_t i = 0; i < ARRAY_LEN(clients); i++) {
		struct heard last;
		int retry_ms;

		UNTIL(&stage, clients[i]->broken);
		cr_expect(clients[i]->ended);
		last = client_frame(clients[i], client_frames(clients[i]) - 1);
		cr_assert(last.retry.at, "%.*s", STR_ARGS(last.all));
		retry_ms = (int)strtol(last.retry.at, NULL, 10);
		cr_expect(retry_ms >= 1000 && retry_ms <= 10000, "%d", retry_ms);
		differ = differ || (first && retry_ms != first);
		first = retry_ms;
	}
	cr_expect(differ, "everybody would come back at once");
	cr_expect_eq(metric_value(closes), ARRAY_LEN(clients));
}

Test(life, the_end_waits_for_look_ups_and_openings_under_way)
{
	struct client *client = client_listen(&stage, TEAM_A, "/v1/events/stream");
	struct client *opening;

	stage.sse->history.floor = entry_id(5);
	stage.sse->history.head = entry_id(5);
	kill(stage.redis_server.pid, SIGSTOP); /* it must not answer yet */
	opening = client_open(&stage, TEAM_A, "/v1/events/stream?since=earliest", "");
	UNTIL(&stage, stage.sse->pending == 1);
	entry_show(&stage, 6, event_json("capsule.destroy", TEAM_A, CAPSULE, ""));
	batch_end(&stage, 6);
	cr_expect_eq(stage.sse->lookups.running, 1);
	stage_begin_close_sse(&stage);
	UNTIL(&stage, client->broken && stage.sse->pending == 1);
	cr_expect_eq(stage.closed, 0);
	kill(stage.redis_server.pid, SIGCONT);
	stage_end_close_sse(&stage);
	client_expect_turned_away(opening, ": the service is stopping, try again\n");
}
