/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Writes to streams.
 *
 * Happy path: the socket takes all, and a listener of the front line stays there. When the socket
 * does not take all, the listener gets a cursor of its own and continues when the socket is free.
 * Failure: a broken connection ends the listener.
 */
#include "sse/write.h"

#include "http/http.h"
#include "sse/replay.h"

static void go_on_from(struct subscriber *sub, const struct run *run, struct item *resume)
{
	if (sub->replay) {
		replay_drop_before(sub->replay, resume);
		return;
	}
	/* The chain grows before its flush, so this listener may be past new arrivals: note it, or
	 * the flush would send them again. After a cut the states beyond it are still to come. */
	if (sub->cursor && !resume && !run->apart) {
		uint64_t past = run->fell_off ? run->fell_serial : sub->topic->sse->history.serial;

		sub->from_serial = past > sub->from_serial ? past : sub->from_serial;
	}
	subscriber_set_cursor(sub, resume);
	if (!resume && run->fell_off && subscriber_replay(sub, run->fell_at) < 0)
		subscriber_end(sub, CLOSE_FAILED);
}

void write_settle(struct subscriber *sub, const struct run *run, size_t taken)
{
	struct item *old = sub->partial;
	struct item *resume = run->next;
	size_t left = taken;
	int i = 0;

	while (i < run->count && left >= run->pieces[i].iov_len)
		left -= run->pieces[i++].iov_len;
	metric_add(sub->topic->sse->metrics.frames, i);
	sub->partial = NULL;
	if (i < run->count) {
		bool is_old = old && run->items[i] == old;

		if (left > 0 || run->apart || is_old) {
			sub->offset = (uint32_t)left + (is_old ? sub->offset : 0);
			sub->partial = item_ref(run->items[i++]);
		}
	}
	if (i < run->count)
		resume = run->items[i];
	item_unref(old);
	go_on_from(sub, run, resume);
}

static void note_traffic(struct subscriber *sub)
{
	sub->stalled = false;
	deadline_start(&sub->topic->sse->keepalives, &sub->quiet);
}

static void note_block(struct subscriber *sub, bool progress)
{
	sub->blocked = true;
	if (sub->is_closing || (sub->stalled && !progress))
		return;
	sub->stalled = true;
	deadline_start(&sub->topic->sse->stalls, &sub->quiet);
}

bool write_run(struct subscriber *sub, const struct run *run)
{
	bool is_whole = run->whole.iov_len > 0;
	ssize_t taken = http_stream_write(sub->stream, is_whole ? &run->whole : run->pieces,
					  is_whole ? 1 : run->count);

	if (taken < 0) {
		subscriber_end(sub, CLOSE_CLIENT);
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
		subscriber_leave_front(sub);
	write_settle(sub, run, (size_t)taken);
	if (sub->ending)
		return false;
	if ((size_t)taken == run->bytes)
		note_traffic(sub);
	else
		note_block(sub, taken > 0);
	return (size_t)taken == run->bytes;
}

bool write_apart(struct subscriber *sub, struct item *item)
{
	struct run run;

	if (sub->ending || sub->blocked || sub->partial)
		return false;
	run_init(&run, sub->unchunked);
	run_add(&run, item, 0);
	run.apart = true;
	run.next = sub->in_front ? sub->topic->front : sub->cursor;
	if (sub->replay)
		run.next = sub->replay->first;
	(void)write_run(sub, &run);
	return true;
}
