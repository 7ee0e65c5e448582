/* SPDX-License-Identifier: Apache-2.0 */

/* The clock of Redis with the newest entry, and additions of our own. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/clock.h"
#include "tests/unit/bus/bus_fixture.h"

struct teller {
	struct world world;
	struct redis *redis;
	struct bus_moment_query query;
	struct bus_moment moment;
	int answers;
	char moment_fault[128];
	char added_fault[128]; /* empty: it was added */
};

static void on_state(void *owner)
{
	(void)owner;
}

static bool is_up(void *owner)
{
	return redis_is_up(((struct teller *)owner)->redis);
}

static bool is_answered(void *owner)
{
	return ((struct teller *)owner)->answers == 0;
}

static void open_teller(struct teller *t)
{
	*t = (struct teller){ .answers = 0 };
	world_open(&t->world);

	const struct redis_options options = { .loop = &t->world.loop,
					       .address = &t->world.address,
					       .name = "teller",
					       .on_up = on_state,
					       .on_down = on_state };

	cr_assert_eq(redis_open(&options, &t->redis), 0);
	run_until(&t->world.loop, is_up, t, "the connection");
}

static void close_teller(struct teller *t)
{
	redis_close(t->redis, world_on_closed, &t->world);
	world_close(&t->world);
}

static void on_moment(const struct bus_moment *moment, void *owner)
{
	struct teller *t = owner;

	t->answers--;
	t->moment = *moment;
	snprintf(t->moment_fault, sizeof(t->moment_fault), "%s",
		 moment->fault ? moment->fault : "");
}

static void on_added(const char *fault, void *owner)
{
	struct teller *t = owner;

	t->answers--;
	snprintf(t->added_fault, sizeof(t->added_fault), "%s", fault ? fault : "");
}

static void ask(struct teller *t)
{
	t->query = (struct bus_moment_query){ .on_answer = on_moment, .owner = t };
	t->answers = 1;
	cr_assert_eq(bus_moment_ask(t->redis, &t->query), 0);
	cr_expect_eq(t->answers, 1, "never from within");
	run_until(&t->world.loop, is_answered, t, "the moment");
}

static void add(struct teller *t)
{
	t->answers = 1;
	cr_assert_eq(bus_add(t->redis, STR("{\"a\": 1}"), on_added, t), 0);
	cr_expect_eq(t->answers, 1, "never from within");
	run_until(&t->world.loop, is_answered, t, "the addition");
}

Test(moment, is_that_of_redis_with_the_newest_entry)
{
	struct teller t;
	int64_t before_ms;

	open_teller(&t);
	before_ms = redis_server_number(&t.world.server, "EVAL %s 0",
					"return redis.call('TIME')[1] * 1000");
	ask(&t);
	cr_expect(t.moment.is_known);
	cr_expect(stream_id_is_zero(t.moment.newest), "there is no stream");
	cr_expect_geq(t.moment.now_ms, before_ms);
	add(&t);
	cr_expect_str_eq(t.added_fault, "");
	cr_expect_eq(redis_server_number(&t.world.server, "XLEN " BUS_STREAM), 1);
	ask(&t);
	cr_expect_geq((int64_t)t.moment.newest.ms, before_ms);
	cr_expect_leq((int64_t)t.moment.newest.ms, t.moment.now_ms);
	redis_server_do(&t.world.server, "XADD " BUS_STREAM " 99999999999999-1 payload x");
	redis_server_do(&t.world.server, "XDEL " BUS_STREAM " 99999999999999-1");
	ask(&t);
	cr_expect_leq((int64_t)t.moment.newest.ms, t.moment.now_ms,
		      "nobody can read the entry that was deleted");
	close_teller(&t);
}

Test(moment, is_unknown_when_redis_refuses_or_is_lost)
{
	struct teller t;

	open_teller(&t);
	redis_server_do(&t.world.server, "SET " BUS_STREAM " x");
	ask(&t);
	cr_expect_not(t.moment.is_known);
	add(&t);
	cr_expect(strstr(t.added_fault, "WRONGTYPE"), "%s", t.added_fault);
	redis_server_do(&t.world.server, "ACL SETUSER default -time");
	ask(&t);
	cr_expect_not(t.moment.is_known);
	cr_expect(strstr(t.moment_fault, "NOPERM"), "%s", t.moment_fault);
	t.answers = 2;
	cr_assert_eq(bus_moment_ask(t.redis, &t.query), 0);
	cr_assert_eq(bus_add(t.redis, STR("{}"), on_added, &t), 0);
	redis_fail(t.redis, "a test");
	run_until(&t.world.loop, is_answered, &t, "both answers");
	cr_expect_not(t.moment.is_known);
	cr_expect_str_eq(t.moment_fault, "");
	cr_expect_neq(t.added_fault[0], '\0');
	cr_expect_eq(bus_moment_ask(t.redis, &t.query), -ENOTCONN);
	cr_expect_eq(bus_add(t.redis, STR("{}"), on_added, &t), -ENOTCONN);
	close_teller(&t);
}
