/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A batch's way from the ledger to its acknowledgement.
 *
 *   shown to the ledger --> committed --> dead letters written --> acknowledged --> forgotten
 *          ^   |
 *          |   v not committed
 *          pause (100 ms to 5 s, for ever)
 *
 * Nothing is acknowledged before the ledger said "committed" and Redis took the dead letters. A
 * dead letter that Redis refuses leaves its entry pending, so that it is read and tried again, and does
 * not hold up the others. A batch without a single event takes the same way: its position is committed,
 * and who leads no longer buries and acknowledges nothing. A connection lost on the way loses nothing
 * either: the entries are still pending, are read again, and commit again to the same rows.
 */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "bus/consumer_parts.h"
#include "core/clock.h"
#include "core/errno_text.h"
#include "core/log.h"

static const char *const class_names[DEAD_CLASSES] = {
	[DEAD_NO_PAYLOAD] = "no payload",
	[DEAD_UNREADABLE] = "unreadable",
	[DEAD_REJECTED] = "rejected",
};

static void finish(struct batch *batch)
{
	struct bus_consumer *consumer = batch->consumer;

	assert(batch == consumer->in_hand && batch->replies_due == 0);
	consumer->in_hand = NULL;
	batch_free(batch);
	consumer_pump(consumer);
}

/* ---- acknowledging ----------------------------------------------------------------------- */

static void on_acknowledged(const redisReply *reply, void *owner)
{
	struct batch *batch = owner;
	struct bus_consumer *consumer = batch->consumer;

	batch->replies_due--;
	if (reply && reply->type == REDIS_REPLY_INTEGER)
		metric_add(bus_counters.acknowledged, reply->integer > 0 ? reply->integer : 0);
	else if (reply)
		consumer_take_error(consumer, consumer->writer, reply);
	if (batch->replies_due == 0)
		finish(batch);
}

static int send_acknowledgement(struct batch *batch, size_t from, size_t *next)
{
	struct bus_consumer *consumer = batch->consumer;
	char ids[CONSUMER_READ_COUNT][STREAM_ID_TEXT_SIZE];
	struct str argv[3 + CONSUMER_READ_COUNT] = { STR("XACK"), STR(BUS_STREAM),
						     str_of(consumer->options.group) };
	int argc = 3;
	size_t i = from;

	for (; i < batch->item_count && argc < 3 + CONSUMER_READ_COUNT; i++) {
		if (batch->items[i].stays_pending)
			continue;
		stream_id_format(batch->items[i].id, ids[argc - 3]);
		argv[argc] = str_of(ids[argc - 3]);
		argc++;
	}
	*next = i;
	if (argc == 3)
		return 0;
	int rc = redis_send(consumer->writer, CONSUMER_WAIT_MS, on_acknowledged, batch, argc, argv);

	if (rc == 0)
		batch->replies_due++;
	return rc;
}

static void acknowledge(struct batch *batch)
{
	size_t next = 0;
	int rc = 0;

	while (next < batch->item_count && rc == 0 && !batch->is_lost)
		rc = send_acknowledgement(batch, next, &next);
	if (rc && rc != -ENOTCONN)
		redis_fail(batch->consumer->writer, "out of memory");
	if (batch->replies_due == 0)
		finish(batch);
}

/* ---- dead letters -------------------------------------------------------------------------- */

static void report_dead(struct dead_letter *letter, struct stream_id id)
{
	struct bus_consumer *consumer = letter->batch->consumer;
	int64_t kept_back;

	metric_add(bus_counters.dead[letter->class], 1);
	if (log_limit_passes(&consumer->dead_lines, clock_mono_ms(), &kept_back))
		log_warn("an entry was put aside as a dead letter", log_stream_id("id", id),
			 log_str("class", class_names[letter->class]),
			 log_str("field", letter->why.field), log_str("why", letter->why.text),
			 log_int("kept_back", kept_back));
}

static void report_refused(struct dead_letter *letter, struct stream_id id, const redisReply *reply)
{
	struct bus_consumer *consumer = letter->batch->consumer;
	int64_t kept_back;

	metric_add(bus_counters.unburied, 1);
	if (log_limit_passes(&consumer->refused_lines, clock_mono_ms(), &kept_back))
		log_error("a dead letter was refused and its entry stays pending",
			  log_stream_id("id", id),
			  log_str("answer", reply->type == REDIS_REPLY_ERROR ? reply->str
									     : "of the wrong type"),
			  log_int("kept_back", kept_back));
}

static void judge_burial(struct dead_letter *letter, const redisReply *reply)
{
	struct batch_item *item = &letter->batch->items[letter->item];

	if (!reply) {
		letter->batch->is_lost = true;
	} else if (reply->type == REDIS_REPLY_STRING) {
		report_dead(letter, item->id);
	} else {
		item->stays_pending = true;
		report_refused(letter, item->id, reply);
	}
}

static void on_buried(const redisReply *reply, void *owner)
{
	struct dead_letter *letter = owner;
	struct batch *batch = letter->batch;

	judge_burial(letter, reply);
	if (--batch->replies_due == 0)
		acknowledge(batch);
}

static int send_dead_letter(struct dead_letter *letter)
{
	struct bus_consumer *consumer = letter->batch->consumer;
	char id[STREAM_ID_TEXT_SIZE];

	stream_id_format(letter->batch->items[letter->item].id, id);

	const struct str argv[] = {
		STR("XADD"),
		STR(BUS_DEAD_STREAM),
		STR("MAXLEN"),
		STR("~"),
		STR(BUS_STREAM_LIMIT),
		STR("*"),
		STR("id"),
		str_of(id),
		STR("payload"),
		{ letter->payload, letter->payload_len },
		STR("reason"),
		str_of(letter->why.text),
	};

	return redis_send(consumer->writer, CONSUMER_WAIT_MS, on_buried, letter, ARRAY_LEN(argv),
			  argv);
}

static int add_rejected(struct batch *batch)
{
	for (size_t i = 0; i < batch->shown.count; i++) {
		const struct reason *why = &batch->shown.rejected[i];
		int rc;

		if (!why->text[0])
			continue;
		rc = batch_add_dead(batch, batch->shown_items[i], DEAD_REJECTED,
				    batch->shown.events[i]->payload, why);
		if (rc)
			return rc;
	}
	return 0;
}

/* The ledger has it. Whatever fails from here on leaves entries pending, and they come again. */
static void bury(struct batch *batch)
{
	int rc = add_rejected(batch);

	for (size_t i = 0; i < batch->dead_count && rc == 0; i++) {
		rc = send_dead_letter(&batch->dead[i]);
		if (rc == 0)
			batch->replies_due++;
	}
	if (rc) {
		batch->is_lost = true;
		if (rc != -ENOTCONN)
			redis_fail(batch->consumer->writer, "out of memory");
	}
	if (batch->replies_due == 0)
		acknowledge(batch);
}

/* ---- the ledger ---------------------------------------------------------------------------- */

void consumer_commit(struct bus_consumer *consumer)
{
	struct batch *batch = consumer->in_hand;

	assert(batch && !consumer->is_committing);
	memset(batch->shown.rejected, 0, batch->shown.count * sizeof(struct reason));
	consumer->is_committing = true;
	consumer->options.on_batch(&batch->shown, consumer->options.owner);
}

static void commit_later(struct bus_consumer *consumer, int rc)
{
	bool is_first = consumer->commit_pause.tries == 0;
	unsigned pause_ms = backoff_next_ms(&consumer->commit_pause);

	metric_add(bus_counters.failed_commits, 1);
	if (is_first)
		log_warn("a batch could not be committed and is tried again",
			 log_int("events", (int64_t)consumer->in_hand->shown.count),
			 log_str("why", errno_text(rc)), log_int("retry_ms", pause_ms));
	consumer_set_due(consumer, DUE_COMMIT, pause_ms);
}

void bus_consumer_committed(struct bus_consumer *consumer, int rc)
{
	assert(consumer->is_committing);
	consumer->is_committing = false;
	if (rc == 0) {
		if (consumer->commit_pause.tries > 0)
			log_info("batches are committed again");
		backoff_reset(&consumer->commit_pause);
		if (stream_id_compare(consumer->in_hand->shown.last, consumer->position) > 0)
			consumer->position = consumer->in_hand->shown.last;
		if (consumer->in_hand->item_count > 0)
			consumer->is_untouched = false;
		bury(consumer->in_hand);
	} else if (consumer->state == CONSUMER_CLOSING || consumer->in_hand->is_old) {
		finish(consumer->in_hand); /* it stays pending for whoever leads next */
	} else {
		commit_later(consumer, rc);
	}
}
