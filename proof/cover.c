/* SPDX-License-Identifier: Apache-2.0 */

/* Two neighbours of one level join when they are the halves of one subtree. So levels rise towards
 * the middle and fall after it, and there are at most two of each. */
#include "proof/cover.h"

void cover_init(struct cover *cover, uint64_t from)
{
	cover->from = from;
	cover->to = from;
	cover->count = 0;
}

static bool are_halves(const struct cover *cover, unsigned level, uint64_t start)
{
	return cover->count > 0 && cover->levels[cover->count - 1] == level && start >> level & 1;
}

void cover_append(struct cover *cover, unsigned level, const struct merkle_hash *root)
{
	uint64_t start = cover->to;
	struct merkle_hash joined = *root;

	cover->to += UINT64_C(1) << level;
	for (; are_halves(cover, level, start); level++) {
		merkle_node(&cover->hashes[--cover->count], &joined, &joined);
		start -= UINT64_C(1) << level;
	}
	cover->levels[cover->count] = level;
	cover->hashes[cover->count++] = joined;
}
