/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A round of XAUTOCLAIM follows the cursor to its end. It moves only the ownership: draining reads
 * the contents later, in the order of the stream. After the last step, a consumer of another name
 * is removed when it holds no entry and was silent for sixty times the idle limit (an hour with the
 * usual minute).
 */
#include "bus/claim.h"

#include <errno.h>
#include <stdio.h>

#include "bus/counters.h"
#include "bus/reply.h"
#include "bus/stream.h"
#include "bus/trim_warning.h"
#include "core/clock.h"
#include "core/log.h"
#include "net/net.h"

#define CLAIM_COUNT "100"
#define GONE_FACTOR 60

/* ---- consumers that are gone ----------------------------------------------------------- */

static void on_removed(const redisReply *reply, void *owner)
{
	(void)owner;
	/* It woke up between XINFO and XGROUP DELCONSUMER. It still commits what it has just
	 * read. */
	if (reply && reply->type == REDIS_REPLY_INTEGER && reply->integer > 0)
		log_error("removed a consumer together with its pending entries",
			  log_int("entries", reply->integer));
}

static void remove_if_gone(struct claim *claim, const redisReply *about)
{
	struct str name = reply_text(reply_find(about, "name"));
	uint64_t pending = reply_number(reply_find(about, "pending"), UINT64_MAX);
	uint64_t idle_ms = reply_number(reply_find(about, "idle"), 0);
	const struct str argv[] = { STR("XGROUP"), STR("DELCONSUMER"), STR(BUS_STREAM),
				    str_of(claim->step.group), name };
	int64_t kept_back;

	if (!name.at || pending > 0 || str_is(name, BUS_CONSUMER_NAME) ||
	    idle_ms <= (uint64_t)claim->idle_ms * GONE_FACTOR)
		return;
	if (redis_send(claim->step.redis, REPLY_TIMEOUT_MS, on_removed, NULL, ARRAY_LEN(argv),
		       argv) == 0 &&
	    log_limit_passes(&claim->removal_lines, clock_mono_ms(), &kept_back))
		log_info("removing a consumer that is gone", log_slice("consumer", name),
			 log_int("kept_back", kept_back));
}

/* True when the answer belongs to the current round. */
static bool take_turn(struct claim *claim, const redisReply *reply)
{
	bool counts = reply && !claim->is_cancelled;

	claim->is_busy = false;
	claim->is_cancelled = false;
	return counts;
}

static void on_consumers(const redisReply *reply, void *owner)
{
	struct claim *claim = owner;
	const redisReply *about;

	if (!take_turn(claim, reply))
		return;
	for (size_t i = 0; (about = reply_element(reply, i)); i++)
		remove_if_gone(claim, about);
}

static void remove_gone(struct claim *claim)
{
	int rc = redis_send_text(claim->step.redis, REPLY_TIMEOUT_MS, on_consumers, claim, "XINFO",
				 "CONSUMERS", BUS_STREAM, claim->step.group, NULL);

	claim->is_busy = rc == 0;
	reply_check_sent(claim->step.redis, rc);
}

/* ---- taking over ----------------------------------------------------------------------- */

static size_t count_of(const redisReply *list)
{
	return list && list->type == REDIS_REPLY_ARRAY ? list->elements : 0;
}

static void note_claimed(struct claim *claim, size_t taken, size_t trimmed)
{
	int64_t kept_back;

	if (trimmed > 0)
		trim_warning_note(trimmed);
	if (taken == 0)
		return;
	metric_add(bus_counters.claimed, (int64_t)taken);
	if (log_limit_passes(&claim->taken_lines, clock_mono_ms(), &kept_back))
		log_info("took over entries of a silent consumer",
			 log_int("entries", (int64_t)taken), log_int("kept_back", kept_back));
}

static int take_claimed(struct claim *claim, const redisReply *reply)
{
	struct str cursor = reply_text(reply_element(reply, 0));
	const redisReply *ids = reply_element(reply, 1);
	size_t taken = count_of(ids);
	struct stream_id next;

	if (!cursor.at || stream_id_parse(cursor, &next) != 0 || !ids ||
	    ids->type != REDIS_REPLY_ARRAY ||
	    (!stream_id_is_zero(next) && stream_id_compare(next, claim->cursor) <= 0))
		return -EBADMSG;
	claim->cursor = next;
	note_claimed(claim, taken, count_of(reply_element(reply, 2)));
	if (stream_id_is_zero(next))
		remove_gone(claim);
	claim->on_claimed(taken, stream_id_is_zero(next), claim->step.owner);
	return 0;
}

static void on_claimed(const redisReply *reply, void *owner)
{
	struct claim *claim = owner;

	if (!take_turn(claim, reply))
		return;
	if (reply->type == REDIS_REPLY_ERROR)
		step_fail(&claim->step, reply);
	else if (take_claimed(claim, reply) != 0)
		reply_reject(claim->step.redis, -EBADMSG, "XAUTOCLAIM");
}

void claim_next(struct claim *claim)
{
	char cursor[STREAM_ID_TEXT_SIZE];
	char idle[16];
	int rc;

	if (claim->is_busy)
		return;
	stream_id_format(claim->cursor, cursor);
	snprintf(idle, sizeof(idle), "%u", claim->idle_ms);
	rc = redis_send_text(claim->step.redis, REPLY_TIMEOUT_MS, on_claimed, claim, "XAUTOCLAIM",
			     BUS_STREAM, claim->step.group, BUS_CONSUMER_NAME, idle, cursor,
			     "COUNT", CLAIM_COUNT, "JUSTID", NULL);
	claim->is_busy = rc == 0;
	reply_check_sent(claim->step.redis, rc);
}

void claim_cancel(struct claim *claim)
{
	claim->is_cancelled = claim->is_busy;
	claim->cursor = (struct stream_id){ 0 };
}
