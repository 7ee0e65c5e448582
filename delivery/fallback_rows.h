/* SPDX-License-Identifier: Apache-2.0 */

/* The stored state of fallbacks, and what to do about one. docs/notes/fallback.md */
#ifndef DELIVERY_FALLBACK_ROWS_H
#define DELIVERY_FALLBACK_ROWS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/attributes.h"
#include "core/stream_id.h"
#include "core/uuid.h"
#include "store/store.h"

#define FALLBACK_MAX_COPIES 100 /* of one channel in one round, and the rest of a digest */
#define FALLBACK_NOTE_SIZE  512

/* A channel that names a fallback. Times are 0 when not set. */
struct fallback {
	struct uuid channel;
	struct uuid to;
	int64_t after_us;
	int64_t taken_over_us;
	int64_t failed_at_us;          /* the last failure that was seen */
	bool is_disabled;              /* by its answers */
	int64_t failing_since_us;      /* set, too, when its answers disabled it */
	struct stream_id copied;       /* so far */
	char note[FALLBACK_NOTE_SIZE]; /* why its events go elsewhere, for people */
};

enum fallback_step { FALLBACK_REST, FALLBACK_COPY, FALLBACK_HAND_BACK };

/* Pure. A failure in the future is from before the clock was set back, and does not count. */
enum fallback_step fallback_next(const struct fallback *fallback, int64_t now_us);

/* The first `max` channels after `after` that fail or were taken over. Both channels exist and are
 * of one team. For read jobs. */
int fallbacks_read(struct db *db, const struct uuid *after, struct fallback *out, size_t max,
		   size_t *out_count) must_check;

/* For write jobs. Takes over if it was not, and gives the fallback the next FALLBACK_MAX_COPIES
 * pending deliveries, and instead of a digest its events. *rows counts the copies that are new.
 * -EAGAIN: the owner has changed the fallback meanwhile; the job must fail, so that nothing is
 * copied. */
int fallback_copy(struct db *db, const struct fallback *fallback, int64_t now_us,
		  int64_t *rows) must_check;
int fallback_hand_back(struct db *db, const struct fallback *fallback) must_check;

#endif
