/* SPDX-License-Identifier: Apache-2.0 */

/* When it is quiet, until when, and when that changes: over midnight, on some days, over both
 * changes of daylight saving. And what makes no sense. */
#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#include "core/quiet_hours.h"
#include "core/rfc3339.h"

static struct quiet_hours read_quiet(const char *json)
{
	struct quiet_hours quiet;
	struct reason why = { .text = "" };
	cJSON *tree = NULL;

	cr_assert_eq(json_parse(str_of(json), 4096, &tree, NULL), 0, "%s", json);
	cr_assert_eq(quiet_hours_read(tree, &quiet, &why), 0, "%s: %s", json, why.text);
	cr_assert_eq(quiet_hours_check(&quiet, &why), 0, "%s", why.text);
	cJSON_Delete(tree);
	return quiet;
}

static int64_t time_of(const char *text)
{
	int64_t us = 0;

	if (text[0])
		cr_assert_eq(rfc3339_parse(str_of(text), &us), 0, "%s", text);
	return us;
}

#define BERLIN(more)  "{\"zone\":\"Europe/Berlin\"," more "}"
#define NIGHT         BERLIN("\"from\":\"22:00\",\"to\":\"08:00\"")
#define NOON          BERLIN("\"from\":\"12:00\",\"to\":\"13:00\"")
#define WEEKEND       BERLIN("\"from\":\"00:00\",\"to\":\"00:00\",\"days\":[\"sat\",\"sun\"]")
#define FRIDAY_NIGHT  BERLIN("\"from\":\"22:00\",\"to\":\"08:00\",\"days\":[\"fri\"]")
#define SKIPPED_BEGIN BERLIN("\"from\":\"02:30\",\"to\":\"06:00\"")
#define SKIPPED_END   BERLIN("\"from\":\"22:00\",\"to\":\"02:30\"")
#define SKIPPED_BOTH  BERLIN("\"from\":\"02:10\",\"to\":\"02:50\"")

Test(quiet_hours, are_until_their_end_by_the_clocks_of_the_zone)
{
	static const struct {
		const char *json, *now, *until, *changes;
	} cases[] = {
		/* winter: UTC+1 */
		{ NIGHT, "2026-01-14T20:59:59Z", "", "2026-01-14T21:00:00Z" },
		{ NIGHT, "2026-01-14T21:00:00Z", "2026-01-15T07:00:00Z", NULL },
		{ NIGHT, "2026-01-15T06:59:59.9Z", "2026-01-15T07:00:00Z", NULL },
		{ NIGHT, "2026-01-15T07:00:00Z", "", "2026-01-15T21:00:00Z" },
		{ NOON, "2026-01-14T11:30:00Z", "2026-01-14T12:00:00Z", NULL },
		{ NOON, "2026-01-14T12:00:00Z", "", "2026-01-15T11:00:00Z" },
		/* from Saturday 0:00 to Monday 0:00, as one */
		{ WEEKEND, "2026-01-16T22:59:59Z", "", "2026-01-16T23:00:00Z" },
		{ WEEKEND, "2026-01-16T23:00:00Z", "2026-01-18T23:00:00Z", NULL },
		{ WEEKEND, "2026-01-18T12:00:00Z", "2026-01-18T23:00:00Z", NULL },
		{ WEEKEND, "2026-01-18T23:00:00Z", "", "2026-01-23T23:00:00Z" },
		/* the day is the one on which they begin */
		{ FRIDAY_NIGHT, "2026-01-17T03:00:00Z", "2026-01-17T07:00:00Z", NULL },
		{ FRIDAY_NIGHT, "2026-01-17T21:30:00Z", "", "2026-01-23T21:00:00Z" },
		/* 29 March 2026: 2:00 is 3:00. 9 hours long */
		{ NIGHT, "2026-03-28T21:00:00Z", "2026-03-29T06:00:00Z", NULL },
		{ SKIPPED_BEGIN, "2026-03-29T00:59:59Z", "", "2026-03-29T01:00:00Z" },
		{ SKIPPED_BEGIN, "2026-03-29T01:00:00Z", "2026-03-29T04:00:00Z", NULL },
		{ SKIPPED_END, "2026-03-29T00:59:59Z", "2026-03-29T01:00:00Z", NULL },
		{ SKIPPED_END, "2026-03-29T01:00:00Z", "", "2026-03-29T20:00:00Z" },
		{ SKIPPED_BOTH, "2026-03-29T01:00:00Z", "", "2026-03-30T00:10:00Z" },
		{ WEEKEND, "2026-03-28T12:00:00Z", "2026-03-29T22:00:00Z", NULL },
		/* 25 October 2026: 3:00 is 2:00. 11 hours long */
		{ NIGHT, "2026-10-24T20:00:00Z", "2026-10-25T07:00:00Z", NULL },
		{ SKIPPED_END, "2026-10-25T00:29:59Z", "2026-10-25T00:30:00Z", NULL },
		{ SKIPPED_END, "2026-10-25T01:15:00Z", "", "2026-10-25T21:00:00Z" },
		{ SKIPPED_BEGIN, "2026-10-25T01:10:00Z", "2026-10-25T05:00:00Z", NULL },
		{ WEEKEND, "2026-10-24T12:00:00Z", "2026-10-25T23:00:00Z", NULL },
		/* by the rule, not the table */
		{ NIGHT, "2092-03-29T21:00:00Z", "2092-03-30T06:00:00Z", NULL },
		/* before 1970, for clocks that are wrong */
		{ NIGHT, "1960-01-14T21:00:00Z", "1960-01-15T07:00:00Z", NULL },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct quiet_hours quiet = read_quiet(cases[i].json);
		struct quiet_span span;
		struct zone *zone = NULL;
		const char *changes = cases[i].changes ? cases[i].changes : cases[i].until;

		cr_assert_eq(zone_open(ZONE_FOLDER, str_of(quiet.zone), &zone), 0);
		span = quiet_hours_look(&quiet, zone, time_of(cases[i].now));
		cr_expect_eq(span.until_us, time_of(cases[i].until), "case %zu: until, %lld s off",
			     i, (long long)(span.until_us - time_of(cases[i].until)) / 1000000);
		cr_expect_eq(span.changes_us, time_of(changes), "case %zu: changes, %lld s off", i,
			     (long long)(span.changes_us - time_of(changes)) / 1000000);
		zone_close(zone);
	}
}

#define TEN(x)    x x x x x x x x x x
#define LONG_ZONE TEN(TEN("abc"))
#define TIMES     "\"from\":\"22:00\",\"to\":\"08:00\""

Test(quiet_hours, that_make_no_sense_are_refused_by_the_name_of_the_member)
{
	static const struct {
		const char *json, *field, *says;
	} cases[] = {
		{ "[]", "quiet", "must be a JSON object" },
		{ "7", "quiet", "must be a JSON object" },
		{ BERLIN(TIMES ",\"color\":\"red\""), "quiet", "no member \"color\"" },
		{ "{" TIMES "}", "quiet.zone", "is required" },
		{ "{\"zone\":7," TIMES "}", "quiet.zone", "such as Europe/Berlin" },
		{ "{\"zone\":\"Mars/Olympus\"," TIMES "}", "quiet.zone",
		  "has no time zone \"Mars/Olympus\"" },
		{ "{\"zone\":\"" LONG_ZONE "\"," TIMES "}", "quiet.zone",
		  "quiet.zone has 300 bytes" },
		{ BERLIN("\"to\":\"08:00\""), "quiet.from", "from 00:00 to 23:59" },
		{ BERLIN("\"from\":\"22:00\""), "quiet.to", "from 00:00 to 23:59" },
		{ BERLIN("\"from\":\"24:00\",\"to\":\"08:00\""), "quiet.from", "23:59" },
		{ BERLIN("\"from\":\"22:60\",\"to\":\"08:00\""), "quiet.from", "23:59" },
		{ BERLIN("\"from\":\"22:00\",\"to\":\"8:00\""), "quiet.to", "23:59" },
		{ BERLIN("\"from\":\"22:00\",\"to\":\"0a:00\""), "quiet.to", "23:59" },
		{ BERLIN(TIMES ",\"days\":[]"), "quiet.days", "mon, tue" },
		{ BERLIN(TIMES ",\"days\":[\"monday\"]"), "quiet.days", "mon, tue" },
		{ BERLIN(TIMES ",\"days\":\"mon\""), "quiet.days", "mon, tue" },
		{ BERLIN(TIMES ",\"let_through\":[\"all\"]"), "quiet.let_through", "failures" },
		{ BERLIN(TIMES ",\"let_through\":\"failures\""), "quiet.let_through", "failures" },
		{ BERLIN("\"from\":\"22:00\",\"to\":\"22:00\""), "quiet", "would never end" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct reason why = { .field = "", .text = "" };
		struct quiet_hours quiet;
		cJSON *tree = NULL;
		int rc;

		cr_assert_eq(json_parse(str_of(cases[i].json), 4096, &tree, NULL), 0);
		rc = quiet_hours_read(tree, &quiet, &why);
		if (rc == 0)
			rc = quiet_hours_check(&quiet, &why);
		cr_expect_eq(rc, -EINVAL, "%s", cases[i].json);
		cr_expect_str_eq(why.field, cases[i].field, "%s", cases[i].json);
		cr_expect(strstr(why.text, cases[i].says), "%s", why.text);
		cJSON_Delete(tree);
	}
}
