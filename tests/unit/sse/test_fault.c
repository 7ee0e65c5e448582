/* SPDX-License-Identifier: Apache-2.0 */

/* Every allocation fails in turn: nobody loses an event, and nothing is leaked. */
#include <criterion/criterion.h>

#include "tests/support/heap.h"
#include "tests/unit/sse/stage.h"

static struct stage stage;

static void set_up(void)
{
	const struct sse_options options = { .max_streams_per_team = 500 };

	stage_open(&stage, &options);
	stage_start(&stage, 0);
	for (unsigned n = 1; n <= 3; n++)
		entry_publish(&stage, n, HOST_UP(TEAM_A));
}

static void tear_down(void)
{
	stage_close(&stage);
}

TestSuite(fault, .init = set_up, .fini = tear_down);

/* Serves the request with this allocation failing. False when it needs fewer. */
static bool open_without(unsigned allocation, const char *path)
{
	struct client *client = client_open(&stage, TEAM_A, path, "");
	bool was_met;

	heap_fail_after(allocation);
	run_turns(&stage.loop, 20);
	was_met = heap_recover();
	UNTIL(&stage, client->broken || (client->status && client->text.len));
	if (client->status == 200 && !client_has(client, "retry: "))
		cr_expect(client_has(client, "\"id\":\"1000001-0\""), "not a whole answer");
	client_close(client);
	UNTIL(&stage, stage.sse->listeners == 0);
	return was_met;
}

Test(fault, that_an_opening_lacks_is_answered)
{
	static const char *const paths[] = {
		"/v1/events/stream",
		"/v1/events/stream?since=earliest&event=host.up",
		"/v1/events/wait?since=earliest",
	};

	for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
		unsigned allocation = 0;

		while (open_without(allocation, paths[i]))
			allocation++;
		cr_expect_gt(allocation, 3, "%s", paths[i]);
	}
}

/* Shows entry n with this allocation failing. False when it needs fewer. */
static bool show_without(unsigned allocation, unsigned n)
{
	const char *json = event_json("capsule.destroy", TEAM_A, CAPSULE, "");
	struct reason why = { .text = "" };
	struct event *event;

	entry_add(&stage, n, json);
	cr_assert_eq(event_parse(str_of(json), entry_id(n), &event, &why), 0, "%s", why.text);
	heap_fail_after(allocation);
	sse_on_event(event, stage.sse);
	batch_end(&stage, n);
	run_turns(&stage.loop, 2);
	event_free(event);
	return heap_recover();
}

/* The client is up to date, or it was closed and its cursor brings the rest. */
static struct client *follow(struct client *client, unsigned n)
{
	char last[32];
	char path[64];

	snprintf(last, sizeof(last), "id: %u-0\n", 1000000 + n);
	UNTIL(&stage, client->broken || client_has(client, last));
	if (!client->broken)
		return client;
	cr_expect(client->ended, "cut off");
	client_close(client);
	snprintf(path, sizeof(path), "/v1/events/stream?last_event_id=%u-0", 1000000 + n - 1);
	client = client_listen(&stage, TEAM_A, path);
	UNTIL(&stage, client_has(client, last));
	cr_expect_not(client_has(client, "gap"));
	return client;
}

Test(fault, that_an_event_lacks_costs_nobody_the_event)
{
	struct client *client = client_listen(&stage, TEAM_A, "/v1/events/stream");
	unsigned allocation = 0;
	bool was_met;

	do {
		unsigned n = 4 + allocation;

		was_met = show_without(allocation++, n);
		client = follow(client, n);
	} while (was_met);
	cr_expect_gt(allocation, 5);
}

/* Ends a stream whose socket is full with this allocation failing. */
static bool end_without(unsigned allocation)
{
	struct client *client = client_listen(&stage, TEAM_A, "/v1/events/stream?since=earliest");
	struct subscriber *sub = only_listener(&stage, TEAM_A);
	char more[60100];
	static unsigned n = 100;
	bool was_met;

	snprintf(more, sizeof(more), ",\"metadata\":{\"a\":\"%060000d\"}", 7);
	client_squeeze(client);
	client->paused = true;
	while (!sub->blocked)
		entry_publish(&stage, ++n, event_json("host.up", TEAM_A, "host-1", more));
	heap_fail_after(allocation);
	subscriber_end(sub, CLOSE_CREDENTIALS);
	run_turns(&stage.loop, 2);
	was_met = heap_recover();
	/* Without the words it is closed already. */
	cr_expect_eq(metric_value(stage.sse->metrics.closes[CLOSE_CREDENTIALS]),
		     allocation + was_met);
	client->paused = false;
	UNTIL(&stage, client->broken);
	cr_expect_eq(client->ended, client_has(client, ": credentials no longer valid\n"));
	client_close(client);
	UNTIL(&stage, stage.sse->listeners == 0);
	return was_met;
}

Test(fault, that_last_words_lack_closes_the_stream_without_them)
{
	unsigned allocation = 0;

	while (end_without(allocation))
		allocation++;
	cr_expect_geq(allocation, 2);
	cr_expect_eq(metric_value(stage.sse->metrics.closes[CLOSE_CREDENTIALS]), allocation + 1);
}
