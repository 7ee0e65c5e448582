/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The fan-out: listeners that keep up share all work except the write itself.
 *
 * A listener whose socket does not take all leaves the front line (sse/write.c). An item that waits
 * for its capsule row stops only the front line.
 */
#include "sse/front_line.h"

#include "sse/lookup.h"
#include "sse/write.h"

/* One write per listener: the kernel copies one large piece much faster than many small ones.
 * Joining costs one copy for all listeners. */
static void join_pieces(struct buf *joined, struct run *run)
{
	if (run->count < 2)
		return;
	buf_reset(joined);
	for (int i = 0; i < run->count; i++)
		buf_add(joined, run->pieces[i].iov_base, run->pieces[i].iov_len);
	if (!joined->err)
		run->whole = (struct iovec){ .iov_base = joined->bytes, .iov_len = joined->len };
}

void front_line_flush(struct topic *topic)
{
	const struct selection everything = { .filter = NULL };
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
		join_pieces(&topic->sse->scratch, &run); /* a write needs no scratch */
		LIST_EACH_SAFE (link, &topic->front_line)
			write_run(list_item(link, struct subscriber, link), &run);
	} while (!run.stuck);
}

void front_line_scatter(struct topic *topic)
{
	while (!list_is_empty(&topic->front_line)) {
		struct subscriber *sub = list_item(topic->front_line.next, struct subscriber, link);

		subscriber_leave_front(sub);
		subscriber_set_cursor(sub, topic->front);
	}
	topic->front = NULL;
}
