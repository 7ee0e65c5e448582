/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What the consumer does from time to time: takes over what consumers of other names left pending, which
 * only older versions of this program have, removes those names, and watches the group's lag.
 *
 * A round of XAUTOCLAIM follows the cursor to its end and moves only the ownership; draining reads the
 * contents with everything else that is pending, in the order of the stream. Then other consumers that hold
 * nothing and were silent for sixty times the idle limit (an hour, with the usual minute) are removed. While
 * a batch of our own is old nothing is taken over: it would be counted as another's.
 */
#include <errno.h>
#include <stdio.h>

#include "bus/consumer_parts.h"
#include "core/log.h"

#define CLAIM_COUNT       "100"
#define GONE_FACTOR       60
#define LAG_ALARM         5000
#define LOOK_FOR_GROUP_MS 500 /* of one that stands by */

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

	if (!name.at || pending > 0 || str_is(name, BUS_CONSUMER_NAME) ||
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

	if (!reply || !consumer_has_group(consumer))
		return;
	for (size_t i = 0; (about = reply_element(reply, i)); i++)
		remove_if_gone(consumer, about);
}

/* ---- taking over ----------------------------------------------------------------------- */

static int take_claimed(struct bus_consumer *consumer, const redisReply *reply)
{
	struct str cursor = reply_text(reply_element(reply, 0));
	const redisReply *ids = reply_element(reply, 1);
	const redisReply *deleted = reply_element(reply, 2);
	struct stream_id next;

	if (!cursor.at || stream_id_parse(cursor, &next) != 0 || !ids ||
	    ids->type != REDIS_REPLY_ARRAY ||
	    (!stream_id_is_zero(next) && stream_id_compare(next, consumer->claim_cursor) <= 0))
		return -EBADMSG;
	consumer->claim_cursor = next;
	if (deleted && deleted->type == REDIS_REPLY_ARRAY && deleted->elements > 0)
		consumer_report_trimmed(consumer, deleted->elements);
	if (ids->elements > 0) {
		consumer->drain_is_wanted = true;
		metric_add(bus_counters.claimed, (int64_t)ids->elements);
		log_info("entries of a silent consumer are taken over",
			 log_int("entries", (int64_t)ids->elements));
	}
	return 0;
}

static void on_claimed(const redisReply *reply, void *owner)
{
	struct bus_consumer *consumer = owner;

	consumer->is_claiming = false;
	if (!reply || consumer->claim_epoch != consumer->epoch || !consumer_has_group(consumer))
		return;
	if (reply->type == REDIS_REPLY_ERROR) {
		consumer_take_error(consumer, consumer->writer, reply);
	} else if (take_claimed(consumer, reply) != 0) {
		redis_fail(consumer->writer, "an answer to XAUTOCLAIM that makes no sense");
	} else if (!stream_id_is_zero(consumer->claim_cursor)) {
		consumer_claim(consumer);
	} else {
		consumer_check_sent(consumer->writer,
				    redis_send_text(consumer->writer, CONSUMER_WAIT_MS,
						    on_consumers, consumer, "XINFO", "CONSUMERS",
						    BUS_STREAM, consumer->options.group, NULL));
	}
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
	int rc;

	if (consumer->state != CONSUMER_FOLLOWING || consumer->is_claiming ||
	    ledger_is_slow(consumer))
		return;
	stream_id_format(consumer->claim_cursor, cursor);
	snprintf(idle, sizeof(idle), "%u", consumer->options.claim_idle_ms);
	rc = redis_send_text(consumer->writer, CONSUMER_WAIT_MS, on_claimed, consumer, "XAUTOCLAIM",
			     BUS_STREAM, consumer->options.group, BUS_CONSUMER_NAME, idle, cursor,
			     "COUNT", CLAIM_COUNT, "JUSTID", NULL);
	if (rc == 0) {
		consumer->is_claiming = true;
		consumer->claim_epoch = consumer->epoch;
	}
	consumer_check_sent(consumer->writer, rc);
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

static void show(struct bus_consumer *consumer, const redisReply *group)
{
	const redisReply *lag = reply_find(group, "lag");

	metric_set(bus_counters.pending, (int64_t)reply_number(reply_find(group, "pending"), 0));
	/* After a trimmed hole, or when it was set back, Redis does not know the lag until the group has
	 * caught up. */
	if (lag && lag->type == REDIS_REPLY_INTEGER)
		judge_lag(consumer, reply_number(lag, 0));
}

static void on_sample(const redisReply *reply, void *owner)
{
	struct bus_consumer *consumer = owner;
	const redisReply *group;

	if (!reply)
		return;
	group = consumer_find_group(consumer, reply);
	if (consumer->state == CONSUMER_STANDING_BY) {
		consumer->group_is_there = group != NULL;
		consumer_set_due(consumer, DUE_SAMPLE,
				 group ? CONSUMER_SAMPLE_MS : LOOK_FOR_GROUP_MS);
	} else if (consumer_has_group(consumer) && group) {
		show(consumer, group);
	} else if (consumer_has_group(consumer)) {
		consumer_look_again(consumer);
	}
}

void consumer_sample(struct bus_consumer *consumer)
{
	if (consumer->state != CONSUMER_STANDING_BY)
		consumer_set_due(consumer, DUE_SAMPLE, CONSUMER_SAMPLE_MS);
	consumer_check_sent(consumer->writer,
			    redis_send_text(consumer->writer, CONSUMER_WAIT_MS, on_sample, consumer,
					    "XINFO", "GROUPS", BUS_STREAM, NULL));
}
