/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The numbered steps that bring a database to the current schema, and running them.
 */
#ifndef STORE_SCHEMA_H
#define STORE_SCHEMA_H

#include <stddef.h>
#include <stdint.h>

#include "core/attributes.h"
#include "core/reason.h"

struct db;

#define DB_IDENTITY_SIZE 33

/* schema/NNN_*.sql, embedded; step i has number i + 1. Released steps are never edited. */
struct schema_step {
	const char *sqlite;
	const char *postgres;
};

extern const struct schema_step schema_steps[];
extern const size_t schema_step_count;

/* The query of schema/needed.postgres.sql. */
extern const char schema_needed[];
/* The query of schema/grants.postgres.sql. */
extern const char schema_grants[];

/* The number of the last step that ran; 0 when none did. */
int schema_version(struct db *db, int64_t *out) must_check;

/* Runs the steps that are missing, each in a transaction of its own. Several processes may do so at
 * once. -ENOTSUP when the schema is newer than this program, -EPERM when a right is missing (every
 * missing GRANT is logged), -EINVAL when a table of the control plane lacks a column; *why (never
 * NULL) has the sentence. */
int schema_migrate(struct db *db, struct reason *why) must_check;

/* Finds out whether schema_migrate() has steps to run, or cannot; changes nothing. Returns the
 * codes of store_inspect(). */
int schema_inspect(struct db *db, struct reason *why) must_check;

/* Checks that the store is the one that `identity` (DB_IDENTITY_SIZE bytes) names, with the schema
 * of this program; an empty identity is filled in. -ENXIO otherwise. */
int schema_check_identity(struct db *db, char *identity, struct reason *why) must_check;

#endif
