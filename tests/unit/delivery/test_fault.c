/* SPDX-License-Identifier: Apache-2.0 */

/* Every allocation of the loop fails in turn, from the ledger's commit on: a delivery arrives all
 * the same, at the latest with the next try, and counts as delivered only after that. The same
 * for every call of the store and every statement: each attempt has its row. */
#include <stdatomic.h>

#include "tests/support/call_fault.h"
#include "tests/support/heap.h"
#include "tests/support/rig.h"

#define CHANNEL "11111111-1111-4111-8111-111111111111"
#define WELL    ",\"outcome\":\"success\""

#define STEP_US (5 * SECOND_US)

struct wanted {
	int64_t delivered;
	unsigned turns;
};

/* The clock goes on, since a step that failed is tried again later. */
static bool is_delivered(struct rig *rig, void *arg)
{
	struct wanted *wanted = arg;
	int64_t delivered;

	if (++wanted->turns % 20)
		return false;
	rig_now_us += STEP_US;
	heap_spare(true);
	delivered = rig_ask(rig, "SELECT count(*) FROM deliveries WHERE state = 'delivered'");
	heap_spare(false);
	return delivered == wanted->delivered;
}

enum lack { LACK_MEMORY, LACK_STORE, LACK_STATEMENT };

static void begin(enum lack lack, unsigned nth)
{
	if (lack == LACK_MEMORY)
		heap_fail_after(nth);
	else
		call_fail_after(lack == LACK_STORE ? FAULT_STORE : FAULT_STATEMENT, nth);
}

static bool end(enum lack lack)
{
	return lack == LACK_MEMORY ? heap_recover() : call_recover();
}

/* The consumer offers a batch again that was not committed. */
static void commit_in_the_end(struct rig *rig, int64_t ms)
{
	struct event *event;
	int rc;

	do {
		heap_spare(true);
		event = rig_event("capsule.pause", USER, WELL, ms);
		heap_spare(false);
		rc = rig_commit(rig, &event, 1);
	} while (rc == -ENOMEM || rc == -ENOBUFS || rc == -EBUSY || rc == -ENOTCONN);
	cr_assert_eq(rc, 0);
}

/* One delivery whose nth allocation or store call fails. False when it needs fewer. */
static bool deliver_without(struct rig *rig, enum lack lack, unsigned nth)
{
	struct wanted wanted = { .delivered = nth + 1 };
	unsigned received = receiver_count(rig->receiver);
	bool was_met;

	begin(lack, nth);
	commit_in_the_end(rig, START_MS + (int64_t)nth);
	rig_turn_until(rig, is_delivered, &wanted);
	was_met = end(lack);
	cr_expect_gt(receiver_count(rig->receiver), received, "%u", nth);
	return was_met;
}

static void deliver_each(enum lack lack)
{
	const struct rig_options options = { .strict = false };
	unsigned nth = 0;
	struct rig rig;

	rig_open(&rig, DATABASE_SQLITE, &options);
	rig_add_channel(&rig, CHANNEL, TEAM_A, "hook", "capsule.pause");
	while (deliver_without(&rig, lack, nth))
		nth++;
	cr_expect_gt(nth, 1);
	rig_close(&rig);
}

Test(fault, a_delivery_arrives_all_the_same)
{
	deliver_each(LACK_MEMORY);
}

Test(fault, a_delivery_outlives_every_store_call_that_is_refused)
{
	deliver_each(LACK_STORE);
}

Test(fault, a_delivery_outlives_every_statement_that_fails)
{
	deliver_each(LACK_STATEMENT);
}

/* ---- a second attempt ---------------------------------------------------------------------- */

/* The next so many requests are answered with 503. */
static atomic_int refusals;

static enum receiver_reply refuse_some(const struct received *request, struct buf *out, void *arg)
{
	(void)request;
	(void)arg;
	receiver_answer_status(out, atomic_fetch_sub(&refusals, 1) > 0 ? 503 : 200);
	return RECEIVER_ANSWER;
}

/* A row of `deliveries` has room for one attempt only, and only for the first one. */
Test(fault, each_attempt_has_its_row_whichever_statement_fails)
{
	const struct rig_options options = { .answer = refuse_some };
	unsigned nth = 0;
	bool was_met;
	struct rig rig;

	rig_open(&rig, DATABASE_SQLITE, &options);
	rig_add_channel(&rig, CHANNEL, TEAM_A, "hook", "capsule.pause");
	do {
		atomic_store(&refusals, 1);
		was_met = deliver_without(&rig, LACK_STATEMENT, nth++);
		cr_expect_eq(rig_ask(&rig, "SELECT count(*) FROM delivery_attempts"), 2 * nth,
			     "statement %u", nth);
	} while (was_met);
	cr_expect_eq(rig_ask(&rig, "SELECT sum(attempts) FROM deliveries"), 2 * nth);
	cr_expect_gt(nth, 4);
	rig_close(&rig);
}
