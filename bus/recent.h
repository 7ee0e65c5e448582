/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The last entries that a reader has read, as ids and digests of their content. They prove later
 * that the stream is still the same. Private to bus/.
 */
#ifndef BUS_RECENT_H
#define BUS_RECENT_H

#include <hiredis/hiredis.h>
#include <stdbool.h>

#include "core/attributes.h"
#include "core/crypto.h"
#include "core/stream_id.h"

#define RECENT_MAX      64
#define RECENT_MAX_TEXT "64"

struct recent_entry {
	struct stream_id id;
	uint8_t digest[SHA256_SIZE];
};

struct recent_entries {
	size_t count;
	size_t first; /* place of the oldest one in the ring */
	struct recent_entry entries[RECENT_MAX];
};

/* Which of the recent entries the stream still has. */
struct recent_match {
	bool newest_is_there;
	bool has_strangers;      /* it has entries between them that were never read */
	bool has_common;         /* it has at least one, with no unread entry before it */
	struct stream_id common; /* the last such one */
};

/* Adds an element of an entry list, which must be the newest. 0, -ENOMEM, or -EBADMSG when it is
 * not an entry. */
int recent_add(struct recent_entries *recent, const redisReply *entry) must_check;

/* The oldest and the newest; only when `count` is not zero. */
struct stream_id recent_oldest(const struct recent_entries *recent);
struct stream_id recent_newest(const struct recent_entries *recent);

/* Forgets the entries after `last`. */
void recent_cut(struct recent_entries *recent, struct stream_id last);

/* `list` is the stream from the oldest one, or a later one, to the newest one. 0, -ENOMEM, or
 * -EBADMSG when it is not a list of entries. */
int recent_compare(const struct recent_entries *recent, const redisReply *list,
		   struct recent_match *out) must_check;

#endif
