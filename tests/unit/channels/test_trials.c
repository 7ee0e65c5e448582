/* SPDX-License-Identifier: Apache-2.0 */

/* How often a team may send test notifications; pure, time is an argument. */
#include <criterion/criterion.h>

#include "channels/trials.h"

#define SECOND_US INT64_C(1000000)
#define START_US  (1000 * SECOND_US)

static struct trials *trials;

static void setup(void)
{
	cr_assert_eq(trials_open(&trials), 0);
}

static void teardown(void)
{
	trials_close(trials);
}

TestSuite(trials, .init = setup, .fini = teardown);

static struct uuid team_of(unsigned number)
{
	struct uuid team = { .bytes = { 0 } };

	memcpy(team.bytes, &number, sizeof(number));
	return team;
}

Test(trials, let_a_team_send_ten_in_any_minute)
{
	const struct uuid team = team_of(1);

	for (int i = 0; i < TRIALS_PER_MINUTE; i++)
		cr_assert_eq(trials_take(trials, &team, START_US + i * SECOND_US), 0, "%d", i);
	cr_expect_eq(trials_take(trials, &team, START_US + 10 * SECOND_US), 50 * SECOND_US);
	cr_expect_eq(trials_take(trials, &team, START_US + 60 * SECOND_US - 1), 1);
	cr_expect_eq(trials_take(trials, &team, START_US + 60 * SECOND_US), 0);
	/* The second of the ten is the oldest now. */
	cr_expect_eq(trials_take(trials, &team, START_US + 60 * SECOND_US), SECOND_US);
	cr_expect_eq(trials_take(trials, &team, START_US + 61 * SECOND_US), 0);
}

Test(trials, count_every_team_by_itself)
{
	const struct uuid busy = team_of(1), other = team_of(2);

	for (int i = 0; i < TRIALS_PER_MINUTE; i++)
		cr_assert_eq(trials_take(trials, &busy, START_US), 0);
	cr_expect_gt(trials_take(trials, &busy, START_US), 0);
	cr_expect_eq(trials_take(trials, &other, START_US), 0);
}

Test(trials, make_room_by_forgetting_who_was_silent_for_a_minute)
{
	const struct uuid late = team_of(TRIALS_MAX_TEAMS);

	for (unsigned i = 0; i < TRIALS_MAX_TEAMS; i++) {
		const struct uuid team = team_of(i);

		cr_assert_eq(trials_take(trials, &team, START_US + i), 0);
	}
	cr_expect_eq(trials_take(trials, &late, START_US + 59 * SECOND_US), SECOND_US,
		     "there is room without end");
	cr_expect_eq(trials_take(trials, &late, START_US + 60 * SECOND_US), 0);
}

static bool enter(unsigned number)
{
	const struct uuid team = team_of(number);

	cr_assert_eq(trials_take(trials, &team, START_US), 0);
	return trials_enter(trials, &team);
}

static void leave(unsigned number)
{
	const struct uuid team = team_of(number);

	trials_leave(trials, &team);
}

Test(trials, have_a_bound_on_those_under_way)
{
	for (unsigned i = 0; i < TRIALS_MAX_INFLIGHT; i++)
		cr_assert(enter(i));
	cr_assert_not(enter(TRIALS_MAX_INFLIGHT));
	leave(1);
	cr_assert(enter(TRIALS_MAX_INFLIGHT + 1));
}

/* Tests that hang: as many as a team may begin in a minute, of seven teams. */
Test(trials, leave_places_to_other_teams)
{
	for (unsigned team = 0; team < 7; team++) {
		for (int i = 0; i < TRIALS_PER_MINUTE; i++)
			(void)enter(team);
	}
	for (unsigned team = 10; team < 13; team++)
		cr_expect(enter(team), "team %u", team);
}
