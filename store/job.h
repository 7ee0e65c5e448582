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
	/* A power cut or a crash of the database server may undo it, because no other program
	 * depends on it; a crash of this process does not. If all jobs of a group are like this,
	 * the commit does not wait for the disk. */
	bool is_repeatable;
	/* For store_write(): the job belongs to an audited change. Other programs write and lock
	 * audit_logs, too. On PostgreSQL these jobs therefore have their own writer, so that other
	 * jobs do not wait behind them. */
	bool is_audited;
	/* For an audited job: it writes to audit_logs. On PostgreSQL it waits for that table's lock
	 * before it locks anything else. While others hold the table, one job waits and the rest
	 * get -EBUSY. */
	bool needs_audit_lock;
	/* Runs before the waiting jobs of a lower priority. */
	enum store_priority priority;
	/* For whom it is, if it is a client's request or long work: no team may have all threads,
	 * nor fill a transaction or a queue. Zero: the service's own. */
	struct uuid team;
	/* The store's own. */
	struct list link;
	int rc;
};

#endif
