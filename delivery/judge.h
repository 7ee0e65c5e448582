/* SPDX-License-Identifier: Apache-2.0 */

/* Turns a destination's response into the result of a delivery. */
#ifndef DELIVERY_JUDGE_H
#define DELIVERY_JUDGE_H

#include "core/exchange.h"

/* For outbound_send(); the owner is the queue. SENDING: moves the delivery and fills in the record.
 * Ends in JUDGED, or in WAITING when the request was cancelled. */
void judge_answer(const struct answer *answer, void *owner);

#endif
