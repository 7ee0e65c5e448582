/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Making sure that the group exists and is where the ledger is, after every connect and whenever Redis
 * says that there is none.
 *
 * LOOKING asks for the edges of the stream and the groups on it. A missing group is created:
 *
 *   the ledger knows it, and the stream reaches that far   five minutes before the ledger's position:
 *                                                          a Redis that lost the group may have lost
 *                                                          entries and given their ids again, and the
 *                                                          ledger compares
 *   known, but the stream is younger                       at 0: it is a new stream, all of it is unread
 *   never seen, the stream exists                          at its end
 *   never seen, no stream                                  at 0, and the stream is created with it
 *
 * One that is there is compared with the ledger:
 *
 *   past the ledger    set back to the ledger's position. What it handed out since is read again, in
 *                      order: it is still pending, or the store lost the commit of it (it failed over, or an
 *                      older copy was put back)
 *   before the ledger  read from where it is: Redis lost how far it was, and what is committed already
 *                      changes nothing a second time
 *   never seen         used as it is
 *
 * Where a group that was never seen begins is committed before anything is read from it.
 */
#include <errno.h>

#include "bus/consumer_parts.h"
#include "core/log.h"

#define OVERLAP_MS 300000
#define EVERYTHING ((struct stream_id){ .ms = UINT64_MAX, .seq = UINT64_MAX })

/* ---- the position -------------------------------------------------------------------------- */

/* What is committed, or about to be. */
static struct stream_id reached(const struct bus_consumer *consumer)
{
	const struct batch *batch = consumer->in_hand;

	return batch && stream_id_compare(batch->shown.last, consumer->position) > 0
		       ? batch->shown.last
		       : consumer->position;
}

/* The ledger is told where the group begins. */
static void adopt(struct bus_consumer *consumer, struct stream_id from)
{
	struct batch *batch = batch_of_position(consumer, from);

	if (!batch) {
		redis_fail(consumer->writer, "out of memory");
		return;
	}
	consumer->is_placed = true;
	consumer->is_untouched = true;
	consumer->position = from;
	consumer_take_batch(consumer, batch);
	consumer_begin(consumer, EVERYTHING);
}

/* ---- placing ------------------------------------------------------------------------------- */

static void on_set_back(const redisReply *reply, void *owner)
{
	struct bus_consumer *consumer = owner;

	if (!reply || consumer->state != CONSUMER_PLACING)
		return;
	if (reply->type == REDIS_REPLY_STATUS)
		consumer_begin(consumer, reached(consumer));
	else
		consumer_take_error(consumer, consumer->writer, reply);
}

static void set_back(struct bus_consumer *consumer, struct stream_id was_at, bool has_pending)
{
	struct stream_id from = reached(consumer);
	char text[STREAM_ID_TEXT_SIZE];

	if (has_pending)
		log_info("entries were handed out that are not in the ledger: they are read again",
			 log_stream_id("ledger", from), log_stream_id("group", was_at));
	else
		log_warn("the store is behind the consumer group: it lost its last commits, or an "
			 "older copy was put back; everything since is read again",
			 log_stream_id("ledger", from), log_stream_id("group", was_at),
			 log_stream_id("oldest_entry", consumer->edges.oldest));
	stream_id_format(from, text);
	consumer_move(consumer, CONSUMER_PLACING);
	consumer_check_sent(consumer->writer,
			    redis_send_text(consumer->writer, CONSUMER_WAIT_MS, on_set_back,
					    consumer, "XGROUP", "SETID", BUS_STREAM,
					    consumer->options.group, text, NULL));
}

static struct stream_id with_overlap(struct stream_id id)
{
	if (id.ms <= OVERLAP_MS)
		return (struct stream_id){ 0 };
	return (struct stream_id){ .ms = id.ms - OVERLAP_MS };
}

/* Where a missing group begins. */
static struct stream_id beginning(const struct bus_consumer *consumer)
{
	const struct bus_edges *edges = &consumer->edges;

	if (!consumer->is_placed)
		return edges->exists ? edges->newest : (struct stream_id){ 0 };
	if (!edges->exists || stream_id_compare(edges->newest, consumer->position) < 0)
		return (struct stream_id){ 0 };
	return consumer->is_untouched ? consumer->position : with_overlap(consumer->position);
}

static void on_created(const redisReply *reply, void *owner)
{
	struct bus_consumer *consumer = owner;

	if (!reply || consumer->state != CONSUMER_PLACING)
		return;
	if (reply->type != REDIS_REPLY_STATUS && !reply_is_error(reply, "BUSYGROUP")) {
		consumer_take_error(consumer, consumer->writer, reply);
		return;
	}
	if (reply->type == REDIS_REPLY_STATUS)
		metric_add(bus_counters.groups_created, 1);
	if (consumer->is_placed)
		consumer_begin(consumer, EVERYTHING);
	else
		adopt(consumer, beginning(consumer));
}

static void create(struct bus_consumer *consumer)
{
	struct stream_id from = beginning(consumer);
	char text[STREAM_ID_TEXT_SIZE];

	stream_id_format(from, text);
	if (consumer->look_pause.tries <= 1)
		log_info("the consumer group is created", log_str("group", consumer->options.group),
			 log_stream_id("from", from));
	consumer_move(consumer, CONSUMER_PLACING);
	consumer_check_sent(consumer->writer,
			    redis_send_text(consumer->writer, CONSUMER_WAIT_MS, on_created,
					    consumer, "XGROUP", "CREATE", BUS_STREAM,
					    consumer->options.group, text, "MKSTREAM", NULL));
}

/* ---- looking ------------------------------------------------------------------------------- */

const redisReply *consumer_find_group(const struct bus_consumer *consumer, const redisReply *groups)
{
	const redisReply *group;

	for (size_t i = 0; (group = reply_element(groups, i)); i++) {
		struct str text = reply_text(reply_find(group, "name"));

		if (text.at && str_is(text, consumer->options.group))
			return group;
	}
	return NULL;
}

static void compare(struct bus_consumer *consumer, const redisReply *group)
{
	struct str text = reply_text(reply_find(group, "last-delivered-id"));
	bool has_pending = reply_number(reply_find(group, "pending"), 0) > 0;
	struct stream_id at;
	int order;

	if (!text.at || stream_id_parse(text, &at) != 0) {
		redis_fail(consumer->writer, "an answer to XINFO GROUPS that makes no sense");
		return;
	}
	if (!consumer->is_placed) {
		adopt(consumer, at);
		return;
	}
	order = stream_id_compare(at, reached(consumer));
	if (order > 0) {
		set_back(consumer, at, has_pending);
		return;
	}
	if (order < 0)
		log_info("the consumer group is behind the ledger: what is read again changes "
			 "nothing",
			 log_stream_id("ledger", reached(consumer)), log_stream_id("group", at));
	consumer_begin(consumer, EVERYTHING);
}

static void on_groups(const redisReply *reply, void *owner)
{
	struct bus_consumer *consumer = owner;
	const redisReply *group;

	if (!reply || consumer->state != CONSUMER_LOOKING)
		return;
	if (reply_is_error(reply, "ERR") && strstr(reply->str, "no such key")) {
		consumer->edges = (struct bus_edges){ .exists = false };
		create(consumer);
	} else if (reply->type == REDIS_REPLY_ERROR) {
		consumer_take_error(consumer, consumer->writer, reply);
	} else if (reply->type != REDIS_REPLY_ARRAY) {
		redis_fail(consumer->writer, "an answer to XINFO GROUPS that makes no sense");
	} else if ((group = consumer_find_group(consumer, reply))) {
		compare(consumer, group);
	} else {
		create(consumer);
	}
}

static void on_edges(const struct bus_edges *edges, void *owner)
{
	struct bus_consumer *consumer = owner;

	if (edges->rc == -ENOTCONN || consumer->state != CONSUMER_LOOKING)
		return;
	if (edges->rc) {
		redis_fail(consumer->writer,
			   edges->rc == -EPROTOTYPE
				   ? "the key " BUS_STREAM " holds something that is no stream"
				   : "an answer to XINFO STREAM that makes no sense");
		return;
	}
	consumer->edges = *edges;
	if (!edges->exists) {
		create(consumer);
		return;
	}
	consumer_check_sent(consumer->writer,
			    redis_send_text(consumer->writer, CONSUMER_WAIT_MS, on_groups, consumer,
					    "XINFO", "GROUPS", BUS_STREAM, NULL));
}

void consumer_look(struct bus_consumer *consumer)
{
	consumer->epoch++;
	consumer_move(consumer, CONSUMER_LOOKING);
	consumer_check_sent(consumer->writer, bus_edges(consumer->writer, on_edges, consumer));
}
