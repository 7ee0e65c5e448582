/* SPDX-License-Identifier: Apache-2.0 */

/* A blocked loop counts as late by the time it was blocked. The test sets the clock. */
#include <criterion/criterion.h>

#include "app/loop_lag.h"
#include "core/buf.h"

#define PERIOD_NS UINT64_C(500000000)

static uint64_t now_ns;

static uint64_t clock_of_the_test(void)
{
	return now_ns;
}

static void hold_up(uv_timer_t *timer)
{
	now_ns += *(const uint64_t *)timer->data;
}

static void run_until_observed(uv_loop_t *loop, const struct loop_lag *lag, int64_t count)
{
	while (metric_value(lag->seconds) < count)
		uv_run(loop, UV_RUN_ONCE);
}

static void expect_rendered(const char *sample)
{
	struct buf text;

	buf_init(&text, 65536);
	metrics_render(&text);
	cr_expect(strstr(buf_text(&text), sample), "no \"%s\" in %s", sample, buf_text(&text));
	buf_done(&text);
}

Test(loop_lag, is_what_a_callback_held_the_loop_up)
{
	uint64_t held_up_ns = PERIOD_NS + UINT64_C(3000000000);
	struct loop_lag lag;
	uv_timer_t busy;
	uv_loop_t loop;

	metrics_setup(1);
	uv_loop_init(&loop);
	loop_lag_start(&lag, &loop, clock_of_the_test);
	uv_timer_init(&loop, &busy);
	busy.data = &held_up_ns;
	uv_timer_start(&busy, hold_up, 0, 0);
	run_until_observed(&loop, &lag, 1);
	expect_rendered("wrenn_events_loop_lag_seconds_bucket{le=\"2.5\"} 0\n");
	expect_rendered("wrenn_events_loop_lag_seconds_bucket{le=\"5\"} 1\n");
	expect_rendered("wrenn_events_loop_lag_seconds_sum 3.000000\n");
	cr_expect_eq(loop_lag_worst_ms(&lag), 3000);

	held_up_ns = PERIOD_NS; /* the next turn is on time */
	uv_timer_start(&busy, hold_up, 0, 0);
	run_until_observed(&loop, &lag, 2);
	expect_rendered("wrenn_events_loop_lag_seconds_bucket{le=\"0.001\"} 1\n");
	expect_rendered("wrenn_events_loop_lag_seconds_sum 3.000000\n");

	loop_lag_stop(&lag);
	uv_close((uv_handle_t *)&busy, NULL);
	uv_run(&loop, UV_RUN_DEFAULT);
	cr_expect_eq(uv_loop_close(&loop), 0);
}

Test(loop_lag, of_a_timer_that_comes_early_is_none)
{
	struct loop_lag lag;
	uv_loop_t loop;

	metrics_setup(1);
	uv_loop_init(&loop);
	now_ns = 0;
	loop_lag_start(&lag, &loop, clock_of_the_test);
	run_until_observed(&loop, &lag, 1);
	expect_rendered("wrenn_events_loop_lag_seconds_sum 0.000000\n");
	loop_lag_stop(&lag);
	uv_run(&loop, UV_RUN_DEFAULT);
	cr_expect_eq(uv_loop_close(&loop), 0);
}
