/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The consumer's insides, shared by consumer.c (states, connections, reading), group.c (making
 * sure that the group exists and is where the ledger is), batch.c (what was read), commit.c (ledger,
 * dead letters, acknowledgement) and claim.c (older versions' consumers, lag). Nobody else includes
 * this.
 */
#ifndef BUS_CONSUMER_PARTS_H
#define BUS_CONSUMER_PARTS_H

#include "bus/bus.h"
#include "bus/entry.h"
#include "core/backoff.h"
#include "core/log_limit.h"

#define CONSUMER_READ_COUNT 500   /* entries of one XREADGROUP, and ids of one XACK */
#define CONSUMER_WAIT_MS    10000 /* for a reply; the read's own blocking included */
#define CONSUMER_SAMPLE_MS  10000

enum consumer_state {
	CONSUMER_STANDING_BY, /* another worker leads */
	CONSUMER_AWAY,        /* a connection is down */
	CONSUMER_LOOKING,     /* is there a group, and where? */
	CONSUMER_PLACING,     /* it is created, or set back */
	CONSUMER_DRAINING,    /* entries handed out and not acknowledged first */
	CONSUMER_FOLLOWING,   /* new ones */
	CONSUMER_CLOSING,
	CONSUMER_STATES
};

/* What the one timer is set for. */
enum consumer_due {
	DUE_COMMIT,
	DUE_LOOK,
	DUE_READ,
	DUE_DRAIN,
	DUE_CLAIM,
	DUE_SAMPLE,
	CONSUMER_DUES
};

struct dead_letter {
	struct batch *batch;
	enum dead_class class;
	size_t item; /* in batch->items */
	char *payload;
	size_t payload_len;
	struct reason why;
};

struct batch_item {
	struct stream_id id;
	bool stays_pending; /* its dead letter was refused: it will come again */
};

/* Entries read together, up to their acknowledgement. */
struct batch {
	struct bus_consumer *consumer;
	struct bus_batch shown; /* what the ledger sees */
	size_t *shown_items;    /* shown.events[i] is items[shown_items[i]] */
	struct batch_item *items;
	size_t item_count;
	struct dead_letter *dead;
	size_t dead_count;
	uint64_t read_ms; /* on the loop's clock */
	size_t replies_due;
	bool is_lost; /* the connection broke under it: it will be read again */
	bool is_old;  /* read before this worker led as it does now: never offered again */
};

struct bus_consumer {
	struct bus_consumer_options options;
	enum consumer_state state;
	struct redis *reader; /* XREADGROUP blocks it */
	struct redis *writer; /* everything else */
	bool reader_up;
	bool writer_up;
	unsigned open_handles; /* the timer and the connections */
	bool group_is_there;   /* as one that stands by has seen it */

	/* Counts the looks at the group; an answer to a question of an earlier one is stale. */
	unsigned epoch;
	unsigned read_epoch;
	unsigned claim_epoch;

	/* Where the ledger is: committed up to here, and nothing after it. */
	bool is_placed;
	bool is_untouched; /* it begins there, and nothing was committed since */
	struct stream_id position;
	struct bus_edges edges;       /* as of the last look */
	struct stream_id drained_to;  /* pending entries up to here have been read again */
	struct stream_id drain_limit; /* the rest of them is read as if it were new */
	bool drain_is_wanted;
	struct stream_id claim_cursor;
	bool is_claiming;

	struct batch *in_hand; /* with the ledger, or on its way to be acknowledged */
	struct batch *queued;
	bool is_committing; /* the ledger owes an answer about in_hand */
	bool is_reading;

	uv_timer_t timer;
	uint64_t due_ms[CONSUMER_DUES]; /* 0: not */
	struct backoff commit_pause;
	struct backoff look_pause; /* between a group that is gone and the next look */
	struct log_limit dead_lines;
	struct log_limit refused_lines;
	struct log_limit trimmed_lines;
	bool lag_is_high;

	void (*on_closed)(void *owner);
	void *close_owner;
};

/* consumer.c */
void consumer_move(struct bus_consumer *consumer, enum consumer_state to);
/* Starts whatever can be started now. */
void consumer_pump(struct bus_consumer *consumer);
/* The group is there and where it should be: reads, what is pending first. */
void consumer_begin(struct bus_consumer *consumer, struct stream_id drain_limit);
/* The group is, or may be, gone. */
void consumer_look_again(struct bus_consumer *consumer);
void consumer_set_due(struct bus_consumer *consumer, enum consumer_due which, uint64_t after_ms);
void consumer_take_batch(struct bus_consumer *consumer, struct batch *batch);
/* An error reply: looks for the group again, or drops the connection. */
void consumer_take_error(struct bus_consumer *consumer, struct redis *redis,
			 const redisReply *reply);
/* What redis_send() said; without memory the connection is dropped. */
void consumer_check_sent(struct redis *redis, int rc);
void consumer_forget(struct batch **batch);
/* Closes what is left when nothing holds it up any more. */
void consumer_finish_closing(struct bus_consumer *consumer);
static inline bool consumer_has_group(const struct bus_consumer *consumer)
{
	return consumer->state == CONSUMER_DRAINING || consumer->state == CONSUMER_FOLLOWING;
}

/* group.c */
void consumer_look(struct bus_consumer *consumer);
/* What XINFO GROUPS says of ours, or NULL. */
const redisReply *consumer_find_group(const struct bus_consumer *consumer,
				      const redisReply *groups);

/* batch.c: 0, -EBADMSG or -ENOMEM. The entries up to `limit`; none make no batch (*out is NULL). */
int batch_from_entries(struct bus_consumer *consumer, const redisReply *list,
		       struct stream_id limit, struct batch **out) must_check;
/* No entry, only a position to commit; or NULL. */
struct batch *batch_of_position(struct bus_consumer *consumer, struct stream_id last);
void batch_free(struct batch *batch); /* accepts NULL */
int batch_add_dead(struct batch *batch, size_t item, enum dead_class class, struct str payload,
		   const struct reason *why) must_check;
/* Counts entries of which only the id is left. */
void consumer_report_trimmed(struct bus_consumer *consumer, size_t count);

/* commit.c */
void consumer_commit(struct bus_consumer *consumer);

/* claim.c */
void consumer_claim(struct bus_consumer *consumer);
void consumer_sample(struct bus_consumer *consumer);

#endif
