/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A leaf that is appended joins every subtree of its own height that ends the range, as a carry
 * moves through the one bits of the size. The root joins what is left, from the right.
 */
#include "proof/merkle.h"

#include <errno.h>

void merkle_leaf(struct str data, struct merkle_hash *out)
{
	const struct str pieces[] = { STR("\0"), data };

	crypto_sha256_pieces(pieces, ARRAY_LEN(pieces), out->bytes);
}

void merkle_node(const struct merkle_hash *left, const struct merkle_hash *right,
		 struct merkle_hash *out)
{
	char joined[1 + 2 * SHA256_SIZE] = { 1 };

	memcpy(joined + 1, left->bytes, SHA256_SIZE);
	memcpy(joined + 1 + SHA256_SIZE, right->bytes, SHA256_SIZE);
	crypto_sha256((struct str){ .at = joined, .len = sizeof(joined) }, out->bytes);
}

bool merkle_eq(const struct merkle_hash *a, const struct merkle_hash *b)
{
	return memcmp(a->bytes, b->bytes, sizeof(a->bytes)) == 0;
}

void merkle_init(struct merkle_range *range)
{
	range->size = 0;
	range->proof = NULL;
}

unsigned merkle_count(uint64_t size)
{
	return (unsigned)__builtin_popcountll(size);
}

static void add_sibling(struct merkle_proof *proof, const struct merkle_hash *sibling)
{
	proof->hashes[proof->count++] = *sibling;
}

/* Joins two subtrees of 2^level leaves; the right one starts at leaf `middle`. */
static void join_pair(struct merkle_range *range, uint64_t middle, unsigned level,
		      const struct merkle_hash *left, struct merkle_hash *right)
{
	uint64_t leaves = UINT64_C(1) << level;
	struct merkle_proof *proof = range->proof;

	if (proof && proof->index >= middle - leaves && proof->index < middle)
		add_sibling(proof, right);
	else if (proof && proof->index >= middle && proof->index - middle < leaves)
		add_sibling(proof, left);
	merkle_node(left, right, right);
}

/* The bits of the size below `level` must be zero. */
static void join(struct merkle_range *range, unsigned level, const struct merkle_hash *root)
{
	unsigned count = merkle_count(range->size);
	struct merkle_hash joined = *root;
	unsigned at = level;

	for (; range->size >> at & 1; at++)
		join_pair(range, range->size >> at << at, at, &range->hashes[--count], &joined);
	range->hashes[count] = joined;
	range->size += UINT64_C(1) << level;
}

void merkle_append(struct merkle_range *range, const struct merkle_hash *leaf)
{
	join(range, 0, leaf);
}

int merkle_append_subtree(struct merkle_range *range, unsigned level,
			  const struct merkle_hash *root)
{
	uint64_t leaves;

	if (level >= MERKLE_LEVELS - 1)
		return -EINVAL;
	leaves = UINT64_C(1) << level;
	if (range->size & (leaves - 1) || range->size > MERKLE_MAX_SIZE - leaves)
		return -EINVAL;
	join(range, level, root);
	return 0;
}

unsigned merkle_subtree_level(uint64_t from, uint64_t to)
{
	unsigned fits = MERKLE_LEVELS - 1 - (unsigned)__builtin_clzll(to - from);
	unsigned aligned = from ? (unsigned)__builtin_ctzll(from) : fits;

	return aligned < fits ? aligned : fits;
}

void merkle_root(const struct merkle_range *range, struct merkle_hash *out)
{
	unsigned count = merkle_count(range->size);

	if (count == 0) {
		crypto_sha256(STR(""), out->bytes);
		return;
	}
	*out = range->hashes[--count];
	while (count > 0)
		merkle_node(&range->hashes[--count], out, out);
}

void merkle_watch_next(struct merkle_range *range, struct merkle_proof *proof)
{
	proof->index = range->size;
	proof->count = 0;
	range->proof = proof;
}

/* Joins as for the root, from the right: `from` is the first leaf of what is joined so far. */
void merkle_prove(const struct merkle_range *range, struct merkle_proof *out)
{
	unsigned count = merkle_count(range->size);
	uint64_t from = range->size & (range->size - 1);
	uint64_t rest = from;
	struct merkle_hash joined = range->hashes[count - 1];

	*out = *range->proof;
	for (unsigned i = count - 1; i-- > 0; from = rest) {
		rest &= rest - 1;
		if (out->index >= from)
			add_sibling(out, &range->hashes[i]);
		else if (out->index >= rest)
			add_sibling(out, &joined);
		merkle_node(&range->hashes[i], &joined, &joined);
	}
}

void merkle_save(struct buf *out, const struct merkle_range *range)
{
	for (unsigned i = 0; i < merkle_count(range->size); i++)
		buf_add(out, range->hashes[i].bytes, SHA256_SIZE);
}

int merkle_restore(struct merkle_range *out, uint64_t size, struct str saved)
{
	unsigned count = merkle_count(size);

	if (size > MERKLE_MAX_SIZE || saved.len != (size_t)count * SHA256_SIZE)
		return -EINVAL;
	merkle_init(out);
	out->size = size;
	for (unsigned i = 0; i < count; i++)
		memcpy(out->hashes[i].bytes, saved.at + (size_t)i * SHA256_SIZE, SHA256_SIZE);
	return 0;
}
