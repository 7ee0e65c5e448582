/* SPDX-License-Identifier: Apache-2.0 */

/* Token buckets on a hand-set clock. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "targets/pace.h"

#define S INT64_C(1000000)

static size_t find_paces(const struct provider_config *config, struct pace out[PROVIDER_MAX_PACES])
{
	(void)config;
	(void)out;
	return 0;
}

static const struct provider slack = { .name = "slack", .paces = find_paces };
static const struct provider discord = { .name = "discord", .paces = find_paces };

/* Who asks, in the tests below. */
static struct pace_user user;

static struct paced paced_of(const struct provider *provider, const struct pace *list, size_t count)
{
	struct paced paced = { .provider = provider, .user = user, .count = count };

	for (size_t i = 0; i < count; i++)
		paced.list[i] = list[i];
	return paced;
}

static int64_t take(struct paces *paces, const struct provider *provider, const struct pace *list,
		    size_t count, int64_t now_us)
{
	const struct paced paced = paced_of(provider, list, count);

	return paces_take(paces, &paced, now_us);
}

static void learn_from(struct paces *paces, const struct provider *provider,
		       const struct pace *list, size_t count, const struct verdict *verdict,
		       int64_t now_us)
{
	const struct paced paced = paced_of(provider, list, count);

	paces_learn(paces, &paced, verdict, 0, now_us);
}

static struct pace_view view_of(const struct paces *paces, const struct provider *provider,
				const struct pace *list, size_t count, int64_t now_us)
{
	const struct paced paced = paced_of(provider, list, count);

	return paces_view(paces, &paced, now_us);
}

static size_t allowance_of(const struct pace *list, size_t count, int64_t span_us)
{
	const struct paced paced = paced_of(&slack, list, count);

	return pace_allowance(&paced, span_us);
}

static struct pace pace_of(const char *key, unsigned burst, int64_t interval_us)
{
	struct pace pace = { .burst = burst, .interval_us = interval_us };

	snprintf(pace.key, sizeof(pace.key), "%s", key);
	return pace;
}

static struct paces *open_paces(void)
{
	struct paces *paces = NULL;

	cr_assert_eq(paces_open(&paces), 0);
	return paces;
}

static struct verdict throttled(int64_t retry_after_ms)
{
	struct verdict verdict = { .kind = VERDICT_RETRY, .pause_ms = -1, .is_throttled = true };

	verdict.retry_after_ms = retry_after_ms;
	return verdict;
}

static struct verdict plain(enum verdict_kind kind)
{
	return (struct verdict){ .kind = kind, .retry_after_ms = -1, .pause_ms = -1 };
}

static struct verdict pausing(int64_t pause_ms, int whom)
{
	struct verdict verdict = plain(VERDICT_DELIVERED);

	verdict.pause_ms = pause_ms;
	if (whom == PAUSE_PROVIDER)
		verdict.pause = PAUSE_PROVIDER;
	return verdict;
}

/* How many messages go out in `seconds`. Each asks again exactly at the time it was given. */
static unsigned sent_in(struct paces *paces, const struct pace *pace, int64_t from_us,
			int64_t span_us)
{
	unsigned sent = 0;
	int64_t now_us = from_us;

	while (now_us < from_us + span_us) {
		int64_t next_us = take(paces, &slack, pace, 1, now_us);

		if (next_us == 0) {
			sent++;
			continue;
		}
		cr_assert_gt(next_us, now_us, "the time to look again lies ahead");
		now_us = next_us;
	}
	return sent;
}

Test(pace, lets_out_a_burst_and_then_one_per_interval)
{
	static const struct {
		unsigned burst;
		int64_t interval_us;
		int64_t span_us;
		unsigned sent;
	} cases[] = {
		{ 1, S, 10 * S, 10 },     { 1, 2 * S, 10 * S, 5 }, { 10, 12 * S, 60 * S, 14 },
		{ 10, 5 * S, 5 * S, 10 }, { 0, S, 3 * S, 3 },      { 30, S / 40, S, 69 },
		{ 1, 3 * S, 1, 1 },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct paces *paces = open_paces();
		struct pace pace = pace_of("a", cases[i].burst, cases[i].interval_us);

		cr_expect_eq(sent_in(paces, &pace, 100 * S, cases[i].span_us), cases[i].sent,
			     "case %zu", i);
		paces_close(paces);
	}
}

Test(pace, is_full_again_after_a_rest_but_never_fuller)
{
	struct paces *paces = open_paces();
	struct pace pace = pace_of("a", 3, S);

	cr_expect_eq(sent_in(paces, &pace, 0, 1), 3);
	cr_expect_eq(sent_in(paces, &pace, 2 * S, 1), 2, "two seconds, two tokens");
	cr_expect_eq(sent_in(paces, &pace, 5000 * S, 1), 3, "an hour, a burst");
	paces_close(paces);
}

Test(pace, is_shared_by_all_with_the_same_key_only)
{
	struct paces *paces = open_paces();
	struct pace mine = pace_of("a", 1, S);
	struct pace yours = pace_of("a", 1, S);
	struct pace other = pace_of("b", 1, S);

	cr_expect_eq(take(paces, &slack, &mine, 1, 5 * S), 0);
	cr_expect_eq(take(paces, &slack, &yours, 1, 5 * S), 6 * S);
	cr_expect_eq(take(paces, &slack, &other, 1, 5 * S), 0);
	paces_close(paces);
}

Test(pace, takes_from_all_buckets_or_from_none)
{
	struct paces *paces = open_paces();
	struct pace chat_1[] = { pace_of("chat 1", 1, S), pace_of("bot", 2, S) };
	struct pace chat_2[] = { pace_of("chat 2", 1, S), pace_of("bot", 2, S) };
	struct pace chat_3[] = { pace_of("chat 3", 1, S), pace_of("bot", 2, S) };

	cr_expect_eq(take(paces, &slack, chat_1, 2, 0), 0);
	cr_expect_eq(take(paces, &slack, chat_1, 2, 0), S, "its chat is empty");
	cr_expect_eq(take(paces, &slack, chat_2, 2, 0), 0, "the bot kept its second token");
	cr_expect_eq(take(paces, &slack, chat_3, 2, 0), S, "the bot is empty");
	cr_expect_eq(take(paces, &slack, chat_3, 1, 0), 0, "the chat kept its token");
	paces_close(paces);
}

Test(pace, without_buckets_waits_only_for_its_provider)
{
	struct paces *paces = open_paces();
	struct verdict pause = pausing(60000, PAUSE_PROVIDER);

	for (int i = 0; i < 100; i++)
		cr_assert_eq(take(paces, &discord, NULL, 0, S), 0);
	learn_from(paces, &discord, NULL, 0, &pause, S);
	cr_expect_eq(take(paces, &discord, NULL, 0, S), 61 * S);
	cr_expect_eq(take(paces, &discord, NULL, 0, 61 * S), 0);
	paces_close(paces);
}

Test(pace, makes_everybody_with_the_key_wait_as_long_as_the_destination_wished)
{
	struct paces *paces = open_paces();
	struct pace pace = pace_of("space", 5, S);
	struct verdict verdict = throttled(30000);

	cr_expect_eq(take(paces, &slack, &pace, 1, 10 * S), 0);
	learn_from(paces, &slack, &pace, 1, &verdict, 11 * S);
	cr_expect_eq(take(paces, &slack, &pace, 1, 12 * S), 41 * S);
	cr_expect_eq(take(paces, &slack, &pace, 1, 41 * S - 1), 41 * S);
	cr_expect_eq(take(paces, &slack, &pace, 1, 41 * S), 0);
	cr_expect_eq(take(paces, &slack, &pace, 1, 41 * S), 43 * S,
		     "no burst after that, and half as fast");
	paces_close(paces);
}

Test(pace, obeys_the_hint_of_a_fault_that_is_no_throttling_without_slowing)
{
	struct paces *paces = open_paces();
	struct pace pace = pace_of("a", 1, S);
	struct verdict verdict = plain(VERDICT_RETRY);

	verdict.retry_after_ms = 5000;
	learn_from(paces, &slack, &pace, 1, &verdict, 0);
	cr_expect_eq(take(paces, &slack, &pace, 1, 0), 5 * S);
	cr_expect_eq(view_of(paces, &slack, &pace, 1, 0).interval_us, S);
	paces_close(paces);
}

Test(pace, never_shortens_a_wait)
{
	struct paces *paces = open_paces();
	struct pace pace = pace_of("a", 1, S);
	struct verdict longer = throttled(60000);
	struct verdict shorter = throttled(1000);

	learn_from(paces, &slack, &pace, 1, &longer, 0);
	learn_from(paces, &slack, &pace, 1, &shorter, 0);
	cr_expect_eq(take(paces, &slack, &pace, 1, 0), 60 * S);
	paces_close(paces);
}

Test(pace, slows_down_step_by_step_to_a_sixteenth)
{
	static const int64_t seconds[] = { 2, 4, 8, 16, 16, 16 };
	struct paces *paces = open_paces();
	struct pace pace = pace_of("a", 1, S);
	struct verdict verdict = throttled(-1);
	int64_t now_us = 0;

	for (size_t i = 0; i < ARRAY_LEN(seconds); i++) {
		now_us += 1000 * S;
		learn_from(paces, &slack, &pace, 1, &verdict, now_us);
		cr_expect_eq(view_of(paces, &slack, &pace, 1, now_us).interval_us, seconds[i] * S,
			     "time %zu", i);
		cr_expect_eq(take(paces, &slack, &pace, 1, now_us), now_us + seconds[i] * S,
			     "without a hint it waits for one interval");
	}
	paces_close(paces);
}

Test(pace, counts_answers_to_requests_of_the_same_moment_once)
{
	struct paces *paces = open_paces();
	struct pace pace = pace_of("a", 1, S);
	struct verdict verdict = throttled(-1);

	for (int i = 0; i < 10; i++)
		learn_from(paces, &slack, &pace, 1, &verdict, 50 * S + i);
	cr_expect_eq(view_of(paces, &slack, &pace, 1, 50 * S).interval_us, 2 * S);
	paces_close(paces);
}

Test(pace, recovers_with_successes_and_with_nothing_else)
{
	struct paces *paces = open_paces();
	struct pace pace = pace_of("a", 1, S);
	struct verdict verdict = throttled(-1);
	struct verdict delivered = plain(VERDICT_DELIVERED);
	struct verdict rejected = plain(VERDICT_REJECT);

	learn_from(paces, &slack, &pace, 1, &verdict, 0);
	learn_from(paces, &slack, &pace, 1, &verdict, 10 * S);
	for (int i = 0; i < 100; i++)
		learn_from(paces, &slack, &pace, 1, &rejected, 20 * S);
	cr_expect_eq(view_of(paces, &slack, &pace, 1, 20 * S).interval_us, 4 * S);
	for (int i = 0; i < 9; i++)
		learn_from(paces, &slack, &pace, 1, &delivered, 20 * S);
	cr_expect_eq(view_of(paces, &slack, &pace, 1, 20 * S).interval_us, 4 * S);
	learn_from(paces, &slack, &pace, 1, &delivered, 20 * S);
	cr_expect_eq(view_of(paces, &slack, &pace, 1, 20 * S).interval_us, 2 * S);
	for (int i = 0; i < 100; i++)
		learn_from(paces, &slack, &pace, 1, &delivered, 20 * S);
	cr_expect_eq(view_of(paces, &slack, &pace, 1, 20 * S).interval_us, S);
	paces_close(paces);
}

Test(pace, pauses_the_channels_first_bucket_or_the_whole_provider)
{
	struct paces *paces = open_paces();
	struct pace both[] = { pace_of("chat", 5, S), pace_of("bot", 5, S) };
	struct pace sibling[] = { pace_of("chat 2", 5, S), pace_of("bot", 5, S) };
	struct verdict channel = pausing(3000, PAUSE_CHANNEL);
	struct verdict provider = pausing(8000, PAUSE_PROVIDER);

	learn_from(paces, &slack, both, 2, &channel, 0);
	cr_expect_eq(take(paces, &slack, both, 2, 0), 3 * S);
	cr_expect_eq(take(paces, &slack, sibling, 2, 0), 0);
	learn_from(paces, &slack, both, 2, &provider, 0);
	cr_expect_eq(take(paces, &slack, both, 2, 0), 8 * S);
	cr_expect_eq(take(paces, &slack, sibling, 2, 0), 8 * S);
	cr_expect_eq(take(paces, &discord, sibling, 2, 0), 0, "another provider");
	cr_expect_eq(take(paces, &slack, both, 2, 8 * S), 0);
	paces_close(paces);
}

/* How long the provider pauses if it complains now. */
static int64_t pause_after(struct paces *paces, int64_t span_ms, int64_t now_us)
{
	struct pace pace = pace_of("a", 5, S);
	struct verdict verdict = plain(VERDICT_RETRY);

	verdict.pause_ms = span_ms;
	verdict.pause = PAUSE_PROVIDER;
	learn_from(paces, &discord, &pace, 1, &verdict, now_us);
	return view_of(paces, &discord, NULL, 0, now_us).next_us - now_us;
}

Test(pace, pauses_a_provider_longer_each_time_nothing_came_through)
{
	static const int64_t spans_s[] = { 60, 120, 240, 480, 900, 900 };
	struct paces *paces = open_paces();
	struct pace pace = pace_of("b", 5, S);
	struct verdict delivered = plain(VERDICT_DELIVERED);
	struct verdict failed = plain(VERDICT_RETRY);
	int64_t now_us = S;

	for (size_t i = 0; i < ARRAY_LEN(spans_s); i++) {
		cr_expect_eq(pause_after(paces, 60000, now_us), spans_s[i] * S, "pause %zu", i);
		/* Another request that runs meanwhile gets the same complaint. */
		cr_expect_eq(pause_after(paces, 60000, now_us), spans_s[i] * S, "pause %zu", i);
		learn_from(paces, &discord, &pace, 1, &failed, now_us + 2 * S);
		now_us += spans_s[i] * S;
	}
	cr_expect_eq(pause_after(paces, 3600000, now_us), 3600 * S, "a longer wish is kept");
	learn_from(paces, &slack, &pace, 1, &delivered, now_us + S);
	now_us += 3600 * S;
	cr_expect_eq(pause_after(paces, 60000, now_us), 900 * S, "another provider's success");
	learn_from(paces, &discord, &pace, 1, &delivered, now_us + S);
	cr_expect_eq(view_of(paces, &discord, NULL, 0, now_us).next_us, now_us + 900 * S,
		     "the pause itself is kept");
	now_us += 900 * S;
	cr_expect_eq(pause_after(paces, 60000, now_us), 60 * S);
	paces_close(paces);
}

Test(pace, shows_the_interval_and_when_the_next_may_go_and_makes_nothing_by_looking)
{
	struct paces *paces = open_paces();
	struct pace both[] = { pace_of("chat", 1, 3 * S), pace_of("bot", 30, S) };
	struct pace_view view = view_of(paces, &slack, both, 2, 7 * S);

	cr_expect_eq(view.interval_us, 3 * S);
	cr_expect_eq(view.next_us, 7 * S);
	cr_expect_eq(take(paces, &slack, both, 2, 7 * S), 0);
	view = view_of(paces, &slack, both, 2, 7 * S);
	cr_expect_eq(view.next_us, 10 * S);
	view = view_of(paces, &slack, NULL, 0, 7 * S);
	cr_expect_eq(view.interval_us, 0);
	cr_expect_eq(view.next_us, 7 * S);
	paces_close(paces);
}

/* From now on this team asks, for the channel of this number; 0: no channel. */
static void be(unsigned team, unsigned channel)
{
	user = (struct pace_user){ .team.bytes = { 1 } };
	memcpy(user.team.bytes + 8, &team, sizeof(team));
	memcpy(user.channel.bytes + 8, &channel, sizeof(channel));
}

/* So many teams that none reaches its own bound. */
static void fill(struct paces *paces, unsigned count, int64_t now_us)
{
	for (unsigned i = 0; i < count; i++) {
		char key[32];

		be(i / 200 + 1, 0);
		snprintf(key, sizeof(key), "filler %u", i);

		struct pace pace = pace_of(key, 1, S);

		cr_assert_eq(take(paces, &slack, &pace, 1, now_us), 0);
	}
}

Test(pace, makes_room_from_what_is_at_rest_or_from_the_team_that_holds_most)
{
	struct paces *paces = open_paces();
	struct pace oldest = pace_of("filler 0", 1, S);
	struct pace longest = pace_of("longest", 1, 50 * S);
	struct pace late = pace_of("late", 1, 10 * S);
	struct pace later_still = pace_of("later", 1, 10 * S);

	be(1, 0);
	cr_assert_eq(take(paces, &slack, &longest, 1, 0), 0);
	fill(paces, PACES_MAX_BUCKETS - 1, 0);
	be(1000, 0);
	cr_expect_eq(take(paces, &slack, &late, 1, S / 2), 0);
	cr_expect_eq(view_of(paces, &slack, &longest, 1, S / 2).next_us, S / 2,
		     "what was blocked for longest of the largest team was not forgotten");
	cr_expect_eq(take(paces, &slack, &oldest, 1, S / 2), S, "the others go on");
	cr_expect_eq(take(paces, &slack, &later_still, 1, S), 0, "one at rest made room");
	cr_expect_eq(take(paces, &slack, &late, 1, S), 10 * S + S / 2, "and it is remembered");
	paces_close(paces);
}

/* 16,384 tokens whose destinations ask for an hour. Made twice, they would fill the table. */
Test(pace, lets_no_team_take_the_room_of_the_others)
{
	struct paces *paces = open_paces();
	struct pace mine = pace_of("mine", 1, S);
	struct verdict verdict = throttled(3600000);

	be(2, 0);
	cr_assert_eq(take(paces, &slack, &mine, 1, 0), 0);
	be(1, 0);
	for (unsigned i = 0; i < 2 * PACES_MAX_BUCKETS; i++) {
		char key[32];
		struct pace token;

		snprintf(key, sizeof(key), "token %u", i);
		token = pace_of(key, 1, S);
		cr_assert_eq(take(paces, &slack, &token, 1, 0), 0);
		learn_from(paces, &slack, &token, 1, &verdict, 0);
	}
	be(2, 0);
	cr_expect_eq(take(paces, &slack, &mine, 1, S / 2), S, "it was forgotten");
	for (unsigned i = 0; i < 100; i++) {
		char key[32];
		struct pace other;

		snprintf(key, sizeof(key), "other %u", i);
		other = pace_of(key, 1, S);
		cr_assert_eq(take(paces, &slack, &other, 1, S / 2), 0, "no room for %u", i);
		cr_assert_eq(take(paces, &slack, &other, 1, S / 2), S + S / 2, "forgot %u", i);
	}
	paces_close(paces);
}

Test(pace, forgets_a_channels_destination_unless_another_channel_uses_it)
{
	struct paces *paces = open_paces();
	struct pace alone = pace_of("alone", 1, S);
	struct pace shared = pace_of("shared", 1, S);
	struct verdict verdict = throttled(3600000);
	const struct uuid *team = &user.team;

	be(1, 7);
	learn_from(paces, &slack, &alone, 1, &verdict, 0);
	learn_from(paces, &slack, &shared, 1, &verdict, 0);
	be(1, 8);
	(void)take(paces, &slack, &shared, 1, 0);
	be(1, 7);
	paces_forget(paces, team, &user.channel);
	cr_expect_eq(view_of(paces, &slack, &alone, 1, 0).next_us, 0);
	cr_expect_eq(view_of(paces, &slack, &shared, 1, 0).next_us, 3600 * S, "8 uses it, too");
	be(1, 8);
	paces_forget(paces, team, &user.channel);
	cr_expect_eq(view_of(paces, &slack, &shared, 1, 0).next_us, 0);
	paces_close(paces);
}

Test(pace, remembers_a_slower_interval_for_an_hour)
{
	struct paces *paces = open_paces();
	struct pace slowed = pace_of("slowed", 1, S);
	struct pace late = pace_of("late", 1, S);
	struct verdict verdict = throttled(-1);

	learn_from(paces, &slack, &slowed, 1, &verdict, 0);
	for (unsigned i = 0; i < PACES_MAX_BUCKETS + 100; i++) {
		char key[32];

		be(i / 200 + 1, 0);
		snprintf(key, sizeof(key), "filler %u", i);
		late = pace_of(key, 1, S);
		cr_assert_eq(take(paces, &slack, &late, 1, (int64_t)(i + 1) * S / 10), 0);
	}
	cr_expect_eq(view_of(paces, &slack, &slowed, 1, 0).interval_us, 2 * S);
	fill(paces, PACES_MAX_BUCKETS, 3700 * S);
	cr_expect_eq(view_of(paces, &slack, &slowed, 1, 0).interval_us, S);
	paces_close(paces);
}

Test(pace, finds_a_bucket_at_rest_after_many_slowed_ones)
{
	enum { CROWD = 40 }; /* more buckets than one search looks at */
	struct paces *paces = open_paces();
	struct pace late = pace_of("late", 1, S);
	struct verdict verdict = throttled(-1);

	for (unsigned i = 0; i < CROWD; i++) {
		char key[32];

		snprintf(key, sizeof(key), "slowed %u", i);

		struct pace slowed = pace_of(key, 1, S);

		learn_from(paces, &slack, &slowed, 1, &verdict, 0);
	}
	fill(paces, PACES_MAX_BUCKETS - CROWD, 0);
	be(1000, 0);
	cr_expect_eq(take(paces, &slack, &late, 1, 10 * S), 0);
	late = pace_of("slowed 0", 1, S);
	cr_expect_eq(view_of(paces, &slack, &late, 1, 0).interval_us, 2 * S, "it was forgotten");
	paces_close(paces);
}

Test(pace, without_an_interval_takes_no_room)
{
	struct paces *paces = open_paces();
	struct pace free = pace_of("free", 1, 0);
	struct verdict too_fast = throttled(-1);
	struct verdict delivered = plain(VERDICT_DELIVERED);

	for (unsigned i = 0; i < 100; i++) {
		snprintf(free.key, sizeof(free.key), "free %u", i);
		cr_assert_eq(take(paces, &slack, &free, 1, 0), 0);
		learn_from(paces, &slack, &free, 1, i % 2 ? &too_fast : &delivered, 0);
	}
	fill(paces, PACES_MAX_BUCKETS, 0);
	cr_expect_eq(take(paces, &slack, &free, 1, S / 2), 0, "it needs no room");
	paces_close(paces);
}

Test(pace, without_an_interval_rests_as_long_as_it_is_asked_to_and_is_never_slower)
{
	struct paces *paces = open_paces();
	struct pace free = pace_of("free", 1, 0);
	struct verdict wish = throttled(30000);
	struct verdict too_fast = throttled(-1);

	learn_from(paces, &slack, &free, 1, &wish, S);
	cr_expect_eq(take(paces, &slack, &free, 1, 2 * S), 31 * S);
	cr_expect_eq(view_of(paces, &slack, &free, 1, 2 * S).next_us, 31 * S);
	learn_from(paces, &slack, &free, 1, &too_fast, 20 * S);
	for (int i = 0; i < 100; i++)
		cr_assert_eq(take(paces, &slack, &free, 1, 31 * S), 0);
	/* Once it is over, its bucket can be given up. */
	fill(paces, PACES_MAX_BUCKETS, 31 * S);
	paces_close(paces);
}

Test(pace, says_how_many_go_out_in_a_while)
{
	struct pace one_per_second = pace_of("a", 1, S);
	struct pace teams = pace_of("a", 10, 12 * S);
	struct pace telegram[] = { pace_of("a", 1, 3 * S), pace_of("b", 30, S / 30) };
	struct pace free = pace_of("a", 1, 0);

	cr_expect_eq(allowance_of(&one_per_second, 1, 30 * S), 31);
	cr_expect_eq(allowance_of(&teams, 1, 30 * S), 12);
	cr_expect_eq(allowance_of(telegram, 2, 30 * S), 11);
	cr_expect_eq(allowance_of(&free, 1, 30 * S), SIZE_MAX);
	cr_expect_eq(allowance_of(NULL, 0, 30 * S), SIZE_MAX);
}
