/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/databases.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <libpq-fe.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static const char *const marks[DATABASE_ENGINES] = { "sqlite", "postgres" };

static void write_path(char path[512], const char *name, const char *suffix)
{
	snprintf(path, 512, "%s/%s%s", getenv("TEST_DIR"), name, suffix);
}

static void ask_server(const char *database, const char *sql)
{
	const char *url = getenv("TEST_POSTGRES_URL");
	char other[512];

	snprintf(other, sizeof(other), "postgres:///%s%s", database, strchr(url, '?'));

	PGconn *server = PQconnectdb(other);

	cr_assert_eq(PQstatus(server), CONNECTION_OK, "%s", PQerrorMessage(server));

	PGresult *result = PQexec(server, sql);

	cr_assert(PQresultStatus(result) == PGRES_COMMAND_OK, "%s", PQerrorMessage(server));
	PQclear(result);
	PQfinish(server);
}

void database_create(const char *name)
{
	char sql[128];

	snprintf(sql, sizeof(sql), "CREATE DATABASE %s STRATEGY file_copy", name);
	ask_server("postgres", sql);
}

static void write_url(char url[512], enum database_engine engine, const char *name)
{
	if (engine == DATABASE_SQLITE)
		snprintf(url, 512, "sqlite:%s/%s.db", getenv("TEST_DIR"), name);
	else
		snprintf(url, 512, "postgres:///%s%s", name,
			 strchr(getenv("TEST_POSTGRES_URL"), '?'));
}

static void make_template(enum database_engine engine)
{
	struct reason why = { .text = "" };
	char url[512];

	if (engine == DATABASE_POSTGRES)
		database_create("unit_template");
	write_url(url, engine, "unit_template");
	cr_assert_eq(store_make(url, &why), 0, "%s", why.text);
	cr_assert_eq(store_migrate(url, &why), 0, "%s", why.text);
}

/* The first process that needs the template makes it; the others wait. */
static void need_template(enum database_engine engine)
{
	static bool is_made[DATABASE_ENGINES];
	char path[512];
	int fd;

	if (is_made[engine])
		return;
	write_path(path, "unit_template.", marks[engine]);
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	cr_assert_geq(fd, 0, "%s", path);
	cr_assert_eq(flock(fd, LOCK_EX), 0);
	if (lseek(fd, 0, SEEK_END) == 0) {
		make_template(engine);
		cr_assert_eq(write(fd, "made\n", 5), 5);
	}
	close(fd);
	is_made[engine] = true;
}

static void copy_file(const char *name)
{
	char from[512];
	char to[512];
	struct stat stat;
	sqlite3 *handle;

	write_path(from, "unit_template", ".db");
	write_path(to, name, ".db");

	int in = open(from, O_RDONLY | O_CLOEXEC);
	int out = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	cr_assert(in >= 0 && out >= 0 && fstat(in, &stat) == 0, "%s", to);
	cr_assert_eq(sendfile(out, in, NULL, (size_t)stat.st_size), stat.st_size);
	close(in);
	close(out);
	cr_assert_eq(sqlite3_open(to, &handle), SQLITE_OK);
	cr_assert_eq(sqlite3_exec(handle,
				  "UPDATE store_facts SET value = lower(hex(randomblob(16))) "
				  "WHERE name = 'identity'",
				  NULL, NULL, NULL),
		     SQLITE_OK, "%s", sqlite3_errmsg(handle));
	sqlite3_close(handle);
}

static void copy_database(const char *name)
{
	char sql[160];

	/* Copying files takes the server half of the time of logging each page. */
	snprintf(sql, sizeof(sql), "CREATE DATABASE %s TEMPLATE unit_template STRATEGY file_copy",
		 name);
	ask_server("postgres", sql);
	ask_server(name, "UPDATE wrenn_events.store_facts SET value = "
			 "replace(gen_random_uuid()::text, '-', '') WHERE name = 'identity'");
}

/* In no other test's names: a run may start more processes than there are process ids. */
static const char *process_mark(void)
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

struct database database_make(enum database_engine engine)
{
	static unsigned made;
	struct database database;
	char name[96];

	snprintf(name, sizeof(name), "unit_%s_%u", process_mark(), made++);
	write_url(database.url, engine, name);
	need_template(engine);
	if (engine == DATABASE_SQLITE)
		copy_file(name);
	else
		copy_database(name);
	return database;
}

struct database_statement {
	struct store_job job;
	const struct db_query *query;
	int64_t number;
};

static int on_row(const struct db_row *row, void *arg)
{
	*(int64_t *)arg = row_int(row, 0);
	return 0;
}

static int run_statement(struct db *db, struct store_job *job)
{
	struct database_statement *statement = container_of(job, struct database_statement, job);

	return db_run_now(db, statement->query, NULL, 0, on_row, &statement->number, NULL);
}

int64_t database_ask(const struct database *database, const char *sql)
{
	const struct db_query query = { .sql = sql };
	struct database_statement statement = { .job.run = run_statement, .query = &query };
	struct reason why = { .text = "" };
	int rc = store_run_blocking(database->url, &statement.job, &why);

	cr_assert_eq(rc, 0, "%s: %d %s", sql, rc, why.text);
	return statement.number;
}
