/* SPDX-License-Identifier: Apache-2.0 */

/* Open streams: the greeting, who gets which events, and in which order. */
#include <criterion/criterion.h>
#include <semaphore.h>
#include <sys/socket.h>

#include "core/json.h"
#include "sse/turn.h"
#include "tests/unit/sse/stage.h"

static struct stage stage;

static void set_up(void)
{
	const struct sse_options options = { .max_streams_per_team = 100 };

	stage_open(&stage, &options);
	stage_start(&stage, 0);
}

static void tear_down(void)
{
	stage_close(&stage);
}

TestSuite(stream, .init = set_up, .fini = tear_down);

Test(stream, greets_with_the_position_it_starts_from)
{
	struct client *client;
	struct heard heard;
	cJSON *json;
	int retry_ms;

	batch_end(&stage, 7);
	client = client_listen(&stage, TEAM_A, "/v1/events/stream");
	heard = client_frame(client, 0);
	cr_expect(str_is(heard.event, "connected"));
	cr_expect(str_is(heard.id, "1000007-0"), "%.*s", STR_ARGS(heard.id));
	retry_ms = (int)strtol(heard.retry.at, NULL, 10);
	cr_expect(retry_ms >= 2000 && retry_ms <= 3000, "%d", retry_ms);
	cr_assert_eq(json_parse(heard.data, 4096, &json, NULL), 0, "%.*s", STR_ARGS(heard.data));
	cr_expect_str_eq(cJSON_GetStringValue(json_get(json, "event")), "connected");
	cr_expect_str_eq(cJSON_GetStringValue(json_get(json, "message")), "connected");
	cr_expect(cJSON_IsString(json_get(json, "timestamp")));
	cr_expect_str_eq(cJSON_GetStringValue(json_get(json_get(json, "metadata"), "cursor")),
			 "1000007-0");
	cr_expect_null(json_get(json, "gap"));
	cr_expect_null(json_get(json_get(json, "metadata"), "gap"));
	cJSON_Delete(json);
	cr_expect(memmem(client->head.bytes, client->head.len, "text/event-stream", 17));
	cr_expect(memmem(client->head.bytes, client->head.len, "X-Accel-Buffering: no", 21));
}

Test(stream, sends_an_event_as_one_frame)
{
	struct client *client = client_listen(&stage, TEAM_A, "/v1/events/stream");

	entry_publish(&stage, 1, HOST_UP(TEAM_A));
	UNTIL(&stage, client_frames(client) == 2);
	cr_expect(
		str_is(client_frame(client, 1).all,
		       "event: host.up\ndata: {\"event\":\"host.up\","
		       "\"timestamp\":\"2026-05-24T05:02:08Z\",\"team_id\":\"" TEAM_A "\","
		       "\"actor\":{\"type\":\"system\"},\"resource\":{\"id\":"
		       "\"host-0000000000000000000000009\",\"type\":\"sandbox\"}}\nid: 1000001-0"),
		"%.*s", STR_ARGS(client_frame(client, 1).all));
}

Test(stream, keeps_teams_apart_and_shows_all_to_the_administrator)
{
	struct client *a = client_listen(&stage, TEAM_A, "/v1/events/stream");
	struct client *b = client_listen(&stage, TEAM_B, "/v1/events/stream");
	struct client *admin = client_listen(&stage, NULL, "/v1/admin/events/stream");

	for (unsigned n = 1; n <= 6; n++)
		entry_show(&stage, n, HOST_UP(n % 3 ? TEAM_A : TEAM_B));
	batch_end(&stage, 6);
	UNTIL(&stage, client_frames(admin) == 7);
	stage_rest(&stage);
	cr_expect_str_eq(client_entries(a), "1 2 4 5 ");
	cr_expect_str_eq(client_entries(b), "3 6 ");
	cr_expect_str_eq(client_entries(admin), numbers(1, 6));
	cr_expect_not(client_has(a, TEAM_B));
	cr_expect_not(client_has(b, TEAM_A));
}

Test(stream, ignores_entries_it_was_shown_already_and_those_about_nothing)
{
	struct client *client = client_listen(&stage, TEAM_A, "/v1/events/stream");

	entry_publish(&stage, 5, HOST_UP(TEAM_A));
	entry_show(&stage, 5, HOST_UP(TEAM_A));
	entry_show(&stage, 4, HOST_UP(TEAM_A));
	entry_show(&stage, 6,
		   event_json("capsule.create", TEAM_A, "cl-0000000000000000000000000", ""));
	entry_show(&stage, 7, event_json("volume.create", TEAM_A, "vol-1", ""));
	entry_show(&stage, 8, HOST_UP(TEAM_A));
	batch_end(&stage, 8);
	UNTIL(&stage, client_frames(client) == 3);
	stage_rest(&stage);
	cr_expect_str_eq(client_entries(client), "5 8 ");
}

Test(stream, sends_what_came_after_it_was_opened_and_nothing_from_before)
{
	struct client *client;

	entry_publish(&stage, 1, HOST_UP(TEAM_A));
	client = client_listen(&stage, TEAM_A, "/v1/events/stream");
	entry_publish(&stage, 2, HOST_UP(TEAM_A));
	UNTIL(&stage, client_frames(client) == 2);
	stage_rest(&stage);
	cr_expect_str_eq(client_entries(client), "2 ");
}

/* ---- capsules ---------------------------------------------------------------------------- */

static cJSON *sandbox_of(const struct client *client, size_t index, cJSON **root)
{
	struct str data = client_frame(client, index).data;

	cr_assert_eq(json_parse(data, 65536, root, NULL), 0, "%.*s", STR_ARGS(data));
	cr_assert(cJSON_GetObjectItemCaseSensitive(*root, "sandbox"), "%.*s", STR_ARGS(data));
	return cJSON_GetObjectItemCaseSensitive(*root, "sandbox");
}

static const char *status_of(const struct client *client, size_t index)
{
	static char status[64];
	cJSON *root;
	const cJSON *sandbox = sandbox_of(client, index, &root);
	const char *text = cJSON_GetStringValue(json_get(sandbox, "status"));

	snprintf(status, sizeof(status), "%s", text ? text : "null");
	cJSON_Delete(root);
	return status;
}

Test(stream, shows_the_capsule_s_row_without_its_addresses)
{
	struct client *client = client_listen(&stage, TEAM_A, "/v1/events/stream");

	capsule_add(&stage, CAPSULE, TEAM_A, "starting");
	entry_publish(&stage, 1,
		      event_json("capsule.destroy", TEAM_A, CAPSULE, ",\"outcome\":\"success\""));
	UNTIL(&stage, client_frames(client) == 2);
	cr_expect(client_has(client, ",\"sandbox\":{\"id\":\"" CAPSULE "\",\"status\":\"starting\","
				     "\"template\":\"minimal\",\"vcpus\":2,\"memory_mb\":2048,"
				     "\"timeout_sec\":600,\"disk_size_mb\":5120,"
				     "\"created_at\":\"2026-05-24T04:40:00Z\","
				     "\"started_at\":\"2026-05-24T04:41:00Z\","
				     "\"last_updated\":\"2026-05-24T05:02:08Z\","
				     "\"metadata\":{\"a\":\"b\"}}}\nid: 1000001-0\n\n"),
		  "%.*s", STR_ARGS(client_frame(client, 1).data));
}

Test(stream, lets_the_systems_word_about_the_status_win_over_the_row)
{
	struct client *client = client_listen(&stage, TEAM_A, "/v1/events/stream");

	capsule_add(&stage, CAPSULE, TEAM_A, "stopping");
	entry_show(&stage, 1,
		   event_json("capsule.create", TEAM_A, CAPSULE, ",\"outcome\":\"success\""));
	entry_show(&stage, 2,
		   event_json("capsule.pause", TEAM_A, CAPSULE, ",\"outcome\":\"success\""));
	entry_show(&stage, 3,
		   event_json("capsule.pause", TEAM_A, CAPSULE, ",\"outcome\":\"error\""));
	batch_end(&stage, 3);
	UNTIL(&stage, client_frames(client) == 4);
	cr_expect_str_eq(status_of(client, 1), "running");
	cr_expect_str_eq(status_of(client, 2), "paused");
	cr_expect_str_eq(status_of(client, 3), "stopping");
}

Test(stream, shows_nothing_of_a_foreign_or_unknown_capsule)
{
	struct client *client = client_listen(&stage, TEAM_A, "/v1/events/stream");
	static const char *const about[] = { CAPSULE, "cl-0000000000000000000000006", "not an id" };

	capsule_add(&stage, CAPSULE, TEAM_B, "running");
	for (unsigned i = 0; i < ARRAY_LEN(about); i++)
		entry_publish(
			&stage, i + 1,
			event_json("capsule.pause", TEAM_A, about[i], ",\"outcome\":\"success\""));
	UNTIL(&stage, client_frames(client) == 4);
	for (unsigned i = 0; i < ARRAY_LEN(about); i++)
		cr_expect_str_eq(status_of(client, i + 1), "null", "%s", about[i]);
}

Test(stream, does_not_let_one_damaged_row_spoil_the_others)
{
	struct client *client = client_listen(&stage, TEAM_A, "/v1/events/stream");

	capsule_add(&stage, CAPSULE, TEAM_A, "running");
	capsule_add(&stage, "cl-0000000000000000000000006", TEAM_A, "running");
	capsule_add(&stage, "cl-0000000000000000000000007", TEAM_A, "running");
	capsule_add(&stage, "cl-0000000000000000000000008", TEAM_A, "running");
	database_ask(&stage.database, "UPDATE sandboxes SET created_at = 'yesterday'"
				      " WHERE id LIKE '%6'");
	database_ask(&stage.database, "UPDATE sandboxes SET status = 'thawing' WHERE id LIKE '%7'");
	for (unsigned n = 5; n <= 8; n++) {
		char capsule[64];

		snprintf(capsule, sizeof(capsule), "cl-000000000000000000000000%u", n);
		entry_show(&stage, n, event_json("capsule.destroy", TEAM_A, capsule, ""));
	}
	batch_end(&stage, 8);
	UNTIL(&stage, client_frames(client) == 5);
	cr_expect_str_eq(status_of(client, 1), "running");
	cr_expect_str_eq(status_of(client, 2), "null");
	cr_expect_str_eq(status_of(client, 3), "null", "a status no client knows");
	cr_expect_str_eq(status_of(client, 4), "running");
}

/* Blocks a reader of the store until it is released. */
struct hold {
	struct store_job job;
	sem_t *gate;
	unsigned *done;
};

static int hold_run(struct db *db, struct store_job *job)
{
	(void)db;
	sem_wait(container_of(job, struct hold, job)->gate);
	return 0;
}

static void hold_done(struct store_job *job, int rc)
{
	(void)rc;
	++*container_of(job, struct hold, job)->done;
}

static void hold_readers(struct hold holds[2], sem_t *gate, unsigned *done)
{
	sem_init(gate, 0, 0);
	for (int i = 0; i < 2; i++) {
		holds[i] = (struct hold){ .job = { .run = hold_run, .on_done = hold_done },
					  .gate = gate,
					  .done = done };
		cr_assert_eq(store_read(stage.store, &holds[i].job), 0);
	}
}

Test(stream, waits_for_a_slow_capsule_in_order_and_holds_up_nobody_else)
{
	struct client *all = client_listen(&stage, TEAM_A, "/v1/events/stream");
	struct client *hosts = client_listen(&stage, TEAM_A, "/v1/events/stream?event=host.*");
	struct client *other = client_listen(&stage, TEAM_B, "/v1/events/stream");
	struct client *late;
	struct hold holds[2];
	unsigned done = 0;
	sem_t gate;

	capsule_add(&stage, CAPSULE, TEAM_A, "running");
	hold_readers(holds, &gate, &done);
	entry_publish(&stage, 1, HOST_UP(TEAM_A));
	entry_publish(&stage, 2, event_json("capsule.destroy", TEAM_A, CAPSULE, ""));
	entry_publish(&stage, 3, HOST_UP(TEAM_A));
	entry_publish(&stage, 4, HOST_UP(TEAM_B));
	UNTIL(&stage, client_frames(hosts) == 3 && client_frames(other) == 2);
	late = client_listen(&stage, TEAM_A, "/v1/events/stream");
	entry_publish(&stage, 5, HOST_UP(TEAM_A));
	UNTIL(&stage, client_frames(late) == 2);
	cr_expect_str_eq(client_entries(all), "1 ");
	sem_post(&gate);
	sem_post(&gate);
	UNTIL(&stage, client_frames(all) == 5);
	cr_expect_str_eq(client_entries(all), "1 2 3 5 ");
	cr_expect_str_eq(status_of(all, 2), "running");
	cr_expect_str_eq(client_entries(hosts), "1 3 5 ");
	cr_expect_str_eq(client_entries(late), "5 ");
	UNTIL(&stage, done == 2);
}

Test(stream, shows_null_when_a_capsule_takes_longer_than_two_seconds)
{
	struct client *client = client_listen(&stage, TEAM_A, "/v1/events/stream");
	struct hold holds[2];
	unsigned done = 0;
	sem_t gate;

	capsule_add(&stage, CAPSULE, TEAM_A, "running");
	hold_readers(holds, &gate, &done);
	entry_publish(&stage, 1, event_json("capsule.destroy", TEAM_A, CAPSULE, ""));
	UNTIL(&stage, client_frames(client) == 2);
	cr_expect_str_eq(status_of(client, 1), "null");
	cr_expect_eq(metric_value(stage.sse->metrics.lookups[LOOKUP_LATE]), 1);
	cr_expect_eq(done, 0);
	sem_post(&gate);
	sem_post(&gate);
	UNTIL(&stage, done == 2 && stage.sse->lookups.running == 0);
}

Test(stream, looks_nothing_up_that_nobody_listens_to)
{
	struct client *client = client_listen(&stage, TEAM_A, "/v1/events/stream?event=host.up");
	int64_t before = metric_value(stage.sse->metrics.lookups[LOOKUP_NONE]);

	entry_publish(&stage, 1, event_json("capsule.destroy", TEAM_A, CAPSULE, ""));
	entry_publish(&stage, 2, event_json("capsule.destroy", TEAM_B, CAPSULE, ""));
	entry_publish(&stage, 3, HOST_UP(TEAM_A));
	UNTIL(&stage, client_frames(client) == 2);
	stage_rest(&stage);
	cr_expect_eq(metric_value(stage.sse->metrics.lookups[LOOKUP_NONE]), before);
}

Test(stream, looks_a_capsule_up_once_however_many_listen)
{
	struct client *a = client_listen(&stage, TEAM_A, "/v1/events/stream");
	struct client *b = client_listen(&stage, TEAM_A, "/v1/events/stream?event=capsule.*");
	struct client *c = client_listen(&stage, NULL, "/v1/admin/events/stream");

	capsule_add(&stage, CAPSULE, TEAM_A, "running");
	entry_publish(&stage, 1, event_json("capsule.destroy", TEAM_A, CAPSULE, ""));
	UNTIL(&stage, client_frames(a) == 2 && client_frames(b) == 2 && client_frames(c) == 2);
	cr_expect_eq(metric_value(stage.sse->metrics.lookups[LOOKUP_ROW]), 1);
}

/* ---- transient events -------------------------------------------------------------------- */

#define CHANGED(team)                                      \
	event_json("capsule.state.changed", team, CAPSULE, \
		   ",\"metadata\":{\"from\":\"\",\"to\":\"x\"}")

Test(stream, sends_transient_events_without_an_id_and_never_again)
{
	struct client *client = client_listen(&stage, TEAM_A, "/v1/events/stream");
	struct client *later;

	entry_publish(&stage, 1, HOST_UP(TEAM_A));
	entry_show_transient(&stage, CHANGED(TEAM_A));
	entry_show_transient(&stage, CHANGED(TEAM_B));
	UNTIL(&stage, client_frames(client) == 3);
	cr_expect_null(client_frame(client, 2).id.at);
	cr_expect(str_is(client_frame(client, 2).event, "capsule.state.changed"));
	later = client_listen(&stage, TEAM_A, "/v1/events/stream?since=earliest");
	entry_show_transient(&stage, CHANGED(TEAM_A));
	entry_publish(&stage, 2, HOST_UP(TEAM_A));
	UNTIL(&stage, client_frames(later) == 4 && client_frames(client) == 5);
	cr_expect_str_eq(client_entries(client), "1 - - 2 ");
	cr_expect_str_eq(client_entries(later), "1 - 2 ");
}

/* On a connection that is already open, so that its request is read within one turn. */
static void ask_again(struct client *client, const char *request)
{
	buf_reset(&client->head);
	buf_reset(&client->text);
	client->status = 0;
	cr_assert_eq(send(client->fd, request, strlen(request), 0), (ssize_t)strlen(request));
}

Test(stream, opened_between_an_arrival_and_its_flush_does_not_get_it)
{
	struct client *there = client_listen(&stage, TEAM_A, "/v1/events/stream");
	struct client *client = client_open(&stage, TEAM_A, "/v1/events/wait?timeout=0", "");

	UNTIL(&stage, client->status == 400);
	stage_rest(&stage);
	ask_again(client,
		  "GET /v1/events/stream HTTP/1.1\r\nHost: x\r\nX-Test-Team: " TEAM_A "\r\n\r\n");
	entry_show(&stage, 1, HOST_UP(TEAM_A)); /* flushed at the end of the turn */
	stage_turn(&stage);
	cr_expect_eq(client->status, 200, "the test missed its turn");
	entry_publish(&stage, 2, HOST_UP(TEAM_A));
	UNTIL(&stage, client_frames(client) == 2 && client_frames(there) == 3);
	cr_expect(str_is(client_frame(client, 0).id, "1000001-0"));
	cr_expect_str_eq(client_entries(client), "2 ");
}

Test(stream, does_not_take_other_kinds_from_the_transient_side)
{
	struct client *client = client_listen(&stage, TEAM_A, "/v1/events/stream");

	entry_show_transient(&stage, HOST_UP(TEAM_A));
	entry_publish(&stage, 1, HOST_UP(TEAM_A));
	UNTIL(&stage, client_frames(client) == 2);
	cr_expect_str_eq(client_entries(client), "1 ");
}

/* ---- filters ----------------------------------------------------------------------------- */

Test(stream, filters_live_and_replayed_events_alike)
{
	static const char path[] =
		"/v1/events/stream?event=capsule.*&outcome=error&resource=" CAPSULE
		"&since=earliest";
	struct client *client;

	entry_publish(&stage, 1,
		      event_json("capsule.pause", TEAM_A, CAPSULE, ",\"outcome\":\"error\""));
	entry_publish(&stage, 2,
		      event_json("capsule.pause", TEAM_A, CAPSULE, ",\"outcome\":\"success\""));
	entry_publish(&stage, 3, HOST_UP(TEAM_A));
	client = client_listen(&stage, TEAM_A, path);
	entry_publish(&stage, 4,
		      event_json("capsule.pause", TEAM_A, "cl-0000000000000000000000006",
				 ",\"outcome\":\"error\""));
	entry_publish(&stage, 5,
		      event_json("capsule.create", TEAM_A, CAPSULE, ",\"outcome\":\"error\""));
	UNTIL(&stage, client_frames(client) == 3);
	stage_rest(&stage);
	cr_expect_str_eq(client_entries(client), "1 5 ");
}

Test(stream, sends_volumes_only_to_those_who_name_them)
{
	static const char *const paths[] = {
		"/v1/events/stream?since=earliest", "/v1/events/stream?since=earliest&event=*",
		"/v1/events/stream?since=earliest&event=*,volume.*",
		"/v1/events/stream?since=earliest&event=volume.delete"
	};
	static const char *const wanted[] = { "3 ", "3 ", "1 2 3 ", "2 " };
	struct client *clients[ARRAY_LEN(paths)];

	entry_publish(&stage, 1, event_json("volume.create", TEAM_A, "vol-1", ""));
	for (size_t i = 0; i < ARRAY_LEN(paths); i++)
		clients[i] = client_listen(&stage, TEAM_A, paths[i]);
	entry_publish(&stage, 2, event_json("volume.delete", TEAM_A, "vol-1", ""));
	entry_publish(&stage, 3, HOST_UP(TEAM_A));
	for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
		size_t frames = 1 + strlen(wanted[i]) / 2;

		UNTIL(&stage, client_frames(clients[i]) == frames);
	}
	stage_rest(&stage);
	for (size_t i = 0; i < ARRAY_LEN(paths); i++)
		cr_expect_str_eq(client_entries(clients[i]), wanted[i], "%s", paths[i]);
	cr_expect_not(client_has(clients[2], "\"sandbox\":"));
}

Test(stream, refuses_a_bad_query_with_a_plain_error)
{
	struct client *client =
		client_open(&stage, TEAM_A, "/v1/events/stream?event=volume.attach", "");

	UNTIL(&stage, client->status && client->text.len > 0);
	cr_expect_eq(client->status, 400);
	cr_expect(client_has(client, "\"code\":\"invalid_request\""));
	cr_expect(client_has(client, "volume.attach"));
}

Test(stream, counts_streams_and_waits_against_the_team_s_limit)
{
	struct client *kept[4];
	struct client *client;

	stage.sse->options.max_streams_per_team = 3;
	kept[0] = client_listen(&stage, TEAM_A, "/v1/events/stream");
	kept[1] = client_listen(&stage, TEAM_A, "/v1/events/stream");
	kept[2] = client_open(&stage, TEAM_A, "/v1/events/wait", "");
	UNTIL(&stage, stage.sse->listeners == 3);
	client = client_open(&stage, TEAM_A, "/v1/events/stream", "Accept: text/event-stream\r\n");
	client_expect_turned_away(client,
				  ": too many open streams and waits, close one and try again\n");
	client = client_open(&stage, TEAM_A, "/v1/events/stream", "Accept: application/json\r\n");
	UNTIL(&stage, client->status);
	cr_expect_eq(client->status, 429);
	client = client_open(&stage, TEAM_A, "/v1/events/wait", "Accept: text/event-stream\r\n");
	UNTIL(&stage, client->status);
	cr_expect_eq(client->status, 429);
	client_listen(&stage, TEAM_B, "/v1/events/stream");
	for (int i = 0; i < 3; i++)
		client_listen(&stage, NULL, "/v1/admin/events/stream");
	client = client_open(&stage, NULL, "/v1/admin/events/stream", "");
	client_expect_turned_away(client,
				  ": too many open streams and waits, close one and try again\n");

	client_close(kept[0]);
	client_close(kept[2]);
	UNTIL(&stage, stage.sse->listeners == 5);
	client_listen(&stage, TEAM_A, "/v1/events/stream");
}

/* At once, before the service has noticed that it left. */
Test(stream, lets_a_client_back_in_that_has_just_left)
{
	struct client *client;

	stage.sse->options.max_streams_per_team = 1;
	client = client_listen(&stage, TEAM_A, "/v1/events/stream");
	for (int i = 0; i < 50; i++) {
		client_close(client);
		client = client_open(&stage, TEAM_A, "/v1/events/stream", "");
		UNTIL(&stage, client->status);
		cr_assert_eq(client->status, 200);
	}
}

Test(stream, ends_before_an_event_that_could_not_be_made)
{
	struct client *client = client_listen(&stage, TEAM_A, "/v1/events/stream");
	struct client *filtered =
		client_listen(&stage, TEAM_B, "/v1/events/stream?outcome=success");
	struct buf small;

	buf_init(&small, 8);
	for (unsigned n = 1; n <= 2; n++) {
		const char *team = n == 1 ? TEAM_A : TEAM_B;

		entry_show(
			&stage, n,
			event_json("capsule.destroy", team, CAPSULE, ",\"outcome\":\"success\""));
		cr_assert_lt(item_finish(stage.sse->history.all.newest, STR("null"), &small), 0);
	}
	/* A write before the turn ends must send neither this event nor a later one, whose id would
	 * hide that this one is missing. */
	entry_publish(&stage, 3, HOST_UP(TEAM_A));
	entry_publish(&stage, 4,
		      event_json("host.up", TEAM_B, "host-1", ",\"outcome\":\"success\""));
	stage_rest(&stage);
	cr_expect_str_eq(client_entries(client), "");
	cr_expect_str_eq(client_entries(filtered), "");
	turn_lose(stage.sse);
	UNTIL(&stage, client->ended && filtered->ended);
	cr_expect_str_eq(client_entries(client), "");
	buf_done(&small);
	cr_expect_eq(metric_value(stage.sse->metrics.closes[CLOSE_FAILED]), 2);
}
