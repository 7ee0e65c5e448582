/* SPDX-License-Identifier: Apache-2.0 */

/* The consumer when commits fail, connections are cut, Redis dies, siblings die, or Redis lies. */
#include <stdio.h>

#include "core/log_limit.h"
#include "tests/support/clock_by_hand.h"
#include "tests/support/liar.h"
#include "tests/support/recorded_log.h"
#include "tests/unit/bus/ledger.h"

/* ---- the ledger fails -------------------------------------------------------------------- */

Test(consumer, acknowledges_nothing_while_commits_fail_and_all_of_it_afterwards)
{
	static struct ledger l;
	struct world w;

	ledger_prepare(&l, &w, 600); /* two batches */
	l.fail_first = 4;
	ledger_open_consumer(&l, 60000);
	ledger_expect_all(&l, 600);
	cr_expect_geq(l.pending_at_failure, 500, "%d", l.pending_at_failure);
	cr_expect_eq(ledger_repeats(&l), 0);
	cr_expect_eq(l.batches, 6);
	ledger_stop(&l);
}

/* More of anything than lines of the log may tell of in a minute. */
#define ROUNDS (LOG_LIMIT_LINES + 5)

Test(consumer, tells_of_a_ledger_that_fails_now_and_then_in_a_few_lines)
{
	static struct ledger l;
	struct world w;
	FILE *log = record_log();

	clock_hold(); /* all in one minute */
	ledger_start(&l, &w);
	for (int round = 0; round < ROUNDS; round++) {
		l.fail_first = 1;
		world_add(&w, round, round + 1);
		ledger_expect_all(&l, round + 1);
	}
	cr_expect_eq(count_lines(log, "cannot commit a batch"), LOG_LIMIT_LINES);
	cr_expect_eq(count_lines(log, "batches are committed again"), LOG_LIMIT_LINES);
	ledger_stop(&l);
}

Test(consumer, holds_two_batches_at_most)
{
	static struct ledger l;
	struct world w;

	ledger_start(&l, &w);
	l.dawdles = true;
	world_add(&w, 0, 5000);
	ledger_wait(&l, ledger_owes_answer, 0, "the first batch");
	run_turns(&w.loop, 200);
	cr_expect_eq(l.batches, 1);
	cr_expect_leq(ledger_pending(&l), 1000);
	l.dawdles = false;
	ledger_answer(&l);
	ledger_expect_all(&l, 5000);
	cr_expect_eq(ledger_repeats(&l), 0);
	ledger_stop(&l);
}

Test(consumer, goes_on_committing_while_redis_is_away)
{
	static struct ledger l;
	struct world w;

	ledger_prepare(&l, &w, 5);
	l.fail_first = 2;
	ledger_open_consumer(&l, 60000);
	ledger_wait(&l, ledger_has_batches, 1, "the first try");
	redis_server_kill(&w.server);
	l.fail_first = 0;
	ledger_wait(&l, ledger_has_committed, 5, "the commit without Redis");
	redis_server_restart(&w.server);
	ledger_wait(&l, ledger_is_ready, 0, "the return");
	world_add(&w, 5, 7);
	ledger_expect_all(&l, 7);
	ledger_stop(&l);
}

/* ---- lost connections -------------------------------------------------------------------- */

Test(consumer, reads_its_own_pending_entries_first)
{
	static struct ledger l;
	struct world w;

	/* A reply was lost: Redis counts the entries as ours. */
	ledger_prepare(&l, &w, 1200);
	redis_server_do(&w.server, "XREADGROUP GROUP " GROUP " " BUS_CONSUMER_NAME
				   " COUNT 1100 STREAMS " BUS_STREAM " >");
	ledger_open_consumer(&l, 60000);
	ledger_expect_all(&l, 1200);
	cr_expect_eq(ledger_repeats(&l), 0);
	ledger_stop(&l);
}

Test(consumer, loses_nothing_to_connections_cut_while_it_reads)
{
	static struct ledger l;
	struct world w;

	ledger_start(&l, &w);
	for (int round = 0; round < 8; round++) {
		world_add(&w, round * 700, round * 700 + 700);
		run_turns(&w.loop, round); /* somewhere between reading and acknowledging */
		world_cut_connections(&w);
	}
	ledger_expect_all(&l, 5600);
	ledger_stop(&l);
}

Test(consumer, hands_a_batch_out_once_although_its_connection_was_cut)
{
	static struct ledger l;
	struct world w;

	ledger_start(&l, &w);
	l.dawdles = true;
	world_add(&w, 0, 20);
	ledger_wait(&l, ledger_owes_answer, 0, "the batch");
	world_cut_connections(&w);
	ledger_wait(&l, ledger_is_not_ready, 0, "the loss");
	ledger_wait(&l, ledger_is_ready, 0, "the return");
	run_turns(&w.loop, 50);
	cr_expect_geq(ledger_pending(&l), 1, "nothing is acknowledged yet");
	l.dawdles = false;
	ledger_answer(&l);
	ledger_expect_all(&l, 20);
	cr_expect_eq(ledger_repeats(&l), 0);
	ledger_stop(&l);
}

Test(consumer, comes_back_after_redis_died_and_lost_everything)
{
	static struct ledger l;
	struct world w;

	ledger_start_after(&l, &w, 20);
	redis_server_kill(&w.server);
	ledger_wait(&l, ledger_is_not_ready, 0, "the loss");
	redis_server_restart(&w.server);
	world_add(&w, 20, 40);
	ledger_expect_all(&l, 40);
	ledger_stop(&l);
}

Test(consumer, tells_of_a_group_that_goes_again_and_again_in_a_few_lines)
{
	static struct ledger l;
	struct world w;
	FILE *log = record_log();

	clock_hold(); /* all in one minute */
	ledger_start(&l, &w);
	for (int round = 0; round < ROUNDS; round++) {
		world_add(&w, round, round + 1);
		ledger_expect_all(&l, round + 1);
		redis_server_do(&w.server, "XGROUP DESTROY " BUS_STREAM " " GROUP);
		ledger_wait(&l, ledger_is_not_ready, 0, "the loss");
	}
	ledger_wait(&l, ledger_is_ready, 0, "the return");
	cr_expect_eq(count_lines(log, "the consumer group is gone"), LOG_LIMIT_LINES);
	cr_expect_eq(count_lines(log, "creating the consumer group"), LOG_LIMIT_LINES);
	ledger_stop(&l);
}

/* ---- others ---------------------------------------------------------------------------- */

static bool is_alone(void *owner)
{
	struct ledger *l = owner;
	redisReply *reply =
		redis_server_ask(&l->world->server, "XINFO CONSUMERS " BUS_STREAM " " GROUP);
	bool alone = reply->type == REDIS_REPLY_ARRAY && reply->elements == 1;

	freeReplyObject(reply);
	return alone;
}

static void leave_with_another(struct world *w, int count)
{
	redis_server_do(&w->server, "XGROUP CREATE " BUS_STREAM " " GROUP " 0 MKSTREAM");
	world_add(w, 0, count);
	redis_server_do(&w->server,
			"XREADGROUP GROUP " GROUP " dead COUNT %d STREAMS " BUS_STREAM " >", count);
}

Test(consumer, takes_over_from_the_dead_and_buries_their_name)
{
	static struct ledger l;
	struct world w;

	world_open(&w);
	leave_with_another(&w, 350);
	ledger_init(&l, &w);
	ledger_open_consumer(&l, 20);
	ledger_expect_all(&l, 350);
	cr_expect_eq(ledger_repeats(&l), 0);
	ledger_wait(&l, is_alone, 0, "the removal of the dead consumer");
	ledger_stop(&l);
}

Test(consumer, tells_of_many_entries_that_it_takes_over_in_a_few_lines)
{
	static struct ledger l;
	struct world w;
	FILE *log = record_log();

	clock_hold(); /* all in one minute */
	world_open(&w);
	leave_with_another(&w, 100 * ROUNDS);
	ledger_init(&l, &w);
	ledger_open_consumer(&l, 20);
	ledger_expect_all(&l, 100 * ROUNDS);
	cr_expect_eq(count_lines(log, "took over entries of a silent consumer"), LOG_LIMIT_LINES);
	ledger_stop(&l);
}

Test(consumer, leaves_the_living_their_entries)
{
	static struct ledger l;
	struct world w;

	world_open(&w);
	leave_with_another(&w, 5);
	ledger_init(&l, &w);
	ledger_open_consumer(&l, 600000);
	ledger_wait(&l, ledger_is_ready, 0, "the group");
	world_add(&w, 5, 6);
	ledger_wait(&l, ledger_has_committed, 1, "the new one");
	ledger_wait(&l, ledger_has_pending, 5, "its acknowledgement");
	run_turns(&w.loop, 100);
	cr_expect_eq(l.distinct, 1);
	cr_expect_eq(ledger_pending(&l), 5);
	ledger_stop(&l);
}

Test(consumer, does_not_take_over_its_own_entries_while_the_ledger_is_slow)
{
	static struct ledger l;
	struct world w;

	ledger_prepare(&l, &w, 5);
	l.dawdles = true;
	ledger_open_consumer(&l, 20);
	ledger_wait(&l, ledger_owes_answer, 0, "the batch");
	run_turns(&w.loop, 2500); /* past the end of a blocking read, so that a claim can start */
	l.dawdles = false;
	ledger_answer(&l);
	ledger_expect_all(&l, 5);
	run_turns(&w.loop, 100);
	cr_expect_eq(ledger_repeats(&l), 0);
	ledger_stop(&l);
}

Test(consumer, lets_go_of_pending_entries_that_were_trimmed)
{
	static struct ledger l;
	struct world w;

	world_open(&w);
	leave_with_another(&w, 10);
	world_add(&w, 10, 20);
	redis_server_do(&w.server, "XREADGROUP GROUP " GROUP " " BUS_CONSUMER_NAME
				   " COUNT 10 STREAMS " BUS_STREAM " >");
	redis_server_do(&w.server, "XTRIM " BUS_STREAM " MAXLEN 3");
	ledger_init(&l, &w);
	ledger_open_consumer(&l, 20);
	ledger_wait(&l, ledger_has_committed, 3, "what is left");
	ledger_wait(&l, ledger_has_nothing_pending, 0, "all acknowledgements");
	cr_expect_eq(l.distinct, 3);
	ledger_stop(&l);
}

/* ---- lies ---------------------------------------------------------------------------------- */

static bool was_lied_to(void *owner)
{
	struct liar *liar = owner;

	return liar->answers >= 3;
}

Test(consumer, survives_a_server_that_lies)
{
	static const char *const answers[] = {
		":1\r\n",
		"+OK\r\n",
		"*0\r\n",
		"*-1\r\n",
		"$-1\r\n",
		"-NOGROUP no\r\n",
		"-WRONGTYPE no\r\n",
		"-ERR no such key\r\n",
		"*4\r\n$6\r\nlength\r\n:0\r\n$17\r\nlast-generated-id\r\n$3\r\n0-0\r\n",
		/* The answers for edges and groups are good, and every entry list is malformed. */
		("*6\r\n$6\r\nlength\r\n:0\r\n$17\r\nlast-generated-id\r\n$3\r\n0-0\r\n"
		 "$1\r\nx\r\n:1\r\n"),
		"*1\r\n*2\r\n$4\r\nname\r\n$1\r\ng\r\n",
	};

	for (size_t i = 0; i < ARRAY_LEN(answers); i++) {
		static struct ledger l;
		struct world w;
		struct liar liar;

		world_open_at(&w, "/nonexistent");
		liar_start(&liar, &w.loop, LIAR_GOOD_GREETING, answers[i]);
		snprintf(w.address.path, sizeof(w.address.path), "%s", liar.path);
		ledger_init(&l, &w);
		ledger_open_consumer(&l, 60000);
		run_until(&w.loop, was_lied_to, &liar, answers[i]);
		cr_expect_eq(l.batches, 0);
		cr_expect_not(bus_consumer_is_ready(l.consumer), "%s", answers[i]);
		liar_stop(&liar);
		ledger_stop(&l);
	}
}

static bool was_asked_to_read(void *owner)
{
	return ((struct liar_lie *)owner)->told >= 2;
}

/* In the middle of a failover one connection sees the group and the other does not. */
Test(consumer, pauses_when_its_connections_disagree_about_the_group)
{
	static struct ledger l;
	struct liar_lie lies[] = {
		{ .to = "XREADGROUP", .answer = "-NOGROUP no\r\n" },
		{ .to = "GROUPS",
		  .answer = "*1\r\n*4\r\n$4\r\nname\r\n$1\r\ng\r\n"
			    "$17\r\nlast-delivered-id\r\n$3\r\n0-0\r\n" },
		{ .to = "STREAM",
		  .answer = "*4\r\n$6\r\nlength\r\n:0\r\n"
			    "$17\r\nlast-generated-id\r\n$3\r\n0-0\r\n" },
		{ .to = NULL },
	};
	struct world w;
	struct liar liar;

	world_open_at(&w, "/nonexistent");
	liar_start(&liar, &w.loop, LIAR_GOOD_GREETING, NULL);
	liar.lies = lies;
	snprintf(w.address.path, sizeof(w.address.path), "%s", liar.path);
	ledger_init(&l, &w);
	ledger_open_consumer(&l, 60000);
	run_until(&w.loop, was_asked_to_read, &lies[0], "a second read");
	run_turns(&w.loop, 1500); /* 1.5 s at most */
	cr_expect_leq(lies[0].told, 10);
	cr_expect_leq(lies[1].told, 30);
	liar_stop(&liar);
	ledger_stop(&l);
}
