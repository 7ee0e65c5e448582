/* SPDX-License-Identifier: Apache-2.0 */

/* All listeners share one bookmark until the head moves. */
#include "sse/bookmark.h"

#include "sse/frame.h"

static struct item *current(struct sse *sse)
{
	struct bookmark *bookmark = &sse->bookmark;
	struct frame frame = { .has_id = true, .id = sse->history.head };
	struct item *item;

	if (bookmark->item && stream_id_compare(bookmark->id, frame.id) == 0)
		return bookmark->item;
	buf_reset(&sse->scratch);
	frame_encode(&sse->scratch, &frame);
	if (sse->scratch.err || item_from_text(buf_str(&sse->scratch), &item) < 0)
		return NULL;
	item_unref(bookmark->item);
	bookmark->item = item;
	bookmark->id = frame.id;
	return item;
}

/* The listener has received everything up to the head. */
static bool is_at_head(const struct subscriber *sub)
{
	const struct topic *topic = sub->topic;

	return !sub->cursor && !sub->replay && !topic->arrived && !(sub->in_front && topic->front);
}

void bookmark_offer(struct subscriber *sub)
{
	struct sse *sse = sub->topic->sse;
	bool has_moved = sub->moved;
	struct item *item;

	sub->moved = false;
	if (has_moved || !is_at_head(sub))
		return;
	/* Right after a loss it would move cursors past the gap. */
	if (history_misses(&sse->history, sse->history.head))
		return;
	item = current(sse);
	if (item)
		(void)sub->type->send(sub, item);
}
