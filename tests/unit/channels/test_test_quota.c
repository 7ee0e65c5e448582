/* SPDX-License-Identifier: Apache-2.0 */

/* How often a team may send test notifications. Pure: time is an argument. */
#include <criterion/criterion.h>

#include "channels/test_quota.h"

#define SECOND_US INT64_C(1000000)
#define START_US  (1000 * SECOND_US)

static struct test_quota *quota;

static void setup(void)
{
	cr_assert_eq(test_quota_open(&quota), 0);
}

static void teardown(void)
{
	test_quota_close(quota);
}

TestSuite(quota, .init = setup, .fini = teardown);

static struct uuid team_of(unsigned number)
{
	struct uuid team = { .bytes = { 0 } };

	memcpy(team.bytes, &number, sizeof(number));
	return team;
}

Test(quota, let_a_team_send_ten_in_any_minute)
{
	const struct uuid team = team_of(1);

	for (int i = 0; i < TEST_QUOTA_PER_MINUTE; i++)
		cr_assert_eq(test_quota_take(quota, &team, START_US + i * SECOND_US), 0, "%d", i);
	cr_expect_eq(test_quota_take(quota, &team, START_US + 10 * SECOND_US), 50 * SECOND_US);
	cr_expect_eq(test_quota_take(quota, &team, START_US + 60 * SECOND_US - 1), 1);
	cr_expect_eq(test_quota_take(quota, &team, START_US + 60 * SECOND_US), 0);
	/* The second of the ten is the oldest now. */
	cr_expect_eq(test_quota_take(quota, &team, START_US + 60 * SECOND_US), SECOND_US);
	cr_expect_eq(test_quota_take(quota, &team, START_US + 61 * SECOND_US), 0);
}

Test(quota, count_every_team_by_itself)
{
	const struct uuid busy = team_of(1), other = team_of(2);

	for (int i = 0; i < TEST_QUOTA_PER_MINUTE; i++)
		cr_assert_eq(test_quota_take(quota, &busy, START_US), 0);
	cr_expect_gt(test_quota_take(quota, &busy, START_US), 0);
	cr_expect_eq(test_quota_take(quota, &other, START_US), 0);
}

Test(quota, make_room_by_forgetting_who_was_silent_for_a_minute)
{
	const struct uuid late = team_of(TEST_QUOTA_MAX_TEAMS);

	for (unsigned i = 0; i < TEST_QUOTA_MAX_TEAMS; i++) {
		const struct uuid team = team_of(i);

		cr_assert_eq(test_quota_take(quota, &team, START_US + i), 0);
	}
	cr_expect_eq(test_quota_take(quota, &late, START_US + 59 * SECOND_US), SECOND_US,
		     "there is room without end");
	cr_expect_eq(test_quota_take(quota, &late, START_US + 60 * SECOND_US), 0);
}

static bool enter(unsigned number)
{
	const struct uuid team = team_of(number);

	cr_assert_eq(test_quota_take(quota, &team, START_US), 0);
	return test_quota_enter(quota, &team);
}

static void leave(unsigned number)
{
	const struct uuid team = team_of(number);

	test_quota_leave(quota, &team);
}

Test(quota, have_a_bound_on_those_under_way)
{
	for (unsigned i = 0; i < TEST_QUOTA_MAX_INFLIGHT; i++)
		cr_assert(enter(i));
	cr_assert_not(enter(TEST_QUOTA_MAX_INFLIGHT));
	leave(1);
	cr_assert(enter(TEST_QUOTA_MAX_INFLIGHT + 1));
}

/* Tests that hang: seven teams each start as many as they may in a minute. */
Test(quota, leave_places_to_other_teams)
{
	for (unsigned team = 0; team < 7; team++) {
		for (int i = 0; i < TEST_QUOTA_PER_MINUTE; i++)
			(void)enter(team);
	}
	for (unsigned team = 10; team < 13; team++)
		cr_expect(enter(team), "team %u", team);
}
