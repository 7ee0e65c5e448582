/* SPDX-License-Identifier: Apache-2.0 */

/* One connection of the PostgreSQL engine, and the statements in its pipeline. */
#ifndef STORE_POSTGRES_CONNECTION_H
#define STORE_POSTGRES_CONNECTION_H

#include <libpq-fe.h>

#include "store/engine.h"
#include "store/queries.h"

#define PIPELINE_MAX 128 /* statements between two sync points */

/* A statement of ours on the server. postgres_pipeline.c prepares it. */
struct pg_statement {
	char name[16];
	enum { STATEMENT_UNKNOWN, STATEMENT_ASKED, STATEMENT_READY } state;
};

/* A result that postgres_pipeline.c has to read. */
struct pg_pending {
	enum { PENDING_PREPARE, PENDING_RUN, PENDING_COMMAND } kind;
	struct pg_statement *statement; /* of PREPARE */
	struct db_call call; /* of RUN; its values have been sent and are not used again */
	size_t owner;
};

struct postgres {
	struct db db;
	PGconn *conn;
	struct query_cache queries;
	/* postgres_pipeline.c: statements and results since the last sync point. A RUN may come
	 * with its PREPARE. */
	unsigned next_name;
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

#endif
