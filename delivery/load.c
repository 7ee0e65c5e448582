/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Reads what a leased channel needs: its settings, its breaker, and a bounded piece of its pending
 * deliveries. These are the ones that are due and the ones that hold newer ones back. When they are
 * few, or once a minute, it also reads some that are retried beside the queue.
 * Failure: while the store is away, the queue waits a moment and reads again.
 */
#include "delivery/load.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/attributes.h"
#include "core/channel_options.h"
#include "core/errno_text.h"
#include "core/log.h"
#include "core/utf8.h"
#include "delivery/queue.h"
#include "delivery/room.h"
#include "targets/targets.h"

/* ---- reading --------------------------------------------------------------------------- */

static const struct db_query read_settings = {
	.sql = "SELECT c.provider, c.config, c.updated_at, c.team_id, " BREAKER_COLUMNS
	       ", s.old_secret, s.old_secret_until, s.last_success_at, t.name, s.plain_only, "
	       "o.options FROM channels c "
	       "JOIN teams t ON t.id = c.team_id "
	       "LEFT JOIN channel_state s ON s.channel_id = c.id "
	       "LEFT JOIN channel_options o ON o.channel_id = c.id "
	       "WHERE c.id = $1 AND t.deleted_at IS NULL",
};

/* Attempts since the delivery was last queued. Nearly all rows have none and need no look-up. */
#define COUNT_ATTEMPTS                                                          \
	"CASE WHEN d.attempts > d.attempts_before THEN "                        \
	"(SELECT count(*) FROM delivery_attempts a WHERE a.delivery_id = d.id " \
	"AND a.number > d.attempts_before AND a.verdict = "
#define WAITS    COUNT_ATTEMPTS "'wait') ELSE 0 END"
#define REBOUND  COUNT_ATTEMPTS "'rebound') ELSE 0 END"
#define REFORMED COUNT_ATTEMPTS "'reformed') ELSE 0 END"
#define REPOSTED COUNT_ATTEMPTS "'reposted') ELSE 0 END"

/* The counts of states.c, for rows that may have failed twice. */
#define FREE "(CASE WHEN " WAITS " > 5 THEN 5 ELSE " WAITS " END)"
#define FAILURES                                                                        \
	"(d.attempts - d.attempts_before - (" REBOUND ") - (" REFORMED ") - (" REPOSTED \
	") - " FREE ")"
_Static_assert(DELIVERY_FREE_WAITS == 5 && DELIVERY_IN_LINE == 2, "FREE and the statements below");

#define READ_ROWS                                                                                \
	"SELECT d.id, d.stream_ms, d.stream_seq, d.event, d.attempts, d.attempts_before, "       \
	"d.requeued_at, d.next_attempt_at, d.first_failed_at, " WAITS ", " REBOUND ", " REFORMED \
	", d.payload, d.accepted_at, d.instead_of, d.note, " REPOSTED                            \
	", CASE WHEN d.digest_id IS NULL THEN d.held_until END, d.outcome, d.resource, "         \
	"d.asked_again_at "                                                                      \
	"FROM deliveries d WHERE d.channel_id = $1 AND d.state = 'pending' "

/* SQLite passes over held rows in the index. */
static const struct db_query read_line = {
	.sql = READ_ROWS "AND (d.held_until IS NULL OR d.held_until <= $2) "
			 "AND (" DELIVERY_IS_DUE
			 "OR (d.first_failed_at > $3 AND d.first_failed_at <= $2)) "
			 "AND (d.attempts - d.attempts_before < 2 OR " FAILURES " < 2) "
			 "ORDER BY d.stream_ms, d.stream_seq LIMIT 56",
};
static const struct db_query read_beside = {
	.sql = READ_ROWS "AND d.next_attempt_at <= $2 AND d.attempts > 0 "
			 "AND d.attempts - d.attempts_before >= 2 AND " FAILURES
			 " >= 2 ORDER BY d.next_attempt_at LIMIT 8",
};
_Static_assert(QUEUE_MAX_LINE == 56 && QUEUE_MAX_BESIDE == 8, "the LIMITs of both");

#define BESIDE_US (INT64_C(60) * 1000000) /* searching beside a long line is expensive */

struct loading {
	struct store_job job;
	struct queue *queue;
	struct uuid channel;
	int64_t now_us;
	bool channel_exists;  /* the channel and its team */
	bool is_full;         /* there may be more rows than these */
	bool may_go_beside;   /* now; false for a while after a try beside the queue */
	bool must_go_beside;  /* even if the line is long */
	bool has_gone_beside; /* it was searched */
	struct settings settings;
	bool wants_life;    /* the channel keeps messages that are edited */
	const uint8_t *key; /* for those settings */
	struct list deliveries;
	unsigned rows;
	int64_t rows_read; /* including rows that found no room */
	size_t bytes;
	size_t room; /* the bytes it may bring, reserved */
};

static unsigned read_count(const struct db_row *row, int column)
{
	int64_t count = row_int(row, column);

	return count < 0 || count > INT32_MAX ? 0 : (unsigned)count;
}

/* Options that cannot be read count as not set. */
static int read_options(struct loading *loading, struct str stored)
{
	int rc = channel_options_open(stored, &loading->settings.options);

	loading->wants_life = rc == 0 && loading->settings.options->is_living;
	return rc == -ENOMEM ? rc : 0; /* options that cannot be read ask for nothing */
}

static int on_settings(const struct db_row *row, void *arg)
{
	struct loading *loading = arg;
	struct settings *settings = &loading->settings;

	loading->channel_exists = true;
	settings->provider = provider_find(row_text(row, 0));
	buf_add_str(&settings->sealed, row_text(row, 1));
	settings->updated_us = row_time(row, 2);
	settings->team = row_uuid(row, 3);
	breaker_read(row, 4, &settings->breaker);
	buf_add_str(&settings->old_secret, row_text(row, 11));
	settings->old_secret_until_us = row_time(row, 12);
	settings->success_us = row_time(row, 13);
	snprintf(settings->team_name, sizeof(settings->team_name), "%.*s",
		 STR_ARGS(utf8_cut(row_text(row, 14), sizeof(settings->team_name) - 1)));
	settings->is_plain_only = row_int(row, 15) > 0;
	if (!row_is_null(row, 16) && read_options(loading, row_text(row, 16)) < 0)
		return -ENOMEM;
	return channel_hold_look(settings->options, loading->now_us, &settings->hold);
}

static void read_delivery(const struct db_row *row, struct delivery *out)
{
	int64_t requeued_us = row_time(row, 6);

	out->id = row_uuid(row, 0);
	out->stream_id.ms = (uint64_t)row_int(row, 1);
	out->stream_id.seq = (uint64_t)row_int(row, 2);
	out->state = DELIVERY_PENDING;
	out->is_digest = str_is(row_text(row, 3), DIGEST_EVENT);
	out->is_asked_again = !row_is_null(row, 20);
	out->attempts = read_count(row, 4);
	out->attempts_before = read_count(row, 5);
	if (out->attempts_before > out->attempts)
		out->attempts_before = out->attempts;
	out->since_us = (int64_t)out->stream_id.ms * 1000;
	if (requeued_us > out->since_us)
		out->since_us = requeued_us;
	out->next_attempt_us = row_time(row, 7);
	out->first_failed_us = row_time(row, 8);
	out->waits = read_count(row, 9);
	out->is_plain = row_int(row, 11) > 0;
	out->rebounds = read_count(row, 10);
	out->repeats = out->rebounds + read_count(row, 11) + read_count(row, 16);
	out->accepted_us = row_time(row, 13);
	out->was_held = !row_is_null(row, 17);
}

static int64_t hold_end(const struct db_row *row, const struct channel_hold *hold)
{
	const struct channel_hold_subject subject = {
		.is_failure = channel_hold_is_failure(row_text(row, 3), row_text(row, 18)),
		.resource = row_text(row, 19),
	};

	return channel_hold_until(hold, &subject);
}

/* Only a few deliveries have an attempt. */
static int read_note(const struct db_row *row, struct delivery *out)
{
	struct str note = row_text(row, 15);

	if (row_is_null(row, 14))
		return 0;
	out->instead_of = row_uuid(row, 14);
	out->note = strndup(note.at, note.len);
	return out->note ? 0 : -ENOMEM;
}

static int on_pending(const struct db_row *row, void *arg)
{
	struct loading *loading = arg;
	struct delivery *delivery;

	loading->rows_read++;
	if (loading->bytes >= loading->room) {
		loading->is_full = true;
		return 0;
	}
	delivery = calloc(1, sizeof(*delivery));
	if (!delivery)
		return -ENOMEM;
	read_delivery(row, delivery);
	if (delivery->attempts == 0 && !delivery->was_held &&
	    delivery->next_attempt_us > loading->now_us)
		delivery->next_attempt_us = loading->now_us; /* DELIVERY_IS_NEW */
	delivery->held_until_us = hold_end(row, &loading->settings.hold);
	delivery->body = body_make(row_blob(row, 12));
	if (!delivery->body || read_note(row, delivery) < 0) {
		delivery_free(delivery);
		return -ENOMEM;
	}
	list_add_tail(&loading->deliveries, &delivery->link);
	loading->rows++;
	loading->bytes += room_cost(delivery);
	return 0;
}

static void reset_loading(struct loading *loading)
{
	LIST_EACH_SAFE (link, &loading->deliveries) {
		list_remove(link);
		delivery_free(list_item(link, struct delivery, link));
	}
	settings_wipe(&loading->settings);
	settings_init(&loading->settings);
	loading->channel_exists = false;
	loading->wants_life = false;
	loading->is_full = false;
	loading->has_gone_beside = false;
	loading->rows = 0;
	loading->rows_read = 0;
	loading->bytes = 0;
}

static int run_beside(struct db *db, struct loading *loading)
{
	const struct db_value values[] = { db_uuid(&loading->channel), db_time(loading->now_us) };
	unsigned in_line = loading->rows;
	int rc;

	if (in_line == QUEUE_MAX_LINE)
		loading->is_full = true;
	if (!loading->may_go_beside || (loading->is_full && !loading->must_go_beside))
		return 0;
	loading->has_gone_beside = true;
	rc = db_run_now(db, &read_beside, values, ARRAY_LEN(values), on_pending, loading, NULL);
	if (loading->rows - in_line == QUEUE_MAX_BESIDE)
		loading->is_full = true;
	return rc;
}

/* Finds the message of each row that has one. */
static int run_living(struct db *db, struct loading *loading)
{
	struct settings *settings = &loading->settings;
	int rc = loading->wants_life ? settings_bring_to_life(settings, loading->key) : 0;

	if (rc < 0 || !settings->is_living)
		return rc;
	LIST_EACH (link, &loading->deliveries) {
		struct delivery *delivery = list_item(link, struct delivery, link);
		const struct living_subject subject = {
			.channel = &loading->channel,
			.delivery = &delivery->id,
			.stream_id = delivery->stream_id,
			.body = body_str(delivery->body),
			.is_asked_again = delivery->is_asked_again,
		};

		/* A note marks a copy that this channel sends in place of a failing one. It is
		 * always an ordinary message. */
		if (!delivery->is_digest && !delivery->note)
			rc = living_read(db, &subject, settings->place, &delivery->living);
		if (rc < 0)
			return rc;
	}
	return 0;
}

static int run_load(struct db *db, struct store_job *job)
{
	struct loading *loading = container_of(job, struct loading, job);
	const struct db_value values[] = {
		db_uuid(&loading->channel),
		db_time(loading->now_us),
		db_time(loading->now_us - DELIVERY_HOLD_US),
	};
	int rc;

	reset_loading(loading);
	rc = db_run(db, &read_settings, values, 1, on_settings, loading, NULL);
	if (rc == 0)
		rc = db_run(db, &read_line, values, 3, on_pending, loading, NULL);
	if (rc == 0)
		rc = db_flush(db);
	if (rc == 0)
		rc = run_beside(db, loading);
	return rc < 0 ? rc : run_living(db, loading);
}

static void free_loading(struct loading *loading)
{
	reset_loading(loading);
	free(loading);
}

/* Gives the queue what was read. */
static void take_over(struct queue *queue, struct loading *loading)
{
	queue_discard(queue);
	queue->settings = loading->settings;
	if (queue->seat_us != queue->settings.updated_us)
		share_seat_renew(&queue->seat);
	queue->seat_us = queue->settings.updated_us;
	loading->settings = (struct settings){ .provider = NULL };
	LIST_EACH_SAFE (link, &loading->deliveries) {
		list_remove(link);
		queue_add(queue, list_item(link, struct delivery, link));
	}
	if (loading->has_gone_beside)
		queue->beside_us = engine_mono_us(queue->engine);
	if (loading->is_full)
		queue->more = true;
}

static void on_loaded(struct store_job *job, int rc)
{
	struct loading *loading = container_of(job, struct loading, job);
	struct queue *queue = loading->queue;

	queue->engine->loads--;
	room_end_load(queue->engine, loading->room);
	engine_end_job(queue->engine);
	metric_add(queue->engine->metrics.rows_read, loading->rows_read);
	if (rc < 0) {
		queue_again(queue);
	} else if (!loading->channel_exists) {
		queue_enter(queue, QUEUE_GONE);
	} else {
		take_over(queue, loading);
		queue_enter(queue, QUEUE_LOADED);
	}
	if (rc < 0 && rc != -ENOTCONN && rc != -ECANCELED && rc != -EBUSY)
		log_error("could not read pending deliveries", log_str("error", errno_text(rc)));
	free_loading(loading);
}

static struct loading *new_loading(struct queue *queue, size_t room)
{
	struct delivery_engine *engine = queue->engine;
	struct loading *loading = calloc(1, sizeof(*loading));

	if (!loading)
		return NULL;
	loading->queue = queue;
	loading->channel = queue->channel;
	loading->now_us = engine_now_us(engine);
	loading->may_go_beside = hold_allows_beside(&queue->hold, loading->now_us);
	loading->must_go_beside = engine_mono_us(engine) - queue->beside_us >= BESIDE_US;
	loading->room = room;
	loading->key = engine->options.key;
	list_init(&loading->deliveries);
	loading->job.run = run_load;
	loading->job.on_done = on_loaded;
	return loading;
}

void load_start(struct queue *queue, size_t room)
{
	struct delivery_engine *engine = queue->engine;
	struct loading *loading = new_loading(queue, room);

	assert(queue->unstored_count == 0); /* the store still shows these rows as pending */
	if (!loading || engine_read(engine, &loading->job) < 0) {
		if (loading)
			free_loading(loading);
		room_end_load(engine, room);
		queue_again(queue);
		return;
	}
	queue->more = false; /* from now on, a note is about newer rows */
	engine->loads++;
	queue_enter(queue, QUEUE_LOADING);
}
