/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The breaker of a channel, and whether the channel is disabled. Pure except for the last section:
 * time and verdict are arguments (wall clock, microseconds). It is kept in channel_state. So a
 * restart neither hammers a dead destination nor forgets how long it has been dead.
 * docs/notes/delivery.md
 *
 *   CLOSED --(BREAKER_FAILURES failures in a row)--> OPEN --(its time is up)--> PROBING
 *     ^  ^                                             ^                           |  |
 *     |  |                                             +--(failed, longer)---------+  |
 *     |  +--------------------------------(success)-----------------------------------+
 *     |
 *     +--(enabled by an owner)-- DISABLED <--(two disabling answers in a row, one final one,
 *                                             or nothing but failures for 5 days: from any state)
 */
#ifndef DELIVERY_BREAKER_H
#define DELIVERY_BREAKER_H

#include <stdbool.h>
#include <stdint.h>

#include "core/attributes.h"
#include "core/uuid.h"
#include "providers/provider.h"
#include "store/store.h"

#define BREAKER_FAILURES   5 /* in a row open it */
#define BREAKER_FIRST_US   (INT64_C(30) * 1000000)
#define BREAKER_LONGEST_US (INT64_C(600) * 1000000)
#define BREAKER_GIVE_UP_US (INT64_C(5) * 86400 * 1000000)
#define BREAKER_GIVE_UP    10 /* failures are needed as well, because the clock may have jumped */
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

/* The words that owners see: "closed", "open", "probing", "disabled". */
const char *breaker_name(enum breaker_state state);
enum breaker_state breaker_state(const struct breaker *breaker, int64_t now_us);

/* When the channel may be sent to: 0 for now, a later time, or INT64_MAX when disabled. After
 * the clock was set back it waits for BREAKER_LONGEST_US at most; an opening that seems longer
 * is over. */
int64_t breaker_wait_us(const struct breaker *breaker, int64_t now_us);

/* Counts the verdict of an attempt. A message that is refused for good is a failure of the
 * destination, a throttled answer (429) is not. VERDICT_REFORM, VERDICT_REBIND and VERDICT_REPOST
 * do not count, since another attempt follows at once. `sentence` (may be NULL) says what came
 * back, for disabled_reason. True when this attempt disabled the channel. */
bool breaker_apply(struct breaker *breaker, const struct verdict *verdict, const char *sentence,
		   int64_t now_us) must_check;

/* Resets it, for a channel that was enabled or has new settings. */
void breaker_reset(struct breaker *breaker);

/* ---- in channel_state ------------------------------------------------------------------- */

/* For the caller's SELECT; breaker_read() reads them from column `first` on. */
#define BREAKER_COLUMNS                                                                    \
	"failures, disabling, breaker_opened, breaker_until, failing_since, disabled_at, " \
	"disabled_reason"
void breaker_read(const struct db_row *row, int first, struct breaker *out);

/* For write jobs: locks the row until the transaction ends, so that breaker_store() does not undo
 * an owner's change. A new breaker when there is no row. */
int breaker_load(struct db *db, const struct uuid *channel, struct breaker *out) must_check;

/* Other facts that are stored about the last attempt. */
struct breaker_note {
	int64_t success_us; /* 0: none, the stored one stays */
	int64_t error_us;   /* 0: none, the stored one stays */
	struct str error;   /* UTF-8 without NUL */
};

/* Writes nothing when there is no row, because the channel was removed. `note` may be NULL. */
int breaker_store(struct db *db, const struct uuid *channel, const struct breaker *breaker,
		  const struct breaker_note *note, int64_t now_us) must_check;

#endif
