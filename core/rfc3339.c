/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Times and durations as text. timegm() and gmtime_r() know the calendar; neither looks at the zone
 * or the locale. Text that is not exactly a time is refused.
 */
#include "core/rfc3339.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <time.h>

#define DAY_S       INT64_C(86400)
#define SECOND_US   INT64_C(1000000)
#define FIRST_S     INT64_C(-62135596800) /* 0001-01-01 00:00:00 */
#define LAST_S      INT64_C(253402300799) /* 9999-12-31 23:59:59 */
#define TEN_YEARS_S (3650 * DAY_S)

struct civil {
	int year, month, day;
	int hour, minute, second;
	int us;
	int offset_s; /* east of UTC */
};

static int civil_to_us(const struct civil *c, int64_t *out_us)
{
	struct tm parts = { .tm_year = c->year - 1900,
			    .tm_mon = c->month - 1,
			    .tm_mday = c->day,
			    .tm_hour = c->hour,
			    .tm_min = c->minute,
			    .tm_sec = c->second == 60 ? 59 : c->second };
	int64_t total_s;

	if (c->year < 1 || c->hour > 23 || c->minute > 59 || c->second > 60)
		return -EINVAL;
	total_s = (int64_t)timegm(&parts) - c->offset_s;
	/* timegm() turns a day that the month does not have into a day of another month. */
	if (parts.tm_mon != c->month - 1)
		return -EINVAL;
	if (total_s < FIRST_S || total_s > LAST_S)
		return -EINVAL; /* with the offset the time is outside the years we accept */
	*out_us = total_s * SECOND_US + c->us;
	return 0;
}

/* Reads exactly `count` digits and advances. */
static bool take_digits(struct str *rest, size_t count, int *out)
{
	int number = 0;

	if (rest->len < count)
		return false;
	for (size_t i = 0; i < count; i++) {
		if (rest->at[i] < '0' || rest->at[i] > '9')
			return false;
		number = number * 10 + (rest->at[i] - '0');
	}
	*rest = str_from(*rest, count);
	*out = number;
	return true;
}

static bool take_one_of(struct str *rest, const char *accepted)
{
	if (rest->len == 0 || rest->at[0] == '\0' || !strchr(accepted, rest->at[0]))
		return false;
	*rest = str_from(*rest, 1);
	return true;
}

static bool take_time(struct str *rest, struct civil *c)
{
	return take_digits(rest, 2, &c->hour) && take_one_of(rest, ":") &&
	       take_digits(rest, 2, &c->minute) && take_one_of(rest, ":") &&
	       take_digits(rest, 2, &c->second);
}

static bool take_date_time(struct str *rest, struct civil *c)
{
	return take_digits(rest, 4, &c->year) && take_one_of(rest, "-") &&
	       take_digits(rest, 2, &c->month) && take_one_of(rest, "-") &&
	       take_digits(rest, 2, &c->day) && take_one_of(rest, "Tt ") && take_time(rest, c);
}

static bool take_fraction(struct str *rest, struct civil *c)
{
	int digit;
	int digits = 0;

	if (!take_one_of(rest, "."))
		return true;
	while (take_digits(rest, 1, &digit)) {
		if (++digits <= 6)
			c->us = c->us * 10 + digit;
	}
	for (int i = digits; i < 6; i++)
		c->us *= 10;
	return digits >= 1 && digits <= 9;
}

static bool take_offset(struct str *rest, struct civil *c, bool minutes_required)
{
	int hours;
	int minutes = 0;

	if (take_one_of(rest, "Zz"))
		return true;
	bool west = rest->len && rest->at[0] == '-';

	if (!take_one_of(rest, "+-") || !take_digits(rest, 2, &hours))
		return false;
	if (minutes_required || rest->len) {
		if (!take_one_of(rest, ":") || !take_digits(rest, 2, &minutes))
			return false;
	}
	c->offset_s = (hours * 60 + minutes) * 60 * (west ? -1 : 1);
	return hours <= 23 && minutes <= 59;
}

static int parse_time(struct str text, bool minutes_required, int64_t *out_us)
{
	struct civil c = { .year = 0 };

	if (!take_date_time(&text, &c) || !take_fraction(&text, &c) ||
	    !take_offset(&text, &c, minutes_required) || text.len)
		return -EINVAL;
	return civil_to_us(&c, out_us);
}

int rfc3339_parse(struct str text, int64_t *out_us)
{
	return parse_time(text, true, out_us);
}

int rfc3339_parse_sql(struct str text, int64_t *out_us)
{
	return parse_time(text, false, out_us);
}

int rfc3339_parse_zoneless(struct str text, int64_t *out_us)
{
	struct civil c = { .year = 0 };

	if (!take_date_time(&text, &c) || !take_fraction(&text, &c) || text.len)
		return -EINVAL;
	return civil_to_us(&c, out_us);
}

bool rfc3339_is_strict(struct str text)
{
	const size_t separator = sizeof("2026-05-24") - 1;
	const size_t second = sizeof("2026-05-24T05:02:") - 1;
	int64_t us;

	return rfc3339_parse(text, &us) == 0 && text.at[separator] == 'T' &&
	       text.at[text.len - 1] != 'z' && text.at[second] != '6';
}

/* Writes `count` digits and a suffix, and returns the end. Each event has several times, and
 * snprintf costs more than everything else that is done with one. */
static char *put_number(char *out, int number, int digits, char next)
{
	for (int i = digits - 1; i >= 0; i--) {
		out[i] = (char)('0' + number % 10);
		number /= 10;
	}
	out[digits] = next;
	return out + digits + 1;
}

void rfc3339_format(int64_t us, int fraction_digits, char out[RFC3339_TEXT_SIZE])
{
	const int64_t first_us = FIRST_S * SECOND_US;
	const int64_t last_us = LAST_S * SECOND_US + SECOND_US - 1;
	struct tm parts;
	time_t whole_s;
	int fraction_us;

	assert(fraction_digits == 0 || fraction_digits == 6);
	if (us < first_us)
		us = first_us;
	if (us > last_us)
		us = last_us;
	/* Counted from year 1, so that the division rounds down. */
	whole_s = (time_t)((us - first_us) / SECOND_US + FIRST_S);
	fraction_us = (int)((us - first_us) % SECOND_US);
	gmtime_r(&whole_s, &parts);
	out = put_number(out, parts.tm_year + 1900, 4, '-');
	out = put_number(out, parts.tm_mon + 1, 2, '-');
	out = put_number(out, parts.tm_mday, 2, 'T');
	out = put_number(out, parts.tm_hour, 2, ':');
	out = put_number(out, parts.tm_min, 2, ':');
	out = put_number(out, parts.tm_sec, 2, fraction_digits == 6 ? '.' : 'Z');
	if (fraction_digits == 6)
		out = put_number(out, fraction_us, 6, 'Z');
	*out = '\0';
}

int duration_parse(struct str text, int64_t *out_ms)
{
	unsigned long long count;
	int64_t unit_s;

	if (text.len == 0)
		return -EINVAL;
	switch (text.at[--text.len]) {
	case 's':
		unit_s = 1;
		break;
	case 'm':
		unit_s = 60;
		break;
	case 'h':
		unit_s = 3600;
		break;
	case 'd':
		unit_s = DAY_S;
		break;
	default:
		return -EINVAL;
	}
	if (!str_to_u64(text, &count) || count > (unsigned long long)(TEN_YEARS_S / unit_s))
		return -EINVAL;
	*out_ms = (int64_t)count * unit_s * 1000;
	return 0;
}

/* Reads one of a list of three-letter words; returns its place in the list, from 0. */
static bool take_name(struct str *rest, const char *names, int *out)
{
	if (rest->len < 3)
		return false;
	for (int i = 0; names[i * 3]; i++) {
		if (memcmp(names + i * 3, rest->at, 3) == 0) {
			*rest = str_from(*rest, 3);
			*out = i;
			return true;
		}
	}
	return false;
}

#define MONTHS "JanFebMarAprMayJunJulAugSepOctNovDec"
#define DAYS   "MonTueWedThuFriSatSun"

/* "24 May 2026 05:02:08 GMT" */
static bool take_fixed_date(struct str *rest, struct civil *c)
{
	return take_one_of(rest, " ") && take_digits(rest, 2, &c->day) && take_one_of(rest, " ") &&
	       take_name(rest, MONTHS, &c->month) && take_one_of(rest, " ") &&
	       take_digits(rest, 4, &c->year) && take_one_of(rest, " ") && take_time(rest, c) &&
	       str_is(*rest, " GMT");
}

/* "24-May-26 05:02:08 GMT", the form of RFC 850. A year of two digits is between 1970 and 2069:
 * nothing written in this form is older. */
static bool take_old_date(struct str *rest, struct civil *c)
{
	bool is_read = take_one_of(rest, " ") && take_digits(rest, 2, &c->day) &&
		       take_one_of(rest, "-") && take_name(rest, MONTHS, &c->month) &&
		       take_one_of(rest, "-") && take_digits(rest, 2, &c->year) &&
		       take_one_of(rest, " ") && take_time(rest, c) && str_is(*rest, " GMT");

	c->year += c->year < 70 ? 2000 : 1900;
	return is_read;
}

/* "May 24 05:02:08 2026", the form of asctime(); a day of one digit has a space before it. */
static bool take_c_date(struct str *rest, struct civil *c)
{
	if (!take_name(rest, MONTHS, &c->month) || !take_one_of(rest, " "))
		return false;
	return (take_one_of(rest, " ") ? take_digits(rest, 1, &c->day)
				       : take_digits(rest, 2, &c->day)) &&
	       take_one_of(rest, " ") && take_time(rest, c) && take_one_of(rest, " ") &&
	       take_digits(rest, 4, &c->year) && rest->len == 0;
}

/* Whether the rest of a weekday's full name follows its first three letters. */
static bool take_day_end(struct str *rest, int weekday)
{
	static const char *const ends[] = {
		"day", "sday", "nesday", "rsday", "day", "urday", "day"
	};
	struct str end = str_of(ends[weekday]);

	if (!str_starts(*rest, end))
		return false;
	*rest = str_from(*rest, end.len);
	return true;
}

/* The weekday must be a valid name. It is not checked against the date, which is complete without
 * it. */
int http_date_parse(struct str text, int64_t *out_us)
{
	struct civil c = { .year = 0 };
	bool is_read;
	int weekday;

	if (!take_name(&text, DAYS, &weekday))
		return -EINVAL;
	if (take_one_of(&text, " "))
		is_read = take_c_date(&text, &c);
	else if (take_day_end(&text, weekday))
		is_read = take_one_of(&text, ",") && take_old_date(&text, &c);
	else
		is_read = take_one_of(&text, ",") && take_fixed_date(&text, &c);
	if (!is_read)
		return -EINVAL;
	c.month++;
	return civil_to_us(&c, out_us);
}
