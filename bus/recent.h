/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The last entries of the stream that a reader has read, as ids and digests of their content. They
 * prove later that the stream is still the same one. Private to bus/.
 */
#ifndef BUS_RECENT_H
#define BUS_RECENT_H

#include <hiredis/hiredis.h>
#include <stdbool.h>

#include "core/attributes.h"
#include "core/digest.h"
#include "core/stream_id.h"

#define RECENT_MAX      64
#define RECENT_MAX_TEXT "64"

struct recent_entry {
	struct stream_id id;
	uint8_t digest[SHA256_SIZE];
};

struct recent_entries {
	size_t count;
	size_t first; /* the oldest one's place in the ring */
	struct recent_entry entries[RECENT_MAX];
};

/* What the stream has of them now. */
struct recent_match {
	bool newest_is_there;
	bool has_strangers;      /* entries between them that were never read */
	bool has_common;         /* at least one is there, with nothing strange before it */
	struct stream_id common; /* then the last such one */
};

/* Adds an element of an entry list, read after all others. 0, -ENOMEM, or -EBADMSG when it is no entry. */
int recent_add(struct recent_entries *recent, const redisReply *entry) must_check;

/* Both only when there is one. */
struct stream_id recent_oldest(const struct recent_entries *recent);
struct stream_id recent_newest(const struct recent_entries *recent);

/* Keeps those up to `last`. */
void recent_cut(struct recent_entries *recent, struct stream_id last);

/* `list` is what the stream has from the oldest one (or any later one) to the newest one. 0, -ENOMEM, or
 * -EBADMSG when it is no list of entries. */
int recent_compare(const struct recent_entries *recent, const redisReply *list,
		   struct recent_match *out) must_check;

#endif
