/* SPDX-License-Identifier: Apache-2.0 */

/* Workers tell each other of channels and paces. */
#include "bus/wake.h"
#include "tests/unit/bus/bus_fixture.h"

struct sleeper {
	struct world *world;
	struct bus_wake *wake;
	struct uuid heard;
	int count;
	char line[64];
};

static void on_channel(const struct uuid *channel, void *owner)
{
	struct sleeper *sleeper = owner;

	sleeper->heard = *channel;
	sleeper->count++;
}

static void on_pace(struct str line, void *owner)
{
	struct sleeper *sleeper = owner;

	snprintf(sleeper->line, sizeof(sleeper->line), "%.*s", STR_ARGS(line));
}

static bool is_subscribed(void *owner)
{
	struct sleeper *sleeper = owner;
	redisReply *reply =
		redis_server_ask(&sleeper->world->server, "PUBSUB NUMSUB " BUS_WAKE_CHANNEL);
	bool subscribed = reply->elements == 2 && reply->element[1]->integer == 1;

	freeReplyObject(reply);
	return subscribed;
}

static bool has_heard(void *owner)
{
	return ((struct sleeper *)owner)->count > 0;
}

static bool has_line(void *owner)
{
	return str_is(STR("a line"), ((struct sleeper *)owner)->line);
}

static bool is_up(void *owner)
{
	return redis_is_up(owner);
}

Test(wake, hears_of_a_channel_and_of_a_pace)
{
	const struct uuid channel = { .bytes = { 1, 2, 3 } };
	struct world w;
	struct redis *redis;
	struct sleeper sleeper = { .world = &w };

	world_open(&w);
	cr_assert_eq(redis_open(&(struct redis_options){ .loop = &w.loop,
							 .address = &w.address,
							 .name = "commands" },
				&redis),
		     0);
	run_until(&w.loop, is_up, redis, "the connection");
	cr_assert_eq(bus_wake_open(&(struct bus_wake_options){ .loop = &w.loop,
							       .address = &w.address,
							       .redis = redis,
							       .on_channel = on_channel,
							       .on_pace = on_pace,
							       .owner = &sleeper },
				   &sleeper.wake),
		     0);
	run_until(&w.loop, is_subscribed, &sleeper, "the subscription");
	bus_wake_publish_pace(sleeper.wake, STR("a line"));
	run_until(&w.loop, has_line, &sleeper, "the line");
	cr_expect_eq(sleeper.count, 0);
	bus_wake_publish(sleeper.wake, &channel);
	run_until(&w.loop, has_heard, &sleeper, "the channel");
	cr_expect_eq(sleeper.count, 1);
	cr_expect(uuid_eq(&sleeper.heard, &channel));
	bus_wake_close(sleeper.wake, world_on_closed, &w);
	redis_close(redis, world_on_closed, &w);
	world_close(&w);
}
