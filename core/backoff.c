/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Pauses between tries, and the random numbers for their jitter. The generator is xorshift64*: good
 * enough to keep clients from retrying in step, never for secrets. Every thread has its own, and a
 * forked worker seeds it again, so siblings do not retry in step either.
 */
#include "core/backoff.h"

#include <assert.h>
#include <unistd.h>

#include "core/crypto.h"

#define BACKOFF_JITTER_PERCENT 20

static uint64_t throw_dice(void)
{
	static _Thread_local uint64_t state;
	static _Thread_local pid_t owner;

	if (state == 0 || owner != getpid()) {
		random_bytes(&state, sizeof(state));
		state |= 1; /* from zero the generator would return zeros only */
		owner = getpid();
	}
	state ^= state >> 12;
	state ^= state << 25;
	state ^= state >> 27;
	return state * 0x2545f4914f6cdd1dULL;
}

int64_t jitter(int64_t value, int percent)
{
	assert(value >= 0 && percent >= 0 && percent <= 100);

	/* In two unsigned parts, so that no value overflows. */
	uint64_t span = (uint64_t)(value / 100 * percent + value % 100 * percent / 100);
	uint64_t result = (uint64_t)value - span + throw_dice() % (2 * span + 1);

	return result > INT64_MAX ? INT64_MAX : (int64_t)result;
}

unsigned backoff_next_ms(struct backoff *b)
{
	uint64_t pause_ms = b->first_ms;

	for (unsigned i = 0; i < b->tries && pause_ms < b->max_ms; i++)
		pause_ms *= 2;
	if (pause_ms > b->max_ms)
		pause_ms = b->max_ms;
	if (b->tries < UINT32_MAX)
		b->tries++;

	int64_t next_ms = jitter((int64_t)pause_ms, BACKOFF_JITTER_PERCENT);

	return next_ms > UINT32_MAX ? UINT32_MAX : (unsigned)next_ms;
}

void backoff_reset(struct backoff *b)
{
	b->tries = 0;
}
