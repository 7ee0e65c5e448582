/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A ledger that fails, answers late and rejects, as the test asks, and a consumer that feeds it.
 * The owner of every condition is the ledger.
 */
#ifndef TESTS_UNIT_BUS_LEDGER_H
#define TESTS_UNIT_BUS_LEDGER_H

#include "tests/unit/bus/bus_fixture.h"

#define GROUP   "g"
#define NUMBERS 12000

struct ledger {
	struct world *world;
	struct bus_consumer *consumer;
	int seen[NUMBERS];  /* how often each number was committed */
	int order[NUMBERS]; /* the numbers as they were first committed; `distinct` of them */
	int distinct;
	int batches; /* handed out, repeats included */
	int fail_first;
	int pending_at_failure; /* the lowest number pending at a failed commit */
	bool dawdles;           /* answers only in ledger_answer() */
	bool owes_answer;
	struct bus_batch *batch;
	int reject; /* the number to reject; -1: none */
	struct stream_id last;
	bool is_known; /* `last` is valid */
	bool may_not_read;
	unsigned linger_ms; /* of the consumer that opens */
	int want;
};

void ledger_init(struct ledger *l, struct world *w);
/* A consumer that leads. */
void ledger_open_consumer(struct ledger *l, unsigned claim_idle_ms);
/* The ledger was left at this position. */
void ledger_know(struct ledger *l, uint64_t ms);
/* Leads as a worker does that takes the lease. */
void ledger_lead(struct ledger *l);
/* A world with 0..count-1 and a group that starts before them. A consumer that opens now reads up
 * to 500 of them as one batch. One that waits already may take the first entry alone. */
void ledger_prepare(struct ledger *l, struct world *w, int count);
/* A world, a consumer and a group that starts at 0. */
void ledger_start(struct ledger *l, struct world *w);
/* The same, after 0..count-1 were added and committed. */
void ledger_start_after(struct ledger *l, struct world *w, int count);
void ledger_stop(struct ledger *l);

/* The answer that it owes while it answers late. */
void ledger_answer(struct ledger *l);
/* Waits until 0..count-1 are committed and nothing is pending; nothing else may be committed. */
void ledger_expect_all(struct ledger *l, int count);
void ledger_wait(struct ledger *l, bool (*condition)(void *owner), int want, const char *what);
/* Numbers committed more than once. */
int ledger_repeats(const struct ledger *l);
/* Entries of the group that Redis holds as pending; -1 when there is no group. */
int ledger_pending(const struct ledger *l);

bool ledger_is_ready(void *owner);
bool ledger_is_not_ready(void *owner);
bool ledger_has_committed(void *owner); /* `want` distinct numbers */
bool ledger_has_nothing_pending(void *owner);
bool ledger_has_pending(void *owner); /* exactly `want` */
bool ledger_has_batches(void *owner); /* `want` handed out */
bool ledger_owes_answer(void *owner);
bool ledger_is_closed(void *owner);
bool ledger_has_dead_letters(void *owner); /* `want` */

#endif
