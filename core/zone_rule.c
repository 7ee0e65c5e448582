/* SPDX-License-Identifier: Apache-2.0 */

/* Offsets in POSIX TZ count from local time to UTC, ours from UTC to local time. */
#include "core/zone_rule.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#define HOUR_S 3600
#define DAY_S  86400

/* ---- reading ------------------------------------------------------------------------------- */

static bool skip(struct str *text, char c)
{
	if (text->len == 0 || text->at[0] != c)
		return false;
	*text = str_from(*text, 1);
	return true;
}

static bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* "CET" or "<+0330>" */
static bool skip_name(struct str *text)
{
	size_t len = 0;

	if (skip(text, '<')) {
		while (text->len && text->at[0] != '>')
			*text = str_from(*text, 1);
		return skip(text, '>');
	}
	for (; text->len && is_letter(text->at[0]); len++)
		*text = str_from(*text, 1);
	return len >= 3;
}

static bool read_number(struct str *text, int max, int *out)
{
	int number = 0;
	size_t digits = 0;

	for (; text->len && text->at[0] >= '0' && text->at[0] <= '9'; digits++) {
		number = 10 * number + (text->at[0] - '0');
		if (number > max)
			return false;
		*text = str_from(*text, 1);
	}
	*out = number;
	return digits > 0;
}

/* "-1", "3:30", "+167:00:00" */
static bool read_time(struct str *text, int32_t *out)
{
	bool is_negative = skip(text, '-');
	int hours;
	int minutes = 0;
	int seconds = 0;

	if (!is_negative)
		(void)skip(text, '+');
	if (!read_number(text, 167, &hours))
		return false;
	if (skip(text, ':') && !read_number(text, 59, &minutes))
		return false;
	if (skip(text, ':') && !read_number(text, 59, &seconds))
		return false;
	*out = hours * HOUR_S + minutes * 60 + seconds;
	if (is_negative)
		*out = -*out;
	return true;
}

static bool read_weekday(struct str *text, struct zone_day *out)
{
	return read_number(text, 12, &out->month) && out->month > 0 && skip(text, '.') &&
	       read_number(text, 5, &out->week) && out->week > 0 && skip(text, '.') &&
	       read_number(text, 6, &out->number);
}

static bool read_day(struct str *text, struct zone_day *out)
{
	bool is_good;

	out->time_s = 2 * HOUR_S;
	if (!skip(text, ','))
		return false;
	if (skip(text, 'M')) {
		out->kind = 'M';
		is_good = read_weekday(text, out);
	} else {
		out->kind = skip(text, 'J') ? 'J' : 'n';
		is_good = read_number(text, 365, &out->number);
	}
	return is_good && (!skip(text, '/') || read_time(text, &out->time_s));
}

int zone_rule_parse(struct str text, struct zone_rule *out)
{
	struct zone_rule rule = { .has_rule = text.len > 0 };

	if (text.len == 0) {
		*out = rule;
		return 0;
	}
	if (!skip_name(&text) || !read_time(&text, &rule.standard_s))
		return -EINVAL;
	rule.standard_s = -rule.standard_s;
	rule.has_saving = text.len > 0;
	if (rule.has_saving) {
		if (!skip_name(&text))
			return -EINVAL;
		rule.saving_s = -(rule.standard_s + HOUR_S);
		if (text.len && text.at[0] != ',' && !read_time(&text, &rule.saving_s))
			return -EINVAL;
		rule.saving_s = -rule.saving_s;
		if (!read_day(&text, &rule.begin) || !read_day(&text, &rule.end))
			return -EINVAL;
	}
	if (text.len)
		return -EINVAL;
	*out = rule;
	return 0;
}

/* ---- asking -------------------------------------------------------------------------------- */

static int64_t day_of(int year, int month, int day)
{
	struct tm date = { .tm_year = year - 1900, .tm_mon = month - 1, .tm_mday = day };

	return timegm(&date) / DAY_S; /* years before 1970 have tables */
}

static bool is_leap(int year)
{
	return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

/* 1970-01-01 was a Thursday. */
static int64_t weekday_of(int64_t day)
{
	return (day + 4) % 7;
}

static int64_t find_weekday(const struct zone_day *rule, int year)
{
	int64_t first = day_of(year, rule->month, 1);
	int64_t after = day_of(year, rule->month + 1, 1); /* timegm() accepts a month 13 */
	int64_t day = first + (rule->number - weekday_of(first) + 7) % 7 + 7 * (rule->week - 1);

	return day < after ? day : day - 7;
}

/* In seconds of the local clock. */
static int64_t find_local(const struct zone_day *rule, int year)
{
	int64_t day = day_of(year, 1, 1) + rule->number;

	if (rule->kind == 'M')
		day = find_weekday(rule, year);
	else if (rule->kind == 'J') /* day 60 is 1 March in every year */
		day -= rule->number < 60 || !is_leap(year);
	return day * DAY_S + rule->time_s;
}

int64_t zone_rule_offset(const struct zone_rule *rule, int64_t utc_s)
{
	time_t local = utc_s + rule->standard_s;
	struct tm date;
	int64_t begin_s;
	int64_t end_s;
	bool is_saving;

	if (!rule->has_saving || !gmtime_r(&local, &date))
		return rule->standard_s;
	begin_s = find_local(&rule->begin, date.tm_year + 1900) - rule->standard_s;
	end_s = find_local(&rule->end, date.tm_year + 1900) - rule->saving_s;
	if (begin_s < end_s)
		is_saving = utc_s >= begin_s && utc_s < end_s;
	else
		is_saving = utc_s < end_s || utc_s >= begin_s;
	return is_saving ? rule->saving_s : rule->standard_s;
}
