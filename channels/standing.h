/* SPDX-License-Identifier: Apache-2.0 */

/*
 * How a channel stands: its breaker, and whether it is disabled. Pure but for the last section: time
 * and verdict are arguments (wall clock, microseconds). Kept in channel_state, so that a restart
 * neither hammers a dead destination nor forgets since when it is dead. docs/notes/delivery.md
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
#include "core/uuid.h"
#include "providers/provider.h"
#include "store/store.h"

#define STANDING_FAILURES   5 /* in a row open the breaker */
#define STANDING_FIRST_US   (INT64_C(30) * 1000000)
#define STANDING_LONGEST_US (INT64_C(600) * 1000000)
#define STANDING_GIVE_UP_US (INT64_C(5) * 86400 * 1000000)
#define STANDING_GIVE_UP    10 /* failures it takes at least, so that no leap of the clock will do */
#define STANDING_DISABLING  2  /* disabling answers in a row */

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
 * set back never makes it wait longer than STANDING_LONGEST_US: an opening that would last longer
 * is over. */
int64_t standing_wait_us(const struct standing *standing, int64_t now_us);

/* Counts an attempt's verdict. A throttled answer (429) is no failure of the destination; a message
 * refused for good is one. VERDICT_REFORM and VERDICT_REBIND count as nothing, since another attempt
 * follows at once. `sentence` (may be NULL) says what came back, for disabled_reason. True when the
 * channel has just become disabled. */
bool standing_apply(struct standing *standing, const struct verdict *verdict, const char *sentence,
		    int64_t now_us) must_check;

/* As new, for a channel that is enabled or got other settings. */
void standing_reset(struct standing *standing);

/* ---- in channel_state ------------------------------------------------------------------- */

/* For a SELECT of one's own, and to read what it gave from column `first` on. */
#define STANDING_COLUMNS                                                                   \
	"failures, disabling, breaker_opened, breaker_until, failing_since, disabled_at, " \
	"disabled_reason"
void standing_read(const struct db_row *row, int first, struct standing *out);

/* For write jobs: locks the channel's row until the transaction ends, so that what an owner changes
 * meanwhile is not undone by standing_store(). As new when there is no row. */
int standing_load(struct db *db, const struct uuid *channel, struct standing *out) must_check;

/* What is kept of the last attempt besides. */
struct standing_note {
	int64_t success_us; /* 0: no success, the stored one stays */
	int64_t error_us;   /* 0: no error, the stored one stays */
	struct str error;   /* UTF-8 without NUL */
};

/* Without a row (the channel was removed) nothing is written. `note` may be NULL. */
int standing_store(struct db *db, const struct uuid *channel, const struct standing *standing,
		   const struct standing_note *note, int64_t now_us) must_check;

#endif
