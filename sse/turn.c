/* SPDX-License-Identifier: Apache-2.0 */

/* The end of a loop turn: an idle handle keeps the loop awake and a check handle flushes. */
#include "sse/turn.h"

static void on_turn(uv_check_t *handle)
{
	struct sse *sse = handle->data;

	sse->flush(sse);
}

/* Only there so that the loop does not sleep before the turn ends. */
static void on_turn_soon(uv_idle_t *handle)
{
	(void)handle;
}

void turn_wake(struct sse *sse)
{
	if (uv_is_closing((uv_handle_t *)&sse->turn))
		return;
	uv_check_start(&sse->turn, on_turn);
	uv_idle_start(&sse->turn_soon, on_turn_soon);
}

void turn_mark(struct topic *topic)
{
	if (!list_is_empty(&topic->dirty))
		return;
	list_add_tail(&topic->sse->dirty, &topic->dirty);
	turn_wake(topic->sse);
}

void turn_lose(struct sse *sse)
{
	sse->losing = true;
	turn_wake(sse);
}

void turn_rest(struct sse *sse)
{
	uv_check_stop(&sse->turn);
	uv_idle_stop(&sse->turn_soon);
}
