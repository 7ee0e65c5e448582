/* SPDX-License-Identifier: Apache-2.0 */

/*
 * One look (docs/notes/expectations.md):
 *
 *   RESTING -> PEEKING -> ASKING -> WAITING -> JUDGING -> ADDING -> RESTING
 *              store      Redis     position   store       Redis
 *
 * A look changes no wait: the ledger does that when it reads the notice in the stream. So a look
 * may break off at any step, even by a crash, and the next one begins again. It judges only after
 * every entry that the stream had when Redis answered was committed, including notices of earlier
 * looks.
 *
 * Failure: if Redis or the store does not answer, the look ends. A refused XADD is logged once,
 * until one succeeds.
 */
#include "ledger/watch.h"

#include <errno.h>
#include <stdlib.h>

#include "core/buf.h"
#include "core/clock.h"
#include "core/errno_text.h"
#include "core/log.h"
#include "expect/expect.h"
#include "ledger/fence.h"

#define POLL_MS       50 /* how often WAITING checks the position */
#define MAX_POLLS     200
#define STEP_MS       30000 /* a smaller step is an ordinary correction */
#define NOTICES_MAX   (64 * (size_t)16384)
#define LOST_TRACK_US (INT64_C(3600) * 1000000)

enum watch_step {
	WATCH_RESTING,
	WATCH_PEEKING,
	WATCH_ASKING,
	WATCH_WAITING,
	WATCH_JUDGING,
	WATCH_ADDING
};

/* The clock of Redis and ours, at the last look that judged. */
struct watch_clock {
	bool is_set;
	int64_t redis_ms;
	int64_t mono_us;
};

struct ledger_watch {
	struct ledger_watch_options options;
	uv_timer_t timer;
	struct store_job job;
	struct bus_moment_query query;
	enum watch_step step;
	struct watch_clock clock;
	bool is_refused; /* Redis refused the last query or notice, and that was logged */
	bool is_closing;
	void (*on_closed)(void *owner);
	void *close_owner;

	/* About the current look. */
	bool has_work;
	struct bus_moment moment;
	int64_t asked_us; /* monotonic, when Redis answered */
	unsigned polls;
	struct position known; /* when the job was submitted */
	struct fence fence;
	struct requests_place place; /* where the next look continues with requests */
	struct requests_place next_place;
	struct buf notices;
	size_t adding; /* replies still to come */
};

static void on_timer(uv_timer_t *timer);

static void on_timer_closed(uv_handle_t *handle)
{
	struct ledger_watch *watch = handle->data;

	buf_done(&watch->notices);
	watch->on_closed(watch->close_owner);
	free(watch);
}

static void rest(struct ledger_watch *watch)
{
	watch->step = WATCH_RESTING;
	if (watch->is_closing)
		uv_close((uv_handle_t *)&watch->timer, on_timer_closed);
	else
		uv_timer_start(&watch->timer, on_timer, watch->options.look_ms, 0);
}

static bool is_leading(const struct ledger_watch *watch)
{
	return !watch->is_closing && ledger_lease_runs(watch->options.lease, 0) &&
	       watch->options.position->is_known;
}

/* ---- adding ---------------------------------------------------------------------------------- */

static void note_fault(struct ledger_watch *watch, const char *fault)
{
	if (fault && !watch->is_refused)
		log_warn("cannot publish that an expected event did not come; the next look tries "
			 "again",
			 log_str("error", fault));
	watch->is_refused = fault != NULL;
}

static void on_added(const char *fault, void *owner)
{
	struct ledger_watch *watch = owner;

	note_fault(watch, fault);
	if (--watch->adding == 0)
		rest(watch);
}

static void add_notices(struct ledger_watch *watch)
{
	const struct watch_stream *stream = &watch->options.stream;
	struct str rest_of = buf_str(&watch->notices);

	watch->step = WATCH_ADDING;
	watch->adding = 1;
	while (rest_of.len && is_leading(watch)) {
		const char *end = memchr(rest_of.at, '\n', rest_of.len);
		struct str json = { .at = rest_of.at, .len = (size_t)(end - rest_of.at) };

		watch->adding++;
		if (stream->add(json, on_added, watch, stream->owner) < 0)
			on_added("there is no connection to Redis", watch);
		rest_of = str_from(rest_of, json.len + 1);
	}
	if (--watch->adding == 0)
		rest(watch);
}

/* ---- judging --------------------------------------------------------------------------------- */

/* How far the Redis clock has been moved since the last look; 0: not at all. */
static int64_t step_of_clock(const struct ledger_watch *watch)
{
	const struct watch_clock *clock = &watch->clock;
	int64_t passed_ms = (watch->asked_us - clock->mono_us) / 1000;
	int64_t step_ms = watch->moment.now_ms - clock->redis_ms - passed_ms;

	if (!clock->is_set || passed_ms > LOST_TRACK_US / 1000)
		return 0;
	return step_ms > STEP_MS || step_ms < -STEP_MS ? step_ms : 0;
}

static int move_ends(const struct ledger_watch *watch, struct db *db)
{
	int64_t step_ms = step_of_clock(watch);

	if (step_ms == 0)
		return 0;
	return waits_move(db, step_ms, watch->moment.now_ms - step_ms);
}

static int run_judge(struct db *db, struct store_job *job)
{
	struct ledger_watch *watch = container_of(job, struct ledger_watch, job);
	int64_t now_ms = watch->moment.now_ms;
	int rc = fence_ask(db, watch->options.group, watch->options.worker, &watch->fence);

	buf_reset(&watch->notices);
	watch->next_place = watch->place;
	if (rc == 0)
		rc = db_flush(db);
	if (rc == 0 && !fence_holds(&watch->fence, &watch->known))
		rc = -EPERM;
	if (rc == 0)
		rc = move_ends(watch, db);
	if (rc == 0)
		rc = waits_purge(db, now_ms);
	if (rc == 0)
		rc = requests_arm(db, &watch->next_place, now_ms);
	if (rc == 0)
		rc = db_flush(db);
	return rc < 0 ? rc : waits_write_notices(db, now_ms, &watch->notices);
}

static void on_judged(struct store_job *job, int rc)
{
	struct ledger_watch *watch = container_of(job, struct ledger_watch, job);

	if (rc < 0) {
		if (rc != -EPERM && rc != -ENOTCONN && rc != -ECANCELED)
			log_warn("cannot look for expected events that did not come",
				 log_str("error", errno_text(rc)));
		rest(watch);
		return;
	}
	watch->place = watch->next_place;
	watch->clock = (struct watch_clock){ .is_set = true,
					     .redis_ms = watch->moment.now_ms,
					     .mono_us = watch->asked_us };
	add_notices(watch);
}

static void judge(struct ledger_watch *watch)
{
	watch->step = WATCH_JUDGING;
	watch->known = *watch->options.position;
	watch->job = (struct store_job){
		.run = run_judge,
		.on_done = on_judged,
		.is_repeatable = true,
		.is_audited = true, /* the ledger's own writer, whose lease it locks */
	};
	if (store_write(watch->options.store, &watch->job) < 0)
		rest(watch);
}

/* ---- up to the judgement --------------------------------------------------------------------- */

static void wait_for_position(struct ledger_watch *watch)
{
	if (!is_leading(watch) || ++watch->polls > MAX_POLLS) {
		rest(watch);
		return;
	}
	if (stream_id_compare(watch->options.position->last, watch->moment.newest) >= 0) {
		judge(watch);
		return;
	}
	watch->step = WATCH_WAITING;
	uv_timer_start(&watch->timer, on_timer, POLL_MS, 0);
}

static void on_moment(const struct bus_moment *moment, void *owner)
{
	struct ledger_watch *watch = owner;

	watch->moment = *moment;
	watch->asked_us = watch->options.mono_us();
	watch->polls = 0;
	if (moment->is_known) {
		wait_for_position(watch);
		return;
	}
	note_fault(watch, moment->fault);
	rest(watch);
}

static void ask(struct ledger_watch *watch)
{
	watch->step = WATCH_ASKING;
	watch->query = (struct bus_moment_query){ .on_answer = on_moment, .owner = watch };
	if (watch->options.stream.ask(&watch->query, watch->options.stream.owner) < 0)
		rest(watch);
}

static int run_peek(struct db *db, struct store_job *job)
{
	return waits_exist(db, &container_of(job, struct ledger_watch, job)->has_work);
}

static void on_peeked(struct store_job *job, int rc)
{
	struct ledger_watch *watch = container_of(job, struct ledger_watch, job);

	if (rc == 0 && watch->has_work && is_leading(watch)) {
		ask(watch);
		return;
	}
	watch->clock.is_set = false; /* small corrections may add up until the next look */
	rest(watch);
}

static void on_timer(uv_timer_t *timer)
{
	struct ledger_watch *watch = timer->data;

	if (watch->step == WATCH_WAITING) {
		wait_for_position(watch);
		return;
	}
	if (!is_leading(watch)) {
		watch->clock.is_set = false;
		rest(watch);
		return;
	}
	watch->step = WATCH_PEEKING;
	watch->job = (struct store_job){ .run = run_peek, .on_done = on_peeked };
	if (store_read(watch->options.store, &watch->job) < 0)
		rest(watch);
}

/* ---- opening and closing --------------------------------------------------------------------- */

int ledger_watch_open(const struct ledger_watch_options *options, struct ledger_watch **out)
{
	struct ledger_watch *watch = calloc(1, sizeof(*watch));

	if (!watch)
		return -ENOMEM;
	watch->options = *options;
	buf_init(&watch->notices, NOTICES_MAX);
	uv_timer_init(options->loop, &watch->timer);
	watch->timer.data = watch;
	rest(watch);
	*out = watch;
	return 0;
}

void ledger_watch_close(struct ledger_watch *watch, void (*on_closed)(void *owner), void *owner)
{
	if (!watch) {
		on_closed(owner);
		return;
	}
	watch->on_closed = on_closed;
	watch->close_owner = owner;
	watch->is_closing = true;
	uv_timer_stop(&watch->timer);
	if (watch->step == WATCH_RESTING || watch->step == WATCH_WAITING)
		rest(watch);
}
