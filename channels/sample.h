/* SPDX-License-Identifier: Apache-2.0 */

/* Events, digests and settings that nobody caused: for test notifications and previews. */
#ifndef CHANNELS_SAMPLE_H
#define CHANNELS_SAMPLE_H

#include "core/event.h"
#include "providers/provider.h"

/* The one of contract c.7. Not counted by references; `timestamp` must outlive it. */
void sample_test(struct event *out, struct str timestamp);

/* Appends an event of a kind a channel can subscribe to, as JSON. */
void sample_write(struct buf *out, enum event_kind kind, struct str team, struct str timestamp);

/* The text must outlive it; digest_done() is not needed. */
void sample_digest(struct digest *out, struct str team, struct str timestamp);

/* Settings the provider accepts; they lead nowhere. */
void sample_config(struct provider_config *out, const struct provider *provider);

#endif
