/* SPDX-License-Identifier: Apache-2.0 */

/* A checkpoint as an event of the stream (contract a.3). Its resource is the size, so no two are
 * the same. */
#ifndef AUDIT_CHECKPOINT_EVENT_H
#define AUDIT_CHECKPOINT_EVENT_H

#include "audit/checkpoint.h"
#include "core/buf.h"

void checkpoint_event_write(struct buf *out, const struct audit_checkpoint *checkpoint);

#endif
