/* SPDX-License-Identifier: Apache-2.0 */

/* Pauses double up to their maximum, and jitter stays inside its band and uses all of it. */
#include <criterion/criterion.h>
#include <limits.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/attributes.h"
#include "core/backoff.h"

static void expect_near(unsigned actual, double wanted)
{
	cr_expect(actual >= wanted * 0.8 - 1 && actual <= wanted * 1.2 + 1, "%u is not near %.0f",
		  actual, wanted);
}

Test(backoff_next_ms, doubles_from_first_to_max)
{
	static const double wanted[] = { 100, 200, 400, 800, 1000, 1000, 1000 };
	struct backoff b = { .first_ms = 100, .max_ms = 1000 };

	for (size_t i = 0; i < ARRAY_LEN(wanted); i++)
		expect_near(backoff_next_ms(&b), wanted[i]);
	cr_expect_eq(b.tries, ARRAY_LEN(wanted));
}

Test(backoff_next_ms, starts_over_after_a_reset)
{
	struct backoff b = { .first_ms = 100, .max_ms = 100000 };

	for (int i = 0; i < 5; i++)
		backoff_next_ms(&b);
	backoff_reset(&b);
	expect_near(backoff_next_ms(&b), 100);
}

Test(backoff_next_ms, survives_any_number_of_failures)
{
	struct backoff b = { .first_ms = 100, .max_ms = 30000, .tries = UINT_MAX };

	expect_near(backoff_next_ms(&b), 30000);
	cr_expect_eq(b.tries, UINT_MAX);
}

Test(backoff_next_ms, never_wraps_around)
{
	struct backoff b = { .first_ms = UINT_MAX, .max_ms = UINT_MAX };

	for (int i = 0; i < 1000; i++)
		cr_assert_geq(backoff_next_ms(&b), UINT_MAX / 10 * 7);
}

Test(backoff_next_ms, takes_a_first_above_max_as_max)
{
	struct backoff b = { .first_ms = 5000, .max_ms = 1000 };

	expect_near(backoff_next_ms(&b), 1000);
}

Test(jitter, stays_within_its_percentage)
{
	static const struct {
		int64_t value;
		int percent;
		int64_t span;
	} cases[] = {
		{ 1000, 10, 100 }, { 1000, 0, 0 },      { 0, 50, 0 },    { 4, 20, 0 },
		{ 5, 20, 1 },      { 1000, 100, 1000 }, { 250, 10, 25 }, { 86400000, 10, 8640000 },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		for (int k = 0; k < 1000; k++) {
			int64_t got = jitter(cases[i].value, cases[i].percent);

			cr_assert(got >= cases[i].value - cases[i].span &&
					  got <= cases[i].value + cases[i].span,
				  "case %zu gave %ld", i, (long)got);
		}
	}
}

Test(jitter, reaches_every_value_of_the_band)
{
	unsigned seen = 0;

	for (int i = 0; i < 1000; i++)
		seen |= 1U << (jitter(10, 20) - 8);
	cr_expect_eq(seen, 0x1f);
}

Test(jitter, does_not_overflow)
{
	for (int i = 0; i < 1000; i++)
		cr_assert_geq(jitter(INT64_MAX, 100), 0);
}

Test(jitter, differs_between_a_process_and_its_child)
{
	int ends[2];
	int64_t ours[4], theirs[4];

	jitter(INT64_MAX, 50); /* the dice are thrown once before the fork */
	cr_assert_eq(pipe(ends), 0);
	pid_t child = fork();
	if (child == 0) {
		for (int i = 0; i < 4; i++)
			ours[i] = jitter(INT64_MAX, 50);
		_exit(write(ends[1], ours, sizeof(ours)) != sizeof(ours));
	}
	for (int i = 0; i < 4; i++)
		ours[i] = jitter(INT64_MAX, 50);
	cr_assert_eq(read(ends[0], theirs, sizeof(theirs)), sizeof(theirs));
	waitpid(child, NULL, 0);
	cr_expect_neq(memcmp(ours, theirs, sizeof(ours)), 0);
}
