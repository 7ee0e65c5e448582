/* SPDX-License-Identifier: Apache-2.0 */

/*
 * How a channel stands: its breaker, and whether it is disabled. Pure but for the last section: time
 * and verdict are arguments (wall clock, microseconds). Kept in channel_state, so that a restart
 * neither hammers a dead destination nor forgets since when it is dead. docs/notes/delivery.md
 *
 *   CLOSED --(BREAKER_FAILURES failures in a row)--> OPEN --(its time is up)--> PROBING
 *     ^  ^                                             ^                           |  |
 *     |  |                                             +--(failed, longer)---------+  |
 *     |  +--------------------------------(success)-----------------------------------+
 *     |
 *     +--(enabled by an owner)-- DISABLED <--(two disabling answers in a row, one final one,
 *                                             or nothing but failure for 5 days: from any state)
 */
#ifndef DELIVERY_BREAKER_H
#define DELIVERY_BREAKER_H

#include <stdbool.h>
#include <stdint.h>

#include "core/attributes.h"
#include "core/uuid.h"
#include "providers/provider.h"
#include "store/store.h"

#define BREAKER_FAILURES   5 /* in a row open the breaker */
#define BREAKER_FIRST_US   (INT64_C(30) * 1000000)
#define BREAKER_LONGEST_US (INT64_C(600) * 1000000)
#define BREAKER_GIVE_UP_US (INT64_C(5) * 86400 * 1000000)
#define BREAKER_GIVE_UP    10 /* failures it takes at least, so that no leap of the clock will do */
#define BREAKER_DISABLING  2  /* disabling answers in a row */

enum breaker_state { BREAKER_CLOSED, BREAKER_OPEN, BREAKER_PROBING, BREAKER_DISABLED };

/* The columns of channel_state; times are 0 when not set. */
struct breaker {
	unsigned failures;
	unsigned disabling;
	unsigned opened; /* times in a row */
	int64_t open_until_us;
	int64_t failing_since_us;
	int64_t disabled_us;
	char disabled_reason[160];
};

/* "closed", "open", "probing", "disabled": what owners see. */
const char *breaker_name(enum breaker_state state);
enum breaker_state breaker_state(const struct breaker *breaker, int64_t now_us);

/* When the channel may be sent to: 0 for now, a later time, INT64_MAX when disabled. A clock that was
 * set back never makes it wait longer than BREAKER_LONGEST_US: an opening that would last longer
 * is over. */
int64_t breaker_wait_us(const struct breaker *breaker, int64_t now_us);

/* Counts an attempt's verdict. A throttled answer (429) is no failure of the destination; a message
 * refused for good is one. VERDICT_REFORM and VERDICT_REBIND count as nothing, since another attempt
 * follows at once. `sentence` (may be NULL) says what came back, for disabled_reason. True when the
 * channel has just become disabled. */
bool breaker_apply(struct breaker *breaker, const struct verdict *verdict, const char *sentence,
		   int64_t now_us) must_check;

/* As new, for a channel that is enabled or got other settings. */
void breaker_reset(struct breaker *breaker);

/* ---- in channel_state ------------------------------------------------------------------- */

/* For a SELECT of one's own, and to read what it gave from column `first` on. */
#define BREAKER_COLUMNS                                                                    \
	"failures, disabling, breaker_opened, breaker_until, failing_since, disabled_at, " \
	"disabled_reason"
void breaker_read(const struct db_row *row, int first, struct breaker *out);

/* For write jobs: locks the channel's row until the transaction ends, so that what an owner changes
 * meanwhile is not undone by breaker_store(). As new when there is no row. */
int breaker_load(struct db *db, const struct uuid *channel, struct breaker *out) must_check;

/* What is kept of the last attempt besides. */
struct breaker_note {
	int64_t success_us; /* 0: no success, the stored one stays */
	int64_t error_us;   /* 0: no error, the stored one stays */
	struct str error;   /* UTF-8 without NUL */
};

/* Without a row (the channel was removed) nothing is written. `note` may be NULL. */
int breaker_store(struct db *db, const struct uuid *channel, const struct breaker *breaker,
		  const struct breaker_note *note, int64_t now_us) must_check;

#endif
