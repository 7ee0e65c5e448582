/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The rows of the audit trail that one transaction adds to the trees of their teams
 * (docs/notes/audit-proof.md). Keeps the content of each leaf until the store has said which rows
 * are new.
 */
#ifndef LEDGER_LEAVES_H
#define LEDGER_LEAVES_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "audit/audit.h"
#include "core/attributes.h"
#include "core/id.h"
#include "core/rfc3339.h"
#include "core/uuid.h"
#include "proof/leaf.h"

struct new_leaf {
	struct uuid id;
	struct uuid team;
	struct leaf_row row; /* its text belongs to the caller, or is in the buffers below */
	cJSON *metadata;     /* NULL: none */
	int64_t inserted;    /* the store says whether the row is new */
	/* The event cannot have a row yet. If the store has a row of its id anyway, another program
	 * wrote it, and the leaf shows that it is not ours. */
	bool is_certain;
	char team_text[ID_TEXT_SIZE];
	char id_text[ID_TEXT_SIZE];
	char created_text[RFC3339_TEXT_SIZE];
};

struct leaves {
	struct new_leaf *all;
	size_t count;
	size_t cap;
};

/* Makes room for that many. 0 or -ENOMEM; leaves_done() is needed after both. */
int leaves_init(struct leaves *leaves, size_t rows) must_check;
void leaves_done(struct leaves *leaves);
void leaves_reset(struct leaves *leaves);

/* Adds a row. Its text, except the metadata, must outlive the leaf, which stays where it is. 0,
 * -ENOMEM, or -EINVAL when the metadata is not JSON. */
int leaves_add(struct leaves *leaves, const struct audit_entry *entry,
	       struct new_leaf **out) must_check;

/* Drops the rows that the store already had. Call it after db_flush(). */
void leaves_keep_new(struct leaves *leaves);

#endif
