/* SPDX-License-Identifier: Apache-2.0 */

/* Steps through the stream, and its edges, over a shared connection. */
#include <errno.h>
#include <stdio.h>

#include "core/id.h"
#include "tests/support/liar.h"
#include "tests/unit/bus/bus_fixture.h"

#define ANOTHER_TEAM "team-6dfzh5ik5uxynzmlf5cshamdk"

struct asker {
	const struct uuid *team; /* of the range; NULL: all */
	struct world *world;
	struct redis *redis;
	int answers;
	int wanted;
	int rc;
	int count;
	int first;
	int last;
	bool at_end;
	struct stream_id head;
	struct bus_edges edges;
};

static void on_state(void *owner)
{
	(void)owner;
}

static bool is_up(void *owner)
{
	return redis_is_up(((struct asker *)owner)->redis);
}

static bool is_answered(void *owner)
{
	struct asker *a = owner;

	return a->answers >= a->wanted;
}

static void connect_asker(struct asker *a, struct world *w)
{
	const struct redis_options options = { .loop = &w->loop,
					       .address = &w->address,
					       .name = "asker",
					       .on_up = on_state,
					       .on_down = on_state };

	*a = (struct asker){ .world = w };
	cr_assert_eq(redis_open(&options, &a->redis), 0);
}

static void open_asker(struct asker *a, struct world *w)
{
	world_open(w);
	connect_asker(a, w);
	run_until(&w->loop, is_up, a, "the connection");
}

static void close_asker(struct asker *a)
{
	redis_close(a->redis, world_on_closed, a->world);
	world_close(a->world);
}

static void on_range(const struct bus_range *range, void *owner)
{
	struct asker *a = owner;

	a->answers++;
	a->rc = range->rc;
	a->count = (int)range->count;
	a->at_end = range->at_end;
	a->head = range->head;
	a->first = a->count ? event_number(range->events[0]) : -1;
	a->last = a->count ? event_number(range->events[a->count - 1]) : -1;
}

static void on_edges(const struct bus_edges *edges, void *owner)
{
	struct asker *a = owner;

	a->answers++;
	a->rc = edges->rc;
	a->edges = *edges;
}

static void ask_range(struct asker *a, struct stream_id after, unsigned count)
{
	a->wanted = a->answers + 1;
	cr_assert_eq(bus_range(a->redis, after, count, a->team, on_range, a), 0);
	run_until(&a->world->loop, is_answered, a, "the range");
}

static void ask_edges(struct asker *a)
{
	a->wanted = a->answers + 1;
	cr_assert_eq(bus_edges(a->redis, on_edges, a), 0);
	run_until(&a->world->loop, is_answered, a, "the edges");
}

static struct stream_id id(uint64_t ms, uint64_t seq)
{
	return (struct stream_id){ .ms = ms, .seq = seq };
}

Test(range, steps_through_the_stream)
{
	struct world w;
	struct asker a;

	open_asker(&a, &w);
	world_add(&w, 0, 25);
	ask_range(&a, id(0, 0), 10);
	cr_expect_eq(a.first, 0);
	cr_expect_eq(a.last, 9);
	cr_expect_not(a.at_end);
	ask_range(&a, a.head, 10);
	cr_expect_eq(a.first, 10);
	ask_range(&a, a.head, 10);
	cr_expect_eq(a.first, 20);
	cr_expect_eq(a.last, 24);
	cr_expect(a.at_end);
	struct stream_id end = a.head;

	ask_range(&a, end, 10);
	cr_expect_eq(a.rc, 0);
	cr_expect_eq(a.count, 0);
	cr_expect(a.at_end);
	cr_expect_eq(stream_id_compare(a.head, end), 0);
	close_asker(&a);
}

/* An event whose team id is written as `spelling`. */
static void add_event_of(struct world *w, const char *spelling, int number)
{
	char text[512];
	char other[600];
	const char *at;

	event_text(text, "capsule.create", TEST_CAPSULE, number);
	at = strstr(text, TEST_TEAM);
	cr_assert_not_null(at);
	snprintf(other, sizeof(other), "%.*s%s%s", (int)(at - text), text, spelling,
		 at + strlen(TEST_TEAM));
	world_add_payload(w, other);
}

Test(range, leaves_out_what_is_certainly_of_another_team)
{
	struct uuid mine;
	struct uuid others;
	struct world w;
	struct asker a;

	cr_assert_eq(id_parse(ID_TEAM, STR(TEST_TEAM), &mine), 0);
	cr_assert_eq(id_parse(ID_TEAM, STR(ANOTHER_TEAM), &others), 0);
	open_asker(&a, &w);
	add_event_of(&w, ANOTHER_TEAM, 1);
	add_event_of(&w, TEST_TEAM, 2);
	add_event_of(&w, "te\\u0061m-0x5yg3bfyrehlas5fmd3rslxq", 3);
	a.team = &mine;
	ask_range(&a, id(0, 0), 10);
	cr_expect_eq(a.count, 2);
	cr_expect_eq(a.first, 2);
	cr_expect_eq(a.last, 3);
	a.team = &others;
	ask_range(&a, id(0, 0), 2);
	cr_expect_eq(a.count, 1);
	cr_expect_eq(a.first, 1);
	cr_expect_not(a.at_end);
	a.team = NULL;
	ask_range(&a, a.head, 10);
	cr_expect_eq(a.first, 3, "the head is the last entry read, shown or not");
	close_asker(&a);
}

Test(range, ends_at_once_without_a_stream)
{
	struct world w;
	struct asker a;

	open_asker(&a, &w);
	ask_range(&a, id(7, 8), 10);
	cr_expect_eq(a.rc, 0);
	cr_expect(a.at_end);
	cr_expect_eq(a.head.ms, 7);
	cr_expect_eq(a.head.seq, 8);
	close_asker(&a);
}

Test(range, goes_past_what_is_not_shown)
{
	struct world w;
	struct asker a;

	open_asker(&a, &w);
	for (int i = 1; i <= 5; i++)
		redis_server_do(&w.server, "XADD " BUS_STREAM " %d-1 payload x", i);
	ask_range(&a, id(0, 0), 3);
	cr_expect_eq(a.count, 0);
	cr_expect_not(a.at_end);
	cr_expect_eq(a.head.ms, 3);
	ask_range(&a, a.head, 3);
	cr_expect(a.at_end);
	cr_expect_eq(a.head.ms, 5);
	close_asker(&a);
}

Test(range, excludes_exactly_the_entry_it_starts_after)
{
	struct world w;
	struct asker a;
	char text[512];

	open_asker(&a, &w);
	for (int i = 0; i < 3; i++) {
		event_text(text, "capsule.pause", TEST_CAPSULE, i);
		redis_server_do(&w.server, "XADD " BUS_STREAM " 5-%d payload %s", i, text);
	}
	ask_range(&a, id(5, 0), 10);
	cr_expect_eq(a.first, 1);
	ask_range(&a, id(5, UINT64_MAX), 10);
	cr_expect_eq(a.count, 0);
	cr_expect_eq(a.rc, 0);
	ask_range(&a, id(4, UINT64_MAX), 10);
	cr_expect_eq(a.first, 0);
	ask_range(&a, id(UINT64_MAX, UINT64_MAX), 10);
	cr_expect_eq(a.rc, 0);
	cr_expect_eq(a.count, 0);
	close_asker(&a);
}

Test(range, reports_a_key_that_holds_no_stream)
{
	struct world w;
	struct asker a;

	open_asker(&a, &w);
	redis_server_do(&w.server, "SET " BUS_STREAM " x");
	ask_range(&a, id(0, 0), 10);
	cr_expect_eq(a.rc, -EBADMSG);
	ask_edges(&a);
	cr_expect_eq(a.rc, -EPROTOTYPE);
	cr_expect(redis_is_up(a.redis), "a shared connection must stay up");
	close_asker(&a);
}

Test(range, answers_once_when_the_connection_is_lost)
{
	struct world w;
	struct asker a;

	open_asker(&a, &w);
	cr_assert_eq(bus_range(a.redis, id(0, 0), 10, NULL, on_range, &a), 0);
	cr_assert_eq(bus_edges(a.redis, on_edges, &a), 0);
	redis_fail(a.redis, "a test");
	a.wanted = 2;
	run_until(&w.loop, is_answered, &a, "both answers");
	cr_expect_eq(a.rc, -ENOTCONN);
	cr_expect_eq(a.edges.rc, -ENOTCONN);
	cr_expect_eq(bus_range(a.redis, id(0, 0), 10, NULL, on_range, &a), -ENOTCONN);
	cr_expect_eq(bus_edges(a.redis, on_edges, &a), -ENOTCONN);
	cr_expect_eq(a.answers, 2);
	close_asker(&a);
}

Test(range, knows_the_edges)
{
	struct world w;
	struct asker a;
	char text[512];

	open_asker(&a, &w);
	ask_edges(&a);
	cr_expect_eq(a.rc, 0);
	cr_expect_not(a.edges.exists);

	event_text(text, "capsule.pause", TEST_CAPSULE, 1);
	for (int i = 1; i <= 4; i++)
		redis_server_do(&w.server, "XADD " BUS_STREAM " %d-1 payload %s", i, text);
	ask_edges(&a);
	cr_expect(a.edges.exists);
	cr_expect_not(a.edges.trimmed);
	cr_expect_eq(a.edges.oldest.ms, 1);
	cr_expect_eq(a.edges.newest.ms, 4);
	cr_expect_eq(a.edges.readable.ms, 4);
	cr_expect_eq(a.edges.removed, 0);

	redis_server_do(&w.server, "XDEL " BUS_STREAM " 4-1");
	ask_edges(&a);
	cr_expect_eq(a.edges.newest.ms, 4);
	cr_expect_eq(a.edges.readable.ms, 3);
	cr_expect_eq(a.edges.removed, 1);
	redis_server_do(&w.server, "XADD " BUS_STREAM " 4-2 payload %s", text);

	redis_server_do(&w.server, "XTRIM " BUS_STREAM " MAXLEN 2");
	ask_edges(&a);
	cr_expect(a.edges.trimmed);
	cr_expect_eq(a.edges.oldest.ms, 3);

	redis_server_do(&w.server, "XTRIM " BUS_STREAM " MAXLEN 0");
	ask_edges(&a);
	cr_expect(a.edges.exists);
	cr_expect(a.edges.trimmed);
	cr_expect(stream_id_is_zero(a.edges.oldest));
	cr_expect_eq(a.edges.newest.ms, 4);
	close_asker(&a);
}

#define ENTRY(id) "*2\r\n$3\r\n" id "\r\n*2\r\n$1\r\na\r\n$1\r\nb\r\n"

Test(range, refuses_answers_that_make_no_sense)
{
	static const char *const answers[] = {
		":1\r\n",
		"*-1\r\n",
		"+OK\r\n",
		"*1\r\n:1\r\n",
		"*2\r\n" ENTRY("2-0") ENTRY("2-0"), /* does not advance */
		"*2\r\n" ENTRY("2-0") ENTRY("1-9"), /* goes back */
		"*1\r\n" ENTRY("1-0"),              /* not after what was asked */
		"*4\r\n" ENTRY("2-0") ENTRY("2-1") ENTRY("2-2") ENTRY("2-3"), /* too many */
	};

	for (size_t i = 0; i < ARRAY_LEN(answers); i++) {
		struct world w;
		struct asker a;
		struct liar liar;

		world_open_at(&w, "/nonexistent");
		liar_start(&liar, &w.loop, LIAR_GOOD_GREETING, answers[i]);
		snprintf(w.address.path, sizeof(w.address.path), "%s", liar.path);
		connect_asker(&a, &w);
		run_until(&w.loop, is_up, &a, "the connection");
		ask_range(&a, id(1, 0), 3);
		cr_expect_eq(a.rc, -EBADMSG, "%s", answers[i]);
		liar_stop(&liar);
		close_asker(&a);
	}
}
