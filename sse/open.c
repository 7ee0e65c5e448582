/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Opens and closes the live path.
 *
 * Happy path of a close: listeners are told when to reconnect, running calls end, the handles
 * close, and live.c frees the memory.
 */
#include <errno.h>
#include <stdlib.h>

#include "sse/closing_frame.h"
#include "sse/endpoints.h"
#include "sse/frame.h"
#include "sse/hub.h"
#include "sse/lookup.h"
#include "sse/metrics.h"
#include "sse/preload.h"
#include "sse/recheck.h"
#include "sse/replay.h"
#include "sse/source.h"
#include "sse/stream.h"

#define STALL_MS      20000
#define CLOSING_MS    5000 /* less than the program takes to stop */
#define READ_PAUSE_MS 1000

static int make_comment(struct sse *sse, const char *text, struct item **out)
{
	buf_reset(&sse->scratch);
	frame_comment(&sse->scratch, text);
	return sse->scratch.err ? sse->scratch.err : item_from_text(buf_str(&sse->scratch), out);
}

static int make_comments(struct sse *sse)
{
	int rc = make_comment(sse, "keepalive", &sse->keepalive);

	if (rc == 0)
		rc = make_comment(sse, "source lost", &sse->source_lost);
	if (rc == 0)
		rc = make_comment(sse, "source back", &sse->source_back);
	return rc;
}

static void init_handles(struct sse *sse)
{
	const struct {
		struct deadlines *all;
		uint64_t length_ms;
		void (*on_due)(struct deadline *deadline, void *owner);
	} waits[] = {
		{ &sse->keepalives, sse->options.keepalive_s * UINT64_C(1000), on_keepalive_due },
		{ &sse->stalls, STALL_MS, on_stall_due },
		{ &sse->closings, CLOSING_MS, on_closing_due },
		{ &sse->pulses, sse->options.pulse_ms ? sse->options.pulse_ms : 1, on_pulse_due },
		{ &sse->recheck_rounds, RECHECK_ROUND_MS, on_recheck_due },
		{ &sse->lookup_limits, LOOKUP_LIMIT_MS, on_lookup_limit },
		{ &sse->read_pauses, READ_PAUSE_MS, on_read_pause_due },
		{ &sse->preload_pauses, PRELOAD_PAUSE_MS, on_preload_pause_due },
	};
	uv_loop_t *loop = sse->options.loop;

	for (size_t i = 0; i < ARRAY_LEN(waits); i++)
		deadlines_init(waits[i].all, loop, waits[i].length_ms, waits[i].on_due, sse);
	uv_check_init(loop, &sse->turn);
	uv_idle_init(loop, &sse->turn_soon);
	sse->turn.data = sse;
	sse->turn_soon.data = sse;
	sse->open_handles = ARRAY_LEN(waits) + 2;
}

int sse_open(const struct sse_options *options, struct sse **out)
{
	struct sse *sse = calloc(1, sizeof(*sse));
	int rc;

	if (!sse)
		return -ENOMEM;
	rc = live_init(sse, options);
	if (rc == 0)
		rc = make_comments(sse);
	if (rc < 0) {
		live_free(sse);
		return rc;
	}
	sse_metrics_init(&sse->metrics);
	sse->flush = hub_flush;
	init_handles(sse);
	recheck_start(sse);
	source_watch(sse);
	*out = sse;
	return 0;
}

bool sse_is_stale(const struct sse *sse)
{
	return sse->source.stale_since_us != 0;
}

static void dismiss(struct topic *topic, void *arg)
{
	(void)arg;
	subscriber_end_all(topic, CLOSE_SHUTDOWN);
}

void sse_close(struct sse *sse, void (*on_closed)(void *owner), void *owner)
{
	if (!sse) {
		if (on_closed)
			on_closed(owner);
		return;
	}
	sse->closing = true;
	sse->on_closed = on_closed;
	sse->owner = owner;
	preload_abandon(sse);
	openings_resume(sse);
	history_each_topic(&sse->history, dismiss, NULL);
	hub_flush(sse); /* ends the listeners, and finishes look-ups that were gathered */
	live_release(sse);
}

void sse_set_max_streams_per_team(struct sse *sse, unsigned max)
{
	sse->options.max_streams_per_team = max;
}
