/* SPDX-License-Identifier: Apache-2.0 */

/* The hours of each day are converted to UTC first. So adjacent hours, such as whole days, join
 * into one span, and only zone_to_utc() deals with daylight saving. */
#include "core/quiet_hours.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define DAY_S     INT64_C(86400)
#define SECOND_US INT64_C(1000000)
#define DAY_MIN   1440
#define WEEK      7
#define ALL_DAYS  0x7fu

static const char *const day_names[WEEK] = { "sun", "mon", "tue", "wed", "thu", "fri", "sat" };
static const char *const members[] = { "zone", "from", "to", "days", "let_through", NULL };

/* ---- reading ------------------------------------------------------------------------------- */

static int read_zone(const cJSON *object, struct quiet_hours *out, struct reason *why)
{
	struct str name = str_of(json_get_string(object, "zone"));

	if (name.len == 0)
		return reason_set(why, -EINVAL, "quiet.zone",
				  "quiet.zone is required and must be a time zone such as "
				  "Europe/Berlin");
	if (name.len >= sizeof(out->zone))
		return reason_set(why, -EINVAL, "quiet.zone",
				  "quiet.zone has %zu bytes, but no time zone has a name of more "
				  "than %zu; use a name such as Europe/Berlin",
				  name.len, sizeof(out->zone) - 1);
	snprintf(out->zone, sizeof(out->zone), "%.*s", STR_ARGS(name));
	return 0;
}

static int digit(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : 100;
}

static int read_clock(const cJSON *object, const char *name, int *out, struct reason *why)
{
	struct str text = str_of(json_get_string(object, name));
	char field[16];
	int hours;
	int minutes;

	snprintf(field, sizeof(field), "quiet.%s", name);
	if (text.len != 5 || text.at[2] != ':')
		goto fail;
	hours = 10 * digit(text.at[0]) + digit(text.at[1]);
	minutes = 10 * digit(text.at[3]) + digit(text.at[4]);
	if (hours > 23 || minutes > 59)
		goto fail;
	*out = 60 * hours + minutes;
	return 0;
fail:
	return reason_set(why, -EINVAL, field,
			  "%s is required and must be a time from 00:00 to 23:59, such as 08:30",
			  field);
}

static bool read_day(const cJSON *item, unsigned *days)
{
	for (unsigned i = 0; i < WEEK; i++) {
		if (cJSON_IsString(item) && strcmp(item->valuestring, day_names[i]) == 0) {
			*days |= 1u << i;
			return true;
		}
	}
	return false;
}

static int read_days(const cJSON *list, struct quiet_hours *out, struct reason *why)
{
	const cJSON *item;
	bool is_good = !list || (cJSON_IsArray(list) && list->child);

	cJSON_ArrayForEach(item, list) is_good = is_good && read_day(item, &out->days);
	if (!list)
		out->days = ALL_DAYS;
	if (is_good)
		return 0;
	return reason_set(why, -EINVAL, "quiet.days",
			  "quiet.days must be a list of mon, tue, wed, thu, fri, sat and sun");
}

static int read_exceptions(const cJSON *list, struct quiet_hours *out, struct reason *why)
{
	const cJSON *item;
	bool is_good = !list || cJSON_IsArray(list);

	cJSON_ArrayForEach(item, list)
	{
		is_good = is_good && cJSON_IsString(item) &&
			  strcmp(item->valuestring, "failures") == 0;
		out->lets_failures_through = true;
	}
	if (is_good)
		return 0;
	return reason_set(why, -EINVAL, "quiet.let_through",
			  "quiet.let_through must be [\"failures\"], or an empty list");
}

int quiet_hours_read(const cJSON *object, struct quiet_hours *out, struct reason *why)
{
	struct quiet_hours quiet = { .days = 0 };
	int rc = json_check_object(object, members, "quiet", why);

	if (rc == 0)
		rc = read_zone(object, &quiet, why);
	if (rc == 0)
		rc = read_clock(object, "from", &quiet.from_min, why);
	if (rc == 0)
		rc = read_clock(object, "to", &quiet.to_min, why);
	if (rc == 0)
		rc = read_days(json_get(object, "days"), &quiet, why);
	if (rc == 0)
		rc = read_exceptions(json_get(object, "let_through"), &quiet, why);
	if (rc == 0 && quiet.from_min == quiet.to_min && quiet.days == ALL_DAYS)
		rc = reason_set(why, -EINVAL, "quiet",
				"these quiet hours would never end: from and to are the same on "
				"every day; to stop a channel for a while, snooze it");
	if (rc == 0)
		*out = quiet;
	return rc;
}

int quiet_hours_check(const struct quiet_hours *quiet, struct reason *why)
{
	struct zone *zone = NULL;
	int rc = zone_open(ZONE_FOLDER, str_of(quiet->zone), &zone);

	zone_close(zone);
	if (rc == 0 || rc == -ENOMEM)
		return rc;
	return reason_set(why, -EINVAL, "quiet.zone",
			  "the system's tzdata has no time zone \"%s\"; use a name such as "
			  "Europe/Berlin",
			  quiet->zone);
}

/* ---- asking -------------------------------------------------------------------------------- */

struct span {
	int64_t begin_s;
	int64_t end_s;
};

/* The quiet hours that begin on a local day; false when none do. */
static bool span_of(const struct quiet_hours *quiet, const struct zone *zone, int64_t day,
		    struct span *out)
{
	int64_t weekday = ((day + 4) % WEEK + WEEK) % WEEK; /* 1970-01-01 was a Thursday */
	int length_min = quiet->to_min - quiet->from_min;
	int64_t begin_s = day * DAY_S + quiet->from_min * 60;

	if ((quiet->days & 1u << weekday) == 0)
		return false;
	if (length_min <= 0)
		length_min += DAY_MIN;
	out->begin_s = zone_to_utc(zone, begin_s);
	out->end_s = zone_to_utc(zone, begin_s + length_min * 60);
	return true;
}

static int64_t day_of(const struct zone *zone, int64_t utc_s)
{
	int64_t local_s = utc_s + zone_offset(zone, utc_s);

	return (local_s - ((local_s % DAY_S) + DAY_S) % DAY_S) / DAY_S;
}

/* The end of the quiet hours that contain utc_s, or 0. */
static int64_t end_of(const struct quiet_hours *quiet, const struct zone *zone, int64_t utc_s)
{
	int64_t today = day_of(zone, utc_s);
	struct span span;

	for (int64_t day = today - 2; day <= today + 1; day++) {
		if (span_of(quiet, zone, day, &span) && span.begin_s <= utc_s && utc_s < span.end_s)
			return span.end_s;
	}
	return 0;
}

static int64_t next_begin(const struct quiet_hours *quiet, const struct zone *zone, int64_t utc_s)
{
	int64_t today = day_of(zone, utc_s);
	struct span span;

	for (int64_t day = today - 1; day <= today + WEEK; day++) {
		if (span_of(quiet, zone, day, &span) && span.begin_s > utc_s)
			return span.begin_s;
	}
	return utc_s + DAY_S; /* look again then */
}

struct quiet_span quiet_hours_look(const struct quiet_hours *quiet, const struct zone *zone,
				   int64_t now_us)
{
	int64_t now_s = now_us / SECOND_US;
	int64_t end_s = end_of(quiet, zone, now_s);
	int64_t more_s = end_s;

	if (end_s == 0)
		return (struct quiet_span){ .changes_us =
						    next_begin(quiet, zone, now_s) * SECOND_US };
	/* Hours that begin before these end extend them. */
	for (int i = 0; i < WEEK && more_s; i++) {
		end_s = more_s;
		more_s = end_of(quiet, zone, end_s);
	}
	return (struct quiet_span){ .until_us = end_s * SECOND_US,
				    .changes_us = end_s * SECOND_US };
}
