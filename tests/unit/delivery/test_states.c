/* SPDX-License-Identifier: Apache-2.0 */

/* The states, the schedule and the order inside a channel, on a hand-set clock. */
#include <criterion/criterion.h>
#include <signal.h>
#include <stdlib.h>

#include "delivery/states.h"

#define SECOND_US INT64_C(1000000)
#define EVENT_US  (INT64_C(1800000000) * SECOND_US)

static struct delivery fresh(void)
{
	return (struct delivery){
		.stream_id = { .ms = EVENT_US / 1000 },
		.state = DELIVERY_PENDING,
		.since_us = EVENT_US,
		.next_attempt_us = EVENT_US,
	};
}

static enum attempt_verdict attempt(struct delivery *delivery, enum verdict_kind kind,
				    int64_t retry_after_ms, int64_t now_us)
{
	const struct verdict verdict = { .kind = kind,
					 .retry_after_ms = retry_after_ms,
					 .pause_ms = -1 };

	delivery_move(delivery, DELIVERY_SENDING);
	return delivery_apply(delivery, &verdict, delivery->since_us, now_us);
}

Test(delivery, allows_these_moves_and_no_others)
{
	static const struct {
		enum delivery_state from;
		enum delivery_state to;
	} allowed[] = {
		{ DELIVERY_PENDING, DELIVERY_SENDING },   { DELIVERY_PENDING, DELIVERY_FAILED },
		{ DELIVERY_PENDING, DELIVERY_DROPPED },   { DELIVERY_SENDING, DELIVERY_PENDING },
		{ DELIVERY_SENDING, DELIVERY_DELIVERED }, { DELIVERY_SENDING, DELIVERY_FAILED },
		{ DELIVERY_SENDING, DELIVERY_DROPPED },   { DELIVERY_PENDING, DELIVERY_FOLDED },
	};

	for (unsigned from = 0; from < DELIVERY_STATES; from++) {
		for (unsigned to = 0; to < DELIVERY_STATES; to++) {
			bool expected = false;

			for (size_t i = 0; i < ARRAY_LEN(allowed); i++)
				expected |= allowed[i].from == from && allowed[i].to == to;
			cr_expect_eq(delivery_may_move(from, to), expected, "%s to %s",
				     delivery_state_name(from), delivery_state_name(to));
		}
	}
}

Test(delivery, aborts_on_a_move_that_is_not_allowed, .signal = SIGABRT)
{
	struct delivery delivery = fresh();

	delivery_move(&delivery, DELIVERY_DELIVERED);
}

Test(delivery, ends_as_the_verdict_says)
{
	static const struct {
		enum verdict_kind kind;
		enum delivery_state state;
		enum attempt_verdict verdict;
	} cases[] = {
		{ VERDICT_DELIVERED, DELIVERY_DELIVERED, ATTEMPT_DELIVERED },
		{ VERDICT_REJECT, DELIVERY_FAILED, ATTEMPT_REJECTED },
		{ VERDICT_DISABLE, DELIVERY_PENDING, ATTEMPT_DISABLED },
		{ VERDICT_RETRY, DELIVERY_PENDING, ATTEMPT_RETRY },
		{ VERDICT_REFORM, DELIVERY_PENDING, ATTEMPT_REFORMED },
		{ VERDICT_REBIND, DELIVERY_PENDING, ATTEMPT_REBOUND },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct delivery delivery = fresh();

		cr_expect_eq(attempt(&delivery, cases[i].kind, -1, EVENT_US), cases[i].verdict);
		cr_expect_eq(delivery.state, cases[i].state);
		cr_expect_eq(delivery.attempts, 1);
	}
}

/* Each pause is within 10 % of the one in the contract, counted from the end of the attempt. */
Test(delivery, retries_on_the_schedule_until_a_day_has_passed)
{
	static const int64_t steps_s[] = {
		10, 30, 120, 600, 1800, 3600, 7200, 14400, 28800, 28800
	};
	struct delivery delivery = fresh();
	int64_t now_us = EVENT_US;

	for (size_t i = 0; i < ARRAY_LEN(steps_s); i++) {
		int64_t pause_us;

		cr_assert_eq(attempt(&delivery, VERDICT_RETRY, -1, now_us), ATTEMPT_RETRY);
		if (delivery.state == DELIVERY_FAILED) {
			/* Jitter decides whether the tenth pause fits into the day. */
			cr_assert_eq(i, ARRAY_LEN(steps_s) - 1);
			return;
		}
		pause_us = delivery.next_attempt_us - now_us;
		cr_expect_geq(pause_us, steps_s[i] * SECOND_US * 9 / 10, "step %zu", i);
		cr_expect_leq(pause_us, steps_s[i] * SECOND_US * 11 / 10, "step %zu", i);
		now_us = delivery.next_attempt_us;
	}
	attempt(&delivery, VERDICT_RETRY, -1, now_us);
	cr_assert_eq(delivery.state, DELIVERY_FAILED);
	cr_assert_eq(delivery.first_failed_us, EVENT_US, "the first failure is remembered");
}

Test(delivery, is_sent_at_least_once_however_late)
{
	struct delivery delivery = fresh();
	int64_t now_us = EVENT_US + 3 * DELIVERY_GIVE_UP_US;

	attempt(&delivery, VERDICT_RETRY, -1, now_us);
	cr_assert_eq(delivery.state, DELIVERY_FAILED);
	cr_assert_eq(delivery.attempts, 1);
}

Test(delivery, obeys_five_wishes_to_wait_without_using_up_attempts)
{
	struct delivery delivery = fresh();
	int64_t now_us = EVENT_US;

	for (int i = 0; i < DELIVERY_FREE_WAITS; i++) {
		cr_assert_eq(attempt(&delivery, VERDICT_RETRY, 7000, now_us), ATTEMPT_WAIT);
		cr_assert_eq(delivery.next_attempt_us - now_us, 7 * SECOND_US);
		now_us = delivery.next_attempt_us;
	}
	/* From the sixth on the schedule counts: its first step is longer than the wait. */
	attempt(&delivery, VERDICT_RETRY, 1000, now_us);
	cr_assert_geq(delivery.next_attempt_us - now_us, 9 * SECOND_US);
	cr_assert_leq(delivery.next_attempt_us - now_us, 11 * SECOND_US);
	now_us = delivery.next_attempt_us;
	/* A wait longer than the step still counts. */
	attempt(&delivery, VERDICT_RETRY, 3600000, now_us);
	cr_assert_eq(delivery.next_attempt_us - now_us, 3600 * SECOND_US);
}

Test(delivery, does_not_hammer_a_destination_that_wishes_no_pause)
{
	struct delivery delivery = fresh();

	attempt(&delivery, VERDICT_RETRY, 0, EVENT_US);
	cr_assert_eq(delivery.next_attempt_us - EVENT_US, SECOND_US);
}

Test(delivery, counts_a_plain_failure_after_a_wait_as_the_first)
{
	struct delivery delivery = fresh();

	attempt(&delivery, VERDICT_RETRY, 5000, EVENT_US);
	attempt(&delivery, VERDICT_RETRY, 5000, EVENT_US);
	attempt(&delivery, VERDICT_RETRY, -1, EVENT_US);
	cr_assert_geq(delivery.next_attempt_us - EVENT_US, 9 * SECOND_US);
	cr_assert_leq(delivery.next_attempt_us - EVENT_US, 11 * SECOND_US);
}

Test(delivery, tells_what_was_only_accepted_from_what_was_delivered)
{
	struct delivery delivery = fresh();
	struct verdict verdict = verdict_of(VERDICT_DELIVERED);

	verdict.is_accepted_only = true;
	delivery_move(&delivery, DELIVERY_SENDING);
	cr_expect_eq(delivery_apply(&delivery, &verdict, EVENT_US, EVENT_US), ATTEMPT_ACCEPTED);
	cr_expect_eq(delivery.state, DELIVERY_DELIVERED);
}

Test(delivery, keeps_what_a_disabling_answer_met_however_old)
{
	struct delivery delivery = fresh();
	int64_t now_us = EVENT_US + 3 * DELIVERY_GIVE_UP_US;

	cr_assert_eq(attempt(&delivery, VERDICT_DISABLE, -1, now_us), ATTEMPT_DISABLED);
	cr_assert_eq(delivery.state, DELIVERY_PENDING);
	cr_expect_geq(delivery.next_attempt_us - now_us, 9 * SECOND_US, "after a normal pause");
	cr_expect_eq(delivery.first_failed_us, now_us);
}

Test(delivery, goes_out_plain_at_once_but_only_once)
{
	struct delivery delivery = fresh();

	cr_assert_eq(attempt(&delivery, VERDICT_REFORM, -1, EVENT_US), ATTEMPT_REFORMED);
	cr_expect(delivery.is_plain);
	cr_expect_eq(delivery.next_attempt_us, EVENT_US, "at once");
	cr_expect_eq(delivery.first_failed_us, 0, "that is no failure");
	cr_assert_eq(attempt(&delivery, VERDICT_REFORM, -1, EVENT_US), ATTEMPT_REJECTED);
	cr_expect_eq(delivery.state, DELIVERY_FAILED);
}

Test(delivery, follows_a_few_changes_of_a_setting_and_then_waits)
{
	struct delivery delivery = fresh();

	for (int i = 0; i < DELIVERY_REBOUNDS; i++) {
		cr_assert_eq(attempt(&delivery, VERDICT_REBIND, -1, EVENT_US), ATTEMPT_REBOUND);
		cr_expect_eq(delivery.next_attempt_us, EVENT_US);
	}
	cr_assert_eq(attempt(&delivery, VERDICT_REBIND, -1, EVENT_US), ATTEMPT_RETRY);
	cr_assert_eq(delivery.state, DELIVERY_PENDING);
	/* Immediate repeats use no step of the schedule. */
	cr_expect_geq(delivery.next_attempt_us - EVENT_US, 9 * SECOND_US);
	cr_expect_leq(delivery.next_attempt_us - EVENT_US, 11 * SECOND_US);
}

Test(delivery, begins_its_schedule_and_its_day_anew_when_requeued)
{
	struct delivery delivery = fresh();
	int64_t now_us = EVENT_US + 5 * DELIVERY_GIVE_UP_US;

	delivery.attempts = 9;
	delivery.attempts_before = 9;
	delivery.since_us = now_us;
	attempt(&delivery, VERDICT_RETRY, -1, now_us);
	cr_assert_eq(delivery.state, DELIVERY_PENDING);
	cr_expect_eq(delivery.attempts, 10, "attempts go on counting");
	cr_expect_leq(delivery.next_attempt_us - now_us, 11 * SECOND_US);
}

/* ---- order --------------------------------------------------------------------------------- */

struct line {
	struct list queue;
	struct hold hold;
	struct delivery deliveries[6];
};

static void make_line(struct line *line)
{
	list_init(&line->queue);
	line->hold = (struct hold){ .left_us = 0 };
	for (size_t i = 0; i < ARRAY_LEN(line->deliveries); i++) {
		line->deliveries[i] = fresh();
		line->deliveries[i].stream_id.seq = i;
		list_add_tail(&line->queue, &line->deliveries[i].link);
	}
}

Test(delivery_pick, takes_the_first_that_is_due)
{
	struct line line;
	int64_t wake_us;

	make_line(&line);
	cr_assert_eq(delivery_pick(&line.queue, &line.hold, EVENT_US, &wake_us),
		     &line.deliveries[0]);
	cr_assert_null(delivery_pick(&line.queue, &line.hold, EVENT_US - 1, &wake_us));
	cr_assert_eq(wake_us, EVENT_US);
}

Test(delivery_pick, lets_a_retry_hold_newer_ones_back_for_a_minute)
{
	struct line line;
	int64_t wake_us;

	make_line(&line);
	attempt(&line.deliveries[0], VERDICT_RETRY, 3600000, EVENT_US);
	cr_assert_null(delivery_pick(&line.queue, &line.hold, EVENT_US, &wake_us));
	cr_assert_eq(wake_us, EVENT_US + DELIVERY_HOLD_US, "woken when the hold ends");
	cr_assert_null(
		delivery_pick(&line.queue, &line.hold, EVENT_US + DELIVERY_HOLD_US - 1, &wake_us));
	cr_assert_eq(delivery_pick(&line.queue, &line.hold, EVENT_US + DELIVERY_HOLD_US, &wake_us),
		     &line.deliveries[1]);
}

/* An attempt in the line that ends then, after a tenth of a second. */
static void fail(struct line *line, size_t i, int64_t now_us)
{
	struct delivery *delivery = &line->deliveries[i];

	attempt(delivery, VERDICT_RETRY, -1, now_us);
	hold_note(&line->hold, delivery, SECOND_US / 10, now_us);
}

Test(delivery_pick, passes_what_failed_twice_and_tries_it_after_all_others)
{
	struct line line;
	int64_t wake_us;
	int64_t later_us = EVENT_US + 3600 * SECOND_US;

	make_line(&line);
	fail(&line, 0, EVENT_US);
	cr_assert_null(delivery_pick(&line.queue, &line.hold, EVENT_US, &wake_us));
	fail(&line, 0, EVENT_US + 11 * SECOND_US);
	cr_assert_eq(delivery_pick(&line.queue, &line.hold, EVENT_US + 11 * SECOND_US, &wake_us),
		     &line.deliveries[1]);
	for (size_t i = 1; i < ARRAY_LEN(line.deliveries); i++) {
		struct delivery *next = delivery_pick(&line.queue, &line.hold, later_us, &wake_us);

		cr_assert_eq(next, &line.deliveries[i], "%zu", i);
		list_remove(&next->link);
	}
	cr_assert_eq(delivery_pick(&line.queue, &line.hold, later_us, &wake_us),
		     &line.deliveries[0]);
}

/* Six in a row that always fail: each would delay the rest for ten seconds and more. */
Test(delivery_pick, holds_newer_ones_back_for_a_minute_whatever_the_number_of_failures)
{
	struct line line;
	int64_t wake_us;
	int64_t now_us = EVENT_US;
	int64_t held_us = 0;
	struct delivery *next;

	make_line(&line);
	for (size_t i = 0; i < 100; i++) {
		next = delivery_pick(&line.queue, &line.hold, now_us, &wake_us);
		if (!next) {
			held_us += wake_us - now_us;
			now_us = wake_us;
			continue;
		}
		if (next == &line.deliveries[5])
			break;
		attempt(next, VERDICT_RETRY, 30000, now_us);
		hold_note(&line.hold, next, 0, now_us);
	}
	cr_expect_eq(next, &line.deliveries[5]);
	cr_expect_leq(held_us, DELIVERY_HOLD_US + 10 * SECOND_US, "%lld s",
		      (long long)(held_us / SECOND_US));
	cr_expect_geq(held_us, DELIVERY_HOLD_US);
}

Test(delivery_pick, has_its_budget_back_after_ten_minutes)
{
	struct line line;
	int64_t wake_us;
	int64_t later_us = EVENT_US + 10 * DELIVERY_HOLD_US;

	make_line(&line);
	attempt(&line.deliveries[0], VERDICT_RETRY, 3600000, EVENT_US);
	hold_note(&line.hold, &line.deliveries[0], 0, EVENT_US);
	attempt(&line.deliveries[1], VERDICT_RETRY, 3600000, EVENT_US + DELIVERY_HOLD_US);
	hold_note(&line.hold, &line.deliveries[1], 0, EVENT_US + DELIVERY_HOLD_US);
	cr_expect_eq(line.hold.until_us, EVENT_US + DELIVERY_HOLD_US + DELIVERY_HOLD_US / 10);
	attempt(&line.deliveries[2], VERDICT_RETRY, 3600000, 2 * later_us - EVENT_US);
	hold_note(&line.hold, &line.deliveries[2], 0, 2 * later_us - EVENT_US);
	cr_assert_null(delivery_pick(&line.queue, &line.hold, 2 * later_us - EVENT_US, &wake_us));
	cr_expect_eq(wake_us, 2 * later_us - EVENT_US + DELIVERY_HOLD_US);
}

Test(delivery_pick, rests_between_tries_beside_the_queue)
{
	struct line line;

	make_line(&line);
	for (int i = 0; i < 3; i++)
		fail(&line, 0, EVENT_US + i * 60 * SECOND_US);
	cr_expect_not(hold_allows_beside(&line.hold, EVENT_US + 120 * SECOND_US));
	cr_expect(hold_allows_beside(&line.hold, EVENT_US + 120 * SECOND_US + 3 * SECOND_US / 10));
	line.hold.beside_us = EVENT_US + 3600 * SECOND_US;
	cr_expect(hold_allows_beside(&line.hold, EVENT_US), "the clock was set back");
}

Test(delivery_pick, sends_a_retry_that_is_due_before_newer_ones)
{
	struct line line;
	int64_t wake_us;

	make_line(&line);
	attempt(&line.deliveries[0], VERDICT_RETRY, 5000, EVENT_US);
	cr_assert_null(delivery_pick(&line.queue, &line.hold, EVENT_US + 4 * SECOND_US, &wake_us));
	cr_assert_eq(wake_us, EVENT_US + 5 * SECOND_US, "woken when it is due");
	cr_assert_eq(delivery_pick(&line.queue, &line.hold, EVENT_US + 5 * SECOND_US, &wake_us),
		     &line.deliveries[0]);
}

/* Written by a clock that has been set back since. */
Test(delivery_pick, is_not_held_back_by_a_failure_in_the_future)
{
	struct line line;
	int64_t wake_us;

	make_line(&line);
	attempt(&line.deliveries[0], VERDICT_RETRY, -1, EVENT_US + 3600 * SECOND_US);
	cr_assert_eq(delivery_pick(&line.queue, &line.hold, EVENT_US, &wake_us),
		     &line.deliveries[1]);
}

Test(delivery_pick, finds_nothing_in_an_empty_queue)
{
	struct hold hold = { .left_us = 0 };
	struct list queue;
	int64_t wake_us;

	list_init(&queue);
	cr_assert_null(delivery_pick(&queue, &hold, EVENT_US, &wake_us));
	cr_assert_eq(wake_us, INT64_MAX);
}
