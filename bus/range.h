/* SPDX-License-Identifier: Apache-2.0 */

/* Reads from the stream over a shared connection: one step of a replay, and the stream's edges. */
#ifndef BUS_RANGE_H
#define BUS_RANGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/attributes.h"
#include "core/event.h"
#include "core/stream_id.h"
#include "core/uuid.h"
#include "net/net.h"

/* The answer to one XRANGE. The events are borrowed: they end with the call. */
struct bus_range {
	int rc;                /* 0, -ENOTCONN, -EBADMSG, -ENOMEM */
	struct event **events; /* readable events of known kinds about a resource, in order */
	size_t count;
	struct stream_id head; /* the last entry read, shown or not; `after` when there was none */
	bool at_end; /* true when there were fewer entries than asked for: the stream ended */
};
typedef void (*bus_range_fn)(const struct bus_range *range, void *owner);

/* Reads at most `count` entries after `after`. Events of other teams than `team` are usually left
 * out, which saves parsing them; NULL: all teams. */
int bus_range(struct redis *redis, struct stream_id after, unsigned count, const struct uuid *team,
	      bus_range_fn on_done, void *owner) must_check;

struct bus_edges {
	int rc; /* 0, -ENOTCONN, -EPROTOTYPE when the key is not a stream, -EBADMSG */
	bool exists;
	bool trimmed;              /* entries have been removed from it */
	uint64_t removed;          /* how many; 1 from a server that does not count */
	struct stream_id oldest;   /* zero when empty */
	struct stream_id readable; /* the newest entry that can still be read; zero when empty */
	struct stream_id newest;   /* the last generated id, even if its entry is gone */
};
typedef void (*bus_edges_fn)(const struct bus_edges *edges, void *owner);
int bus_edges(struct redis *redis, bus_edges_fn on_done, void *owner) must_check;

#endif
