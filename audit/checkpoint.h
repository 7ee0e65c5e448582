/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The signed checkpoints of the teams' trees (docs/notes/audit-proof.md). Any worker may make one
 * inside a write job: it signs the tree as the store has it. What is committed then leaves the host
 * through the outlet.
 */
#ifndef AUDIT_CHECKPOINT_H
#define AUDIT_CHECKPOINT_H

#include <stdbool.h>
#include <stdint.h>

#include "audit/signer.h"
#include "core/attributes.h"
#include "core/uuid.h"
#include "store/store.h"

#define AUDIT_NOTE_SIZE 1024

struct audit_checkpoint {
	struct uuid team;
	int64_t tree; /* 0: the team has no tree yet, and what was signed is in no table */
	int64_t size;
	int64_t at_us;
	bool is_new;     /* false: the newest one has this size already */
	bool is_wanted;  /* a channel of the team subscribes to it; known of a new one */
	bool is_damaged; /* -EIO is not the store's: other trees can have checkpoints */
	char note[AUDIT_NOTE_SIZE];
};

/* For a write job: makes a checkpoint of the team's tree, or gives the newest if it has the tree's
 * size. Flushes. `key` comes from audit_signer_public(). */
int audit_checkpoint_make(struct db *db, const struct audit_signer *signer,
			  const struct note_key *key, const struct uuid *team, int64_t now_us,
			  struct audit_checkpoint *out) must_check;

/* The newest of the team; out->size is -1 when it has none. Flushes. */
int audit_checkpoint_read(struct db *db, const struct uuid *team,
			  struct audit_checkpoint *out) must_check;

#endif
