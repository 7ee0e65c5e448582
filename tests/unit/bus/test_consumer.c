/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The consumer against a real Redis: the happy path, groups that vanish, and closing. Every test
 * proves the same two things: no entry is acknowledged before the ledger has committed it, and at
 * the end no entry is left.
 */
#include "tests/unit/bus/ledger.h"

/* ---- the straight road --------------------------------------------------------------------- */

Test(consumer, commits_and_acknowledges_ten_thousand_entries_once_each)
{
	static struct ledger l;
	struct world w;

	ledger_start(&l, &w);
	world_add(&w, 0, 10000);
	ledger_expect_all(&l, 10000);
	cr_expect_eq(ledger_repeats(&l), 0);
	ledger_stop(&l);
}

/* A lone entry is committed at once. Those that follow it closely wait for company. */
Test(consumer, lingers_after_a_read_that_brought_little)
{
	static struct ledger l;
	struct world w;

	world_open(&w);
	ledger_init(&l, &w);
	l.linger_ms = 3600000;
	ledger_open_consumer(&l, 60000);
	ledger_wait(&l, ledger_is_ready, 0, "the group");
	world_add(&w, 0, 1);
	ledger_expect_all(&l, 1);
	world_add(&w, 1, 5);
	run_turns(&w.loop, 100);
	cr_expect_eq(ledger_pending(&l), 0);
	cr_expect_eq(l.distinct, 1);
	ledger_stop(&l);
}

Test(consumer, reads_all_together_what_came_while_it_lingered)
{
	static struct ledger l;
	struct world w;

	world_open(&w);
	ledger_init(&l, &w);
	l.linger_ms = 1;
	ledger_open_consumer(&l, 60000);
	ledger_wait(&l, ledger_is_ready, 0, "the group");
	for (int i = 0; i < 200; i++)
		world_add(&w, i, i + 1);
	ledger_expect_all(&l, 200);
	cr_expect_eq(ledger_repeats(&l), 0);
	ledger_stop(&l);
}

Test(consumer, acknowledges_what_is_nobodys_business)
{
	static struct ledger l;
	struct world w;

	ledger_start(&l, &w);
	world_add_event(&w, "volume.attach", TEST_CAPSULE, 1);
	world_add_event(&w, "capsule.create", ZERO_CAPSULE, 2);
	world_add_event(&w, "capsule.state.changed", TEST_CAPSULE, 3);
	world_add(&w, 0, 1);
	ledger_expect_all(&l, 1);
	cr_expect_eq(redis_server_number(&w.server, "EXISTS " BUS_DEAD_STREAM), 0);
	ledger_stop(&l);
}

Test(consumer, tells_the_highest_id_of_the_read)
{
	static struct ledger l;
	struct world w;

	ledger_start(&l, &w);
	redis_server_do(&w.server, "XADD " BUS_STREAM " 9000000000000-1 payload x");
	redis_server_do(&w.server, "XADD " BUS_STREAM " 9000000000000-2 payload x");
	world_add(&w, 0, 1);
	redis_server_do(&w.server, "XADD " BUS_STREAM " 9000000000001-7 payload x");
	ledger_expect_all(&l, 1);
	ledger_wait(&l, ledger_has_dead_letters, 3, "the poison");
	cr_expect_geq(l.last.ms, 9000000000000u);
	cr_expect_geq(l.last.seq, 3);
	ledger_stop(&l);
}

/* ---- the group ----------------------------------------------------------------------------- */

Test(consumer, starts_at_the_end_of_a_stream_it_has_never_seen)
{
	static struct ledger l;
	struct world w;

	world_open(&w);
	world_add(&w, 100, 105);
	ledger_init(&l, &w);
	ledger_open_consumer(&l, 60000);
	ledger_wait(&l, ledger_is_ready, 0, "the group");
	world_add(&w, 0, 1);
	ledger_expect_all(&l, 1);
	cr_expect_eq(l.seen[100], 0);
	ledger_stop(&l);
}

Test(consumer, uses_a_group_as_it_is_that_the_ledger_never_saw)
{
	static struct ledger l;
	struct world w;

	world_open(&w);
	world_add(&w, 0, 4);
	redis_server_do(&w.server, "XGROUP CREATE " BUS_STREAM " other $");
	redis_server_do(&w.server, "XGROUP CREATE " BUS_STREAM " " GROUP " 0");
	ledger_init(&l, &w);
	ledger_open_consumer(&l, 60000);
	ledger_expect_all(&l, 4);
	ledger_stop(&l);
}

Test(consumer, recreates_a_known_group_five_minutes_before_the_ledger)
{
	static struct ledger l;
	struct world w;
	char text[512];
	static const int at_ms[] = { 1000000, 1600000, 1600001, 1900000, 2000000 };

	world_open(&w);
	for (int i = 0; i < 5; i++) {
		event_text(text, "capsule.pause", TEST_CAPSULE, i);
		redis_server_do(&w.server, "XADD " BUS_STREAM " %d-0 payload %s", at_ms[i], text);
	}
	ledger_init(&l, &w);
	ledger_know(&l, 1900000);
	ledger_open_consumer(&l, 60000);
	ledger_expect_all(&l, 3);
	cr_expect_eq(l.seen[2] * l.seen[3] * l.seen[4], 1);
	ledger_stop(&l);
}

Test(consumer, reads_all_of_a_stream_younger_than_the_stored_position)
{
	static struct ledger l;
	struct world w;
	char text[512];

	world_open(&w);
	for (int i = 0; i < 3; i++) {
		event_text(text, "capsule.pause", TEST_CAPSULE, i);
		redis_server_do(&w.server, "XADD " BUS_STREAM " %d-0 payload %s", i + 5, text);
	}
	ledger_init(&l, &w);
	ledger_know(&l, 1000000);
	ledger_open_consumer(&l, 60000);
	ledger_expect_all(&l, 3);
	ledger_stop(&l);
}

Test(consumer, creates_the_stream_for_a_known_group_too)
{
	static struct ledger l;
	struct world w;

	world_open(&w);
	ledger_init(&l, &w);
	ledger_know(&l, 9000000000000);
	ledger_open_consumer(&l, 60000);
	ledger_wait(&l, ledger_is_ready, 0, "the group");
	world_add(&w, 0, 2);
	ledger_expect_all(&l, 2);
	ledger_stop(&l);
}

static void lose_and_find(const char *command)
{
	static struct ledger l;
	struct world w;

	ledger_start_after(&l, &w, 5);
	redis_server_do(&w.server, command, NULL);
	world_add(&w, 5, 10);
	ledger_wait(&l, ledger_has_committed, 10, command);
	ledger_wait(&l, ledger_has_nothing_pending, 0, command);
	ledger_stop(&l);
}

Test(consumer, finds_back_after_the_stream_was_deleted)
{
	lose_and_find("DEL " BUS_STREAM);
}

Test(consumer, finds_back_after_everything_was_deleted)
{
	lose_and_find("FLUSHALL");
}

Test(consumer, finds_back_after_the_group_was_destroyed)
{
	lose_and_find("XGROUP DESTROY " BUS_STREAM " " GROUP);
}

Test(consumer, loses_nothing_when_a_new_group_is_lost_before_its_first_commit)
{
	static struct ledger l;
	struct world w;

	world_open(&w);
	world_add(&w, 100, 103);
	ledger_init(&l, &w);
	ledger_open_consumer(&l, 60000);
	ledger_wait(&l, ledger_is_ready, 0, "the group");
	redis_server_do(&w.server, "XGROUP DESTROY " BUS_STREAM " " GROUP);
	world_add(&w, 0, 2);
	ledger_expect_all(&l, 2);
	cr_expect_eq(l.seen[100], 0, "entries before the group began are not read");
	redis_server_do(&w.server, "FLUSHALL");
	world_add(&w, 2, 4);
	ledger_expect_all(&l, 4);
	ledger_stop(&l);
}

Test(consumer, stays_away_while_the_key_holds_no_stream)
{
	static struct ledger l;
	struct world w;

	world_open(&w);
	redis_server_do(&w.server, "SET " BUS_STREAM " x");
	ledger_init(&l, &w);
	ledger_open_consumer(&l, 60000);
	run_turns(&w.loop, 300);
	cr_expect_not(bus_consumer_is_ready(l.consumer));
	redis_server_do(&w.server, "DEL " BUS_STREAM);
	ledger_wait(&l, ledger_is_ready, 0, "the group");
	redis_server_do(&w.server, "SET " BUS_STREAM " x");
	ledger_wait(&l, ledger_is_not_ready, 0, "the loss");
	redis_server_do(&w.server, "DEL " BUS_STREAM);
	ledger_wait(&l, ledger_is_ready, 0, "the group again");
	world_add(&w, 0, 1);
	ledger_expect_all(&l, 1);
	ledger_stop(&l);
}

/* ---- closing ------------------------------------------------------------------------------- */

Test(consumer, finishes_the_batch_in_hand_before_it_closes)
{
	static struct ledger l;
	struct world w;

	ledger_prepare(&l, &w, 7);
	l.dawdles = true;
	ledger_open_consumer(&l, 60000);
	ledger_wait(&l, ledger_owes_answer, 0, "the batch");
	bus_consumer_close(l.consumer, world_on_closed, &w);
	run_turns(&w.loop, 50);
	cr_expect_eq(w.closed, 0);
	ledger_answer(&l);
	ledger_wait(&l, ledger_is_closed, 0, "the end");
	cr_expect_eq(l.distinct, 7);
	cr_expect_eq(ledger_pending(&l), 0, "a committed entry is acknowledged");
	world_close(&w);
}

Test(consumer, leaves_a_batch_pending_that_fails_at_the_end)
{
	static struct ledger l;
	struct world w;

	ledger_prepare(&l, &w, 7);
	l.dawdles = true;
	l.fail_first = 1;
	ledger_open_consumer(&l, 60000);
	ledger_wait(&l, ledger_owes_answer, 0, "the batch");
	bus_consumer_close(l.consumer, world_on_closed, &w);
	ledger_answer(&l);
	ledger_wait(&l, ledger_is_closed, 0, "the end");
	cr_expect_eq(ledger_pending(&l), 7);
	world_close(&w);
}

Test(consumer, gives_up_a_batch_that_waits_for_its_next_try)
{
	static struct ledger l;
	struct world w;

	ledger_prepare(&l, &w, 7);
	l.fail_first = 1000;
	ledger_open_consumer(&l, 60000);
	ledger_wait(&l, ledger_has_batches, 2, "two tries");
	ledger_stop(&l);
	cr_expect_eq(l.distinct, 0);
}

Test(consumer, closes_at_any_moment)
{
	static struct ledger l;
	struct world w;

	world_open(&w);
	ledger_init(&l, &w);
	for (int turns = 0; turns < 25; turns++) {
		world_add(&w, turns, turns + 1);
		ledger_open_consumer(&l, 60000);
		for (int i = 0; i < turns; i++)
			uv_run(&w.loop, UV_RUN_NOWAIT);
		w.closed = 0;
		bus_consumer_close(l.consumer, world_on_closed, &w);
		ledger_wait(&l, ledger_is_closed, 0, "the end");
	}
	bus_consumer_close(NULL, world_on_closed, &w);
	cr_expect_eq(w.closed, 2);
	world_close(&w);
}
