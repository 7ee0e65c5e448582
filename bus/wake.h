/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Messages between workers over Redis.
 *
 * A channel has new deliveries: the worker that commits them knows the channel; the one that holds
 * the channel's lease would find them a second later. No promise: a lost message costs that second.
 *
 * A line about a pace (targets/pace_news.h): a worker sent to a destination, or the destination
 * asked for a pause.
 */
#ifndef BUS_WAKE_H
#define BUS_WAKE_H

#include <uv.h>

#include "core/attributes.h"
#include "core/str.h"
#include "core/uuid.h"
#include "net/net.h"

struct bus_wake;

struct bus_wake_options {
	uv_loop_t *loop;
	const struct redis_address *address;
	struct redis_master *master; /* as in redis_options */
	struct redis *redis;         /* for publishing; outlives this */
	/* Some worker, perhaps this one, has announced this channel. */
	void (*on_channel)(const struct uuid *channel, void *owner);
	/* Some worker, perhaps this one, has published this line. It is passed on unchecked, and
	 * anybody can publish. */
	void (*on_pace)(struct str line, void *owner);
	void *owner;
};

int bus_wake_open(const struct bus_wake_options *options, struct bus_wake **out) must_check;
/* Only on_closed is called after this, and then all memory is free. Accepts NULL, and then calls
 * on_closed at once. */
void bus_wake_close(struct bus_wake *wake, void (*on_closed)(void *owner), void *owner);

void bus_wake_publish(struct bus_wake *wake, const struct uuid *channel);
void bus_wake_publish_pace(struct bus_wake *wake, struct str line);

#endif
