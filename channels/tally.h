/* SPDX-License-Identifier: Apache-2.0 */

/* Counts attempts by provider and verdict, and how long they took. */
#ifndef CHANNELS_TALLY_H
#define CHANNELS_TALLY_H

#include <stdint.h>

#include "channels/states.h"
#include "providers/provider.h"

#define TALLY_PROVIDERS 8 /* the last one: others */

struct tally {
	struct metric *attempts[TALLY_PROVIDERS][ATTEMPT_VERDICTS];
	struct metric *seconds;
};

/* Registers them all, so that they can be seen at 0. */
void tally_init(struct tally *tally);
void tally_attempt(const struct tally *tally, const struct provider *provider,
		   enum attempt_verdict verdict, int64_t duration_us);

#endif
