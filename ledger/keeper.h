/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Drops rows of the audit trail that are too old, after they were written to files if the operator
 * names a folder. Only in the worker that has the ledger's lease. docs/notes/audit-keeping.md
 */
#ifndef LEDGER_KEEPER_H
#define LEDGER_KEEPER_H

#include <stdint.h>
#include <uv.h>

#include "core/attributes.h"
#include "core/metrics.h"
#include "ledger/lease.h"
#include "ledger/position.h"
#include "store/store.h"

struct keeper;

struct keeper_options {
	uv_loop_t *loop;
	struct store *store;
	const struct ledger_lease *lease; /* and all that follows must outlive it */
	const char *group;
	const char *worker;
	const struct position *position;
	unsigned days;
	const char *folder;     /* NULL: rows are dropped without a file */
	unsigned tick_ms;       /* how often it asks for the lease */
	struct metric *dropped; /* rows */
};

int keeper_open(const struct keeper_options *options, struct keeper **out) must_check;
/* A file that is being written is not finished. Accepts NULL, and then calls on_closed at once. */
void keeper_close(struct keeper *keeper, void (*on_closed)(void *owner), void *owner);

#endif
