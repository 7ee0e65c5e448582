/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Statements in libpq's pipeline mode: sent one after the other, their results read at the next
 * sync point, in order. So a transaction's BEGIN, statements and COMMIT cost one round trip.
 *
 * After a failure the server skips everything to the sync point, and libpq says so for each skipped
 * statement; the first failure is noted with its owner. The socket is non-blocking and every wait
 * has a limit, so a server that stops answering blocks a thread for seconds at most.
 */
#include "store/postgres_pipeline.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/buf.h"
#include "core/clock.h"
#include "store/cells.h"
#include "store/postgres_fault.h"

#define PIPELINE_MAX_BYTES (1024 * 1024)
#define VALUES_MAX_BYTES   (64 * 1024 * 1024)

/* Type numbers are part of PostgreSQL's protocol and never change. */
static const struct {
	Oid oid;
	enum db_cell_kind kind;
} types[] = {
	{ 16, CELL_BOOL },    /* bool */
	{ 17, CELL_HEX },     /* bytea */
	{ 19, CELL_TEXT },    /* name */
	{ 20, CELL_INT },     /* int8 */
	{ 21, CELL_INT },     /* int2 */
	{ 23, CELL_INT },     /* int4 */
	{ 25, CELL_TEXT },    /* text */
	{ 114, CELL_JSON },   /* json */
	{ 705, CELL_TEXT },   /* unknown */
	{ 1009, CELL_WORDS }, /* text[] */
	{ 1015, CELL_WORDS }, /* varchar[] */
	{ 1042, CELL_TEXT },  /* char(n) */
	{ 1043, CELL_TEXT },  /* varchar */
	{ 1184, CELL_TIME },  /* timestamptz */
	{ 1700, CELL_INT },   /* numeric, which sum() of int8 makes */
	{ 2950, CELL_UUID },  /* uuid */
	{ 3802, CELL_JSON },  /* jsonb */
};

/* ---- waiting -------------------------------------------------------------------------- */

/* Sends the rest and waits until the server sends something. */
static int wait_for_server(struct postgres *pg, int64_t deadline_ms)
{
	int unsent = PQflush(pg->conn);
	struct pollfd ready = { .fd = PQsocket(pg->conn),
				.events = (short)(POLLIN | (unsent ? POLLOUT : 0)) };
	int64_t left_ms = deadline_ms - clock_mono_ms();

	if (unsent < 0 || ready.fd < 0 || left_ms <= 0)
		return -ENOTCONN;
	if (poll(&ready, 1, (int)left_ms) < 0 && errno != EINTR)
		return -ENOTCONN;
	if ((ready.revents & ~POLLOUT) && !PQconsumeInput(pg->conn))
		return -ENOTCONN;
	return 0;
}

int pg_next_result(struct postgres *pg, PGresult **out)
{
	int64_t deadline_ms = clock_mono_ms() + pg->answer_ms;

	while (PQflush(pg->conn) > 0 || PQisBusy(pg->conn))
		if (wait_for_server(pg, deadline_ms))
			return -ENOTCONN;
	*out = PQgetResult(pg->conn);
	return 0;
}

/* ---- results ---------------------------------------------------------------------------- */

static int read_number(const char *text, int64_t *out)
{
	char *end;

	errno = 0;
	*out = strtoll(text, &end, 10);
	return errno || *end || end == text ? -EBADMSG : 0;
}

static void fill_cell(const PGresult *result, int row, int column, struct db_cell *cell)
{
	const char *text = PQgetvalue(result, row, column);

	*cell = (struct db_cell){ .kind = CELL_OTHER,
				  .text = { .at = text,
					    .len = (size_t)PQgetlength(result, row, column) } };
	if (PQgetisnull(result, row, column)) {
		cell->kind = CELL_NULL;
		return;
	}
	for (size_t i = 0; i < ARRAY_LEN(types); i++)
		if (types[i].oid == PQftype(result, column))
			cell->kind = types[i].kind;
	if (cell->kind == CELL_BOOL)
		cell->number = text[0] == 't';
	if (cell->kind == CELL_INT && read_number(text, &cell->number))
		cell->kind = CELL_OTHER; /* numeric: past 64 bits, or with decimals */
}

static int serve_rows(const struct pg_pending *pending, const PGresult *result)
{
	struct db_cell cells[DB_COLUMNS_MAX];
	int columns = PQnfields(result);

	if (!pending->call.on_row)
		return 0;
	if (columns > DB_COLUMNS_MAX)
		return -EINVAL;
	for (int row = 0; row < PQntuples(result); row++) {
		for (int column = 0; column < columns; column++)
			fill_cell(result, row, column, &cells[column]);
		int rc = db_row_serve(pending->call.on_row, pending->call.arg, cells, columns,
				      false);
		if (rc)
			return rc;
	}
	return 0;
}

static int serve_run(const struct pg_pending *pending, PGresult *result)
{
	const char *command = PQcmdStatus(result);

	/* For a SELECT the server counts the rows it sent. */
	if (pending->call.changed && strncmp(command, "SELECT", 6) != 0 &&
	    read_number(PQcmdTuples(result), pending->call.changed))
		*pending->call.changed = 0;
	return serve_rows(pending, result);
}

static int take_result(struct postgres *pg, const struct pg_pending *pending, PGresult *result,
		       bool serve)
{
	bool refused = false;
	int rc = 0;

	switch (PQresultStatus(result)) {
	case PGRES_COMMAND_OK:
	case PGRES_TUPLES_OK:
		if (pending->kind == PENDING_RUN && serve && !pg->db.err)
			rc = serve_run(pending, result);
		break;
	case PGRES_PIPELINE_ABORTED:
		refused = true;
		break;
	default:
		refused = true;
		rc = pg_fault_code(pg, result);
	}
	if (pending->kind == PENDING_PREPARE)
		pending->statement->state = refused ? STATEMENT_UNKNOWN : STATEMENT_READY;
	if (rc == DB_STALE)
		pg->forgetful = true;
	return rc ? db_failed(&pg->db, pending->owner, rc) : 0;
}

/* All results of one statement: one, and the NULL after it. */
static int take_results(struct postgres *pg, const struct pg_pending *pending, bool serve)
{
	for (;;) {
		PGresult *result = NULL;

		if (pg_next_result(pg, &result))
			return pg_lost(pg, pending->owner);
		if (!result)
			return 0;
		/* db->err keeps the failure. libpq needs the other results to be read, too. */
		(void)take_result(pg, pending, result, serve);
		PQclear(result);
		if (PQstatus(pg->conn) == CONNECTION_BAD)
			return pg_lost(pg, pending->owner);
	}
}

static int take_sync(struct postgres *pg)
{
	PGresult *result = NULL;

	if (pg_next_result(pg, &result))
		return pg_lost(pg, DB_NO_OWNER);
	bool is_sync = PQresultStatus(result) == PGRES_PIPELINE_SYNC;
	PQclear(result);
	return is_sync ? 0 : pg_lost(pg, DB_NO_OWNER);
}

/* Called at a sync point only: no pending result refers to them. The old ones stay on the server
 * under names that are not used again. */
static void forget_statements(struct postgres *pg)
{
	pg->forgetful = false;
	query_cache_clear(&pg->queries, free);
}

int pg_pipeline_sync(struct postgres *pg, bool serve)
{
	size_t count = pg->pending_count;
	int rc = 0;

	pg->pending_count = 0;
	pg->pending_bytes = 0;
	if (pg->db.is_lost)
		return db_failed(&pg->db, DB_NO_OWNER, -ENOTCONN);
	if (!count)
		return pg->db.err;
	if (!PQpipelineSync(pg->conn))
		return pg_lost(pg, DB_NO_OWNER);
	for (size_t i = 0; i < count && !rc; i++)
		rc = take_results(pg, &pg->pending[i], serve);
	if (!rc)
		rc = take_sync(pg);
	if (!rc && pg->forgetful)
		forget_statements(pg);
	return pg->db.err;
}

/* ---- sending ------------------------------------------------------------------------------ */

static struct pg_statement *find_statement(struct postgres *pg, const struct db_query *query)
{
	struct query_slot *slot = query_cache_slot(&pg->queries, query);

	if (!slot)
		return NULL;
	if (!slot->prepared) {
		struct pg_statement *statement = calloc(1, sizeof(*statement));
		if (!statement)
			return NULL;
		snprintf(statement->name, sizeof(statement->name), "w%u", pg->next_name++);
		slot->prepared = statement;
	}
	return slot->prepared;
}

static void push(struct postgres *pg, struct pg_pending pending)
{
	pending.owner = pg->db.owner;
	pg->pending[pg->pending_count++] = pending;
}

/* Parameters as libpq wants them. Their texts are in `text`, each followed by a NUL. */
struct parameters {
	struct buf text;
	size_t offsets[DB_PARAMS_MAX];
	const char *values[DB_PARAMS_MAX];
	int lengths[DB_PARAMS_MAX];
	int formats[DB_PARAMS_MAX]; /* 1: binary */
};

static int write_parameters(struct parameters *p, const struct db_call *call)
{
	for (size_t i = 0; i < call->count; i++) {
		p->offsets[i] = p->text.len;
		db_value_write(&p->text, &call->values[i], false);
		buf_add_char(&p->text, '\0');
	}
	if (p->text.err)
		return p->text.err == -ENOMEM ? -ENOMEM : -EINVAL;
	for (size_t i = 0; i < call->count; i++) {
		const struct db_value *value = &call->values[i];

		p->values[i] = value->type == DB_NULL ? NULL : p->text.bytes + p->offsets[i];
		p->formats[i] = value->type == DB_BLOB;
		p->lengths[i] = value->type == DB_BLOB ? (int)value->text.len : 0;
	}
	return 0;
}

static int send_run(struct postgres *pg, const struct pg_statement *statement,
		    const struct db_call *call)
{
	struct parameters p;

	buf_init(&p.text, VALUES_MAX_BYTES);
	int rc = write_parameters(&p, call);
	if (rc)
		rc = db_failed(&pg->db, pg->db.owner, rc);
	else if (!PQsendQueryPrepared(pg->conn, statement->name, (int)call->count, p.values,
				      p.lengths, p.formats, 0))
		rc = pg_lost(pg, pg->db.owner);
	pg->pending_bytes += p.text.len;
	buf_done(&p.text);
	if (!rc)
		push(pg, (struct pg_pending){ .kind = PENDING_RUN, .call = *call });
	return rc;
}

int pg_pipeline_run(struct postgres *pg, const struct db_call *call)
{
	struct pg_statement *statement = find_statement(pg, call->query);

	if (!statement)
		return db_failed(&pg->db, pg->db.owner, -ENOMEM);
	if (statement->state == STATEMENT_UNKNOWN) {
		if (!PQsendPrepare(pg->conn, statement->name, call->query->sql, 0, NULL))
			return pg_lost(pg, pg->db.owner);
		statement->state = STATEMENT_ASKED;
		push(pg, (struct pg_pending){ .kind = PENDING_PREPARE, .statement = statement });
	}
	int rc = send_run(pg, statement, call);
	if (rc)
		return rc;
	if (pg->pending_count >= PIPELINE_MAX || pg->pending_bytes >= PIPELINE_MAX_BYTES)
		return pg_pipeline_sync(pg, true);
	return 0;
}

int pg_pipeline_command(struct postgres *pg, const char *sql)
{
	if (pg->db.is_lost)
		return db_failed(&pg->db, pg->db.owner, -ENOTCONN);
	if (!PQsendQueryParams(pg->conn, sql, 0, NULL, NULL, NULL, NULL, 0))
		return pg_lost(pg, pg->db.owner);
	push(pg, (struct pg_pending){ .kind = PENDING_COMMAND });
	return 0;
}

/* ---- outside the pipeline ---------------------------------------------------------------- */

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

int pg_exec(struct postgres *pg, const char *script)
{
	int rc = pg_pipeline_sync(pg, true);

	if (rc)
		return rc;
	if (!PQexitPipelineMode(pg->conn) || !PQsendQuery(pg->conn, script))
		return pg_lost(pg, pg->db.owner);
	rc = take_script_results(pg);
	if (!PQenterPipelineMode(pg->conn))
		return pg_lost(pg, pg->db.owner);
	return rc;
}

int pg_ask_numbers(struct postgres *pg, const char *sql, int64_t *out, int count)
{
	int rc = 0;

	if (!PQsendQueryParams(pg->conn, sql, 0, NULL, NULL, NULL, NULL, 0) ||
	    !PQpipelineSync(pg->conn))
		return pg_lost(pg, DB_NO_OWNER);
	for (bool is_done = false; !is_done;) {
		PGresult *result = NULL;

		/* If the server says why before it closes the connection, keep that message. */
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
