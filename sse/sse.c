/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Opening and closing of the live path. The end: listeners are told when to come back, whatever is
 * under way elsewhere calls back, the handles close, and the memory goes.
 */
#include <errno.h>
#include <stdlib.h>

#include "sse/endpoints.h"
#include "sse/frame.h"
#include "sse/lookup.h"
#include "sse/preload.h"
#include "sse/replay.h"
#include "sse/source.h"
#include "sse/subscriber.h"

#define HISTORY_DEFAULT_BYTES (16 * 1024 * 1024)
#define KEEPALIVE_DEFAULT_S   15
#define STREAMS_DEFAULT       100
#define STALL_MS              20000
#define PARTING_MS            5000 /* and less than the program has to end */
#define READ_PAUSE_MS         1000

static void sse_free(struct sse *sse)
{
	history_done(&sse->history);
	item_unref(sse->keepalive);
	item_unref(sse->source_lost);
	item_unref(sse->source_back);
	item_unref(sse->bookmark);
	buf_done(&sse->scratch);
	buf_done(&sse->joined);
	free(sse);
}

static int make_comment(struct sse *sse, const char *text, struct item **out)
{
	buf_reset(&sse->scratch);
	frame_comment(&sse->scratch, text);
	return sse->scratch.err ? sse->scratch.err : item_from_text(buf_str(&sse->scratch), out);
}

static void init_handles(struct sse *sse)
{
	uv_loop_t *loop = sse->options.loop;

	uv_check_init(loop, &sse->turn);
	uv_idle_init(loop, &sse->turn_soon);
	sse->turn.data = sse;
	sse->turn_soon.data = sse;
	deadlines_init(&sse->keepalives, loop, (uint64_t)sse->options.keepalive_s * 1000,
		       on_keepalive_due, sse);
	deadlines_init(&sse->stalls, loop, STALL_MS, on_stall_due, sse);
	deadlines_init(&sse->partings, loop, PARTING_MS, on_parting_due, sse);
	deadlines_init(&sse->recheck_rounds, loop, RECHECK_ROUND_MS, on_recheck_due, sse);
	deadline_init(&sse->recheck_round);
	deadline_start(&sse->recheck_rounds, &sse->recheck_round);
	sse->round_due_ms = sse->recheck_round.due_ms;
	deadlines_init(&sse->lookup_limits, loop, LOOKUP_LIMIT_MS, on_lookup_limit, sse);
	deadlines_init(&sse->read_pauses, loop, READ_PAUSE_MS, on_read_pause_due, sse);
	deadlines_init(&sse->preload_pauses, loop, PRELOAD_PAUSE_MS, on_preload_pause_due, sse);
	deadlines_init(&sse->pulses, loop, sse->options.pulse_ms ? sse->options.pulse_ms : 1,
		       on_pulse_due, sse);
	sse->open_handles = 10;
}

int sse_open(const struct sse_options *options, struct sse **out)
{
	struct sse *sse = calloc(1, sizeof(*sse));
	int rc;

	if (!sse)
		return -ENOMEM;
	sse->options = *options;
	if (sse->options.keepalive_s == 0)
		sse->options.keepalive_s = KEEPALIVE_DEFAULT_S;
	if (sse->options.max_streams_per_team == 0)
		sse->options.max_streams_per_team = STREAMS_DEFAULT;
	list_init(&sse->dirty);
	list_init(&sse->lookups);
	list_init(&sse->reads);
	list_init(&sse->openings);
	list_init(&sse->parting);
	for (size_t i = 0; i < RECHECK_ROUNDS; i++)
		list_init(&sse->rechecks[i]);
	buf_init(&sse->scratch, SCRATCH_MAX_BYTES);
	buf_init(&sse->joined, SCRATCH_MAX_BYTES);
	rc = history_init(&sse->history, sse,
			  options->history_bytes ? options->history_bytes : HISTORY_DEFAULT_BYTES);
	if (rc == 0)
		rc = make_comment(sse, "keepalive", &sse->keepalive);
	if (rc == 0)
		rc = make_comment(sse, "source lost", &sse->source_lost);
	if (rc == 0)
		rc = make_comment(sse, "source back", &sse->source_back);
	if (rc < 0) {
		sse_free(sse);
		return rc;
	}
	sse_metrics_init(&sse->metrics);
	init_handles(sse);
	source_watch(sse);
	*out = sse;
	return 0;
}

/* ---- the end ----------------------------------------------------------------------------- */

static void handle_gone(struct sse *sse)
{
	void (*on_closed)(void *owner) = sse->on_closed;
	void *owner = sse->owner;

	if (--sse->open_handles > 0)
		return;
	sse_free(sse);
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

void sse_release(struct sse *sse)
{
	if (!sse->closing || sse->listeners > 0 || sse->pending > 0 ||
	    uv_is_closing((uv_handle_t *)&sse->turn))
		return;
	uv_close((uv_handle_t *)&sse->turn, on_handle_closed);
	uv_close((uv_handle_t *)&sse->turn_soon, on_handle_closed);
	deadlines_close(&sse->keepalives, on_deadlines_closed);
	deadlines_close(&sse->stalls, on_deadlines_closed);
	deadlines_close(&sse->pulses, on_deadlines_closed);
	deadlines_close(&sse->partings, on_deadlines_closed);
	deadlines_close(&sse->recheck_rounds, on_deadlines_closed);
	deadlines_close(&sse->lookup_limits, on_deadlines_closed);
	deadlines_close(&sse->read_pauses, on_deadlines_closed);
	deadlines_close(&sse->preload_pauses, on_deadlines_closed);
}

static void dismiss(struct list *listeners)
{
	LIST_EACH_SAFE (link, listeners) {
		char text[FAREWELL_SIZE];

		farewell_write(text);
		subscriber_end(list_item(link, struct subscriber, link), CLOSE_SHUTDOWN, text);
	}
}

static void dismiss_topic(struct topic *topic)
{
	dismiss(&topic->front_line);
	dismiss(&topic->others);
}

void sse_close(struct sse *sse, void (*on_closed)(void *owner), void *owner)
{
	sse->closing = true;
	sse->on_closed = on_closed;
	sse->owner = owner;
	preload_abandon(sse);
	openings_resume(sse);
	dismiss_topic(&sse->history.all);
	for (size_t i = 0; i < HISTORY_TEAM_BUCKETS; i++)
		LIST_EACH (link, &sse->history.teams[i])
			dismiss_topic(list_item(link, struct topic, link));
	hub_flush(sse); /* look-ups still gathered have their answer */
	sse_release(sse);
}
