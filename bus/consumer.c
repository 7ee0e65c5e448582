/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The consumer: its states, its two connections, and reading.
 *
 *               lead                both connections up       the group is there, in its place
 *   STANDING_BY ----> AWAY ----------------------> LOOKING ------------------> DRAINING
 *        ^             ^                            ^   |                      ^   |  ^
 *        | stand by    | a connection is lost       |   | missing, or at       |   |  | now and
 *        | (from       | (from anywhere after it)   |   v another place        |   v  | then
 *        +- anywhere)  +--                          |  PLACING ----------------+  FOLLOWING
 *                                                   |                              |
 *                                                   +-- Redis says: no group ------+
 *
 * and from anywhere to CLOSING. Whoever leads reads under one name, so what Redis holds as pending for it
 * is the memory of all who lead after one another: a loss forgets everything but the batch in the ledger's
 * hands. The ledger's position says what of it is committed.
 *
 * At most two batches exist, requests for more included: one with the ledger, one behind it.
 */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "bus/consumer_parts.h"
#include "core/log.h"

#define READ_COUNT     "500" /* CONSUMER_READ_COUNT */
#define BLOCK_MS       2000
#define BLOCK          "2000" /* BLOCK_MS */
#define READ_MARGIN_MS 500
#define ASK_AGAIN_MS   500
#define PATIENCE_LOOKS 2 /* in a row for nothing */
#define PAUSE_FIRST_MS 100
#define PAUSE_MAX_MS   5000
#define AFTER_ALL      ((struct stream_id){ .ms = UINT64_MAX, .seq = UINT64_MAX })

/* ---- states ------------------------------------------------------------------------------ */

#define TO(state) (1u << (state))
#define ANYWHERE  (TO(CONSUMER_STANDING_BY) | TO(CONSUMER_AWAY) | TO(CONSUMER_CLOSING))

static const unsigned allowed_moves[CONSUMER_STATES] = {
	[CONSUMER_STANDING_BY] = TO(CONSUMER_AWAY) | TO(CONSUMER_CLOSING),
	[CONSUMER_AWAY] = ANYWHERE | TO(CONSUMER_LOOKING),
	[CONSUMER_LOOKING] =
		ANYWHERE | TO(CONSUMER_LOOKING) | TO(CONSUMER_PLACING) | TO(CONSUMER_DRAINING),
	[CONSUMER_PLACING] = ANYWHERE | TO(CONSUMER_LOOKING) | TO(CONSUMER_DRAINING),
	[CONSUMER_DRAINING] = ANYWHERE | TO(CONSUMER_LOOKING) | TO(CONSUMER_FOLLOWING),
	[CONSUMER_FOLLOWING] = ANYWHERE | TO(CONSUMER_LOOKING) | TO(CONSUMER_DRAINING),
};

void consumer_move(struct bus_consumer *consumer, enum consumer_state to)
{
	assert(allowed_moves[consumer->state] & TO(to));
	consumer->state = to;
}

void consumer_forget(struct batch **batch)
{
	batch_free(*batch);
	*batch = NULL;
}

void consumer_check_sent(struct redis *redis, int rc)
{
	if (rc && rc != -ENOTCONN)
		redis_fail(redis, "out of memory");
}

/* In a failover the two connections may see different servers, and then looking helps nothing: never
 * without a pause. */
void consumer_look_again(struct bus_consumer *consumer)
{
	if (consumer->state < CONSUMER_LOOKING || consumer->state > CONSUMER_FOLLOWING)
		return;
	if (consumer->look_pause.tries == 0)
		log_warn("the consumer group is gone", log_str("group", consumer->options.group));
	consumer_forget(&consumer->queued);
	consumer->epoch++;
	consumer_move(consumer, CONSUMER_LOOKING);
	consumer_set_due(consumer, DUE_LOOK, backoff_next_ms(&consumer->look_pause));
}

void consumer_take_error(struct bus_consumer *consumer, struct redis *redis,
			 const redisReply *reply)
{
	if (reply_is_error(reply, "NOGROUP") || reply_is_error(reply, "UNBLOCKED")) {
		consumer_look_again(consumer);
		/* The other connection shows or makes one again and again. */
		if (consumer->look_pause.tries > PATIENCE_LOOKS)
			redis_fail(redis, "it does not know the consumer group");
	} else if (reply_is_error(reply, "WRONGTYPE")) {
		redis_fail(redis, "the key " BUS_STREAM " holds something that is no stream");
	} else {
		redis_fail(redis, reply->type == REDIS_REPLY_ERROR
					  ? reply->str
					  : "an answer that makes no sense");
	}
}

/* ---- time -------------------------------------------------------------------------------- */

static void on_timer(uv_timer_t *timer);

static void set_timer(struct bus_consumer *consumer)
{
	uint64_t now_ms = uv_now(consumer->options.loop);
	uint64_t first_ms = UINT64_MAX;

	for (int i = 0; i < CONSUMER_DUES; i++) {
		if (consumer->due_ms[i] && consumer->due_ms[i] < first_ms)
			first_ms = consumer->due_ms[i];
	}
	if (first_ms == UINT64_MAX || consumer->state == CONSUMER_CLOSING)
		return;
	uv_timer_start(&consumer->timer, on_timer, first_ms > now_ms ? first_ms - now_ms : 0, 0);
}

void consumer_set_due(struct bus_consumer *consumer, enum consumer_due which, uint64_t after_ms)
{
	consumer->due_ms[which] = uv_now(consumer->options.loop) + after_ms;
	if (consumer->due_ms[which] == 0)
		consumer->due_ms[which] = 1;
	set_timer(consumer);
}

static void take_due(struct bus_consumer *consumer, enum consumer_due which)
{
	switch (which) {
	case DUE_COMMIT:
		if (consumer->in_hand && !consumer->is_committing)
			consumer_commit(consumer);
		return;
	case DUE_LOOK:
		if (consumer->state == CONSUMER_LOOKING)
			consumer_look(consumer);
		return;
	case DUE_READ:
		consumer_pump(consumer);
		return;
	case DUE_DRAIN:
		consumer->drain_is_wanted = true;
		consumer_set_due(consumer, DUE_DRAIN, CONSUMER_SAMPLE_MS);
		return;
	case DUE_CLAIM:
		consumer_claim(consumer);
		consumer_set_due(consumer, DUE_CLAIM, consumer->options.claim_idle_ms / 2 + 1);
		return;
	case DUE_SAMPLE:
		consumer_sample(consumer);
		return;
	case CONSUMER_DUES:
		return;
	}
}

static void on_timer(uv_timer_t *timer)
{
	struct bus_consumer *consumer = timer->data;
	uint64_t now_ms = uv_now(consumer->options.loop);

	for (int i = 0; i < CONSUMER_DUES && consumer->state != CONSUMER_CLOSING; i++) {
		if (consumer->due_ms[i] == 0 || consumer->due_ms[i] > now_ms)
			continue;
		consumer->due_ms[i] = 0;
		take_due(consumer, (enum consumer_due)i);
	}
	set_timer(consumer);
}

/* ---- reading ----------------------------------------------------------------------------- */

static bool has_room(const struct bus_consumer *consumer)
{
	return !consumer->is_reading && !(consumer->in_hand && consumer->queued);
}

void consumer_take_batch(struct bus_consumer *consumer, struct batch *batch)
{
	assert(!consumer->queued);
	if (consumer->in_hand) {
		consumer->queued = batch;
		return;
	}
	consumer->in_hand = batch;
	consumer_commit(consumer);
}

/* Pending entries end with an empty list, or with the first past the limit; new ones with a nil
 * after the blocking. */
static int take_read(struct bus_consumer *consumer, const redisReply *reply)
{
	bool is_draining = consumer->state == CONSUMER_DRAINING;
	const redisReply *list;
	struct batch *batch = NULL;
	int rc = entry_list(reply, &list);

	if (rc == 0 && list)
		rc = batch_from_entries(consumer, list,
					is_draining ? consumer->drain_limit : AFTER_ALL, &batch);
	if (rc)
		return rc;
	if (is_draining && batch) {
		if (stream_id_compare(batch->shown.last, consumer->drained_to) <= 0) {
			batch_free(batch);
			return -EBADMSG;
		}
		consumer->drained_to = batch->shown.last;
	}
	if (is_draining && (!batch || batch->item_count < list->elements))
		consumer_move(consumer, CONSUMER_FOLLOWING);
	if (batch)
		consumer_take_batch(consumer, batch);
	return 0;
}

static void connect_both(struct bus_consumer *consumer);

static void on_read(const redisReply *reply, void *owner)
{
	struct bus_consumer *consumer = owner;
	int rc;

	consumer->is_reading = false;
	if (!reply)
		return;
	if (consumer->read_epoch == consumer->epoch && consumer_has_group(consumer)) {
		if (reply->type == REDIS_REPLY_ERROR) {
			consumer_take_error(consumer, consumer->reader, reply);
			return;
		}
		rc = take_read(consumer, reply);
		if (rc) {
			redis_fail(consumer->reader,
				   rc == -ENOMEM ? "out of memory"
						 : "an answer to XREADGROUP that makes no sense");
			return;
		}
		backoff_reset(&consumer->look_pause);
	}
	connect_both(consumer);
	consumer_pump(consumer);
}

static int send_read(struct bus_consumer *consumer)
{
	char from[STREAM_ID_TEXT_SIZE];

	if (consumer->state == CONSUMER_FOLLOWING)
		return redis_send_text(consumer->reader, CONSUMER_WAIT_MS, on_read, consumer,
				       "XREADGROUP", "GROUP", consumer->options.group,
				       BUS_CONSUMER_NAME, "COUNT", READ_COUNT, "BLOCK", BLOCK,
				       "STREAMS", BUS_STREAM, ">", NULL);
	stream_id_format(consumer->drained_to, from);
	return redis_send_text(consumer->reader, CONSUMER_WAIT_MS, on_read, consumer, "XREADGROUP",
			       "GROUP", consumer->options.group, BUS_CONSUMER_NAME, "COUNT",
			       READ_COUNT, "STREAMS", BUS_STREAM, from, NULL);
}

static void drain(struct bus_consumer *consumer, struct stream_id limit)
{
	consumer->drain_is_wanted = false;
	consumer->drained_to = (struct stream_id){ 0 };
	consumer->drain_limit = limit;
	consumer_move(consumer, CONSUMER_DRAINING);
}

void consumer_begin(struct bus_consumer *consumer, struct stream_id drain_limit)
{
	drain(consumer, drain_limit);
	consumer->claim_cursor = (struct stream_id){ 0 };
	/* A read that was under way when a connection broke may still be served by Redis, for as
	 * long as it blocks. */
	consumer_set_due(consumer, DUE_DRAIN, BLOCK_MS + READ_MARGIN_MS);
	consumer_set_due(consumer, DUE_CLAIM, consumer->options.claim_idle_ms / 2 + 1);
	consumer_set_due(consumer, DUE_SAMPLE, 0);
	consumer_pump(consumer);
}

/* What is in the ledger's hands is pending, and would be read a second time. */
static bool must_wait(struct bus_consumer *consumer)
{
	bool is_first = consumer->state == CONSUMER_FOLLOWING
				? consumer->drain_is_wanted
				: stream_id_is_zero(consumer->drained_to);

	return is_first && (consumer->in_hand || consumer->queued);
}

static void read_more(struct bus_consumer *consumer)
{
	int rc;

	if (!has_room(consumer) || must_wait(consumer))
		return;
	if (!consumer->options.may_read(BLOCK_MS + READ_MARGIN_MS, consumer->options.owner)) {
		consumer_set_due(consumer, DUE_READ, ASK_AGAIN_MS);
		return;
	}
	/* Whatever came to be pending without being read is found here: what a held up process took
	 * that led before, what was taken over, dead letters that Redis refused. */
	if (consumer->state == CONSUMER_FOLLOWING && consumer->drain_is_wanted)
		drain(consumer, AFTER_ALL);
	rc = send_read(consumer);
	if (rc == 0) {
		consumer->is_reading = true;
		consumer->read_epoch = consumer->epoch;
	}
	consumer_check_sent(consumer->reader, rc);
}

void consumer_pump(struct bus_consumer *consumer)
{
	if (!consumer->in_hand && consumer->queued) {
		consumer->in_hand = consumer->queued;
		consumer->queued = NULL;
		consumer_commit(consumer); /* may come back here before it returns */
	}
	if (consumer->state == CONSUMER_CLOSING)
		consumer_finish_closing(consumer);
	else if (consumer_has_group(consumer))
		read_more(consumer);
	else
		connect_both(consumer);
}

/* ---- leading and standing by --------------------------------------------------------------- */

/* A read or batch of an earlier time as leader ends first: looking is for what Redis holds then. */
static void connect_both(struct bus_consumer *consumer)
{
	if (consumer->state == CONSUMER_AWAY && consumer->reader_up && consumer->writer_up &&
	    !consumer->is_reading && !(consumer->in_hand && consumer->in_hand->is_old))
		consumer_look(consumer);
}

void bus_consumer_lead(struct bus_consumer *consumer, bool known, struct stream_id last)
{
	if (consumer->state != CONSUMER_STANDING_BY)
		return;
	consumer->is_placed = known;
	consumer->is_untouched = false;
	consumer->position = last;
	backoff_reset(&consumer->look_pause);
	backoff_reset(&consumer->commit_pause);
	memset(consumer->due_ms, 0, sizeof(consumer->due_ms));
	consumer_move(consumer, CONSUMER_AWAY);
	connect_both(consumer);
}

void bus_consumer_stand_by(struct bus_consumer *consumer)
{
	if (consumer->state == CONSUMER_CLOSING || consumer->state == CONSUMER_STANDING_BY)
		return;
	consumer->epoch++;
	consumer_move(consumer, CONSUMER_STANDING_BY);
	consumer_forget(&consumer->queued);
	if (consumer->in_hand && !consumer->is_committing && consumer->in_hand->replies_due == 0)
		consumer_forget(&consumer->in_hand);
	if (consumer->in_hand)
		consumer->in_hand->is_old = true;
	metric_set(bus_counters.lag, 0);
	metric_set(bus_counters.pending, 0);
	memset(consumer->due_ms, 0, sizeof(consumer->due_ms));
	consumer_set_due(consumer, DUE_SAMPLE, 0);
}

bool bus_consumer_is_ready(const struct bus_consumer *consumer)
{
	return consumer->state == CONSUMER_STANDING_BY ? consumer->group_is_there
						       : consumer_has_group(consumer);
}

/* ---- connections --------------------------------------------------------------------------- */

static void lose(struct bus_consumer *consumer)
{
	consumer->group_is_there = false;
	if (consumer->state == CONSUMER_STANDING_BY || consumer->state == CONSUMER_CLOSING)
		return;
	consumer_move(consumer, CONSUMER_AWAY);
	consumer_forget(&consumer->queued);
}

static void on_reader_up(void *owner)
{
	struct bus_consumer *consumer = owner;

	consumer->reader_up = true;
	connect_both(consumer);
}

static void on_reader_down(void *owner)
{
	struct bus_consumer *consumer = owner;

	consumer->reader_up = false;
	lose(consumer);
}

static void on_writer_up(void *owner)
{
	struct bus_consumer *consumer = owner;

	consumer->writer_up = true;
	if (consumer->state == CONSUMER_STANDING_BY)
		consumer_set_due(consumer, DUE_SAMPLE, 0);
	connect_both(consumer);
}

static void on_writer_down(void *owner)
{
	struct bus_consumer *consumer = owner;

	consumer->writer_up = false;
	lose(consumer);
}

/* ---- opening and closing --------------------------------------------------------------- */

static void release_one(void *owner)
{
	struct bus_consumer *consumer = owner;

	if (--consumer->open_handles > 0)
		return;
	assert(!consumer->in_hand && !consumer->queued);
	if (consumer->on_closed)
		consumer->on_closed(consumer->close_owner);
	free(consumer);
}

static void on_timer_closed(uv_handle_t *handle)
{
	release_one(handle->data);
}

/* A batch that waits for its next try is given up: it stays pending for whoever comes. */
void consumer_finish_closing(struct bus_consumer *consumer)
{
	struct batch *batch = consumer->in_hand;

	if (batch && !consumer->is_committing && batch->replies_due == 0)
		consumer_forget(&consumer->in_hand);
	if (consumer->in_hand || !consumer->writer)
		return;
	redis_close(consumer->writer, release_one, consumer);
	consumer->writer = NULL;
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
	consumer_move(consumer, CONSUMER_CLOSING);
	consumer_forget(&consumer->queued);
	uv_close((uv_handle_t *)&consumer->timer, on_timer_closed);
	redis_close(consumer->reader, release_one, consumer);
	consumer_finish_closing(consumer);
}

static int open_connections(struct bus_consumer *consumer)
{
	struct redis_options options = { .loop = consumer->options.loop,
					 .address = consumer->options.address,
					 .master = consumer->options.master,
					 .name = "wrenn-events:reader",
					 .on_up = on_reader_up,
					 .on_down = on_reader_down,
					 .owner = consumer };
	int rc = redis_open(&options, &consumer->reader);

	if (rc)
		return rc;
	options.name = "wrenn-events:writer";
	options.on_up = on_writer_up;
	options.on_down = on_writer_down;
	rc = redis_open(&options, &consumer->writer);
	if (rc)
		redis_close(consumer->reader, NULL, NULL);
	return rc;
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
	consumer->commit_pause =
		(struct backoff){ .first_ms = PAUSE_FIRST_MS, .max_ms = PAUSE_MAX_MS };
	consumer->look_pause = consumer->commit_pause;
	rc = open_connections(consumer);
	if (rc) {
		free(consumer);
		return rc;
	}
	uv_timer_init(options->loop, &consumer->timer);
	consumer->timer.data = consumer;
	consumer->open_handles = 3;
	*out = consumer;
	return 0;
}
