/* SPDX-License-Identifier: Apache-2.0 */

/*
 * House-keeping that one worker does for all: old rows are removed every hour, and what waits is
 * measured every 15 s. Who does it is settled by a lease, like a channel's, under the all-zero id.
 */
#ifndef CHANNELS_STEWARD_H
#define CHANNELS_STEWARD_H

#include <stdint.h>
#include <uv.h>

#include "core/attributes.h"
#include "store/store.h"

struct steward;

int steward_open(uv_loop_t *loop, struct store *store, const char *worker, int64_t (*now_us)(void),
		 struct steward **out) must_check;
/* Accepts NULL and then does nothing. */
void steward_close(struct steward *steward, void (*on_closed)(void *owner), void *owner);

#endif
