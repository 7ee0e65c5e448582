/* SPDX-License-Identifier: Apache-2.0 */

/* Gathers items. An item that waits for its capsule row ends the run of a listener that wants
 * it. */
#include "sse/run.h"

#include "sse/filter.h"

void run_init(struct run *run, bool bare)
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

void run_add(struct run *run, struct item *item, uint32_t offset)
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

static bool wants(const struct selection *selection, const struct item *item)
{
	if (item->transient && (item->serial <= selection->from_serial ||
				(selection->newest_states && item->superseded)))
		return false;
	return filter_lets_through(selection->filter, (enum event_kind)item->kind,
				   (enum event_outcome)item->outcome, item_resource(item));
}

void run_gather(struct run *run, struct item *first, enum item_chain chain,
		const struct selection *selection)
{
	struct item *item = first;

	while (item && run->count < RUN_PIECES) {
		if (wants(selection, item)) {
			/* Do not skip it: a later id would hide that it is missing. */
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
