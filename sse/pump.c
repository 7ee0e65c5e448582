/* SPDX-License-Identifier: Apache-2.0 */

/*
 * From the chain to the sockets.
 *
 * Happy path: what has arrived for a topic is gathered once, and each listener of its front line
 * gets it in one write. One whose socket does not take all falls back to a cursor of its own and
 * goes on when the socket is free. An item that still waits for its capsule stops whoever needs it,
 * and nobody else.
 */
#include <sys/uio.h>

#include "sse/lookup.h"
#include "sse/replay.h"
#include "sse/subscriber.h"
#include "sse/wait.h"

#define RUN_PIECES  256
#define PUMP_ROUNDS 32 /* then others get their turn */

/* Consecutive items for one write. */
struct run {
	int count;
	bool stuck;    /* the item behind them is wanted and not ready, or never will be */
	bool durable;  /* moves the client's cursor */
	bool apart;    /* no part of any chain, and must not get lost */
	bool bare;     /* frames without their chunks */
	bool fell_off; /* the chain is cut behind them, at fell_at */
	struct stream_id fell_at;
	uint64_t fell_serial;
	struct item *next; /* the first one not taken */
	size_t bytes;
	struct iovec
		whole; /* all pieces copied together, when many are to have them; or no bytes */
	struct item *items[RUN_PIECES];
	struct iovec pieces[RUN_PIECES];
};

static void run_init(struct run *run, bool bare)
{
	run->bare = bare;
	run->count = 0;
	run->stuck = false;
	run->durable = false;
	run->apart = false;
	run->fell_off = false;
	run->next = NULL;
	run->bytes = 0;
	run->whole.iov_len = 0;
}

static void run_add(struct run *run, struct item *item, uint32_t offset)
{
	struct str bytes = { .at = item->bytes, .len = item->bytes_len };

	if (run->bare)
		bytes = item_frame(item);
	run->items[run->count] = item;
	run->pieces[run->count].iov_base = (char *)bytes.at + offset;
	run->pieces[run->count].iov_len = bytes.len - offset;
	run->bytes += bytes.len - offset;
	run->durable = run->durable || (item->kind != EVENT_UNKNOWN && !item->transient);
	run->count++;
}

/* What is for one listener. */
struct taste {
	const struct filter *filter;
	uint64_t from_serial;
	bool newest_states; /* of each capsule: states that were followed by another are skipped */
};

static bool wants(const struct taste *taste, const struct item *item)
{
	if (item->transient &&
	    (item->serial <= taste->from_serial || (taste->newest_states && item->superseded)))
		return false;
	return filter_lets_through(taste->filter, (enum event_kind)item->kind,
				   (enum event_outcome)item->outcome, item_resource(item));
}

static void run_gather(struct run *run, struct item *first, enum item_chain chain,
		       const struct taste *taste)
{
	struct item *item = first;

	while (item && run->count < RUN_PIECES) {
		if (wants(taste, item)) {
			/* One without bytes is not passed over: the id of a later one would
			 * hide from the client that it is missing. */
			if (!item_is_sendable(item)) {
				run->stuck = true;
				break;
			}
			run_add(run, item, 0);
		}
		if (item->place == ITEM_EVICTED) {
			run->fell_off = true;
			run->fell_at = item->id;
			run->fell_serial = item->serial;
			item = NULL;
			break;
		}
		item = item->next[chain];
	}
	run->next = item;
}

/* ---- after a write ----------------------------------------------------------------------- */

static void set_cursor(struct subscriber *sub, struct item *item)
{
	struct item *old = sub->cursor;

	sub->cursor = item ? item_ref(item) : NULL;
	item_unref(old);
}

static void go_on_from(struct subscriber *sub, const struct run *run, struct item *resume)
{
	if (sub->replay) {
		replay_drop_before(sub->replay, resume);
		return;
	}
	/* The chain grows before its flush: what was walked past here must not count as arrived then.
	 * Where the chain was cut, the states behind the cut are still to come. */
	if (sub->cursor && !resume && !run->apart) {
		uint64_t past = run->fell_off ? run->fell_serial : sub->topic->sse->history.serial;

		sub->from_serial = past > sub->from_serial ? past : sub->from_serial;
	}
	set_cursor(sub, resume);
	if (!resume && run->fell_off && replay_start(sub, run->fell_at) < 0)
		subscriber_end(sub, CLOSE_FAILED, NULL);
}

/* Moves the listener past the first `taken` bytes of the run. */
static void settle(struct subscriber *sub, const struct run *run, size_t taken)
{
	struct item *old = sub->partial;
	struct item *resume = run->next;
	size_t left = taken;
	int i = 0;

	while (i < run->count && left >= run->pieces[i].iov_len)
		left -= run->pieces[i++].iov_len;
	metric_add(sub->topic->sse->metrics.frames, i);
	sub->partial = NULL;
	if (i < run->count && (left > 0 || run->apart || run->items[i] == old)) {
		sub->offset = (uint32_t)left + (run->items[i] == old ? sub->offset : 0);
		sub->partial = item_ref(run->items[i++]);
	}
	if (i < run->count)
		resume = run->items[i];
	item_unref(old);
	go_on_from(sub, run, resume);
}

static void leave_front(struct subscriber *sub)
{
	sub->in_front = false;
	list_remove(&sub->link);
	list_add_tail(&sub->topic->others, &sub->link);
}

static void note_traffic(struct subscriber *sub)
{
	sub->stalled = false;
	deadline_start(&sub->topic->sse->keepalives, &sub->quiet);
}

static void note_block(struct subscriber *sub, bool progress)
{
	sub->blocked = true;
	if (sub->parting || (sub->stalled && !progress))
		return;
	sub->stalled = true;
	deadline_start(&sub->topic->sse->stalls, &sub->quiet);
}

/* True when all of the run is out. */
static bool write_run(struct subscriber *sub, const struct run *run)
{
	bool is_whole = run->whole.iov_len > 0;
	ssize_t taken = http_stream_write(sub->stream, is_whole ? &run->whole : run->pieces,
					  is_whole ? 1 : run->count);

	if (taken < 0) {
		subscriber_end(sub, CLOSE_CLIENT, NULL);
		return false;
	}
	metric_add(sub->topic->sse->metrics.bytes, taken);
	sub->moved = sub->moved || run->durable;
	if ((size_t)taken == run->bytes && sub->in_front) {
		metric_add(sub->topic->sse->metrics.frames, run->count);
		note_traffic(sub);
		return true;
	}
	if (sub->in_front)
		leave_front(sub);
	settle(sub, run, (size_t)taken);
	if (sub->ended)
		return false;
	if ((size_t)taken == run->bytes)
		note_traffic(sub);
	else
		note_block(sub, taken > 0);
	return (size_t)taken == run->bytes;
}

void stream_send(struct subscriber *sub, struct item *item)
{
	struct run run;

	if (sub->ended || sub->blocked || sub->partial)
		return;
	run_init(&run, sub->unchunked);
	run_add(&run, item, 0);
	run.apart = true;
	run.next = sub->in_front ? sub->topic->front : sub->cursor;
	if (sub->replay)
		run.next = sub->replay->first;
	write_run(sub, &run);
}

/* ---- one listener ------------------------------------------------------------------------ */

static void gather(struct subscriber *sub, struct run *run)
{
	struct item *first = sub->replay ? sub->replay->first : sub->cursor;
	enum item_chain chain = sub->replay ? CHAIN_TEAM : sub->topic->chain;
	const struct taste taste = {
		.filter = sub->filter,
		.from_serial = sub->from_serial,
		.newest_states = subscriber_is_behind(sub),
	};

	run_init(run, sub->unchunked);
	if (sub->partial)
		run_add(run, sub->partial, sub->offset);
	run_gather(run, first, chain, &taste);
	if (run->stuck)
		lookup_want_from(sub->topic->sse, run->next, chain, sub->filter,
				 sub->stream ? LOOKUP_MAX_WANTS : 1);
}

static bool deliver(struct subscriber *sub, struct run *run)
{
	if (sub->stream)
		return write_run(sub, run);
	wait_answer(sub, run->items[0]);
	return false;
}

/* Nothing to send: moves over what the filter kept back. True when there may be more now. */
static bool advance(struct subscriber *sub, const struct run *run)
{
	settle(sub, run, 0);
	return !sub->ended && !run->stuck && sub->replay && replay_continue(sub);
}

static void try_front(struct subscriber *sub)
{
	struct topic *topic = sub->topic;

	if (!sub->stream || sub->filter || sub->replay || sub->partial || sub->blocked)
		return;
	if (sub->unchunked) /* what the front line gets is chunked */
		return;
	if (topic->arrived || sub->cursor != topic->front)
		return;
	if (topic->front && topic->front->serial <= sub->from_serial)
		return; /* transient ones that are not for it may follow */
	set_cursor(sub, NULL);
	sub->in_front = true;
	list_remove(&sub->link);
	list_add_tail(&topic->front_line, &sub->link);
}

/* The rest of what is half on the wire, and the last words, which are where the cursor was. */
static void pump_farewell(struct subscriber *sub)
{
	struct run run;

	run_init(&run, sub->unchunked);
	run.apart = true;
	if (sub->partial)
		run_add(&run, sub->partial, sub->offset);
	if (sub->cursor)
		run_add(&run, sub->cursor, 0);
	if (write_run(sub, &run))
		subscriber_end(sub, CLOSE_CLIENT, NULL);
}

void subscriber_pump(struct subscriber *sub)
{
	if (sub->parting) {
		pump_farewell(sub);
		return;
	}
	for (int round = 0; !sub->ended && !sub->blocked; round++) {
		struct run run;

		if (round == PUMP_ROUNDS) {
			hub_mark(sub->topic);
			return;
		}
		gather(sub, &run);
		if (run.count > 0 ? !deliver(sub, &run) : !advance(sub, &run))
			break;
	}
	if (sub->ended)
		return;
	if (!sub->cursor)
		sub->full_since_ms = 0;
	try_front(sub);
}

/* The kernel copies one piece much faster than many, and it does so for every listener. */
static void join_pieces(struct sse *sse, struct run *run)
{
	struct buf *joined = &sse->joined;

	if (run->count < 2)
		return;
	buf_reset(joined);
	for (int i = 0; i < run->count; i++)
		buf_add(joined, run->pieces[i].iov_base, run->pieces[i].iov_len);
	if (!joined->err)
		run->whole = (struct iovec){ .iov_base = joined->bytes, .iov_len = joined->len };
}

/* ---- the front line ---------------------------------------------------------------------- */

void front_line_flush(struct topic *topic)
{
	const struct taste everything = { .filter = NULL };
	struct run run;

	do {
		if (!topic->front || list_is_empty(&topic->front_line)) {
			topic->front = NULL;
			return;
		}
		run_init(&run, false);
		run_gather(&run, topic->front, topic->chain, &everything);
		topic->front = run.next;
		if (run.stuck)
			lookup_want_from(topic->sse, run.next, topic->chain, NULL,
					 LOOKUP_MAX_WANTS);
		if (run.count == 0)
			continue;
		join_pieces(topic->sse, &run);
		LIST_EACH_SAFE (link, &topic->front_line)
			write_run(list_item(link, struct subscriber, link), &run);
	} while (!run.stuck);
}

void front_line_scatter(struct topic *topic)
{
	while (!list_is_empty(&topic->front_line)) {
		struct subscriber *sub = list_item(topic->front_line.next, struct subscriber, link);

		leave_front(sub);
		set_cursor(sub, topic->front);
	}
	topic->front = NULL;
}
