/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A row of the audit trail as a leaf of its team's tree. The leaf's data is an object in canonical
 * form: the columns of the row, without those that are empty, and "v":1. A value that can name a
 * person is replaced by its commitment, {"c":"<hex>"}, so that the value and its salt can be
 * deleted and the leaf still verifies. Pure.
 *
 * The subject is the person that a value is about. Each subject has a random key in each team.
 *   salt       = HMAC-SHA-256(the subject's key, id of the row, 0x00, path)
 *   commitment = HMAC-SHA-256(salt, the value in canonical form)
 */
#ifndef PROOF_LEAF_H
#define PROOF_LEAF_H

#include <stdbool.h>

#include <cjson/cJSON.h>

#include "core/attributes.h"
#include "core/buf.h"
#include "core/crypto.h"
#include "core/str.h"
#include "proof/merkle.h"

#define LEAF_KEY_SIZE  32
#define LEAF_SALT_SIZE SHA256_SIZE
#define LEAF_MAX_BYTES (512ul * 1024)
#define LEAF_MAX_PATH  1100 /* "metadata." and a name */

struct leaf_row {
	struct str team_id;    /* team-... */
	struct str id;         /* log-... */
	struct str created_at; /* RFC 3339 in UTC, six digits after the second */
	struct str actor_type; /* empty text, here and below: the column is NULL or empty */
	struct str actor_id;
	struct str actor_name;
	struct str resource_type;
	struct str resource_id;
	struct str action;
	struct str scope;
	struct str status;     /* the stored word */
	const cJSON *metadata; /* an object, or NULL */
};

/* A value of a row. */
struct leaf_field {
	struct str path;   /* "actor_id", or "metadata." and the member's name */
	struct str text;   /* the value if it is a string; empty otherwise */
	const cJSON *json; /* the value if it is in the metadata; else NULL */
};

/* Finds the key of a subject: the id of a user, or empty for values about the team itself. NULL:
 * there is none. */
typedef const struct hmac_key *(*leaf_key_fn)(void *owner, struct str subject);

/* The hash of the row as a leaf. Writes the leaf's data into `data`, whose limit is LEAF_MAX_BYTES.
 * 0, -ENOKEY, -ENOMEM or -E2BIG. */
int leaf_hash(const struct leaf_row *row, leaf_key_fn find_key, void *owner, struct buf *data,
	      struct merkle_hash *out) must_check;

/* Calls on_field for each value that the leaf commits to, with its subject. Ends with the first
 * result below 0 and returns it. */
typedef int (*leaf_field_fn)(void *owner, const struct leaf_field *field, struct str subject);
int leaf_each_personal(const struct leaf_row *row, leaf_field_fn on_field, void *owner) must_check;

void leaf_salt(const struct hmac_key *key, struct str row_id, struct str path,
	       uint8_t out[LEAF_SALT_SIZE]);
/* 0, -ENOMEM or -E2BIG. */
int leaf_commit(const uint8_t salt[LEAF_SALT_SIZE], const struct leaf_field *field,
		uint8_t out[SHA256_SIZE]) must_check;

/* How the leaf shows one value. */
enum leaf_form { LEAF_CLEAR, LEAF_SALTED, LEAF_ERASED };
struct leaf_seal {
	enum leaf_form form;
	uint8_t bytes[SHA256_SIZE]; /* LEAF_SALTED: the salt; LEAF_ERASED: the commitment */
};

/* Decides for each value, and for each empty column, which appears in the leaf only if it is
 * LEAF_ERASED. Returns 0 or a negative errno. */
typedef int (*leaf_seal_fn)(void *owner, const struct leaf_field *field, struct leaf_seal *out);
/* Appends the leaf's data. The result is also in out->err. */
int leaf_write(struct buf *out, const struct leaf_row *row, leaf_seal_fn seal,
	       void *owner) must_check;

#endif
