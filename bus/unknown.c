/* SPDX-License-Identifier: Apache-2.0 */

/* Two kinds whose names begin with the same UNKNOWN_MAX_NAME bytes count as one. */
#include "bus/unknown.h"

#include <stdbool.h>

#include "bus/counters.h"
#include "core/log.h"
#include "core/utf8.h"

#define UNKNOWN_MAX_NAME 64

static struct {
	char name[UNKNOWN_MAX_NAME];
	size_t len;
} seen[UNKNOWN_MAX_KINDS];
static size_t seen_count;
static bool is_full; /* and the log said so */

static bool was_seen(struct str name)
{
	for (size_t i = 0; i < seen_count; i++) {
		if (str_eq(name, (struct str){ .at = seen[i].name, .len = seen[i].len }))
			return true;
	}
	return false;
}

void unknown_kind_note(struct str kind, struct stream_id id)
{
	struct str name = utf8_cut(kind, UNKNOWN_MAX_NAME);

	metric_add(bus_counters.unknown_kind, 1);
	if (is_full || was_seen(name))
		return;
	if (seen_count == UNKNOWN_MAX_KINDS) {
		is_full = true;
		log_warn("skipping events of more unknown kinds; from now on they are only counted",
			 log_stream_id("id", id));
		return;
	}
	memcpy(seen[seen_count].name, name.at, name.len);
	seen[seen_count++].len = name.len;
	log_warn("skipping events of an unknown kind; a newer version may know it",
		 log_slice("kind", name), log_stream_id("id", id));
}
