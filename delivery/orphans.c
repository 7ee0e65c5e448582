/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A read job lists every owner of a lease and keeps those whose process is gone. If there are any,
 * a write job gives their leases back. An owner that may be alive (core/worker_name.h) keeps its
 * lease, which ends by itself. Failure: the next look finds them again.
 */
#include "delivery/orphans.h"

#include <errno.h>
#include <stdlib.h>

#include "core/buf.h"
#include "core/log.h"
#include "core/worker_name.h"
#include "delivery/engine.h"

#define OWNERS_MAX_BYTES 65536
#define LOOK_US          (INT64_C(2) * 1000000)

/* From owner to owner through their index, because each may have thousands of leases. */
static const struct db_query list_owners = {
	.sql = "WITH RECURSIVE owners (name) AS ("
	       "SELECT (SELECT lease_owner FROM channel_state WHERE lease_owner IS NOT NULL "
	       "ORDER BY lease_owner LIMIT 1) UNION ALL "
	       "SELECT (SELECT s.lease_owner FROM channel_state s WHERE s.lease_owner > "
	       "owners.name "
	       "ORDER BY s.lease_owner LIMIT 1) FROM owners WHERE name IS NOT NULL) "
	       "SELECT name FROM owners WHERE name IS NOT NULL",
};
static const struct db_query release = {
	.sql = "UPDATE channel_state SET lease_owner = NULL, lease_until = NULL, updated_at = $2 "
	       "WHERE lease_owner = $1",
};

struct orphans {
	struct store_job job;
	struct delivery_engine *engine;
	int64_t next_look_us; /* monotonic */
	struct buf gone;      /* owners, one a line */
	int64_t now_us;
	int64_t released;
	void (*on_done)(void *owner);
	void *owner;
};

static int judge_owner(const struct db_row *row, void *arg)
{
	struct orphans *orphans = arg;
	struct str owner = row_text(row, 0);

	if (!worker_name_is_gone(owner, str_of(orphans->engine->options.worker)) ||
	    owner.len + 1 > OWNERS_MAX_BYTES - orphans->gone.len)
		return 0; /* if there are too many, a later look takes the rest */
	buf_add_str(&orphans->gone, owner);
	buf_add_char(&orphans->gone, '\n');
	return orphans->gone.err;
}

static int run_look(struct db *db, struct store_job *job)
{
	struct orphans *orphans = container_of(job, struct orphans, job);

	buf_reset(&orphans->gone);
	return db_run_now(db, &list_owners, NULL, 0, judge_owner, orphans, NULL);
}

static int run_release(struct db *db, struct store_job *job)
{
	struct orphans *orphans = container_of(job, struct orphans, job);
	struct str rest = buf_str(&orphans->gone);
	int rc = 0;

	orphans->released = 0;
	while (rc == 0 && rest.len) {
		const struct db_value values[] = { db_text(str_cut(&rest, '\n')),
						   db_time(orphans->now_us) };
		int64_t changed = 0;

		rc = db_run_now(db, &release, values, 2, NULL, NULL, &changed);
		orphans->released += changed;
	}
	return rc;
}

static void on_released(struct store_job *job, int rc)
{
	struct orphans *orphans = container_of(job, struct orphans, job);

	engine_end_job(orphans->engine);
	if (rc == 0 && orphans->released > 0)
		log_info("gave back the leases of processes that ended",
			 log_int("leases", orphans->released));
	orphans->on_done(orphans->owner);
}

static void on_looked(struct store_job *job, int rc)
{
	struct orphans *orphans = container_of(job, struct orphans, job);
	struct delivery_engine *engine = orphans->engine;

	engine_end_job(engine);
	orphans->now_us = engine_now_us(engine);
	orphans->job = (struct store_job){ .run = run_release, .on_done = on_released };
	if (rc < 0 || orphans->gone.len == 0 || engine->stopping ||
	    engine_write(engine, &orphans->job) < 0)
		orphans->on_done(orphans->owner);
}

bool orphans_start(struct orphans *orphans, void (*on_done)(void *owner), void *owner)
{
	struct delivery_engine *engine = orphans->engine;
	int64_t mono_us = engine_mono_us(engine);

	if (mono_us < orphans->next_look_us)
		return false;
	orphans->next_look_us = mono_us + LOOK_US;
	orphans->on_done = on_done;
	orphans->owner = owner;
	orphans->job = (struct store_job){ .run = run_look, .on_done = on_looked };
	return engine_read(engine, &orphans->job) == 0;
}

int orphans_open(struct delivery_engine *engine, struct orphans **out)
{
	struct orphans *orphans = calloc(1, sizeof(*orphans));

	if (!orphans)
		return -ENOMEM;
	orphans->engine = engine;
	buf_init(&orphans->gone, OWNERS_MAX_BYTES);
	*out = orphans;
	return 0;
}

void orphans_close(struct orphans *orphans)
{
	if (!orphans)
		return;
	buf_done(&orphans->gone);
	free(orphans);
}
