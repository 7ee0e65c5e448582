/* SPDX-License-Identifier: Apache-2.0 */

/* Statements in libpq's pipeline mode. */
#ifndef STORE_POSTGRES_PIPELINE_H
#define STORE_POSTGRES_PIPELINE_H

#include "core/attributes.h"
#include "store/postgres_connection.h"

int pg_pipeline_run(struct postgres *pg, const struct db_call *call);
/* A command without parameters or rows: BEGIN, COMMIT, ROLLBACK. */
int pg_pipeline_command(struct postgres *pg, const char *sql);
/* Sync point: all earlier statements have their results when this returns. With `serve` false
 * results are dropped and no callbacks of jobs are called. */
int pg_pipeline_sync(struct postgres *pg, bool serve);
/* Waits for the next result. It is NULL after the last result of each statement. -ENOTCONN. */
int pg_next_result(struct postgres *pg, PGresult **out);

/* A script of several statements, outside the pipeline. */
int pg_exec(struct postgres *pg, const char *script);

/* The first columns of the one row that `sql` returns, as numbers. Outside a pipeline's work
 * only. */
int pg_ask_numbers(struct postgres *pg, const char *sql, int64_t *out, int count) must_check;

#endif
