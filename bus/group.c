/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Making sure that the group exists, after every connect and whenever Redis says it does not.
 *
 * LOOKING asks for the edges of the stream and the groups on it. An existing group is used as it
 * is. For a missing one ASKING wants the last acknowledged id from the store, and CREATING makes
 * the group:
 *
 *   known, and the stream reaches that far   five minutes before it: lower entries may have been
 *                                            pending with others, and inserts are idempotent
 *   known, but the stream is younger         at 0: it is a new stream, all of it is unread
 *   never seen, the stream exists            at its end
 *   never seen, no stream                    at 0, and the stream is created with the group
 *
 * A group that this process created and lost before anything was acknowledged is not "never
 * seen": it starts again where it started.
 */
#include <errno.h>

#include "bus/consumer_parts.h"
#include "core/log.h"

#define OVERLAP_MS 300000

/* ---- creating ------------------------------------------------------------------------------ */

static void on_created(const redisReply *reply, void *owner)
{
	struct bus_consumer *consumer = owner;

	if (!reply || consumer->state != CONSUMER_CREATING)
		return;
	/* A sibling may have been faster. */
	if (reply->type != REDIS_REPLY_STATUS && !reply_is_error(reply, "BUSYGROUP")) {
		consumer_take_error(consumer, consumer->writer, reply);
		return;
	}
	if (reply->type == REDIS_REPLY_STATUS)
		metric_add(bus_counters.groups_created, 1);
	backoff_reset(&consumer->ask_pause);
	consumer_inherit(consumer);
}

static bool stream_reaches(const struct bus_edges *edges, struct stream_id id)
{
	return edges->exists && stream_id_compare(edges->newest, id) >= 0;
}

static struct stream_id with_overlap(struct stream_id id)
{
	if (id.ms <= OVERLAP_MS)
		return (struct stream_id){ 0 };
	return (struct stream_id){ .ms = id.ms - OVERLAP_MS };
}

static void create(struct bus_consumer *consumer, bool known, struct stream_id last)
{
	const struct bus_edges *edges = &consumer->edges;
	struct stream_id from = { 0 };
	char text[STREAM_ID_TEXT_SIZE];
	int rc;

	if (known && stream_reaches(edges, last))
		from = with_overlap(last);
	else if (!known && consumer->has_origin && stream_reaches(edges, consumer->origin))
		from = consumer->origin;
	else if (!known && !consumer->has_origin && edges->exists)
		from = edges->newest;
	if (!known) {
		consumer->has_origin = true;
		consumer->origin = from;
	}
	stream_id_format(from, text);
	log_info("the consumer group is created", log_str("group", consumer->options.group),
		 log_stream_id("from", from));
	consumer_move(consumer, CONSUMER_CREATING);
	rc = redis_send_text(consumer->writer, CONSUMER_WAIT_MS, on_created, consumer, "XGROUP",
			     "CREATE", BUS_STREAM, consumer->options.group, text, "MKSTREAM", NULL);
	if (rc && rc != -ENOTCONN)
		redis_fail(consumer->writer, "out of memory");
}

/* ---- asking ------------------------------------------------------------------------------ */

void consumer_ask_position(struct bus_consumer *consumer)
{
	if (consumer->position_is_asked || consumer->state != CONSUMER_ASKING)
		return;
	consumer->position_is_asked = true;
	consumer->options.on_position_wanted(consumer->options.owner);
}

void bus_consumer_position(struct bus_consumer *consumer, int rc, bool known, struct stream_id last)
{
	consumer->position_is_asked = false;
	if (consumer->state == CONSUMER_CLOSING)
		consumer_finish_closing(consumer);
	else if (consumer->state != CONSUMER_ASKING)
		return; /* asked again when it matters again */
	else if (rc)
		consumer_set_due(consumer, DUE_ASK, backoff_next_ms(&consumer->ask_pause));
	else
		create(consumer, known, last);
}

static void want_position(struct bus_consumer *consumer)
{
	consumer_move(consumer, CONSUMER_ASKING);
	consumer_ask_position(consumer);
}

/* ---- looking ------------------------------------------------------------------------------- */

static bool names_group(const redisReply *groups, const char *name)
{
	const redisReply *group;

	for (size_t i = 0; (group = reply_element(groups, i)); i++) {
		struct str text = reply_text(reply_find(group, "name"));

		if (text.at && str_is(text, name))
			return true;
	}
	return false;
}

static void on_groups(const redisReply *reply, void *owner)
{
	struct bus_consumer *consumer = owner;

	if (!reply || consumer->state != CONSUMER_LOOKING)
		return;
	if (reply_is_error(reply, "ERR") && strstr(reply->str, "no such key")) {
		consumer->edges = (struct bus_edges){ .exists = false };
		want_position(consumer);
	} else if (reply->type == REDIS_REPLY_ERROR) {
		consumer_take_error(consumer, consumer->writer, reply);
	} else if (reply->type != REDIS_REPLY_ARRAY) {
		redis_fail(consumer->writer, "an answer to XINFO GROUPS that makes no sense");
	} else if (names_group(reply, consumer->options.group)) {
		backoff_reset(&consumer->ask_pause);
		consumer_inherit(consumer);
	} else {
		want_position(consumer);
	}
}

static void on_edges(const struct bus_edges *edges, void *owner)
{
	struct bus_consumer *consumer = owner;
	int rc;

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
		want_position(consumer);
		return;
	}
	rc = redis_send_text(consumer->writer, CONSUMER_WAIT_MS, on_groups, consumer, "XINFO",
			     "GROUPS", BUS_STREAM, NULL);
	if (rc && rc != -ENOTCONN)
		redis_fail(consumer->writer, "out of memory");
}

void consumer_look(struct bus_consumer *consumer)
{
	int rc;

	consumer->epoch++;
	consumer_move(consumer, CONSUMER_LOOKING);
	rc = bus_edges(consumer->writer, on_edges, consumer);
	if (rc && rc != -ENOTCONN)
		redis_fail(consumer->writer, "out of memory");
}
