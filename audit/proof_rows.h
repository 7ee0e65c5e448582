/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Leaves of a team's tree with their rows, as a verifiable export shows them: one read from the
 * store, kept until the keys of the persons and the commitments of what was erased are read, too.
 */
#ifndef AUDIT_PROOF_ROWS_H
#define AUDIT_PROOF_ROWS_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stdint.h>

#include "audit/subjects.h"
#include "core/attributes.h"
#include "core/buf.h"
#include "core/id.h"
#include "core/rfc3339.h"
#include "core/uuid.h"
#include "proof/leaf.h"
#include "proof/merkle.h"
#include "store/store.h"

#define PROOF_ROWS 256 /* of one read */

struct proof_row {
	uint64_t index;
	struct merkle_hash hash; /* as stored */
	struct uuid id;
	bool is_missing; /* the leaf exists, but its row is gone or does not match */
	struct leaf_row row;
	char *text; /* what the row points to */
	cJSON *metadata;
	char id_text[ID_TEXT_SIZE];
	char created_text[RFC3339_TEXT_SIZE];
};

/* The commitment of an erased value. */
struct proof_erased {
	uint64_t index;
	char *field;
	struct merkle_hash commitment;
};

struct proof_rows {
	int64_t tree;
	struct uuid team;
	struct str team_text; /* owned by the caller */
	uint64_t next;        /* the leaf that must come next */
	size_t count;
	size_t bytes; /* of text */
	struct proof_row all[PROOF_ROWS];
	struct proof_erased *erased;
	size_t erased_count;
	size_t erased_cap;
	struct subjects subjects;
};

/* Reads leaves from `from` to before `to`, at most PROOF_ROWS, or fewer when they are large, and
 * all that belongs to them. At least one if there is one. 0 or a negative errno; -EIO when a leaf
 * between is gone. */
int proof_rows_read(struct proof_rows *rows, struct db *db, uint64_t from, uint64_t to) must_check;
/* Forgets them, and the keys. */
void proof_rows_reset(struct proof_rows *rows);
void proof_rows_done(struct proof_rows *rows);

/* Checks whether the row matches its hash; if not, marks it as missing. For rows that the export
 * leaves out, of which a verifier sees only the hashes. 0, -ENOMEM or -E2BIG. */
int proof_row_check(const struct proof_rows *rows, struct proof_row *row) must_check;
/* Appends the line of a row, or that it is missing. */
void proof_row_add(struct buf *out, const struct proof_rows *rows, const struct proof_row *row);

#endif
