/* SPDX-License-Identifier: Apache-2.0 */

/* Times as text: the edges of the calendar, every offset, everything that is no time. */
#include <criterion/criterion.h>
#include <errno.h>

#include "core/rfc3339.h"

#define S INT64_C(1000000)

static const struct {
	const char *text;
	int64_t us;
} times[] = {
	{ "1970-01-01T00:00:00Z", 0 },
	{ "1970-01-01T00:00:00-00:00", 0 },
	{ "2026-05-24T05:02:08Z", 1779598928 * S },
	{ "2026-05-24t05:02:08z", 1779598928 * S },
	{ "2026-05-24 05:02:08Z", 1779598928 * S },
	{ "2026-05-24T05:02:08.5Z", 1779598928 * S + 500000 },
	{ "2026-05-24T05:02:08.123456Z", 1779598928 * S + 123456 },
	{ "2026-05-24T05:02:08.123456999Z", 1779598928 * S + 123456 },
	{ "2026-05-24T05:02:08.000000001Z", 1779598928 * S },
	{ "2026-05-24T07:02:08+02:00", 1779598928 * S },
	{ "2026-05-23T23:32:08-05:30", 1779598928 * S },
	{ "2026-05-25T05:01:08+23:59", 1779598928 * S },
	{ "1969-12-31T23:59:59Z", -1 * S },
	{ "1969-12-31T23:59:59.999999Z", -1 },
	{ "0001-01-01T00:00:00Z", -62135596800 * S },
	{ "9999-12-31T23:59:59.999999Z", 253402300799 * S + 999999 },
	{ "2000-02-29T12:00:00Z", 951825600 * S },
	{ "2016-12-31T23:59:60Z", 1483228799 * S },
};

Test(rfc3339_parse, reads_every_form_it_promises)
{
	for (size_t i = 0; i < ARRAY_LEN(times); i++) {
		int64_t us = 1;
		int64_t sql_us = 1;

		cr_expect_eq(rfc3339_parse(str_of(times[i].text), &us), 0, "%s", times[i].text);
		cr_expect_eq(us, times[i].us, "%s", times[i].text);
		cr_expect_eq(rfc3339_parse_sql(str_of(times[i].text), &sql_us), 0, "%s",
			     times[i].text);
		cr_expect_eq(sql_us, times[i].us, "%s", times[i].text);
	}
}

static const struct str no_times[] = {
	STR(""),
	STR("2026-05-24"),
	STR("2026-05-24T05:02:08"),
	STR("2026-05-24T05:02Z"),
	STR("2026-05-24T05:02:08.Z"),
	STR("2026-05-24T05:02:08.1234567890Z"),
	STR("2026-05-24T05:02:08,5Z"),
	STR("2026-05-24T05:02:08Z "),
	STR(" 2026-05-24T05:02:08Z"),
	STR("2026-05-24T05:02:08Z\0"),
	STR("2026-05-24T05:02:08ZZ"),
	STR("2026-05-24_05:02:08Z"),
	STR("2026-05-24T05:02:08+2:00"),
	STR("2026-05-24T05:02:08+0200"),
	STR("2026-05-24T05:02:08+24:00"),
	STR("2026-05-24T05:02:08+02:60"),
	STR("2026-05-24T05:02:08+"),
	STR("2026-05-24T24:00:00Z"),
	STR("2026-05-24T05:60:08Z"),
	STR("2026-05-24T05:02:61Z"),
	STR("2026-02-29T05:02:08Z"),
	STR("1900-02-29T05:02:08Z"),
	STR("2026-04-31T05:02:08Z"),
	STR("2026-13-01T05:02:08Z"),
	STR("2026-00-01T05:02:08Z"),
	STR("2026-01-00T05:02:08Z"),
	STR("2026-01-32T05:02:08Z"),
	STR("0000-12-31T23:00:00-02:00"), /* in year 1, but written with year 0 */
	STR("0000-01-01T00:00:00Z"),
	STR("0001-01-01T00:00:00+00:01"),
	STR("9999-12-31T23:59:59-00:01"),
	STR("10000-01-01T00:00:00Z"),
	STR("-001-01-01T00:00:00Z"),
	STR("+026-05-24T05:02:08Z"),
	STR("26-05-24T05:02:08Z"),
	STR("20260524T050208Z"),
	STR("1779598928"),
	STR("infinity"),
};

Test(rfc3339_parse, refuses_everything_else_and_leaves_out_alone)
{
	for (size_t i = 0; i < ARRAY_LEN(no_times); i++) {
		int64_t us = 77;

		cr_expect_eq(rfc3339_parse(no_times[i], &us), -EINVAL, "%s", no_times[i].at);
		cr_expect_eq(rfc3339_parse_sql(no_times[i], &us), -EINVAL, "%s", no_times[i].at);
		cr_expect_eq(us, 77, "%s", no_times[i].at);
	}
}

Test(rfc3339_parse_sql, reads_short_offsets_and_only_it_does)
{
	static const struct {
		const char *text;
		int64_t us;
	} cases[] = {
		{ "2026-05-24 05:02:08.123456+00", 1779598928 * S + 123456 },
		{ "2026-05-24 05:02:08+00", 1779598928 * S },
		{ "2026-05-24 00:02:08-05", 1779598928 * S },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		int64_t us = 1;

		cr_expect_eq(rfc3339_parse_sql(str_of(cases[i].text), &us), 0, "%s", cases[i].text);
		cr_expect_eq(us, cases[i].us, "%s", cases[i].text);
		cr_expect_eq(rfc3339_parse(str_of(cases[i].text), &us), -EINVAL);
	}
}

Test(rfc3339_parse_zoneless, takes_a_time_without_an_offset_for_utc)
{
	static const char *const bad[] = { "",
					   "2026-05-24T05:02:08Z",
					   "2026-05-24T05:02:08+02:00",
					   "2026-05-24",
					   "2026-05-24T05:02",
					   "2026-02-30T05:02:08",
					   "2026-05-24T05:02:08." };
	int64_t us = 1;

	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		cr_expect_eq(rfc3339_parse_zoneless(str_of(bad[i]), &us), -EINVAL, "%s", bad[i]);
	cr_expect_eq(us, 1);
	cr_expect_eq(rfc3339_parse_zoneless(STR("2026-05-24 05:02:08.25"), &us), 0);
	cr_expect_eq(us, INT64_C(1779598928250000));
}

Test(rfc3339_is_strict, knows_the_spelling_that_every_reader_takes)
{
	static const struct {
		const char *text;
		bool expected;
	} cases[] = {
		{ "2026-05-24T05:02:08Z", true },
		{ "2026-05-24T05:02:08.123456789Z", true },
		{ "2026-05-24T05:02:08-11:30", true },
		{ "2026-05-24T05:02:08", false },
		{ "2026-05-24t05:02:08Z", false },
		{ "2026-05-24 05:02:08Z", false },
		{ "2026-05-24T05:02:08z", false },
		{ "2026-05-24T05:02:60Z", false },
		{ "2026-13-24T05:02:08Z", false },
		{ "", false },
		{ "now", false },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		cr_expect_eq(rfc3339_is_strict(str_of(cases[i].text)), cases[i].expected, "%s",
			     cases[i].text);
}

Test(rfc3339_format, writes_zero_or_six_digits_rounded_down)
{
	static const struct {
		int64_t us;
		int digits;
		const char *expected;
	} cases[] = {
		{ 0, 0, "1970-01-01T00:00:00Z" },
		{ 1779598928 * S + 999999, 0, "2026-05-24T05:02:08Z" },
		{ 1779598928 * S + 1, 6, "2026-05-24T05:02:08.000001Z" },
		{ -1, 0, "1969-12-31T23:59:59Z" },
		{ -1, 6, "1969-12-31T23:59:59.999999Z" },
		{ 951782400 * S, 0, "2000-02-29T00:00:00Z" },
		{ -62135596800 * S, 6, "0001-01-01T00:00:00.000000Z" },
		{ INT64_MIN, 0, "0001-01-01T00:00:00Z" },
		{ 253402300800 * S, 6, "9999-12-31T23:59:59.999999Z" },
		{ INT64_MAX, 6, "9999-12-31T23:59:59.999999Z" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char text[RFC3339_TEXT_SIZE];

		rfc3339_format(cases[i].us, cases[i].digits, text);
		cr_expect_str_eq(text, cases[i].expected);
	}
}

Test(rfc3339_format, gives_text_that_reads_back_on_every_day_of_the_calendar)
{
	char last[RFC3339_TEXT_SIZE] = "";

	/* A little more than a day each, so that hours and minutes move as well. */
	for (int64_t us = -62135596800 * S; us < 253402300800 * S; us += 90061 * S + 1) {
		char text[RFC3339_TEXT_SIZE];
		int64_t back = 0;

		rfc3339_format(us, 6, text);
		cr_assert_eq(rfc3339_parse(str_of(text), &back), 0, "%s", text);
		cr_assert_eq(back, us, "%s", text);
		cr_assert_gt(strcmp(text, last), 0, "%s after %s", text, last);
		memcpy(last, text, sizeof(last));
	}
}

Test(duration_parse, reads_one_number_and_one_unit)
{
	static const struct {
		const char *text;
		int64_t ms;
	} cases[] = {
		{ "0s", 0 },
		{ "90s", 90000 },
		{ "10m", 600000 },
		{ "2h", 7200000 },
		{ "1d", 86400000 },
		{ "3650d", 315360000000 },
		{ "315360000s", 315360000000 },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		int64_t ms = -1;

		cr_expect_eq(duration_parse(str_of(cases[i].text), &ms), 0, "%s", cases[i].text);
		cr_expect_eq(ms, cases[i].ms, "%s", cases[i].text);
	}
}

Test(duration_parse, refuses_everything_else)
{
	static const char *const cases[] = {
		"",
		"s",
		"10",
		"10 m",
		"1.5h",
		"-1s",
		"+1s",
		"1h30m",
		"10M",
		"10ms",
		"3651d",
		"1w",
		"315360001s",
		"18446744073709551616s",
		"m10",
		" 1s",
		"1s ",
		"0x1s",
		"99999999999999999999d",
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		int64_t ms = 7;

		cr_expect_eq(duration_parse(str_of(cases[i]), &ms), -EINVAL, "\"%s\"", cases[i]);
		cr_expect_eq(ms, 7, "\"%s\"", cases[i]);
	}
}

Test(http_date_parse, reads_the_fixed_form)
{
	int64_t us = 0;

	cr_expect_eq(http_date_parse(STR("Sun, 24 May 2026 05:02:08 GMT"), &us), 0);
	cr_expect_eq(us, 1779598928 * S);
	cr_expect_eq(http_date_parse(STR("Sun, 06 Nov 1994 08:49:37 GMT"), &us), 0);
	cr_expect_eq(us, 784111777 * S);
	cr_expect_eq(http_date_parse(STR("Tue, 31 Dec 2024 23:59:60 GMT"), &us), 0);
	cr_expect_eq(us, 1735689599 * S);
}

Test(http_date_parse, reads_the_two_old_forms)
{
	static const struct {
		const char *text;
		int64_t us;
	} cases[] = {
		{ "Sunday, 06-Nov-94 08:49:37 GMT", 784111777 * S },
		{ "Sun Nov  6 08:49:37 1994", 784111777 * S },
		{ "Sunday, 24-May-26 05:02:08 GMT", 1779598928 * S },
		{ "Wednesday, 24-May-69 05:02:08 GMT", INT64_C(3136597328) * S },
		{ "Sun May 24 05:02:08 2026", 1779598928 * S },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		int64_t us = 0;

		cr_expect_eq(http_date_parse(str_of(cases[i].text), &us), 0, "%s", cases[i].text);
		cr_expect_eq(us, cases[i].us, "%s: %lld", cases[i].text, (long long)us);
	}
}

Test(http_date_parse, refuses_everything_else)
{
	static const char *const cases[] = {
		"",
		"120",
		"Sunday, 06-Nov-1994 08:49:37 GMT",
		"Sun, 06-Nov-94 08:49:37 GMT",
		"Sunday, 06 Nov 1994 08:49:37 GMT",
		"Moday, 06-Nov-94 08:49:37 GMT",
		"Sun Nov 6 08:49:37 1994",
		"Sun Nov  6 08:49:37 1994 GMT",
		"Sun Nov 06 08:49:37 94",
		"Sun, 24 May 2026 05:02:08 UTC",
		"Sun, 24 May 2026 05:02:08 gmt",
		"Sun, 24 May 2026 05:02:08 GMT ",
		"Sun, 32 May 2026 05:02:08 GMT",
		"Sun, 31 Jun 2026 05:02:08 GMT",
		"Sun, 24 Mai 2026 05:02:08 GMT",
		"Xxx, 24 May 2026 05:02:08 GMT",
		"Sun; 24 May 2026 05:02:08 GMT",
		"Sun, 24 May 0000 05:02:08 GMT",
		"Sun, 24 May 2026 25:02:08 GMT",
		"Sun,  4 May 2026 05:02:08 GMT",
		"Sun, 24-May-2026 05:02:08 GMT",
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		int64_t us = 7;

		cr_expect_eq(http_date_parse(str_of(cases[i]), &us), -EINVAL, "%s", cases[i]);
		cr_expect_eq(us, 7, "%s", cases[i]);
	}
}
