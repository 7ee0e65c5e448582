/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Erases a person from the trail, so that it still verifies. The commitment to each value, which
 * its leaf holds, is stored. The value is removed from the row, and in the end the person's key is
 * deleted. Without the key nobody can test guesses against a commitment. docs/notes/audit-proof.md
 */
#ifndef AUDIT_FORGET_H
#define AUDIT_FORGET_H

#include <stdbool.h>
#include <stdint.h>

#include "core/attributes.h"
#include "core/id.h"
#include "core/uuid.h"
#include "store/store.h"

/* The erasure of one person in all teams. Set only `user` before the first call; each call of
 * audit_forget_piece() continues where the last one ended. Starting over is safe: erased values
 * stay erased. */
struct audit_forgetting {
	char user[ID_TEXT_SIZE]; /* usr-... */
	struct uuid team;        /* being erased, or just finished; all zero at first */
	int64_t tree;            /* of that team; 0: done */
	uint64_t next;           /* the leaf to look at next */
	/* Results so far. */
	int64_t rows;  /* with a value erased */
	int64_t teams; /* whose trail knew the person */
	bool is_done;
};

/* For a write job: looks at the next 256 leaves, or finishes a team, which adds a row about it to
 * the trail. -EAGAIN: a row of that team, or of the person, is not a leaf yet; the service makes it
 * one within seconds. */
int audit_forget_piece(struct db *db, struct audit_forgetting *forgetting,
		       int64_t now_us) must_check;

/* Erases everything at once, for a command; the service need not be running. Blocks. 0, -EAGAIN as
 * above, or a code of the store, with *why. */
int audit_forget(const char *store_url, struct audit_forgetting *forgetting,
		 int64_t (*now_us)(void), struct reason *why) must_check;

#endif
