/* SPDX-License-Identifier: Apache-2.0 */

/* Two samples a second are enough for a distribution and cost nothing. Nothing here can fail. */
#include "app/loop_lag.h"

#define PERIOD_MS UINT64_C(500)
#define HALF      120 /* samples */

static void on_due(uv_timer_t *timer);

static void wait_on(struct loop_lag *lag)
{
	lag->due_ns = lag->now_ns() + PERIOD_MS * UINT64_C(1000000);
	uv_timer_start(&lag->timer, on_due, PERIOD_MS, 0);
}

static void remember(struct loop_lag *lag, uint64_t late_ns)
{
	if (lag->samples++ == HALF) {
		lag->worst_ns[1] = lag->worst_ns[0];
		lag->worst_ns[0] = 0;
		lag->samples = 1;
	}
	if (late_ns > lag->worst_ns[0])
		lag->worst_ns[0] = late_ns;
}

int64_t loop_lag_worst_ms(const struct loop_lag *lag)
{
	uint64_t worst_ns =
		lag->worst_ns[0] > lag->worst_ns[1] ? lag->worst_ns[0] : lag->worst_ns[1];

	return (int64_t)(worst_ns / 1000000);
}

static void on_due(uv_timer_t *timer)
{
	struct loop_lag *lag = timer->data;
	uint64_t now_ns = lag->now_ns();
	uint64_t late_ns = now_ns > lag->due_ns ? now_ns - lag->due_ns : 0;

	metric_observe_us(lag->seconds, (int64_t)(late_ns / 1000));
	remember(lag, late_ns);
	wait_on(lag);
}

void loop_lag_start(struct loop_lag *lag, uv_loop_t *loop, uint64_t (*now_ns)(void))
{
	lag->now_ns = now_ns;
	lag->worst_ns[0] = 0;
	lag->worst_ns[1] = 0;
	lag->samples = 0;
	lag->seconds = metric_histogram("wrenn_events_loop_lag_seconds", NULL,
					"How long after its due time a timer of the loop ran.");
	uv_timer_init(loop, &lag->timer);
	lag->timer.data = lag;
	uv_update_time(loop);
	wait_on(lag);
}

void loop_lag_stop(struct loop_lag *lag)
{
	uv_close((uv_handle_t *)&lag->timer, NULL);
}
