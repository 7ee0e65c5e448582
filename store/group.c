/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Group commit. Happy path: BEGIN, every job, COMMIT.
 *
 * When a job fails, the transaction is rolled back. The jobs before the culprit run again as a
 * group, the culprit alone (with its neighbours rolled back it may succeed), the jobs after it as
 * a group. So one bad job costs a few transactions and not one for each neighbour. After
 * SPLITS_MAX failures in one group the rest run one by one, which bounds the work.
 *
 * A lost connection, or a lock that is never released, is not the fault of a job: all jobs not yet
 * committed get that code.
 */
#include "store/group.h"

#include <assert.h>
#include <errno.h>

#include "store/engine.h"

#define SPLITS_MAX  8
#define ALONE_TRIES 4

struct job_group {
	struct db *db;
	struct store_job *const *jobs;
	int splits;
};

static int call_job(struct db *db, struct store_job *job, size_t owner)
{
	db->owner = owner;
	int rc = job->run(db, job);
	assert(rc <= 0);
	return rc;
}

/* Taken before all other locks: a job that waits for this one must not make others wait for the
 * rest. SQLite has one lock for everything. */
static int lock_audit(struct db *db)
{
	static const struct db_query lock = {
		.sql = "LOCK TABLE audit_logs IN ROW EXCLUSIVE MODE",
	};

	return db->engine->is_embedded ? 0 : db_run(db, &lock, NULL, 0, NULL, NULL, NULL);
}

/* Even if a job ignored the failure of a statement, its transaction is lost. */
static int run_in_transaction(struct db *db, struct store_job *job)
{
	int rc;

	db->owner = DB_NO_OWNER; /* until the job's own statements */
	db->has_audit_lock = job->needs_audit_lock;
	rc = db->engine->begin(db, !job->is_repeatable);
	if (!rc && job->needs_audit_lock)
		rc = lock_audit(db);
	if (!rc)
		rc = call_job(db, job, 0);
	if (!rc)
		rc = db->engine->commit(db);
	db->others_hold_audit = rc == -EBUSY && db->err && db->failed_owner == DB_NO_OWNER;
	return rc;
}

void job_run_alone(struct db *db, struct store_job *job)
{
	bool again;
	int tries = 0;

	do {
		job->rc = run_in_transaction(db, job);
		if (!job->rc)
			return;
		again = db->err == DB_TRY_AGAIN || db->err == DB_STALE;
		db->engine->rollback(db);
	} while (again && ++tries < ALONE_TRIES);
	if (again)
		job->rc = -EBUSY;
}

void job_run_reading(struct db *db, struct store_job *job)
{
	bool again;
	int tries = 0;

	do {
		job->rc = call_job(db, job, 0);
		if (!job->rc)
			job->rc = db_flush(db);
		again = job->rc == DB_TRY_AGAIN || job->rc == DB_STALE;
		db->engine->discard(db);
	} while (again && ++tries < ALONE_TRIES);
	if (again)
		job->rc = -EBUSY;
}

/* ---- groups ----------------------------------------------------------------------------- */

/* A single job that must not be lost makes the whole group wait for the disk. */
static bool is_durable(const struct job_group *group, size_t first, size_t count)
{
	for (size_t i = first; i < first + count; i++) {
		if (!group->jobs[i]->is_repeatable)
			return true;
	}
	return false;
}

static void fail_all(const struct job_group *group, size_t first, size_t count, int rc)
{
	for (size_t i = first; i < first + count; i++)
		group->jobs[i]->rc = rc;
}

/* 0, or a code with the failed job in *culprit (DB_NO_OWNER: no single job). */
static int try_together(const struct job_group *group, size_t first, size_t count, size_t *culprit)
{
	struct db *db = group->db;
	int rc = 0;

	*culprit = DB_NO_OWNER;
	for (size_t i = first; i < first + count && !rc; i++) {
		rc = call_job(db, group->jobs[i], i);
		if (rc)
			*culprit = i;
		rc = rc ? rc : db->err;
	}
	db->owner = DB_NO_OWNER;
	if (!rc)
		rc = db->engine->commit(db);
	/* In a pipeline a job may only have been the first to see another job's failure. */
	if (db->err)
		*culprit = db->failed_owner;
	if (rc)
		db->engine->rollback(db);
	return rc;
}

static void run_each_alone(const struct job_group *group, size_t first, size_t count)
{
	for (size_t i = first; i < first + count; i++)
		job_run_alone(group->db, group->jobs[i]);
}

static void run_range(struct job_group *group, size_t first, size_t count)
{
	size_t culprit = DB_NO_OWNER;
	int rc;

	if (count <= 1 || group->splits >= SPLITS_MAX) {
		run_each_alone(group, first, count);
		return;
	}
	group->db->owner = DB_NO_OWNER;
	group->db->has_audit_lock = false;
	rc = group->db->engine->begin(group->db, is_durable(group, first, count));
	if (rc) {
		group->db->engine->rollback(group->db);
		fail_all(group, first, count, rc);
		return;
	}
	rc = try_together(group, first, count, &culprit);
	if (!rc || group->db->is_lost) {
		fail_all(group, first, count, rc ? -ENOTCONN : 0);
		return;
	}
	group->splits++;
	if (culprit == DB_NO_OWNER) {
		run_each_alone(group, first, count);
		return;
	}
	run_range(group, first, culprit - first);
	job_run_alone(group->db, group->jobs[culprit]);
	run_range(group, culprit + 1, first + count - culprit - 1);
}

void group_run(struct db *db, struct store_job *const *jobs, size_t count)
{
	struct job_group group = { .db = db, .jobs = jobs };

	run_range(&group, 0, count);
}
