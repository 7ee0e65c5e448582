/* SPDX-License-Identifier: Apache-2.0 */

/*
 * We acknowledge after the ledger has committed and Redis has taken the dead letters. When Redis
 * refuses a dead letter, its entry stays pending and is read again; the other entries go on. A
 * batch without events goes through the ledger, too, which commits its position. So a worker that
 * no longer leads writes no dead letters and acknowledges nothing. A lost connection loses no
 * entry: it is still pending, is read again, and is committed to the same row again.
 */
#include "bus/commit.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "bus/reply.h"
#include "bus/stream.h"
#include "core/clock.h"
#include "core/errno_text.h"
#include "core/log.h"
#include "net/net.h"

/* Each may have a megabyte, which waits in the connection until Redis has taken it. */
#define LETTERS_AT_ONCE 8

static const char *const class_names[DEAD_CLASSES] = {
	[DEAD_NO_PAYLOAD] = "no payload",
	[DEAD_UNREADABLE] = "unreadable",
	[DEAD_REJECTED] = "rejected",
};

static void show(struct batch_commit *commit)
{
	struct batch *batch = commit->batch;

	memset(batch->shown.rejected, 0, batch->shown.count * sizeof(struct reason));
	commit->is_with_ledger = true;
	position_reach(commit->ledger, batch->shown.last);
	commit->on_show(&batch->shown, commit->step.owner);
}

static void drop_batch(struct batch_commit *commit)
{
	batch_free(commit->batch);
	commit->batch = NULL;
	commit->is_old = false;
	commit->is_lost = false;
}

static void finish(struct batch_commit *commit)
{
	struct batch *next = commit->queued;

	assert(commit->batch && commit->replies_awaited == 0);
	drop_batch(commit);
	commit->queued = NULL;
	if (next)
		commit_take(commit, next); /* may come back here before it returns */
	commit->on_done(commit->step.owner);
}

/* ---- acknowledging ----------------------------------------------------------------------- */

static void on_acknowledged(const redisReply *reply, void *owner)
{
	struct batch_commit *commit = owner;

	commit->replies_awaited--;
	if (reply && reply->type == REDIS_REPLY_INTEGER)
		metric_add(bus_counters.acknowledged, reply->integer > 0 ? reply->integer : 0);
	else if (reply)
		step_fail(&commit->step, reply);
	if (commit->replies_awaited == 0)
		finish(commit);
}

static int send_acknowledgement(struct batch_commit *commit, size_t from, size_t *next)
{
	const struct batch *batch = commit->batch;
	char ids[BATCH_MAX_ENTRIES][STREAM_ID_TEXT_SIZE];
	struct str argv[3 + BATCH_MAX_ENTRIES] = { STR("XACK"), STR(BUS_STREAM),
						   str_of(commit->step.group) };
	int argc = 3;
	size_t i = from;

	for (; i < batch->item_count && argc < 3 + BATCH_MAX_ENTRIES; i++) {
		if (batch->items[i].stays_pending)
			continue;
		stream_id_format(batch->items[i].id, ids[argc - 3]);
		argv[argc] = str_of(ids[argc - 3]);
		argc++;
	}
	*next = i;
	if (argc == 3)
		return 0;
	int rc = redis_send(commit->step.redis, REPLY_TIMEOUT_MS, on_acknowledged, commit, argc,
			    argv);

	if (rc == 0)
		commit->replies_awaited++;
	return rc;
}

static void acknowledge(struct batch_commit *commit)
{
	size_t next = 0;
	int rc = 0;

	while (next < commit->batch->item_count && rc == 0 && !commit->is_lost)
		rc = send_acknowledgement(commit, next, &next);
	reply_check_sent(commit->step.redis, rc);
	if (commit->replies_awaited == 0)
		finish(commit);
}

/* ---- dead letters -------------------------------------------------------------------------- */

static void report_dead(struct dead_letter *letter, struct stream_id id)
{
	struct batch_commit *commit = letter->batch->commit;
	int64_t kept_back;

	metric_add(bus_counters.dead[letter->class], 1);
	if (log_limit_passes(&commit->dead_lines, clock_mono_ms(), &kept_back))
		log_warn("put an entry aside as a dead letter", log_stream_id("id", id),
			 log_str("class", class_names[letter->class]),
			 log_str("field", letter->why.field), log_str("why", letter->why.text),
			 log_int("kept_back", kept_back));
}

static void report_refused(struct dead_letter *letter, struct stream_id id, const redisReply *reply)
{
	struct batch_commit *commit = letter->batch->commit;
	int64_t kept_back;

	metric_add(bus_counters.refused_letters, 1);
	if (log_limit_passes(&commit->refused_lines, clock_mono_ms(), &kept_back))
		log_error("Redis refused a dead letter; its entry stays pending and is tried again",
			  log_stream_id("id", id),
			  log_str("answer", reply->type == REDIS_REPLY_ERROR
						    ? reply->str
						    : "unexpected reply type"),
			  log_int("kept_back", kept_back));
}

static void judge_answer(struct dead_letter *letter, const redisReply *reply)
{
	struct batch_item *item = &letter->batch->items[letter->item];

	if (!reply) {
		letter->batch->commit->is_lost = true;
	} else if (reply->type == REDIS_REPLY_STRING) {
		report_dead(letter, item->id);
	} else {
		item->stays_pending = true;
		report_refused(letter, item->id, reply);
	}
}

static void write_dead_letters(struct batch_commit *commit);

static void on_written(const redisReply *reply, void *owner)
{
	struct dead_letter *letter = owner;
	struct batch_commit *commit = letter->batch->commit;

	judge_answer(letter, reply);
	commit->replies_awaited--;
	write_dead_letters(commit);
}

static int send_dead_letter(struct dead_letter *letter)
{
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

	return redis_send(letter->batch->commit->step.redis, REPLY_TIMEOUT_MS, on_written, letter,
			  ARRAY_LEN(argv), argv);
}

/* A few at a time. Their answers start the next ones. */
static void write_dead_letters(struct batch_commit *commit)
{
	struct batch *batch = commit->batch;
	int rc = 0;

	while (rc == 0 && !commit->is_lost && batch->next_dead < batch->dead_count &&
	       commit->replies_awaited < LETTERS_AT_ONCE) {
		struct dead_letter *letter = &batch->dead[batch->next_dead];

		rc = send_dead_letter(letter);
		if (rc < 0)
			break;
		commit->replies_awaited++;
		batch->next_dead++;
		free(letter->payload);
		letter->payload = NULL;
	}
	if (rc < 0)
		commit->is_lost = true;
	reply_check_sent(commit->step.redis, rc);
	if (commit->replies_awaited == 0)
		acknowledge(commit);
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

/* The ledger has committed the batch. A failure from here on leaves entries pending; they are read
 * again. */
static void put_aside(struct batch_commit *commit)
{
	if (add_rejected(commit->batch) < 0) {
		commit->is_lost = true;
		reply_check_sent(commit->step.redis, -ENOMEM);
	}
	write_dead_letters(commit);
}

/* ---- the ledger ---------------------------------------------------------------------------- */

bool commit_has_room(const struct batch_commit *commit)
{
	return !commit->batch || !commit->queued;
}

void commit_take(struct batch_commit *commit, struct batch *batch)
{
	assert(commit_has_room(commit));
	batch->commit = commit;
	if (commit->batch) {
		commit->queued = batch;
		return;
	}
	commit->batch = batch;
	show(commit);
}

void commit_again(struct batch_commit *commit)
{
	if (commit->batch && !commit->is_with_ledger)
		show(commit);
}

static unsigned try_later(struct batch_commit *commit, int rc)
{
	unsigned pause_ms = backoff_next_ms(&commit->pause);
	int64_t kept_back;

	metric_add(bus_counters.failed_commits, 1);
	if (commit->failure_is_logged ||
	    !log_limit_passes(&commit->failure_lines, clock_mono_ms(), &kept_back))
		return pause_ms;
	commit->failure_is_logged = true;
	log_warn("cannot commit a batch; trying again",
		 log_int("events", (int64_t)commit->batch->shown.count),
		 log_str("why", errno_text(rc)), log_int("retry_ms", pause_ms),
		 log_int("kept_back", kept_back));
	return pause_ms;
}

unsigned commit_answer(struct batch_commit *commit, int rc)
{
	const struct batch *batch = commit->batch;

	assert(commit->is_with_ledger);
	commit->is_with_ledger = false;
	if (rc && !commit->is_old)
		return try_later(commit, rc);
	if (rc) {
		finish(commit); /* it stays pending for the next leader */
		return 0;
	}
	if (commit->failure_is_logged)
		log_info("batches are committed again");
	commit->failure_is_logged = false;
	backoff_reset(&commit->pause);
	position_commit(commit->ledger, batch->shown.last, batch->item_count > 0);
	put_aside(commit);
	return 0;
}

void commit_drop_queued(struct batch_commit *commit)
{
	batch_free(commit->queued);
	commit->queued = NULL;
}

void commit_abandon(struct batch_commit *commit)
{
	if (commit->batch && !commit->is_with_ledger && commit->replies_awaited == 0)
		drop_batch(commit);
	commit->is_old = commit->batch != NULL;
}
