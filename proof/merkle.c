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
}

unsigned merkle_count(uint64_t size)
{
	return (unsigned)__builtin_popcountll(size);
}

/* Level `level` of the size must be the lowest that may be one. */
static void join(struct merkle_range *range, unsigned level, const struct merkle_hash *root)
{
	unsigned count = merkle_count(range->size);
	struct merkle_hash joined = *root;
	uint64_t size = range->size >> level;

	for (; size & 1; size >>= 1)
		merkle_node(&range->hashes[--count], &joined, &joined);
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
	out->size = size;
	for (unsigned i = 0; i < count; i++)
		memcpy(out->hashes[i].bytes, saved.at + (size_t)i * SHA256_SIZE, SHA256_SIZE);
	return 0;
}
