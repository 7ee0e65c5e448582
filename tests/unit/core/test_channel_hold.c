/* SPDX-License-Identifier: Apache-2.0 */

/* What quiet hours and snoozes hold together, and how a snooze changes. */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "core/channel_hold.h"
#include "core/rfc3339.h"

#define NIGHT "\"quiet\":{\"zone\":\"Europe/Berlin\",\"from\":\"22:00\",\"to\":\"08:00\"}"
#define UNLESS                                                                       \
	"\"quiet\":{\"zone\":\"Europe/Berlin\",\"from\":\"22:00\",\"to\":\"08:00\"," \
	"\"let_through\":[\"failures\"]}"
#define GONE "\"quiet\":{\"zone\":\"Mars/Olympus\",\"from\":\"22:00\",\"to\":\"08:00\"}"
#define ALL  "\"snooze\":{\"until\":\"2026-01-15T04:00:00Z\"}"
#define WEB  "\"snooze\":{\"resources\":{\"web-7\":\"2026-01-15T09:00:00Z\"}}"

static int64_t time_of(const char *text)
{
	int64_t us = 0;

	if (text[0])
		cr_assert_eq(rfc3339_parse(str_of(text), &us), 0, "%s", text);
	return us;
}

static struct channel_options *open_options(const char *json)
{
	struct channel_options *options = NULL;

	cr_assert_eq(channel_options_open(str_of(json), &options), 0, "%s", json);
	return options;
}

Test(channel_hold, lasts_until_the_latest_of_what_applies)
{
	static const struct {
		const char *options, *now;
		bool is_failure;
		const char *resource, *until;
	} cases[] = {
		{ "{}", "2026-01-15T03:00:00Z", false, "web-7", "" },
		{ "{" NIGHT "}", "2026-01-15T03:00:00Z", false, "web-7", "2026-01-15T07:00:00Z" },
		{ "{" NIGHT "}", "2026-01-15T03:00:00Z", true, "web-7", "2026-01-15T07:00:00Z" },
		{ "{" NIGHT "}", "2026-01-15T07:00:00Z", false, "web-7", "" },
		{ "{" UNLESS "}", "2026-01-15T03:00:00Z", false, "", "2026-01-15T07:00:00Z" },
		{ "{" UNLESS "}", "2026-01-15T03:00:00Z", true, "", "" },
		{ "{" GONE "}", "2026-01-15T03:00:00Z", false, "", "" },
		{ "{" ALL "}", "2026-01-15T03:59:59Z", true, "", "2026-01-15T04:00:00Z" },
		{ "{" ALL "}", "2026-01-15T04:00:00Z", true, "", "" },
		{ "{" NIGHT "," ALL "}", "2026-01-15T03:00:00Z", false, "",
		  "2026-01-15T07:00:00Z" },
		{ "{" UNLESS "," ALL "}", "2026-01-15T03:00:00Z", true, "",
		  "2026-01-15T04:00:00Z" },
		{ "{" NIGHT "," WEB "}", "2026-01-15T03:00:00Z", false, "web-7",
		  "2026-01-15T09:00:00Z" },
		{ "{" NIGHT "," WEB "}", "2026-01-15T07:30:00Z", true, "web-7",
		  "2026-01-15T09:00:00Z" },
		{ "{" NIGHT "," WEB "}", "2026-01-15T07:30:00Z", true, "web-70", "" },
		{ "{" WEB "}", "2026-01-15T07:30:00Z", true, "", "" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct channel_options *options = open_options(cases[i].options);
		const struct channel_hold_subject subject = { .is_failure = cases[i].is_failure,
							      .resource =
								      str_of(cases[i].resource) };
		struct channel_hold hold;
		int64_t until_us;

		cr_assert_eq(channel_hold_look(options, time_of(cases[i].now), &hold), 0);
		until_us = channel_hold_until(&hold, &subject);
		cr_expect_eq(until_us, time_of(cases[i].until), "case %zu: %lld s off", i,
			     (long long)(until_us - time_of(cases[i].until)) / 1000000);
		channel_options_close(options);
	}
}

Test(channel_hold, says_when_to_look_again)
{
	static const struct {
		const char *options, *changes;
	} cases[] = {
		{ "{" NIGHT "}", "2026-01-15T07:00:00Z" },
		{ "{" NIGHT "," ALL "}", "2026-01-15T04:00:00Z" },
		{ "{" WEB "}", "2026-01-15T09:00:00Z" },
	};
	struct channel_hold hold;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct channel_options *options = open_options(cases[i].options);

		cr_assert_eq(channel_hold_look(options, time_of("2026-01-15T03:00:00Z"), &hold), 0);
		cr_expect_eq(hold.changes_us, time_of(cases[i].changes), "case %zu", i);
		channel_options_close(options);
	}
	cr_assert_eq(channel_hold_look(NULL, 1, &hold), 0);
	cr_expect_eq(hold.changes_us, INT64_MAX);
	cr_expect_eq(channel_hold_until(&hold, &(struct channel_hold_subject){ true, STR("a") }),
		     0);
}

Test(channel_hold, is_told_by_the_clocks_of_the_zone)
{
	static const struct {
		const char *options, *until, *words;
	} cases[] = {
		{ "{" NIGHT "}", "2026-01-15T07:00:00Z", "held until 08:00 (Europe/Berlin)" },
		{ "{" ALL "}", "2026-01-15T04:00:00Z", "held until 04:00 (UTC)" },
		{ "{" NIGHT "}", "2026-07-18T06:00:00Z",
		  "held until 2026-07-18 08:00 (Europe/Berlin)" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct channel_options *options = open_options(cases[i].options);
		char words[CHANNEL_HOLD_WORDS_SIZE];

		cr_assert_eq(channel_hold_text(options, time_of(cases[i].until),
					       time_of("2026-01-15T03:00:00Z"), words),
			     0);
		cr_expect_str_eq(words, cases[i].words);
		channel_options_close(options);
	}
}

Test(channel_hold, lets_failures_and_lost_hosts_through)
{
	cr_expect(channel_hold_is_failure(STR("capsule.create"), STR("error")));
	cr_expect(channel_hold_is_failure(STR("host.down"), STR("")));
	cr_expect(channel_hold_is_failure(STR("wrenn.expectation.missed"), STR("")));
	cr_expect_not(channel_hold_is_failure(STR("capsule.create"), STR("success")));
	cr_expect_not(channel_hold_is_failure(STR("host.up"), STR("")));
}

static void expect_snooze(const struct snooze *snooze, const char *json)
{
	struct buf out;

	buf_init(&out, 65536);
	snooze_write(&out, snooze);
	cr_expect_str_eq(buf_text(&out), json);
	buf_done(&out);
}

#define AT(s) ((INT64_C(1800000000) + (s)) * 1000000)

Test(snooze, begins_ends_and_is_forgotten_after_its_end)
{
	struct snooze snooze = { .count = 0 };

	expect_snooze(&snooze, "{}");
	cr_expect_eq(snooze_set(&snooze, STR("a"), AT(60), AT(0)), 0);
	cr_expect_eq(snooze_set(&snooze, STR("b"), AT(120), AT(0)), 0);
	cr_expect_eq(snooze_set(&snooze, STR("a"), AT(90), AT(1)), 0);
	expect_snooze(&snooze, "{\"resources\":{\"a\":\"2027-01-15T08:01:30Z\","
			       "\"b\":\"2027-01-15T08:02:00Z\"}}");
	cr_expect_eq(snooze_until(&snooze, STR("a")), AT(90));
	cr_expect_eq(snooze_until(&snooze, STR("c")), 0);
	cr_expect_eq(snooze_set(&snooze, STR(""), AT(100), AT(90)), 0);
	expect_snooze(&snooze, "{\"until\":\"2027-01-15T08:01:40Z\","
			       "\"resources\":{\"b\":\"2027-01-15T08:02:00Z\"}}");
	cr_expect_eq(snooze_until(&snooze, STR("c")), AT(100));
	cr_expect_eq(snooze_until(&snooze, STR("b")), AT(120));
	cr_expect_eq(snooze_set(&snooze, STR("b"), 0, AT(91)), 0);
	cr_expect_eq(snooze_set(&snooze, STR("never"), 0, AT(91)), 0);
	cr_expect_eq(snooze_set(&snooze, STR(""), 0, AT(92)), 0);
	expect_snooze(&snooze, "{}");
}

Test(snooze, of_more_than_fifty_resources_is_refused)
{
	struct snooze snooze = { .count = 0 };
	char names[SNOOZE_MAX_RESOURCES][16];

	for (int i = 0; i < SNOOZE_MAX_RESOURCES; i++) {
		snprintf(names[i], sizeof(names[i]), "r%d", i);
		cr_assert_eq(snooze_set(&snooze, str_of(names[i]), AT(60), AT(0)), 0);
	}
	cr_expect_eq(snooze_set(&snooze, STR("more"), AT(60), AT(0)), -E2BIG);
	cr_expect_eq(snooze_set(&snooze, STR("r7"), AT(70), AT(0)), 0);
	cr_expect_eq(snooze_set(&snooze, STR(""), AT(70), AT(0)), 0);
	cr_expect_eq(snooze_set(&snooze, STR("more"), AT(160), AT(60)), 0, "most have ended");
}
