/* SPDX-License-Identifier: Apache-2.0 */

/*
 * One write job at start: every owner of a lease is read, those that are gone lose it. A name that
 * cannot be read, another host's, or a process that exists (even a stranger's with the same number)
 * is left alone: its lease ends by itself.
 */
#include "channels/orphans.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>

#include "core/buf.h"
#include "core/log.h"

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

/* Cuts "<host>-<pid>-<random>" at its last two hyphens. */
static bool split_name(struct str name, struct str *host, unsigned long long *pid)
{
	const char *last = memrchr(name.at, '-', name.len);
	const char *middle = last ? memrchr(name.at, '-', (size_t)(last - name.at)) : NULL;

	if (!middle)
		return false;
	*host = (struct str){ name.at, (size_t)(middle - name.at) };
	return str_to_u64((struct str){ middle + 1, (size_t)(last - middle - 1) }, pid) &&
	       *pid > 0 && *pid <= INT32_MAX;
}

bool is_orphan(struct str owner, struct str worker)
{
	struct str owner_host;
	struct str our_host;
	unsigned long long pid;
	unsigned long long our_pid;

	if (!split_name(owner, &owner_host, &pid) || !split_name(worker, &our_host, &our_pid) ||
	    !str_eq(owner_host, our_host))
		return false;
	return kill((pid_t)pid, 0) < 0 && errno == ESRCH;
}

static int take_owner(const struct db_row *row, void *arg)
{
	struct orphans *orphans = arg;
	struct str owner = row_text(row, 0);

	if (owner.len + 1 > OWNERS_MAX_BYTES - orphans->owners.len)
		return 0; /* thousands of owners: the rest wait for the end of their leases */
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

		if (!is_orphan(owner, buf_str(&orphans->worker)))
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
		log_info("took back the leases of processes that are gone",
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
