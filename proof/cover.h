/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The perfect subtrees that cover a range of leaves, left to right, each as large as can be
 * (merkle_subtree_level). A cover replaces leaves that an export leaves out. Pure.
 */
#ifndef PROOF_COVER_H
#define PROOF_COVER_H

#include "proof/merkle.h"

#define COVER_MAX (2 * MERKLE_LEVELS)

struct cover {
	uint64_t from;
	uint64_t to;
	unsigned count;
	unsigned levels[COVER_MAX];
	struct merkle_hash hashes[COVER_MAX];
};

/* Covers nothing, and starts at this leaf. */
void cover_init(struct cover *cover, uint64_t from);
/* Adds the root of the next 2^level leaves; the end must be a multiple of that. */
void cover_append(struct cover *cover, unsigned level, const struct merkle_hash *root);

#endif
