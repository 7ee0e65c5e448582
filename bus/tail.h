/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The tail: reads the whole stream by plain XREAD from its own position, for live streams. It keeps
 * no state in Redis.
 */
#ifndef BUS_TAIL_H
#define BUS_TAIL_H

#include <stdbool.h>
#include <uv.h>

#include "core/attributes.h"
#include "core/event.h"
#include "core/stream_id.h"
#include "net/net.h"

struct bus_tail;

struct bus_tail_options {
	uv_loop_t *loop;
	const struct redis_address *address;
	struct redis_master *master; /* as in redis_options */
	unsigned linger_ms; /* wait this long for more entries while they come quickly; 0: never */
	/* The position is known: every event after `from` will come. Called once in a process,
	 * before the first event. */
	void (*on_start)(struct stream_id from, void *owner);
	/* Readable events of known kinds about a resource, in stream order. Each is valid during
	 * the call only. */
	void (*on_event)(struct event *event, void *owner);
	/* Called after the events of one read, so that the owner can gather its writes. `head` is
	 * the last entry read, shown or not. */
	void (*on_batch_end)(struct stream_id head, void *owner);
	/* Entries after the last one read may be lost: they were trimmed before we read them, or
	 * Redis no longer holds the stream that we read. Everything after `from` comes next. When
	 * `from` is before the last entry read, later events may have smaller ids than earlier
	 * ones. */
	void (*on_gap)(struct stream_id from, void *owner);
	/* This server holds the stream that we read. Called before on_source(true). `continues` is
	 * false when the server says that its history is not that of the server before. May be
	 * NULL. */
	void (*on_server)(const struct redis_identity *identity, bool continues, void *owner);
	/* Redis is up or down. Called for changes only; the first call may say either. */
	void (*on_source)(bool up, void *owner);
	void *owner;
};

int bus_tail_open(const struct bus_tail_options *options, struct bus_tail **out) must_check;
/* Only on_closed (may be NULL) is called after this, and then all memory is free. Accepts
 * NULL, and then calls on_closed at once. */
void bus_tail_close(struct bus_tail *tail, void (*on_closed)(void *owner), void *owner);
bool bus_tail_is_up(const struct bus_tail *tail);

#endif
