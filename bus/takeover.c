/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What processes of this place that are gone had pending becomes ours before anything is read.
 *
 *   XINFO CONSUMERS --> the next one that is gone --> XPENDING --> XCLAIM, ids only --+
 *          ^   |                                       ^   |                          |
 *          |   v none                                  |   v nothing (left)           |
 *          |  DRAINING                                 +---|--------------------------+
 *          +-----------------------------------------------+
 *
 * Only the ownership moves here: DRAINING reads the contents with everything else that is ours, so
 * that several dead consumers' entries come in the order of the stream. Names and ids only ever go
 * up, which bounds both circles. Without this the entries would wait for the idle limit while newer
 * ones are delivered; consumers of other places still wait for it (claim.c).
 */
#include <errno.h>
#include <stdio.h>

#include "bus/consumer_parts.h"
#include "core/log.h"

static void list_consumers(struct bus_consumer *consumer);
static void list_pending(struct bus_consumer *consumer);

static void check_sent(struct bus_consumer *consumer, int rc)
{
	if (rc && rc != -ENOTCONN)
		redis_fail(consumer->writer, "out of memory");
}

/* A reply that the connection did not live to see, or an error, is dealt with here. */
static bool is_answer(struct bus_consumer *consumer, const redisReply *reply)
{
	if (!reply || consumer->state != CONSUMER_INHERITING)
		return false;
	if (reply->type != REDIS_REPLY_ARRAY) {
		consumer_take_error(consumer, consumer->writer, reply);
		return false;
	}
	return true;
}

/* ---- one page of entries ------------------------------------------------------------------- */

/* The reply has the ids we own now, in the order asked for. Those before the oldest entry of the
 * stream cannot be owned any more, and Redis has forgotten that they were pending; what else is
 * missing was acknowledged by a sibling that came first. */
static int count_missing(const struct bus_consumer *consumer, const redisReply *reply,
			 size_t *trimmed)
{
	const struct takeover *takeover = &consumer->takeover;
	size_t next = 0;

	*trimmed = 0;
	for (size_t i = 0; i < takeover->count; i++) {
		struct str text = reply_text(reply_element(reply, next));
		struct stream_id id;

		if (next < reply->elements && (!text.at || stream_id_parse(text, &id) != 0))
			return -EBADMSG;
		if (next < reply->elements && stream_id_compare(id, takeover->ids[i]) == 0)
			next++;
		else if (stream_id_is_zero(consumer->edges.oldest) ||
			 stream_id_compare(takeover->ids[i], consumer->edges.oldest) < 0)
			(*trimmed)++;
	}
	return next == reply->elements ? 0 : -EBADMSG;
}

static void on_claimed(const redisReply *reply, void *owner)
{
	struct bus_consumer *consumer = owner;
	size_t trimmed;

	if (!is_answer(consumer, reply))
		return;
	if (count_missing(consumer, reply, &trimmed) != 0) {
		redis_fail(consumer->writer, "an answer to XCLAIM that makes no sense");
		return;
	}
	if (trimmed > 0)
		batch_report_trimmed(trimmed);
	if (reply->elements > 0) {
		metric_add(bus_counters.claimed, (int64_t)reply->elements);
		log_info("entries of a consumer that is gone are taken over",
			 log_str("consumer", consumer->takeover.from),
			 log_int("entries", (int64_t)reply->elements));
	}
	list_pending(consumer);
}

static void claim_page(struct bus_consumer *consumer)
{
	const struct takeover *takeover = &consumer->takeover;
	char ids[CONSUMER_CLAIM_COUNT][STREAM_ID_TEXT_SIZE];
	struct str argv[6 + CONSUMER_CLAIM_COUNT] = { STR("XCLAIM"), STR(BUS_STREAM),
						      str_of(consumer->options.group),
						      str_of(consumer->options.name), STR("0") };
	int argc = 5;

	for (size_t i = 0; i < takeover->count; i++) {
		stream_id_format(takeover->ids[i], ids[i]);
		argv[argc++] = str_of(ids[i]);
	}
	argv[argc++] = STR("JUSTID");
	check_sent(consumer, redis_send(consumer->writer, CONSUMER_WAIT_MS, on_claimed, consumer,
					argc, argv));
}

static int take_page(struct takeover *takeover, const redisReply *reply)
{
	takeover->count = 0;
	if (reply->elements > CONSUMER_CLAIM_COUNT)
		return -EBADMSG;
	for (size_t i = 0; i < reply->elements; i++) {
		struct str text = reply_text(reply_element(reply_element(reply, i), 0));
		struct stream_id id;

		if (!text.at || stream_id_parse(text, &id) != 0 ||
		    stream_id_compare(id, takeover->cursor) <= 0)
			return -EBADMSG;
		takeover->ids[takeover->count++] = id;
		takeover->cursor = id;
	}
	return 0;
}

static void on_pending(const redisReply *reply, void *owner)
{
	struct bus_consumer *consumer = owner;

	if (!is_answer(consumer, reply))
		return;
	if (take_page(&consumer->takeover, reply) != 0)
		redis_fail(consumer->writer, "an answer to XPENDING that makes no sense");
	else if (consumer->takeover.count > 0)
		claim_page(consumer);
	else
		list_consumers(consumer);
}

static void list_pending(struct bus_consumer *consumer)
{
	char after[1 + STREAM_ID_TEXT_SIZE] = "(";
	char count[16];

	stream_id_format(consumer->takeover.cursor, after + 1);
	snprintf(count, sizeof(count), "%d", CONSUMER_CLAIM_COUNT);
	check_sent(consumer,
		   redis_send_text(consumer->writer, CONSUMER_WAIT_MS, on_pending, consumer,
				   "XPENDING", BUS_STREAM, consumer->options.group, after, "+",
				   count, consumer->takeover.from, NULL));
}

/* ---- one consumer after another ------------------------------------------------------------ */

static int compare_names(struct str a, struct str b)
{
	size_t shorter = a.len < b.len ? a.len : b.len;
	int order = shorter > 0 ? memcmp(a.at, b.at, shorter) : 0;

	return order ? order : (a.len > b.len) - (a.len < b.len);
}

static bool is_next(const struct bus_consumer *consumer, struct str name, struct str best)
{
	struct str last = str_of(consumer->takeover.from);

	return worker_name_is_gone(name, str_of(consumer->options.name)) &&
	       compare_names(name, last) > 0 && (!best.at || compare_names(name, best) < 0);
}

/* The lowest name after the last one. */
static struct str find_next(const struct bus_consumer *consumer, const redisReply *consumers)
{
	struct str best = { NULL, 0 };
	const redisReply *about;

	for (size_t i = 0; (about = reply_element(consumers, i)); i++) {
		struct str name = reply_text(reply_find(about, "name"));

		if (name.at && reply_number(reply_find(about, "pending"), 0) > 0 &&
		    is_next(consumer, name, best))
			best = name;
	}
	return best;
}

static void begin_draining(struct bus_consumer *consumer)
{
	consumer->drained_to = (struct stream_id){ 0 };
	consumer->claim_cursor = (struct stream_id){ 0 };
	consumer_move(consumer, CONSUMER_DRAINING);
	consumer_pump(consumer);
}

static void on_consumers(const redisReply *reply, void *owner)
{
	struct bus_consumer *consumer = owner;
	struct str next;

	if (!is_answer(consumer, reply))
		return;
	next = find_next(consumer, reply);
	if (!next.at) {
		begin_draining(consumer);
		return;
	}
	snprintf(consumer->takeover.from, sizeof(consumer->takeover.from), "%.*s", STR_ARGS(next));
	consumer->takeover.cursor = (struct stream_id){ 0 };
	list_pending(consumer);
}

static void list_consumers(struct bus_consumer *consumer)
{
	check_sent(consumer, redis_send_text(consumer->writer, CONSUMER_WAIT_MS, on_consumers,
					     consumer, "XINFO", "CONSUMERS", BUS_STREAM,
					     consumer->options.group, NULL));
}

void consumer_inherit(struct bus_consumer *consumer)
{
	consumer->takeover.from[0] = '\0';
	consumer_move(consumer, CONSUMER_INHERITING);
	list_consumers(consumer);
}
