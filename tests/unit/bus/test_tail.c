/* SPDX-License-Identifier: Apache-2.0 */

/* The tail against a real Redis that is killed, emptied and trimmed, and malformed replies. */
#include <stdio.h>

#include "core/log_limit.h"
#include "tests/support/clock_by_hand.h"
#include "tests/support/liar.h"
#include "tests/support/recorded_log.h"
#include "tests/unit/bus/listener.h"

Test(tail, starts_behind_what_is_there)
{
	struct world w;
	struct listener l;

	world_open(&w);
	world_add(&w, 1000, 1005);
	start_listening(&l, &w);
	cr_expect_not(stream_id_is_zero(l.start));
	world_add(&w, 0, 3);
	listener_await(&l, has_events, 3, "three events");
	cr_expect_eq(l.repeats_or_jumps, 0);
	cr_expect_eq(l.gaps, 0);
	stop_listening(&l);
}

Test(tail, starts_at_zero_before_there_is_a_stream)
{
	struct world w;
	struct listener l;

	world_open(&w);
	start_listening(&l, &w);
	cr_expect(stream_id_is_zero(l.start));
	world_add(&w, 0, 2);
	listener_await(&l, has_events, 2, "two events");
	cr_expect_eq(l.repeats_or_jumps + l.gaps, 0);
	stop_listening(&l);
}

Test(tail, skips_what_is_nobodys_business_but_moves_the_head)
{
	struct world w;
	struct listener l;
	redisReply *reply;
	struct stream_id last;

	world_open(&w);
	start_listening(&l, &w);
	world_add(&w, 0, 1);
	world_add_payload(&w, "no JSON");
	world_add_event(&w, "volume.attach", TEST_CAPSULE, 7);
	world_add_event(&w, "capsule.create", ZERO_CAPSULE, 8);
	redis_server_do(&w.server, "XADD " BUS_STREAM " * other field");
	world_add(&w, 1, 2);
	reply = redis_server_ask(&w.server, "XADD " BUS_STREAM " * payload x");
	cr_assert_eq(stream_id_parse((struct str){ reply->str, (size_t)reply->len }, &last), 0);
	freeReplyObject(reply);
	l.until = last;
	listener_await(&l, has_head, 0, "the last entry");
	cr_expect_eq(l.count, 2);
	cr_expect_eq(l.repeats_or_jumps, 0);
	stop_listening(&l);
}

Test(tail, shows_a_long_backlog_once_and_in_order)
{
	struct world w;
	struct listener l;

	world_open(&w);
	start_listening(&l, &w);
	world_add(&w, 0, 4500);
	listener_await(&l, has_events, 4500, "all events");
	run_turns(&w.loop, 20);
	cr_expect_eq(l.count, 4500);
	cr_expect_eq(l.repeats_or_jumps, 0);
	cr_expect_eq(l.gaps, 0);
	stop_listening(&l);
}

/* A lone event is shown at once. Those that follow it closely wait for company. */
Test(tail, lingers_after_events_that_came_closely)
{
	struct world w;
	struct listener l;

	world_open(&w);
	listen_lingering(&l, &w, 3600000);
	listener_await(&l, is_started, 1, "the start");
	world_add(&w, 0, 1);
	listener_await(&l, has_events, 1, "the lone event");
	world_add(&w, 1, 2);
	listener_await(&l, has_events, 2, "the next, since nothing says that more will come");
	world_add(&w, 2, 5);
	run_turns(&w.loop, 100);
	cr_expect_eq(l.count, 2);
	stop_listening(&l);
}

Test(tail, shows_all_that_came_while_it_lingered)
{
	struct world w;
	struct listener l;

	world_open(&w);
	listen_lingering(&l, &w, 1);
	listener_await(&l, is_started, 1, "the start");
	for (int i = 0; i < 200; i++)
		world_add(&w, i, i + 1);
	listener_await(&l, has_events, 200, "all events");
	cr_expect_eq(l.repeats_or_jumps + l.gaps, 0);
	stop_listening(&l);
}

/* Reading begins again with the connection, not with the end of the linger. A read that brought
 * ten entries does not wait for more. */
Test(tail, ends_its_linger_with_the_connection_or_with_enough)
{
	struct world w;
	struct listener l;

	world_open(&w);
	listen_lingering(&l, &w, 3600000);
	listener_await(&l, is_started, 1, "the start");
	world_add(&w, 0, 1);
	listener_await(&l, has_events, 1, "the lone event");
	world_add(&w, 1, 2);
	listener_await(&l, has_events, 2, "the next");
	world_cut_connections(&w);
	listener_await(&l, is_down, 1, "the loss");
	world_add(&w, 2, 12);
	listener_await(&l, has_events, 12, "what came meanwhile");
	world_add(&w, 12, 13);
	listener_await(&l, has_events, 13, "one more, at once");
	cr_expect_eq(l.repeats_or_jumps + l.gaps, 0);
	stop_listening(&l);
}

Test(tail, goes_on_where_it_was_after_a_lost_connection)
{
	struct world w;
	struct listener l;

	world_open(&w);
	start_listening(&l, &w);
	for (int round = 0; round < 3; round++) {
		world_add(&w, round * 10, round * 10 + 5);
		listener_await(&l, has_events, round * 10 + 5, "events before the loss");
		world_cut_connections(&w);
		world_add(&w, round * 10 + 5, round * 10 + 10);
		listener_await(&l, has_events, round * 10 + 10, "events published meanwhile");
	}
	cr_expect_eq(l.starts, 1);
	cr_expect_eq(l.repeats_or_jumps, 0);
	cr_expect_eq(l.gaps, 0);
	cr_expect_eq(l.downs, 3);
	stop_listening(&l);
}

Test(tail, tells_of_a_gap_when_it_was_trimmed_away_in_its_absence)
{
	struct world w;
	struct listener l;

	listen_after(&l, &w, 5);
	world_cut_connections(&w);
	world_add(&w, 5, 3000);
	redis_server_do(&w.server, "XTRIM " BUS_STREAM " MAXLEN 2000");
	listener_await(&l, has_events, 2005, "what was left");
	cr_expect_eq(l.gaps, 1);
	cr_expect_eq(l.count_at_gap, 5, "the gap comes before the events after it");
	cr_expect_not(stream_id_is_zero(l.from));
	cr_expect_eq(l.last, 2999);
	cr_expect_eq(l.count, 2005);
	stop_listening(&l);
}

Test(tail, tells_of_a_gap_when_everything_was_trimmed_away_in_its_absence)
{
	struct world w;
	struct listener l;

	listen_after(&l, &w, 5);
	world_cut_connections(&w);
	world_add(&w, 5, 10);
	redis_server_do(&w.server, "XTRIM " BUS_STREAM " MAXLEN 0");
	listener_await(&l, has_gap, 0, "the gap");
	cr_expect_gt(stream_id_compare(l.from, l.head), 0);
	world_add(&w, 10, 12);
	listener_await(&l, has_events, 7, "events after the gap");
	cr_expect_eq(l.gaps, 1);
	cr_expect_eq(l.last, 11);
	stop_listening(&l);
}

Test(tail, tells_of_no_gap_when_only_seen_entries_were_trimmed)
{
	struct world w;
	struct listener l;

	listen_after(&l, &w, 5);
	world_cut_connections(&w);
	world_add(&w, 5, 10);
	redis_server_do(&w.server, "XTRIM " BUS_STREAM " MAXLEN 6");
	listener_await(&l, has_events, 10, "events published meanwhile");
	cr_expect_eq(l.gaps, 0);
	cr_expect_eq(l.repeats_or_jumps, 0);
	stop_listening(&l);
}

Test(tail, tells_of_a_gap_when_it_is_overtaken_while_it_reads)
{
	struct world w;
	struct listener l;

	world_open(&w);
	start_listening(&l, &w);
	l.trim_after = 1000;
	world_add(&w, 0, 3000);
	listener_await(&l, has_gap, 0, "the gap");
	listener_await(&l, has_events, l.count_at_gap + 10, "the last ten");
	cr_expect_eq(l.gaps, 1);
	cr_expect_lt(l.count_at_gap, 3000);
	cr_expect_eq(l.last, 2999);
	cr_expect_eq(l.repeats_or_jumps, 1);
	stop_listening(&l);
}

/* The tail sees the first one at once, and no more until the others were added and trimmed. */
Test(tail, tells_of_a_gap_when_it_is_overtaken_between_two_reads)
{
	struct world w;
	struct listener l;

	listen_after(&l, &w, 5);
	world_add(&w, 5, 4000);
	redis_server_do(&w.server, "XTRIM " BUS_STREAM " MAXLEN 2000");
	listener_await(&l, has_gap, 0, "the gap");
	cr_expect_leq(l.count_at_gap, 6, "the gap comes before the events after it");
	listener_await(&l, has_events, l.count_at_gap + 2000, "what was left");
	cr_expect_eq(l.gaps, 1);
	cr_expect_eq(l.last, 3999);
	stop_listening(&l);
}

static void add_much(struct world *w)
{
	world_add(w, 0, 4000);
}

static void trim_much(struct world *w)
{
	redis_server_do(&w->server, "XTRIM " BUS_STREAM " MAXLEN 2000");
}

static void add_and_trim_much(struct world *w)
{
	add_much(w);
	trim_much(w);
}

static void expect_a_gap_and_what_was_left(struct listener *l)
{
	listener_await(l, has_events, 2000, "what was left");
	cr_expect_eq(l->gaps, 1);
	cr_expect_eq(l->count_at_gap, 0, "the gap comes before the events after it");
	cr_expect_eq(l->last, 3999);
}

/* No entry was read yet that the tail could ask for. */
Test(tail, tells_of_a_gap_when_it_is_overtaken_before_its_first_entry)
{
	struct world w;
	struct listener l;

	world_open(&w);
	listen_in(&l, &w);
	l.at_up = add_and_trim_much;
	expect_a_gap_and_what_was_left(&l);
	stop_listening(&l);
}

Test(tail, tells_of_a_gap_when_the_first_entry_goes_before_it_is_read)
{
	struct world w;
	struct listener l;

	world_open(&w);
	start_listening(&l, &w);
	world_cut_connections(&w);
	add_much(&w);
	l.at_up = trim_much;
	expect_a_gap_and_what_was_left(&l);
	stop_listening(&l);
}

Test(tail, tells_of_no_gap_when_the_first_entries_are_many)
{
	struct world w;
	struct listener l;

	world_open(&w);
	listen_in(&l, &w);
	l.at_up = add_much;
	listener_await(&l, has_events, 4000, "all of them");
	cr_expect_eq(l.gaps, 0);
	cr_expect_eq(l.repeats_or_jumps, 0);
	stop_listening(&l);
}

Test(tail, tells_of_no_gap_when_much_comes_at_once)
{
	struct world w;
	struct listener l;

	listen_after(&l, &w, 5);
	world_add(&w, 5, 4000);
	listener_await(&l, has_events, 4000, "all of them");
	cr_expect_eq(l.gaps, 0);
	cr_expect_eq(l.repeats_or_jumps, 0);
	stop_listening(&l);
}

Test(tail, tells_of_a_gap_when_redis_comes_back_empty)
{
	struct world w;
	struct listener l;

	listen_after(&l, &w, 5);
	redis_server_kill(&w.server);
	listener_await(&l, is_down, 1, "the loss");
	cr_expect_not(bus_tail_is_up(l.tail));
	redis_server_restart(&w.server);
	listener_await(&l, is_started, 2, "the return");
	cr_expect_eq(l.gaps, 1);
	cr_expect(stream_id_is_zero(l.from));
	world_add(&w, 5, 8);
	listener_await(&l, has_events, 8, "events after the return");
	cr_expect_eq(l.repeats_or_jumps, 0);
	cr_expect_eq(l.starts, 1);
	stop_listening(&l);
}

Test(tail, tells_of_a_gap_when_redis_comes_back_with_another_stream)
{
	struct world w;
	struct listener l;

	listen_after(&l, &w, 5);
	world_cut_connections(&w);
	run_turns(&w.loop, 3); /* the new stream must have higher ids than the old one */
	redis_server_do(&w.server, "FLUSHALL");
	world_add(&w, 5, 8);
	listener_await(&l, has_events, 8, "all of the new stream");
	cr_expect_eq(l.gaps, 1);
	cr_expect_eq(l.count_at_gap, 5);
	cr_expect_eq(l.repeats_or_jumps, 0);
	stop_listening(&l);
}

Test(tail, notices_smaller_ids_without_a_loss)
{
	struct world w;
	struct listener l;
	char text[512];

	listen_after(&l, &w, 2);
	redis_server_do(&w.server, "FLUSHALL");
	event_text(text, "capsule.pause", TEST_CAPSULE, 2);
	redis_server_do(&w.server, "XADD " BUS_STREAM " 5-1 payload %s", text);
	listener_await(&l, has_events, 3, "the event with the small id");
	cr_expect_eq(l.gaps, 1);
	cr_expect_eq(stream_id_compare(l.from, (struct stream_id){ 5, 0 }), 0);
	cr_expect_eq(l.repeats_or_jumps, 0);
	stop_listening(&l);
}

/* The connection stays: FLUSHALL, DEL and RENAME while the tail waits for the next entry. */
Test(tail, tells_of_a_gap_when_the_stream_is_taken_away_under_it)
{
	static const char *const scripts[] = {
		"return redis.call('DEL', '" BUS_STREAM "')",
		"return redis.call('RENAME', '" BUS_STREAM "', 'old')",
		"return redis.call('FLUSHALL')",
	};

	for (size_t i = 0; i < ARRAY_LEN(scripts); i++) {
		struct world w;
		struct listener l;

		listen_after(&l, &w, 2);
		run_turns(&w.loop, 3); /* the new stream must have higher ids than the old one */
		redis_server_do(&w.server, "EVAL %s 0", scripts[i]);
		world_add(&w, 2, 4);
		listener_await(&l, has_events, 4, "events after");
		cr_expect_eq(l.repeats_or_jumps, 0);
		cr_expect_eq(l.gaps, 1, "%s", scripts[i]);
		cr_expect_eq(l.count_at_gap, 2, "the gap comes before the events after it");
		stop_listening(&l);
	}
}

Test(tail, tells_of_gap_after_gap_in_a_few_lines)
{
	struct world w;
	struct listener l;
	FILE *log = record_log();

	clock_hold(); /* all in one minute */
	listen_after(&l, &w, 1);
	for (int n = 1; n <= LOG_LIMIT_LINES + 5; n++) {
		redis_server_do(&w.server, "FLUSHALL");
		world_add(&w, n, n + 1);
		listener_await(&l, has_events, n + 1, "the event after the gap");
	}
	cr_expect_geq(l.gaps, LOG_LIMIT_LINES + 5);
	cr_expect_eq(count_lines(log, "entries of the stream may be lost"), LOG_LIMIT_LINES);
	stop_listening(&l);
}

Test(tail, stays_down_while_the_key_holds_no_stream)
{
	struct world w;
	struct listener l;

	world_open(&w);
	redis_server_do(&w.server, "SET " BUS_STREAM " x");
	listen_in(&l, &w);
	listener_await(&l, is_down, 1, "the refusal");
	run_turns(&w.loop, 300);
	cr_expect_eq(l.ups, 0);
	cr_expect_eq(l.downs, 1);
	cr_expect_eq(l.starts, 0);
	redis_server_do(&w.server, "DEL " BUS_STREAM);
	listener_await(&l, is_started, 1, "the start");
	world_add(&w, 0, 1);
	listener_await(&l, has_events, 1, "an event");
	stop_listening(&l);
}

Test(tail, comes_down_when_the_key_turns_into_something_else)
{
	struct world w;
	struct listener l;

	world_open(&w);
	world_add(&w, 0, 1);
	start_listening(&l, &w);
	redis_server_do(&w.server, "SET " BUS_STREAM " x");
	world_cut_connections(&w);
	listener_await(&l, is_down, 1, "the loss");
	run_turns(&w.loop, 200);
	cr_expect_not(bus_tail_is_up(l.tail));
	stop_listening(&l);
}

Test(tail, waits_for_a_redis_that_starts_late)
{
	struct world w;
	struct listener l;

	world_open(&w);
	redis_server_kill(&w.server);
	listen_in(&l, &w);
	listener_await(&l, is_down, 1, "the refusal");
	redis_server_restart(&w.server);
	listener_await(&l, is_started, 1, "the start");
	stop_listening(&l);
}

Test(tail, closes_at_any_moment)
{
	struct world w;

	world_open(&w);
	world_add(&w, 0, 10);
	for (int turns = 0; turns < 15; turns++) {
		struct listener l;

		listen_in(&l, &w);
		for (int i = 0; i < turns; i++)
			uv_run(&w.loop, UV_RUN_NOWAIT);
		bus_tail_close(l.tail, world_on_closed, &w);
	}
	bus_tail_close(NULL, world_on_closed, &w);
	world_close(&w);
	cr_expect_eq(w.closed, 16);
}

#define EDGES "*4\r\n$6\r\nlength\r\n:0\r\n$17\r\nlast-generated-id\r\n$3\r\n0-0\r\n"

Test(tail, survives_a_server_that_lies)
{
	/* All except the last one are malformed edges. The last one holds edges and no entries. */
	static const char *const answers[] = {
		":1\r\n",
		"*2\r\n$17\r\nlast-generated-id\r\n$3\r\nxyz\r\n",
		"*2\r\n$17\r\nlast-generated-id\r\n:5\r\n",
		"-ERR something else\r\n",
		EDGES, /* to XREAD too */
	};

	for (size_t i = 0; i < ARRAY_LEN(answers); i++) {
		struct world w;
		struct listener l;
		struct liar liar;

		world_open_at(&w, "/nonexistent");
		liar_start(&liar, &w.loop, LIAR_GOOD_GREETING, answers[i]);
		snprintf(w.address.path, sizeof(w.address.path), "%s", liar.path);
		listen_in(&l, &w);
		listener_await(&l, is_down, 1, answers[i]);
		cr_expect_eq(l.count, 0);
		liar_stop(&liar);
		stop_listening(&l);
	}
}
