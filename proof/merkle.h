/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Merkle trees as in RFC 9162 section 2.1, with SHA-256. A range keeps the hashes of the perfect
 * subtrees that cover the first `size` leaves, one for each bit of `size`, the largest first. So a
 * tree of any length grows, and has a root, in a few hundred bytes. Pure.
 */
#ifndef PROOF_MERKLE_H
#define PROOF_MERKLE_H

#include <stdbool.h>
#include <stdint.h>

#include "core/attributes.h"
#include "core/buf.h"
#include "core/crypto.h"
#include "core/str.h"

#define MERKLE_LEVELS   64 /* bits of a size */
#define MERKLE_MAX_SIZE INT64_MAX

/* A tile is a perfect subtree whose root is stored separately, so that a proof needs few leaves. */
#define TILE_LEVEL  8
#define TILE_LEAVES (UINT64_C(1) << TILE_LEVEL)

struct merkle_hash {
	uint8_t bytes[SHA256_SIZE];
};

/* The inclusion proof of one leaf (RFC 9162 section 2.1.3): its siblings from the bottom up. */
struct merkle_proof {
	uint64_t index;
	unsigned count;
	struct merkle_hash hashes[MERKLE_LEVELS];
};

struct merkle_range {
	uint64_t size; /* leaves */
	struct merkle_hash hashes[MERKLE_LEVELS];
	struct merkle_proof *proof; /* collects the siblings of its leaf as they appear; or NULL */
};

/* SHA-256 of 0x00 and the data. */
void merkle_leaf(struct str data, struct merkle_hash *out);
/* SHA-256 of 0x01 and both. */
void merkle_node(const struct merkle_hash *left, const struct merkle_hash *right,
		 struct merkle_hash *out);
bool merkle_eq(const struct merkle_hash *a, const struct merkle_hash *b);

void merkle_init(struct merkle_range *range);
/* The number of hashes that a range of `size` leaves has. */
unsigned merkle_count(uint64_t size);
void merkle_append(struct merkle_range *range, const struct merkle_hash *leaf);
/* Appends the root of a perfect subtree of 2^level leaves. -EINVAL unless the size is a multiple of
 * that and the sum is at most MERKLE_MAX_SIZE. */
int merkle_append_subtree(struct merkle_range *range, unsigned level,
			  const struct merkle_hash *root) must_check;
/* The level of the largest perfect subtree that starts at leaf `from` and ends by `to`. `from` must
 * be less. The subtrees that cover [from, to) left to right are found by calling this again. */
unsigned merkle_subtree_level(uint64_t from, uint64_t to);
/* The root; without leaves it is the hash of an empty text. */
void merkle_root(const struct merkle_range *range, struct merkle_hash *out);
/* Lets the range collect the proof of the leaf that is appended next. */
void merkle_watch_next(struct merkle_range *range, struct merkle_proof *proof);
/* The complete proof for the tree as it is now. */
void merkle_prove(const struct merkle_range *range, struct merkle_proof *out);

/* The hashes as bytes, one after another. A proof is not saved. */
void merkle_save(struct buf *out, const struct merkle_range *range);
/* -EINVAL unless the number of bytes is that of a range of `size` leaves. */
int merkle_restore(struct merkle_range *out, uint64_t size, struct str saved) must_check;

#endif
