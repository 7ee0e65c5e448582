/* SPDX-License-Identifier: Apache-2.0 */

/* The pub/sub channel: only capsule.state.changed is shown. */
#include "tests/unit/bus/bus_fixture.h"

struct ear {
	struct world *world;
	struct bus_transient *transient;
	int count;
	int last;
	int want;
};

static void on_event(struct event *event, void *owner)
{
	struct ear *ear = owner;

	cr_expect_eq(event->kind, EVENT_CAPSULE_STATE_CHANGED);
	cr_expect(stream_id_is_zero(event->id));
	ear->count++;
	ear->last = event_number(event);
}

static bool is_subscribed(void *owner)
{
	struct ear *ear = owner;
	redisReply *reply = redis_server_ask(&ear->world->server, "PUBSUB NUMSUB " BUS_CHANNEL);
	bool subscribed = reply->elements == 2 && reply->element[1]->integer == 1;

	freeReplyObject(reply);
	return subscribed;
}

static bool has_heard(void *owner)
{
	struct ear *ear = owner;

	return ear->count >= ear->want;
}

static void publish(struct world *w, const char *kind, const char *capsule, int number)
{
	char text[512];

	event_text(text, kind, capsule, number);
	redis_server_do(&w->server, "PUBLISH " BUS_CHANNEL " %s", text);
}

static void open_ear(struct ear *ear, struct world *w)
{
	world_open(w);
	*ear = (struct ear){ .world = w };
	cr_assert_eq(bus_transient_open(&(struct bus_transient_options){ .loop = &w->loop,
									 .address = &w->address,
									 .on_event = on_event,
									 .owner = ear },
					&ear->transient),
		     0);
	run_until(&w->loop, is_subscribed, ear, "the subscription");
}

static void close_ear(struct ear *ear)
{
	bus_transient_close(ear->transient, world_on_closed, ear->world);
	world_close(ear->world);
	cr_expect_eq(ear->world->closed, 1);
}

static void hear(struct ear *ear, int count)
{
	ear->want = count;
	run_until(&ear->world->loop, has_heard, ear, "an event");
}

Test(transient, shows_changes_of_state_and_nothing_else)
{
	struct world w;
	struct ear ear;

	open_ear(&ear, &w);
	publish(&w, "capsule.pause", TEST_CAPSULE, 1);
	publish(&w, "volume.attach", TEST_CAPSULE, 2);
	publish(&w, "capsule.state.changed", ZERO_CAPSULE, 3);
	redis_server_do(&w.server, "PUBLISH " BUS_CHANNEL " x");
	redis_server_do(&w.server, "PUBLISH " BUS_CHANNEL " %s", "\"capsule.state.changed\"");
	redis_server_do(&w.server, "PUBLISH " BUS_CHANNEL " %s",
			"{\"event\":\"capsule.pause\",\"timestamp\":\"2026-05-24T05:02:08Z\","
			"\"team_id\":\"" TEST_TEAM "\",\"actor\":{\"type\":\"system\"},"
			"\"resource\":{\"id\":\"" TEST_CAPSULE "\",\"type\":\"sandbox\"},"
			"\"metadata\":{\"reason\":\"capsule.state.changed\"}}");
	publish(&w, "capsule.state.changed", TEST_CAPSULE, 4);
	hear(&ear, 1);
	run_turns(&w.loop, 20);
	cr_expect_eq(ear.count, 1);
	cr_expect_eq(ear.last, 4);
	close_ear(&ear);
}

Test(transient, subscribes_again_after_a_loss)
{
	struct world w;
	struct ear ear;

	open_ear(&ear, &w);
	for (int round = 1; round <= 3; round++) {
		redis_server_do(&w.server, "CLIENT KILL TYPE pubsub");
		run_until(&w.loop, is_subscribed, &ear, "the subscription");
		publish(&w, "capsule.state.changed", TEST_CAPSULE, round);
		hear(&ear, round);
	}
	redis_server_kill(&w.server);
	redis_server_restart(&w.server);
	run_until(&w.loop, is_subscribed, &ear, "the subscription");
	publish(&w, "capsule.state.changed", TEST_CAPSULE, 4);
	hear(&ear, 4);
	close_ear(&ear);
}

Test(transient, closes_at_any_moment)
{
	struct world w;

	world_open(&w);
	for (int turns = 0; turns < 12; turns++) {
		struct ear ear = { .world = &w };

		cr_assert_eq(
			bus_transient_open(&(struct bus_transient_options){ .loop = &w.loop,
									    .address = &w.address,
									    .on_event = on_event,
									    .owner = &ear },
					   &ear.transient),
			0);
		for (int i = 0; i < turns; i++)
			uv_run(&w.loop, UV_RUN_NOWAIT);
		bus_transient_close(ear.transient, world_on_closed, &w);
		for (int i = 0; i < 5; i++)
			uv_run(&w.loop, UV_RUN_NOWAIT);
	}
	bus_transient_close(NULL, world_on_closed, &w);
	world_close(&w);
	cr_expect_eq(w.closed, 13);
}
