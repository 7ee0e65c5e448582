/* SPDX-License-Identifier: Apache-2.0 */

/*
 * One timer and one job. A job takes waiting rows, and a piece of the round if one is running or
 * may be due. If work remains, the next job follows at once. A worker that gets the lease
 * makes a round at once, which looks for checkpoints that the one before it left.
 *
 * Failure: the next tick tries again. A round that fails in the middle goes on where it was; if
 * this worker has lost the lease meanwhile, the trees it left wait for the next round.
 */
#include "ledger/upkeep.h"

#include <errno.h>
#include <stdlib.h>

#include "ledger/checkpoint_round.h"
#include "ledger/fence.h"
#include "ledger/waiting.h"

#define TICKS 5

struct upkeep {
	struct upkeep_options options;
	uv_timer_t timer;
	struct store_job job;
	bool is_running;
	bool is_closing;
	void (*on_closed)(void *owner);
	void *close_owner;
	struct waiting waiting;
	struct checkpoint_round round;
	bool in_round;
	bool has_looked; /* for checkpoints that have not left the host */
	int64_t ask_us;  /* monotonic; when to check again whether a round is due */

	/* About the running job, which may run twice. */
	struct position known;
	int64_t from_tree; /* how far the round has got */
	int64_t now_us;
	bool asks; /* it checks whether a round is due */
	bool is_piece;
};

/* ---- the job ------------------------------------------------------------------------------- */

static int run_round(struct upkeep *upkeep, struct db *db)
{
	int rc = 0;

	upkeep->is_piece = upkeep->in_round;
	upkeep->round.last_tree = upkeep->from_tree;
	if (upkeep->asks) {
		rc = checkpoint_round_begin(&upkeep->round, db, upkeep->now_us);
		upkeep->is_piece = upkeep->round.is_due || !upkeep->has_looked;
	}
	if (rc == 0 && upkeep->is_piece)
		rc = checkpoint_round_piece(&upkeep->round, db, upkeep->options.signer,
					    upkeep->now_us);
	return rc;
}

static int run(struct db *db, struct store_job *job)
{
	struct upkeep *upkeep = container_of(job, struct upkeep, job);
	int rc = fence_check(db, upkeep->options.group, upkeep->options.worker, &upkeep->known);

	if (rc == 0)
		rc = waiting_take(&upkeep->waiting, db);
	/* A checkpoint does not cover rows that still wait. */
	if (rc == 0 && upkeep->waiting.count < WAITING_MAX)
		rc = run_round(upkeep, db);
	return rc;
}

/* ---- the loop ------------------------------------------------------------------------------ */

static void on_timer_closed(uv_handle_t *handle)
{
	struct upkeep *upkeep = handle->data;

	upkeep->on_closed(upkeep->close_owner);
	waiting_done(&upkeep->waiting);
	free(upkeep);
}

static void publish(const struct upkeep *upkeep)
{
	const struct checkpoint_round *round = &upkeep->round;

	for (size_t i = 0; upkeep->options.on_checkpoint && i < round->other_count; i++)
		upkeep->options.on_checkpoint(&round->others[i], upkeep->options.owner);
	for (size_t i = 0; upkeep->options.on_checkpoint && i < round->count; i++) {
		if (round->made[i].is_new)
			upkeep->options.on_checkpoint(&round->made[i], upkeep->options.owner);
	}
}

static void on_timer(uv_timer_t *timer);

static void start_timer(struct upkeep *upkeep, uint64_t after_ms)
{
	uv_timer_start(&upkeep->timer, on_timer, after_ms, 0);
}

/* True when the next job has something to do at once. */
static bool take_result(struct upkeep *upkeep)
{
	int64_t mono_us = upkeep->options.mono_us();

	if (upkeep->waiting.count == WAITING_MAX)
		return true;
	if (upkeep->asks)
		upkeep->ask_us =
			mono_us + (upkeep->round.is_due ? ROUND_EVERY_US : upkeep->round.wait_us);
	if (!upkeep->is_piece)
		return false;
	publish(upkeep);
	upkeep->from_tree = upkeep->round.last_tree;
	upkeep->in_round = !checkpoint_round_is_over(&upkeep->round);
	upkeep->has_looked = !upkeep->in_round;
	return upkeep->in_round;
}

static void on_done(struct store_job *job, int rc)
{
	struct upkeep *upkeep = container_of(job, struct upkeep, job);
	bool goes_on = rc == 0 && take_result(upkeep);

	waiting_taken(&upkeep->waiting, rc);
	upkeep->is_running = false;
	if (upkeep->is_closing)
		uv_close((uv_handle_t *)&upkeep->timer, on_timer_closed);
	else
		start_timer(upkeep, goes_on ? 0 : (uint64_t)upkeep->options.tick_ms * TICKS);
}

static void on_timer(uv_timer_t *timer)
{
	struct upkeep *upkeep = timer->data;
	const struct upkeep_options *options = &upkeep->options;

	if (!ledger_lease_runs(options->lease, 0)) {
		upkeep->in_round = false;
		upkeep->has_looked = false;
		upkeep->ask_us = 0; /* another worker may have made a round */
		start_timer(upkeep, (uint64_t)options->tick_ms * TICKS);
		return;
	}
	upkeep->known = *options->position;
	upkeep->now_us = options->now_us();
	upkeep->asks = options->signer && !upkeep->in_round && options->mono_us() >= upkeep->ask_us;
	upkeep->is_piece = false;
	upkeep->job = (struct store_job){
		.run = run,
		.on_done = on_done,
		.is_audited = true,
		.needs_audit_lock = true,
	};
	upkeep->is_running = store_write(options->store, &upkeep->job) == 0;
	if (!upkeep->is_running)
		start_timer(upkeep, (uint64_t)options->tick_ms * TICKS);
}

/* ---- opening and closing ------------------------------------------------------------------- */

int upkeep_open(const struct upkeep_options *options, struct upkeep **out)
{
	struct upkeep *upkeep = calloc(1, sizeof(*upkeep));

	if (!upkeep)
		return -ENOMEM;
	if (waiting_init(&upkeep->waiting) < 0) {
		waiting_done(&upkeep->waiting);
		free(upkeep);
		return -ENOMEM;
	}
	upkeep->options = *options;
	uv_timer_init(options->loop, &upkeep->timer);
	upkeep->timer.data = upkeep;
	start_timer(upkeep, options->tick_ms);
	*out = upkeep;
	return 0;
}

void upkeep_close(struct upkeep *upkeep, void (*on_closed)(void *owner), void *owner)
{
	if (!upkeep) {
		on_closed(owner);
		return;
	}
	upkeep->is_closing = true;
	upkeep->on_closed = on_closed;
	upkeep->close_owner = owner;
	uv_timer_stop(&upkeep->timer);
	if (!upkeep->is_running)
		uv_close((uv_handle_t *)&upkeep->timer, on_timer_closed);
}
