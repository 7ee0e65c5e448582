/* SPDX-License-Identifier: Apache-2.0 */

/*
 * One timer, and one thing at a time: a step in the store, or a file.
 *
 *   RESTING --> STEPPING --> WRITING --> NOTING --> STEPPING ...
 *      ^            |           |
 *      +- no tree --+- failed --+
 *
 * Failure: a line in the log, and the next round, an hour later or in another worker, goes on.
 */
#include "ledger/retention_timer.h"

#include <errno.h>
#include <stdlib.h>

#include "core/errno_text.h"
#include "core/id.h"
#include "core/log.h"
#include "ledger/fence.h"
#include "ledger/retention.h"

#define EVERY_MS 3600000

struct retention_timer {
	struct retention_timer_options options;
	uv_timer_t tick;
	struct store_job job;
	struct retention retention; /* of the step that runs, or that the file is for */
	struct position known;
	bool is_busy; /* a job or a file */
	bool is_closing;
	void (*on_closed)(void *owner);
	void *close_owner;
};

/* ---- the jobs ------------------------------------------------------------------------------ */

static int check_fence(const struct retention_timer *timer, struct db *db)
{
	return fence_check(db, timer->options.group, timer->options.worker, &timer->known);
}

static int run_step(struct db *db, struct store_job *job)
{
	struct retention_timer *timer = container_of(job, struct retention_timer, job);
	int rc = check_fence(timer, db);

	return rc < 0 ? rc : retention_step(&timer->retention, db);
}

static int run_note(struct db *db, struct store_job *job)
{
	struct retention_timer *timer = container_of(job, struct retention_timer, job);
	int rc = check_fence(timer, db);

	return rc < 0 ? rc : retention_archived(&timer->retention, db);
}

/* ---- the loop ------------------------------------------------------------------------------ */

static void on_timer_closed(uv_handle_t *handle)
{
	struct retention_timer *timer = handle->data;
	void (*on_closed)(void *) = timer->on_closed;
	void *owner = timer->close_owner;

	free(timer);
	on_closed(owner);
}

static void on_timer(uv_timer_t *tick);

static void rest(struct retention_timer *timer, unsigned for_ms)
{
	timer->is_busy = false;
	if (timer->is_closing)
		uv_close((uv_handle_t *)&timer->tick, on_timer_closed);
	else
		uv_timer_start(&timer->tick, on_timer, for_ms, 0);
}

static void end_round(struct retention_timer *timer)
{
	timer->retention.after = 0;
	rest(timer, EVERY_MS);
}

static void fail(struct retention_timer *timer, int rc)
{
	if (rc == -EPERM || rc == -ENOTCONN || rc == -EBUSY || rc == -ECANCELED) {
		rest(timer, timer->options.tick_ms); /* it passes */
		return;
	}
	log_error("cannot drop old rows of the audit log; is DELETE on audit_logs granted?",
		  log_str("setting", "WRENN_EVENTS_AUDIT_KEEP_DAYS"),
		  log_str("error", errno_text(rc)));
	end_round(timer);
}

static void submit(struct retention_timer *timer, int (*run)(struct db *db, struct store_job *job),
		   void (*on_done)(struct store_job *job, int rc))
{
	int rc;

	timer->job = (struct store_job){
		.run = run, .on_done = on_done, .is_audited = true, .needs_audit_lock = true
	};
	timer->is_busy = true;
	rc = store_write(timer->options.store, &timer->job);
	if (rc < 0)
		fail(timer, rc);
}

static void on_noted(struct store_job *job, int rc)
{
	struct retention_timer *timer = container_of(job, struct retention_timer, job);

	if (rc < 0)
		fail(timer, rc);
	else
		rest(timer, 0);
}

static void on_file(int rc, void *owner)
{
	struct retention_timer *timer = owner;

	if (timer->is_closing || rc == -ECANCELED) {
		rest(timer, timer->options.tick_ms);
		return;
	}
	if (rc == 0) {
		submit(timer, run_note, on_noted);
		return;
	}
	log_error("cannot archive old rows of the audit log, so none are dropped; see that the "
		  "folder exists, is writable and has room",
		  log_str("setting", "WRENN_EVENTS_AUDIT_ARCHIVE_DIR"),
		  log_str("folder", timer->options.folder), log_str("error", errno_text(rc)));
	end_round(timer);
}

static void write_file(struct retention_timer *timer)
{
	const struct retention *retention = &timer->retention;
	const struct archive_options options = {
		.loop = timer->options.loop,
		.store = timer->options.store,
		.folder = timer->options.folder,
		.team = retention->team,
		.tree = retention->tree,
		.from = (uint64_t)retention->drop_to,
		.to = (uint64_t)retention->archive_to,
		.note = retention->note,
	};
	int rc = archive_write(&options, on_file, timer);

	if (rc < 0)
		on_file(rc, timer);
}

static void log_dropped(const struct retention *retention)
{
	char team[ID_TEXT_SIZE];

	id_format(ID_TEAM, &retention->team, team);
	log_info("rows of an audit log were dropped, because they are old", log_str("team", team),
		 log_int("first", retention->drop_to));
}

static void on_step(struct store_job *job, int rc)
{
	struct retention_timer *timer = container_of(job, struct retention_timer, job);
	struct retention *retention = &timer->retention;

	if (rc < 0) {
		fail(timer, rc);
		return;
	}
	metric_add(timer->options.dropped, retention->dropped);
	if (retention->dropped > 0 && retention->first == retention->drop_to)
		log_dropped(retention);
	if (retention->next == RETENTION_TREE)
		retention->after = retention->tree;
	if (retention->next == RETENTION_END)
		end_round(timer);
	else if (retention->next == RETENTION_ARCHIVE && !timer->is_closing)
		write_file(timer);
	else
		rest(timer, 0);
}

static void on_timer(uv_timer_t *tick)
{
	struct retention_timer *timer = tick->data;

	if (!ledger_lease_runs(timer->options.lease, 0)) {
		rest(timer, timer->options.tick_ms);
		return;
	}
	timer->known = *timer->options.position;
	submit(timer, run_step, on_step);
}

/* ---- opening and closing ------------------------------------------------------------------- */

int retention_timer_open(const struct retention_timer_options *options,
			 struct retention_timer **out)
{
	struct retention_timer *timer = calloc(1, sizeof(*timer));

	if (!timer)
		return -ENOMEM;
	timer->options = *options;
	timer->retention.days = options->days;
	timer->retention.is_archived = options->folder;
	uv_timer_init(options->loop, &timer->tick);
	timer->tick.data = timer;
	uv_timer_start(&timer->tick, on_timer, options->tick_ms, 0);
	*out = timer;
	return 0;
}

void retention_timer_close(struct retention_timer *timer, void (*on_closed)(void *owner),
			   void *owner)
{
	if (!timer) {
		on_closed(owner);
		return;
	}
	timer->is_closing = true;
	timer->on_closed = on_closed;
	timer->close_owner = owner;
	uv_timer_stop(&timer->tick);
	if (!timer->is_busy)
		uv_close((uv_handle_t *)&timer->tick, on_timer_closed);
}
