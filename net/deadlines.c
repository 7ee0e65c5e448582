/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Waits of one length, in a list that is ordered because time only grows.
 *
 * Happy path: a started wait goes to the tail; the timer is set for the head only and, when it
 * fires, removes every wait that is due. Stopping and restarting leave the timer as it is: it may
 * fire with nothing due and then is only set again. Nothing here can fail.
 */
#include "net/deadlines.h"

#include <assert.h>

static void set_timer(struct deadlines *all);

/* The loop's clock does not move while callbacks run, so a wait started by one of them is
 * never due within this turn, and the loop ends. */
static void on_timer(uv_timer_t *timer)
{
	struct deadlines *all = timer->data;
	uint64_t now_ms = uv_now(timer->loop);

	while (!list_is_empty(&all->waiting)) {
		struct deadline *first = list_item(all->waiting.next, struct deadline, link);

		if (first->due_ms > now_ms)
			break;
		list_remove(&first->link);
		all->on_due(first, all->owner);
	}
	set_timer(all);
}

static void set_timer(struct deadlines *all)
{
	const struct deadline *first;
	uint64_t now_ms = uv_now(all->timer.loop);

	if (list_is_empty(&all->waiting) || uv_is_closing((uv_handle_t *)&all->timer))
		return;
	first = list_item(all->waiting.next, struct deadline, link);
	uv_timer_start(&all->timer, on_timer, first->due_ms > now_ms ? first->due_ms - now_ms : 0,
		       0);
}

void deadlines_init(struct deadlines *all, uv_loop_t *loop, uint64_t length_ms,
		    void (*on_due)(struct deadline *deadline, void *owner), void *owner)
{
	assert(length_ms > 0);
	list_init(&all->waiting);
	uv_timer_init(loop, &all->timer);
	all->timer.data = all;
	all->length_ms = length_ms;
	all->on_due = on_due;
	all->owner = owner;
	all->on_closed = NULL;
}

static void on_timer_closed(uv_handle_t *handle)
{
	struct deadlines *all = handle->data;

	if (all->on_closed)
		all->on_closed(all);
}

void deadlines_close(struct deadlines *all, void (*on_closed)(struct deadlines *all))
{
	while (!list_is_empty(&all->waiting))
		list_remove(all->waiting.next);
	all->on_closed = on_closed;
	uv_close((uv_handle_t *)&all->timer, on_timer_closed);
}

void deadline_start(struct deadlines *all, struct deadline *deadline)
{
	list_remove(&deadline->link);
	if (uv_is_closing((uv_handle_t *)&all->timer))
		return; /* no timer would ever end it */
	deadline->due_ms = uv_now(all->timer.loop) + all->length_ms;
	list_add_tail(&all->waiting, &deadline->link);
	if (!uv_is_active((uv_handle_t *)&all->timer))
		set_timer(all);
}

void deadline_stop(struct deadline *deadline)
{
	list_remove(&deadline->link);
}
