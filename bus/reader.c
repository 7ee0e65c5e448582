/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Draining ends with an empty list, or with the first entry past the limit. A read of new entries
 * that finds none ends with nil after the blocking.
 *
 * All leaders use one name, so Redis may give an entry to a read of an earlier leader that is still
 * blocking, and the next one to us. Therefore a read of new entries is sent together with a query
 * for the first pending entry after those that we know. If one comes before what we have read,
 * everything up to there is read again, as pending entries in the order of the stream.
 */
#include "bus/reader.h"

#include <errno.h>
#include <stdio.h>

#include "bus/entry.h"
#include "bus/reply.h"
#include "bus/stream.h"
#include "net/net.h"

#define BLOCK_MS_TEXT "2000"
#define MAX_BYTES     ((size_t)BATCH_MAX_ENTRIES * EVENT_MAX_BYTES)

unsigned reader_next_count(unsigned count, size_t entries, size_t bytes)
{
	if (bytes > MAX_BYTES) {
		size_t fitting = entries * MAX_BYTES / bytes;

		return fitting > 0 ? (unsigned)fitting : 1;
	}
	return count < BATCH_MAX_ENTRIES / 2 ? 2 * count : BATCH_MAX_ENTRIES;
}

static unsigned count_of(const struct group_reader *reader)
{
	return reader->count ? reader->count : BATCH_MAX_ENTRIES;
}

static size_t count_bytes(const redisReply *reply)
{
	size_t bytes = reply->len;

	for (size_t i = 0; i < reply->elements; i++)
		bytes += count_bytes(reply->element[i]);
	return bytes;
}

/* Redis must answer in order, or draining would never end. */
static int advance(struct group_reader *reader, const struct batch *batch)
{
	if (stream_id_compare(batch->shown.last, reader->drained_to) <= 0)
		return -EBADMSG;
	reader->drained_to = batch->shown.last;
	return 0;
}

static int receive(struct group_reader *reader, const redisReply *reply)
{
	struct stream_id limit = reader->is_draining ? reader->drain_limit : READER_EVERYTHING;
	const redisReply *list;
	struct batch *batch = NULL;
	int rc = entry_list(reply, &list);

	if (rc == 0 && list)
		rc = batch_from_entries(list, limit, &batch);
	if (rc == 0 && batch && reader->is_draining)
		rc = advance(reader, batch);
	reader->held = batch;
	if (rc)
		return rc;
	if (!batch || batch->item_count < list->elements)
		reader->is_draining = false;
	reader->is_lingering = reader->linger_ms > 0 && !reader->is_draining && batch &&
			       batch->item_count < count_of(reader);
	if (list)
		reader->count =
			reader_next_count(count_of(reader), list->elements, count_bytes(list));
	return 0;
}

static void drop_held(struct group_reader *reader)
{
	batch_free(reader->held);
	reader->held = NULL;
}

static void hand_over(struct group_reader *reader)
{
	struct batch *batch = reader->held;

	reader->held = NULL;
	if (batch && stream_id_compare(batch->shown.last, reader->read_to) > 0)
		reader->read_to = batch->shown.last;
	reader->on_read(batch, reader->step.owner);
}

/* True when the answer belongs to the current read. */
static bool take_turn(struct group_reader *reader, const redisReply *reply)
{
	bool counts = reply && !reader->is_cancelled;

	reader->is_busy = false;
	reader->is_cancelled = false;
	if (counts)
		return true;
	drop_held(reader);
	if (reply)
		reader->on_idle(reader->step.owner);
	return false;
}

static void reject(struct group_reader *reader, int rc, const char *command)
{
	drop_held(reader);
	reply_reject(reader->step.redis, rc, command);
}

/* ---- pending entries --------------------------------------------------------------------- */

static void on_drained(const redisReply *reply, void *owner)
{
	struct group_reader *reader = owner;
	int rc;

	if (!take_turn(reader, reply))
		return;
	if (reply->type == REDIS_REPLY_ERROR) {
		step_fail(&reader->step, reply);
		return;
	}
	rc = receive(reader, reply);
	if (rc) {
		reject(reader, rc, "XREADGROUP");
		return;
	}
	hand_over(reader);
	reader->on_idle(reader->step.owner);
}

static void drain(struct group_reader *reader, struct stream_id after, struct stream_id limit)
{
	reader->is_draining = true;
	reader->drained_to = after;
	reader->drain_limit = limit;
}

static void drain_from_the_start(struct group_reader *reader)
{
	reader->drain_is_wanted = false;
	drain(reader, (struct stream_id){ 0 }, reader->read_to);
}

/* ---- new entries ------------------------------------------------------------------------- */

/* The turn ends with the answer to the query, or with the connection. */
static void on_new(const redisReply *reply, void *owner)
{
	struct group_reader *reader = owner;
	int rc;

	if (!reply)
		take_turn(reader, NULL);
	if (!reply || reader->is_cancelled)
		return;
	if (reply->type == REDIS_REPLY_ERROR) {
		reader->is_cancelled = true;
		step_fail(&reader->step, reply);
		return;
	}
	rc = receive(reader, reply);
	if (rc)
		reject(reader, rc, "XREADGROUP");
}

/* Reads the answer of XPENDING. *out is READER_EVERYTHING when nothing is pending. */
static int read_first_pending(const redisReply *reply, struct stream_id *out)
{
	struct str id = reply_text(reply_element(reply_element(reply, 0), 0));

	*out = READER_EVERYTHING;
	if (reply->type == REDIS_REPLY_ARRAY && reply->elements == 0)
		return 0;
	return id.at ? stream_id_parse(id, out) : -EBADMSG;
}

static void on_first_pending(const redisReply *reply, void *owner)
{
	struct group_reader *reader = owner;
	struct stream_id from = READER_EVERYTHING;
	struct stream_id to = READER_EVERYTHING;
	struct stream_id pending;
	int rc;

	if (!take_turn(reader, reply))
		return;
	if (reply->type == REDIS_REPLY_ERROR) {
		drop_held(reader);
		step_fail(&reader->step, reply);
		return;
	}
	rc = read_first_pending(reply, &pending);
	if (rc) {
		reject(reader, rc, "XPENDING");
		return;
	}
	if (reader->held) {
		from = reader->held->items[0].id;
		to = reader->held->shown.last;
	}
	if (stream_id_compare(pending, from) < 0) {
		drop_held(reader);
		reader->is_lingering = false;
		drain(reader, reader->read_to, to);
	} else {
		hand_over(reader);
	}
	reader->on_idle(reader->step.owner);
}

static int ask_first_pending(struct group_reader *reader)
{
	char from[STREAM_ID_TEXT_SIZE];

	stream_id_format(stream_id_next(reader->read_to), from);
	return redis_send_text(reader->step.redis, REPLY_TIMEOUT_MS, on_first_pending, reader,
			       "XPENDING", BUS_STREAM, reader->step.group, from, "+", "1",
			       BUS_CONSUMER_NAME, NULL);
}

/* ---- what the consumer asks for ---------------------------------------------------------- */

void reader_begin(struct group_reader *reader, struct stream_id at)
{
	reader->read_to = at;
	drain_from_the_start(reader);
}

void reader_drain_soon(struct group_reader *reader)
{
	reader->drain_is_wanted = true;
}

bool reader_can_start(const struct group_reader *reader, bool has_batch)
{
	bool begins_draining = reader->is_draining ? stream_id_is_zero(reader->drained_to)
						   : reader->drain_is_wanted;

	return !reader->is_busy && !reader->is_lingering && !(begins_draining && has_batch);
}

static int send_drain(struct group_reader *reader, const char *count)
{
	char from[STREAM_ID_TEXT_SIZE];

	stream_id_format(reader->drained_to, from);
	return redis_send_text(reader->step.redis, REPLY_TIMEOUT_MS, on_drained, reader,
			       "XREADGROUP", "GROUP", reader->step.group, BUS_CONSUMER_NAME,
			       "COUNT", count, "STREAMS", BUS_STREAM, from, NULL);
}

static int send_read(struct group_reader *reader, const char *count)
{
	return redis_send_text(reader->step.redis, REPLY_TIMEOUT_MS, on_new, reader, "XREADGROUP",
			       "GROUP", reader->step.group, BUS_CONSUMER_NAME, "COUNT", count,
			       "BLOCK", BLOCK_MS_TEXT, "STREAMS", BUS_STREAM, ">", NULL);
}

void reader_start(struct group_reader *reader)
{
	char count[16];
	int rc;

	/* Draining finds what is pending but not in hand: entries that were taken over, entries
	 * whose acknowledgement was lost, dead letters that Redis refused. */
	if (!reader->is_draining && reader->drain_is_wanted)
		drain_from_the_start(reader);
	snprintf(count, sizeof(count), "%u", count_of(reader));
	rc = reader->is_draining ? send_drain(reader, count) : send_read(reader, count);
	reader->is_busy = rc == 0;
	if (rc == 0 && !reader->is_draining)
		rc = ask_first_pending(reader);
	reply_check_sent(reader->step.redis, rc);
}

void reader_end_linger(struct group_reader *reader)
{
	reader->is_lingering = false;
}

void reader_cancel(struct group_reader *reader)
{
	reader->is_lingering = false;
	reader->is_cancelled = reader->is_busy;
}
