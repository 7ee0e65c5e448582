/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A probe is a write that changes nothing. It needs everything that a real write needs: the
 * server's or the file's lock, a file system that takes bytes, and on PostgreSQL the lock of each
 * table the ledger writes to.
 */
#include "store/trouble.h"

#include <errno.h>

#include "core/attributes.h"
#include "core/clock.h"
#include "store/engine.h"
#include "store/group.h"

#define QUIET_MS 15000 /* after this long without a write, a probe is made */
#define STUCK_MS 10000

/* Naming a table takes its lock, though no row is touched. */
static const struct {
	struct db_query query;
	enum trouble_scope beside; /* the scope that skips it */
} probes[] = {
	{ { .sql = "UPDATE wrenn_events.schema_version SET applied_at = applied_at "
		   "WHERE version = 1",
	    .sqlite = "UPDATE wrenn_events_schema SET applied_at = applied_at WHERE version = 1" },
	  TROUBLE_WITH_AUDIT },
	{ { .sql = "UPDATE positions SET last_seq = last_seq WHERE false" }, TROUBLE_WITH_AUDIT },
	{ { .sql = "UPDATE deliveries SET attempts = attempts WHERE false" }, TROUBLE_WITH_AUDIT },
	{ { .sql = "INSERT INTO audit_logs SELECT * FROM audit_logs WHERE false" },
	  TROUBLE_BESIDE_AUDIT },
};

void trouble_init(struct trouble *trouble, enum trouble_scope scope)
{
	trouble->scope = scope;
	atomic_init(&trouble->began_ms, 0);
	atomic_init(&trouble->rc, 0);
	trouble->tried_ms = clock_mono_ms();
	trouble->stuck_ms = STUCK_MS;
}

void trouble_begin(struct trouble *trouble)
{
	atomic_store(&trouble->began_ms, clock_mono_ms());
}

/* Other codes are about a job's own values. */
static bool is_about_the_store(int rc)
{
	return rc == -ENOTCONN || rc == -EBUSY || rc == -ENOSPC || rc == -ENOMEM || rc == -EIO;
}

void trouble_end(struct trouble *trouble, struct store_job *const *jobs, size_t count)
{
	int fault = 0;
	bool is_good = false;

	for (size_t i = 0; i < count; i++) {
		is_good = is_good || jobs[i]->rc == 0;
		if (is_about_the_store(jobs[i]->rc))
			fault = jobs[i]->rc;
	}
	if (is_good || fault)
		atomic_store(&trouble->rc, is_good ? 0 : fault);
	trouble->tried_ms = clock_mono_ms();
	atomic_store(&trouble->began_ms, 0);
}

bool trouble_wants_probe(const struct trouble *trouble)
{
	return atomic_load(&trouble->rc) != 0 || clock_mono_ms() - trouble->tried_ms >= QUIET_MS;
}

struct probe {
	struct store_job job;
	enum trouble_scope scope;
};

static int run_probes(struct db *db, struct store_job *job)
{
	const struct probe *probe = container_of(job, struct probe, job);
	int rc = 0;

	for (size_t i = 0; i < ARRAY_LEN(probes) && rc == 0; i++)
		if (probes[i].beside != probe->scope)
			rc = db_run(db, &probes[i].query, NULL, 0, NULL, NULL, NULL);
	return rc;
}

void trouble_probe(struct trouble *trouble, struct db *db)
{
	struct probe probe = { .job = { .run = run_probes, .is_repeatable = true },
			       .scope = trouble->scope };
	struct store_job *jobs[] = { &probe.job };

	trouble_begin(trouble);
	job_run_alone(db, &probe.job);
	trouble_end(trouble, jobs, 1);
}

bool trouble_is_writing(const struct trouble *trouble)
{
	return atomic_load(&trouble->began_ms) != 0;
}

bool trouble_is_stuck(const struct trouble *trouble)
{
	int64_t began_ms = atomic_load(&trouble->began_ms);

	return began_ms != 0 && clock_mono_ms() - began_ms >= trouble->stuck_ms;
}

const char *trouble_text(const struct trouble *trouble)
{
	if (trouble_is_stuck(trouble))
		return "a write has been stuck for 10 s";
	switch (atomic_load(&trouble->rc)) {
	case 0:
		return NULL;
	case -EBUSY:
		return "it is locked";
	case -ENOSPC:
		return "the disk is full";
	case -ENOMEM:
		return "out of memory";
	case -ENOTCONN:
		return "it is not reachable";
	default:
		return "it refuses writes";
	}
}
