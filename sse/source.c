/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Watches the source. A frozen dashboard must not look green, but a quiet connection looks like a
 * hanging one, so we ask Redis. No clock of another machine is trusted: ids are compared only with
 * ids.
 */
#include "sse/source.h"

#include "core/clock.h"
#include "core/log.h"
#include "sse/replay.h"
#include "sse/subscriber.h"

#define SILENT_AFTER_MS 2000

/* ---- reporting to listeners -------------------------------------------------------------- */

static void send_to_topic(struct topic *topic, void *item)
{
	LIST_EACH_SAFE (link, &topic->others) {
		struct subscriber *sub = list_item(link, struct subscriber, link);

		(void)sub->type->send(sub, item);
	}
	LIST_EACH_SAFE (link, &topic->front_line) {
		struct subscriber *sub = list_item(link, struct subscriber, link);

		(void)sub->type->send(sub, item);
	}
}

static void judge(struct sse *sse)
{
	const struct source *source = &sse->source;
	bool is_stale = !source->up || source->silent || source->lags;

	if (is_stale == (source->stale_since_us != 0) || sse->closing)
		return;
	sse->source.stale_since_us = is_stale ? clock_wall_us() : 0;
	metric_set(sse->metrics.stale, is_stale);
	if (source->up && is_stale)
		log_warn("live streams lag behind Redis",
			 log_str("because",
				 source->silent ? "Redis does not answer" : "entries arrive late"));
	history_each_topic(&sse->history, send_to_topic,
			   is_stale ? sse->source_lost : sse->source_back);
}

void source_set_up(struct sse *sse, bool up)
{
	sse->source.up = up;
	if (up)
		replay_retry(sse);
	judge(sse);
}

/* ---- asking Redis for its newest entry --------------------------------------------------- */

static void on_newest(const struct bus_edges *edges, void *owner)
{
	struct sse *sse = owner;

	sse->pending--;
	sse->source.asking = false;
	sse->source.silent = edges->rc < 0;
	sse->source.newest = (struct stream_id){ .ms = 0 };
	if (edges->rc == 0)
		sse->source.newest = edges->readable;
	judge(sse);
	live_release(sse);
}

static void ask(struct sse *sse)
{
	struct source *source = &sse->source;

	if (bus_edges(sse->options.redis, on_newest, sse) < 0) {
		source->silent = true;
		return;
	}
	source->asking = true;
	source->asked_ms = clock_mono_ms();
	sse->pending++;
}

static bool lags(const struct sse *sse)
{
	return stream_id_compare(sse->source.newest, sse->history.head) > 0;
}

void on_pulse_due(struct deadline *deadline, void *owner)
{
	struct sse *sse = owner;
	struct source *source = &sse->source;

	if (sse->closing)
		return;
	deadline_start(&sse->pulses, deadline);
	if (source->asking) {
		if (clock_mono_ms() - source->asked_ms >= SILENT_AFTER_MS)
			source->silent = true;
	} else {
		source->lags = sse->started && lags(sse);
		ask(sse);
	}
	judge(sse);
}

void source_watch(struct sse *sse)
{
	deadline_init(&sse->source.pulse);
	if (sse->options.pulse_ms > 0)
		deadline_start(&sse->pulses, &sse->source.pulse);
}

void source_on_head(struct sse *sse)
{
	if (!sse->source.lags || lags(sse))
		return;
	sse->source.lags = false;
	judge(sse);
}
