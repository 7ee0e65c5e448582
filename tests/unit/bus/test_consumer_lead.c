/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Leading and standing by, and what a new leader finds: entries that nobody committed, a store
 * behind the group, a group behind the store, entries that became pending without its knowledge.
 */
#include <errno.h>

#include "tests/unit/bus/ledger.h"

/* Two workers of one group. */
struct pair {
	struct world world;
	struct ledger *a;
	struct ledger *b;
};

static void open_standing_by(struct ledger *l, struct world *w)
{
	ledger_init(l, w);
	ledger_open_consumer(l, 60000);
	bus_consumer_stand_by(l->consumer);
}

static void close_one(struct ledger *l)
{
	bus_consumer_close(l->consumer, world_on_closed, l->world);
	ledger_wait(l, ledger_is_closed, 0, "the end");
	l->world->closed = 0;
}

/* Until so many clients wait in Redis for a new entry. */
struct blocked {
	struct world *world;
	long long want;
};

static bool are_blocked(void *owner)
{
	const struct blocked *blocked = owner;
	redisReply *reply = redis_server_ask(&blocked->world->server, "INFO clients");
	const char *number = strstr(reply->str, "blocked_clients:");
	bool is_met = number && atoll(number + strlen("blocked_clients:")) == blocked->want;

	freeReplyObject(reply);
	return is_met;
}

static void run_until_blocked(struct world *w, long long clients)
{
	struct blocked blocked = { .world = w, .want = clients };

	run_until(&w->loop, are_blocked, &blocked, "blocked reads");
}

static void expect_order(const struct ledger *l, int from, int count)
{
	cr_assert_eq(l->distinct, count);
	for (int i = 0; i < count; i++)
		cr_assert_eq(l->order[i], from + i, "%d is number %d", l->order[i], i);
}

Test(consumer_lead, reads_nothing_while_it_stands_by)
{
	static struct ledger l;
	struct world w;

	world_open(&w);
	open_standing_by(&l, &w);
	run_turns(&w.loop, 200);
	cr_expect_eq(redis_server_number(&w.server, "EXISTS " BUS_STREAM), 0, "it made a group");
	cr_expect_not(bus_consumer_is_ready(l.consumer));
	redis_server_do(&w.server, "XGROUP CREATE " BUS_STREAM " " GROUP " 0 MKSTREAM");
	world_add(&w, 0, 5);
	ledger_wait(&l, ledger_is_ready, 0, "the group to be seen");
	run_turns(&w.loop, 100);
	cr_expect_eq(ledger_pending(&l), 0);
	ledger_know(&l, 0);
	ledger_lead(&l);
	ledger_expect_all(&l, 5);
	redis_server_do(&w.server, "XGROUP DESTROY " BUS_STREAM " " GROUP);
	ledger_stop(&l);
}

/* The first leads, has a batch in hand, and loses the lease. */
static void hand_over(struct pair *pair)
{
	world_open(&pair->world);
	ledger_init(pair->a, &pair->world);
	ledger_open_consumer(pair->a, 60000);
	open_standing_by(pair->b, &pair->world);
	ledger_wait(pair->a, ledger_is_ready, 0, "the group");
	world_add(&pair->world, 0, 10);
	ledger_expect_all(pair->a, 10);
	pair->a->dawdles = true;
	world_add(&pair->world, 10, 800);
	ledger_wait(pair->a, ledger_owes_answer, 0, "the batch");
	bus_consumer_stand_by(pair->a->consumer);
	pair->b->is_known = true;
	pair->b->last = pair->a->last;
	ledger_lead(pair->b);
}

Test(consumer_lead, commits_in_order_what_another_had_read)
{
	static struct ledger a;
	static struct ledger b;
	struct pair pair = { .a = &a, .b = &b };

	hand_over(&pair);
	ledger_wait(&b, ledger_has_committed, 790, "entries read and unread");
	a.owes_answer = false;
	bus_consumer_committed(a.consumer, -EPERM);
	ledger_wait(&b, ledger_has_nothing_pending, 0, "all acknowledgements");
	expect_order(&b, 10, 790);
	cr_expect_eq(ledger_repeats(&b), 0);
	cr_expect_eq(a.distinct, 10);
	close_one(&a);
	ledger_stop(&b);
}

/* Also when it leads again before it learns that its commit was refused. */
Test(consumer_lead, offers_no_batch_of_an_earlier_time_again)
{
	static struct ledger a;
	static struct ledger b;
	struct pair pair = { .a = &a, .b = &b };
	int batches;

	hand_over(&pair);
	ledger_wait(&b, ledger_has_committed, 790, "all of it");
	ledger_wait(&b, ledger_has_nothing_pending, 0, "all acknowledgements");
	bus_consumer_stand_by(b.consumer);
	batches = a.batches;
	a.last = b.last;
	ledger_lead(&a);
	run_turns(&pair.world.loop, 50);
	cr_expect_not(bus_consumer_is_ready(a.consumer), "the old batch ends first");
	a.owes_answer = false;
	a.dawdles = false;
	bus_consumer_committed(a.consumer, -EIO);
	ledger_wait(&a, ledger_is_ready, 0, "the group");
	world_add(&pair.world, 800, 801);
	ledger_wait(&a, ledger_has_committed, 11, "the new one");
	cr_expect_eq(a.batches, batches + 1);
	cr_expect_eq(a.seen[10], 0);
	close_one(&b);
	ledger_stop(&a);
}

Test(consumer_lead, reads_nothing_that_its_lease_may_not_outlast)
{
	static struct ledger l;
	struct world w;

	ledger_start_after(&l, &w, 1);
	l.may_not_read = true;
	world_add(&w, 1, 2); /* ends the read that is under way */
	ledger_wait(&l, ledger_has_committed, 2, "the last read");
	ledger_wait(&l, ledger_has_nothing_pending, 0, "its acknowledgement");
	world_add(&w, 2, 5);
	run_turns(&w.loop, 100);
	cr_expect_eq(ledger_pending(&l), 0);
	cr_expect_eq(l.distinct, 2);
	l.may_not_read = false;
	ledger_expect_all(&l, 5);
	ledger_stop(&l);
}

/* ---- who is where ---------------------------------------------------------------------------- */

/* The store has lost every commit after number `kept`, whose id that XRANGE answers. */
static void lose_commits(struct ledger *l, int kept)
{
	redisReply *reply = redis_server_ask(&l->world->server, "XRANGE " BUS_STREAM " - +");

	cr_assert_gt(reply->elements, (size_t)kept);
	cr_assert_eq(stream_id_parse(str_of(reply->element[kept]->element[0]->str), &l->last), 0);
	freeReplyObject(reply);
	l->distinct = 0;
	memset(l->seen, 0, sizeof(l->seen));
}

static void roll_back(struct ledger *l, int kept)
{
	lose_commits(l, kept);
	bus_consumer_stand_by(l->consumer);
	ledger_lead(l);
}

Test(consumer_lead, reads_again_what_the_store_has_lost)
{
	static struct ledger l;
	struct world w;

	ledger_start_after(&l, &w, 18);
	roll_back(&l, 7);
	ledger_wait(&l, ledger_has_committed, 10, "the ten that are missing");
	expect_order(&l, 8, 10);
	world_add(&w, 18, 20);
	ledger_wait(&l, ledger_has_committed, 12, "new ones");
	expect_order(&l, 8, 12);
	ledger_wait(&l, ledger_has_nothing_pending, 0, "all acknowledgements");
	ledger_stop(&l);
}

/* Numbers 0 to 1299 were committed, ten newer ones were handed out and never committed. */
static void leave_pending(struct ledger *l, struct world *w)
{
	ledger_start_after(l, w, 1300);
	l->dawdles = true;
	world_add(w, 1300, 1310);
	ledger_wait(l, ledger_owes_answer, 0, "a batch in hand");
	ledger_wait(l, ledger_has_pending, 10, "all of them to be read");
	bus_consumer_stand_by(l->consumer);
	l->owes_answer = false;
	bus_consumer_committed(l->consumer, -EPERM);
	l->dawdles = false;
}

static void expect_all_after_99(struct ledger *l)
{
	ledger_wait(l, ledger_has_committed, 1210, "all that is missing");
	expect_order(l, 100, 1210);
	cr_expect_eq(ledger_repeats(l), 0);
	ledger_wait(l, ledger_has_nothing_pending, 0, "all acknowledgements");
	ledger_stop(l);
}

Test(consumer_lead, mixes_what_is_lost_and_what_is_pending_in_the_order_of_the_stream)
{
	static struct ledger l;
	struct world w;

	leave_pending(&l, &w);
	roll_back(&l, 99);
	expect_all_after_99(&l);
}

/* The one that set the group back lost its connections before it read anything. */
Test(consumer_lead, mixes_them_when_the_group_was_set_back_before)
{
	static struct ledger l;
	struct world w;
	char id[STREAM_ID_TEXT_SIZE];

	leave_pending(&l, &w);
	world_cut_connections(&w); /* a read that still waited would move the group on */
	lose_commits(&l, 99);
	stream_id_format(l.last, id);
	redis_server_do(&w.server, "XGROUP SETID " BUS_STREAM " " GROUP " %s", id);
	ledger_lead(&l);
	expect_all_after_99(&l);
}

Test(consumer_lead, reads_on_where_a_redis_is_that_lost_its_progress)
{
	static struct ledger l;
	struct world w;

	ledger_start_after(&l, &w, 10);
	bus_consumer_stand_by(l.consumer);
	world_cut_connections(&w); /* a read that still waited would move the group on */
	redis_server_do(&w.server, "XGROUP SETID " BUS_STREAM " " GROUP " 0");
	ledger_lead(&l);
	world_add(&w, 10, 12);
	ledger_expect_all(&l, 12);
	cr_expect_eq(ledger_repeats(&l), 10, "they come again, which changes nothing");
	ledger_stop(&l);
}

Test(consumer_lead, tells_the_ledger_where_a_group_begins_that_it_never_saw)
{
	static struct ledger l;
	struct world w;

	world_open(&w);
	world_add(&w, 100, 103);
	ledger_init(&l, &w);
	ledger_open_consumer(&l, 60000);
	ledger_wait(&l, ledger_is_ready, 0, "the group");
	cr_expect(l.is_known);
	cr_expect_not(stream_id_is_zero(l.last));
	/* No entry was ever committed, the group is lost, and another worker takes over. */
	bus_consumer_stand_by(l.consumer);
	redis_server_do(&w.server, "XGROUP DESTROY " BUS_STREAM " " GROUP);
	world_add(&w, 0, 3);
	ledger_lead(&l);
	ledger_wait(&l, ledger_has_committed, 6, "the new ones, and the last five minutes");
	cr_expect_eq(l.seen[0] * l.seen[1] * l.seen[2], 1);
	ledger_wait(&l, ledger_has_nothing_pending, 0, "all acknowledgements");
	ledger_stop(&l);
}

/* ---- what changes without its knowledge ------------------------------------------------------ */

Test(consumer_lead, finds_what_was_handed_out_under_its_name_without_it)
{
	static struct ledger l;
	struct world w;

	ledger_start_after(&l, &w, 3);
	/* The read of an old leader that was frozen before it. No new entry comes. */
	redis_server_do(&w.server, "MULTI");
	world_add_event(&w, "capsule.pause", TEST_CAPSULE, 3);
	redis_server_do(&w.server, "XREADGROUP GROUP " GROUP " " BUS_CONSUMER_NAME
				   " STREAMS " BUS_STREAM " >");
	redis_server_do(&w.server, "EXEC");
	ledger_expect_all(&l, 4);
	ledger_stop(&l);
}

/* The same, and a newer entry arrives, which is given to this leader. */
static void steal_every_second(struct ledger *l, int from, int to)
{
	struct world *w = l->world;

	for (int i = from; i < to; i += 2) {
		redis_server_do(&w->server, "MULTI");
		world_add_event(w, "capsule.pause", TEST_CAPSULE, i);
		redis_server_do(&w->server, "XREADGROUP GROUP " GROUP " " BUS_CONSUMER_NAME
					    " STREAMS " BUS_STREAM " >");
		world_add_event(w, "capsule.pause", TEST_CAPSULE, i + 1);
		redis_server_do(&w->server, "EXEC");
		ledger_wait(l, ledger_has_committed, i + 2, "both");
	}
	expect_order(l, 0, to);
	cr_expect_eq(ledger_repeats(l), 0);
	ledger_wait(l, ledger_has_nothing_pending, 0, "all acknowledgements");
}

Test(consumer_lead, puts_what_was_handed_out_without_it_before_what_it_has_read)
{
	static struct ledger l;
	struct world w;

	ledger_start_after(&l, &w, 3);
	steal_every_second(&l, 3, 33);
	ledger_stop(&l);
}

/* The ledger's position is far ahead of the ids of this stream. */
Test(consumer_lead, does_so_too_in_a_stream_that_began_again)
{
	static struct ledger l;
	struct world w;

	world_open(&w);
	ledger_init(&l, &w);
	ledger_know(&l, UINT64_C(1) << 50);
	ledger_open_consumer(&l, 60000);
	ledger_wait(&l, ledger_is_ready, 0, "the group");
	world_add(&w, 0, 1);
	ledger_expect_all(&l, 1);
	steal_every_second(&l, 1, 9);
	ledger_stop(&l);
}

/* The read of the earlier leader still blocks, and it is the first in Redis' queue. */
Test(consumer_lead, puts_what_an_earlier_leader_reads_in_its_place)
{
	static struct ledger a;
	static struct ledger b;
	struct world w;

	world_open(&w);
	ledger_init(&a, &w);
	ledger_open_consumer(&a, 60000);
	open_standing_by(&b, &w);
	ledger_wait(&a, ledger_is_ready, 0, "the group");
	world_add(&w, 0, 1);
	ledger_expect_all(&a, 1);
	run_until_blocked(&w, 1);
	bus_consumer_stand_by(a.consumer);
	b.is_known = true;
	b.last = a.last;
	ledger_lead(&b);
	run_until_blocked(&w, 2);
	for (int i = 1; i < 6; i++)
		world_add(&w, i, i + 1);
	ledger_wait(&b, ledger_has_committed, 5, "what both have read");
	expect_order(&b, 1, 5);
	ledger_wait(&b, ledger_has_nothing_pending, 0, "all acknowledgements");
	close_one(&a);
	ledger_stop(&b);
}

Test(consumer_lead, leads_and_stands_by_at_any_moment)
{
	static struct ledger l;
	struct world w;

	ledger_start(&l, &w);
	for (int round = 0; round < 40; round++) {
		world_add(&w, round * 30, round * 30 + 30);
		run_turns(&w.loop, round % 7);
		bus_consumer_stand_by(l.consumer);
		run_turns(&w.loop, round % 3);
		ledger_lead(&l);
		if (round % 10 == 9)
			world_cut_connections(&w);
	}
	ledger_expect_all(&l, 1200);
	expect_order(&l, 0, 1200);
	ledger_stop(&l);
}
