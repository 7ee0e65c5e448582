/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The consumer: its states, and what leads from one to the next.
 *
 *               lead          both connections up           the group is in its place
 *   STANDING_BY ----> AWAY ----------------------> PLACING ---------------------------> READING
 *        ^             ^                             ^                                     |
 *        | stand by    | a connection is lost        |       Redis says: no group          |
 *        +- anywhere   +- anywhere after it          +-------------------------------------+
 *
 * CLOSING follows from anywhere. Only this file moves states; the steps (group, reader, commit,
 * claim, lag) call back. A loss forgets everything except the batch that the ledger has. The memory
 * is the pending entries in Redis and the ledger's position, and the next leader shares it.
 */
#include "bus/consumer.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "bus/batch.h"
#include "bus/claim.h"
#include "bus/commit.h"
#include "bus/counters.h"
#include "bus/dues.h"
#include "bus/group.h"
#include "bus/lag.h"
#include "bus/position.h"
#include "bus/reader.h"
#include "bus/reply.h"
#include "core/clock.h"

#define ASK_AGAIN_MS      500
#define SAMPLE_MS         10000
#define DRAIN_MS          10000
#define LOOK_FOR_GROUP_MS 500 /* while standing by */
#define PATIENCE_LOOKS    2   /* without success, in a row */
#define PAUSE_FIRST_MS    100
#define PAUSE_MAX_MS      5000

enum consumer_state {
	CONSUMER_STANDING_BY, /* another worker leads */
	CONSUMER_AWAY,        /* a connection is down */
	CONSUMER_PLACING,     /* the group is looked for, created or set back */
	CONSUMER_READING,
	CONSUMER_CLOSING,
	CONSUMER_STATES
};

/* The purposes of the timer. */
enum consumer_due { DUE_COMMIT, DUE_PLACE, DUE_READ, DUE_DRAIN, DUE_CLAIM, DUE_SAMPLE };

struct bus_consumer {
	struct bus_consumer_options options;
	enum consumer_state state;
	struct redis *read_link; /* XREADGROUP blocks it */
	struct redis *link;      /* everything else */
	bool group_is_there;     /* as seen while standing by */

	struct ledger_position ledger;
	struct consumer_group group;
	struct group_reader reader;
	struct batch_commit commit;
	struct claim claim;
	struct lag lag;

	struct dues dues;
	struct backoff place_pause; /* between finding no group and the next look */

	unsigned open_handles; /* the timer and the connections */
	void (*on_closed)(void *owner);
	void *close_owner;
};

/* ---- states ------------------------------------------------------------------------------ */

#define TO(state) (1u << (state))
#define ANYWHERE  (TO(CONSUMER_STANDING_BY) | TO(CONSUMER_AWAY) | TO(CONSUMER_CLOSING))

static const unsigned allowed_moves[CONSUMER_STATES] = {
	[CONSUMER_STANDING_BY] = TO(CONSUMER_AWAY) | TO(CONSUMER_CLOSING),
	[CONSUMER_AWAY] = ANYWHERE | TO(CONSUMER_PLACING),
	[CONSUMER_PLACING] = ANYWHERE | TO(CONSUMER_PLACING) | TO(CONSUMER_READING),
	[CONSUMER_READING] = ANYWHERE | TO(CONSUMER_PLACING),
};

/* Drops replies to requests of an earlier state. */
static void move(struct bus_consumer *consumer, enum consumer_state to)
{
	assert(allowed_moves[consumer->state] & TO(to));
	consumer->state = to;
	group_cancel(&consumer->group);
	reader_cancel(&consumer->reader);
	claim_cancel(&consumer->claim);
}

/* ---- the group's place --------------------------------------------------------------------- */

static void place(struct bus_consumer *consumer)
{
	move(consumer, CONSUMER_PLACING);
	group_place(&consumer->group, consumer->place_pause.tries > 1);
}

/* We may have been the leader before. A read or commit from that time must end first: it changes
 * what Redis holds, and the group is compared with that. */
static void place_when_up(struct bus_consumer *consumer)
{
	if (consumer->state == CONSUMER_AWAY && redis_is_up(consumer->read_link) &&
	    redis_is_up(consumer->link) && !consumer->reader.is_busy && !consumer->commit.is_old)
		place(consumer);
}

/* The group is, or may be, gone. In a failover the two connections may see different servers, and
 * then looking does not help: never look without a pause. */
static void place_again(struct bus_consumer *consumer)
{
	if (consumer->state != CONSUMER_PLACING && consumer->state != CONSUMER_READING)
		return;
	group_report_loss(&consumer->group, consumer->place_pause.tries == 0);
	move(consumer, CONSUMER_PLACING);
	commit_drop_queued(&consumer->commit);
	dues_set(&consumer->dues, DUE_PLACE, backoff_next_ms(&consumer->place_pause));
}

static void on_error(struct redis *redis, const redisReply *error, void *owner)
{
	struct bus_consumer *consumer = owner;

	if (!reply_is_error(error, "NOGROUP") && !reply_is_error(error, "UNBLOCKED")) {
		reply_reject_error(redis, error);
		return;
	}
	place_again(consumer);
	/* The other connection always finds a group, so this one must reach another server. */
	if (consumer->place_pause.tries > PATIENCE_LOOKS)
		redis_fail(redis, "it does not know the consumer group");
}

/* ---- what starts next ---------------------------------------------------------------------- */

static void release_one(void *owner)
{
	struct bus_consumer *consumer = owner;

	if (--consumer->open_handles > 0)
		return;
	assert(!consumer->commit.batch);
	if (consumer->on_closed)
		consumer->on_closed(consumer->close_owner);
	free(consumer);
}

/* A batch that waits for its next try is given up: it stays pending for the next leader. */
static void finish_closing(struct bus_consumer *consumer)
{
	commit_abandon(&consumer->commit);
	if (consumer->commit.batch || !consumer->link)
		return;
	redis_close(consumer->link, release_one, consumer);
	consumer->link = NULL;
}

static void read_more(struct bus_consumer *consumer)
{
	if (!commit_has_room(&consumer->commit) ||
	    !reader_can_start(&consumer->reader, consumer->commit.batch != NULL))
		return;
	if (consumer->options.may_read(READER_MAX_MS, consumer->options.owner))
		reader_start(&consumer->reader);
	else
		dues_set(&consumer->dues, DUE_READ, ASK_AGAIN_MS);
}

/* Starts whatever can start now. */
static void pump(void *owner)
{
	struct bus_consumer *consumer = owner;

	if (consumer->state == CONSUMER_CLOSING)
		finish_closing(consumer);
	else if (consumer->state == CONSUMER_READING)
		read_more(consumer);
	else
		place_when_up(consumer);
}

static void begin_reading(struct bus_consumer *consumer, struct stream_id at)
{
	move(consumer, CONSUMER_READING);
	reader_begin(&consumer->reader, at);
	dues_set(&consumer->dues, DUE_DRAIN, DRAIN_MS);
	dues_set(&consumer->dues, DUE_CLAIM, consumer->options.claim_idle_ms / 2 + 1);
	dues_set(&consumer->dues, DUE_SAMPLE, 0);
	pump(consumer);
}

static void on_read(struct batch *batch, void *owner)
{
	struct bus_consumer *consumer = owner;

	backoff_reset(&consumer->place_pause);
	if (consumer->reader.is_lingering)
		dues_set(&consumer->dues, DUE_READ, consumer->options.linger_ms);
	if (batch)
		commit_take(&consumer->commit, batch);
}

/* Commits the starting position of a group that is new to the ledger before it reads any entry. */
static void on_placed(struct stream_id at, void *owner)
{
	struct bus_consumer *consumer = owner;
	struct ledger_position *ledger = &consumer->ledger;

	if (!ledger->is_known) {
		struct batch *batch = batch_of_position(at);

		if (!batch) {
			redis_fail(consumer->link, "out of memory");
			return;
		}
		*ledger = (struct ledger_position){
			.is_known = true, .is_untouched = true, .committed = at, .reached = at
		};
		commit_take(&consumer->commit, batch);
	}
	begin_reading(consumer, at);
}

static void on_show(struct bus_batch *shown, void *owner)
{
	struct bus_consumer *consumer = owner;

	consumer->options.on_batch(shown, consumer->options.owner);
}

void bus_consumer_committed(struct bus_consumer *consumer, int rc)
{
	unsigned pause_ms = commit_answer(&consumer->commit, rc);

	if (pause_ms > 0)
		dues_set(&consumer->dues, DUE_COMMIT, pause_ms);
}

/* ---- timers and their work ----------------------------------------------------------------- */

/* While our own batch is old we take over nothing, because Redis would count it as idle, too. */
static void take_over(struct bus_consumer *consumer)
{
	const struct batch *own = consumer->commit.batch;
	bool is_slow = own && clock_mono_ms() - own->read_ms >= consumer->options.claim_idle_ms / 2;

	if (consumer->state == CONSUMER_READING && !consumer->reader.is_draining && !is_slow)
		claim_next(&consumer->claim);
}

static void on_claimed(size_t taken, bool is_finished, void *owner)
{
	struct bus_consumer *consumer = owner;

	if (taken > 0)
		reader_drain_soon(&consumer->reader);
	if (!is_finished)
		take_over(consumer);
}

static void on_sampled(const redisReply *group, void *owner)
{
	struct bus_consumer *consumer = owner;
	bool is_standing_by = consumer->state == CONSUMER_STANDING_BY;

	dues_set(&consumer->dues, DUE_SAMPLE,
		 is_standing_by && !group ? LOOK_FOR_GROUP_MS : SAMPLE_MS);
	if (is_standing_by)
		consumer->group_is_there = group != NULL;
	else if (consumer->state == CONSUMER_READING && group)
		lag_show(&consumer->lag, group);
	else if (consumer->state == CONSUMER_READING)
		place_again(consumer);
}

static void on_due(int which, void *owner)
{
	struct bus_consumer *consumer = owner;

	switch ((enum consumer_due)which) {
	case DUE_COMMIT:
		commit_again(&consumer->commit);
		return;
	case DUE_PLACE:
		if (consumer->state == CONSUMER_PLACING)
			place(consumer);
		return;
	case DUE_READ:
		reader_end_linger(&consumer->reader);
		pump(consumer);
		return;
	case DUE_DRAIN:
		reader_drain_soon(&consumer->reader);
		dues_set(&consumer->dues, DUE_DRAIN, DRAIN_MS);
		return;
	case DUE_CLAIM:
		take_over(consumer);
		dues_set(&consumer->dues, DUE_CLAIM, consumer->options.claim_idle_ms / 2 + 1);
		return;
	case DUE_SAMPLE:
		lag_sample(&consumer->lag);
		return;
	}
}

/* ---- leading and standing by --------------------------------------------------------------- */

void bus_consumer_lead(struct bus_consumer *consumer, bool known, struct stream_id last)
{
	if (consumer->state != CONSUMER_STANDING_BY)
		return;
	consumer->ledger =
		(struct ledger_position){ .is_known = known, .committed = last, .reached = last };
	backoff_reset(&consumer->place_pause);
	backoff_reset(&consumer->commit.pause);
	dues_clear(&consumer->dues);
	move(consumer, CONSUMER_AWAY);
	place_when_up(consumer);
}

void bus_consumer_stand_by(struct bus_consumer *consumer)
{
	if (consumer->state == CONSUMER_CLOSING || consumer->state == CONSUMER_STANDING_BY)
		return;
	move(consumer, CONSUMER_STANDING_BY);
	commit_drop_queued(&consumer->commit);
	commit_abandon(&consumer->commit);
	lag_hide();
	dues_clear(&consumer->dues);
	dues_set(&consumer->dues, DUE_SAMPLE, 0);
}

bool bus_consumer_is_ready(const struct bus_consumer *consumer)
{
	return consumer->state == CONSUMER_STANDING_BY ? consumer->group_is_there
						       : consumer->state == CONSUMER_READING;
}

/* ---- opening and closing ------------------------------------------------------------------- */

static void on_up(void *owner)
{
	struct bus_consumer *consumer = owner;

	if (consumer->state == CONSUMER_STANDING_BY)
		dues_set(&consumer->dues, DUE_SAMPLE, 0);
	place_when_up(consumer);
}

static void on_down(void *owner)
{
	struct bus_consumer *consumer = owner;

	consumer->group_is_there = false;
	if (consumer->state == CONSUMER_STANDING_BY || consumer->state == CONSUMER_CLOSING)
		return;
	move(consumer, CONSUMER_AWAY);
	commit_drop_queued(&consumer->commit);
}

void bus_consumer_close(struct bus_consumer *consumer, void (*on_closed)(void *owner), void *owner)
{
	if (!consumer) {
		if (on_closed)
			on_closed(owner);
		return;
	}
	consumer->on_closed = on_closed;
	consumer->close_owner = owner;
	move(consumer, CONSUMER_CLOSING);
	commit_drop_queued(&consumer->commit);
	dues_close(&consumer->dues, release_one);
	redis_close(consumer->read_link, release_one, consumer);
	finish_closing(consumer);
}

static int open_link(struct bus_consumer *consumer, const char *name, struct redis **out)
{
	return redis_open(&(struct redis_options){ .loop = consumer->options.loop,
						   .address = consumer->options.address,
						   .master = consumer->options.master,
						   .name = name,
						   .on_up = on_up,
						   .on_down = on_down,
						   .owner = consumer },
			  out);
}

static void init_steps(struct bus_consumer *consumer)
{
	struct step step = { .redis = consumer->link,
			     .group = consumer->options.group,
			     .on_error = on_error,
			     .owner = consumer };

	consumer->group = (struct consumer_group){ .step = step,
						   .ledger = &consumer->ledger,
						   .on_placed = on_placed };
	consumer->commit = (struct batch_commit){ .step = step,
						  .ledger = &consumer->ledger,
						  .pause = consumer->place_pause,
						  .on_show = on_show,
						  .on_done = pump };
	consumer->claim = (struct claim){ .step = step,
					  .idle_ms = consumer->options.claim_idle_ms,
					  .on_claimed = on_claimed };
	consumer->lag = (struct lag){ .step = step, .on_sampled = on_sampled };
	step.redis = consumer->read_link;
	consumer->reader = (struct group_reader){ .step = step,
						  .linger_ms = consumer->options.linger_ms,
						  .on_read = on_read,
						  .on_idle = pump };
}

int bus_consumer_open(const struct bus_consumer_options *options, struct bus_consumer **out)
{
	struct bus_consumer *consumer = calloc(1, sizeof(*consumer));
	int rc;

	assert(options->claim_idle_ms > 0);
	if (!consumer)
		return -ENOMEM;
	bus_counters_register();
	consumer->options = *options;
	consumer->state = CONSUMER_STANDING_BY;
	consumer->place_pause =
		(struct backoff){ .first_ms = PAUSE_FIRST_MS, .max_ms = PAUSE_MAX_MS };
	rc = open_link(consumer, "wrenn-events:reader", &consumer->read_link);
	if (rc == 0)
		rc = open_link(consumer, "wrenn-events:writer", &consumer->link);
	if (rc) {
		redis_close(consumer->read_link, NULL, NULL);
		free(consumer);
		return rc;
	}
	init_steps(consumer);
	dues_init(&consumer->dues, options->loop, on_due, consumer);
	consumer->open_handles = 3;
	*out = consumer;
	return 0;
}
