/* SPDX-License-Identifier: Apache-2.0 */

/* The timer is always set for the earliest time. */
#include "bus/dues.h"

#include <stdbool.h>
#include <string.h>

static void on_timer(uv_timer_t *timer);

static bool is_closing(const struct dues *dues)
{
	return uv_is_closing((const uv_handle_t *)&dues->timer);
}

static void set_timer(struct dues *dues)
{
	uint64_t now_ms = uv_now(dues->timer.loop);
	uint64_t first_ms = UINT64_MAX;

	for (int i = 0; i < DUES_MAX; i++) {
		if (dues->at_ms[i] && dues->at_ms[i] < first_ms)
			first_ms = dues->at_ms[i];
	}
	if (first_ms != UINT64_MAX && !is_closing(dues))
		uv_timer_start(&dues->timer, on_timer, first_ms > now_ms ? first_ms - now_ms : 0,
			       0);
}

static void on_timer(uv_timer_t *timer)
{
	struct dues *dues = timer->data;
	uint64_t now_ms = uv_now(timer->loop);

	for (int i = 0; i < DUES_MAX && !is_closing(dues); i++) {
		if (dues->at_ms[i] == 0 || dues->at_ms[i] > now_ms)
			continue;
		dues->at_ms[i] = 0;
		dues->on_due(i, dues->owner);
	}
	set_timer(dues);
}

void dues_set(struct dues *dues, int which, uint64_t after_ms)
{
	dues->at_ms[which] = uv_now(dues->timer.loop) + after_ms;
	if (dues->at_ms[which] == 0)
		dues->at_ms[which] = 1;
	set_timer(dues);
}

void dues_clear(struct dues *dues)
{
	memset(dues->at_ms, 0, sizeof(dues->at_ms));
}

void dues_init(struct dues *dues, uv_loop_t *loop, void (*on_due)(int which, void *owner),
	       void *owner)
{
	*dues = (struct dues){ .on_due = on_due, .owner = owner };
	uv_timer_init(loop, &dues->timer);
	dues->timer.data = dues;
}

static void on_timer_closed(uv_handle_t *handle)
{
	struct dues *dues = handle->data;

	dues->on_closed(dues->owner);
}

void dues_close(struct dues *dues, void (*on_closed)(void *owner))
{
	dues->on_closed = on_closed;
	uv_close((uv_handle_t *)&dues->timer, on_timer_closed);
}
