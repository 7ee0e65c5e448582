/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Draining ends with an empty list, or with the first entry past the limit. A read of new entries
 * that finds none ends with nil after the blocking.
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

static int take(struct group_reader *reader, const redisReply *reply)
{
	struct stream_id limit = reader->is_draining ? reader->drain_limit : READER_EVERYTHING;
	const redisReply *list;
	struct batch *batch = NULL;
	int rc = entry_list(reply, &list);

	if (rc == 0 && list)
		rc = batch_from_entries(list, limit, &batch);
	if (rc == 0 && batch && reader->is_draining)
		rc = advance(reader, batch);
	if (rc) {
		batch_free(batch);
		return rc;
	}
	if (!batch || batch->item_count < list->elements)
		reader->is_draining = false;
	reader->is_lingering = reader->linger_ms > 0 && !reader->is_draining && batch &&
			       batch->item_count < count_of(reader);
	if (list)
		reader->count =
			reader_next_count(count_of(reader), list->elements, count_bytes(list));
	reader->on_read(batch, reader->step.owner);
	return 0;
}

static void on_reply(const redisReply *reply, void *owner)
{
	struct group_reader *reader = owner;
	bool counts = !reader->is_cancelled;
	int rc = 0;

	reader->is_busy = false;
	reader->is_cancelled = false;
	if (!reply)
		return;
	if (counts && reply->type == REDIS_REPLY_ERROR) {
		step_fail(&reader->step, reply);
		return;
	}
	if (counts)
		rc = take(reader, reply);
	if (rc)
		reply_reject(reader->step.redis, rc, "XREADGROUP");
	else
		reader->on_idle(reader->step.owner);
}

void reader_begin(struct group_reader *reader, struct stream_id limit)
{
	reader->is_draining = true;
	reader->drain_is_wanted = false;
	reader->drained_to = (struct stream_id){ 0 };
	reader->drain_limit = limit;
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

static int send_read(struct group_reader *reader)
{
	const struct step *step = &reader->step;
	char from[STREAM_ID_TEXT_SIZE];
	char count[16];

	snprintf(count, sizeof(count), "%u", count_of(reader));
	if (!reader->is_draining)
		return redis_send_text(step->redis, REPLY_TIMEOUT_MS, on_reply, reader,
				       "XREADGROUP", "GROUP", step->group, BUS_CONSUMER_NAME,
				       "COUNT", count, "BLOCK", BLOCK_MS_TEXT, "STREAMS",
				       BUS_STREAM, ">", NULL);
	stream_id_format(reader->drained_to, from);
	return redis_send_text(step->redis, REPLY_TIMEOUT_MS, on_reply, reader, "XREADGROUP",
			       "GROUP", step->group, BUS_CONSUMER_NAME, "COUNT", count, "STREAMS",
			       BUS_STREAM, from, NULL);
}

void reader_start(struct group_reader *reader)
{
	int rc;

	/* Draining finds what is pending but was never read: entries that an earlier leader took
	 * after it was held up, entries that were taken over, dead letters that Redis refused. */
	if (!reader->is_draining && reader->drain_is_wanted)
		reader_begin(reader, READER_EVERYTHING);
	rc = send_read(reader);
	reader->is_busy = rc == 0;
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
