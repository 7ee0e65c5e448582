/* SPDX-License-Identifier: Apache-2.0 */

/* A ledger that fails, dawdles and rejects. */
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
	if (stream_id_compare(l->batch->last, l->last) > 0)
		l->last = l->batch->last;
}

void ledger_answer(struct ledger *l)
{
	l->owes_answer = false;
	if (l->fail_first > 0) {
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
	cr_assert_gt(batch->count, 0);
	for (size_t i = 0; i < batch->count; i++)
		cr_assert_eq(batch->rejected[i].text[0], '\0');
	l->batches++;
	l->batch = batch;
	l->owes_answer = true;
	if (!l->dawdles)
		ledger_answer(l);
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
		.name = l->name ? l->name : NAME,
		.claim_idle_ms = claim_idle_ms,
		.on_batch = on_batch,
		.on_position_wanted = on_position_wanted,
		.owner = l,
	};

	cr_assert_eq(bus_consumer_open(&options, &l->consumer), 0);
}

void ledger_init(struct ledger *l, struct world *w)
{
	*l = (struct ledger){ .world = w, .reject = -1, .pending_at_failure = -1 };
}

/* A world, a group that starts at 0, and a consumer that is ready. */
void ledger_start(struct ledger *l, struct world *w)
{
	world_open(w);
	ledger_init(l, w);
	ledger_open_consumer(l, 60000);
	ledger_wait(l, ledger_is_ready, 0, "the group");
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
