/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Connecting blocks its thread for at most 5 s an address. Our settings are set by a script on each
 * new connection.
 */
#include "store/postgres_connect.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/buf.h"
#include "store/postgres_pipeline.h"
#include "store/url.h"

#define CONNECT_TIMEOUT_S "5"
#define TCP_TIMEOUT_MS    "10000"
/* Longer than the server's own limit, so that we see its answer. */
#define ANSWER_MS (DB_ANSWER_MS + 5000)

static void ignore_notice(void *arg, const PGresult *notice)
{
	(void)arg;
	(void)notice;
}

/* Parameters before the URL in the list are defaults that the URL may change; those after it are
 * fixed. A standby is refused even for reading: it may lag, or be cut off for good. NULL when out
 * of memory. */
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
	char script[1024];

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
		 /* Makes every statement find its rows by an index, because statistics may be hours
		  * old. */
		 "SET enable_seqscan = off;"
		 "SET enable_bitmapscan = off;"
		 "SET enable_sort = off;"
		 "SET enable_hashjoin = off;"
		 "SET enable_mergejoin = off;"
		 "SET jit = off;"
		 "SET default_transaction_read_only = %s",
		 DB_BUSY_MS, pg->db.writable ? DB_ANSWER_MS : DB_READ_MS,
		 pg->db.writable ? "off" : "on");
	if (PQsetnonblocking(pg->conn, 1) || !PQenterPipelineMode(pg->conn))
		return -ENOMEM;
	return pg_exec(pg, script);
}

/* libpq's text about a failed connection has host, port, user and database, but never the
 * password. */
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

static const char ask_server[] =
	"SELECT (extract(epoch FROM pg_postmaster_start_time()) * 1000000)::bigint";

int pg_connect(const char *url, bool writable, struct postgres **out, struct reason *why)
{
	struct postgres *pg = calloc(1, sizeof(*pg));
	int rc;

	if (!pg)
		return reason_set(why, -ENOMEM, "", "out of memory");
	pg->db.writable = writable;
	pg->answer_ms = ANSWER_MS;
	pg->conn = connect_to(url);
	if (PQstatus(pg->conn) != CONNECTION_OK)
		rc = connect_failure(pg->conn, why);
	else {
		PQsetNoticeReceiver(pg->conn, ignore_notice, NULL);
		rc = set_up(pg);
		if (rc == 0)
			rc = pg_ask_numbers(pg, ask_server, &pg->db.server, 1);
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
