/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Waits of one length: their order, restarting, stopping, and what callbacks may do. The clock is
 * the loop's own; no test looks at how long anything took, only at what came after what.
 */
#include <criterion/criterion.h>

#include "net/net.h"

#define WAITS 5

struct fixture {
	uv_loop_t loop;
	struct deadlines all;
	struct deadline waits[WAITS];
	int order[16]; /* which wait came due, in order */
	int count;
	int too_early;
	int closed;
	void (*react)(struct fixture *f, int index);
};

static void on_due(struct deadline *deadline, void *owner)
{
	struct fixture *f = owner;
	int index = (int)(deadline - f->waits);

	cr_assert_not(deadline_is_waiting(deadline));
	if (uv_now(&f->loop) < deadline->due_ms)
		f->too_early++;
	cr_assert_lt(f->count, 16);
	f->order[f->count++] = index;
	if (f->react)
		f->react(f, index);
}

static void on_closed(struct deadlines *all)
{
	struct fixture *f = all->owner;

	f->closed++;
}

static void open_fixture(struct fixture *f, uint64_t length_ms)
{
	*f = (struct fixture){ 0 };
	cr_assert_eq(uv_loop_init(&f->loop), 0);
	deadlines_init(&f->all, &f->loop, length_ms, on_due, f);
	for (int i = 0; i < WAITS; i++)
		deadline_init(&f->waits[i]);
}

static void close_fixture(struct fixture *f)
{
	if (!uv_is_closing((uv_handle_t *)&f->all.timer))
		deadlines_close(&f->all, on_closed);
	uv_run(&f->loop, UV_RUN_DEFAULT);
	cr_assert_eq(f->closed, 1);
	cr_assert_eq(uv_loop_close(&f->loop), 0);
}

static void expect_order(const struct fixture *f, const int *order, int count)
{
	cr_assert_eq(f->count, count, "%d came due, not %d", f->count, count);
	for (int i = 0; i < count; i++)
		cr_expect_eq(f->order[i], order[i], "place %d", i);
	cr_expect_eq(f->too_early, 0);
}

Test(deadlines, come_due_in_the_order_they_were_started)
{
	struct fixture f;

	open_fixture(&f, 2);
	for (int i = 0; i < WAITS; i++)
		deadline_start(&f.all, &f.waits[WAITS - 1 - i]);
	uv_run(&f.loop, UV_RUN_DEFAULT);
	expect_order(&f, (const int[]){ 4, 3, 2, 1, 0 }, 5);
	close_fixture(&f);
}

Test(deadlines, move_to_the_end_when_restarted)
{
	struct fixture f;

	open_fixture(&f, 2);
	deadline_start(&f.all, &f.waits[0]);
	deadline_start(&f.all, &f.waits[1]);
	deadline_start(&f.all, &f.waits[0]);
	uv_run(&f.loop, UV_RUN_DEFAULT);
	expect_order(&f, (const int[]){ 1, 0 }, 2);
	close_fixture(&f);
}

Test(deadlines, stay_silent_when_stopped)
{
	struct fixture f;

	open_fixture(&f, 1);
	deadline_start(&f.all, &f.waits[0]);
	deadline_start(&f.all, &f.waits[1]);
	cr_expect(deadline_is_waiting(&f.waits[0]));
	deadline_stop(&f.waits[0]);
	deadline_stop(&f.waits[0]);
	deadline_stop(&f.waits[2]); /* never started */
	cr_expect_not(deadline_is_waiting(&f.waits[0]));
	uv_run(&f.loop, UV_RUN_DEFAULT);
	expect_order(&f, (const int[]){ 1 }, 1);
	close_fixture(&f);
}

static void start_again_twice(struct fixture *f, int index)
{
	if (f->count < 3)
		deadline_start(&f->all, &f->waits[index]);
}

Test(deadlines, may_be_started_again_by_their_own_callback)
{
	struct fixture f;

	open_fixture(&f, 1);
	f.react = start_again_twice;
	deadline_start(&f.all, &f.waits[3]);
	uv_run(&f.loop, UV_RUN_DEFAULT);
	expect_order(&f, (const int[]){ 3, 3, 3 }, 3);
	close_fixture(&f);
}

static void stop_the_next(struct fixture *f, int index)
{
	if (index + 1 < WAITS)
		deadline_stop(&f->waits[index + 1]);
}

Test(deadlines, may_be_stopped_by_another_callback_of_the_same_turn)
{
	struct fixture f;

	open_fixture(&f, 1);
	f.react = stop_the_next;
	for (int i = 0; i < WAITS; i++)
		deadline_start(&f.all, &f.waits[i]);
	uv_run(&f.loop, UV_RUN_DEFAULT);
	expect_order(&f, (const int[]){ 0, 2, 4 }, 3);
	close_fixture(&f);
}

static void close_all(struct fixture *f, int index)
{
	deadlines_close(&f->all, on_closed);
	deadline_start(&f->all, &f->waits[index]);
	cr_expect_not(deadline_is_waiting(&f->waits[index]));
}

Test(deadlines, forget_every_wait_when_closed_from_a_callback)
{
	struct fixture f;

	open_fixture(&f, 1);
	f.react = close_all;
	for (int i = 0; i < WAITS; i++)
		deadline_start(&f.all, &f.waits[i]);
	uv_run(&f.loop, UV_RUN_DEFAULT);
	expect_order(&f, (const int[]){ 0 }, 1);
	for (int i = 0; i < WAITS; i++)
		cr_expect_not(deadline_is_waiting(&f.waits[i]));
	close_fixture(&f);
}

Test(deadlines, wait_their_length_after_a_restart_behind_an_armed_timer)
{
	struct fixture f;

	/* The timer was armed for the stopped wait, fires early for the other one, and has to be
	 * armed again rather than let it go. */
	open_fixture(&f, 20);
	deadline_start(&f.all, &f.waits[0]);
	uv_sleep(5);
	uv_update_time(&f.loop);
	deadline_stop(&f.waits[0]);
	deadline_start(&f.all, &f.waits[1]);
	uv_run(&f.loop, UV_RUN_DEFAULT);
	expect_order(&f, (const int[]){ 1 }, 1);
	close_fixture(&f);
}

Test(deadlines, close_without_a_callback)
{
	struct fixture f;

	open_fixture(&f, 1000);
	deadline_start(&f.all, &f.waits[0]);
	deadlines_close(&f.all, NULL);
	uv_run(&f.loop, UV_RUN_DEFAULT);
	cr_expect_eq(f.count, 0);
	cr_expect_eq(uv_loop_close(&f.loop), 0);
}
