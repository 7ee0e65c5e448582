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
#include "ledger/keeper.h"

#include <errno.h>
#include <stdlib.h>

#include "core/errno_text.h"
#include "core/id.h"
#include "core/log.h"
#include "ledger/fence.h"
#include "ledger/keeping.h"

#define EVERY_MS 3600000

struct keeper {
	struct keeper_options options;
	uv_timer_t timer;
	struct store_job job;
	struct keeping keeping; /* of the step that runs, or that the file is for */
	struct position known;
	bool is_busy; /* a job or a file */
	bool is_closing;
	void (*on_closed)(void *owner);
	void *close_owner;
};

/* ---- the jobs ------------------------------------------------------------------------------ */

static int check_fence(const struct keeper *keeper, struct db *db)
{
	return fence_check(db, keeper->options.group, keeper->options.worker, &keeper->known);
}

static int run_step(struct db *db, struct store_job *job)
{
	struct keeper *keeper = container_of(job, struct keeper, job);
	int rc = check_fence(keeper, db);

	return rc < 0 ? rc : keeping_step(&keeper->keeping, db);
}

static int run_note(struct db *db, struct store_job *job)
{
	struct keeper *keeper = container_of(job, struct keeper, job);
	int rc = check_fence(keeper, db);

	return rc < 0 ? rc : keeping_archived(&keeper->keeping, db);
}

/* ---- the loop ------------------------------------------------------------------------------ */

static void on_timer_closed(uv_handle_t *handle)
{
	struct keeper *keeper = handle->data;
	void (*on_closed)(void *) = keeper->on_closed;
	void *owner = keeper->close_owner;

	free(keeper);
	on_closed(owner);
}

static void on_timer(uv_timer_t *timer);

static void rest(struct keeper *keeper, unsigned for_ms)
{
	keeper->is_busy = false;
	if (keeper->is_closing)
		uv_close((uv_handle_t *)&keeper->timer, on_timer_closed);
	else
		uv_timer_start(&keeper->timer, on_timer, for_ms, 0);
}

static void end_round(struct keeper *keeper)
{
	keeper->keeping.after = 0;
	rest(keeper, EVERY_MS);
}

static void fail(struct keeper *keeper, int rc)
{
	if (rc == -EPERM || rc == -ENOTCONN || rc == -EBUSY || rc == -ECANCELED) {
		rest(keeper, keeper->options.tick_ms); /* it passes */
		return;
	}
	log_error("cannot drop old rows of the audit log; is DELETE on audit_logs granted?",
		  log_str("setting", "WRENN_EVENTS_AUDIT_KEEP_DAYS"),
		  log_str("error", errno_text(rc)));
	end_round(keeper);
}

static void submit(struct keeper *keeper, int (*run)(struct db *db, struct store_job *job),
		   void (*on_done)(struct store_job *job, int rc))
{
	int rc;

	keeper->job = (struct store_job){
		.run = run, .on_done = on_done, .is_audited = true, .needs_audit_lock = true
	};
	keeper->is_busy = true;
	rc = store_write(keeper->options.store, &keeper->job);
	if (rc < 0)
		fail(keeper, rc);
}

static void on_noted(struct store_job *job, int rc)
{
	struct keeper *keeper = container_of(job, struct keeper, job);

	if (rc < 0)
		fail(keeper, rc);
	else
		rest(keeper, 0);
}

static void on_file(int rc, void *owner)
{
	struct keeper *keeper = owner;

	if (keeper->is_closing || rc == -ECANCELED) {
		rest(keeper, keeper->options.tick_ms);
		return;
	}
	if (rc == 0) {
		submit(keeper, run_note, on_noted);
		return;
	}
	log_error("cannot archive old rows of the audit log, so none are dropped; see that the "
		  "folder exists, is writable and has room",
		  log_str("setting", "WRENN_EVENTS_AUDIT_ARCHIVE_DIR"),
		  log_str("folder", keeper->options.folder), log_str("error", errno_text(rc)));
	end_round(keeper);
}

static void write_file(struct keeper *keeper)
{
	const struct keeping *keeping = &keeper->keeping;
	const struct archive_options options = {
		.loop = keeper->options.loop,
		.store = keeper->options.store,
		.folder = keeper->options.folder,
		.team = keeping->team,
		.tree = keeping->tree,
		.from = (uint64_t)keeping->drop_to,
		.to = (uint64_t)keeping->archive_to,
		.note = keeping->note,
	};
	int rc = archive_write(&options, on_file, keeper);

	if (rc < 0)
		on_file(rc, keeper);
}

static void log_dropped(const struct keeping *keeping)
{
	char team[ID_TEXT_SIZE];

	id_format(ID_TEAM, &keeping->team, team);
	log_info("rows of an audit log were dropped, because they are old", log_str("team", team),
		 log_int("first", keeping->drop_to));
}

static void on_step(struct store_job *job, int rc)
{
	struct keeper *keeper = container_of(job, struct keeper, job);
	struct keeping *keeping = &keeper->keeping;

	if (rc < 0) {
		fail(keeper, rc);
		return;
	}
	metric_add(keeper->options.dropped, keeping->dropped);
	if (keeping->dropped > 0 && keeping->first == keeping->drop_to)
		log_dropped(keeping);
	if (keeping->next == KEEPING_TREE)
		keeping->after = keeping->tree;
	if (keeping->next == KEEPING_END)
		end_round(keeper);
	else if (keeping->next == KEEPING_ARCHIVE && !keeper->is_closing)
		write_file(keeper);
	else
		rest(keeper, 0);
}

static void on_timer(uv_timer_t *timer)
{
	struct keeper *keeper = timer->data;

	if (!ledger_lease_runs(keeper->options.lease, 0)) {
		rest(keeper, keeper->options.tick_ms);
		return;
	}
	keeper->known = *keeper->options.position;
	submit(keeper, run_step, on_step);
}

/* ---- opening and closing ------------------------------------------------------------------- */

int keeper_open(const struct keeper_options *options, struct keeper **out)
{
	struct keeper *keeper = calloc(1, sizeof(*keeper));

	if (!keeper)
		return -ENOMEM;
	keeper->options = *options;
	keeper->keeping.days = options->days;
	keeper->keeping.is_archived = options->folder;
	uv_timer_init(options->loop, &keeper->timer);
	keeper->timer.data = keeper;
	uv_timer_start(&keeper->timer, on_timer, options->tick_ms, 0);
	*out = keeper;
	return 0;
}

void keeper_close(struct keeper *keeper, void (*on_closed)(void *owner), void *owner)
{
	if (!keeper) {
		on_closed(owner);
		return;
	}
	keeper->is_closing = true;
	keeper->on_closed = on_closed;
	keeper->close_owner = owner;
	uv_timer_stop(&keeper->timer);
	if (!keeper->is_busy)
		uv_close((uv_handle_t *)&keeper->timer, on_timer_closed);
}
