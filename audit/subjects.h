/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The keys of the persons that new rows name (table `audit_salts`). A key is made with the first
 * row of a person and team, and read again in every transaction: a person may have been erased
 * since.
 */
#ifndef AUDIT_SUBJECTS_H
#define AUDIT_SUBJECTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/attributes.h"
#include "core/str.h"
#include "core/uuid.h"
#include "proof/leaf.h"
#include "store/store.h"

struct subject {
	struct uuid team;
	struct str name; /* the id of a user; empty: the team itself */
	bool has_key;
	bool is_damaged; /* the store has a key of another length */
	bool is_due;     /* the next statements are about it */
	struct hmac_key key;
};

struct subjects {
	struct subject *all;
	uint32_t *slots; /* of a hash table: 1 + place in `all`; 0: empty */
	size_t count;
	size_t cap; /* a power of two, half of the slots */
};

void subjects_done(struct subjects *subjects);
void subjects_reset(struct subjects *subjects);

/* Notes the persons that the row names. Its text must outlive the subjects. 0 or -ENOMEM. */
int subjects_gather(struct subjects *subjects, const struct uuid *team,
		    const struct leaf_row *row) must_check;
/* Pipelined; complete after the caller's db_flush(). */
int subjects_read(struct subjects *subjects, struct db *db) must_check;
/* After subjects_read(): gives a key to the subjects that have none. Pipelined. */
int subjects_make_missing(struct subjects *subjects, struct db *db) must_check;

/* After subjects_read(): true if a key of this team is damaged. */
bool subjects_are_damaged(const struct subjects *subjects, const struct uuid *team);

/* The key of a subject that was gathered; NULL when the store has none, or a damaged one. */
const struct hmac_key *subjects_key(const struct subjects *subjects, const struct uuid *team,
				    struct str name);

#endif
