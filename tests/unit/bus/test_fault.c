/* SPDX-License-Identifier: Apache-2.0 */

/* Every allocation and every command of the consumer fails in turn: each event is committed, or
 * becomes a dead letter, and is acknowledged after that. */
#include "tests/support/call_fault.h"
#include "tests/support/heap.h"
#include "tests/unit/bus/ledger.h"

/* False when the consumer needs fewer allocations. */
static bool consume_without(unsigned allocation)
{
	static struct ledger l;
	struct world w;
	bool was_met;

	ledger_start(&l, &w);
	world_add(&w, 0, 3);
	heap_fail_after(allocation);
	ledger_wait(&l, ledger_has_committed, 3, "the events");
	heap_spare(true);
	ledger_wait(&l, ledger_has_nothing_pending, 0, "the acknowledgement");
	heap_spare(false);
	was_met = heap_recover();
	ledger_stop(&l);
	return was_met;
}

Test(fault, an_event_is_committed_and_then_acknowledged)
{
	unsigned allocation = 0;

	while (consume_without(allocation))
		allocation++;
	cr_expect_gt(allocation, 3);
}

/* False when the consumer needs fewer commands. */
static bool consume_without_command(unsigned command)
{
	static struct ledger l;
	struct world w;
	bool was_met;

	ledger_start(&l, &w);
	world_add(&w, 0, 3);
	call_fail_after(FAULT_REDIS, command);
	ledger_wait(&l, ledger_has_committed, 3, "the events");
	ledger_wait(&l, ledger_has_nothing_pending, 0, "the acknowledgement");
	was_met = call_recover();
	ledger_stop(&l);
	return was_met;
}

Test(fault, an_event_outlives_every_command_that_cannot_be_sent)
{
	unsigned command = 0;

	while (consume_without_command(command))
		command++;
	cr_expect_gt(command, 1);
}

/* ---- dead letters -------------------------------------------------------------------------- */

enum lack { LACK_MEMORY, LACK_COMMAND };

static bool has_dead_letter(struct world *w, const char *payload)
{
	redisReply *reply = redis_server_ask(&w->server, "XRANGE " BUS_DEAD_STREAM " - +");
	bool is_there = false;

	for (size_t i = 0; i < reply->elements; i++)
		is_there |= strcmp(reply->element[i]->element[1]->element[3]->str, payload) == 0;
	freeReplyObject(reply);
	return is_there;
}

/* One batch: an event, another that the ledger rejects, and two unreadable entries. False when the
 * consumer needs less from the ledger's answer on. */
static bool put_aside_without(enum lack lack, unsigned nth)
{
	static struct ledger l;
	struct world w;
	char rejected[512];
	bool was_met;

	ledger_prepare(&l, &w, 2);
	world_add_payload(&w, "a");
	world_add_payload(&w, "b");
	l.reject = 1;
	l.dawdles = true;
	ledger_open_consumer(&l, 60000);
	ledger_wait(&l, ledger_owes_answer, 0, "the batch");
	cr_assert_eq(ledger_pending(&l), 4);
	l.dawdles = false;
	if (lack == LACK_MEMORY)
		heap_fail_after(nth);
	else
		call_fail_after(FAULT_REDIS, nth);
	ledger_answer(&l);
	ledger_wait(&l, ledger_has_nothing_pending, 0, "the acknowledgements");
	was_met = lack == LACK_MEMORY ? heap_recover() : call_recover();
	event_text(rejected, "capsule.pause", TEST_CAPSULE, 1);
	cr_expect_eq(l.distinct, 1);
	cr_expect(has_dead_letter(&w, rejected), "%u: the rejected event", nth);
	cr_expect(has_dead_letter(&w, "a"), "%u: the first entry", nth);
	cr_expect(has_dead_letter(&w, "b"), "%u: the second entry", nth);
	ledger_stop(&l);
	return was_met;
}

static void put_aside_each(enum lack lack)
{
	unsigned nth = 0;

	while (put_aside_without(lack, nth))
		nth++;
	cr_expect_geq(nth, 4, "%u: three letters and an acknowledgement", nth);
}

Test(fault, nothing_is_acknowledged_before_its_dead_letter_is_written)
{
	put_aside_each(LACK_MEMORY);
}

Test(fault, nothing_is_acknowledged_when_its_dead_letter_cannot_be_sent)
{
	put_aside_each(LACK_COMMAND);
}
