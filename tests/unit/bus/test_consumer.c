/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The consumer against a real Redis and a ledger that fails, dawdles and rejects. What every test
 * comes down to: nothing is acknowledged that the ledger has not committed, and in the end nothing
 * is left over.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/support/liar.h"
#include "tests/unit/bus/bus_fixture.h"

#define GROUP   "g"
#define NAME    "me"
#define NUMBERS 12000

struct ledger {
	struct world *world;
	struct bus_consumer *consumer;
	int seen[NUMBERS]; /* how often each number was committed */
	int distinct;
	int batches; /* handed out, repeats included */
	int fail_first;
	int pending_at_failure; /* the least that was pending when a commit failed */
	bool dawdles;           /* answers only when told */
	bool owes_answer;
	struct bus_batch *batch;
	int reject; /* the number to reject; -1: none */
	struct stream_id last;
	bool never_seen;
	int questions;
	int unanswerable; /* position questions to fail first */
	int want;
};

static int pending(struct world *w)
{
	redisReply *reply = redis_server_ask(&w->server, "XPENDING " BUS_STREAM " " GROUP);
	int count = reply->type == REDIS_REPLY_ARRAY ? (int)reply->element[0]->integer : -1;

	freeReplyObject(reply);
	return count;
}

static void commit(struct ledger *l)
{
	for (size_t i = 0; i < l->batch->count; i++) {
		int number = event_number(l->batch->events[i]);

		cr_assert(number >= 0 && number < NUMBERS);
		if (number == l->reject) {
			reason_set(&l->batch->rejected[i], 0, "team_id", "the ledger says no");
			continue;
		}
		if (l->seen[number]++ == 0)
			l->distinct++;
	}
	if (stream_id_compare(l->batch->last, l->last) > 0)
		l->last = l->batch->last;
}

static void answer(struct ledger *l)
{
	l->owes_answer = false;
	if (l->fail_first > 0) {
		int now = pending(l->world);

		l->fail_first--;
		if (l->pending_at_failure < 0 || now < l->pending_at_failure)
			l->pending_at_failure = now;
		bus_consumer_committed(l->consumer, -EIO);
		return;
	}
	commit(l);
	bus_consumer_committed(l->consumer, 0);
}

static void on_batch(struct bus_batch *batch, void *owner)
{
	struct ledger *l = owner;

	cr_assert_not(l->owes_answer, "batches come one at a time");
	cr_assert_gt(batch->count, 0);
	for (size_t i = 0; i < batch->count; i++)
		cr_assert_eq(batch->rejected[i].text[0], '\0');
	l->batches++;
	l->batch = batch;
	l->owes_answer = true;
	if (!l->dawdles)
		answer(l);
}

static void on_position_wanted(void *owner)
{
	struct ledger *l = owner;

	l->questions++;
	if (l->unanswerable-- > 0)
		bus_consumer_position(l->consumer, -EIO, false, (struct stream_id){ 0 });
	else
		bus_consumer_position(l->consumer, 0, !l->never_seen && !stream_id_is_zero(l->last),
				      l->last);
}

static bool is_ready(void *owner)
{
	return bus_consumer_is_ready(((struct ledger *)owner)->consumer);
}

static bool is_not_ready(void *owner)
{
	return !bus_consumer_is_ready(((struct ledger *)owner)->consumer);
}

static bool has_committed(void *owner)
{
	struct ledger *l = owner;

	return l->distinct >= l->want;
}

static bool has_nothing_pending(void *owner)
{
	return pending(((struct ledger *)owner)->world) == 0;
}

static bool has_batches(void *owner)
{
	struct ledger *l = owner;

	return l->batches >= l->want;
}

static bool owes_answer(void *owner)
{
	return ((struct ledger *)owner)->owes_answer;
}

static bool is_closed(void *owner)
{
	return ((struct ledger *)owner)->world->closed > 0;
}

static bool has_dead_letters(void *owner)
{
	struct ledger *l = owner;

	return redis_server_number(&l->world->server, "XLEN " BUS_DEAD_STREAM) >= l->want;
}

static void wait_for(struct ledger *l, bool (*condition)(void *), int want, const char *what)
{
	l->want = want;
	run_until(&l->world->loop, condition, l, what);
}

static void open_consumer(struct ledger *l, unsigned claim_idle_ms)
{
	const struct bus_consumer_options options = {
		.loop = &l->world->loop,
		.address = &l->world->address,
		.group = GROUP,
		.name = NAME,
		.claim_idle_ms = claim_idle_ms,
		.on_batch = on_batch,
		.on_position_wanted = on_position_wanted,
		.owner = l,
	};

	cr_assert_eq(bus_consumer_open(&options, &l->consumer), 0);
}

static void ledger_init(struct ledger *l, struct world *w)
{
	*l = (struct ledger){ .world = w, .reject = -1, .pending_at_failure = -1 };
}

/* A world, a group that starts at 0, and a consumer that is ready. */
static void start(struct ledger *l, struct world *w)
{
	world_open(w);
	ledger_init(l, w);
	open_consumer(l, 60000);
	wait_for(l, is_ready, 0, "the group");
}

static void stop(struct ledger *l)
{
	bus_consumer_close(l->consumer, world_on_closed, l->world);
	wait_for(l, is_closed, 0, "the end");
	world_close(l->world);
	cr_expect_eq(l->world->closed, 1);
}

/* All of 0..count-1 committed, nothing pending. */
static void expect_all(struct ledger *l, int count)
{
	wait_for(l, has_committed, count, "all commits");
	wait_for(l, has_nothing_pending, 0, "all acknowledgements");
	cr_expect_eq(l->distinct, count);
}

static int repeats(const struct ledger *l)
{
	int count = 0;

	for (int i = 0; i < NUMBERS; i++)
		count += l->seen[i] > 1;
	return count;
}

/* ---- the straight road --------------------------------------------------------------------- */

Test(consumer, commits_then_acknowledges)
{
	static struct ledger l;
	struct world w;

	start(&l, &w);
	world_add(&w, 0, 10);
	expect_all(&l, 10);
	cr_expect_eq(repeats(&l), 0);
	stop(&l);
}

Test(consumer, follows_ten_thousand_entries_once_each)
{
	static struct ledger l;
	struct world w;

	start(&l, &w);
	world_add(&w, 0, 10000);
	expect_all(&l, 10000);
	cr_expect_eq(repeats(&l), 0);
	stop(&l);
}

Test(consumer, acknowledges_what_is_nobodys_business)
{
	static struct ledger l;
	struct world w;

	start(&l, &w);
	world_add_event(&w, "volume.create", TEST_CAPSULE, 1);
	world_add_event(&w, "capsule.create", ZERO_CAPSULE, 2);
	world_add_event(&w, "capsule.state.changed", TEST_CAPSULE, 3);
	world_add(&w, 0, 1);
	expect_all(&l, 1);
	cr_expect_eq(redis_server_number(&w.server, "EXISTS " BUS_DEAD_STREAM), 0);
	stop(&l);
}

Test(consumer, tells_the_highest_id_of_the_read)
{
	static struct ledger l;
	struct world w;

	start(&l, &w);
	redis_server_do(&w.server, "XADD " BUS_STREAM " 9000000000000-1 payload x");
	redis_server_do(&w.server, "XADD " BUS_STREAM " 9000000000000-2 payload x");
	world_add(&w, 0, 1);
	redis_server_do(&w.server, "XADD " BUS_STREAM " 9000000000001-7 payload x");
	expect_all(&l, 1);
	wait_for(&l, has_dead_letters, 3, "the poison");
	cr_expect_geq(l.last.ms, 9000000000000u);
	cr_expect_geq(l.last.seq, 3);
	stop(&l);
}

/* ---- the group ----------------------------------------------------------------------------- */

Test(consumer, starts_at_the_end_of_a_stream_it_has_never_seen)
{
	static struct ledger l;
	struct world w;

	world_open(&w);
	world_add(&w, 100, 105);
	ledger_init(&l, &w);
	open_consumer(&l, 60000);
	wait_for(&l, is_ready, 0, "the group");
	cr_expect_eq(l.questions, 1);
	world_add(&w, 0, 1);
	expect_all(&l, 1);
	cr_expect_eq(l.seen[100], 0);
	stop(&l);
}

Test(consumer, uses_a_group_that_exists_without_asking)
{
	static struct ledger l;
	struct world w;

	world_open(&w);
	world_add(&w, 0, 4);
	redis_server_do(&w.server, "XGROUP CREATE " BUS_STREAM " other $");
	redis_server_do(&w.server, "XGROUP CREATE " BUS_STREAM " " GROUP " 0");
	ledger_init(&l, &w);
	open_consumer(&l, 60000);
	expect_all(&l, 4);
	cr_expect_eq(l.questions, 0);
	stop(&l);
}

Test(consumer, recreates_a_known_group_five_minutes_before_its_last_id)
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
	l.last = (struct stream_id){ .ms = 1900000, .seq = 0 };
	open_consumer(&l, 60000);
	expect_all(&l, 3);
	cr_expect_eq(l.seen[0] + l.seen[1], 0);
	cr_expect_eq(l.seen[2] * l.seen[3] * l.seen[4], 1);
	stop(&l);
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
	l.last = (struct stream_id){ .ms = 1000000, .seq = 0 };
	open_consumer(&l, 60000);
	expect_all(&l, 3);
	stop(&l);
}

Test(consumer, creates_the_stream_for_a_known_group_too)
{
	static struct ledger l;
	struct world w;

	world_open(&w);
	ledger_init(&l, &w);
	l.last = (struct stream_id){ .ms = 9000000000000, .seq = 0 };
	open_consumer(&l, 60000);
	wait_for(&l, is_ready, 0, "the group");
	world_add(&w, 0, 2);
	expect_all(&l, 2);
	stop(&l);
}

Test(consumer, asks_again_when_the_position_cannot_be_read)
{
	static struct ledger l;
	struct world w;

	world_open(&w);
	ledger_init(&l, &w);
	l.unanswerable = 2;
	open_consumer(&l, 60000);
	wait_for(&l, is_ready, 0, "the group");
	cr_expect_eq(l.questions, 3);
	world_add(&w, 0, 1);
	expect_all(&l, 1);
	stop(&l);
}

static void lose_and_find(const char *command)
{
	static struct ledger l;
	struct world w;

	start(&l, &w);
	world_add(&w, 0, 5);
	expect_all(&l, 5);
	redis_server_do(&w.server, command, NULL);
	world_add(&w, 5, 10);
	wait_for(&l, has_committed, 10, command);
	wait_for(&l, has_nothing_pending, 0, command);
	cr_expect_eq(l.questions, 2, "%s", command);
	stop(&l);
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
	l.never_seen = true;
	open_consumer(&l, 60000);
	wait_for(&l, is_ready, 0, "the group");
	redis_server_do(&w.server, "XGROUP DESTROY " BUS_STREAM " " GROUP);
	world_add(&w, 0, 2);
	expect_all(&l, 2);
	cr_expect_eq(l.seen[100], 0, "what was there before it stays none of its business");
	redis_server_do(&w.server, "FLUSHALL");
	world_add(&w, 2, 4);
	expect_all(&l, 4);
	stop(&l);
}

Test(consumer, stays_away_while_the_key_holds_no_stream)
{
	static struct ledger l;
	struct world w;

	world_open(&w);
	redis_server_do(&w.server, "SET " BUS_STREAM " x");
	ledger_init(&l, &w);
	open_consumer(&l, 60000);
	run_turns(&w.loop, 300);
	cr_expect_not(bus_consumer_is_ready(l.consumer));
	cr_expect_eq(l.questions, 0);
	redis_server_do(&w.server, "DEL " BUS_STREAM);
	wait_for(&l, is_ready, 0, "the group");
	redis_server_do(&w.server, "SET " BUS_STREAM " x");
	wait_for(&l, is_not_ready, 0, "the loss");
	redis_server_do(&w.server, "DEL " BUS_STREAM);
	wait_for(&l, is_ready, 0, "the group again");
	world_add(&w, 0, 1);
	expect_all(&l, 1);
	stop(&l);
}

/* ---- the ledger fails -------------------------------------------------------------------- */

Test(consumer, acknowledges_nothing_while_commits_fail_and_all_of_it_afterwards)
{
	static struct ledger l;
	struct world w;

	world_open(&w);
	redis_server_do(&w.server, "XGROUP CREATE " BUS_STREAM " " GROUP " 0 MKSTREAM");
	world_add(&w, 0, 600); /* two batches */
	ledger_init(&l, &w);
	l.fail_first = 4;
	open_consumer(&l, 60000);
	expect_all(&l, 600);
	cr_expect_geq(l.pending_at_failure, 500, "%d", l.pending_at_failure);
	cr_expect_eq(repeats(&l), 0);
	cr_expect_eq(l.batches, 6);
	stop(&l);
}

Test(consumer, holds_two_batches_at_most)
{
	static struct ledger l;
	struct world w;

	start(&l, &w);
	l.dawdles = true;
	world_add(&w, 0, 5000);
	wait_for(&l, owes_answer, 0, "the first batch");
	run_turns(&w.loop, 200);
	cr_expect_eq(l.batches, 1);
	cr_expect_leq(pending(&w), 1000);
	l.dawdles = false;
	answer(&l);
	expect_all(&l, 5000);
	cr_expect_eq(repeats(&l), 0);
	stop(&l);
}

Test(consumer, goes_on_committing_while_redis_is_away)
{
	static struct ledger l;
	struct world w;

	world_open(&w);
	redis_server_do(&w.server, "XGROUP CREATE " BUS_STREAM " " GROUP " 0 MKSTREAM");
	world_add(&w, 0, 5);
	ledger_init(&l, &w);
	l.fail_first = 2;
	open_consumer(&l, 60000);
	wait_for(&l, has_batches, 1, "the first try");
	redis_server_kill(&w.server);
	l.fail_first = 0;
	wait_for(&l, has_committed, 5, "the commit without Redis");
	redis_server_restart(&w.server);
	wait_for(&l, is_ready, 0, "the return");
	world_add(&w, 5, 7);
	expect_all(&l, 7);
	stop(&l);
}

/* ---- lost connections -------------------------------------------------------------------- */

Test(consumer, reads_its_own_pending_entries_first)
{
	static struct ledger l;
	struct world w;

	/* As after a lost reply: Redis believes that we have them. */
	world_open(&w);
	redis_server_do(&w.server, "XGROUP CREATE " BUS_STREAM " " GROUP " 0 MKSTREAM");
	world_add(&w, 0, 1200);
	redis_server_do(&w.server,
			"XREADGROUP GROUP " GROUP " " NAME " COUNT 1100 STREAMS " BUS_STREAM " >");
	ledger_init(&l, &w);
	open_consumer(&l, 60000);
	expect_all(&l, 1200);
	cr_expect_eq(repeats(&l), 0);
	stop(&l);
}

Test(consumer, loses_nothing_to_connections_cut_while_it_reads)
{
	static struct ledger l;
	struct world w;

	start(&l, &w);
	for (int round = 0; round < 8; round++) {
		world_add(&w, round * 700, round * 700 + 700);
		run_turns(&w.loop, round); /* somewhere between reading and acknowledging */
		world_cut_connections(&w);
	}
	expect_all(&l, 5600);
	stop(&l);
}

Test(consumer, hands_a_batch_out_once_although_its_connection_was_cut)
{
	static struct ledger l;
	struct world w;

	start(&l, &w);
	l.dawdles = true;
	world_add(&w, 0, 20);
	wait_for(&l, owes_answer, 0, "the batch");
	world_cut_connections(&w);
	wait_for(&l, is_not_ready, 0, "the loss");
	wait_for(&l, is_ready, 0, "the return");
	run_turns(&w.loop, 50);
	cr_expect_geq(pending(&w), 1, "nothing is acknowledged yet");
	l.dawdles = false;
	answer(&l);
	expect_all(&l, 20);
	cr_expect_eq(repeats(&l), 0);
	stop(&l);
}

Test(consumer, comes_back_after_redis_died_and_lost_everything)
{
	static struct ledger l;
	struct world w;

	start(&l, &w);
	world_add(&w, 0, 20);
	expect_all(&l, 20);
	redis_server_kill(&w.server);
	wait_for(&l, is_not_ready, 0, "the loss");
	redis_server_restart(&w.server);
	world_add(&w, 20, 40);
	expect_all(&l, 40);
	cr_expect_eq(l.questions, 2);
	stop(&l);
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
	open_consumer(&l, 20);
	expect_all(&l, 350);
	cr_expect_eq(repeats(&l), 0);
	wait_for(&l, is_alone, 0, "the removal of the dead consumer");
	stop(&l);
}

Test(consumer, leaves_the_living_their_entries)
{
	static struct ledger l;
	struct world w;

	world_open(&w);
	leave_with_another(&w, 5);
	ledger_init(&l, &w);
	open_consumer(&l, 600000);
	wait_for(&l, is_ready, 0, "the group");
	world_add(&w, 5, 6);
	wait_for(&l, has_committed, 1, "the new one");
	run_turns(&w.loop, 100);
	cr_expect_eq(l.distinct, 1);
	cr_expect_eq(pending(&w), 5);
	stop(&l);
}

Test(consumer, does_not_take_over_its_own_entries_while_the_ledger_is_slow)
{
	static struct ledger l;
	struct world w;

	world_open(&w);
	redis_server_do(&w.server, "XGROUP CREATE " BUS_STREAM " " GROUP " 0 MKSTREAM");
	world_add(&w, 0, 5);
	ledger_init(&l, &w);
	l.dawdles = true;
	open_consumer(&l, 20);
	wait_for(&l, owes_answer, 0, "the batch");
	run_turns(&w.loop, 2500); /* past the end of a blocking read, when there is room to claim */
	l.dawdles = false;
	answer(&l);
	expect_all(&l, 5);
	run_turns(&w.loop, 100);
	cr_expect_eq(repeats(&l), 0);
	stop(&l);
}

Test(consumer, lets_go_of_pending_entries_that_were_trimmed)
{
	static struct ledger l;
	struct world w;

	world_open(&w);
	leave_with_another(&w, 10);
	world_add(&w, 10, 20);
	redis_server_do(&w.server,
			"XREADGROUP GROUP " GROUP " " NAME " COUNT 10 STREAMS " BUS_STREAM " >");
	redis_server_do(&w.server, "XTRIM " BUS_STREAM " MAXLEN 3");
	ledger_init(&l, &w);
	open_consumer(&l, 20);
	wait_for(&l, has_committed, 3, "what is left");
	wait_for(&l, has_nothing_pending, 0, "all acknowledgements");
	cr_expect_eq(l.distinct, 3);
	stop(&l);
}

/* ---- poison ------------------------------------------------------------------------------ */

#define GOOD_TAIL                                                                 \
	"\"timestamp\":\"2026-05-24T05:02:08Z\",\"team_id\":\"" TEST_TEAM         \
	"\",\"actor\":{\"type\":\"system\"},\"resource\":{\"id\":\"" TEST_CAPSULE \
	"\",\"type\":\"sandbox\"}}"

static const char *const poison[] = {
	"",
	"no JSON",
	"[]",
	"{\"event\":5," GOOD_TAIL,
	"{\"event\":\"capsule.pause\",\"outcome\":\"maybe\"," GOOD_TAIL,
	"{\"event\":\"capsule.pause\",\"metadata\":{\"a\":1}," GOOD_TAIL,
	"{\"event\":\"capsule.pause\",\"event\":\"capsule.pause\"," GOOD_TAIL,
	("{\"event\":\"capsule.pause\",\"timestamp\":\"2026-05-24T05:02:08Z\",\"team_id\":"
	 "\"team-zzzzzzzzzzzzzzzzzzzzzzzzz\",\"actor\":{\"type\":\"system\"},\"resource\":{\"id\":"
	 "\"x\",\"type\":\"sandbox\"}}"),
	"{\"event\":\"capsule.pause\",\"error\":\"\\u0000\"," GOOD_TAIL,
	"{\"event\":\"capsule.pause\",\"metadata\":{\"a\":\"\xff\"}," GOOD_TAIL,
	"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[",
};

static const char *field_of(const redisReply *entry, const char *name)
{
	const redisReply *fields = entry->element[1];

	for (size_t i = 0; i + 1 < fields->elements; i += 2) {
		if (strcmp(fields->element[i]->str, name) == 0)
			return fields->element[i + 1]->str;
	}
	cr_assert_fail("a dead letter without %s", name);
	return "";
}

Test(consumer, puts_poison_aside_and_goes_on)
{
	static struct ledger l;
	struct world w;
	char ids[ARRAY_LEN(poison)][STREAM_ID_TEXT_SIZE];
	redisReply *reply;

	start(&l, &w);
	for (size_t i = 0; i < ARRAY_LEN(poison); i++) {
		reply = redis_server_ask(&w.server, "XADD " BUS_STREAM " * payload %s", poison[i]);
		snprintf(ids[i], sizeof(ids[i]), "%s", reply->str);
		freeReplyObject(reply);
		world_add(&w, (int)i, (int)i + 1);
	}
	expect_all(&l, ARRAY_LEN(poison));
	reply = redis_server_ask(&w.server, "XRANGE " BUS_DEAD_STREAM " - +");
	cr_assert_eq(reply->elements, ARRAY_LEN(poison));
	for (size_t i = 0; i < reply->elements; i++) {
		cr_expect_str_eq(field_of(reply->element[i], "id"), ids[i]);
		cr_expect_str_eq(field_of(reply->element[i], "payload"), poison[i]);
		cr_expect_neq(field_of(reply->element[i], "reason")[0], '\0', "%s", poison[i]);
		cr_expect_eq(reply->element[i]->element[1]->elements, 6);
	}
	freeReplyObject(reply);
	stop(&l);
}

Test(consumer, keeps_the_fields_of_an_entry_without_a_payload)
{
	static struct ledger l;
	struct world w;
	redisReply *reply;

	start(&l, &w);
	redis_server_do(&w.server, "XADD " BUS_STREAM " * body x colour blue");
	wait_for(&l, has_dead_letters, 1, "the dead letter");
	wait_for(&l, has_nothing_pending, 0, "the acknowledgement");
	reply = redis_server_ask(&w.server, "XRANGE " BUS_DEAD_STREAM " - +");
	cr_expect_str_eq(field_of(reply->element[0], "payload"), "body=x\ncolour=blue\n");
	freeReplyObject(reply);
	stop(&l);
}

Test(consumer, bounds_the_payload_of_a_dead_letter)
{
	static struct ledger l;
	struct world w;
	size_t size = 3 * EVENT_MAX_BYTES;
	char *huge = malloc(size + 1);
	redisReply *reply;

	memset(huge, 'x', size);
	huge[size] = '\0';
	start(&l, &w);
	world_add_payload(&w, huge);
	redis_server_do(&w.server, "XADD " BUS_STREAM " * name %s", huge);
	wait_for(&l, has_dead_letters, 2, "the dead letters");
	wait_for(&l, has_nothing_pending, 0, "the acknowledgements");
	reply = redis_server_ask(&w.server, "XRANGE " BUS_DEAD_STREAM " - +");
	cr_expect_eq(strlen(field_of(reply->element[0], "payload")), EVENT_MAX_BYTES);
	cr_expect_leq(strlen(field_of(reply->element[1], "payload")), EVENT_MAX_BYTES);
	freeReplyObject(reply);
	free(huge);
	stop(&l);
}

Test(consumer, puts_aside_what_the_ledger_rejects)
{
	static struct ledger l;
	struct world w;
	redisReply *reply;
	char text[512];

	start(&l, &w);
	l.reject = 3;
	l.fail_first = 1; /* rejections are asked for anew with every try */
	world_add(&w, 0, 6);
	expect_all(&l, 5);
	cr_expect_eq(l.seen[3], 0);
	reply = redis_server_ask(&w.server, "XRANGE " BUS_DEAD_STREAM " - +");
	cr_assert_eq(reply->elements, 1);
	event_text(text, "capsule.pause", TEST_CAPSULE, 3);
	cr_expect_str_eq(field_of(reply->element[0], "payload"), text);
	cr_expect_str_eq(field_of(reply->element[0], "reason"), "the ledger says no");
	freeReplyObject(reply);
	stop(&l);
}

Test(consumer, keeps_poison_pending_while_there_is_no_place_for_it)
{
	static struct ledger l;
	struct world w;

	world_open(&w);
	redis_server_do(&w.server, "SET " BUS_DEAD_STREAM " x");
	ledger_init(&l, &w);
	open_consumer(&l, 50);
	wait_for(&l, is_ready, 0, "the group");
	world_add_payload(&w, "poison");
	world_add(&w, 0, 5);
	wait_for(&l, has_committed, 5, "the good ones");
	run_turns(&w.loop, 150);
	cr_expect_eq(pending(&w), 1, "the good ones are not held up, the bad one is not lost");
	redis_server_do(&w.server, "DEL " BUS_DEAD_STREAM);
	wait_for(&l, has_dead_letters, 1, "the dead letter");
	wait_for(&l, has_nothing_pending, 0, "the acknowledgement");
	cr_expect_eq(repeats(&l), 0);
	stop(&l);
}

/* ---- closing ------------------------------------------------------------------------------- */

Test(consumer, finishes_the_batch_in_hand_before_it_closes)
{
	static struct ledger l;
	struct world w;

	start(&l, &w);
	l.dawdles = true;
	world_add(&w, 0, 7);
	wait_for(&l, owes_answer, 0, "the batch");
	bus_consumer_close(l.consumer, world_on_closed, &w);
	run_turns(&w.loop, 50);
	cr_expect_eq(w.closed, 0);
	answer(&l);
	wait_for(&l, is_closed, 0, "the end");
	cr_expect_gt(l.distinct, 0);
	cr_expect_eq(pending(&w), 7 - l.distinct, "what is committed is acknowledged");
	world_close(&w);
}

Test(consumer, leaves_a_batch_pending_that_fails_at_the_end)
{
	static struct ledger l;
	struct world w;

	start(&l, &w);
	l.dawdles = true;
	l.fail_first = 1;
	world_add(&w, 0, 7);
	wait_for(&l, owes_answer, 0, "the batch");
	bus_consumer_close(l.consumer, world_on_closed, &w);
	answer(&l);
	wait_for(&l, is_closed, 0, "the end");
	cr_expect_eq(pending(&w), 7);
	world_close(&w);
}

Test(consumer, gives_up_a_batch_that_waits_for_its_next_try)
{
	static struct ledger l;
	struct world w;

	start(&l, &w);
	l.fail_first = 1000;
	world_add(&w, 0, 7);
	wait_for(&l, has_batches, 2, "two tries");
	stop(&l);
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
		open_consumer(&l, 60000);
		for (int i = 0; i < turns; i++)
			uv_run(&w.loop, UV_RUN_NOWAIT);
		w.closed = 0;
		bus_consumer_close(l.consumer, world_on_closed, &w);
		wait_for(&l, is_closed, 0, "the end");
	}
	bus_consumer_close(NULL, world_on_closed, &w);
	cr_expect_eq(w.closed, 2);
	world_close(&w);
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
		/* Edges and groups at once: the group is there, and every entry list is nonsense. */
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
		open_consumer(&l, 60000);
		run_until(&w.loop, was_lied_to, &liar, answers[i]);
		cr_expect_eq(l.batches, 0);
		cr_expect_not(bus_consumer_is_ready(l.consumer), "%s", answers[i]);
		liar_stop(&liar);
		stop(&l);
	}
}
