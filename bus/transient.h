/* SPDX-License-Identifier: Apache-2.0 */

/* Events that exist on the pub/sub channel alone (capsule.state.changed). */
#ifndef BUS_TRANSIENT_H
#define BUS_TRANSIENT_H

#include <uv.h>

#include "core/attributes.h"
#include "core/event.h"
#include "net/net.h"

struct bus_transient;

struct bus_transient_options {
	uv_loop_t *loop;
	const struct redis_address *address;
	struct redis_master *master; /* as in redis_options */
	void (*on_event)(struct event *event, void *owner);
	void *owner;
};

int bus_transient_open(const struct bus_transient_options *options,
		       struct bus_transient **out) must_check;
/* Only on_closed (may be NULL) is called after this, and then all memory is free. Accepts
 * NULL, and then calls on_closed at once. */
void bus_transient_close(struct bus_transient *transient, void (*on_closed)(void *owner),
			 void *owner);

#endif
