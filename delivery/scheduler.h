/* SPDX-License-Identifier: Apache-2.0 */

/* Decides which channel is served when. The promises are those of delivery.h. */
#ifndef DELIVERY_SCHEDULER_H
#define DELIVERY_SCHEDULER_H

#include "core/attributes.h"
#include "core/fresh_rows.h"
#include "core/uuid.h"
#include "delivery/options.h"

struct scheduler;

int scheduler_open(const struct delivery_options *options, struct scheduler **out) must_check;
/* Accepts NULL, and then calls on_closed at once. */
void scheduler_close(struct scheduler *scheduler, void (*on_closed)(void *owner), void *owner);

void scheduler_take(struct scheduler *scheduler, const struct fresh_rows *fresh);
void scheduler_note(struct scheduler *scheduler, const struct uuid *channel);
void scheduler_wake(struct scheduler *scheduler, const struct uuid *channel);
void scheduler_changed(struct scheduler *scheduler, const struct uuid *channel);
void scheduler_removed(struct scheduler *scheduler, const struct uuid *channel);

#endif
