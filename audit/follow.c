/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Every hour, in every worker: a user at a time, in the order of their ids. Those whom no trail
 * knows cost one look, and what another worker has erased already is not there any more. Failure: a
 * line in the log, and the next hour does the same work.
 */
#include "audit/follow.h"

#include <errno.h>
#include <stdlib.h>

#include "audit/forget.h"
#include "core/errno_text.h"
#include "core/log.h"

static const struct db_query find_marked = {
	.sql = "SELECT id FROM users WHERE deleted_at < $1 AND id > $2 ORDER BY id LIMIT 1",
};

struct follower {
	struct store_job job;
	struct follower_options options;
	uv_timer_t timer;
	int64_t now_us; /* of this round */
	bool is_running;
	bool is_closing;
	struct uuid user; /* at work on it, or done with it */
	bool found;       /* another one after it */
	struct audit_forgetting before;
	struct audit_forgetting after; /* the piece that runs; a job may run twice */
	void (*on_closed)(void *owner);
	void *owner;
};

static int on_marked(const struct db_row *row, void *arg)
{
	struct follower *follower = arg;

	follower->user = row_uuid(row, 0);
	follower->found = true;
	return 0;
}

static int run_find(struct db *db, struct store_job *job)
{
	struct follower *follower = container_of(job, struct follower, job);
	const struct db_value values[] = { db_time(follower->now_us - FOLLOW_AFTER_US),
					   db_uuid(&follower->user) };

	follower->found = false;
	return db_run_now(db, &find_marked, values, ARRAY_LEN(values), on_marked, follower, NULL);
}

static int run_piece(struct db *db, struct store_job *job)
{
	struct follower *follower = container_of(job, struct follower, job);

	follower->after = follower->before;
	return audit_forget_piece(db, &follower->after, follower->now_us);
}

static void on_timer_closed(uv_handle_t *handle)
{
	struct follower *follower = handle->data;
	void (*on_closed)(void *) = follower->on_closed;
	void *owner = follower->owner;

	free(follower);
	on_closed(owner);
}

/* True when the round is over. */
static bool ends_round(struct follower *follower, int rc)
{
	follower->is_running = false;
	if (follower->is_closing) {
		uv_close((uv_handle_t *)&follower->timer, on_timer_closed);
		return true;
	}
	if (rc < 0 && rc != -EAGAIN && rc != -ENOTCONN && rc != -EBUSY && rc != -ECANCELED)
		log_error("a user who was deleted could not be erased from the audit trail",
			  log_str("error", errno_text(rc)));
	return rc < 0;
}

static void on_found(struct store_job *job, int rc);
static void on_piece(struct store_job *job, int rc);

static void find_next(struct follower *follower)
{
	follower->job = (struct store_job){ .run = run_find, .on_done = on_found };
	follower->is_running = store_read(follower->options.store, &follower->job) == 0;
}

static void forget_next(struct follower *follower)
{
	follower->job = (struct store_job){ .run = run_piece, .on_done = on_piece };
	follower->is_running = store_write(follower->options.store, &follower->job) == 0;
}

static void on_found(struct store_job *job, int rc)
{
	struct follower *follower = container_of(job, struct follower, job);

	if (ends_round(follower, rc) || !follower->found)
		return;
	follower->before = (struct audit_forgetting){ .rows = 0 };
	id_format(ID_USER, &follower->user, follower->before.user);
	forget_next(follower);
}

static void on_piece(struct store_job *job, int rc)
{
	struct follower *follower = container_of(job, struct follower, job);

	if (ends_round(follower, rc))
		return;
	follower->before = follower->after;
	if (!follower->after.is_done) {
		forget_next(follower);
		return;
	}
	if (follower->after.teams > 0)
		log_info("a user who was deleted is erased from the audit trail",
			 log_int("teams", follower->after.teams),
			 log_int("rows", follower->after.rows));
	find_next(follower);
}

static void on_round(uv_timer_t *timer)
{
	struct follower *follower = timer->data;

	if (follower->is_running)
		return;
	follower->now_us = follower->options.now_us();
	follower->user = (struct uuid){ .bytes = { 0 } };
	find_next(follower);
}

int follower_open(const struct follower_options *options, struct follower **out)
{
	struct follower *follower = calloc(1, sizeof(*follower));

	if (!follower)
		return -ENOMEM;
	follower->options = *options;
	uv_timer_init(options->loop, &follower->timer);
	follower->timer.data = follower;
	uv_timer_start(&follower->timer, on_round, options->every_ms, options->every_ms);
	*out = follower;
	return 0;
}

void follower_close(struct follower *follower, void (*on_closed)(void *owner), void *owner)
{
	follower->is_closing = true;
	follower->on_closed = on_closed;
	follower->owner = owner;
	uv_timer_stop(&follower->timer);
	if (!follower->is_running)
		uv_close((uv_handle_t *)&follower->timer, on_timer_closed);
}
