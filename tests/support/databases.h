/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A fresh, migrated database on each engine, for tests that must pass on both: a SQLite file in
 * TEST_DIR and a PostgreSQL database on the server of TEST_POSTGRES_URL. Any failure here fails the
 * test.
 *
 * Everything is in the header, because tests of folders below the store also link tests/support.
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

static inline void database_create(const char *name)
{
	PGconn *server = PQconnectdb(getenv("TEST_POSTGRES_URL"));
	char sql[128];

	cr_assert_eq(PQstatus(server), CONNECTION_OK, "%s", PQerrorMessage(server));
	snprintf(sql, sizeof(sql), "CREATE DATABASE %s", name);

	PGresult *result = PQexec(server, sql);

	cr_assert_eq(PQresultStatus(result), PGRES_COMMAND_OK, "%s", PQerrorMessage(server));
	PQclear(result);
	PQfinish(server);
}

/* In no other test's names: a run may start more processes than there are process ids. */
static inline const char *database_mark(void)
{
	static char mark[64];
	struct timespec now;

	if (mark[0] == '\0') {
		clock_gettime(CLOCK_MONOTONIC, &now);
		snprintf(mark, sizeof(mark), "%d_%lld_%ld", (int)getpid(), (long long)now.tv_sec,
			 now.tv_nsec);
	}
	return mark;
}

/* Each call creates a new one. */
static inline struct database database_make(enum database_engine engine)
{
	static unsigned made;
	struct database database;
	struct reason why = { .text = "" };

	if (engine == DATABASE_SQLITE) {
		snprintf(database.url, sizeof(database.url), "sqlite:%s/test_%s_%u.db",
			 getenv("TEST_DIR"), database_mark(), made);
	} else {
		char name[96];
		const char *query = strchr(getenv("TEST_POSTGRES_URL"), '?');

		snprintf(name, sizeof(name), "unit_%s_%u", database_mark(), made);
		database_create(name);
		snprintf(database.url, sizeof(database.url), "postgres:///%s%s", name,
			 query ? query : "");
	}
	made++;
	cr_assert_eq(store_make(database.url, &why), 0, "%s", why.text);
	cr_assert_eq(store_migrate(database.url, &why), 0, "%s", why.text);
	return database;
}

struct database_statement {
	struct store_job job;
	const struct db_query *query;
	int64_t number;
};

static inline int database_on_row(const struct db_row *row, void *arg)
{
	*(int64_t *)arg = row_int(row, 0);
	return 0;
}

static inline int database_run(struct db *db, struct store_job *job)
{
	struct database_statement *statement = container_of(job, struct database_statement, job);

	return db_run_now(db, statement->query, NULL, 0, database_on_row, &statement->number, NULL);
}

/* Runs one statement that both engines accept, without parameters, in a transaction. Returns the
 * first column of its last row, which must be a whole number, or 0. */
static inline int64_t database_ask(const struct database *database, const char *sql)
{
	const struct db_query query = { .sql = sql };
	struct database_statement statement = { .job.run = database_run, .query = &query };
	struct reason why = { .text = "" };
	int rc = store_run_blocking(database->url, &statement.job, &why);

	cr_assert_eq(rc, 0, "%s: %d %s", sql, rc, why.text);
	return statement.number;
}

#endif
