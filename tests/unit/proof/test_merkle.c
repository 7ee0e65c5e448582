/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Trees against the published leaves and roots of Certificate Transparency (RFC 6962, whose hashing
 * RFC 9162 keeps), then against themselves: however a range is built, its root is the same.
 */
#include <criterion/criterion.h>
#include <errno.h>

#include "proof/merkle.h"

static const struct {
	const char *data;
	const char *root; /* of the tree that ends with this leaf */
} published[] = {
	{ "", "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d" },
	{ "00", "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125" },
	{ "10", "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77" },
	{ "2021", "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7" },
	{ "3031", "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4" },
	{ "40414243", "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef" },
	{ "5051525354555657", "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c" },
	{ "606162636465666768696a6b6c6d6e6f",
	  "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328" },
};

static void expect_root(const struct merkle_range *range, const char *expected)
{
	struct merkle_hash root;
	char hex[SHA256_HEX_SIZE];

	merkle_root(range, &root);
	hex_encode(root.bytes, sizeof(root.bytes), hex);
	cr_expect_str_eq(hex, expected, "of %llu leaves", (unsigned long long)range->size);
}

Test(merkle, agrees_with_published_roots)
{
	struct merkle_range range;

	merkle_init(&range);
	expect_root(&range, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
	for (size_t i = 0; i < ARRAY_LEN(published); i++) {
		uint8_t data[16];
		size_t len = strlen(published[i].data) / 2;
		struct merkle_hash leaf;

		cr_assert(hex_decode(str_of(published[i].data), data, len));
		merkle_leaf((struct str){ .at = (char *)data, .len = len }, &leaf);
		merkle_append(&range, &leaf);
		expect_root(&range, published[i].root);
	}
}

static void leaf_number(uint64_t number, struct merkle_hash *out)
{
	merkle_leaf((struct str){ .at = (char *)&number, .len = sizeof(number) }, out);
}

/* The leaves [from, to), as a tree of their own. */
static void build(uint64_t from, uint64_t to, struct merkle_range *out)
{
	merkle_init(out);
	for (uint64_t i = from; i < to; i++) {
		struct merkle_hash leaf;

		leaf_number(i, &leaf);
		merkle_append(out, &leaf);
	}
}

static void expect_same_root(const struct merkle_range *a, const struct merkle_range *b)
{
	struct merkle_hash of_a;
	struct merkle_hash of_b;

	merkle_root(a, &of_a);
	merkle_root(b, &of_b);
	cr_expect(a->size == b->size && merkle_eq(&of_a, &of_b), "%llu and %llu leaves",
		  (unsigned long long)a->size, (unsigned long long)b->size);
}

/* Leaves up to `from`, then the subtrees that cover the rest. */
static void skip_from(uint64_t from, uint64_t to, struct merkle_range *out)
{
	build(0, from, out);
	while (out->size < to) {
		unsigned level = merkle_subtree_level(out->size, to);
		struct merkle_range part;
		struct merkle_hash root;

		build(out->size, out->size + (UINT64_C(1) << level), &part);
		merkle_root(&part, &root);
		cr_assert_eq(merkle_append_subtree(out, level, &root), 0);
	}
}

Test(merkle, subtrees_count_as_their_leaves)
{
	for (uint64_t to = 1; to <= 40; to++) {
		struct merkle_range whole;

		build(0, to, &whole);
		for (uint64_t from = 0; from < to; from++) {
			struct merkle_range range;

			skip_from(from, to, &range);
			expect_same_root(&range, &whole);
		}
	}
}

Test(merkle, the_subtrees_of_a_range_are_as_large_as_can_be)
{
	static const struct {
		uint64_t from;
		uint64_t to;
		unsigned level;
	} cases[] = { { 0, 1, 0 }, { 0, 7, 2 },     { 0, 8, 3 },         { 4, 100, 2 },
		      { 5, 6, 0 }, { 256, 511, 7 }, { 256, 512, 8 },     { 256, 1u << 20, 8 },
		      { 6, 7, 0 }, { 8, 15, 2 },    { 0, INT64_MAX, 62 } };

	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		cr_expect_eq(merkle_subtree_level(cases[i].from, cases[i].to), cases[i].level,
			     "%zu", i);
}

Test(merkle, a_subtree_fits_only_where_it_is_aligned)
{
	struct merkle_hash root;
	struct merkle_range range;

	leaf_number(1, &root);
	build(0, 6, &range);
	cr_expect_eq(merkle_append_subtree(&range, 2, &root), -EINVAL);
	cr_expect_eq(merkle_append_subtree(&range, 63, &root), -EINVAL);
	cr_expect_eq(merkle_append_subtree(&range, 200, &root), -EINVAL);
	cr_expect_eq(range.size, 6);
	cr_expect_eq(merkle_append_subtree(&range, 1, &root), 0);
	cr_expect_eq(range.size, 8);
	merkle_init(&range);
	cr_expect_eq(merkle_append_subtree(&range, 62, &root), 0);
	cr_expect_eq(merkle_append_subtree(&range, 62, &root), -EINVAL, "a size has 63 bits");
}

Test(merkle, a_saved_range_grows_as_before)
{
	for (uint64_t size = 0; size < 20; size++) {
		struct merkle_range whole;
		struct merkle_range range;
		struct merkle_hash leaf;
		struct buf saved;

		build(0, size, &whole);
		buf_init(&saved, 4096);
		merkle_save(&saved, &whole);
		cr_expect_eq(saved.len, (size_t)merkle_count(size) * SHA256_SIZE);
		cr_assert_eq(merkle_restore(&range, size, buf_str(&saved)), 0);
		leaf_number(size, &leaf);
		merkle_append(&range, &leaf);
		merkle_append(&whole, &leaf);
		expect_same_root(&range, &whole);
		cr_expect_eq(merkle_restore(&range, size ^ 64, buf_str(&saved)), -EINVAL);
		buf_done(&saved);
	}
}

/* RFC 9162 section 2.1.3.2, written from its text. */
static bool is_included(const struct merkle_hash *leaf, const struct merkle_proof *proof,
			uint64_t size, const struct merkle_hash *root)
{
	uint64_t fn = proof->index;
	uint64_t sn = size - 1;
	struct merkle_hash r = *leaf;

	for (unsigned i = 0; i < proof->count; i++) {
		if (sn == 0)
			return false;
		if (fn & 1 || fn == sn) {
			merkle_node(&proof->hashes[i], &r, &r);
			for (; !(fn & 1) && fn != 0; fn >>= 1)
				sn >>= 1;
		} else {
			merkle_node(&r, &proof->hashes[i], &r);
		}
		fn >>= 1;
		sn >>= 1;
	}
	return sn == 0 && merkle_eq(&r, root);
}

static void expect_proof(uint64_t index, uint64_t size)
{
	struct merkle_range range;
	struct merkle_proof collected;
	struct merkle_proof proof;
	struct merkle_hash leaf;
	struct merkle_hash root;

	skip_from(index / 2, index, &range);
	merkle_watch_next(&range, &collected);
	leaf_number(index, &leaf);
	merkle_append(&range, &leaf);
	for (uint64_t i = index + 1; i < size; i++) {
		struct merkle_hash next;

		leaf_number(i, &next);
		merkle_append(&range, &next);
	}
	merkle_root(&range, &root);
	merkle_prove(&range, &proof);
	cr_expect(is_included(&leaf, &proof, size, &root), "leaf %d of %d", (int)index, (int)size);
	root.bytes[0] ^= 1;
	cr_expect_not(is_included(&leaf, &proof, size, &root));
}

Test(merkle, proves_each_leaf_of_a_tree)
{
	for (uint64_t size = 1; size <= 40; size++) {
		for (uint64_t index = 0; index < size; index++)
			expect_proof(index, size);
	}
}
