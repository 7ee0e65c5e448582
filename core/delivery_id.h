/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The id of an event's delivery to a channel. It is derived, so whoever makes the delivery, and
 * however often, makes the same row: the ledger, or a fallback that gets a copy.
 */
#ifndef CORE_DELIVERY_ID_H
#define CORE_DELIVERY_ID_H

#include "core/stream_id.h"
#include "core/uuid.h"

void delivery_id_make(const struct uuid *channel, struct stream_id event, struct uuid *out);
/* The id that earlier versions gave it. Their rows keep it. */
void delivery_id_make_old(const struct uuid *channel, struct stream_id event, struct uuid *out);

#endif
