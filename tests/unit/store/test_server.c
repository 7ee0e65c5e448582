/* SPDX-License-Identifier: Apache-2.0 */

/* What may be at the other end of a PostgreSQL URL: a pooler, a standby, another server than
 * before, or one that gives us too few rights. */
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "jobs.h"
#include "store/url.h"
#include "tests/support/patience.h"

/* The test server's URL for another database, with something appended. */
static void make_url(char *out, size_t size, const char *database, const char *more)
{
	const char *query = strchr(getenv("TEST_POSTGRES_URL"), '?');

	snprintf(out, size, "postgres:///%s%s%s", database, query ? query : "?", more);
}

static void run_sql(const char *url, const char *sql)
{
	PGconn *server = PQconnectdb(url);
	PGresult *result = PQexec(server, sql);

	cr_assert_eq(PQresultStatus(result), PGRES_COMMAND_OK, "%s", PQerrorMessage(server));
	PQclear(result);
	PQfinish(server);
}

/* ---- rights -------------------------------------------------------------------------------- */

Test(rights, that_are_missing_are_named_as_grants)
{
	struct database database = database_make(DATABASE_POSTGRES);
	struct reason why = { .text = "" };
	char role[64];
	char sql[1024];
	char url[1024];

	snprintf(role, sizeof(role), "poor_%d", (int)getpid());
	snprintf(sql, sizeof(sql),
		 "CREATE ROLE %s LOGIN; GRANT USAGE ON SCHEMA wrenn_events TO %s;"
		 "GRANT ALL ON ALL TABLES IN SCHEMA wrenn_events, public TO %s;"
		 "REVOKE INSERT, DELETE ON channels FROM %s; REVOKE UPDATE ON teams FROM %s;"
		 "GRANT UPDATE (name) ON teams TO %s",
		 role, role, role, role, role, role);
	run_sql(database.url, sql);
	snprintf(url, sizeof(url), "%s&user=%s", database.url, role);
	cr_assert_eq(store_migrate(url, &why), -EPERM, "%s", why.text);
	snprintf(sql, sizeof(sql), "GRANT INSERT, DELETE ON public.channels TO %s;", role);
	cr_expect_not_null(strstr(why.text, sql), "%s", why.text);

	run_sql(database.url, sql);
	cr_expect_eq(store_migrate(url, &why), 0, "%s", why.text);
}

Test(rights, to_begin_in_a_database_are_named)
{
	struct reason why = { .text = "" };
	char sql[256];
	char name[64];
	char url[1024];

	snprintf(name, sizeof(name), "bare_%d", (int)getpid());
	database_create(name);
	snprintf(sql, sizeof(sql), "CREATE ROLE %s LOGIN", name);
	run_sql(getenv("TEST_POSTGRES_URL"), sql);
	snprintf(sql, sizeof(sql), "&user=%s", name);
	make_url(url, sizeof(url), name, sql);
	cr_assert_eq(store_migrate(url, &why), -EPERM, "%s", why.text);
	snprintf(sql, sizeof(sql), "GRANT CREATE ON DATABASE %s TO %s;", name, name);
	cr_expect_not_null(strstr(why.text, sql), "%s", why.text);
}

/* ---- which server -------------------------------------------------------------------------- */

Test(server, that_takes_no_writes_is_left_alone)
{
	struct database database = database_make(DATABASE_POSTGRES);
	struct reason why = { .text = "" };
	struct db *db = NULL;
	char sql[256];
	const char *name = database.url + strlen("postgres:///");

	/* What a standby says of itself, too. */
	snprintf(sql, sizeof(sql), "ALTER DATABASE %.*s SET default_transaction_read_only = on",
		 (int)strcspn(name, "?"), name);
	run_sql(database.url, sql);
	cr_expect_eq(db_open(database.url, false, &db, &why), -ENOTCONN);
	cr_expect_eq(db_open(database.url, true, &db, &why), -ENOTCONN);
	cr_expect_not_null(strstr(why.text, "read-only"), "%s", why.text);
}

static const struct db_query ask_backend = { .sql = "SELECT pg_backend_pid()::bigint" };

static int count_backend(struct db *db, struct store_job *job)
{
	struct count *count = container_of(job, struct count, job);

	return db_run(db, &ask_backend, NULL, 0, take_count, &count->count, NULL);
}

static int64_t backend_of(struct fixture *fixture,
			  int (*submit)(struct store *store, struct store_job *job))
{
	struct count count = { .job = { .run = count_backend, .on_done = count_done } };

	cr_assert_eq(submit(fixture->store, &count.job), 0);
	loop_until(&fixture->loop, &count.done);
	cr_assert_eq(count.rc, 0, "%d", count.rc);
	return count.count;
}

Test(server, that_is_not_the_one_another_connection_found_is_left)
{
	struct database database = database_make(DATABASE_POSTGRES);
	struct fixture fixture;

	fixture_open(&fixture, database.url, 1, 0);
	wait_for_state(&fixture, true);
	int64_t reader = backend_of(&fixture, store_read);
	int64_t writer = backend_of(&fixture, store_write);

	cr_expect_eq(backend_of(&fixture, store_read), reader);
	uv_mutex_lock(&fixture.store->lock);
	cr_expect_neq(fixture.store->server, 0);
	fixture.store->server++; /* as if a connection had come to another server just now */
	uv_mutex_unlock(&fixture.store->lock);
	cr_expect_neq(backend_of(&fixture, store_write), writer);
	uv_mutex_lock(&fixture.store->lock);
	fixture.store->server++;
	uv_mutex_unlock(&fixture.store->lock);
	cr_expect_neq(backend_of(&fixture, store_read), reader);
	fixture_close(&fixture);
}

/* ---- poolers ------------------------------------------------------------------------------- */

struct pooler {
	pid_t pid;
	char folder[256];
};

static void write_settings(const struct pooler *pooler, const char *mode)
{
	const char *host = strstr(getenv("TEST_POSTGRES_URL"), "host=") + strlen("host=");
	char path[300];
	FILE *file;

	snprintf(path, sizeof(path), "%s/pgbouncer.ini", pooler->folder);
	file = fopen(path, "w");
	cr_assert_not_null(file);
	fprintf(file,
		"[databases]\n* = host=%.*s user=postgres\n[pgbouncer]\nlisten_addr =\n"
		"unix_socket_dir = %s\nlisten_port = 6432\nauth_type = any\npool_mode = %s\n"
		"logfile = %s/log\n",
		(int)strcspn(host, "&"), host, pooler->folder, mode, pooler->folder);
	cr_assert_eq(fclose(file), 0);
}

/* The pooler refuses to run as root. */
static void exec_pooler(const struct pooler *pooler)
{
	char path[300];

	snprintf(path, sizeof(path), "%s/pgbouncer.ini", pooler->folder);
	if (getuid() == 0)
		execl("/usr/sbin/pgbouncer", "pgbouncer", "-q", "-u", "postgres", path, NULL);
	else
		execl("/usr/sbin/pgbouncer", "pgbouncer", "-q", path, NULL);
	_exit(127);
}

static void pooler_start(struct pooler *pooler, const char *mode)
{
	snprintf(pooler->folder, sizeof(pooler->folder), "%s/pooler_%d", getenv("TEST_DIR"),
		 (int)getpid());
	cr_assert_eq(mkdir(pooler->folder, 0777), 0);
	cr_assert_eq(chmod(pooler->folder, 0777), 0);
	write_settings(pooler, mode);
	pooler->pid = fork();
	cr_assert_geq(pooler->pid, 0);
	if (pooler->pid == 0)
		exec_pooler(pooler);
}

static void pooler_stop(const struct pooler *pooler)
{
	kill(pooler->pid, SIGKILL);
	cr_expect_eq(waitpid(pooler->pid, NULL, 0), pooler->pid);
}

/* -ENOTCONN until it listens. */
static int migrate_through(const struct pooler *pooler, const struct database *database,
			   struct reason *why)
{
	int64_t deadline_ms = clock_mono_ms() + PATIENCE_MS;
	const char *name = database->url + strlen("postgres:///");
	char url[1024];
	int rc;

	snprintf(url, sizeof(url), "postgres:///%.*s?host=%s&port=6432&user=postgres",
		 (int)strcspn(name, "?"), name, pooler->folder);
	do {
		rc = store_migrate(url, why);
		sched_yield();
	} while (rc == -ENOTCONN && clock_mono_ms() < deadline_ms);
	return rc;
}

Test(pooler, in_session_mode_is_taken)
{
	struct database database = database_make(DATABASE_POSTGRES);
	struct reason why = { .text = "" };
	struct pooler pooler;

	pooler_start(&pooler, "session");
	cr_expect_eq(migrate_through(&pooler, &database, &why), 0, "%s", why.text);
	pooler_stop(&pooler);
}

static void expect_refusal(const char *mode)
{
	struct database database = database_make(DATABASE_POSTGRES);
	struct reason why = { .text = "" };
	struct pooler pooler;

	pooler_start(&pooler, mode);
	cr_expect_eq(migrate_through(&pooler, &database, &why), -ENOTSUP, "%s", why.text);
	cr_expect_not_null(strstr(why.text, "pool_mode=session"), "%s", why.text);
	pooler_stop(&pooler);
}

Test(pooler, in_transaction_mode_is_refused_by_name)
{
	expect_refusal("transaction");
}

Test(pooler, in_statement_mode_is_refused_by_name)
{
	expect_refusal("statement");
}

/* ---- the URL of another driver --------------------------------------------------------------- */

Test(url, leaves_out_what_only_the_control_planes_driver_knows)
{
	static const struct {
		const char *url, *kept, *ignored;
	} cases[] = {
		{ "postgres://h/db", "postgres://h/db", "" },
		{ "postgres://h/db?sslmode=disable", "postgres://h/db?sslmode=disable", "" },
		{ "postgres://h/db?pool_max_conns=10", "postgres://h/db", "pool_max_conns" },
		{ "postgres://h/db?pool_max_conns=10&sslmode=disable&statement_cache_capacity=0",
		  "postgres://h/db?sslmode=disable", "pool_max_conns, statement_cache_capacity" },
		{ "postgres://h/db?a=b&default_query_exec_mode=exec&c=d", "postgres://h/db?a=b&c=d",
		  "default_query_exec_mode" },
		{ "postgres://h/db?sslmod=require", "postgres://h/db?sslmod=require", "" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct buf kept;
		struct buf ignored;

		buf_init(&kept, URL_MAX);
		buf_init(&ignored, URL_MAX);
		url_write_for_libpq(&kept, str_of(cases[i].url), &ignored);
		cr_expect_str_eq(buf_text(&kept), cases[i].kept);
		cr_expect_str_eq(buf_text(&ignored), cases[i].ignored);
		buf_done(&kept);
		buf_done(&ignored);
	}
	cr_expect_eq(store_url_check(STR("postgres://h/db?pool_max_conns=10"), NULL), 0);
	cr_expect_eq(store_url_check(STR("postgres://h/db?sslmod=require"), NULL), -EINVAL);
}
