/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Writes the `sandbox` of an event (contract b.3, b.4), from the event's own object or from the
 * capsule's row. Pure: lookup.c reads the row.
 */
#ifndef SSE_CAPSULE_H
#define SSE_CAPSULE_H

#include "core/buf.h"
#include "core/uuid.h"
#include "store/store.h"

#define CAPSULE_MAX_BYTES 65536 /* of JSON; a larger one becomes null */

/* Writes the event's own object. A status that is not NULL replaces the object's. Drops members
 * that events never carry, and members of the wrong type. Writes null when `sandbox` is not an
 * object or its status is unknown. */
void capsule_write_own(struct buf *out, struct str sandbox, const char *status);

/* Writes one row of capsule_query, or null when its status is unknown. */
void capsule_write_row(struct buf *out, const struct db_row *row, const struct uuid *capsule,
		       const char *status);

/* Selects by capsule ($1) and team ($2): an event that names another team's capsule gets no row. */
extern const struct db_query capsule_query;

#endif
