/* SPDX-License-Identifier: Apache-2.0 */

/* What the two halves of the PostgreSQL engine share: connection and pipeline. */
#ifndef STORE_POSTGRES_H
#define STORE_POSTGRES_H

#include <libpq-fe.h>

#include "store/engine.h"
#include "store/queries.h"

#define PIPELINE_MAX 128 /* statements between two sync points */

/* A statement of ours on the server. */
struct pg_statement {
	char name[16];
	enum { STATEMENT_UNKNOWN, STATEMENT_ASKED, STATEMENT_READY } state;
};

/* A result we have to read. */
struct pg_pending {
	enum { PENDING_PREPARE, PENDING_RUN, PENDING_COMMAND } kind;
	struct pg_statement *statement; /* of PREPARE */
	struct db_call call;            /* of RUN; its values are sent and not looked at again */
	size_t owner;
};

struct postgres {
	struct db db;
	PGconn *conn;
	struct query_cache queries;
	unsigned next_name;
	/* Of the pipeline since the last sync point. A RUN may come with its PREPARE. */
	struct pg_pending pending[2 * PIPELINE_MAX + 2];
	size_t pending_count;
	size_t pending_bytes;
	bool forgetful;     /* the prepared statements no longer fit: forget them after the sync */
	unsigned answer_ms; /* how long to wait for the server */
};

static inline struct postgres *postgres_of(struct db *db)
{
	return container_of(db, struct postgres, db);
}

/* ---- postgres.c ---------------------------------------------------------------------------- */

/* A connection that takes writes, set up for us. -ENOTCONN, -ENOMEM or what the server said. */
int pg_connect(const char *url, bool writable, struct postgres **out,
	       struct reason *why) must_check;
void pg_disconnect(struct postgres *pg);

/* ---- postgres_server.c --------------------------------------------------------------------- */

/* Fills pg->db.server. */
int pg_read_server(struct postgres *pg) must_check;
/* -ENOTSUP with *why when a pooler gives each transaction another session. */
int pg_check_pooler(struct postgres *pg, const char *url, struct reason *why) must_check;

/* ---- postgres_pipeline.c ------------------------------------------------------------------ */

int pg_pipeline_run(struct postgres *pg, const struct db_call *call);
/* A command without parameters or rows: BEGIN, COMMIT, ROLLBACK. */
int pg_pipeline_command(struct postgres *pg, const char *sql);
/* Sync point: everything put in has its result when this returns. `serve` false: results
 * are dropped and no callback of a job is called. */
int pg_pipeline_sync(struct postgres *pg, bool serve);
void pg_forget_statements(struct postgres *pg);

/* Waits for the next result, which may be NULL (the end of one statement's). -ENOTCONN. */
int pg_next_result(struct postgres *pg, PGresult **out);

/* ---- postgres_fault.c ----------------------------------------------------------------------- */

/* The code for a failed result; logs what is our bug or the server's damage. */
int pg_fault_code(struct postgres *pg, const PGresult *result);
/* The connection is gone. */
int pg_lost(struct postgres *pg, size_t owner);

#endif
