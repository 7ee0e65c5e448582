/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Every hour, in every worker: a user at a time, in the order of their ids. Users who are in no
 * trail cost one look-up, and values that another worker has already erased are gone. The row about
 * an erasure holds up the next one in its team until it is a leaf: the piece is tried again.
 * Failure: a line in the log, the next user, and the next hour does the same work.
 */
#include "audit/follow.h"

#include <errno.h>
#include <stdlib.h>

#include "audit/forget.h"
#include "core/errno_text.h"
#include "core/log.h"

#define AGAIN_MS 3000
#define TRIES    20

static const struct db_query find_marked = {
	.sql = "SELECT id FROM users WHERE deleted_at < $1 AND id > $2 ORDER BY id LIMIT 1",
};

struct follower {
	struct store_job job;
	struct follower_options options;
	uv_timer_t timer;
	int64_t now_us;  /* of this round */
	bool is_running; /* a job */
	bool is_closing;
	struct uuid user; /* being erased, or just finished */
	bool found;       /* another one after it */
	unsigned tries;   /* failed tries of the piece */
	struct audit_forgetting before;
	struct audit_forgetting after; /* the end of the running piece; its job may run twice */
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

static void on_round(uv_timer_t *timer);

static void end_round(struct follower *follower)
{
	follower->is_running = false;
	uv_timer_start(&follower->timer, on_round, follower->options.every_ms, 0);
}

/* A job has ended. True when it was the last one. */
static bool closes(struct follower *follower)
{
	follower->is_running = false;
	if (follower->is_closing)
		uv_close((uv_handle_t *)&follower->timer, on_timer_closed);
	return follower->is_closing;
}

static void warn_failed(int rc)
{
	log_error("a user who was deleted could not be erased from the audit trail",
		  log_str("error", errno_text(rc)));
}

static void on_found(struct store_job *job, int rc);
static void on_piece(struct store_job *job, int rc);

static void find_next(struct follower *follower)
{
	follower->job = (struct store_job){ .run = run_find, .on_done = on_found };
	follower->is_running = store_read(follower->options.store, &follower->job) == 0;
	if (!follower->is_running)
		end_round(follower);
}

static void forget_next(struct follower *follower)
{
	follower->job = (struct store_job){
		.run = run_piece,
		.on_done = on_piece,
		.is_audited = true,
		.needs_audit_lock = true,
	};
	follower->is_running = store_write(follower->options.store, &follower->job) == 0;
	if (!follower->is_running)
		end_round(follower);
}

/* It is not about this user, and the next one would get the same error. */
static bool must_wait(int rc)
{
	return rc == -ENOTCONN || rc == -ECANCELED || rc == -EBUSY;
}

static void on_found(struct store_job *job, int rc)
{
	struct follower *follower = container_of(job, struct follower, job);

	if (closes(follower))
		return;
	if (rc < 0 && !must_wait(rc))
		warn_failed(rc);
	if (rc < 0 || !follower->found) {
		end_round(follower);
		return;
	}
	follower->before = (struct audit_forgetting){ .rows = 0 };
	follower->tries = 0;
	id_format(ID_USER, &follower->user, follower->before.user);
	forget_next(follower);
}

static void on_again(uv_timer_t *timer)
{
	forget_next(timer->data);
}

/* The waiting row may become a leaf of a team that was already searched. */
static void wait_for_leaves(struct follower *follower)
{
	if (follower->before.tree == 0)
		follower->before.team = (struct uuid){ .bytes = { 0 } };
	uv_timer_start(&follower->timer, on_again, follower->options.again_ms, 0);
}

static void on_failed_piece(struct follower *follower, int rc)
{
	if (must_wait(rc)) {
		end_round(follower);
	} else if (rc == -EAGAIN && ++follower->tries < follower->options.tries) {
		wait_for_leaves(follower);
	} else {
		warn_failed(rc);
		find_next(follower);
	}
}

static void on_piece(struct store_job *job, int rc)
{
	struct follower *follower = container_of(job, struct follower, job);

	if (closes(follower))
		return;
	if (rc < 0) {
		on_failed_piece(follower, rc);
		return;
	}
	follower->tries = 0;
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
	if (follower->options.again_ms == 0)
		follower->options.again_ms = AGAIN_MS;
	if (follower->options.tries == 0)
		follower->options.tries = TRIES;
	uv_timer_init(options->loop, &follower->timer);
	follower->timer.data = follower;
	end_round(follower);
	*out = follower;
	return 0;
}

void follower_close(struct follower *follower, void (*on_closed)(void *owner), void *owner)
{
	if (!follower) {
		on_closed(owner);
		return;
	}
	follower->is_closing = true;
	follower->on_closed = on_closed;
	follower->owner = owner;
	uv_timer_stop(&follower->timer);
	if (!follower->is_running)
		uv_close((uv_handle_t *)&follower->timer, on_timer_closed);
}
