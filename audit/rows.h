/* SPDX-License-Identifier: Apache-2.0 */

/* Rows of the trail, written inside the caller's transaction. */
#ifndef AUDIT_ROWS_H
#define AUDIT_ROWS_H

#include <stdbool.h>
#include <stdint.h>

#include "core/attributes.h"
#include "core/buf.h"
#include "core/identity.h"
#include "core/str.h"
#include "core/uuid.h"
#include "store/store.h"

enum audit_mode { AUDIT_ALL, AUDIT_MISSING, AUDIT_OFF };

struct audit_entry {
	struct uuid id;
	struct uuid old_id; /* a row of this id counts as this row; zero: none does */
	struct uuid team;
	struct str actor_type; /* user, api_key, host, system */
	struct str actor_id;   /* prefixed text; empty: NULL */
	struct str actor_name;
	struct str resource_type;
	struct str resource_id; /* empty: NULL */
	struct str action;
	struct str scope;    /* team, admin */
	struct str status;   /* the stored word: success, info, warning, error */
	struct str metadata; /* JSON object; lives in metadata_buf or is a constant */
	int64_t created_us;
	struct buf metadata_buf; /* free with audit_entry_done() */
};

/* Inserts the row unless its id exists; *inserted is 1 or 0. May be pipelined, as with db_run().
 * For the ledger, which makes the row a leaf of the team's tree in the same transaction. */
int audit_insert(struct db *db, const struct audit_entry *entry, int64_t *inserted) must_check;

/* For all other callers: also notes a new row in audit_waiting, for the ledger. Flushes. */
int audit_insert_for_later(struct db *db, const struct audit_entry *entry,
			   int64_t now_us) must_check;

/* Sets *is_other if a row of another event has the entry's id. May be pipelined. Does not compare
 * the actor, because erasing a user clears it in the rows. */
int audit_ask_other(struct db *db, const struct audit_entry *entry, bool *is_other) must_check;

/* Writes the row of a change through our endpoints: actor from the identity, random id, scope team.
 * `metadata` is the text of a JSON object without secrets. Writes nothing in AUDIT_OFF. */
int audit_insert_change(struct db *db, enum audit_mode mode, const struct identity *who,
			struct str resource_type, struct str resource_id, struct str action,
			struct str status, struct str metadata, int64_t now_us) must_check;

/* Registers the counters; audit_open() calls it before the first row. */
void audit_count_rows(void);

#endif
