/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The signed checkpoints of the teams' trees (docs/notes/audit-proof.md). Any worker may make one
 * inside a write job: it signs the tree as the store has it. After the commit, the outlet takes it
 * off the host.
 */
#ifndef AUDIT_CHECKPOINT_H
#define AUDIT_CHECKPOINT_H

#include <stdbool.h>
#include <stdint.h>

#include "audit/signer.h"
#include "core/attributes.h"
#include "core/str.h"
#include "core/uuid.h"
#include "store/store.h"

#define AUDIT_NOTE_SIZE 1024

/* SQL: true when there are leaves past the end of the tree t, a row of audit_trees. */
#define AUDIT_LEAVES_PAST_END                                                \
	"coalesce((SELECT l.idx >= t.size OR l.idx + length(l.hash) / 32 > " \
	"t.size FROM audit_leaves l WHERE l.tree = t.tree "                  \
	"ORDER BY l.idx DESC LIMIT 1), false)"

struct audit_checkpoint {
	struct uuid team;
	int64_t tree; /* 0: the team has no tree yet, and the checkpoint is not stored */
	int64_t size;
	int64_t at_us;
	bool is_new;     /* false: the newest one has this size already */
	bool is_wanted;  /* a channel of the team subscribes to it; only set for a new one */
	bool is_damaged; /* explains an -EIO: only this tree is damaged, not the store */
	char note[AUDIT_NOTE_SIZE];
};

/* Adds an event about a checkpoint to the stream. 0, and then on_announced is called once, never
 * from within, with NULL or what went wrong; or a negative errno. */
typedef int (*announce_fn)(struct str json, void (*on_announced)(const char *fault, void *arg),
			   void *arg, void *announcer);

/* For a write job: makes a checkpoint of the team's tree, or returns the newest if it has the
 * tree's size. Flushes. `key` comes from audit_signer_public(). */
int audit_checkpoint_make(struct db *db, const struct audit_signer *signer,
			  const struct note_key *key, const struct uuid *team, int64_t now_us,
			  struct audit_checkpoint *out) must_check;

/* The newest checkpoint of the team; out->size is -1 when it has none. Flushes. */
int audit_checkpoint_read(struct db *db, const struct uuid *team,
			  struct audit_checkpoint *out) must_check;

#endif
