/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Verifies an export of the audit trail, line by line, with the memory of one line and one range of
 * a tree: the values of each row give its hash, the hashes give the root, a trusted key signed the
 * root, and older checkpoints belong to the same tree. Several files are one trail if each starts
 * where the one before it ended. The lines are those of docs/audit.md. Pure.
 */
#ifndef PROOF_VERIFIER_H
#define PROOF_VERIFIER_H

#include <stdbool.h>
#include <stdint.h>

#include "core/attributes.h"
#include "core/reason.h"
#include "core/str.h"
#include "proof/checkpoint.h"
#include "proof/merkle.h"
#include "proof/note.h"

#define VERIFIER_MAX_LINE   (1024ul * 1024)
#define VERIFIER_MAX_OLD    64
#define VERIFIER_MAX_TEAM   63
#define VERIFIER_MAX_ORIGIN (NOTE_MAX_NAME + 80)
#define VERIFIER_MAX_TIME   40

struct older_checkpoint {
	struct checkpoint is;
	bool is_compared;
};

struct verifier {
	/* Set by the caller, who owns them; the rest starts as zero. */
	const struct note_key *keys;
	size_t key_count;
	const char *wanted_id; /* a row to look for, or NULL */

	struct older_checkpoint older[VERIFIER_MAX_OLD];
	size_t older_count;

	char team_id[VERIFIER_MAX_TEAM + 1]; /* empty: no header yet */
	char origin[VERIFIER_MAX_ORIGIN + 1];
	uint64_t announced; /* size in the header of this file */
	bool is_filtered;   /* this file may leave rows out */

	struct merkle_range range;
	struct merkle_range before; /* where the previous file ended */
	bool is_repeating;          /* the range has not reached that place again */

	uint64_t rows; /* whose values are shown */
	uint64_t skipped;
	uint64_t erased; /* rows that lack a value */

	/* The last checkpoint that verified. */
	bool has_checkpoint;
	uint64_t proven;
	struct merkle_hash root;
	uint64_t outside;
	char time[VERIFIER_MAX_TIME + 1];
	const struct note_key *signer;

	bool has_wanted; /* the row was there */
	struct merkle_hash wanted_hash;
	struct merkle_proof wanted_proof;
};

/* Adds an earlier checkpoint to compare with; the caller keeps its text. 0 or a negative errno with
 * *why. */
int verifier_add_older(struct verifier *verifier, struct str note, struct reason *why) must_check;

/* One line without its end. 0; -EBADMSG with *why when something does not verify; -EINVAL with *why
 * when it is not a line of an export; or -ENOMEM. */
int verifier_line(struct verifier *verifier, struct str line, struct reason *why) must_check;

/* After the last line of the last file: 0 when everything is proven, or -EBADMSG with *why. */
int verifier_end(const struct verifier *verifier, struct reason *why) must_check;

#endif
