/* SPDX-License-Identifier: Apache-2.0 */

/*
 * One write job at start reads every owner of a lease and gives back the leases of dead processes.
 * An owner that may be alive (core/worker_name.h) keeps its lease, which ends by itself.
 */
#include "delivery/orphans.h"

#include <errno.h>
#include <stdlib.h>

#include "core/buf.h"
#include "core/log.h"
#include "core/worker_name.h"

#define OWNERS_MAX_BYTES 65536

static const struct db_query list_owners = {
	.sql = "SELECT DISTINCT lease_owner FROM channel_state WHERE lease_owner IS NOT NULL",
};
static const struct db_query release = {
	.sql = "UPDATE channel_state SET lease_owner = NULL, lease_until = NULL, updated_at = $2 "
	       "WHERE lease_owner = $1",
};

struct orphans {
	struct store_job job;
	struct buf worker;
	struct buf owners; /* one a line */
	int64_t now_us;
	int64_t released;
};

static int take_owner(const struct db_row *row, void *arg)
{
	struct orphans *orphans = arg;
	struct str owner = row_text(row, 0);

	if (owner.len + 1 > OWNERS_MAX_BYTES - orphans->owners.len)
		return 0; /* too many owners: the rest keep their leases until these end */
	buf_add_str(&orphans->owners, owner);
	buf_add_char(&orphans->owners, '\n');
	return orphans->owners.err;
}

static int release_orphans(struct db *db, struct store_job *job)
{
	struct orphans *orphans = container_of(job, struct orphans, job);
	struct str rest;
	int rc;

	orphans->released = 0;
	buf_reset(&orphans->owners);
	rc = db_run_now(db, &list_owners, NULL, 0, take_owner, orphans, NULL);
	rest = buf_str(&orphans->owners);
	while (rc == 0 && rest.len) {
		struct str owner = str_cut(&rest, '\n');
		const struct db_value values[] = { db_text(owner), db_time(orphans->now_us) };
		int64_t changed = 0;

		if (!worker_name_is_gone(owner, buf_str(&orphans->worker)))
			continue;
		rc = db_run_now(db, &release, values, 2, NULL, NULL, &changed);
		orphans->released += changed;
	}
	return rc;
}

static void free_orphans(struct orphans *orphans)
{
	buf_done(&orphans->worker);
	buf_done(&orphans->owners);
	free(orphans);
}

static void on_released(struct store_job *job, int rc)
{
	struct orphans *orphans = container_of(job, struct orphans, job);

	if (rc == 0 && orphans->released > 0)
		log_info("gave back the leases of processes that ended",
			 log_int("leases", orphans->released));
	free_orphans(orphans);
}

int orphans_release(struct store *store, const char *worker, int64_t now_us)
{
	struct orphans *orphans = calloc(1, sizeof(*orphans));
	int rc;

	if (!orphans)
		return -ENOMEM;
	orphans->job.run = release_orphans;
	orphans->job.on_done = on_released;
	orphans->now_us = now_us;
	buf_init(&orphans->worker, 256);
	buf_init(&orphans->owners, OWNERS_MAX_BYTES);
	buf_add_text(&orphans->worker, worker);
	rc = orphans->worker.err ? orphans->worker.err : store_write(store, &orphans->job);
	if (rc < 0)
		free_orphans(orphans);
	return rc;
}
