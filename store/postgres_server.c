/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What a connection leads to: which server, and whether a pooler stands in between.
 *
 * A pooler in transaction mode gives each transaction another session of the server, so that our
 * settings and prepared statements are somebody else's in the next one. Poolers do not say
 * how they work; this finds out with a second connection that holds a transaction open:
 *
 *   session mode       the first keeps its backend, the second has another
 *   transaction mode   the second gets the backend of the first, or the first loses it
 *
 * A pooler is suspected only when the backend's number is not the one told at the connect.
 */
#include <errno.h>
#include <stdlib.h>

#include "store/postgres.h"

#define POOLER_ANSWER_MS 5000

/* The first columns of the one row, as numbers. Outside a pipeline's work only. */
static int ask_numbers(struct postgres *pg, const char *sql, int64_t *out, int count)
{
	int rc = 0;

	if (!PQsendQueryParams(pg->conn, sql, 0, NULL, NULL, NULL, NULL, 0) ||
	    !PQpipelineSync(pg->conn))
		return pg_lost(pg, DB_NO_OWNER);
	for (bool is_done = false; !is_done;) {
		PGresult *result = NULL;

		/* A server that says why before it closes the connection is heard. */
		if (pg_next_result(pg, &result) ||
		    (!result && PQstatus(pg->conn) == CONNECTION_BAD))
			return rc ? rc : pg_lost(pg, DB_NO_OWNER);
		ExecStatusType status = result ? PQresultStatus(result) : PGRES_COMMAND_OK;
		is_done = status == PGRES_PIPELINE_SYNC;
		if (status == PGRES_TUPLES_OK && PQntuples(result) == 1)
			for (int i = 0; i < count && i < PQnfields(result); i++)
				out[i] = strtoll(PQgetvalue(result, 0, i), NULL, 10);
		else if (!is_done && status != PGRES_COMMAND_OK)
			rc = pg_fault_code(pg, result);
		PQclear(result);
	}
	return rc;
}

/* 0 or a failure; *out then says what the two connections saw. */
static int compare_backends(struct postgres *first, struct postgres *second, bool *out)
{
	static const char ask_backend[] = "SELECT pg_backend_pid()";
	int64_t before = 0;
	int64_t other = 0;
	int64_t after = 0;
	int rc = ask_numbers(first, ask_backend, &before, 1);

	if (rc == 0)
		rc = ask_numbers(second, "BEGIN", NULL, 0);
	if (rc == 0)
		rc = ask_numbers(second, ask_backend, &other, 1);
	if (rc == 0)
		rc = ask_numbers(first, ask_backend, &after, 1);
	*out = other == before || after != before;
	return rc;
}

static int refuse_pooler(struct reason *why)
{
	return reason_set(why, -ENOTSUP, "DATABASE_URL",
			  "a pooler in transaction mode stands before the database; this program "
			  "needs sessions: set pool_mode=session (PgBouncer), or name the server "
			  "itself");
}

/* A second connection that cannot be had tells nothing: the pooler may have one session to give. */
int pg_check_pooler(struct postgres *pg, const char *url, struct reason *why)
{
	struct reason unread;
	struct postgres *second = NULL;
	int64_t backend = 0;
	bool is_shared = false;
	int rc = ask_numbers(pg, "SELECT pg_backend_pid()", &backend, 1);

	if (rc || backend == PQbackendPID(pg->conn) ||
	    pg_connect(url, false, &second, &unread) != 0)
		return rc;
	second->answer_ms = POOLER_ANSWER_MS;
	rc = compare_backends(pg, second, &is_shared);
	pg_disconnect(second);
	/* Statement mode knows no BEGIN at all. */
	if (rc == 0 && !is_shared)
		return 0;
	return rc == -ENOTCONN ? rc : refuse_pooler(why);
}

int pg_read_server(struct postgres *pg)
{
	return ask_numbers(pg,
			   "SELECT (extract(epoch FROM pg_postmaster_start_time()) * 1000000)"
			   "::bigint",
			   &pg->db.server, 1);
}
