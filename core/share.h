/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The rule by which teams share a limited resource: look-ups, requests per second, slots for
 * requests.
 *
 * A team may take one more while it holds less than a multiple of what is still free. So all teams
 * that want many get the same number, and some stay free for the others. The rule needs no count of
 * teams and no list of their parts.
 */
#ifndef CORE_SHARE_H
#define CORE_SHARE_H

#include <stdbool.h>
#include <stdint.h>

/* True when a team that holds `held` may have one more while `left` are free. `weight` is in
 * quarters: with 4 a single team gets half of all, with 8 two thirds, with 1 a fifth. Every team
 * may have one. */
static inline bool share_allows(unsigned held, unsigned left, unsigned weight)
{
	return left > 0 && (held == 0 || (uint64_t)held * 4 < (uint64_t)left * weight);
}

#endif
