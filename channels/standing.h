/* SPDX-License-Identifier: Apache-2.0 */

/*
 * How a channel stands: its breaker, and whether it is disabled. Pure: time and verdict are
 * arguments (wall clock, microseconds). Kept in channel_state, so that a restart neither hammers a
 * dead destination nor forgets since when it is dead. docs/notes/delivery.md
 *
 *   CLOSED --(STANDING_FAILURES failures in a row)--> OPEN --(its time is up)--> PROBING
 *     ^  ^                                             ^                           |  |
 *     |  |                                             +--(failed, longer)---------+  |
 *     |  +--------------------------------(success)-----------------------------------+
 *     |
 *     +--(enabled by an owner)-- DISABLED <--(two disabling answers in a row, one final one,
 *                                             or nothing but failure for 5 days: from any state)
 */
#ifndef CHANNELS_STANDING_H
#define CHANNELS_STANDING_H

#include <stdbool.h>
#include <stdint.h>

#include "core/attributes.h"
#include "providers/provider.h"

#define STANDING_FAILURES   5 /* in a row open the breaker */
#define STANDING_FIRST_US   (INT64_C(30) * 1000000)
#define STANDING_LONGEST_US (INT64_C(600) * 1000000)
#define STANDING_GIVE_UP_US (INT64_C(5) * 86400 * 1000000)
#define STANDING_DISABLING  2 /* disabling answers in a row */

enum standing_state { STANDING_CLOSED, STANDING_OPEN, STANDING_PROBING, STANDING_DISABLED };

/* The columns of channel_state; times are 0 when not set. */
struct standing {
	unsigned failures;
	unsigned disabling;
	unsigned opened; /* times in a row */
	int64_t open_until_us;
	int64_t failing_since_us;
	int64_t disabled_us;
	char disabled_reason[160];
};

/* "closed", "open", "probing", "disabled": what owners see. */
const char *standing_name(enum standing_state state);
enum standing_state standing_state(const struct standing *standing, int64_t now_us);

/* When the channel may be sent to: 0 for now, a later time, INT64_MAX when disabled. A clock that was
 * set back never makes it wait longer than STANDING_LONGEST_US. */
int64_t standing_wait_us(const struct standing *standing, int64_t now_us);

/* Counts an attempt's verdict. A throttled answer (429) is no failure of the destination. `sentence`
 * says what came back, for disabled_reason. True when the channel has just become disabled. */
bool standing_apply(struct standing *standing, const struct verdict *verdict, const char *sentence,
		    int64_t now_us) must_check;

/* As new, for a channel that is enabled or got other settings. */
void standing_reset(struct standing *standing);

#endif
