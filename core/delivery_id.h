/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The id of an event's delivery to a channel. It is derived from both. So the ledger and a fallback
 * make the same row, however often they make it.
 */
#ifndef CORE_DELIVERY_ID_H
#define CORE_DELIVERY_ID_H

#include "core/stream_id.h"
#include "core/uuid.h"

void delivery_id_make(const struct uuid *channel, struct stream_id event, struct uuid *out);
/* The id that earlier versions used. Their rows keep it. */
void delivery_id_make_old(const struct uuid *channel, struct stream_id event, struct uuid *out);

#endif
