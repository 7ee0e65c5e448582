/* SPDX-License-Identifier: Apache-2.0 */

/* Spans and times in words, and reasons in words. */
#include <criterion/criterion.h>

#include "core/attributes.h"
#include "providers/words.h"

Test(words, say_a_span_in_its_two_largest_units)
{
	static const struct {
		long long seconds;
		const char *wanted;
	} cases[] = {
		{ 0, "0 s" },          { 59, "59 s" },          { 60, "1 min" },
		{ 192, "3 min 12 s" }, { 3599, "59 min 59 s" }, { 3600, "1 h" },
		{ 3659, "1 h" },       { 7500, "2 h 5 min" },   { 86399, "23 h 59 min" },
		{ 86400, "1 d" },      { 273600, "3 d 4 h" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char span[WORDS_SPAN_SIZE];

		words_of_span(cases[i].seconds * 1000000 + 999999, span);
		cr_expect_str_eq(span, cases[i].wanted);
	}
}

Test(words, say_a_time_in_utc)
{
	char time[WORDS_TIME_SIZE];

	words_of_time(INT64_C(1779598928999999), time);
	cr_expect_str_eq(time, "2026-05-24 05:02:08 UTC");
}

Test(words, have_every_reason_that_the_title_does_not_say)
{
	static const struct {
		const char *code;
		bool has_words;
	} cases[] = {
		{ "ttl_expired", true },
		{ "host_failure", true },
		{ "restored_after_host_recovery", true },
		{ "host_state_sync", true },
		{ "orphaned", true },
		{ "paused_zombie_cleanup", true },
		{ "transient_timeout", true },
		{ "transient_timeout_inferred", true },
		{ "cleanup_after_create_error", true },
		{ "create_failed", false },
		{ "TTL_EXPIRED", false },
		{ "", false },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		cr_expect_eq(words_of_reason(str_of(cases[i].code)).len > 0, cases[i].has_words,
			     "%s", cases[i].code);
}

Test(words, name_each_kind_that_a_channel_can_name)
{
	for (int kind = EVENT_UNKNOWN; kind < EVENT_KINDS; kind++)
		cr_expect_eq(words_of_kind((enum event_kind)kind)->lead != NULL,
			     event_kind_is_subscribable((enum event_kind)kind), "%s",
			     event_kind_name((enum event_kind)kind));
}
