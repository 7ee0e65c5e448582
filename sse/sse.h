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
 * is replayed from Redis. A listener that cannot be served gets the reason and is closed; its
 * cursor stays valid.
 *
 * Where it is decided:
 *
 * A listener begins and ends
 *   endpoints.c      is it refused? (too many of a team, no source, a wait that may have missed it)
 *   query.c          is the query valid? How long may a wait last (1 to 600 s)?
 *   filter.c         which events the listener wants; which kinds must be named
 *   cursor.c         where does it begin, and are events after its cursor lost?
 *   replay.c         what is read again from Redis, and when does the live part take over?
 *   greeting.c       what `connected` says; when clients come back after a loss (2 to 3 s)
 *   stream.c         when a silent stream gets a comment (how often: keepalive_s, config/table.c)
 *   wait.c           how a wait ends: an event, 204 with a cursor, an error
 *   recheck.c        how often a credential is checked again (a minute; auth/recheck.c judges)
 *   closing_frame.c  what a listener hears at its end; when clients come back after a stop
 *   audience.c       which events have a number of listeners, and who is counted
 *   open.c           how long a socket may take nothing (20 s), and its farewell may take (5 s)
 *   live.c           limits when the settings give none; when the memory is freed
 *
 * An event on its way
 *   tail.c           is an event shown at all?
 *   item.c           which status does the event itself prove?
 *   capsule.c        what clients see of a capsule (no addresses, known words only)
 *   lookup.c         how long an event waits for its capsule's row (2 s); when it goes with null
 *   frame.c          how text becomes frames that it cannot forge
 *   history.c        which events are still in memory, and the newest of each capsule
 *   preload.c        what is read into memory at the start, and how often that is tried
 *   hole.c           which streams get a notice of lost entries, and which are closed
 *   bookmark.c       does a listener get a cursor past events that it did not want?
 *
 * From the history to the sockets
 *   hub.c            what happens first at the end of a turn; all are closed when an event is lost
 *   front_line.c     who shares one write
 *   pump.c           how much a listener gets at once; may it join the front line?
 *   run.c            which items one write takes; does it stop for one that waits for its row?
 *   write.c          what a socket that is full or broken means
 *   backlog.c        is a reader too slow, and when is it closed?
 *   source.c         are all listeners behind Redis, so that they must hear of it?
 *   server.c         does another connection reach the same Redis as the tail?
 *
 * Helpers: subscriber.c (what streams and waits share), turn.c (wakes the end of a turn),
 * metrics.c.
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
