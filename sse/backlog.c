/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Slow readers. They have no queue: their backlog is the part of the chain after their cursor, and
 * its size is the difference of two running totals.
 *
 * A blocked reader over the bound gets only the newest state of each capsule. That helps unless
 * durable events alone pass the bound. A reader that stays over it is closed with a reason, and its
 * cursor still works.
 */
#include "sse/backlog.h"

struct backlog {
	uint32_t frames;
	uint32_t bytes;
};

static struct backlog everything_ahead(const struct subscriber *sub)
{
	const struct topic *topic = sub->topic;
	const struct item *cursor = sub->cursor;

	if (!cursor)
		return (struct backlog){ .frames = 0 };
	return (struct backlog){ .frames = topic->frames - cursor->frames[topic->chain],
				 .bytes = topic->size - cursor->sizes[topic->chain] };
}

static struct backlog durable_ahead(const struct subscriber *sub)
{
	const struct topic *topic = sub->topic;
	const struct item *cursor = sub->cursor;
	struct backlog ahead = everything_ahead(sub);

	if (!cursor)
		return ahead;
	ahead.frames -= topic->states - cursor->states[topic->chain];
	ahead.bytes -= topic->state_size - cursor->state_sizes[topic->chain];
	return ahead;
}

static bool is_over(struct backlog backlog, uint32_t times)
{
	return backlog.frames >= times * BACKLOG_MAX_FRAMES ||
	       backlog.bytes >= times * BACKLOG_MAX_BYTES;
}

bool backlog_is_full(const struct subscriber *sub)
{
	return sub->full_since_ms != 0 && is_over(everything_ahead(sub), 1);
}

static void note_high_water(struct sse *sse, struct backlog backlog)
{
	if (backlog.frames > sse->high_water.frames) {
		sse->high_water.frames = backlog.frames;
		metric_set(sse->metrics.high_water_frames, backlog.frames);
	}
	if (backlog.bytes > sse->high_water.bytes) {
		sse->high_water.bytes = backlog.bytes;
		metric_set(sse->metrics.high_water_bytes, backlog.bytes);
	}
}

static bool is_too_slow(struct subscriber *sub, uint32_t now_ms)
{
	struct backlog everything = everything_ahead(sub);
	struct backlog durable = durable_ahead(sub);

	if (sub->blocked)
		note_high_water(sub->topic->sse, everything);
	if (!sub->blocked || !is_over(everything, 1)) {
		sub->full_since_ms = 0;
		return false;
	}
	if (sub->full_since_ms == 0 || !is_over(durable, 1))
		sub->full_since_ms = now_ms | 1; /* 0 means not full */
	if (is_over(durable, BACKLOG_HARD_TIMES))
		return true;
	return (int32_t)(now_ms - sub->full_since_ms) >= BACKLOG_GRACE_MS;
}

void backlog_end_slow(struct topic *topic)
{
	uint32_t now_ms = (uint32_t)uv_now(topic->sse->options.loop);

	LIST_EACH_SAFE (link, &topic->others) {
		struct subscriber *sub = list_item(link, struct subscriber, link);

		if (is_too_slow(sub, now_ms))
			subscriber_end(sub, CLOSE_SLOW);
	}
}
