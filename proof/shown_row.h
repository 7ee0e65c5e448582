/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Reads a row of an export and computes its leaf. The line has the values themselves, a salt for
 * each committed value, and a commitment for each erased value. Pure.
 */
#ifndef PROOF_SHOWN_ROW_H
#define PROOF_SHOWN_ROW_H

#include <cjson/cJSON.h>

#include "core/attributes.h"
#include "core/reason.h"
#include "core/str.h"
#include "proof/merkle.h"

struct shown_row {
	const char *id;
	struct merkle_hash hash;   /* of what the line shows */
	struct merkle_hash stored; /* the hash that the line states */
	bool is_erased;            /* a value is gone */
};

/* Reads the members `row`, `salts`, `commitments` and `hash` of the line; adds members to its
 * metadata for values that are gone. out->id points into the line. 0, -ENOMEM, or -EINVAL with *why
 * when the line is malformed or has a value that the hash does not cover. */
int shown_row_read(cJSON *line, struct str team_id, struct shown_row *out,
		   struct reason *why) must_check;

/* A member of the line that is 64 hexadecimal digits. */
bool shown_hash_read(const cJSON *value, struct merkle_hash *out);

#endif
