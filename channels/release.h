/* SPDX-License-Identifier: Apache-2.0 */

/*
 * After options were stored: deliveries that quiet hours or a snooze held become due, and the
 * engine applies the new options to them. Each piece is a job of its own, so that other writers get
 * their turn in between. Failure: the options are stored anyway, and rows that are still held stay
 * held until the time they were given.
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
