/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Live streams (contract b): /v1/events/stream, /v1/admin/events/stream and /v1/events/wait.
 *
 * Events are appended once to a shared, ordered history; a subscriber is a cursor into it. When its
 * turn comes, everything between its cursor and the head leaves in one writev. Replay from
 * before the history reads Redis in bounded steps and hands over at an exact id.
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
	struct store *store; /* capsule rows for `sandbox` */
	struct redis *redis; /* shared connection, for replay */
	struct auth *auth;   /* to look at credentials again */
	unsigned keepalive_s;
	unsigned max_streams_per_team;
	size_t history_bytes; /* bound of the shared history; 0: 16 MiB */
	unsigned pulse_ms;    /* how often Redis is asked whether we are behind; 0: never */
};

int sse_open(const struct sse_options *options, struct sse **out) must_check;
/* Tells each subscriber its own retry: and closes it; on_closed when the last one is gone. */
void sse_close(struct sse *sse, void (*on_closed)(void *owner), void *owner);

/* What listeners see is behind the source, which is away, does not answer or lags. */
bool sse_is_stale(const struct sse *sse);

int sse_add_routes(struct sse *sse, struct http_server *server) must_check;

/* Fed by the tail and the transient subscription; owner is the struct sse. */
void sse_on_start(struct stream_id from, void *owner);
void sse_on_event(struct event *event, void *owner);
void sse_on_batch_end(struct stream_id head, void *owner);
void sse_on_gap(struct stream_id from, void *owner);
void sse_on_server(const struct redis_identity *identity, bool continues, void *owner);
void sse_on_source(bool up, void *owner);
void sse_on_transient(struct event *event, void *owner);

#endif
