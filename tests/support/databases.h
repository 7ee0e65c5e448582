/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A fresh, migrated database on each engine, for tests that must pass on both: a SQLite file in
 * TEST_DIR and a PostgreSQL database on the server of TEST_POSTGRES_URL. Any failure here fails the
 * test.
 *
 * Only the first one of a run is migrated; the others are copies of it, each with an identity of
 * its own.
 */
#ifndef TESTS_SUPPORT_DATABASES_H
#define TESTS_SUPPORT_DATABASES_H

#include <criterion/criterion.h>
#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "store/store.h"

enum database_engine { DATABASE_SQLITE, DATABASE_POSTGRES, DATABASE_ENGINES };

struct database {
	char url[512];
};

/* An empty PostgreSQL database. */
void database_create(const char *name);

/* Each call creates a new one. */
struct database database_make(enum database_engine engine);

/* Runs one statement that both engines accept, without parameters, in a transaction. Returns the
 * first column of its last row, which must be a whole number, or 0. */
int64_t database_ask(const struct database *database, const char *sql);

#endif
