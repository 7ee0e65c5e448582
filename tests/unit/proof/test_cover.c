/* SPDX-License-Identifier: Apache-2.0 */

/* A cover is the list of subtrees that merkle_subtree_level() names, however its leaves come. */
#include <criterion/criterion.h>

#include "proof/cover.h"

static void leaf_number(uint64_t number, struct merkle_hash *out)
{
	merkle_leaf((struct str){ .at = (char *)&number, .len = sizeof(number) }, out);
}

static void root_of(uint64_t from, uint64_t to, struct merkle_hash *out)
{
	struct merkle_range range;

	merkle_init(&range);
	for (uint64_t i = from; i < to; i++) {
		struct merkle_hash leaf;

		leaf_number(i, &leaf);
		merkle_append(&range, &leaf);
	}
	merkle_root(&range, out);
}

/* Takes tiles of 2^level leaves where they are whole, and leaves elsewhere. */
static void build(struct cover *cover, uint64_t from, uint64_t to, unsigned level)
{
	uint64_t tile = UINT64_C(1) << level;

	cover_init(cover, from);
	while (cover->to < to) {
		bool is_whole = cover->to % tile == 0 && cover->to + tile <= to;
		struct merkle_hash root;

		root_of(cover->to, cover->to + (is_whole ? tile : 1), &root);
		cover_append(cover, is_whole ? level : 0, &root);
	}
}

static void expect_cover(const struct cover *cover, uint64_t from, uint64_t to)
{
	uint64_t at = from;

	cr_assert(cover->from == from && cover->to == to);
	for (unsigned i = 0; i < cover->count; i++) {
		struct merkle_hash root;

		cr_assert_lt(at, to);
		cr_expect_eq(cover->levels[i], merkle_subtree_level(at, to), "[%d, %d)", (int)from,
			     (int)to);
		root_of(at, at + (UINT64_C(1) << cover->levels[i]), &root);
		cr_expect(merkle_eq(&root, &cover->hashes[i]));
		at += UINT64_C(1) << cover->levels[i];
	}
	cr_expect_eq(at, to);
}

Test(cover, is_the_largest_subtrees_from_left_to_right)
{
	for (uint64_t from = 0; from < 20; from++) {
		for (uint64_t to = from; to < 36; to++) {
			for (unsigned level = 0; level <= 2; level++) {
				struct cover cover;

				build(&cover, from, to, level);
				expect_cover(&cover, from, to);
			}
		}
	}
}
