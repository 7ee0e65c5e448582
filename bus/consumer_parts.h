/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The consumer's insides, shared by consumer.c (states, connections, reading), group.c (making
 * sure that the group exists), takeover.c (what the gone left behind), batch.c (what was read),
 * commit.c (ledger, dead letters, acknowledgement) and claim.c (others' entries, lag). Nobody else
 * includes this.
 */
#ifndef BUS_CONSUMER_PARTS_H
#define BUS_CONSUMER_PARTS_H

#include "bus/bus.h"
#include "bus/entry.h"
#include "core/backoff.h"
#include "core/worker_name.h"

#define CONSUMER_READ_COUNT  500 /* entries of one XREADGROUP, and ids of one XACK */
#define CONSUMER_CLAIM_COUNT 100
#define CONSUMER_WAIT_MS     10000 /* for a reply; the read's own blocking included */

enum consumer_state {
	CONSUMER_AWAY,       /* a connection is down */
	CONSUMER_LOOKING,    /* is there a group? */
	CONSUMER_ASKING,     /* no: where did we leave off? */
	CONSUMER_CREATING,   /* there */
	CONSUMER_INHERITING, /* what processes of this place that are gone had pending becomes ours */
	CONSUMER_DRAINING,   /* our own unacknowledged entries first */
	CONSUMER_FOLLOWING, /* new ones */
	CONSUMER_CLOSING,
	CONSUMER_STATES
};

/* What the one timer is set for. */
enum consumer_due { DUE_COMMIT, DUE_ASK, DUE_CLAIM, DUE_SAMPLE, CONSUMER_DUES };

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

/* Whose pending entries are being made ours, and which of them were asked for last. */
struct takeover {
	char from[WORKER_NAME_SIZE]; /* empty before the first */
	struct stream_id ids[CONSUMER_CLAIM_COUNT];
	size_t count;
	struct stream_id cursor;
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
};

struct bus_consumer {
	struct bus_consumer_options options;
	enum consumer_state state;
	struct redis *reader; /* XREADGROUP blocks it */
	struct redis *writer; /* everything else */
	bool reader_up;
	bool writer_up;
	unsigned open_handles; /* the timer and the connections */

	/* Counts the looks at the group; an answer to a question of an earlier one is stale. */
	unsigned epoch;
	unsigned read_epoch;
	unsigned claim_epoch;
	struct takeover takeover;
	struct stream_id drained_to; /* our own entries up to here have been read again */

	struct batch *in_hand; /* with the ledger, or on its way to be acknowledged */
	struct batch *queued;
	bool is_committing; /* the ledger owes an answer about in_hand */
	bool is_reading;
	bool is_claiming;
	bool claim_is_wanted;
	struct stream_id claim_cursor;

	bool position_is_asked; /* the owner owes an answer */
	struct bus_edges edges; /* as of the last look */
	/* Where this process created a group never seen before; nothing below is ours. */
	bool has_origin;
	struct stream_id origin;

	uv_timer_t timer;
	uint64_t due_ms[CONSUMER_DUES]; /* 0: not */
	struct backoff commit_pause;
	struct backoff ask_pause;
	bool lag_is_high;

	void (*on_closed)(void *owner);
	void *close_owner;
};

/* consumer.c */
void consumer_move(struct bus_consumer *consumer, enum consumer_state to);
/* Starts whatever can be started now. */
void consumer_pump(struct bus_consumer *consumer);
/* The group is, or may be, gone. */
void consumer_look_again(struct bus_consumer *consumer);
void consumer_set_due(struct bus_consumer *consumer, enum consumer_due which, uint64_t after_ms);
/* One more batch, read or claimed, fits. */
bool consumer_has_room(const struct bus_consumer *consumer);
void consumer_take_batch(struct bus_consumer *consumer, struct batch *batch);
/* An error reply: looks for the group again, or drops the connection. */
void consumer_take_error(struct bus_consumer *consumer, struct redis *redis,
			 const redisReply *reply);
void consumer_forget(struct batch **batch);
/* Closes what is left when nothing holds it up any more. */
void consumer_finish_closing(struct bus_consumer *consumer);
static inline bool consumer_has_group(const struct bus_consumer *consumer)
{
	return consumer->state == CONSUMER_INHERITING || consumer->state == CONSUMER_DRAINING ||
	       consumer->state == CONSUMER_FOLLOWING;
}

/* group.c */
void consumer_look(struct bus_consumer *consumer);
void consumer_ask_position(struct bus_consumer *consumer);

/* takeover.c: what comes first when the group is there; then draining begins. */
void consumer_inherit(struct bus_consumer *consumer);

/* batch.c: 0, -EBADMSG or -ENOMEM. An empty list makes no batch (*out is NULL). */
int batch_from_entries(struct bus_consumer *consumer, const redisReply *list,
		       struct batch **out) must_check;
void batch_free(struct batch *batch); /* accepts NULL */
/* Counts entries of which only the id is left. */
void batch_report_trimmed(size_t count);
int batch_add_dead(struct batch *batch, size_t item, enum dead_class class, struct str payload,
		   const struct reason *why) must_check;

/* commit.c */
void consumer_commit(struct bus_consumer *consumer);

/* claim.c */
void consumer_claim(struct bus_consumer *consumer);
void consumer_sample(struct bus_consumer *consumer);

#endif
