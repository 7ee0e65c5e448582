/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Lookup results of the last two seconds, for live streams that reconnect in a crowd, and for no
 * other request. Private to auth/.
 */
#ifndef AUTH_RECENT_H
#define AUTH_RECENT_H

#include <stddef.h>
#include <stdint.h>

#include "auth/credential.h"
#include "core/list.h"

struct recent_answers {
	struct list buckets[CREDENTIAL_BUCKETS];
	struct list in_order; /* oldest first */
	size_t count;
	int64_t crowd_since_ms; /* streams are counted from here on */
	unsigned crowd_count;
	int64_t crowd_until_ms; /* until then streams may have a recent answer */
};

void recent_init(struct recent_answers *recent);

/* A stream was let in. */
void recent_count_stream(struct recent_answers *recent);

/* For a stream. During a crowd it returns the answer about this credential if that is less than two
 * seconds old, else NULL. Valid until the next recent_keep() or recent_forget_all(). */
const struct found *recent_find(struct recent_answers *recent, enum credential kind,
				const char *hash);

/* Replaces the earlier answer about this credential. An answer that lets nobody in only removes
 * it. */
void recent_keep(struct recent_answers *recent, const struct found *found);
void recent_forget_all(struct recent_answers *recent);

#endif
