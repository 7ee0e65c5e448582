/* SPDX-License-Identifier: Apache-2.0 */

/* One timer per wait. The loop frees it one turn after the wait has ended. */
#include "channels/pauses.h"

#include <errno.h>
#include <stdlib.h>

struct pause {
	struct list link;
	uv_timer_t timer;
	pause_done_fn on_done;
	void *owner;
};

void pauses_init(struct pauses *pauses, uv_loop_t *loop)
{
	pauses->loop = loop;
	list_init(&pauses->waiting);
}

static void on_closed(uv_handle_t *handle)
{
	free(handle->data);
}

static void end(struct pause *pause, int rc)
{
	list_remove(&pause->link);
	uv_close((uv_handle_t *)&pause->timer, on_closed);
	pause->on_done(rc, pause->owner);
}

static void on_timer(uv_timer_t *timer)
{
	end(timer->data, 0);
}

int pause_start(struct pauses *pauses, uint64_t wait_ms, pause_done_fn on_done, void *owner)
{
	struct pause *pause = calloc(1, sizeof(*pause));

	if (!pause)
		return -ENOMEM;
	pause->on_done = on_done;
	pause->owner = owner;
	pause->timer.data = pause;
	list_add_tail(&pauses->waiting, &pause->link);
	uv_timer_init(pauses->loop, &pause->timer);
	uv_update_time(pauses->loop);
	uv_timer_start(&pause->timer, on_timer, wait_ms, 0);
	return 0;
}

void pauses_end(struct pauses *pauses)
{
	LIST_EACH_SAFE (link, &pauses->waiting)
		end(list_item(link, struct pause, link), -ECANCELED);
}
