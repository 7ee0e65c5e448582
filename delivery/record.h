/* SPDX-License-Identifier: Apache-2.0 */

/* Stores the result of a delivery. */
#ifndef DELIVERY_RECORD_H
#define DELIVERY_RECORD_H

struct queue;

/* JUDGED, and RECORDING without a running job: stores the result of `current`. Then settles the
 * queue, or enters GONE when the channel was deleted. After a failure the queue stays in RECORDING
 * without a job, to be started again. */
void record_start(struct queue *queue);

#endif
