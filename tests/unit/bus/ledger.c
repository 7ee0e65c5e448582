/* SPDX-License-Identifier: Apache-2.0 */

/* A ledger that fails, answers late and rejects, as the test asks. */
#include "tests/unit/bus/ledger.h"

#include <errno.h>

int ledger_pending(const struct ledger *l)
{
	redisReply *reply = redis_server_ask(&l->world->server, "XPENDING " BUS_STREAM " " GROUP);
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
			l->order[l->distinct++] = number;
	}
	l->is_known = true;
	if (stream_id_compare(l->batch->last, l->last) > 0)
		l->last = l->batch->last;
}

void ledger_answer(struct ledger *l)
{
	l->owes_answer = false;
	if (l->fail_first > 0 && l->batch->count > 0) {
		int now = ledger_pending(l);

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
	for (size_t i = 0; i < batch->count; i++)
		cr_assert_eq(batch->rejected[i].text[0], '\0');
	l->batches += batch->count > 0;
	l->batch = batch;
	l->owes_answer = true;
	if (!l->dawdles || batch->count == 0)
		ledger_answer(l);
}

static bool may_read(unsigned for_ms, void *owner)
{
	(void)for_ms;
	return !((struct ledger *)owner)->may_not_read;
}

bool ledger_is_ready(void *owner)
{
	return bus_consumer_is_ready(((struct ledger *)owner)->consumer);
}

bool ledger_is_not_ready(void *owner)
{
	return !bus_consumer_is_ready(((struct ledger *)owner)->consumer);
}

bool ledger_has_committed(void *owner)
{
	struct ledger *l = owner;

	return l->distinct >= l->want;
}

bool ledger_has_nothing_pending(void *owner)
{
	return ledger_pending(owner) == 0;
}

bool ledger_has_pending(void *owner)
{
	struct ledger *l = owner;

	return ledger_pending(l) == l->want;
}

bool ledger_has_batches(void *owner)
{
	struct ledger *l = owner;

	return l->batches >= l->want;
}

bool ledger_owes_answer(void *owner)
{
	return ((struct ledger *)owner)->owes_answer;
}

bool ledger_is_closed(void *owner)
{
	return ((struct ledger *)owner)->world->closed > 0;
}

bool ledger_has_dead_letters(void *owner)
{
	struct ledger *l = owner;

	return redis_server_number(&l->world->server, "XLEN " BUS_DEAD_STREAM) >= l->want;
}

void ledger_wait(struct ledger *l, bool (*condition)(void *), int want, const char *what)
{
	l->want = want;
	run_until(&l->world->loop, condition, l, what);
}

void ledger_open_consumer(struct ledger *l, unsigned claim_idle_ms)
{
	const struct bus_consumer_options options = {
		.loop = &l->world->loop,
		.address = &l->world->address,
		.group = GROUP,
		.claim_idle_ms = claim_idle_ms,
		.on_batch = on_batch,
		.may_read = may_read,
		.linger_ms = l->linger_ms,
		.owner = l,
	};

	cr_assert_eq(bus_consumer_open(&options, &l->consumer), 0);
	ledger_lead(l);
}

void ledger_know(struct ledger *l, uint64_t ms)
{
	l->is_known = true;
	l->last = (struct stream_id){ .ms = ms };
}

void ledger_lead(struct ledger *l)
{
	bus_consumer_lead(l->consumer, l->is_known, l->last);
}

void ledger_init(struct ledger *l, struct world *w)
{
	*l = (struct ledger){ .world = w, .reject = -1, .pending_at_failure = -1 };
}

void ledger_prepare(struct ledger *l, struct world *w, int count)
{
	world_open(w);
	redis_server_do(&w->server, "XGROUP CREATE " BUS_STREAM " " GROUP " 0 MKSTREAM");
	world_add(w, 0, count);
	ledger_init(l, w);
}

/* A world, a group that starts at 0, and a consumer that is ready. */
void ledger_start(struct ledger *l, struct world *w)
{
	world_open(w);
	ledger_init(l, w);
	ledger_open_consumer(l, 60000);
	ledger_wait(l, ledger_is_ready, 0, "the group");
}

void ledger_start_after(struct ledger *l, struct world *w, int count)
{
	ledger_start(l, w);
	world_add(w, 0, count);
	ledger_expect_all(l, count);
}

void ledger_stop(struct ledger *l)
{
	bus_consumer_close(l->consumer, world_on_closed, l->world);
	ledger_wait(l, ledger_is_closed, 0, "the end");
	world_close(l->world);
	cr_expect_eq(l->world->closed, 1);
}

/* All of 0..count-1 committed, nothing pending. */
void ledger_expect_all(struct ledger *l, int count)
{
	ledger_wait(l, ledger_has_committed, count, "all commits");
	ledger_wait(l, ledger_has_nothing_pending, 0, "all acknowledgements");
	cr_expect_eq(l->distinct, count);
}

int ledger_repeats(const struct ledger *l)
{
	int count = 0;

	for (int i = 0; i < NUMBERS; i++)
		count += l->seen[i] > 1;
	return count;
}
