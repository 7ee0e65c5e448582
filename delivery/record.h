/* SPDX-License-Identifier: Apache-2.0 */

/* Stores the result of a delivery. */
#ifndef DELIVERY_RECORD_H
#define DELIVERY_RECORD_H

#include <stdbool.h>

#include "core/attributes.h"
#include "store/store.h"

struct delivery;
struct queue;
struct record;

/* JUDGED: stores the result of `current`, after the results before it. Then settles the
 * queue, or enters GONE when the channel was deleted. After a failure the queue stays in RECORDING
 * without a job, until record_retry(). If the queue may have unstored results, it goes on at
 * once. */
void record_start(struct queue *queue);
/* RECORDING: stores what could not be stored before. */
void record_retry(struct queue *queue);

/* The result of `current` is a success that changes nothing but its delivery. */
bool record_is_routine(const struct queue *queue);
/* For a store job: stores the delivery's new state and its attempt. After the commit *record says
 * what happened to row and channel. */
int record_run_turn(struct db *db, struct record *record, const struct delivery *delivery,
		    const struct uuid *channel_id) must_check;
/* After the commit. True when another job moved the row of a routine result: its attempt is not
 * stored yet, and the same job must run again. */
bool record_was_moved(struct record *record) must_check;

#endif
