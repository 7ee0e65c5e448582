/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The rule for years after a zone's table, as POSIX TZ writes it: "CET-1CEST,M3.5.0,M10.5.0/3".
 */
#ifndef CORE_ZONE_RULE_H
#define CORE_ZONE_RULE_H

#include <stdbool.h>
#include <stdint.h>

#include "core/attributes.h"
#include "core/str.h"

/* A day of every year, and the seconds after its midnight. */
struct zone_day {
	char kind;      /* 'M': a weekday of a month; 'J': a day without 29 February; 'n': from 0 */
	int month;      /* of 'M': 1 to 12 */
	int week;       /* 1 to 5, 5 is the last */
	int number;     /* of 'M' the weekday, 0 is Sunday; else the day */
	int32_t time_s; /* of the local clock before the change */
};

struct zone_rule {
	bool has_rule; /* false: the table's last offset holds for ever */
	bool has_saving;
	int32_t standard_s;
	int32_t saving_s;
	struct zone_day begin; /* of daylight saving */
	struct zone_day end;
};

/* 0, or -EINVAL. An empty text means no rule. */
int zone_rule_parse(struct str text, struct zone_rule *out) must_check;

/* The offset by the rule, which must exist. */
int64_t zone_rule_offset(const struct zone_rule *rule, int64_t utc_s);

#endif
