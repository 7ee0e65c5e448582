/* SPDX-License-Identifier: Apache-2.0 */

/* Notices when the wall clock is set, and what leases and pauses need then. */
#ifndef DELIVERY_CLOCK_H
#define DELIVERY_CLOCK_H

#include <stdint.h>

#include "core/attributes.h"

struct delivery_engine;

/* When another worker's lease may be taken: one that ended before `ended_us`, or one that ends
 * after `absurd_us`, because it was given before the clock was set back. */
struct takeover {
	int64_t ended_us;
	int64_t absurd_us;
};

int clock_open(struct delivery_engine *engine) must_check;
void clock_close(struct delivery_engine *engine);

/* Looks whether the wall clock was set. If so, forgets what depends on the old clock. */
void clock_look(struct delivery_engine *engine);
/* How often the clock was set. A lease from before the last change cannot be trusted. */
unsigned clock_jumps(const struct delivery_engine *engine);
/* Repairs the times that the old clock left in the store: at once when the clock is set back, and
 * again with each tick until that succeeds. */
void clock_repair(struct delivery_engine *engine);
struct takeover clock_takeover(const struct delivery_engine *engine, int64_t now_us);
/* The moment a delivery's day counts from, by today's clock. */
int64_t clock_since_us(const struct delivery_engine *engine, int64_t since_us);

#endif
