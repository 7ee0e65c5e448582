/* SPDX-License-Identifier: Apache-2.0 */

/* Waiting for one event. */
#include <criterion/criterion.h>
#include <sys/socket.h>

#include "core/json.h"
#include "sse/turn.h"
#include "tests/unit/sse/stage.h"

static struct stage stage;

static void set_up(void)
{
	const struct sse_options options = { .history_bytes = 8000 };

	stage_open(&stage, &options);
	stage_start(&stage, 0);
}

static void tear_down(void)
{
	stage_close(&stage);
}

TestSuite(wait, .init = set_up, .fini = tear_down);

static struct client *ask(const char *query)
{
	char path[256];

	snprintf(path, sizeof(path), "/v1/events/wait%s", query);
	return client_open(&stage, TEAM_A, path, "");
}

static void expect_answer(struct client *client, const char *id, const char *kind)
{
	cJSON *json;

	UNTIL(&stage, client->status && client->text.len > 0);
	cr_assert_eq(client->status, 200, "%.*s", STR_ARGS(buf_str(&client->text)));
	cr_expect_eq(client->text.bytes[client->text.len - 1], '\n');
	cr_assert_eq(json_parse(str_trim(buf_str(&client->text)), 65536, &json, NULL), 0);
	cr_expect_str_eq(cJSON_GetStringValue(json_get(json, "id")), id);
	cr_expect_str_eq(cJSON_GetStringValue(json_get(json, "event")), kind);
	cr_expect(cJSON_IsObject(json_get(json, "resource")));
	cJSON_Delete(json);
}

static void until_waiting(size_t count)
{
	UNTIL(&stage, stage.sse->listeners == count);
	stage_rest(&stage);
}

Test(wait, answers_as_soon_as_the_first_match_exists)
{
	struct client *client = ask("?event=template.snapshot.create&resource=base");

	until_waiting(1);
	entry_publish(&stage, 1, HOST_UP(TEAM_A));
	entry_publish(&stage, 2, event_json("template.snapshot.create", TEAM_A, "other", ""));
	entry_publish(&stage, 3, event_json("template.snapshot.create", TEAM_B, "base", ""));
	stage_rest(&stage);
	cr_expect_eq(client->status, 0);
	entry_show(&stage, 4, event_json("template.snapshot.create", TEAM_A, "base", ""));
	entry_show(&stage, 5, event_json("template.snapshot.create", TEAM_A, "base", ""));
	batch_end(&stage, 5);
	expect_answer(client, "1000004-0", "template.snapshot.create");
	UNTIL(&stage, stage.sse->listeners == 0);
}

Test(wait, answers_at_once_with_what_already_lies_after_the_cursor)
{
	for (unsigned n = 1; n <= 5; n++)
		entry_publish(&stage, n, HOST_UP(TEAM_A));
	expect_answer(ask("?last_event_id=1000002-0"), "1000003-0", "host.up");
	expect_answer(ask("?since=earliest"), "1000001-0", "host.up");
	expect_answer(ask("?since=1970-01-01T00:16:40.004Z"), "1000004-0", "host.up");
	cr_expect_eq(metric_value(stage.sse->metrics.waits[WAIT_FOUND]), 3);
}

Test(wait, finds_it_in_redis_before_the_history)
{
	entry_publish(&stage, 1, event_json("template.snapshot.create", TEAM_A, "base", ""));
	for (unsigned n = 2; n <= 60; n++)
		entry_publish(&stage, n, HOST_UP(TEAM_A));
	cr_assert(stage.sse->history.floor.ms > entry_id(1).ms);
	expect_answer(ask("?since=earliest&event=template.*"), "1000001-0",
		      "template.snapshot.create");
}

Test(wait, ends_without_content_and_with_a_cursor_when_the_time_is_up)
{
	struct client *client = ask("?timeout=1&event=host.down");

	until_waiting(1);
	entry_publish(&stage, 7, HOST_UP(TEAM_A));
	UNTIL(&stage, client->status);
	cr_expect_eq(client->status, 204);
	cr_expect(memmem(client->head.bytes, client->head.len, "X-Wrenn-Cursor: 1000007-0\r\n", 27),
		  "%.*s", STR_ARGS(buf_str(&client->head)));
	UNTIL(&stage, stage.sse->listeners == 0);
	cr_expect_eq(metric_value(stage.sse->metrics.waits[WAIT_TIMED_OUT]), 1);
	entry_publish(&stage, 8, event_json("host.down", TEAM_A, "host-1", ""));
	expect_answer(ask("?event=host.down&last_event_id=1000007-0"), "1000008-0", "host.down");
}

Test(wait, shows_the_capsule_like_a_stream_does)
{
	struct client *client = ask("");

	until_waiting(1);
	capsule_add(&stage, CAPSULE, TEAM_A, "running");
	entry_publish(&stage, 1, event_json("capsule.destroy", TEAM_A, CAPSULE, ""));
	expect_answer(client, "1000001-0", "capsule.destroy");
	cr_expect(client_has(client, "\"sandbox\":{\"id\":\"" CAPSULE "\""));
}

Test(wait, is_refused_when_the_answer_may_be_lost_already)
{
	struct client *client;

	for (unsigned n = 1; n <= 60; n++)
		entry_publish(&stage, n, HOST_UP(TEAM_A));
	redis_server_do(&stage.redis_server, "XTRIM wrenn:events MINID 1000030-0");
	client = ask("?last_event_id=1000005-0");
	UNTIL(&stage, client->status && client->text.len);
	cr_expect_eq(client->status, 409);
	cr_expect(client_has(client, "\"invalid_state\""));
	cr_expect_eq(stage.sse->listeners, 0);
	expect_answer(ask("?since=earliest"), "1000030-0", "host.up");
}

Test(wait, refuses_bad_limits)
{
	static const char *const queries[] = { "?timeout=0", "?timeout=601",
					       "?timeout=", "?timeout=x",
					       "?since=1m&last_event_id=1-1" };

	for (size_t i = 0; i < ARRAY_LEN(queries); i++) {
		struct client *client = ask(queries[i]);

		UNTIL(&stage, client->status);
		cr_expect_eq(client->status, 400, "%s", queries[i]);
	}
}

Test(wait, is_forgotten_when_the_client_leaves)
{
	struct client *client = ask("");

	until_waiting(1);
	client_close(client);
	UNTIL(&stage, stage.sse->listeners == 0);
	entry_publish(&stage, 1, HOST_UP(TEAM_A));
}

Test(wait, tells_a_client_that_only_stopped_sending_where_to_go_on)
{
	struct client *client = ask("?event=host.down");

	until_waiting(1);
	entry_publish(&stage, 7, HOST_UP(TEAM_A));
	cr_assert_eq(shutdown(client->fd, SHUT_WR), 0);
	UNTIL(&stage, client->status);
	cr_expect_eq(client->status, 204);
	cr_expect(memmem(client->head.bytes, client->head.len, "X-Wrenn-Cursor: 1000007-0\r\n", 27),
		  "%.*s", STR_ARGS(buf_str(&client->head)));
	UNTIL(&stage, stage.sse->listeners == 0);
	cr_expect_eq(metric_value(stage.sse->metrics.waits[WAIT_LEFT]), 1);
}

Test(wait, is_refused_an_item_that_could_not_be_made)
{
	struct client *client = ask("");
	struct buf small;
	struct item *item;

	until_waiting(1);
	buf_init(&small, 8);
	entry_show(&stage, 1, event_json("capsule.destroy", TEAM_A, CAPSULE, ""));
	item = stage.sse->history.all.newest;
	cr_assert_lt(item_finish(item, STR("null"), &small), 0);
	batch_end(&stage, 1);
	stage_rest(&stage);
	cr_expect_eq(client->status, 0, "an item without bytes is no answer");
	turn_lose(stage.sse);
	UNTIL(&stage, client->status);
	cr_expect_eq(client->status, 503);
	cr_expect_not(client_has(client, CAPSULE));
	buf_done(&small);
}

Test(wait, is_refused_when_events_were_missed_meanwhile)
{
	struct client *client = ask("");

	until_waiting(1);
	sse_on_gap(entry_id(50), stage.sse);
	UNTIL(&stage, client->status);
	cr_expect_eq(client->status, 409);
}

Test(wait, is_answered_when_the_service_stops)
{
	struct client *client = ask("");

	until_waiting(1);
	stage_close_sse(&stage);
	UNTIL(&stage, client->status);
	cr_expect_eq(client->status, 503);
}

Test(wait, can_be_followed_by_another_on_the_same_connection)
{
	struct client *client = ask("?since=earliest&timeout=600");
	static const char again[] =
		"GET /v1/events/wait?last_event_id=1000001-0 HTTP/1.1\r\nHost: x\r\n"
		"X-Test-Team: " TEAM_A "\r\n\r\n";

	until_waiting(1);
	cr_assert_eq(send(client->fd, again, sizeof(again) - 1, 0), sizeof(again) - 1);
	entry_show(&stage, 1, HOST_UP(TEAM_A));
	entry_show(&stage, 2, HOST_UP(TEAM_A));
	batch_end(&stage, 2);
	UNTIL(&stage, client_has(client, "\"id\":\"1000001-0\"") &&
			      client_has(client, "\"id\":\"1000002-0\""));
}
