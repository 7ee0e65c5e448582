/* SPDX-License-Identifier: Apache-2.0 */

/* The tail and a changed Redis: other entries, fewer ones, or the same ones on another server. */
#include "tests/unit/bus/listener.h"

/* Kills the server, and gives a new one the first `count` of its entries. */
static void replace_server(struct listener *l, size_t count)
{
	struct world *w = l->world;
	redisReply *old = redis_server_ask(&w->server, "XRANGE " BUS_STREAM " - +");

	redis_server_kill(&w->server);
	listener_await(l, is_down, 1, "the loss");
	redis_server_restart(&w->server);
	for (size_t i = 0; i < count; i++)
		redis_server_do(&w->server, "XADD " BUS_STREAM " %s payload %s",
				old->element[i]->element[0]->str,
				old->element[i]->element[1]->element[1]->str);
	freeReplyObject(old);
}

Test(tail, loses_nothing_to_a_server_that_has_all_it_read)
{
	struct world w;
	struct listener l;

	listen_after(&l, &w, 5);
	replace_server(&l, 5);
	world_add(&w, 5, 8);
	listener_await(&l, has_events, 8, "events after it");
	cr_expect_eq(l.gaps, 0);
	cr_expect_eq(l.repeats_or_jumps, 0);
	cr_expect_eq(l.servers, 2);
	cr_expect_eq(l.other_histories, 1, "its replication id is another one");
	stop_listening(&l);
}

Test(tail, tells_of_a_gap_when_another_server_lacks_the_last_entries)
{
	struct world w;
	struct listener l;
	struct stream_id last;

	listen_after(&l, &w, 50);
	last = l.head;
	run_turns(&w.loop, 3);
	replace_server(&l, 40);
	l.last = 59;
	world_add(&w, 60, 80); /* more entries than before, with higher ids */
	listener_await(&l, has_events, 70, "everything that is new");
	run_turns(&w.loop, 20);
	cr_expect_eq(l.gaps, 1);
	cr_expect_eq(l.count_at_gap, 50);
	cr_expect_lt(stream_id_compare(l.from, last), 0);
	cr_expect_eq(l.count, 70);
	cr_expect_eq(l.repeats_or_jumps, 0, "entries that both servers have do not come again");
	stop_listening(&l);
}

/* Whatever their ids and their number are. */
Test(tail, tells_of_a_gap_when_another_server_has_other_entries_under_the_same_ids)
{
	struct world w;
	struct listener l;
	char text[512];

	world_open(&w);
	start_listening(&l, &w);
	for (int i = 1; i <= 5; i++) {
		event_text(text, "capsule.pause", TEST_CAPSULE, i - 1);
		redis_server_do(&w.server, "XADD " BUS_STREAM " %d-1 payload %s", i, text);
	}
	listener_await(&l, has_events, 5, "events before the loss");
	replace_server(&l, 0);
	l.last = 99;
	for (int i = 1; i <= 6; i++) {
		event_text(text, "capsule.pause", TEST_CAPSULE, 99 + i);
		redis_server_do(&w.server, "XADD " BUS_STREAM " %d-1 payload %s", i, text);
	}
	listener_await(&l, has_events, 11, "the entries of the other server");
	cr_expect_eq(l.gaps, 1);
	cr_expect_eq(l.count_at_gap, 5);
	cr_expect_eq(l.repeats_or_jumps, 0);
	stop_listening(&l);
}

Test(tail, tells_of_no_gap_when_entries_it_has_read_are_deleted_by_hand)
{
	struct world w;
	struct listener l;
	char id[STREAM_ID_TEXT_SIZE];

	listen_after(&l, &w, 5);
	stream_id_format(l.head, id);
	redis_server_do(&w.server, "XDEL " BUS_STREAM " %s", id);
	world_add(&w, 5, 6);
	listener_await(&l, has_events, 6, "the next");
	redis_server_do(&w.server, "XTRIM " BUS_STREAM " MAXLEN 0");
	world_cut_connections(&w);
	listener_await(&l, is_started, 2, "the return");
	world_add(&w, 6, 7);
	listener_await(&l, has_events, 7, "the last");
	cr_expect_eq(l.gaps, 0);
	cr_expect_eq(l.repeats_or_jumps, 0);
	stop_listening(&l);
}
