/* SPDX-License-Identifier: Apache-2.0 */

/* What a vendor allows our address and how teams share it, on a hand-set clock. */
#include <criterion/criterion.h>
#include <string.h>

#include "targets/vendors.h"

#define S INT64_C(1000000)

static const struct provider discord = { .name = "discord", .per_second = 50 };
static const struct provider slack = { .name = "slack" };
static struct vendors vendors;

static struct uuid team_of(unsigned number)
{
	struct uuid id = { .bytes = { 0 } };

	memcpy(id.bytes + 8, &number, sizeof(number));
	return id;
}

static void open_vendors(void)
{
	vendors_init(&vendors);
}

static void close_vendors(void)
{
	vendors_done(&vendors);
}

static int64_t wait_of(unsigned team, int64_t now_us)
{
	const struct uuid id = team_of(team);

	return vendors_next(&vendors, &discord, &id, now_us) - now_us;
}

static bool send_one(unsigned team, int64_t now_us)
{
	const struct uuid id = team_of(team);

	if (wait_of(team, now_us) > 0)
		return false;
	vendors_count(&vendors, &discord, &id, now_us);
	return true;
}

static void answer(unsigned team, int status, int64_t pause_ms, int64_t now_us)
{
	struct verdict verdict = { .kind = status == 204 ? VERDICT_DELIVERED : VERDICT_RETRY,
				   .pause = PAUSE_PROVIDER,
				   .pause_ms = pause_ms };
	const struct vendor_answer said = {
		.provider = &discord, .team = team_of(team), .verdict = &verdict, .status = status
	};

	vendors_learn(&vendors, &said, now_us);
}

TestSuite(vendors, .init = open_vendors, .fini = close_vendors);

Test(vendors, get_no_more_requests_in_any_second_than_they_take_from_one_address)
{
	int64_t sent_us[1000];
	size_t sent = 0;

	for (int64_t now_us = 0; now_us < 5 * S; now_us += 1000) {
		for (unsigned team = 1; team <= 3; team++) {
			while (send_one(team, now_us))
				sent_us[sent++] = now_us;
		}
	}
	cr_expect_gt(sent, 150, "the limit is used");
	for (size_t i = 50; i < sent; i++)
		cr_assert_geq(sent_us[i] - sent_us[i - 50], S, "51 within a second, at %zu", i);
}

Test(vendors, have_room_for_a_newcomer_while_others_send_all_they_may)
{
	unsigned sent[4] = { 0 };

	for (int64_t now_us = 0; now_us < 4 * S; now_us += 1000) {
		for (unsigned team = 1; team <= 3; team++) {
			if (team == 3 && now_us % (S / 2) < S / 4)
				continue; /* it comes when the others have sent all they may */
			sent[team] += send_one(team, now_us) ? 1 : 0;
		}
	}
	cr_expect_geq(sent[3], 2 * 8, "two in every half second");
	cr_expect_leq(sent[1] > sent[2] ? sent[1] - sent[2] : sent[2] - sent[1], 8);
}

Test(vendors, without_a_limit_take_any_number)
{
	const struct uuid id = team_of(1);

	for (unsigned i = 0; i < 1000; i++) {
		cr_assert_eq(vendors_next(&vendors, &slack, &id, S), S);
		vendors_count(&vendors, &slack, &id, S);
	}
}

Test(vendors, get_few_requests_of_a_team_whose_requests_they_refuse)
{
	static const int refusals[] = { 401, 403, 404 };
	unsigned refused = 0;

	for (int64_t now_us = 0; now_us < 600 * S; now_us += S / 10) {
		cr_expect_eq(wait_of(2, now_us), 0, "another team waits");
		if (!send_one(1, now_us))
			continue;
		answer(1, refusals[refused++ % 3], -1, now_us);
	}
	cr_expect_geq(refused, VENDOR_REFUSALS);
	cr_expect_leq(refused, VENDOR_REFUSALS + 60 + 1, "in ten minutes");
}

Test(vendors, forgive_a_team_a_few_refusals)
{
	for (unsigned i = 0; i < VENDOR_REFUSALS; i++)
		answer(1, 404, -1, S);
	cr_expect_eq(wait_of(1, S), 0);
	for (unsigned i = 0; i < 1000; i++)
		answer(1, 404, -1, S);
	cr_expect_leq(wait_of(1, S), 60 * S, "never for long");
	cr_expect_gt(wait_of(1, S), 50 * S);
}

Test(vendors, that_complain_pause_the_team_that_asked)
{
	answer(1, 429, 60000, S);
	answer(1, 429, 60000, S);
	cr_expect_eq(wait_of(1, S), 60 * S);
	cr_expect_eq(wait_of(2, S), 0);
	answer(2, 429, 60000, 2 * S);
	cr_expect_eq(wait_of(2, 2 * S), 60 * S);
	cr_expect_eq(wait_of(3, 2 * S), 60 * S, "two teams got the answer: everybody pauses");
	cr_expect_eq(wait_of(3, 62 * S), 0);
}

Test(vendors, that_shut_our_address_out_are_left_alone_by_everybody_at_once)
{
	struct verdict verdict = { .kind = VERDICT_RETRY,
				   .pause = PAUSE_EVERYBODY,
				   .pause_ms = 60000 };
	const struct vendor_answer said = {
		.provider = &discord, .team = team_of(1), .verdict = &verdict, .status = 429
	};
	const struct uuid other = team_of(2);

	vendors_learn(&vendors, &said, S);
	cr_expect_eq(wait_of(1, S), 60 * S);
	cr_expect_eq(wait_of(2, S), 60 * S);
	cr_expect_eq(vendors_limited(&vendors, &discord, &other), 61 * S);
	vendors_learn(&vendors, &said, 61 * S);
	cr_expect_eq(wait_of(2, 61 * S), 120 * S, "it grows");
}

Test(vendors, that_complain_again_pause_the_team_for_longer)
{
	answer(1, 429, 60000, S);
	answer(1, 429, 60000, 61 * S);
	cr_expect_eq(wait_of(1, 61 * S), 120 * S);
	cr_expect_eq(wait_of(2, 61 * S), 0);
	answer(1, 204, -1, 200 * S);
	answer(1, 429, 60000, 200 * S);
	cr_expect_eq(wait_of(1, 200 * S), 60 * S, "a message got through in between");
}

Test(vendors, remember_a_bounded_number_of_teams)
{
	for (unsigned team = 1; team <= 2 * VENDORS_MAX_TEAMS; team++)
		answer(team, 404, -1, S);
	cr_expect_eq(vendors.team_count, VENDORS_MAX_TEAMS);
}
