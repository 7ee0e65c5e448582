/* SPDX-License-Identifier: Apache-2.0 */

/* The publisher's side, for the command line: makes one event and publishes it. Blocks. */
#ifndef BUS_PUBLISH_H
#define BUS_PUBLISH_H

#include <stddef.h>
#include <stdint.h>

#include "core/attributes.h"
#include "core/buf.h"
#include "core/event.h"
#include "core/reason.h"
#include "core/str.h"
#include "core/stream_id.h"
#include "net/net.h"

/* The flags of `wrenn-events publish` (contract o.2). An absent string is empty. */
struct bus_publication {
	struct str kind;
	struct str team;
	struct str resource_id;
	struct str outcome;
	struct str error;
	struct str actor_type;
	struct str actor_id;
	struct str actor_name;
	const struct event_member *metadata;
	size_t metadata_count;
};

/* Writes the compact JSON of a.3, with metadata sorted by name and the time now_us. -EINVAL with a
 * sentence in *why. */
int bus_publication_write(const struct bus_publication *publication, int64_t now_us,
			  struct buf *out, struct reason *why) must_check;

/* Sends one JSON text by XADD and PUBLISH. An event of an ephemeral kind goes by PUBLISH only, and
 * `id` stays empty. event_parse() checks the text first. */
int bus_publish(struct redis_blocking *redis, struct str json, char id[STREAM_ID_TEXT_SIZE],
		struct reason *why) must_check;

#endif
