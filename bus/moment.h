/* SPDX-License-Identifier: Apache-2.0 */

/* For a worker that adds its own events to the stream: its queries to Redis, and the XADD. */
#ifndef BUS_MOMENT_H
#define BUS_MOMENT_H

#include <stdbool.h>
#include <stdint.h>

#include "core/attributes.h"
#include "core/str.h"
#include "core/stream_id.h"

struct redis;

/* The clock of Redis, and after that the newest entry of the stream. So every entry of an earlier
 * time is at or before it. */
struct bus_moment {
	bool is_known;     /* Redis answered */
	const char *fault; /* why Redis refused to answer; NULL: it did not refuse */
	int64_t now_ms;
	struct stream_id newest; /* of an entry that can be read; zero when there is none */
};

/* One query. Must stay valid until on_answer, which runs once, never from within the call. */
struct bus_moment_query {
	void (*on_answer)(const struct bus_moment *moment, void *owner);
	void *owner;
	/* bus/ only */
	struct redis *redis;
	int64_t now_ms;
};

/* 0, or what redis_send() returned; then on_answer is not called. */
int bus_moment_ask(struct redis *redis, struct bus_moment_query *query) must_check;

/* Adds one event to the stream, and to nothing else: the pub/sub channel is the control plane's,
 * whose clients do not know our kinds. on_added is called once, never before this returns; `fault`
 * is NULL when it was added, else a few words. The same return as above. */
int bus_add(struct redis *redis, struct str json, void (*on_added)(const char *fault, void *owner),
	    void *owner) must_check;

#endif
