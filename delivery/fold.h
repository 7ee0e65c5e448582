/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Storm control: a backlog too large for the pace of a chat destination becomes one delivery, the
 * digest, and each of its rows says so. docs/notes/delivery.md
 */
#ifndef DELIVERY_FOLD_H
#define DELIVERY_FOLD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/attributes.h"
#include "core/channel_hold.h"
#include "core/uuid.h"
#include "providers/provider.h"
#include "store/store.h"

#define FOLD_MAX_ROWS 1000 /* of one digest */
#define FOLD_SPAN_US \
	(INT64_C(30) * 1000000) /* a backlog that the pace cannot send in this time is a storm */

struct fold_order {
	const struct provider *provider;
	struct uuid channel; /* the caller has its lease and no request is running */
	bool of_held;        /* fold rows that quiet hours or a snooze held, and name every event */
	struct channel_hold hold; /* rows that it holds now are left out */
	size_t allowance;         /* else: pace_allowance() over FOLD_SPAN_US */
	int64_t now_us;
};

struct fold_result {
	size_t folded; /* rows; 0: no storm, nothing was written */
	struct uuid digest;
};

/* For write jobs. Counts the rows of the channel that are due and were never tried. If they exceed
 * the allowance, folds the oldest FOLD_MAX_ROWS: they get the state 'folded' and the id of the
 * digest, a new row that is pending and due. Leaves digests alone, and rows that were tried or
 * folded before. With of_held it folds two or more rows of what was held, as many of the oldest as
 * one message can name. A digest with a failure that quiet hours may let through has the outcome
 * "error". 0 or a code of the store; -EBUSY when another job took some of the rows meanwhile. */
int fold_backlog(struct db *db, const struct fold_order *order,
		 struct fold_result *result) must_check;

#endif
