/* SPDX-License-Identifier: Apache-2.0 */

/* One unit of work for the store's threads. */
#ifndef STORE_JOB_H
#define STORE_JOB_H

#include <stdbool.h>

#include "core/list.h"
#include "core/uuid.h"

struct db;

enum store_priority {
	STORE_PRIORITY_NORMAL,
	STORE_PRIORITY_HIGH,    /* many wait for it */
	STORE_PRIORITY_HIGHEST, /* short, and must not be late */
};

/* Embedded in the caller's own struct; must stay put until on_done. Zeroed before first use. */
struct store_job {
	/* On the store's thread. 0 commits; anything negative rolls back and is handed on. */
	int (*run)(struct db *db, struct store_job *job);
	/* On the loop. rc is 0, or what failed; besides db_run()'s codes -ECANCELED (the store
	 * is closing). */
	void (*on_done)(struct store_job *job, int rc);
	/* A power cut or a crash of the database server may undo it, a crash of ours may not:
	 * nobody else has heard of it. Alone or among its like it does not wait for the
	 * disk. */
	bool is_repeatable;
	/* store_write(): it belongs to what is audited. audit_logs is written and locked by others,
	 * too, so on PostgreSQL these jobs have a writer of their own and the rest does not wait
	 * with them. */
	bool is_audited;
	/* Of an audited job: it writes to audit_logs. On PostgreSQL it waits for that table's lock
	 * before it locks anything else. While others hold the table, one job waits and the rest
	 * get -EBUSY. */
	bool needs_audit_lock;
	/* Runs before the waiting jobs of a lower priority. */
	enum store_priority priority;
	/* store_read_for_request(): whose request it is. */
	struct uuid team;
	/* The store's own. */
	struct list link;
	int rc;
};

#endif
