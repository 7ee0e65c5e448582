/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What a consumer does for its siblings: takes over the entries of those who fell silent, removes
 * those who are gone for good, and watches the group's lag.
 *
 * A round of XAUTOCLAIM follows the cursor to its end; then consumers without entries that were
 * silent for sixty times the idle limit (an hour, with the usual minute) are removed. Nothing is taken
 * over while our own oldest batch is old: then the ledger is away for everybody, and our own
 * entries would come back to us as if they were another's.
 */
#include <errno.h>
#include <stdio.h>

#include "bus/consumer_parts.h"
#include "core/log.h"

#define GONE_FACTOR 60
#define LAG_ALARM   5000

/* ---- consumers that are gone ----------------------------------------------------------- */

static void on_removed(const redisReply *reply, void *owner)
{
	(void)owner;
	/* It woke up between question and removal; what it has just read it still commits. */
	if (reply && reply->type == REDIS_REPLY_INTEGER && reply->integer > 0)
		log_error("a consumer was removed together with pending entries",
			  log_int("entries", reply->integer));
}

static void remove_if_gone(struct bus_consumer *consumer, const redisReply *about)
{
	struct str name = reply_text(reply_find(about, "name"));
	uint64_t pending = reply_number(reply_find(about, "pending"), UINT64_MAX);
	uint64_t idle_ms = reply_number(reply_find(about, "idle"), 0);
	const struct str argv[] = { STR("XGROUP"), STR("DELCONSUMER"), STR(BUS_STREAM),
				    str_of(consumer->options.group), name };

	if (!name.at || pending > 0 || str_is(name, consumer->options.name) ||
	    idle_ms <= (uint64_t)consumer->options.claim_idle_ms * GONE_FACTOR)
		return;
	if (redis_send(consumer->writer, CONSUMER_WAIT_MS, on_removed, consumer, ARRAY_LEN(argv),
		       argv) == 0)
		log_info("a consumer that is gone is removed", log_slice("consumer", name));
}

static void on_consumers(const redisReply *reply, void *owner)
{
	struct bus_consumer *consumer = owner;
	const redisReply *about;

	if (!reply || consumer->state != CONSUMER_FOLLOWING)
		return;
	for (size_t i = 0; (about = reply_element(reply, i)); i++)
		remove_if_gone(consumer, about);
}

static void look_for_the_gone(struct bus_consumer *consumer)
{
	int rc = redis_send_text(consumer->writer, CONSUMER_WAIT_MS, on_consumers, consumer,
				 "XINFO", "CONSUMERS", BUS_STREAM, consumer->options.group, NULL);

	if (rc && rc != -ENOTCONN)
		redis_fail(consumer->writer, "out of memory");
}

/* ---- taking over ----------------------------------------------------------------------- */

static int take_claimed(struct bus_consumer *consumer, const redisReply *reply)
{
	struct str cursor = reply_text(reply_element(reply, 0));
	const redisReply *list = reply_element(reply, 1);
	const redisReply *deleted = reply_element(reply, 2);
	struct stream_id next;
	struct batch *batch;
	int rc;

	if (!cursor.at || stream_id_parse(cursor, &next) != 0 || !list ||
	    list->type != REDIS_REPLY_ARRAY || list->elements > CONSUMER_CLAIM_COUNT ||
	    (!stream_id_is_zero(next) && stream_id_compare(next, consumer->claim_cursor) <= 0))
		return -EBADMSG;
	rc = batch_from_entries(consumer, list, &batch);
	if (rc)
		return rc;
	consumer->claim_cursor = next;
	consumer->claim_is_wanted = !stream_id_is_zero(next);
	if (deleted && deleted->type == REDIS_REPLY_ARRAY && deleted->elements > 0) {
		metric_add(bus_counters.trimmed, (int64_t)deleted->elements);
		log_warn("entries were trimmed before anybody committed them",
			 log_int("entries", (int64_t)deleted->elements));
	}
	if (!batch)
		return 0;
	metric_add(bus_counters.claimed, (int64_t)batch->item_count);
	log_info("entries of a silent consumer are taken over",
		 log_int("entries", (int64_t)batch->item_count));
	consumer_take_batch(consumer, batch);
	return 0;
}

static void on_claimed(const redisReply *reply, void *owner)
{
	struct bus_consumer *consumer = owner;
	int rc;

	consumer->is_claiming = false;
	if (!reply)
		return;
	if (consumer->claim_epoch == consumer->epoch && consumer_has_group(consumer)) {
		if (reply->type == REDIS_REPLY_ERROR) {
			consumer_take_error(consumer, consumer->writer, reply);
			return;
		}
		rc = take_claimed(consumer, reply);
		if (rc) {
			redis_fail(consumer->writer,
				   rc == -ENOMEM ? "out of memory"
						 : "an answer to XAUTOCLAIM that makes no sense");
			return;
		}
		if (!consumer->claim_is_wanted && consumer->state == CONSUMER_FOLLOWING)
			look_for_the_gone(consumer);
	}
	consumer_pump(consumer);
}

static bool ledger_is_slow(const struct bus_consumer *consumer)
{
	const struct batch *oldest = consumer->in_hand;
	uint64_t limit_ms = consumer->options.claim_idle_ms / 2;

	return oldest && uv_now(consumer->options.loop) - oldest->read_ms >= limit_ms;
}

void consumer_claim(struct bus_consumer *consumer)
{
	char cursor[STREAM_ID_TEXT_SIZE];
	char idle[16];
	char count[16];
	int rc;

	if (consumer->state != CONSUMER_FOLLOWING || consumer->is_claiming ||
	    !consumer_has_room(consumer) || ledger_is_slow(consumer))
		return;
	stream_id_format(consumer->claim_cursor, cursor);
	snprintf(idle, sizeof(idle), "%u", consumer->options.claim_idle_ms);
	snprintf(count, sizeof(count), "%d", CONSUMER_CLAIM_COUNT);
	rc = redis_send_text(consumer->writer, CONSUMER_WAIT_MS, on_claimed, consumer, "XAUTOCLAIM",
			     BUS_STREAM, consumer->options.group, consumer->options.name, idle,
			     cursor, "COUNT", count, NULL);
	if (rc == 0) {
		consumer->is_claiming = true;
		consumer->claim_epoch = consumer->epoch;
	} else if (rc != -ENOTCONN) {
		redis_fail(consumer->writer, "out of memory");
	}
}

/* ---- lag --------------------------------------------------------------------------------- */

static void judge_lag(struct bus_consumer *consumer, uint64_t lag)
{
	bool is_high = lag > LAG_ALARM;

	if (is_high && !consumer->lag_is_high)
		log_warn("the consumer group lags behind; the stream may be trimmed before it is "
			 "read",
			 log_int("entries", (int64_t)lag));
	else if (!is_high && consumer->lag_is_high)
		log_info("the consumer group has caught up", log_int("entries", (int64_t)lag));
	consumer->lag_is_high = is_high;
	metric_set(bus_counters.lag, (int64_t)lag);
}

static void on_sample(const redisReply *reply, void *owner)
{
	struct bus_consumer *consumer = owner;
	const redisReply *group;

	if (!reply || !consumer_has_group(consumer))
		return;
	for (size_t i = 0; (group = reply_element(reply, i)); i++) {
		struct str name = reply_text(reply_find(group, "name"));

		if (!name.at || !str_is(name, consumer->options.group))
			continue;
		metric_set(bus_counters.pending,
			   (int64_t)reply_number(reply_find(group, "pending"), 0));
		/* After a trimmed hole Redis does not know the lag, until the group has caught up. */
		const redisReply *lag = reply_find(group, "lag");

		if (lag && lag->type == REDIS_REPLY_INTEGER)
			judge_lag(consumer, reply_number(lag, 0));
		return;
	}
	consumer_look_again(consumer);
}

void consumer_sample(struct bus_consumer *consumer)
{
	int rc;

	if (!consumer_has_group(consumer) || consumer->options.lag_is_shown_elsewhere)
		return;
	rc = redis_send_text(consumer->writer, CONSUMER_WAIT_MS, on_sample, consumer, "XINFO",
			     "GROUPS", BUS_STREAM, NULL);
	if (rc && rc != -ENOTCONN)
		redis_fail(consumer->writer, "out of memory");
}
