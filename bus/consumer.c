/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The consumer: its states, its two connections, and reading.
 *
 *             both connections up               the group is there
 *      AWAY ----------------------> LOOKING ------------------------> INHERITING
 *       ^                            ^   |                             ^   |
 *       | a connection is lost       |   | the group is missing        |   | nothing left by the gone
 *       | (from anywhere)            |   v                             |   v
 *       +--                          |  ASKING ------> CREATING -------+  DRAINING
 *                                    |                                     |
 *                                    |                                     | nothing of ours is left
 *                                    |                                     v
 *                                    +--- Redis says there is no group ---- FOLLOWING
 *                                         (in any of these three)
 *
 * and from anywhere to CLOSING. Our own pending entries are read before new ones, because a reply
 * or an acknowledgement may have been lost with a connection: what Redis holds as pending is the
 * memory of this program, so that a loss forgets everything but the batch in the ledger's hands.
 * What processes of this place that are gone had pending is made ours before that, so that it is
 * read first and in the order of the stream.
 *
 * At most two batches exist, requests for more included: one with the ledger, one behind it.
 */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "bus/consumer_parts.h"
#include "core/log.h"

#define SAMPLE_MS      10000
#define READ_COUNT     "500" /* CONSUMER_READ_COUNT */
#define BLOCK_MS       "2000"
#define PAUSE_FIRST_MS 100
#define PAUSE_MAX_MS   5000

/* ---- states ------------------------------------------------------------------------------ */

#define TO(state) (1u << (state))

static const unsigned allowed_moves[CONSUMER_STATES] = {
	[CONSUMER_AWAY] = TO(CONSUMER_LOOKING) | TO(CONSUMER_CLOSING),
	[CONSUMER_LOOKING] = TO(CONSUMER_AWAY) | TO(CONSUMER_ASKING) | TO(CONSUMER_INHERITING) |
			     TO(CONSUMER_CLOSING),
	[CONSUMER_ASKING] = TO(CONSUMER_AWAY) | TO(CONSUMER_CREATING) | TO(CONSUMER_CLOSING),
	[CONSUMER_CREATING] = TO(CONSUMER_AWAY) | TO(CONSUMER_INHERITING) | TO(CONSUMER_CLOSING),
	[CONSUMER_INHERITING] = TO(CONSUMER_AWAY) | TO(CONSUMER_LOOKING) | TO(CONSUMER_DRAINING) |
				TO(CONSUMER_CLOSING),
	[CONSUMER_DRAINING] = TO(CONSUMER_AWAY) | TO(CONSUMER_LOOKING) | TO(CONSUMER_FOLLOWING) |
			      TO(CONSUMER_CLOSING),
	[CONSUMER_FOLLOWING] = TO(CONSUMER_AWAY) | TO(CONSUMER_LOOKING) | TO(CONSUMER_CLOSING),
};

void consumer_move(struct bus_consumer *consumer, enum consumer_state to)
{
	assert(allowed_moves[consumer->state] & TO(to));
	consumer->state = to;
	if (to == CONSUMER_FOLLOWING)
		consumer_set_due(consumer, DUE_SAMPLE, 0);
}

void consumer_forget(struct batch **batch)
{
	batch_free(*batch);
	*batch = NULL;
}

void consumer_look_again(struct bus_consumer *consumer)
{
	if (!consumer_has_group(consumer))
		return;
	consumer_forget(&consumer->queued);
	consumer_look(consumer);
}

void consumer_take_error(struct bus_consumer *consumer, struct redis *redis,
			 const redisReply *reply)
{
	if (reply_is_error(reply, "NOGROUP") || reply_is_error(reply, "UNBLOCKED")) {
		if (consumer_has_group(consumer))
			log_warn("the consumer group is gone",
				 log_str("group", consumer->options.group));
		consumer_look_again(consumer);
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
	case DUE_ASK:
		consumer_ask_position(consumer);
		return;
	case DUE_CLAIM:
		consumer->claim_is_wanted = true;
		consumer_set_due(consumer, DUE_CLAIM, consumer->options.claim_idle_ms / 2 + 1);
		consumer_pump(consumer);
		return;
	case DUE_SAMPLE:
		consumer_sample(consumer);
		consumer_set_due(consumer, DUE_SAMPLE, SAMPLE_MS);
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

bool consumer_has_room(const struct bus_consumer *consumer)
{
	return (consumer->in_hand != NULL) + (consumer->queued != NULL) + consumer->is_reading +
		       consumer->is_claiming <
	       2;
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

/* The end of our own entries is an empty list; of new ones, a nil after the blocking. */
static int take_read(struct bus_consumer *consumer, const redisReply *reply)
{
	const redisReply *list;
	struct batch *batch = NULL;
	int rc = entry_list(reply, &list);

	if (rc == 0 && list)
		rc = batch_from_entries(consumer, list, &batch);
	if (rc)
		return rc;
	if (consumer->state == CONSUMER_DRAINING && !batch) {
		consumer_move(consumer, CONSUMER_FOLLOWING);
	} else if (consumer->state == CONSUMER_DRAINING) {
		if (stream_id_compare(batch->shown.last, consumer->drained_to) <= 0) {
			batch_free(batch);
			return -EBADMSG;
		}
		consumer->drained_to = batch->shown.last;
	}
	if (batch)
		consumer_take_batch(consumer, batch);
	return 0;
}

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
	}
	consumer_pump(consumer);
}

static int send_read(struct bus_consumer *consumer)
{
	char from[STREAM_ID_TEXT_SIZE];

	if (consumer->state == CONSUMER_FOLLOWING)
		return redis_send_text(consumer->reader, CONSUMER_WAIT_MS, on_read, consumer,
				       "XREADGROUP", "GROUP", consumer->options.group,
				       consumer->options.name, "COUNT", READ_COUNT, "BLOCK",
				       BLOCK_MS, "STREAMS", BUS_STREAM, ">", NULL);
	stream_id_format(consumer->drained_to, from);
	return redis_send_text(consumer->reader, CONSUMER_WAIT_MS, on_read, consumer, "XREADGROUP",
			       "GROUP", consumer->options.group, consumer->options.name, "COUNT",
			       READ_COUNT, "STREAMS", BUS_STREAM, from, NULL);
}

static void read_more(struct bus_consumer *consumer)
{
	int rc;

	if (consumer->is_reading || !consumer_has_room(consumer))
		return;
	/* What is in the ledger's hands is pending, and would be read a second time. */
	if (consumer->state == CONSUMER_DRAINING && stream_id_is_zero(consumer->drained_to) &&
	    consumer->in_hand)
		return;
	rc = send_read(consumer);
	if (rc == 0) {
		consumer->is_reading = true;
		consumer->read_epoch = consumer->epoch;
	} else if (rc != -ENOTCONN) {
		redis_fail(consumer->reader, "out of memory");
	}
}

void consumer_pump(struct bus_consumer *consumer)
{
	if (!consumer->in_hand && consumer->queued) {
		consumer->in_hand = consumer->queued;
		consumer->queued = NULL;
		consumer_commit(consumer); /* may come back here before it returns */
	}
	if (consumer->state == CONSUMER_CLOSING) {
		consumer_finish_closing(consumer);
		return;
	}
	if (consumer->claim_is_wanted)
		consumer_claim(consumer);
	if (consumer_has_group(consumer) && consumer->state != CONSUMER_INHERITING)
		read_more(consumer);
}

/* ---- connections --------------------------------------------------------------------------- */

static void begin(struct bus_consumer *consumer)
{
	if (consumer->reader_up && consumer->writer_up && consumer->state == CONSUMER_AWAY)
		consumer_look(consumer);
}

static void lose(struct bus_consumer *consumer)
{
	if (consumer->state != CONSUMER_AWAY)
		consumer_move(consumer, CONSUMER_AWAY);
	consumer_forget(&consumer->queued);
}

static void on_reader_up(void *owner)
{
	struct bus_consumer *consumer = owner;

	consumer->reader_up = true;
	begin(consumer);
}

static void on_reader_down(void *owner)
{
	struct bus_consumer *consumer = owner;

	consumer->reader_up = false;
	if (consumer->state != CONSUMER_CLOSING)
		lose(consumer);
}

static void on_writer_up(void *owner)
{
	struct bus_consumer *consumer = owner;

	consumer->writer_up = true;
	begin(consumer);
}

static void on_writer_down(void *owner)
{
	struct bus_consumer *consumer = owner;

	consumer->writer_up = false;
	if (consumer->state != CONSUMER_CLOSING)
		lose(consumer);
}

bool bus_consumer_is_ready(const struct bus_consumer *consumer)
{
	return consumer_has_group(consumer);
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
	if (consumer->in_hand || consumer->position_is_asked || !consumer->writer)
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
	consumer->state = CONSUMER_AWAY;
	consumer->commit_pause =
		(struct backoff){ .first_ms = PAUSE_FIRST_MS, .max_ms = PAUSE_MAX_MS };
	consumer->ask_pause = consumer->commit_pause;
	rc = open_connections(consumer);
	if (rc) {
		free(consumer);
		return rc;
	}
	uv_timer_init(options->loop, &consumer->timer);
	consumer->timer.data = consumer;
	consumer->open_handles = 3;
	consumer_set_due(consumer, DUE_CLAIM, options->claim_idle_ms / 2 + 1);
	*out = consumer;
	return 0;
}
