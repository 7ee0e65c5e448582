/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The text of a checkpoint (C2SP tlog-checkpoint): which tree, how many leaves, the root, and in
 * extension lines when it was made and how many rows of the team are outside the tree. Pure.
 */
#ifndef PROOF_CHECKPOINT_H
#define PROOF_CHECKPOINT_H

#include <stdint.h>

#include "core/attributes.h"
#include "core/buf.h"
#include "core/reason.h"
#include "core/str.h"
#include "proof/merkle.h"

struct checkpoint {
	struct str origin; /* of the tree: one line */
	uint64_t size;
	struct merkle_hash root;
	struct str time; /* RFC 3339; empty: the checkpoint has none */
	uint64_t outside;
};

/* Appends the text that a note signs. */
void checkpoint_write(struct buf *out, const struct checkpoint *checkpoint);
/* Parses such a text, which must outlive the result. Unknown extension lines are skipped. -EINVAL
 * with *why. */
int checkpoint_read(struct str text, struct checkpoint *out, struct reason *why) must_check;

#endif
