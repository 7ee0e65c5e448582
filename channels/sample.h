/* SPDX-License-Identifier: Apache-2.0 */

/* Made-up events, digests and settings, for test notifications and previews. */
#ifndef CHANNELS_SAMPLE_H
#define CHANNELS_SAMPLE_H

#include "core/attributes.h"
#include "core/event.h"
#include "providers/provider.h"

/* The event of contract c.7. It has no reference count; `timestamp` must outlive it. */
void sample_test(struct event *out, struct str timestamp);

/* Appends an event of a subscribable kind, as JSON: the request of a user, or its completion. */
void sample_write(struct buf *out, enum event_kind kind, bool is_completion, struct str team,
		  struct str timestamp);

/* The texts must outlive the digest. digest_done() is not needed. */
void sample_digest(struct digest *out, struct str team, struct str first, struct str last);

/* What a living message about the resource of such an event showed at first. 0, or -ENOMEM. */
int sample_trail(enum event_kind kind, bool is_completion, char out[TRAIL_SIZE]) must_check;

/* Settings that the provider accepts; they lead nowhere. */
void sample_config(struct provider_config *out, const struct provider *provider);

#endif
