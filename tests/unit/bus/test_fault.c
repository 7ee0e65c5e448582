/* SPDX-License-Identifier: Apache-2.0 */

/* Every allocation of the consumer fails in turn: each event is committed, and acknowledged after
 * that. */
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
