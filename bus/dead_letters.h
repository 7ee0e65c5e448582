/* SPDX-License-Identifier: Apache-2.0 */

/* Reads the dead letters, and offers one to the service again. docs/notes/bus.md */
#ifndef BUS_DEAD_LETTERS_H
#define BUS_DEAD_LETTERS_H

#include <stddef.h>

#include "core/attributes.h"
#include "core/str.h"
#include "core/stream_id.h"

struct redis;

/* Texts are as Redis has them: any bytes. `at` is NULL where a field is missing. */
struct bus_dead_letter {
	struct str id;       /* in the stream of dead letters */
	struct str entry_id; /* in the stream of events */
	struct str payload;
	struct str reason;
};

/* One query. Must stay valid until on_done, which runs once, never from within the call. */
struct bus_dead_query {
	void (*on_letter)(const struct bus_dead_letter *letter, void *owner);
	/* 0; -ENOTCONN without an answer, -EIO for an answer that cannot be used; of an offer
	 * -ENOENT when there is no such letter, -ENODATA when it has no payload. `event_id` is the
	 * entry that an offer made. */
	void (*on_done)(int rc, struct str event_id, void *owner);
	void *owner;
};

/* The newest `count` letters, or those older than `before`, which may be zero. 0, or what
 * redis_send() returned; then on_done is not called. */
int bus_dead_list(struct redis *redis, struct stream_id before, unsigned count,
		  struct bus_dead_query *query) must_check;

/* Puts the letter's payload into the stream of events as a new entry and removes the letter, both
 * or neither. */
int bus_dead_offer(struct redis *redis, struct stream_id id,
		   struct bus_dead_query *query) must_check;

#endif
