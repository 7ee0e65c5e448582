/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Hours in which a channel is silent, as JSON: {"zone":"Europe/Berlin","from":"22:00","to":"08:00",
 * "days":["mon","tue"],"let_through":["failures"]}. `days` are those on which the hours begin (all
 * when absent). With `to` at or before `from` they end on the next day.
 */
#ifndef CORE_QUIET_HOURS_H
#define CORE_QUIET_HOURS_H

#include <stdbool.h>
#include <stdint.h>

#include "core/attributes.h"
#include "core/json.h"
#include "core/zone.h"

/* All zero: there are none. */
struct quiet_hours {
	char zone[ZONE_NAME_SIZE];
	int from_min; /* after midnight by the zone's clocks */
	int to_min;
	unsigned days; /* bit 0 is Sunday */
	bool lets_failures_through;
};

/* 0, or -EINVAL with the fault in *why. Does not check that the zone exists. */
int quiet_hours_read(const cJSON *object, struct quiet_hours *out, struct reason *why) must_check;
/* -EINVAL with *why when the system has no such zone, -ENOMEM. */
int quiet_hours_check(const struct quiet_hours *quiet, struct reason *why) must_check;

struct quiet_span {
	int64_t until_us;   /* when the current quiet hours end; 0: there are none now */
	int64_t changes_us; /* when the answer may change */
};

struct quiet_span quiet_hours_look(const struct quiet_hours *quiet, const struct zone *zone,
				   int64_t now_us);

#endif
