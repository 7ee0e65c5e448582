/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Storm control: a backlog that a chat destination could not be told in time becomes one delivery,
 * the digest, and every row in it says so. docs/notes/delivery.md
 */
#ifndef DELIVERY_FOLD_H
#define DELIVERY_FOLD_H

#include <stddef.h>
#include <stdint.h>

#include "core/attributes.h"
#include "core/uuid.h"
#include "providers/provider.h"
#include "store/store.h"

#define FOLD_MAX_ROWS 1000                    /* of one digest */
#define FOLD_SPAN_US  (INT64_C(30) * 1000000) /* more than the pace lets out in it is a storm */

struct fold_order {
	const struct provider *provider;
	struct uuid channel; /* leased by the caller, without a request under way */
	size_t allowance;    /* pace_allowance() over FOLD_SPAN_US */
	int64_t now_us;
};

struct fold_result {
	size_t folded; /* rows; 0: there was no storm, nothing was written */
	struct uuid digest;
};

/* For write jobs. Counts the rows of the channel that are due and were not tried yet; more than the
 * allowance, and the oldest FOLD_MAX_ROWS of them are folded: state 'folded', with the id of the
 * digest's own row, which is pending and due. Digests, and rows tried or folded before, stay as they are. 0 or
 * what the store said; -EBUSY when somebody else took some of the rows meanwhile. */
int fold_backlog(struct db *db, const struct fold_order *order,
		 struct fold_result *result) must_check;

#endif
