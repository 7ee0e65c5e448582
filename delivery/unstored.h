/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Results that are stored while the next request of their channel goes out
 * (WRENN_EVENTS_UNSTORED_RESULTS).
 *
 * Only a success of a healthy channel is stored like this; any other result waits for those before
 * it and holds the channel until it is stored. docs/notes/delivery.md, "Order".
 */
#ifndef DELIVERY_UNSTORED_H
#define DELIVERY_UNSTORED_H

#include <stdbool.h>

struct queue;

/* JUDGED. Takes the result of `current` and lets the queue go on. Returns false if it must be
 * stored first. */
bool unstored_take(struct queue *queue);

/* Tries again to store what could not be stored, once all results are back. */
void unstored_retry(struct queue *queue);

#endif
