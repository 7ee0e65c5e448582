/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Happy path: every 15 s it tries to take the lease under the all-zero id. The worker that has it
 * measures the backlog. Once an hour that worker also removes, in pieces:
 *
 *   after 7 days    finished deliveries and notes of suppressed events
 *   after a day     accepts
 *   after 30 days   the backlog of a disabled channel
 *   after 31 days   outcomes of snapshots, counters of activity by hour (by minute: 2 hours)
 *   when expired    living messages
 *
 * It removes nothing by a clock that it does not trust, and never more than two hours' worth at
 * once. Failure: a round that fails is forgotten; the next one does the same work.
 */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "core/attributes.h"
#include "core/errno_text.h"
#include "core/log.h"
#include "core/metrics.h"
#include "delivery/activity.h"
#include "delivery/clock_trust.h"
#include "delivery/expired.h"
#include "delivery/housekeeping.h"
#include "delivery/purge.h"

#define ROUND_MS  15000
#define SECOND_US INT64_C(1000000)
#define LEASE_US  (45 * SECOND_US)
#define PURGE_US  (3600 * SECOND_US)
#define KEEP_US   (SECOND_US * 7 * 24 * 3600)
/* Accepts are looked up for 15 min. A day is far longer, so reading an entry late changes
 * nothing. */
#define ACCEPTS_US (SECOND_US * 24 * 3600)
/* Nobody enables a channel after such a long time, and its backlog would only grow. */
#define DISABLED_US (SECOND_US * 30 * 24 * 3600)
#define ABSURD_US   (120 * SECOND_US) /* no lease given by this clock ends later */
#define AGING_US    (2 * PURGE_US)    /* per purge: after weeks without one it catches up slowly */
#define REDIS_MS    5000

enum housekeeping_step { STEP_RESTING, STEP_CLAIMING, STEP_MEASURING, STEP_PURGING };

struct housekeeping {
	struct store_job job;
	struct delivery_options options;
	uv_timer_t timer;
	struct clock_trust trust;
	bool is_asking_redis;
	enum housekeeping_step step;
	bool is_ours; /* the lease */
	int64_t round_us;
	int64_t database_us;  /* the database's clock in this round; 0: it has none of its own */
	int64_t found_age_us; /* by the last piece */
	int64_t age_us;    /* the time that ages are counted from in this purge; 0: not known yet */
	int64_t purged_us; /* the end of the last purge */
	struct purge_place place; /* where the next piece begins */
	struct purge_place next;  /* and the one after it */
	int64_t dropped;          /* by the last piece */
	int64_t counters;         /* by the last piece, at most per statement */
	int64_t pending;
	int64_t oldest_us;
	int64_t open;
	int64_t disabled;
	struct metric *pending_gauge;
	struct metric *oldest_gauge;
	struct metric *open_gauge;
	struct metric *disabled_gauge;
	struct metric *dropped_counter;
	bool closing;
	void (*on_closed)(void *owner);
	void *owner;
};

/* ---- jobs ------------------------------------------------------------------------------ */

static const struct db_query claim = {
	.sql = "INSERT INTO channel_state (channel_id, lease_owner, lease_until, updated_at) "
	       "VALUES ($1, $2, $3, $4) ON CONFLICT (channel_id) DO UPDATE SET "
	       "lease_owner = excluded.lease_owner, lease_until = excluded.lease_until, "
	       "updated_at = excluded.updated_at WHERE channel_state.lease_owner IS NULL "
	       "OR channel_state.lease_until < excluded.updated_at "
	       "OR channel_state.lease_until > $5 "
	       "OR channel_state.lease_owner = excluded.lease_owner",
};
static const struct db_query measure = {
	.sql = "SELECT count(*), min(created_at) FROM deliveries WHERE state = 'pending'",
};
static const struct db_query measure_channels = {
	.sql = "SELECT (SELECT count(*) FROM channel_state WHERE disabled_at IS NOT NULL), "
	       "(SELECT count(*) FROM channel_state WHERE disabled_at IS NULL "
	       "AND breaker_until > $1)",
};
/* SQLite has no clock of its own. */
static const struct db_query ask_time = {
	.sql = "SELECT clock_timestamp()",
	.sqlite = "SELECT NULL",
};

static int on_time(const struct db_row *row, void *arg)
{
	*(int64_t *)arg = row_time(row, 0);
	return 0;
}

static int run_claim(struct db *db, struct store_job *job)
{
	struct housekeeping *housekeeping = container_of(job, struct housekeeping, job);
	const struct uuid zero = { .bytes = { 0 } };
	const struct db_value values[] = {
		db_uuid(&zero),
		db_text(str_of(housekeeping->options.worker)),
		db_time(housekeeping->round_us + LEASE_US),
		db_time(housekeeping->round_us),
		db_time(housekeeping->round_us + ABSURD_US),
	};
	int64_t changed = 0;
	int rc = db_run(db, &claim, values, ARRAY_LEN(values), NULL, NULL, &changed);

	housekeeping->database_us = 0;
	if (rc == 0)
		rc = db_run_now(db, &ask_time, NULL, 0, on_time, &housekeeping->database_us, NULL);
	housekeeping->is_ours = rc == 0 && changed > 0;
	return rc;
}

static int on_measured(const struct db_row *row, void *arg)
{
	struct housekeeping *housekeeping = arg;

	housekeeping->pending = row_int(row, 0);
	housekeeping->oldest_us = row_time(row, 1);
	return 0;
}

static int on_channels_measured(const struct db_row *row, void *arg)
{
	struct housekeeping *housekeeping = arg;

	housekeeping->disabled = row_int(row, 0);
	housekeeping->open = row_int(row, 1);
	return 0;
}

static int run_measure(struct db *db, struct store_job *job)
{
	struct housekeeping *housekeeping = container_of(job, struct housekeeping, job);

	const struct db_value now = db_time(housekeeping->round_us);
	int rc = db_run(db, &measure, NULL, 0, on_measured, housekeeping, NULL);

	if (rc == 0)
		rc = db_run(db, &measure_channels, &now, 1, on_channels_measured, housekeeping,
			    NULL);
	return rc < 0 ? rc : db_flush(db);
}

/* ---- until when rows are too old ------------------------------------------------------- */

static const struct db_query read_age = {
	.sql = "SELECT CAST(value AS bigint) FROM store_facts WHERE name = 'aged_to_us'",
};
static const struct db_query write_age = {
	.sql = "INSERT INTO store_facts (name, value) VALUES ('aged_to_us', CAST($1 AS text)) "
	       "ON CONFLICT (name) DO UPDATE SET value = excluded.value",
};

static int on_age(const struct db_row *row, void *arg)
{
	*(int64_t *)arg = row_int(row, 0);
	return 0;
}

/* Once per purge, so that all its pieces use the same time. */
static int find_age(struct housekeeping *housekeeping, struct db *db, int64_t *age_us)
{
	struct db_value value;
	int64_t last_us = 0;
	int rc;

	*age_us = housekeeping->age_us;
	if (*age_us)
		return 0;
	rc = db_run_now(db, &read_age, NULL, 0, on_age, &last_us, NULL);
	if (rc < 0)
		return rc;
	*age_us = clock_trust_age_us(housekeeping->round_us, last_us, AGING_US);
	value = db_int(*age_us);
	return db_run(db, &write_age, &value, 1, NULL, NULL, NULL);
}

static int run_purge(struct db *db, struct store_job *job)
{
	struct housekeeping *housekeeping = container_of(job, struct housekeeping, job);
	int64_t age_us;
	int rc = find_age(housekeeping, db, &age_us);

	if (rc < 0)
		return rc;

	const struct purge_times times = {
		.before_us = age_us - KEEP_US,
		.accepts_before_us = age_us - ACCEPTS_US,
		.expired_us = age_us,
		.now_us = housekeeping->round_us,
	};

	housekeeping->dropped = 0;
	housekeeping->found_age_us = age_us;
	rc = expired_drop(db, age_us - DISABLED_US, housekeeping->round_us, &housekeeping->dropped);
	if (rc == 0)
		rc = purge_piece(db, &times, &housekeeping->place, &housekeeping->next);
	return rc < 0 ? rc : activity_purge(db, age_us, &housekeeping->counters);
}

/* ---- one round of all steps ------------------------------------------------------------ */

static void on_step_done(struct store_job *job, int rc);

static void rest(struct housekeeping *housekeeping)
{
	housekeeping->step = STEP_RESTING;
}

static void begin(struct housekeeping *housekeeping, enum housekeeping_step step,
		  int (*run)(struct db *db, struct store_job *job))
{
	int rc;

	housekeeping->job = (struct store_job){ .run = run, .on_done = on_step_done };
	rc = step == STEP_MEASURING ? store_read(housekeeping->options.store, &housekeeping->job)
				    : store_write(housekeeping->options.store, &housekeeping->job);
	if (rc == 0)
		housekeeping->step = step;
	else
		rest(housekeeping);
}

static void show(const struct housekeeping *housekeeping)
{
	int64_t age_us = housekeeping->round_us - housekeeping->oldest_us;

	metric_set(housekeeping->pending_gauge, housekeeping->is_ours ? housekeeping->pending : 0);
	metric_set(housekeeping->oldest_gauge,
		   housekeeping->is_ours && housekeeping->pending > 0 && age_us > 0
			   ? age_us / SECOND_US
			   : 0);
	metric_set(housekeeping->open_gauge, housekeeping->is_ours ? housekeeping->open : 0);
	metric_set(housekeeping->disabled_gauge,
		   housekeeping->is_ours ? housekeeping->disabled : 0);
}

static void on_claimed(struct housekeeping *housekeeping)
{
	if (housekeeping->database_us)
		clock_trust_compare(&housekeeping->trust, housekeeping->round_us,
				    housekeeping->database_us, housekeeping->options.mono_us());
	if (housekeeping->is_ours) {
		begin(housekeeping, STEP_MEASURING, run_measure);
		return;
	}
	show(housekeeping);
	rest(housekeeping);
}

static bool is_time_to_purge(const struct housekeeping *housekeeping)
{
	/* If the last purge is in the future, the clock has been set back since. */
	return clock_trust_is_good(&housekeeping->trust, housekeeping->options.mono_us()) &&
	       (housekeeping->round_us - housekeeping->purged_us >= PURGE_US ||
		housekeeping->round_us < housekeeping->purged_us);
}

static void on_all_measured(struct housekeeping *housekeeping)
{
	show(housekeeping);
	housekeeping->age_us = 0;
	housekeeping->place = (struct purge_place){ .has_more = true };
	if (is_time_to_purge(housekeeping))
		begin(housekeeping, STEP_PURGING, run_purge);
	else
		rest(housekeeping);
}

static void on_piece_purged(struct housekeeping *housekeeping)
{
	metric_add(housekeeping->dropped_counter, housekeeping->dropped);
	housekeeping->age_us = housekeeping->found_age_us;
	housekeeping->place = housekeeping->next;
	if (housekeeping->place.has_more || housekeeping->dropped > 0 ||
	    housekeeping->counters >= ACTIVITY_PIECE) {
		begin(housekeeping, STEP_PURGING, run_purge);
		return;
	}
	housekeeping->purged_us = housekeeping->round_us;
	rest(housekeeping);
}

static void on_timer_closed(uv_handle_t *handle)
{
	struct housekeeping *housekeeping = handle->data;
	void (*on_closed)(void *) = housekeeping->on_closed;
	void *owner = housekeeping->owner;

	free(housekeeping);
	on_closed(owner);
}

/* If a job or a request to Redis is running, its completion closes the rest. */
static void end_if_quiet(struct housekeeping *housekeeping)
{
	if (housekeeping->step == STEP_RESTING && !housekeeping->is_asking_redis)
		uv_close((uv_handle_t *)&housekeeping->timer, on_timer_closed);
}

static void on_step_done(struct store_job *job, int rc)
{
	struct housekeeping *housekeeping = container_of(job, struct housekeeping, job);
	enum housekeeping_step step = housekeeping->step;

	if (housekeeping->closing) {
		rest(housekeeping);
		end_if_quiet(housekeeping);
		return;
	}
	if (rc < 0) {
		if (rc != -ENOTCONN && rc != -EBUSY && rc != -ECANCELED)
			log_error("housekeeping failed", log_str("error", errno_text(rc)));
		rest(housekeeping);
	} else if (step == STEP_CLAIMING) {
		on_claimed(housekeeping);
	} else if (step == STEP_MEASURING) {
		on_all_measured(housekeeping);
	} else {
		on_piece_purged(housekeeping);
	}
}

/* TIME answers with seconds and microseconds. */
static void on_redis_time(const redisReply *reply, void *owner)
{
	struct housekeeping *housekeeping = owner;
	unsigned long long seconds;

	housekeeping->is_asking_redis = false;
	if (housekeeping->closing) {
		end_if_quiet(housekeeping);
		return;
	}
	if (!reply || reply->type != REDIS_REPLY_ARRAY || reply->elements < 1 ||
	    reply->element[0]->type != REDIS_REPLY_STRING ||
	    !str_to_u64((struct str){ reply->element[0]->str, reply->element[0]->len }, &seconds) ||
	    seconds > INT64_MAX / SECOND_US)
		return;
	clock_trust_compare(&housekeeping->trust, housekeeping->options.now_us(),
			    (int64_t)seconds * SECOND_US, housekeeping->options.mono_us());
}

static void ask_redis(struct housekeeping *housekeeping)
{
	if (housekeeping->options.redis && !housekeeping->is_asking_redis)
		housekeeping->is_asking_redis =
			redis_send_text(housekeeping->options.redis, REDIS_MS, on_redis_time,
					housekeeping, "TIME", NULL) == 0;
}

static void on_round(uv_timer_t *timer)
{
	struct housekeeping *housekeeping = timer->data;

	ask_redis(housekeeping);
	if (housekeeping->step != STEP_RESTING)
		return;
	housekeeping->round_us = housekeeping->options.now_us();
	clock_trust_note(&housekeeping->trust, housekeeping->round_us,
			 housekeeping->options.mono_us());
	begin(housekeeping, STEP_CLAIMING, run_claim);
}

static void open_metrics(struct housekeeping *housekeeping)
{
	housekeeping->pending_gauge =
		metric_gauge("wrenn_events_deliveries_pending", NULL,
			     "Deliveries not finished yet, counted every 15 s");
	housekeeping->oldest_gauge =
		metric_gauge("wrenn_events_deliveries_oldest_pending_seconds", NULL,
			     "Age of the oldest delivery not finished yet");
	housekeeping->open_gauge = metric_gauge("wrenn_events_channels_breaker_open", NULL,
						"Channels whose breaker is open after failures");
	housekeeping->disabled_gauge =
		metric_gauge("wrenn_events_channels_disabled", NULL,
			     "Channels disabled until their owner enables them");
	housekeeping->dropped_counter =
		metric_counter("wrenn_events_deliveries_expired_total", NULL,
			       "Deliveries dropped because their channel was disabled too long");
}

int housekeeping_open(const struct delivery_options *options, struct housekeeping **out)
{
	struct housekeeping *housekeeping = calloc(1, sizeof(*housekeeping));

	if (!housekeeping)
		return -ENOMEM;
	housekeeping->options = *options;
	housekeeping->trust.needs_us = options->clock_trust_us;
	open_metrics(housekeeping);
	uv_timer_init(options->loop, &housekeeping->timer);
	housekeeping->timer.data = housekeeping;
	uv_timer_start(&housekeeping->timer, on_round, 0, ROUND_MS);
	*out = housekeeping;
	return 0;
}

void housekeeping_close(struct housekeeping *housekeeping, void (*on_closed)(void *owner),
			void *owner)
{
	if (!housekeeping) {
		on_closed(owner);
		return;
	}
	assert(!housekeeping->closing);
	housekeeping->closing = true;
	housekeeping->on_closed = on_closed;
	housekeeping->owner = owner;
	uv_timer_stop(&housekeeping->timer);
	end_if_quiet(housekeeping);
}
