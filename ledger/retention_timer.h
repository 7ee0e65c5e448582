/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Drops rows of the audit trail that are too old, after they were written to files if the operator
 * names a folder. Only in the worker that has the ledger's lease. docs/notes/audit-keeping.md
 */
#ifndef LEDGER_RETENTION_TIMER_H
#define LEDGER_RETENTION_TIMER_H

#include <stdint.h>
#include <uv.h>

#include "core/attributes.h"
#include "core/metrics.h"
#include "ledger/lease.h"
#include "ledger/position.h"
#include "store/store.h"

struct retention_timer;

struct retention_timer_options {
	uv_loop_t *loop;
	struct store *store;
	const struct ledger_lease *lease; /* this and the members below must outlive it */
	const char *group;
	const char *worker;
	const struct position *position;
	unsigned days;
	const char *folder;     /* NULL: rows are dropped without a file */
	unsigned tick_ms;       /* how often it tries to take the lease */
	struct metric *dropped; /* rows */
};

int retention_timer_open(const struct retention_timer_options *options,
			 struct retention_timer **out) must_check;
/* A file that is being written is not finished. Accepts NULL, and then calls on_closed at once. */
void retention_timer_close(struct retention_timer *timer, void (*on_closed)(void *owner),
			   void *owner);

#endif
