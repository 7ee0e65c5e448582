/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Stores a result in one transaction: the new state, the attempt, the breaker, and what follows
 * from them. Only then may the next delivery of the channel go out. Failure: every tick tries
 * again. Changes by others win: a row they dropped stays dropped, and with replaced settings the
 * breaker starts as new.
 */
#include "delivery/record.h"

#include <errno.h>

#include "core/attributes.h"
#include "core/errno_text.h"
#include "core/id.h"
#include "core/json.h"
#include "core/log.h"
#include "delivery/activity.h"
#include "delivery/queue.h"
#include "delivery/transitions.h"
#include "delivery/unstored.h"

#define NOTE_US      INT64_C(1000000)
#define METADATA_MAX 2048

static const struct db_query store_rebound = {
	.sql = "UPDATE channels SET config = $2, updated_at = $3 "
	       "WHERE id = $1 AND updated_at = $4",
};
/* Everywhere locks are taken in this order: team, channel, deliveries, state. */
static const struct db_query store_plain = {
	.sql = "INSERT INTO channel_state (channel_id, plain_only, updated_at) VALUES ($1, 1, $2) "
	       "ON CONFLICT (channel_id) DO UPDATE SET plain_only = 1",
};
static const struct db_query lock_channel = {
	.sql = "SELECT 1 FROM channels WHERE id = $1 FOR UPDATE",
	.sqlite = "SELECT 1 FROM channels WHERE id = $1",
};
/* True when the next delivery may go out under the same settings. */
static const struct db_query check_settings = {
	.sql = "SELECT c.updated_at FROM channels c JOIN teams t ON t.id = c.team_id "
	       "WHERE c.id = $1 AND t.deleted_at IS NULL",
};

static struct turn_result result_of(const struct record *record)
{
	return (struct turn_result){
		.status = record->turn.status,
		.error = record->turn.error,
		.ended_us = record->turn.ended_us,
		.has_attempt = record->turn.has_attempt,
		.attempt = { .started_us = record->turn.started_us,
			     .duration_us = record->turn.duration_us,
			     .verdict = record->turn.verdict,
			     .detail = buf_str(&record->turn.detail) },
	};
}

static int on_checked(const struct db_row *row, void *arg)
{
	struct record *record = arg;

	record->outcome.channel_exists = true;
	record->outcome.channel_updated_us = row_time(row, 0);
	return 0;
}

/* ---- the breaker ------------------------------------------------------------------------- */

/* The channel still has the settings of this attempt. */
static bool is_same_channel(const struct queue *queue)
{
	const struct record *record = &queue->record;

	return record->outcome.channel_exists &&
	       record->outcome.channel_updated_us == queue->settings.updated_us;
}

/* Successes of a healthy channel are stored at most once a second: owners need no finer time. */
static bool is_worth_noting(const struct queue *queue)
{
	const struct record *record = &queue->record;
	const struct breaker *breaker = &queue->settings.breaker;
	bool stood_well = breaker->failures == 0 && breaker->opened == 0;

	return record->turn.has_attempt &&
	       (!record->turn.is_success || !stood_well || queue->noted_us == 0 ||
		record->turn.ended_us < queue->noted_us ||
		record->turn.ended_us - queue->noted_us >= NOTE_US);
}

static int run_audit(struct db *db, const struct queue *queue)
{
	const struct record *record = &queue->record;
	char channel[ID_TEXT_SIZE];
	struct buf metadata;
	int rc;

	id_format(ID_CHANNEL, &queue->channel, channel);
	buf_init(&metadata, METADATA_MAX);
	buf_add_text(&metadata, "{\"reason\":");
	json_add_string(&metadata, str_of(record->outcome.breaker.disabled_reason));
	buf_add_char(&metadata, '}');

	const struct audit_entry entry = {
		.id = record->turn.audit_id,
		.team = queue->settings.team,
		.actor_type = STR("system"),
		.resource_type = STR("channel"),
		.resource_id = str_of(channel),
		.action = STR("disable"),
		.scope = STR("team"),
		.status = STR("error"),
		.metadata = buf_str(&metadata),
		.created_us = record->turn.ended_us,
	};

	rc = metadata.err ? metadata.err
			  : audit_insert_for_later(db, &entry, record->turn.ended_us);
	buf_done(&metadata);
	return rc;
}

/* The job that disables a channel waits for audit_logs, which others may hold for long. On
 * PostgreSQL the audited writer does that, or else all jobs of the other writer would wait, too. */
static bool belongs_to_audit(const struct db *db, const struct record *record)
{
	return !record->job.needs_audit_lock && !db_is_embedded(db);
}

static int run_breaker(struct db *db, const struct queue *queue, struct record *record)
{
	bool is_audited = queue->engine->options.audit_mode != AUDIT_OFF;

	const struct breaker_note note = {
		.success_us = record->turn.is_success ? record->turn.ended_us : 0,
		.error_us = record->turn.is_success ? 0 : record->turn.ended_us,
		.error = str_of(record->turn.error),
	};
	int rc = breaker_load(db, &queue->channel, &record->outcome.breaker);

	if (rc < 0)
		return rc;
	record->outcome.is_noted = true;
	record->outcome.is_disabled = breaker_apply(&record->outcome.breaker, &record->turn.said,
						    record->turn.error, record->turn.ended_us);
	is_audited = is_audited && record->outcome.is_disabled;
	if (is_audited && belongs_to_audit(db, record)) {
		record->must_audit = true;
		return -EAGAIN;
	}
	rc = breaker_store(db, &queue->channel, &record->outcome.breaker, &note,
			   record->turn.ended_us);
	if (rc == 0 && is_audited)
		rc = run_audit(db, queue);
	return rc;
}

/* ---- the store job ------------------------------------------------------------------------- */

/* Checks again: another connection may have changed the row since it was read. */
static int run_rebound(struct db *db, const struct queue *queue, struct record *record)
{
	const struct db_value values[] = {
		db_uuid(&queue->channel),
		db_json(buf_str(&record->turn.rebound)),
		db_time(record->turn.rebound_us),
		db_time(queue->settings.updated_us),
	};

	return db_run(db, &store_rebound, values, ARRAY_LEN(values), NULL, NULL,
		      &record->outcome.rebound_rows);
}

static int run_plain(struct db *db, const struct queue *queue, const struct record *record)
{
	const struct db_value values[] = { db_uuid(&queue->channel),
					   db_time(record->turn.ended_us) };

	return db_run(db, &store_plain, values, ARRAY_LEN(values), NULL, NULL, NULL);
}

/* The deliveries it contains may arrive without it. After a day without success they are too old as
 * well. */
static bool releases_others(const struct record *record, const struct delivery *delivery)
{
	bool gave_up = record->turn.has_attempt && record->turn.said.kind == VERDICT_RETRY;

	return delivery->state == DELIVERY_FAILED && !gave_up;
}

/* A routine result is stored without a round trip of its own: its statements travel with those of
 * the group. If its row turns out to be gone, record_was_moved() returns true and the caller runs
 * one more job. */
int record_run_turn(struct db *db, struct record *record, const struct delivery *delivery,
		    const struct uuid *channel_id)
{
	const struct db_value channel = db_uuid(channel_id);
	const struct turn_result result = result_of(record);
	int rc;

	if (record->was_moved)
		return transition_keep_attempt(db, delivery, &result);
	record->outcome = (struct record_outcome){ .changed = 0 };
	rc = transition_end_turn(db, delivery, &result, &record->outcome.changed);
	if (rc == 0)
		rc = activity_add(db, channel_id, delivery->state, record->turn.ended_us);
	if (rc == 0 && releases_others(record, delivery))
		rc = transition_unfold(db, &delivery->id, record->turn.ended_us,
				       &record->outcome.unfolded);
	if (rc == 0)
		rc = db_run(db, &check_settings, &channel, 1, on_checked, record, NULL);
	if (rc < 0 || record->is_routine)
		return rc;
	rc = db_flush(db);
	if (rc == 0 && record->outcome.changed == 0)
		rc = transition_keep_attempt(db, delivery, &result);
	return rc < 0 ? rc : db_flush(db);
}

/* With the delivery's result, in one transaction. */
static int run_living(struct db *db, const struct queue *queue, const struct record *record)
{
	const struct delivery *delivery = queue->current;
	const struct living *living = delivery->living;
	const struct living_subject subject = { .channel = &queue->channel,
						.delivery = &delivery->id,
						.stream_id = delivery->stream_id };

	if (!living || !record->turn.has_attempt || !record->outcome.channel_exists)
		return 0;
	if (record->turn.is_success)
		return living_store(db, &subject, living, queue->settings.place,
				    record->turn.message_id, record->turn.ended_us);
	if (record->turn.verdict == ATTEMPT_REPOSTED)
		return living_lose(db, &queue->channel, living, record->turn.ended_us);
	return 0;
}

static int run_record(struct db *db, struct store_job *job)
{
	struct record *record = container_of(job, struct record, job);
	struct queue *queue = container_of(record, struct queue, record);
	const struct db_value channel = db_uuid(&queue->channel);
	int rc = 0;

	if (record->turn.rebound.len)
		rc = db_run(db, &lock_channel, &channel, 1, NULL, NULL, NULL);
	if (rc == 0)
		rc = record_run_turn(db, record, queue->current, &queue->channel);
	if (record->is_routine)
		return rc;
	if (rc == 0)
		rc = run_living(db, queue, record);
	/* Replaced settings start as new. */
	if (rc == 0 && is_worth_noting(queue) && is_same_channel(queue))
		rc = run_breaker(db, queue, record);
	if (rc == 0 && record->turn.rebound.len && is_same_channel(queue))
		rc = run_rebound(db, queue, record);
	if (rc == 0 && record->turn.learns_plain && is_same_channel(queue))
		rc = run_plain(db, queue, record);
	return rc < 0 ? rc : db_flush(db);
}

bool record_was_moved(struct record *record)
{
	if (!record->is_routine || record->was_moved || record->outcome.changed > 0)
		return false;
	record->was_moved = true;
	return true;
}

/* ---- after the store job --------------------------------------------------------------- */

static void log_disabled(const struct queue *queue)
{
	char channel[ID_TEXT_SIZE];

	id_format(ID_CHANNEL, &queue->channel, channel);
	log_warn("a channel was disabled", log_str("channel_id", channel),
		 log_str("reason", queue->settings.breaker.disabled_reason));
}

static void forget_record(struct record *record)
{
	buf_done(&record->turn.detail);
	buf_done(&record->turn.rebound);
}

/* The next request uses the setting that was stored. */
static void use_rebound(struct queue *queue)
{
	settings_rebind(&queue->settings, &queue->record.turn.rebound,
			queue->record.turn.rebound_us);
}

static void use_breaker(struct queue *queue)
{
	queue->settings.breaker = queue->record.outcome.breaker;
	queue->noted_us = queue->record.turn.ended_us;
	if (queue->record.outcome.is_disabled)
		log_disabled(queue);
}

/* Decides how to continue by the state of row and channel in the store. */
static void continue_queue(struct queue *queue)
{
	struct record *record = &queue->record;
	struct delivery *delivery = queue->current;

	queue->current = NULL;
	if (record->outcome.unfolded > 0)
		queue->more = true;
	if (record->turn.has_attempt)
		hold_note(&queue->hold, delivery, record->turn.duration_us, record->turn.ended_us);
	if (record->outcome.is_noted)
		use_breaker(queue);
	/* Another job dropped the row or changed the channel, or other rows in memory refer to the
	 * message that was sent or to messages at the old destination. */
	if (record->outcome.changed == 0 || delivery->living || !is_same_channel(queue) ||
	    (record->turn.rebound.len &&
	     (record->outcome.rebound_rows == 0 || queue->settings.is_living)))
		queue->is_stale = true;
	else if (record->turn.rebound.len)
		use_rebound(queue);
	else if (record->turn.learns_plain)
		queue->settings.is_plain_only = true;
	forget_record(record);
	if (!record->outcome.channel_exists) {
		queue_enter(queue, QUEUE_GONE);
		return;
	}
	if (!queue->is_stale && delivery->state != DELIVERY_PENDING)
		queue_remove(queue, delivery);
	queue_settle(queue);
}

static void on_recorded(struct store_job *job, int rc)
{
	struct record *record = container_of(job, struct record, job);
	struct queue *queue = container_of(record, struct queue, record);
	struct delivery_engine *engine = queue->engine;

	engine_end_job(engine);
	record->is_running = false;
	if (rc == 0 && !engine->stopping && record_was_moved(record)) {
		queue_enter(queue, QUEUE_JUDGED);
	} else if (rc == 0) {
		continue_queue(queue);
	} else if (engine->stopping) {
		forget_record(record);
		queue_settle(queue); /* the row is still pending and will be sent again */
	} else if (rc == -EAGAIN && record->must_audit) {
		queue_enter(queue, QUEUE_JUDGED);
	} else if (rc != -ENOTCONN && rc != -EBUSY) {
		log_error("could not store the result of a delivery",
			  log_str("error", errno_text(rc)));
	}
}

/* What this worker expects. The store may differ; then the job says so. */
static bool will_audit(const struct queue *queue)
{
	const struct record *record = &queue->record;
	struct breaker after = queue->settings.breaker;

	if (queue->engine->options.audit_mode == AUDIT_OFF)
		return false;
	return record->must_audit ||
	       breaker_apply(&after, &record->turn.said, record->turn.error, record->turn.ended_us);
}

/* Its breaker is not touched, and nothing else follows from it. */
bool record_is_routine(const struct queue *queue)
{
	const struct record *record = &queue->record;

	return record->turn.has_attempt && record->turn.is_success && !record->turn.is_split &&
	       !queue->current->living && !record->must_audit && record->turn.rebound.len == 0 &&
	       !record->turn.learns_plain && queue->current->state == DELIVERY_DELIVERED &&
	       !is_worth_noting(queue);
}

static void submit(struct queue *queue)
{
	struct delivery_engine *engine = queue->engine;
	struct record *record = &queue->record;
	bool is_audited = will_audit(queue);

	record->is_routine = record_is_routine(queue);
	record->job = (struct store_job){
		.run = run_record,
		.on_done = on_recorded,
		/* If a power cut undoes the commit, the delivery is sent again. */
		.is_repeatable = true,
		.is_audited = is_audited,
		.needs_audit_lock = is_audited,
	};
	if (engine_write(engine, &record->job) == 0) {
		record->is_running = true;
	} else if (engine->stopping) {
		forget_record(record);
		queue_settle(queue);
	}
}

void record_start(struct queue *queue)
{
	if (queue->phase == QUEUE_JUDGED && unstored_take(queue))
		return;
	if (queue->phase != QUEUE_RECORDING)
		queue_enter(queue, QUEUE_RECORDING);
	/* In order: after the results before it, unstored.c enters the queue into JUDGED again. */
	if (queue->unstored_count == 0)
		submit(queue);
}

void record_retry(struct queue *queue)
{
	if (queue->unstored_count > 0)
		unstored_retry(queue);
	else if (!queue->record.is_running)
		submit(queue);
}
