/* SPDX-License-Identifier: Apache-2.0 */

/* The rows of audit_leaves. Both engines show them leaf by leaf in the view audit_leaf. */
#ifndef LEDGER_LEAF_ROWS_H
#define LEDGER_LEAF_ROWS_H

#include <stddef.h>
#include <stdint.h>

#include "core/attributes.h"
#include "core/uuid.h"
#include "proof/merkle.h"
#include "store/store.h"

/* Appends `count` leaves of a tree from `first` on, at least one. 0 or a negative errno. */
int leaf_rows_insert(struct db *db, int64_t tree, uint64_t first, const struct uuid *ids,
		     const struct merkle_hash *hashes, size_t count) must_check;

#endif
