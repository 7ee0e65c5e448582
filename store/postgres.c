/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The shared engine: one libpq connection, kept in pipeline mode (postgres_pipeline.h). A failed
 * connection is not repaired: its owner closes it and opens another.
 */
#include <poll.h>
#include <stdbool.h>

#include "store/postgres_connect.h"
#include "store/postgres_pipeline.h"
#include "store/postgres_server.h"

#define UNASKED_MAX 8 /* reads for messages that no statement waits for */

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
	(void)pg_pipeline_sync(postgres_of(db), false); /* a failure must be forgotten, too */
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

static int postgres_exec(struct db *db, const char *script)
{
	return pg_exec(postgres_of(db), script);
}

/* If the server closed an idle connection, the socket holds a last message and the end of the
 * stream. */
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

static void postgres_close(struct db *db)
{
	pg_disconnect(postgres_of(db));
}

/* Only the writer checks for a pooler: readers connect later, in the same way. */
static int postgres_open(const char *url, bool writable, struct db **out, struct reason *why)
{
	struct postgres *pg = NULL;
	int rc = pg_connect(url, writable, &pg, why);

	if (rc == 0)
		pg->db.engine = &postgres_engine;
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
