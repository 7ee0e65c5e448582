/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The shared engine: one libpq connection, kept in pipeline mode (postgres_pipeline.c).
 *
 * Connecting blocks its thread for at most 5 s an address. A connection that failed is not mended
 * but closed by its owner, who opens another.
 */
#include "store/postgres.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/buf.h"
#include "store/url.h"

#define CONNECT_TIMEOUT_S "5"
#define TCP_TIMEOUT_MS    "10000"
/* Past the server's own limit, so that its answer is the one we see. */
#define ANSWER_MS   (DB_ANSWER_MS + 5000)
#define UNASKED_MAX 8 /* reads of messages nobody waits for */

/* ---- transactions ----------------------------------------------------------------------- */

static int postgres_run(struct db *db, const struct db_call *call)
{
	return pg_pipeline_run(postgres_of(db), call);
}

static int postgres_flush(struct db *db)
{
	return pg_pipeline_sync(postgres_of(db), true);
}

static void postgres_discard(struct db *db)
{
	(void)pg_pipeline_sync(postgres_of(db), false); /* what failed is to be forgotten, too */
	db->err = 0;
}

static int postgres_begin(struct db *db, bool is_durable)
{
	struct postgres *pg = postgres_of(db);
	int rc = pg_pipeline_command(pg, "BEGIN");

	db->in_transaction = true;
	if (!rc && !is_durable)
		rc = pg_pipeline_command(pg, "SET LOCAL synchronous_commit TO off");
	return rc;
}

static int postgres_commit(struct db *db)
{
	struct postgres *pg = postgres_of(db);
	int rc = db->err ? db->err : pg_pipeline_command(pg, "COMMIT");

	if (!rc)
		rc = pg_pipeline_sync(pg, true);
	if (!rc)
		db->in_transaction = false;
	return rc;
}

static void postgres_rollback(struct db *db)
{
	struct postgres *pg = postgres_of(db);

	postgres_discard(db);
	if (PQtransactionStatus(pg->conn) != PQTRANS_IDLE &&
	    (pg_pipeline_command(pg, "ROLLBACK") || pg_pipeline_sync(pg, false)))
		db->is_lost = true;
	db->in_transaction = false;
	db->err = 0;
}

/* Takes all results of a simple query, outside the pipeline. */
static int take_script_results(struct postgres *pg)
{
	PGresult *result = NULL;

	for (;;) {
		if (pg_next_result(pg, &result))
			return pg_lost(pg, pg->db.owner);
		if (!result)
			return pg->db.err;
		ExecStatusType status = PQresultStatus(result);
		if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK)
			(void)db_failed(&pg->db, pg->db.owner, pg_fault_code(pg, result));
		PQclear(result);
	}
}

static int postgres_exec(struct db *db, const char *script)
{
	struct postgres *pg = postgres_of(db);
	int rc = pg_pipeline_sync(pg, true);

	if (rc)
		return rc;
	if (!PQexitPipelineMode(pg->conn) || !PQsendQuery(pg->conn, script))
		return pg_lost(pg, db->owner);
	rc = take_script_results(pg);
	if (!PQenterPipelineMode(pg->conn))
		return pg_lost(pg, db->owner);
	return rc;
}

/* A server that closed the connection while it was idle has said so: a last message and the end
 * of the stream lie in the socket. */
static bool postgres_is_usable(struct db *db)
{
	PGconn *conn = postgres_of(db)->conn;
	struct pollfd socket = { .fd = PQsocket(conn), .events = POLLIN };

	for (int i = 0; i < UNASKED_MAX && !db->is_lost; i++) {
		if (socket.fd >= 0 && poll(&socket, 1, 0) == 0)
			break;
		if (!PQconsumeInput(conn))
			db->is_lost = true;
	}
	return !db->is_lost;
}

static bool postgres_is_alive(struct db *db)
{
	struct postgres *pg = postgres_of(db);
	int rc = pg_pipeline_command(pg, "SELECT 1");

	if (rc || pg_pipeline_sync(pg, false))
		db->is_lost = true;
	db->err = 0;
	return !db->is_lost;
}

/* ---- opening ------------------------------------------------------------------------------ */

static void ignore_notice(void *arg, const PGresult *notice)
{
	(void)arg;
	(void)notice;
}

/* What stands before the URL in the list is a default that the URL may change; what stands after it
 * is not. A standby is refused, for reading as well: it may be behind, or cut off for good. NULL
 * when out of memory. */
static PGconn *connect_to(const char *url)
{
	static const char *const names[] = {
		"connect_timeout",
		"keepalives_idle",
		"keepalives_interval",
		"keepalives_count",
		"tcp_user_timeout",
		"fallback_application_name",
		"dbname",
		"client_encoding",
		"target_session_attrs",
		NULL,
	};
	PGconn *conn = NULL;
	struct buf libpq_url;

	buf_init(&libpq_url, URL_MAX);
	url_write_for_libpq(&libpq_url, str_of(url), NULL);
	const char *text = buf_text(&libpq_url);
	if (text) {
		const char *const values[] = {
			CONNECT_TIMEOUT_S, "10", "5",    "3",          TCP_TIMEOUT_MS,
			"wrenn-events",    text, "UTF8", "read-write", NULL,
		};

		conn = PQconnectdbParams(names, values, 1);
	}
	if (libpq_url.bytes)
		explicit_bzero(libpq_url.bytes, libpq_url.cap);
	buf_done(&libpq_url);
	return conn;
}

static int set_up(struct postgres *pg)
{
	char script[512];

	snprintf(script, sizeof(script),
		 "SET search_path = wrenn_events, public;"
		 "SET TimeZone = 'UTC';"
		 "SET DateStyle = 'ISO';"
		 "SET bytea_output = 'hex';"
		 "SET client_min_messages = 'warning';"
		 "SET lock_timeout = %d;"
		 "SET statement_timeout = %d;"
		 "SET idle_in_transaction_session_timeout = 10000;"
		 "SET default_transaction_isolation = 'read committed';"
		 "SET default_transaction_read_only = %s",
		 DB_BUSY_MS, pg->db.writable ? DB_ANSWER_MS : DB_READ_MS,
		 pg->db.writable ? "off" : "on");
	if (PQsetnonblocking(pg->conn, 1) || !PQenterPipelineMode(pg->conn))
		return -ENOMEM;
	return postgres_exec(&pg->db, script);
}

/* libpq's words about a failed connection name host, port, user and database, never the password.
 */
static int connect_failure(const PGconn *conn, struct reason *why)
{
	struct str message = str_of(PQerrorMessage(conn));
	struct str line = str_trim(str_cut(&message, '\n'));

	return reason_set(why, -ENOTCONN, "DATABASE_URL", "%.*s", STR_ARGS(line));
}

void pg_disconnect(struct postgres *pg)
{
	query_cache_clear(&pg->queries, free);
	PQfinish(pg->conn);
	free(pg);
}

int pg_connect(const char *url, bool writable, struct postgres **out, struct reason *why)
{
	struct postgres *pg = calloc(1, sizeof(*pg));
	int rc;

	if (!pg)
		return reason_set(why, -ENOMEM, "", "out of memory");
	pg->db.engine = &postgres_engine;
	pg->db.writable = writable;
	pg->answer_ms = ANSWER_MS;
	pg->conn = connect_to(url);
	if (PQstatus(pg->conn) != CONNECTION_OK)
		rc = connect_failure(pg->conn, why);
	else {
		PQsetNoticeReceiver(pg->conn, ignore_notice, NULL);
		rc = set_up(pg);
		if (rc == 0)
			rc = pg_read_server(pg);
		if (rc)
			(void)reason_set(why, rc, "DATABASE_URL",
					 "cannot set up the connection: %s", pg->db.fault);
	}
	if (rc) {
		pg_disconnect(pg);
		return rc;
	}
	*out = pg;
	return 0;
}

static void postgres_close(struct db *db)
{
	pg_disconnect(postgres_of(db));
}

/* A pooler is looked for by the writer alone: readers come after it, the same way. */
static int postgres_open(const char *url, bool writable, struct db **out, struct reason *why)
{
	struct postgres *pg = NULL;
	int rc = pg_connect(url, writable, &pg, why);

	if (rc == 0 && writable)
		rc = pg_check_pooler(pg, url, why);
	if (rc == 0)
		*out = &pg->db;
	else if (pg)
		pg_disconnect(pg);
	return rc;
}

const struct engine postgres_engine = {
	.is_embedded = false,
	.open = postgres_open,
	.close = postgres_close,
	.run = postgres_run,
	.flush = postgres_flush,
	.discard = postgres_discard,
	.begin = postgres_begin,
	.commit = postgres_commit,
	.rollback = postgres_rollback,
	.exec = postgres_exec,
	.is_usable = postgres_is_usable,
	.is_alive = postgres_is_alive,
};
