/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The memory of the live path.
 *
 * Happy path of a close: the last listener is freed and the last pending call comes back, the
 * handles close, and the last handle frees everything and calls the owner back.
 */
#include "sse/live.h"

#include <stdlib.h>

#define HISTORY_DEFAULT_BYTES (16 * 1024 * 1024)
#define KEEPALIVE_DEFAULT_S   15
#define STREAMS_DEFAULT       100

int live_init(struct sse *sse, const struct sse_options *options)
{
	sse->options = *options;
	if (sse->options.keepalive_s == 0)
		sse->options.keepalive_s = KEEPALIVE_DEFAULT_S;
	if (sse->options.max_streams_per_team == 0)
		sse->options.max_streams_per_team = STREAMS_DEFAULT;
	if (sse->options.history_bytes == 0)
		sse->options.history_bytes = HISTORY_DEFAULT_BYTES;
	list_init(&sse->dirty);
	list_init(&sse->ending);
	list_init(&sse->reads.waiting);
	list_init(&sse->reads.done);
	list_init(&sse->openings);
	for (size_t i = 0; i < RECHECK_ROUNDS; i++)
		list_init(&sse->rechecks.rounds[i]);
	buf_init(&sse->scratch, SCRATCH_MAX_BYTES);
	return history_init(&sse->history, sse, sse->options.history_bytes);
}

void live_free(struct sse *sse)
{
	history_done(&sse->history);
	item_unref(sse->keepalive);
	item_unref(sse->source_lost);
	item_unref(sse->source_back);
	item_unref(sse->bookmark.item);
	buf_done(&sse->scratch);
	free(sse);
}

static void handle_gone(struct sse *sse)
{
	void (*on_closed)(void *owner) = sse->on_closed;
	void *owner = sse->owner;

	if (--sse->open_handles > 0)
		return;
	live_free(sse);
	if (on_closed)
		on_closed(owner);
}

static void on_handle_closed(uv_handle_t *handle)
{
	handle_gone(handle->data);
}

static void on_deadlines_closed(struct deadlines *deadlines)
{
	handle_gone(deadlines->owner);
}

void live_release(struct sse *sse)
{
	if (!sse->closing || sse->listeners > 0 || sse->pending > 0 ||
	    uv_is_closing((uv_handle_t *)&sse->turn))
		return;
	uv_close((uv_handle_t *)&sse->turn, on_handle_closed);
	uv_close((uv_handle_t *)&sse->turn_soon, on_handle_closed);
	deadlines_close(&sse->keepalives, on_deadlines_closed);
	deadlines_close(&sse->stalls, on_deadlines_closed);
	deadlines_close(&sse->pulses, on_deadlines_closed);
	deadlines_close(&sse->closings, on_deadlines_closed);
	deadlines_close(&sse->recheck_rounds, on_deadlines_closed);
	deadlines_close(&sse->lookup_limits, on_deadlines_closed);
	deadlines_close(&sse->read_pauses, on_deadlines_closed);
	deadlines_close(&sse->preload_pauses, on_deadlines_closed);
}
