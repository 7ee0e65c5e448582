/* SPDX-License-Identifier: Apache-2.0 */

/* Builds a team's tree again from the rows of the audit trail, as an auditor would. */
#ifndef TESTS_UNIT_LEDGER_TREE_FIXTURE_H
#define TESTS_UNIT_LEDGER_TREE_FIXTURE_H

#include <stdint.h>

#include "proof/merkle.h"
#include "tests/support/rig.h"

struct recount {
	int64_t size;      /* that the tree says it has */
	int64_t leaves;    /* in the table */
	int64_t missing;   /* leaves whose row is not there */
	int64_t wrong;     /* leaves that are not the hash of their row */
	int64_t tiles;     /* that hold */
	int64_t outside;   /* rows left to the control plane */
	bool is_same_root; /* of the rows and of the frontier */
	struct merkle_hash root;
};

void recount_tree(struct rig *rig, const char *team, struct recount *out);

/* Fails the test unless every leaf is the hash of its row and the tree has so many. */
void expect_sound_tree(struct rig *rig, const char *team, int64_t size);

#endif
