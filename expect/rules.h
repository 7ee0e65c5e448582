/* SPDX-License-Identifier: Apache-2.0 */

/* The rows of `expectation_rules`, for the endpoints. A change also forgets what the rule waits
 * for, and counts up the version of all rules. */
#ifndef EXPECT_RULES_H
#define EXPECT_RULES_H

#include <stdbool.h>
#include <stdint.h>

#include "core/attributes.h"
#include "core/buf.h"
#include "core/str.h"
#include "core/uuid.h"
#include "expect/rule.h"
#include "store/store.h"

#define EXPECT_RULES_PER_TEAM 20

enum rule_result { RULE_ADDED, RULE_CHANGED, RULE_THE_SAME, RULE_TOO_MANY };

/* Stores the rule under its name. With RULE_THE_SAME and RULE_TOO_MANY nothing changes. */
int rules_store(struct db *db, const struct uuid *team, const struct expect_rule *rule,
		int64_t now_us, enum rule_result *result) must_check;

int rules_remove(struct db *db, const struct uuid *team, struct str name, bool *removed) must_check;

/* Appends the team's rules as members of a JSON array, by name, with what they wait for. With a
 * name only that one. */
int rules_write(struct db *db, const struct uuid *team, struct str name, struct buf *out,
		size_t *count) must_check;

#endif
