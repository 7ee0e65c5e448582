/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Runs after options have been stored. Makes deliveries held by quiet hours or a snooze due, and
 * the engine applies the new options to them. Each piece is a job of its own, so that other writers
 * get their turn in between. If it fails, the options stay stored, and the rows not yet released
 * stay held until their original time.
 */
#ifndef CHANNELS_RELEASE_H
#define CHANNELS_RELEASE_H

#include "api/api.h"
#include "delivery/delivery.h"

/* A request that changes options. The endpoint's own struct begins with it. */
struct option_call {
	struct api_call call;
	struct backlog_piece held;
	void (*answer)(struct option_call *change); /* when all is released */
};

void release_held(struct option_call *change, void (*answer)(struct option_call *change));

#endif
