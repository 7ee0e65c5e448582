/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The `sandbox` of an event (contract b.3, b.4): written from the event's own object or from the
 * capsule's row. Pure; the reading is lookup.c's.
 */
#ifndef SSE_CAPSULE_H
#define SSE_CAPSULE_H

#include "core/buf.h"
#include "core/uuid.h"
#include "store/store.h"

#define CAPSULE_MAX_BYTES 65536 /* of JSON; a row that needs more is shown as null */

/* `status` NULL: as it says. Members that events never carry or that have the wrong type are left out;
 * no object, or a status we do not know: null. */
void capsule_write_own(struct buf *out, struct str sandbox, const char *status);

/* One row of capsule_query; null when we do not know its status. */
void capsule_write_row(struct buf *out, const struct db_row *row, const struct uuid *capsule,
		       const char *status);

/* By capsule ($1) and team ($2), so that naming a foreign capsule shows nothing of it. */
extern const struct db_query capsule_query;

#endif
