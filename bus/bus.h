/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Redis, as contract section (a) uses it: the stream wrenn:events read twice, the pub/sub channel
 * wrenn:sse, the dead letters, and the publisher's side.
 *
 *   tail       plain XREAD from its own position; feeds live streams; every process sees all
 *   consumer   the group; hands batches to the ledger, acknowledges what is committed
 *   transient  SUBSCRIBE wrenn:sse, capsule.state.changed only
 *   range      XRANGE in bounded steps, for replay
 *   publish    XADD + PUBLISH, blocking, for the command line
 */
#ifndef BUS_BUS_H
#define BUS_BUS_H

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "core/attributes.h"
#include "core/event.h"
#include "core/reason.h"
#include "core/stream_id.h"
#include "net/net.h"

#define BUS_STREAM       "wrenn:events"
#define BUS_DEAD_STREAM  "wrenn:events:dead"
#define BUS_CHANNEL      "wrenn:sse"
#define BUS_STREAM_LIMIT "10000" /* MAXLEN ~ of both streams */

/* ---- the tail ------------------------------------------------------------------------ */

struct bus_tail;

struct bus_tail_options {
	uv_loop_t *loop;
	const struct redis_address *address;
	struct redis_master *master; /* as in redis_options */
	/* The position is known: everything after `from` will come. Once per process life, before
	 * the first event. */
	void (*on_start)(struct stream_id from, void *owner);
	/* Readable events of known kind about something, in stream order; keep it with event_ref().
	 */
	void (*on_event)(struct event *event, void *owner);
	/* After the events of one read, so that writes can be gathered. `head` is the last entry
	 * read, shown or not. */
	void (*on_batch_end)(struct stream_id head, void *owner);
	/* Entries after the last one read may be lost: they were trimmed before we came to them, or
	 * Redis no longer holds the stream we read. Everything after `from` comes next. When `from` lies
	 * before the last entry read, the ids to come may be smaller than those that came before. */
	void (*on_gap)(struct stream_id from, void *owner);
	/* This server holds the stream that we read; told before on_source(true). `continues` is
	 * false when its history is another one than that of the server before, by its own word. NULL: nobody asks. */
	void (*on_server)(const struct redis_identity *identity, bool continues, void *owner);
	/* Redis is there / is away. Only changes are told; the first word may be either. */
	void (*on_source)(bool up, void *owner);
	void *owner;
};

int bus_tail_open(const struct bus_tail_options *options, struct bus_tail **out) must_check;
/* This and the other two: only on_closed (may be NULL) comes any more, and then all memory is gone.
 * For a NULL object it comes at once. */
void bus_tail_close(struct bus_tail *tail, void (*on_closed)(void *owner), void *owner);
bool bus_tail_is_up(const struct bus_tail *tail);

/* ---- the consumer -------------------------------------------------------------------- */

struct bus_consumer;

/* The one name under which whoever leads reads the group: its pending entries are there for the
 * next one. */
#define BUS_CONSUMER_NAME "ledger"

/* Entries read from the group and not yet acknowledged. */
struct bus_batch {
	size_t count;          /* 0: none of them is an event; commit the position alone */
	struct event **events; /* in stream order; each readable, of known kind, about something */
	/* Filled by the ledger: events[i] can never be committed; it goes to the dead letters with
	 * this sentence. Empty otherwise. */
	struct reason *rejected;
	/* The highest stream id of the read this batch came from, for `positions`. Batches that are
	 * repeated have smaller ones than batches before them: keep the highest. */
	struct stream_id last;
};

struct bus_consumer_options {
	uv_loop_t *loop;
	const struct redis_address *address;
	struct redis_master *master; /* as in redis_options */
	const char *group;
	/* When entries that were handed out and not acknowledged are taken over from consumers of other
	 * names, which only older versions have. */
	unsigned claim_idle_ms;
	/* Commit these. The answer is bus_consumer_committed(), now or later; batches come one at a
	 * time. */
	void (*on_batch)(struct bus_batch *batch, void *owner);
	/* May what takes for_ms still be read? Asked before every read, so that a process that was held
	 * up takes nothing from whoever leads by now. */
	bool (*may_read)(unsigned for_ms, void *owner);
	void *owner;
};

/* It stands by: reads nothing. */
int bus_consumer_open(const struct bus_consumer_options *options,
		      struct bus_consumer **out) must_check;
/* Finishes the batch in hand (its answer must still come), acknowledges, then closes. */
void bus_consumer_close(struct bus_consumer *consumer, void (*on_closed)(void *owner), void *owner);

/* Reads the group from now on. `last` is where the ledger was left; `known` false: it never saw this
 * group. */
void bus_consumer_lead(struct bus_consumer *consumer, bool known, struct stream_id last);
/* Reads nothing more. A batch that is not committed is forgotten: it stays pending for the next one. */
void bus_consumer_stand_by(struct bus_consumer *consumer);

/* rc 0: committed, acknowledge. Negative: not committed; the same batch is handed out again after
 * a growing pause, unless it stands by. */
void bus_consumer_committed(struct bus_consumer *consumer, int rc);

/* The group exists as far as the last contact said; for /readyz. */
bool bus_consumer_is_ready(const struct bus_consumer *consumer);

/* ---- transient events ---------------------------------------------------------------- */

struct bus_transient;

struct bus_transient_options {
	uv_loop_t *loop;
	const struct redis_address *address;
	struct redis_master *master; /* as in redis_options */
	void (*on_event)(struct event *event, void *owner);
	void *owner;
};

int bus_transient_open(const struct bus_transient_options *options,
		       struct bus_transient **out) must_check;
void bus_transient_close(struct bus_transient *transient, void (*on_closed)(void *owner),
			 void *owner);

/* ---- replay ---------------------------------------------------------------------------- */

/* One step of XRANGE after `after`, at most `count` entries, over a shared connection. The
 * events are borrowed (event_ref() to keep). */
struct bus_range {
	int rc;                /* 0, -ENOTCONN, -EBADMSG, -ENOMEM */
	struct event **events; /* readable ones of known kind about something, in order */
	size_t count;
	struct stream_id head; /* last entry looked at, shown or not; `after` when there was none */
	bool at_end;           /* fewer than asked for: the stream ended here */
};
typedef void (*bus_range_fn)(const struct bus_range *range, void *owner);
int bus_range(struct redis *redis, struct stream_id after, unsigned count, bus_range_fn on_done,
	      void *owner) must_check;

/* The edges of the stream. */
struct bus_edges {
	int rc; /* 0, -ENOTCONN, -EPROTOTYPE when the key holds no stream, -EBADMSG */
	bool exists;
	bool trimmed;              /* entries have been removed from it */
	uint64_t removed;          /* how many; 1 from a server that does not count */
	struct stream_id oldest;   /* zero when empty */
	struct stream_id readable; /* the newest one that can still be read; zero when empty */
	struct stream_id newest;   /* last generated id, even if its entry is gone */
};
typedef void (*bus_edges_fn)(const struct bus_edges *edges, void *owner);
int bus_edges(struct redis *redis, bus_edges_fn on_done, void *owner) must_check;

/* ---- publishing ------------------------------------------------------------------------ */

/* What contract o.2's flags say; absent texts are empty. */
struct bus_publication {
	struct str kind;
	struct str team;
	struct str resource_id;
	struct str outcome;
	struct str error;
	struct str actor_type;
	struct str actor_id;
	struct str actor_name;
	const struct event_member *metadata;
	size_t metadata_count;
};

/* Writes the compact JSON of a.3, metadata sorted by name, time now_us. -EINVAL with *why. */
int bus_publication_write(const struct bus_publication *publication, int64_t now_us,
			  struct buf *out, struct reason *why) must_check;

/* XADD and PUBLISH of one JSON text on a blocking connection (an ephemeral kind: PUBLISH only, and
 * `id` stays empty). The text is checked with event_parse() first. */
int bus_publish(struct redis_blocking *redis, struct str json, char id[STREAM_ID_TEXT_SIZE],
		struct reason *why) must_check;

#endif
