/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Updates the embedded store's table `sandboxes` from events that carry a `sandbox` object
 * (contract h.7, o.4). The control plane keeps its own tables itself, so there nothing is
 * written.
 */
#ifndef LEDGER_CAPSULES_H
#define LEDGER_CAPSULES_H

#include <cjson/cJSON.h>
#include <stdbool.h>

#include "core/attributes.h"
#include "core/event.h"
#include "store/store.h"

/* The columns that an event's object fills; text points into `tree`. */
struct capsule {
	cJSON *tree;
	struct uuid id;
	struct uuid team;
	struct str status;
	struct str template;
	int64_t vcpus;
	int64_t memory_mb;
	int64_t timeout_sec;
	int64_t disk_size_mb;
	int64_t created_us;
	int64_t started_us;     /* 0: null */
	int64_t last_active_us; /* 0: null */
	int64_t last_updated_us;
	struct buf metadata;
};

/* Reads the event's object. False when the API could not show it: wrong types, another capsule's
 * id, an unknown status. Pure. capsule_done() is needed after true only. */
bool capsule_read(const struct event *event, struct capsule *out) must_check;
void capsule_done(struct capsule *capsule);

/* Stores the capsule unless the row is newer or another team's. Pipelined. */
int capsule_store(struct db *db, const struct capsule *capsule) must_check;

#endif
