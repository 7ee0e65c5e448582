/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Work of the lease's holder for the trees of the audit trail, besides its batches: rows of other
 * workers become leaves, and every hour the trees that have grown get a checkpoint.
 */
#ifndef LEDGER_UPKEEP_H
#define LEDGER_UPKEEP_H

#include <stdint.h>
#include <uv.h>

#include "audit/audit.h"
#include "core/attributes.h"
#include "ledger/lease.h"
#include "ledger/position.h"
#include "store/store.h"

struct upkeep;

/* A checkpoint is committed. */
typedef void (*checkpoint_fn)(const struct audit_checkpoint *checkpoint, void *owner);

struct upkeep_options {
	uv_loop_t *loop;
	struct store *store;
	const struct ledger_lease *lease; /* this and the members below must outlive it */
	const char *group;
	const char *worker;
	const struct position *position;
	const struct audit_signer *signer; /* NULL: no checkpoints */
	int64_t (*now_us)(void);           /* wall clock */
	int64_t (*mono_us)(void);
	unsigned tick_ms;
	checkpoint_fn on_checkpoint; /* may be NULL */
	void *owner;
};

int upkeep_open(const struct upkeep_options *options, struct upkeep **out) must_check;
/* Accepts NULL, and then calls on_closed at once. */
void upkeep_close(struct upkeep *upkeep, void (*on_closed)(void *owner), void *owner);

#endif
