/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Finds out whether a pooler is between us and the server.
 *
 * In transaction mode, a pooler may run each transaction in a different server session, so our
 * settings and prepared statements would be lost, or used by others. Poolers do not say how they
 * work; this finds out with a second connection that holds a transaction open:
 *
 *   session mode       the first keeps its backend, the second has another
 *   transaction mode   the second gets the backend of the first, or the first loses it
 *
 * A pooler is suspected only if pg_backend_pid() differs from the PID reported at connect.
 */
#include "store/postgres_server.h"

#include <errno.h>

#include "store/postgres_connect.h"
#include "store/postgres_pipeline.h"

#define POOLER_ANSWER_MS 5000

/* 0 or a failure; on 0 *out has what the two connections saw. */
static int compare_backends(struct postgres *first, struct postgres *second, bool *out)
{
	static const char ask_backend[] = "SELECT pg_backend_pid()";
	int64_t before = 0;
	int64_t other = 0;
	int64_t after = 0;
	int rc = pg_ask_numbers(first, ask_backend, &before, 1);

	if (rc == 0)
		rc = pg_ask_numbers(second, "BEGIN", NULL, 0);
	if (rc == 0)
		rc = pg_ask_numbers(second, ask_backend, &other, 1);
	if (rc == 0)
		rc = pg_ask_numbers(first, ask_backend, &after, 1);
	*out = other == before || after != before;
	return rc;
}

static int refuse_pooler(struct reason *why)
{
	return reason_set(why, -ENOTSUP, "DATABASE_URL",
			  "a pooler in transaction mode is in front of the database; this program "
			  "needs sessions: set pool_mode=session (PgBouncer), or name the server "
			  "itself");
}

/* Without a second connection nothing is proved: the pooler may have only one session. */
int pg_check_pooler(struct postgres *pg, const char *url, struct reason *why)
{
	struct reason unread;
	struct postgres *second = NULL;
	int64_t backend = 0;
	bool is_shared = false;
	int rc = pg_ask_numbers(pg, "SELECT pg_backend_pid()", &backend, 1);

	if (rc || backend == PQbackendPID(pg->conn))
		return rc;
	pg->db.is_pooled = true;
	if (pg_connect(url, false, &second, &unread) != 0)
		return 0;
	second->answer_ms = POOLER_ANSWER_MS;
	rc = compare_backends(pg, second, &is_shared);
	pg_disconnect(second);
	/* In statement mode BEGIN itself fails. */
	if (rc == 0 && !is_shared)
		return 0;
	return rc == -ENOTCONN ? rc : refuse_pooler(why);
}
