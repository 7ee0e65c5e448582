/* SPDX-License-Identifier: Apache-2.0 */

/* Requests for snapshots. They are not events: the control plane writes them into the audit
 * trail. */
#ifndef EXPECT_REQUESTS_H
#define EXPECT_REQUESTS_H

#include <stdint.h>

#include "core/attributes.h"
#include "core/uuid.h"
#include "expect/rule.h"
#include "store/store.h"

/* The rule after which the next call goes on. All zero: at the first. */
struct requests_place {
	struct uuid team;
	char rule[EXPECT_NAME_SIZE];
};

/* Begins the waits of some rules for requests without an outcome. The caller holds the ledger's
 * fence, so that no outcome is read meanwhile. */
int requests_arm(struct db *db, struct requests_place *place, int64_t now_ms) must_check;

#endif
