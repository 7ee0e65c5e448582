/* SPDX-License-Identifier: Apache-2.0 */

/* Which team gets how many slots, by counts, on a hand-set clock. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "delivery/shares.h"

#define SLOTS     256
#define SECOND_US INT64_C(1000000)
#define MAX_SEATS 600

static struct shares *shares;
static struct share_seat seats[MAX_SEATS];
static size_t seat_count;
static int64_t now_us;

static struct uuid team_of(unsigned number)
{
	struct uuid id = { .bytes = { 0 } };

	memcpy(id.bytes + 8, &number, sizeof(number));
	return id;
}

static void open_with(unsigned slots)
{
	cr_assert_eq(shares_open(slots, &shares), 0);
	for (size_t i = 0; i < MAX_SEATS; i++)
		share_seat_init(&seats[i]);
}

static void open_shares(void)
{
	open_with(SLOTS);
}

static void wait_for_slot(struct share_seat *seat, unsigned team, bool is_proven)
{
	const struct uuid id = team_of(team);

	share_wait(shares, seat, &id, is_proven, now_us);
}

static void give_all_back(void)
{
	for (size_t i = 0; i < seat_count; i++) {
		if (seats[i].is_held)
			share_give_back(shares, &seats[i], now_us);
		else
			share_leave(shares, &seats[i]);
	}
	cr_expect_eq(shares_held(shares), 0);
}

static void close_shares(void)
{
	give_all_back();
	shares_close(shares);
}

/* The first of `count` new seats of the team; all of them wait. */
static struct share_seat *add(unsigned team, unsigned count, bool is_proven)
{
	struct share_seat *first = &seats[seat_count];

	for (unsigned i = 0; i < count; i++)
		wait_for_slot(&seats[seat_count++], team, is_proven);
	return first;
}

static unsigned take_all(void)
{
	struct share_seat *seat;
	unsigned count = 0;

	while ((seat = shares_next(shares)) != NULL) {
		share_take(shares, seat, now_us);
		count++;
	}
	return count;
}

static unsigned held_by(const struct share_seat *first, unsigned count)
{
	unsigned held = 0;

	for (unsigned i = 0; i < count; i++)
		held += first[i].is_held ? 1 : 0;
	return held;
}

/* One request of the seat, from its wait to its end. */
static void use_for(struct share_seat *seat, unsigned team, int64_t us)
{
	wait_for_slot(seat, team, true);
	share_take(shares, seat, now_us);
	now_us += us;
	share_give_back(shares, seat, now_us);
}

/* The requests of this team were all of that length, so its new channels start accordingly. */
static void make_known(unsigned team, int64_t us)
{
	struct share_seat seat;

	share_seat_init(&seat);
	use_for(&seat, team, us);
}

TestSuite(shares, .init = open_shares, .fini = close_shares);

Test(shares, gives_a_newcomer_slots_at_once_beside_ten_teams_of_slow_successes)
{
	for (unsigned team = 1; team <= 10; team++)
		add(team, 50, false);
	cr_expect_leq(take_all(), SLOTS / 2, "those that have not answered yet have half");
	make_known(11, SECOND_US / 50);
	add(11, 50, true);
	cr_expect_eq(take_all(), 50, "all of its channels at the same time");
}

Test(shares, gives_a_newcomer_slots_although_quick_channels_of_many_teams_begin_to_hang)
{
	for (unsigned team = 1; team <= 6; team++) {
		make_known(team, SECOND_US / 50);
		add(team, 80, true);
	}
	take_all();
	make_known(7, SECOND_US / 50);
	add(7, 10, true);
	cr_expect_eq(take_all(), 10);
}

Test(shares, gives_equal_teams_equal_numbers)
{
	struct share_seat *first[4];
	unsigned held;

	for (unsigned team = 0; team < 4; team++)
		first[team] = add(team + 1, 60, false);
	take_all();
	held = held_by(first[0], 60);
	cr_expect_gt(held, 20);
	for (unsigned team = 1; team < 4; team++)
		cr_expect_leq(abs((int)held_by(first[team], 60) - (int)held), 1, "team %u", team);
}

Test(shares, lets_a_single_team_have_most_slots_but_not_all)
{
	make_known(1, SECOND_US / 50);
	add(1, 250, true);
	cr_expect_eq(take_all(), 171, "two thirds of the slots");
}

Test(shares, lets_a_single_team_of_unknown_destinations_have_a_quarter)
{
	add(1, 250, false);
	cr_expect_eq(take_all(), SLOTS / 4);
}

Test(shares, lets_the_team_with_the_fewest_slots_go_first)
{
	struct share_seat *late;

	add(1, 100, false);
	for (unsigned i = 0; i < 20; i++)
		share_take(shares, shares_next(shares), now_us);
	late = add(2, 3, false);
	for (unsigned i = 0; i < 3; i++)
		share_take(shares, shares_next(shares), now_us);
	cr_expect_eq(held_by(late, 3), 3);
}

Test(shares, lets_the_channels_of_a_team_and_the_teams_take_turns)
{
	struct share_seat *one = add(1, 2, false);
	struct share_seat *other = add(2, 2, false);
	struct share_seat *expected[] = { &one[0], &other[0], &one[1], &other[1] };

	for (size_t i = 0; i < ARRAY_LEN(expected); i++) {
		struct share_seat *seat = shares_next(shares);

		cr_assert_eq(seat, expected[i], "turn %zu", i);
		share_take(shares, seat, now_us);
	}
}

Test(shares, counts_a_slow_success_against_its_channel)
{
	struct share_seat *seat = &seats[seat_count++];

	use_for(seat, 1, SECOND_US / 10);
	wait_for_slot(seat, 1, true);
	cr_expect_eq(seat->lane, SHARE_QUICK, "its first answer was quick");
	share_leave(shares, seat);
	use_for(seat, 1, 5 * SECOND_US);
	wait_for_slot(seat, 1, true);
	cr_expect_eq(seat->lane, SHARE_SLOW);
	share_leave(shares, seat);
	use_for(seat, 1, SECOND_US / 10);
	wait_for_slot(seat, 1, true);
	cr_expect_eq(seat->lane, SHARE_SLOW, "one quick answer is no proof");
	share_leave(shares, seat);
	now_us += 300 * SECOND_US;
	wait_for_slot(seat, 1, true);
	cr_expect_eq(seat->lane, SHARE_QUICK, "five minutes later");
}

Test(shares, remembers_slow_channels_by_their_team_when_they_have_been_away)
{
	make_known(1, 5 * SECOND_US);
	for (unsigned i = 0; i < 50; i++)
		make_known(1, SECOND_US / 100);
	cr_expect_eq(add(1, 1, true)->lane, SHARE_SLOW, "quick ones beside it hide nothing");
	cr_expect_eq(add(2, 1, true)->lane, SHARE_SLOW, "nothing is known of that team");
	make_known(3, SECOND_US / 100);
	cr_expect_eq(add(3, 1, true)->lane, SHARE_QUICK);
	cr_expect_eq(add(3, 1, false)->lane, SHARE_SLOW, "it has not answered yet");
}

Test(shares, forgets_what_it_knew_of_another_destination)
{
	struct share_seat *seat = &seats[seat_count++];

	use_for(seat, 1, SECOND_US / 10);
	share_seat_renew(seat);
	wait_for_slot(seat, 1, false);
	cr_expect_eq(seat->lane, SHARE_SLOW);
}

Test(shares, keeps_a_bounded_number_of_teams)
{
	for (unsigned team = 1; team <= 3 * SHARE_MAX_TEAMS; team++)
		make_known(team, 1);
	cr_expect_eq(add(1, 1, true)->lane, SHARE_SLOW, "the oldest is forgotten");
	cr_expect_eq(add(3 * SHARE_MAX_TEAMS, 1, true)->lane, SHARE_QUICK);
}

Test(shares, works_with_a_single_slot)
{
	shares_close(shares);
	open_with(1);
	add(1, 2, false);
	cr_expect_eq(take_all(), 1);
	share_give_back(shares, &seats[0], now_us);
	cr_expect_eq(take_all(), 1, "the other one");
}
