/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Workers tell each other over Redis that a channel has new deliveries. The worker that commits
 * them knows the channel; the one that holds the channel's lease would find them a second later. No
 * promise: a word that is lost costs that second.
 */
#ifndef BUS_WAKE_H
#define BUS_WAKE_H

#include <uv.h>

#include "core/attributes.h"
#include "core/uuid.h"
#include "net/net.h"

struct bus_wake;

struct bus_wake_options {
	uv_loop_t *loop;
	const struct redis_address *address;
	struct redis_master *master; /* as in redis_options */
	struct redis *redis;         /* for telling; outlives this */
	/* Some worker, perhaps this one, has told of this channel. */
	void (*on_channel)(const struct uuid *channel, void *owner);
	void *owner;
};

int bus_wake_open(const struct bus_wake_options *options, struct bus_wake **out) must_check;
/* Only on_closed is called after this, and then all memory is free. */
void bus_wake_close(struct bus_wake *wake, void (*on_closed)(void *owner), void *owner);

void bus_wake_tell(struct bus_wake *wake, const struct uuid *channel);

#endif
