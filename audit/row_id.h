/* SPDX-License-Identifier: Apache-2.0 */

/* The id of an event's row, made from the entry's id: an entry that is read twice makes one row. */
#ifndef AUDIT_ROW_ID_H
#define AUDIT_ROW_ID_H

#include <stdbool.h>

#include "core/attributes.h"
#include "core/stream_id.h"
#include "core/uuid.h"

void row_id_make(struct stream_id event, struct uuid *out);
/* The id that earlier versions used. */
void row_id_make_old(struct stream_id event, struct uuid *out);

/* Finds the event of a row. Returns false if the row was not made from an event, or was made by an
 * earlier version or another program. */
bool row_id_event(const struct uuid *row, struct stream_id *event) must_check;

#endif
