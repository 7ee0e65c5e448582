/* SPDX-License-Identifier: Apache-2.0 */

/* Growing pauses between tries: doubles from `first_ms` to `max_ms`, each with +-20 % jitter. */
#ifndef CORE_BACKOFF_H
#define CORE_BACKOFF_H

#include <stdint.h>

struct backoff {
	unsigned first_ms;
	unsigned max_ms;
	unsigned tries; /* failures in a row */
};

/* The pause before the next try; counts a failure. */
unsigned backoff_next_ms(struct backoff *b);

/* After a success. */
void backoff_reset(struct backoff *b);

/* `value` +- `percent`, uniformly; from a small non-cryptographic generator. */
int64_t jitter(int64_t value, int percent);

#endif
