/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The rule by which teams share something scarce: look-ups, requests a second, slots for
 * requests.
 *
 * A team may take one more while it holds less than a multiple of what is still free. So every
 * team that wants many ends with the same number, and some stay free for the others. Nobody
 * counts teams or keeps a list of who may have how many.
 */
#ifndef CORE_SHARE_H
#define CORE_SHARE_H

#include <stdbool.h>
#include <stdint.h>

/* True: whoever holds `held` may have one more, with `left` of them free. `weight` is in
 * quarters: 4 lets one who is alone have half of all, 8 two thirds, 1 a fifth. The first is for
 * everybody. */
static inline bool share_allows(unsigned held, unsigned left, unsigned weight)
{
	return left > 0 && (held == 0 || (uint64_t)held * 4 < (uint64_t)left * weight);
}

#endif
