/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Which checkpoints have left the host. A process that ends takes those with it that wait in its
 * outlet; by this table the next one finds the newest of each team and publishes it.
 */
#ifndef AUDIT_PUBLISHED_H
#define AUDIT_PUBLISHED_H

#include <stddef.h>
#include <stdint.h>

#include "audit/checkpoint.h"
#include "core/attributes.h"
#include "store/store.h"

#define PUBLISHED_PIECE 32

/* Stores that this checkpoint has left the host. If that fails, it is logged, and the checkpoint is
 * published again after the next start. */
void published_note(struct store *store, const struct audit_checkpoint *checkpoint);

/* Looks at the PUBLISHED_PIECE trees after this one. For those whose newest checkpoint is not out
 * it returns that checkpoint, with is_new false. Flushes. */
int published_find_others(struct db *db, int64_t after_tree,
			  struct audit_checkpoint out[PUBLISHED_PIECE], size_t *count) must_check;

#endif
