/* SPDX-License-Identifier: Apache-2.0 */

/* Members of a JSON answer. A failure sticks in out->err. */
#ifndef API_FIELDS_H
#define API_FIELDS_H

#include <stdint.h>

#include "core/buf.h"
#include "core/str.h"
#include "core/uuid.h"

void field_add_time(struct buf *out, const char *name, int64_t us); /* nothing for 0 */
void field_add_number(struct buf *out, const char *name, int64_t number);
void field_add_uuid(struct buf *out, const char *name, const struct uuid *id);
/* At most 1 KiB of the text; nothing for an empty one. */
void field_add_text(struct buf *out, const char *name, struct str text);

#endif
