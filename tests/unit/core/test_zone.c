/* SPDX-License-Identifier: Apache-2.0 */

/* Time zones of the system: offsets from tables and rules, and local times as moments. */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/rfc3339.h"
#include "core/zone.h"

static int64_t seconds(const char *text)
{
	int64_t us = 0;

	cr_assert_eq(rfc3339_parse(str_of(text), &us), 0, "%s", text);
	return us / 1000000;
}

static struct zone *open_zone(const char *name)
{
	struct zone *zone = NULL;

	cr_assert_eq(zone_open(ZONE_FOLDER, str_of(name), &zone), 0, "%s", name);
	return zone;
}

Test(zone, is_ahead_of_utc_by_its_table_and_then_by_its_rule)
{
	static const struct {
		const char *name, *utc;
		int64_t offset_s;
	} cases[] = {
		{ "UTC", "2026-01-01T00:00:00Z", 0 },
		{ "Europe/Berlin", "1880-01-01T00:00:00Z", 3208 },
		{ "Europe/Berlin", "2026-03-29T00:59:59Z", 3600 },
		{ "Europe/Berlin", "2026-03-29T01:00:00Z", 7200 },
		{ "Europe/Berlin", "2026-10-25T00:59:59Z", 7200 },
		{ "Europe/Berlin", "2026-10-25T01:00:00Z", 3600 },
		{ "Europe/Berlin", "2092-03-30T00:59:59Z", 3600 },
		{ "Europe/Berlin", "2092-03-30T01:00:00Z", 7200 },
		{ "Europe/Berlin", "2092-10-26T00:59:59Z", 7200 },
		{ "Europe/Berlin", "2092-10-26T01:00:00Z", 3600 },
		{ "America/New_York", "2026-07-01T00:00:00Z", -4 * 3600 },
		{ "America/New_York", "2090-12-01T00:00:00Z", -5 * 3600 },
		{ "Australia/Lord_Howe", "2026-01-01T00:00:00Z", 11 * 3600 },
		{ "Australia/Lord_Howe", "2090-07-01T00:00:00Z", 10 * 3600 + 1800 },
		{ "Asia/Kathmandu", "2026-01-01T00:00:00Z", 5 * 3600 + 2700 },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct zone *zone = open_zone(cases[i].name);

		cr_expect_eq(zone_offset(zone, seconds(cases[i].utc)), cases[i].offset_s,
			     "%s at %s: %lld", cases[i].name, cases[i].utc,
			     (long long)zone_offset(zone, seconds(cases[i].utc)));
		zone_close(zone);
	}
}

Test(zone, makes_a_local_time_the_first_moment_at_which_its_clocks_show_it)
{
	static const struct {
		const char *name, *local, *utc;
	} cases[] = {
		{ "UTC", "2026-05-05T22:00:00Z", "2026-05-05T22:00:00Z" },
		{ "Europe/Berlin", "2026-01-05T08:00:00Z", "2026-01-05T07:00:00Z" },
		{ "Europe/Berlin", "2026-07-05T08:00:00Z", "2026-07-05T06:00:00Z" },
		/* skipped: 02:00 to 03:00 */
		{ "Europe/Berlin", "2026-03-29T01:59:59Z", "2026-03-29T00:59:59Z" },
		{ "Europe/Berlin", "2026-03-29T02:00:00Z", "2026-03-29T01:00:00Z" },
		{ "Europe/Berlin", "2026-03-29T02:30:00Z", "2026-03-29T01:00:00Z" },
		{ "Europe/Berlin", "2026-03-29T03:00:00Z", "2026-03-29T01:00:00Z" },
		/* twice: 02:00 to 03:00 */
		{ "Europe/Berlin", "2026-10-25T02:00:00Z", "2026-10-25T00:00:00Z" },
		{ "Europe/Berlin", "2026-10-25T02:30:00Z", "2026-10-25T00:30:00Z" },
		{ "Europe/Berlin", "2026-10-25T03:00:00Z", "2026-10-25T02:00:00Z" },
		/* by the rule */
		{ "Europe/Berlin", "2092-03-30T02:30:00Z", "2092-03-30T01:00:00Z" },
		{ "Europe/Berlin", "2092-10-26T02:30:00Z", "2092-10-26T00:30:00Z" },
		/* half an hour */
		{ "Australia/Lord_Howe", "2026-10-04T02:15:00Z", "2026-10-03T15:30:00Z" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct zone *zone = open_zone(cases[i].name);
		int64_t utc_s = zone_to_utc(zone, seconds(cases[i].local));

		cr_expect_eq(utc_s, seconds(cases[i].utc), "%s %s: %lld s off", cases[i].name,
			     cases[i].local, (long long)(utc_s - seconds(cases[i].utc)));
		zone_close(zone);
	}
}

Test(zone, that_the_system_does_not_have_is_not_found)
{
	static const char *const names[] = {
		"",       "Mars/Olympus", "../zoneinfo/UTC", "/etc/passwd",
		"Europe", "Europe/",      "Europe/Berlin ",  "."
	};
	struct zone *zone = NULL;

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		cr_expect_eq(zone_open(ZONE_FOLDER, str_of(names[i]), &zone), -ENOENT, "\"%s\"",
			     names[i]);
	cr_expect_eq(zone_open("/etc", STR("passwd"), &zone), -EBADMSG);
	cr_expect_null(zone);
	zone_close(NULL);
}

static size_t read_berlin(char bytes[8192])
{
	FILE *file = fopen(ZONE_FOLDER "/Europe/Berlin", "re");
	size_t len;

	cr_assert_not_null(file);
	len = fread(bytes, 1, 8192, file);
	fclose(file);
	return len;
}

/* Under the sanitizers a byte too many is found. */
Test(zone, that_is_cut_or_damaged_is_refused_or_read_and_nothing_else)
{
	char *bytes = malloc(8192);
	size_t len = read_berlin(bytes);
	struct zone *zone = NULL;

	for (size_t cut = 0; cut < len; cut++) {
		char *copy = malloc(cut ? cut : 1);

		memcpy(copy, bytes, cut);
		cr_expect_eq(zone_parse((struct str){ .at = copy, .len = cut }, &zone), -EBADMSG,
			     "%zu of %zu bytes", cut, len);
		free(copy);
	}
	for (size_t at = 0; at < len; at++) {
		char before = bytes[at];

		bytes[at] = (char)0xff;
		if (zone_parse((struct str){ .at = bytes, .len = len }, &zone) == 0)
			zone_close(zone);
		bytes[at] = before;
	}
	free(bytes);
}
