/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Live events (contract b): /v1/events/stream, /v1/admin/events/stream and /v1/events/wait; and
 * /v1/events/{id}/listeners, how many were listening.
 *
 * It promises that a listener gets every event after its cursor, in stream order and once, or
 * notice of the gap; that it gets only its own team's events, except an administrator; and that a
 * slow listener, a slow database or a Redis that is away costs the other listeners nothing.
 *
 * Happy path: the tail appends each event to a shared history. A listener is a cursor into it, and
 * everything between its cursor and the head leaves in one write. A cursor from before the history
 * is replayed from Redis. Failure: a listener that cannot be served hears why and is closed; its
 * cursor stays valid.
 *
 * Where a decision is made:
 *   cursor.c, hole.c       are events after a cursor lost, at the start or later?
 *   query.c, filter.c      what does the listener want?
 *   item.c, capsule.c      the bytes of an event, with the status that it proves
 *   backlog.c, source.c    is a reader too slow; are all readers behind Redis?
 *   recheck.c              may the listener still listen? (auth/ answers)
 *   stream.c, wait.c       a silent stream gets a comment (when: keepalive_s); how a wait ends
 */
#ifndef SSE_SSE_H
#define SSE_SSE_H

#include <stdbool.h>
#include <uv.h>

#include "auth/auth.h"
#include "bus/bus.h"
#include "core/attributes.h"
#include "http/http.h"
#include "net/net.h"
#include "store/store.h"

struct sse;

struct sse_options {
	uv_loop_t *loop;
	struct store *store;           /* reads capsule rows for `sandbox` */
	struct redis *redis;           /* shared connection, read for replays */
	struct auth *auth;             /* checks credentials again each minute */
	unsigned keepalive_s;          /* 0: 15 */
	unsigned max_streams_per_team; /* waits count, too; 0: 100 */
	size_t history_bytes;          /* bound of the shared history; 0: 16 MiB */
	unsigned pulse_ms;             /* how often to ask Redis for its newest entry; 0: never */
};

/* 0 or -ENOMEM. */
int sse_open(const struct sse_options *options, struct sse **out) must_check;

/* Tells each listener when to reconnect and closes it. Calls on_closed (may be NULL) after the
 * last one is gone. Accepts NULL, and then calls on_closed at once. */
void sse_close(struct sse *sse, void (*on_closed)(void *owner), void *owner);

/* For streams and waits that open from now on. */
void sse_set_max_streams_per_team(struct sse *sse, unsigned max);

/* Listeners may miss recent events: Redis is away, does not answer, or its entries arrive late. */
bool sse_is_stale(const struct sse *sse);

/* Serves the endpoints. 0, -EINVAL or -ENOMEM. */
int sse_add_routes(struct sse *sse, struct http_server *server) must_check;

/* Callbacks of the tail and the transient subscription. The owner is the struct sse. */
void sse_on_start(struct stream_id from, void *owner);
void sse_on_event(struct event *event, void *owner);
void sse_on_batch_end(struct stream_id head, void *owner);
void sse_on_gap(struct stream_id from, void *owner);
void sse_on_server(const struct redis_identity *identity, bool continues, void *owner);
void sse_on_source(bool up, void *owner);
void sse_on_transient(struct event *event, void *owner);

#endif
