/* SPDX-License-Identifier: Apache-2.0 */

/* Sends the next delivery of a channel. */
#ifndef DELIVERY_SEND_H
#define DELIVERY_SEND_H

struct queue;

/* READY. Ends in SENDING; in JUDGED when the delivery can never be built; or in WAITING for the
 * lease, the pace, or settings that can be decrypted. */
void send_start(struct queue *queue);

#endif
