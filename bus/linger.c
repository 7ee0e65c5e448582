/* SPDX-License-Identifier: Apache-2.0 */

/* Expects more entries soon after a read that brought several, or one soon after another. */
#include "bus/linger.h"

#define ENOUGH 8 /* entries share a read well; waiting would only make them late */

static void on_timer(uv_timer_t *timer)
{
	struct lingering *linger = timer->data;

	linger->on_over(linger->owner);
}

static void on_timer_closed(uv_handle_t *handle)
{
	struct lingering *linger = handle->data;

	linger->on_closed(linger->owner);
}

void linger_init(struct lingering *linger, uv_loop_t *loop, unsigned ms,
		 void (*on_over)(void *owner), void *owner)
{
	*linger = (struct lingering){ .ms = ms, .on_over = on_over, .owner = owner };
	uv_timer_init(loop, &linger->timer);
	linger->timer.data = linger;
}

bool linger_begins(struct lingering *linger, size_t entries)
{
	uint64_t now_ms = uv_now(linger->timer.loop);
	bool is_close = linger->brought_ms && now_ms - linger->brought_ms < linger->ms;

	if (entries == 0 || linger->ms == 0)
		return false;
	linger->brought_ms = now_ms;
	if ((entries == 1 && !is_close) || entries >= ENOUGH)
		return false;
	uv_timer_start(&linger->timer, on_timer, linger->ms, 0);
	return true;
}

void linger_stop(struct lingering *linger)
{
	uv_timer_stop(&linger->timer);
}

void linger_close(struct lingering *linger, void (*on_closed)(void *owner))
{
	linger->on_closed = on_closed;
	uv_close((uv_handle_t *)&linger->timer, on_timer_closed);
}
