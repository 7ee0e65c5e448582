/* SPDX-License-Identifier: Apache-2.0 */

/*
 * From the chain, or from a replay, to one listener.
 *
 * Happy path: gathers and delivers runs until nothing is left; a stream without a filter then joins
 * the front line. It stops early when the socket is full, when an item waits for its capsule row,
 * or when the replay has to read Redis. The awaited event pumps the listener again.
 */
#include "sse/pump.h"

#include "sse/backlog.h"
#include "sse/cursor.h"
#include "sse/lookup.h"
#include "sse/replay.h"
#include "sse/turn.h"
#include "sse/write.h"

#define PUMP_ROUNDS 32 /* then other listeners get their turn */

static void gather(struct subscriber *sub, struct run *run)
{
	struct item *first = sub->replay ? sub->replay->first : sub->cursor;
	enum item_chain chain = sub->replay ? CHAIN_TEAM : sub->topic->chain;
	const struct selection selection = {
		.filter = sub->filter,
		.from_serial = sub->from_serial,
		.newest_states = backlog_is_full(sub),
	};

	run_init(run, sub->unchunked);
	if (sub->partial)
		run_add(run, sub->partial, sub->offset);
	run_gather(run, first, chain, &selection);
	if (run->stuck)
		lookup_want_from(sub->topic->sse, run->next, chain, sub->filter,
				 sub->type->lookahead);
}

/* The replay has reached the history: from here on the listener follows the chain. */
static void hand_over(struct subscriber *sub)
{
	struct item *item = history_after(sub->topic, sub->replay->position);

	if (!item)
		sub->from_serial =
			sub->topic->sse->history.serial; /* it has received all arrivals */
	replay_stop(sub->replay);
	sub->replay = NULL;
	subscriber_set_cursor(sub, item);
}

/* Moves past items that the filter dropped. True when there may be more to send now. */
static bool advance(struct subscriber *sub, const struct run *run)
{
	write_settle(sub, run, 0);
	if (sub->ending || run->stuck || !sub->replay || !replay_continue(sub->replay))
		return false;
	hand_over(sub);
	return true;
}

static void try_front(struct subscriber *sub)
{
	const struct topic *topic = sub->topic;

	if (sub->type->is_wait || sub->filter || sub->replay || sub->partial || sub->blocked)
		return;
	if (sub->unchunked) /* the front line writes chunks */
		return;
	if (topic->arrived || sub->cursor != topic->front)
		return;
	if (topic->front && topic->front->serial <= sub->from_serial)
		return; /* states that are not for it may follow */
	subscriber_join_front(sub);
}

void pump(struct subscriber *sub)
{
	for (int round = 0; !sub->ending && !sub->blocked; round++) {
		struct run run;

		if (round == PUMP_ROUNDS) {
			turn_mark(sub->topic);
			return;
		}
		gather(sub, &run);
		if (run.count > 0 ? !sub->type->deliver(sub, &run) : !advance(sub, &run))
			break;
	}
	if (sub->ending)
		return;
	if (!sub->cursor)
		sub->full_since_ms = 0;
	try_front(sub);
}

void pump_begin(struct subscriber *sub, const struct beginning *beginning)
{
	if (beginning->from_cursor && subscriber_replay(sub, beginning->cursor) < 0)
		subscriber_end(sub, CLOSE_FAILED);
	else
		pump(sub);
}

void pump_replays(struct sse *sse)
{
	while (!list_is_empty(&sse->reads.done)) {
		struct replay *replay = list_item(sse->reads.done.next, struct replay, link);

		list_remove(&replay->link);
		if (replay->failed)
			subscriber_end(replay->sub, replay->failure);
		else
			pump(replay->sub);
	}
}
