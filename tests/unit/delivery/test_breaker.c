/* SPDX-License-Identifier: Apache-2.0 */

/* The breaker and disabled channels on a hand-set clock, and their columns on both stores. */
#include <stdio.h>

#include "core/utf8.h"
#include "delivery/breaker.h"
#include "tests/support/rig.h"

#define NOW     START_US
#define DAY_US  (24 * HOUR_US)
#define CHANNEL "11111111-1111-4111-8111-111111111111"

/* One letter per answer. */
static struct verdict verdict_of_letter(char letter)
{
	struct verdict verdict = { .retry_after_ms = -1, .pause_ms = -1 };

	switch (letter) {
	case '+':
		verdict.kind = VERDICT_DELIVERED;
		break;
	case 'x':
		verdict.kind = VERDICT_RETRY;
		break;
	case 't':
		verdict.kind = VERDICT_RETRY;
		verdict.is_throttled = true;
		break;
	case 'r':
		verdict.kind = VERDICT_REJECT;
		break;
	case 'd':
		verdict.kind = VERDICT_DISABLE;
		break;
	case '!':
		verdict.kind = VERDICT_DISABLE;
		verdict.is_final = true;
		break;
	case 'f':
		verdict.kind = VERDICT_REFORM;
		break;
	case 'b':
		verdict.kind = VERDICT_REBIND;
		break;
	default:
		cr_assert_fail("no such letter: %c", letter);
	}
	return verdict;
}

static bool apply(struct breaker *breaker, char letter, int64_t now_us)
{
	struct verdict verdict = verdict_of_letter(letter);

	return breaker_apply(breaker, &verdict, "HTTP 404, no_service", now_us);
}

/* How many attempts disabled it. */
static unsigned apply_all(struct breaker *breaker, const char *letters, int64_t now_us)
{
	unsigned disabled = 0;

	for (; *letters; letters++)
		disabled += apply(breaker, *letters, now_us);
	return disabled;
}

static struct breaker opened(void)
{
	struct breaker breaker = { .failures = 0 };

	cr_assert_eq(apply_all(&breaker, "xxxxx", NOW), 0);
	return breaker;
}

Test(breaker, moves_as_its_table_says)
{
	static const struct {
		const char *letters;
		enum breaker_state state;
		unsigned failures;
		unsigned disabled;
	} cases[] = {
		{ "", BREAKER_CLOSED, 0, 0 },
		{ "+", BREAKER_CLOSED, 0, 0 },
		{ "xxxx", BREAKER_CLOSED, 4, 0 },
		{ "xxxxx", BREAKER_OPEN, 5, 0 },
		{ "xxrrr", BREAKER_OPEN, 5, 0 },
		{ "xxxx+x", BREAKER_CLOSED, 1, 0 },
		{ "xxxx+xxxx", BREAKER_CLOSED, 4, 0 },
		/* these neither fail nor end failures */
		{ "xxttxx", BREAKER_CLOSED, 4, 0 },
		{ "tttttttttt", BREAKER_CLOSED, 0, 0 },
		{ "ffffffbbbbbb", BREAKER_CLOSED, 0, 0 },
		{ "xxftbxxx", BREAKER_OPEN, 5, 0 },
		/* a late answer while it is open */
		{ "xxxxxx", BREAKER_OPEN, 6, 0 },
		{ "xxxxxt", BREAKER_OPEN, 5, 0 },
		{ "xxxxx+", BREAKER_CLOSED, 0, 0 },
		/* disabling answers */
		{ "d", BREAKER_CLOSED, 1, 0 },
		{ "dd", BREAKER_DISABLED, 2, 1 },
		{ "dtfbd", BREAKER_DISABLED, 2, 1 },
		{ "dxd", BREAKER_CLOSED, 3, 0 },
		{ "drd", BREAKER_CLOSED, 3, 0 },
		{ "d+d", BREAKER_CLOSED, 1, 0 },
		{ "!", BREAKER_DISABLED, 1, 1 },
		{ "xxxxxd", BREAKER_OPEN, 6, 0 },
		{ "xxxxxdd", BREAKER_DISABLED, 7, 1 },
		{ "xxxxx!", BREAKER_DISABLED, 6, 1 },
		{ "xxxxd", BREAKER_OPEN, 5, 0 },
		/* then nothing more */
		{ "!+", BREAKER_DISABLED, 1, 1 },
		{ "!xd!!t", BREAKER_DISABLED, 1, 1 },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct breaker breaker = { .failures = 0 };

		cr_expect_eq(apply_all(&breaker, cases[i].letters, NOW), cases[i].disabled,
			     "%s: disabled once", cases[i].letters);
		cr_expect_eq(breaker_state(&breaker, NOW), cases[i].state, "%s: %s",
			     cases[i].letters, breaker_name(breaker_state(&breaker, NOW)));
		cr_expect_eq(breaker.failures, cases[i].failures, "%s: %u failures",
			     cases[i].letters, breaker.failures);
	}
}

Test(breaker, is_named_for_owners)
{
	cr_expect_str_eq(breaker_name(BREAKER_CLOSED), "closed");
	cr_expect_str_eq(breaker_name(BREAKER_OPEN), "open");
	cr_expect_str_eq(breaker_name(BREAKER_PROBING), "probing");
	cr_expect_str_eq(breaker_name(BREAKER_DISABLED), "disabled");
}

Test(breaker, probes_when_its_time_is_up_and_not_before)
{
	struct breaker breaker = opened();
	int64_t until_us = breaker.open_until_us;

	cr_expect_eq(breaker_wait_us(&breaker, NOW), until_us);
	cr_expect_eq(breaker_wait_us(&breaker, until_us - 1), until_us);
	cr_expect_eq(breaker_state(&breaker, until_us - 1), BREAKER_OPEN);
	cr_expect_eq(breaker_state(&breaker, until_us), BREAKER_PROBING);
	cr_expect_eq(breaker_wait_us(&breaker, until_us), 0);
	cr_expect_not(apply(&breaker, 't', until_us));
	cr_expect_eq(breaker_state(&breaker, until_us), BREAKER_PROBING, "it answers, at least");
	cr_expect_not(apply(&breaker, '+', until_us));
	cr_expect_eq(breaker_state(&breaker, until_us), BREAKER_CLOSED);
	cr_expect_eq(breaker.opened, 0);
}

Test(breaker, opens_for_longer_each_time_a_probe_fails)
{
	static const int64_t seconds[] = { 30, 60, 120, 240, 480, 500, 500, 500 };

	for (unsigned round = 0; round < 50; round++) {
		struct breaker breaker = opened();
		int64_t now_us = NOW;

		for (size_t i = 0; i < ARRAY_LEN(seconds); i++) {
			int64_t span_us = breaker.open_until_us - now_us;

			cr_assert_geq(span_us, seconds[i] * SECOND_US * 8 / 10, "opening %zu", i);
			cr_assert_leq(span_us, seconds[i] * SECOND_US * 12 / 10, "opening %zu", i);
			cr_assert_leq(span_us, BREAKER_LONGEST_US);
			now_us = breaker.open_until_us;
			cr_assert_not(apply(&breaker, "xrd"[i % 3], now_us));
			cr_assert_eq(breaker_state(&breaker, now_us), BREAKER_OPEN);
		}
	}
}

Test(breaker, does_not_let_channels_of_one_host_knock_together)
{
	struct breaker first = opened();
	unsigned same = 0;

	for (unsigned i = 0; i < 100; i++)
		same += opened().open_until_us == first.open_until_us;
	cr_expect_lt(same, 50);
}

Test(breaker, begins_anew_after_a_success)
{
	struct breaker breaker = opened();

	cr_assert_not(apply(&breaker, 'x', breaker.open_until_us));
	cr_assert_not(apply(&breaker, '+', breaker.open_until_us));
	cr_assert_eq(apply_all(&breaker, "xxxxx", NOW), 0);
	cr_expect_leq(breaker.open_until_us - NOW, 36 * SECOND_US);
}

/* ---- giving up ----------------------------------------------------------------------------- */

Test(breaker, gives_up_after_five_days_of_nothing_but_failure)
{
	struct breaker breaker = { .failures = 0 };

	for (int hour = 0; hour < 120; hour++)
		cr_assert_not(apply(&breaker, 'x', NOW + hour * HOUR_US), "hour %d", hour);
	cr_expect_eq(breaker.failing_since_us, NOW);
	cr_assert_not(apply(&breaker, 't', NOW + 120 * HOUR_US), "not for being throttled");
	cr_assert_not(apply(&breaker, 'x', NOW + 120 * HOUR_US - 1));
	cr_assert(apply(&breaker, 'x', NOW + 120 * HOUR_US));
	cr_expect_eq(breaker.disabled_us, NOW + 120 * HOUR_US);
	cr_expect_str_eq(breaker.disabled_reason,
			 "nothing but failures for 5 days: HTTP 404, no_service");
	cr_expect_eq(breaker_wait_us(&breaker, NOW + 200 * HOUR_US), INT64_MAX);
}

Test(breaker, counts_the_days_from_the_first_failure_after_a_success)
{
	struct breaker breaker = { .failures = 0 };

	for (int hour = 0; hour < 300; hour++)
		cr_assert_not(apply(&breaker, hour % 100 == 99 ? '+' : 'x', NOW + hour * HOUR_US));
	cr_expect_eq(breaker.failing_since_us, 0);
}

Test(breaker, does_not_give_up_over_a_few_failures_far_apart)
{
	struct breaker breaker = { .failures = 0 };

	for (int i = 1; i < BREAKER_GIVE_UP; i++)
		cr_assert_not(apply(&breaker, 'x', NOW + i * 10 * DAY_US), "failure %d", i);
	cr_expect(apply(&breaker, 'x', NOW + 1000 * DAY_US));
}

/* ---- the clock ----------------------------------------------------------------------------- */

Test(breaker, never_waits_longer_than_its_longest_when_the_clock_is_set_back)
{
	static const int64_t back_us[] = {
		1, SECOND_US, MINUTE_US, 9 * MINUTE_US, HOUR_US, DAY_US
	};

	for (size_t i = 0; i < ARRAY_LEN(back_us); i++) {
		struct breaker breaker = opened();
		int64_t now_us = NOW - back_us[i];
		int64_t wait_us = breaker_wait_us(&breaker, now_us);

		cr_expect_leq(wait_us, now_us + BREAKER_LONGEST_US, "case %zu", i);
		if (wait_us)
			cr_expect_eq(breaker_wait_us(&breaker, wait_us), 0, "no moving target");
	}
}

Test(breaker, counts_from_now_when_the_clock_was_set_back)
{
	struct breaker breaker = opened();

	cr_assert_not(apply(&breaker, 'x', NOW - DAY_US));
	cr_expect_eq(breaker.failing_since_us, NOW - DAY_US);
	cr_expect_leq(breaker.open_until_us, NOW - DAY_US + BREAKER_LONGEST_US);
	cr_expect_eq(breaker_state(&breaker, NOW - DAY_US), BREAKER_OPEN);
}

Test(breaker, probes_at_once_and_keeps_its_channel_when_the_clock_leaps_ahead)
{
	struct breaker breaker = opened();

	cr_expect_eq(breaker_wait_us(&breaker, NOW + 100 * DAY_US), 0);
	cr_expect_not(apply(&breaker, 'x', NOW + 100 * DAY_US));
	cr_expect_not(apply(&breaker, '+', NOW));
	cr_expect_eq(breaker_state(&breaker, NOW), BREAKER_CLOSED);
}

/* ---- reasons ------------------------------------------------------------------------------- */

Test(breaker, says_why_it_was_disabled_within_its_bounds)
{
	struct verdict final = verdict_of_letter('!');
	struct breaker breaker = { .failures = 0 };
	char sentence[1200];

	cr_assert(breaker_apply(&breaker, &final, "HTTP 410, Gone", NOW));
	cr_expect_str_eq(breaker.disabled_reason, "HTTP 410, Gone");

	breaker_reset(&breaker);
	cr_assert(breaker_apply(&breaker, &final, NULL, NOW));
	cr_expect_str_eq(breaker.disabled_reason, "the destination refuses for good");

	/* two bytes each, so that a cut at an odd place shows */
	for (size_t shift = 0; shift < 2; shift++) {
		memset(sentence, 'a', shift);
		for (size_t i = shift; i + 2 < sizeof(sentence); i += 2)
			memcpy(sentence + i, "\xc3\xa9", 2);
		sentence[sizeof(sentence) - 2 + shift % 2] = '\0';
		sentence[1001 - (1001 - shift) % 2] = '\0';
		breaker_reset(&breaker);
		cr_assert(breaker_apply(&breaker, &final, sentence, NOW));
		cr_expect_geq(strlen(breaker.disabled_reason), 158);
		cr_expect(utf8_is_valid(str_of(breaker.disabled_reason)));
	}
}

Test(breaker, counts_no_further_than_its_column_holds)
{
	struct breaker breaker = { .failures = INT32_MAX, .opened = INT32_MAX };

	cr_assert_not(apply(&breaker, 'x', NOW));
	cr_expect_eq(breaker.failures, INT32_MAX);
	cr_expect_eq(breaker.opened, INT32_MAX);
	cr_expect_leq(breaker.open_until_us, NOW + BREAKER_LONGEST_US);
}

/* ---- in the store -------------------------------------------------------------------------- */

struct keeping {
	struct store_job job;
	const struct breaker *breaker; /* NULL: nothing to store */
	const struct breaker_note *note;
	struct breaker loaded;
};

static int run_keeping(struct db *db, struct store_job *job)
{
	struct keeping *keeping = container_of(job, struct keeping, job);
	struct uuid channel;
	int rc = uuid_parse(STR(CHANNEL), &channel);

	if (rc == 0 && keeping->breaker)
		rc = breaker_store(db, &channel, keeping->breaker, keeping->note, NOW);
	return rc < 0 ? rc : breaker_load(db, &channel, &keeping->loaded);
}

static struct breaker through_store(const struct database *database, const struct breaker *breaker,
				    const struct breaker_note *note)
{
	struct keeping keeping = { .job.run = run_keeping, .breaker = breaker, .note = note };
	struct reason why = { .text = "" };

	cr_assert_eq(store_run_blocking(database->url, &keeping.job, &why), 0, "%s", why.text);
	return keeping.loaded;
}

static void expect_same(const struct breaker *a, const struct breaker *b)
{
	cr_expect_eq(a->failures, b->failures);
	cr_expect_eq(a->disabling, b->disabling);
	cr_expect_eq(a->opened, b->opened);
	cr_expect_eq(a->open_until_us, b->open_until_us);
	cr_expect_eq(a->failing_since_us, b->failing_since_us);
	cr_expect_eq(a->disabled_us, b->disabled_us);
	cr_expect_str_eq(a->disabled_reason, b->disabled_reason);
}

#define ADD_ROW                                                                                \
	"INSERT INTO channel_state (channel_id, lease_owner, lease_until, updated_at) VALUES " \
	"('" CHANNEL "', 'w', '2999-01-01T00:00:00.000000Z', '2020-01-01T00:00:00.000000Z')"

Test(breaker, comes_back_from_the_store_as_it_was)
{
	static const struct breaker fresh = { .failures = 0 };

	for (int engine = 0; engine < DATABASE_ENGINES; engine++) {
		struct database database = database_make((enum database_engine)engine);
		struct breaker breaker = opened();
		struct breaker loaded;

		database_ask(&database, ADD_ROW);
		loaded = through_store(&database, NULL, NULL);
		expect_same(&loaded, &fresh);
		loaded = through_store(&database, &breaker, NULL);
		expect_same(&loaded, &breaker);
		cr_assert_eq(apply_all(&breaker, "dd", NOW), 1);
		loaded = through_store(&database, &breaker, NULL);
		expect_same(&loaded, &breaker);
		loaded = through_store(&database, &fresh, NULL);
		expect_same(&loaded, &fresh);
		cr_expect_eq(database_ask(&database, "SELECT count(*) FROM channel_state WHERE "
						     "lease_owner = 'w' AND "
						     "breaker_until IS NULL AND "
						     "failing_since IS NULL AND "
						     "disabled_at IS NULL AND "
						     "disabled_reason IS NULL"),
			     1, "the lease is untouched, what is not set is NULL");
	}
}

Test(breaker, keeps_the_last_success_and_the_last_error_side_by_side)
{
	static const struct breaker breaker = { .failures = 1 };
	const struct breaker_note good = { .success_us = NOW, .error = STR("not looked at") };
	const struct breaker_note bad = { .error_us = NOW + 1, .error = STR("HTTP 500") };

	for (int engine = 0; engine < DATABASE_ENGINES; engine++) {
		struct database database = database_make((enum database_engine)engine);

		database_ask(&database, ADD_ROW);
		through_store(&database, &breaker, &good);
		cr_expect_eq(database_ask(&database, "SELECT count(*) FROM channel_state WHERE "
						     "last_success_at IS NOT NULL AND "
						     "last_error_at IS NULL AND "
						     "last_error IS NULL"),
			     1);
		through_store(&database, &breaker, &bad);
		cr_expect_eq(database_ask(&database, "SELECT count(*) FROM channel_state WHERE "
						     "last_success_at < last_error_at AND "
						     "last_error = 'HTTP 500'"),
			     1);
	}
}

Test(breaker, writes_nothing_for_a_channel_that_is_gone)
{
	static const struct breaker breaker = { .failures = 3 };

	for (int engine = 0; engine < DATABASE_ENGINES; engine++) {
		struct database database = database_make((enum database_engine)engine);

		cr_expect_eq(through_store(&database, &breaker, NULL).failures, 0);
		cr_expect_eq(database_ask(&database, "SELECT count(*) FROM channel_state"), 0);
	}
}
