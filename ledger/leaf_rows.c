/* SPDX-License-Identifier: Apache-2.0 */

/*
 * One statement for all leaves. On PostgreSQL a row has the leaves that lie in one aligned range of
 * 32, which costs a third of a row for each. On SQLite a row costs little, and each leaf has one.
 */
#include "ledger/leaf_rows.h"

#include <errno.h>
#include <stdlib.h>

#define IDS    "substring($3 FROM 16 * at + 1 FOR 16 * (til - at))"
#define ONE_ID "encode(" IDS ", 'hex')::uuid"

/* A row of one leaf is as versions before schema 024 wrote it and read it. */
static const struct db_query add_leaves = {
	.sql = "INSERT INTO audit_leaves (tree, idx, audit_id, audit_ids, hash) "
	       "SELECT $1, $2 + at, CASE WHEN til - at = 1 THEN " ONE_ID " END, "
	       "CASE WHEN til - at > 1 THEN " IDS " END, "
	       "substring($4::bytea FROM 32 * at + 1 FOR 32 * (til - at)) FROM "
	       "(SELECT greatest(32 * r - $2::bigint, 0)::int AS at, "
	       "least(32 * r + 32 - $2, length($3::bytea) / 16)::int AS til FROM "
	       "generate_series($2::bigint / 32, "
	       "($2 + length($3::bytea) / 16 - 1) / 32) AS r) AS ranges",
	.sqlite = "INSERT INTO audit_leaves (tree, idx, audit_id, hash) "
		  "SELECT $1, $2 + key, value, substr($4, 32 * key + 1, 32) "
		  "FROM json_each($3)",
};

_Static_assert(sizeof(struct uuid) == 16 && sizeof(struct merkle_hash) == 32,
	       "the numbers in add_leaves");

/* Adds the ids as text, in JSON. */
static int add_as_words(struct db *db, struct db_value *values, const struct uuid *ids,
			size_t count)
{
	char(*texts)[UUID_TEXT_SIZE] = calloc(count, sizeof(*texts));
	struct str *words = calloc(count, sizeof(*words));
	int rc = texts && words ? 0 : -ENOMEM;

	for (size_t i = 0; i < count && rc == 0; i++) {
		uuid_format(&ids[i], texts[i]);
		words[i] = str_of(texts[i]);
	}
	values[2] = db_words(words, count);
	if (rc == 0)
		rc = db_run(db, &add_leaves, values, 4, NULL, NULL, NULL);
	free(texts);
	free(words);
	return rc;
}

int leaf_rows_insert(struct db *db, int64_t tree, uint64_t first, const struct uuid *ids,
		     const struct merkle_hash *hashes, size_t count)
{
	struct db_value values[] = {
		db_int(tree),
		db_int((int64_t)first),
		db_blob((struct str){ .at = (const char *)ids, .len = count * sizeof(*ids) }),
		db_blob((struct str){ .at = (const char *)hashes, .len = count * sizeof(*hashes) }),
	};

	if (db_is_embedded(db))
		return add_as_words(db, values, ids, count);
	return db_run(db, &add_leaves, values, ARRAY_LEN(values), NULL, NULL, NULL);
}
