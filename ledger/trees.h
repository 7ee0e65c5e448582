/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Appends rows of the audit trail to the Merkle trees of their teams, in the transaction that
 * writes the rows (docs/notes/audit-proof.md). Only for a job under the fence: no two transactions
 * may append to one tree.
 *
 * Happy path: trees_add() for each row, whose insert says whether the row is new. trees_write()
 * then reads each tree's frontier, hashes the new rows, and writes leaves, tiles and frontiers.
 * Failure: the caller's transaction rolls back. A damaged tree does not stop the other teams: it
 * is left as it is, and its new rows get no leaves and count as outside.
 */
#ifndef LEDGER_TREES_H
#define LEDGER_TREES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "audit/audit.h"
#include "core/attributes.h"
#include "core/uuid.h"
#include "ledger/leaves.h"
#include "proof/merkle.h"
#include "store/store.h"

/* One team's tree. */
struct tree {
	struct uuid team;
	int64_t number;   /* 0: not read yet */
	int64_t outside;  /* rows that the control plane writes */
	uint64_t was;     /* the size before */
	size_t new_count; /* leaves */
	bool is_damaged;
	struct merkle_range range;
};

struct trees {
	struct leaves leaves;
	struct subjects subjects;
	struct tree *all;
	size_t count;
	size_t cap;
	bool leaves_can_wait; /* try rows of a damaged tree again; they are not outside */
	int64_t without_leaf; /* rows that trees_write() counted as outside a damaged tree */
};

/* Makes room for that many rows. 0 or -ENOMEM; trees_done() is needed after both. */
int trees_init(struct trees *trees, size_t rows) must_check;
void trees_done(struct trees *trees);
/* Forgets the rows, keeps the memory. */
void trees_reset(struct trees *trees);

/* Like leaves_add(). */
int trees_add(struct trees *trees, const struct audit_entry *entry,
	      struct new_leaf **out) must_check;
/* The control plane writes a row of this team. 0 or -ENOMEM. */
int trees_leave_out(struct trees *trees, const struct uuid *team) must_check;

/* Flushes; what it writes is pipelined. */
int trees_write(struct trees *trees, struct db *db) must_check;
/* After trees_write(): true if the tree of this team is damaged, so that it got no leaves. */
bool trees_is_damaged(const struct trees *trees, const struct uuid *team);

#endif
