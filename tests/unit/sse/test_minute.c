/* SPDX-License-Identifier: Apache-2.0 */

/* Each minute: credentials are checked again, and listeners without events get a bookmark. */
#include <criterion/criterion.h>

#include "sse/recheck.h"
#include "tests/support/heap.h"
#include "tests/unit/sse/stage.h"

static struct stage stage;

static void set_up(void)
{
	const struct sse_options options = { .max_streams_per_team = 500 };

	stage_open(&stage, &options);
	stage_start(&stage, 0);
}

static void tear_down(void)
{
	stage_close(&stage);
}

TestSuite(minute, .init = set_up, .fini = tear_down);

static void use_valid_key(void)
{
	struct reason why = { .text = "" };
	struct uuid team = { .bytes = { [15] = 1 } };
	char key[37];
	char key_id[32];

	cr_assert_eq(auth_key_create(stage.database.url, &team, STR("test"), key, key_id, &why), 0,
		     "%s", why.text);
	crypto_sha256_hex(str_of(key), stage.api_key_hash);
}

Test(minute, a_listener_whose_filter_lets_nothing_through_gets_bookmarks)
{
	struct client *client;

	use_valid_key();
	client = client_listen(&stage, TEAM_A, "/v1/events/stream?event=host.down");
	entry_publish(&stage, 1, HOST_UP(TEAM_A));
	entry_publish(&stage, 2, HOST_UP(TEAM_B));
	stage_recheck(&stage);
	UNTIL(&stage, client_has(client, "id: 1000002-0\n\n"));
	cr_expect(str_is(client_frame(client, client_frames(client) - 1).all, "id: 1000002-0"));
}

Test(minute, a_listener_who_hears_events_needs_no_bookmarks)
{
	struct client *client;

	use_valid_key();
	client = client_listen(&stage, TEAM_A, "/v1/events/stream");
	entry_publish(&stage, 1, HOST_UP(TEAM_A));
	entry_publish(&stage, 2, HOST_UP(TEAM_B));
	stage_recheck(&stage);
	stage_rest(&stage);
	cr_expect_not(client_has(client, "id: 1000002-0"));
	/* For a minute only other teams have events. */
	stage_recheck(&stage);
	UNTIL(&stage, client_has(client, "id: 1000002-0\n\n"));
}

Test(minute, a_bookmark_that_lacks_memory_comes_a_minute_later)
{
	struct client *client;
	unsigned nth = 0;
	bool was_met;

	use_valid_key();
	client = client_listen(&stage, TEAM_A, "/v1/events/stream?event=host.down");
	do {
		char id[32];

		entry_publish(&stage, nth + 1, HOST_UP(TEAM_A));
		heap_fail_after(nth);
		stage_recheck(&stage);
		was_met = heap_recover();
		UNTIL(&stage, stage.sse->pending == 0);
		stage_recheck(&stage);
		snprintf(id, sizeof(id), "id: %u-0\n\n", 1000001 + nth);
		UNTIL(&stage, client_has(client, id));
		nth++;
	} while (was_met);
	cr_expect_gt(nth, 1, "nothing was allocated");
	cr_expect_not(client->broken);
}

Test(minute, a_stream_whose_credentials_still_hold_stays_open)
{
	struct client *client;

	use_valid_key();
	client = client_listen(&stage, TEAM_A, "/v1/events/stream");
	stage_recheck(&stage);
	UNTIL(&stage, stage.sse->pending == 0);
	entry_publish(&stage, 1, HOST_UP(TEAM_A));
	UNTIL(&stage, client_has(client, "id: 1000001-0"));
	cr_expect_not(client->broken);
}

Test(minute, a_stream_whose_key_was_revoked_is_closed)
{
	struct client *client;

	use_valid_key();
	client = client_listen(&stage, TEAM_A, "/v1/events/stream");
	database_ask(&stage.database, "DELETE FROM team_api_keys");
	stage_recheck(&stage);
	UNTIL(&stage, client->broken);
	cr_expect(client->ended);
	cr_expect(client_has(client, ": credentials no longer valid\n\n"));
	cr_expect_eq(metric_value(stage.sse->metrics.closes[CLOSE_CREDENTIALS]), 1);
}

Test(minute, all_streams_of_one_credential_cost_one_look_up_a_minute)
{
	const struct metric *lookups = metric_counter("wrenn_events_auth_lookups_total", NULL, "");
	struct client *clients[40];
	int64_t before;

	use_valid_key();
	for (size_t i = 0; i < ARRAY_LEN(clients); i++) {
		clients[i] = client_listen(&stage, TEAM_A, "/v1/events/stream");
		stage_turn(&stage); /* not all in the same moment */
	}
	before = metric_value(lookups);
	for (size_t i = 0; i < RECHECK_ROUNDS; i++) {
		stage_recheck_round(&stage);
		UNTIL(&stage, stage.sse->pending == 0);
	}
	cr_expect_eq(metric_value(lookups), before + 1);
	database_ask(&stage.database, "DELETE FROM team_api_keys");
	stage_recheck(&stage);
	for (size_t i = 0; i < ARRAY_LEN(clients); i++)
		UNTIL(&stage, clients[i]->broken);
	cr_expect_eq(metric_value(lookups), before + 2);
	cr_expect_eq(metric_value(stage.sse->metrics.closes[CLOSE_CREDENTIALS]),
		     ARRAY_LEN(clients));
}

Test(minute, a_wait_whose_key_was_revoked_is_refused)
{
	struct client *client;

	client = client_open(&stage, TEAM_A, "/v1/events/wait", "");
	UNTIL(&stage, stage.sse->listeners == 1);
	stage_recheck(&stage);
	UNTIL(&stage, client->status);
	cr_expect_eq(client->status, 401);
}

Test(minute, a_listener_who_leaves_during_the_look_at_its_credentials_is_freed_after_it)
{
	struct client *client = client_listen(&stage, TEAM_A, "/v1/events/stream");

	stage_recheck(&stage);
	client_close(client);
	UNTIL(&stage, stage.sse->listeners == 0 && stage.sse->pending == 0);
}

Test(minute, is_no_longer_when_the_loop_is_late)
{
	static const struct {
		uint64_t late_rounds;
		unsigned expected;
	} cases[] = {
		{ 0, 1 }, { 1, 2 }, { 7, 8 }, { 59, 60 }, { 60, 60 }, { 61, 60 },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		uint64_t now_ms = uv_now(&stage.loop);
		unsigned before = stage.sse->rechecks.count;

		stage.sse->rechecks.due_ms = now_ms - cases[i].late_rounds * RECHECK_ROUND_MS;
		on_recheck_due(&stage.sse->rechecks.next, stage.sse);
		cr_expect_eq(stage.sse->rechecks.count - before, cases[i].expected, "case %zu", i);
		cr_expect_eq(stage.sse->rechecks.due_ms, now_ms + RECHECK_ROUND_MS, "case %zu", i);
	}
	deadline_stop(&stage.sse->rechecks.next);
}
