/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Erases a person from the trail, so that it still verifies: what stands for each value in its leaf
 * (the commitment) is stored, the value is removed from the row, and in the end the person's key is
 * deleted. Without the key nobody can try out values against a commitment.
 * docs/notes/audit-proof.md
 */
#ifndef AUDIT_FORGET_H
#define AUDIT_FORGET_H

#include <stdbool.h>
#include <stdint.h>

#include "core/attributes.h"
#include "core/id.h"
#include "core/uuid.h"
#include "store/store.h"

/* One person, in all teams. Begins with the name alone; each piece continues where the one before
 * it ended. A new start does no harm: what was erased stays so. */
struct audit_forgetting {
	char user[ID_TEXT_SIZE]; /* usr-... */
	struct uuid team;        /* at work on it, or done with it; all zero at first */
	int64_t tree;            /* of that team; 0: done */
	uint64_t next;           /* the leaf to look at next */
	/* Results so far. */
	int64_t rows;  /* with a value erased */
	int64_t teams; /* whose trail knew the person */
	bool is_done;
};

/* For a write job: looks at the next 256 leaves, or ends a team, which writes a row of the trail
 * about it. -EAGAIN: a row of that team, or of the person, is no leaf yet; the service makes it one
 * within seconds. */
int audit_forget_piece(struct db *db, struct audit_forgetting *forgetting,
		       int64_t now_us) must_check;

/* All of it, on a store that nobody else needs to have open. Blocks. 0, -EAGAIN as above, or what
 * the store said, with *why. */
int audit_forget(const char *store_url, struct audit_forgetting *forgetting,
		 int64_t (*now_us)(void), struct reason *why) must_check;

#endif
