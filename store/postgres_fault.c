/* SPDX-License-Identifier: Apache-2.0 */

/*
 * SQLSTATE to the codes of store.h. A refused value (-EINVAL) differs from a database that cannot
 * do its work (-EIO), because only the second may pass. Both are logged with the server's message,
 * except for class 22, whose messages quote values.
 */
#include "store/postgres_fault.h"

#include <errno.h>
#include <stdio.h>

#include "core/log.h"

static const struct {
	const char *prefix; /* the longest match is listed first */
	int code;
} codes[] = {
	{ "23505", -EEXIST },   /* unique_violation */
	{ "53100", -ENOSPC },   /* disk_full */
	{ "53", -EBUSY },       /* other resources: memory, connections */
	{ "55P03", -EBUSY },    /* lock_not_available */
	{ "57014", -EBUSY },    /* query_canceled: statement_timeout */
	{ "57P", -ENOTCONN },   /* shutdown, crash, starting up, database dropped */
	{ "08P01", -EIO },      /* protocol_violation: too few parameters */
	{ "08", -ENOTCONN },    /* connection_exception */
	{ "25P03", -ENOTCONN }, /* idle_in_transaction_session_timeout */
	{ "40", DB_TRY_AGAIN }, /* serialization failure, deadlock */
	{ "26000", DB_STALE },  /* the prepared statement is not there */
	{ "22", -EINVAL },      /* data_exception */
	{ "23", -EINVAL },      /* integrity_constraint_violation */
};

static int code_of(struct postgres *pg, struct str state, struct str message)
{
	/* "cached plan must not change result type" shares its code with real refusals. */
	if (str_is(state, "0A000") && str_starts(message, STR("cached plan")))
		return DB_STALE;
	/* A primary became a standby: another connection may find the new primary. */
	if (str_is(state, "25006") && pg->db.writable)
		return -ENOTCONN;
	for (size_t i = 0; i < ARRAY_LEN(codes); i++)
		if (str_starts(state, str_of(codes[i].prefix)))
			return codes[i].code;
	/* A missing table or right, or damage: no statement's values are to blame. */
	return state.len ? -EIO : -ENOTCONN;
}

int pg_fault_code(struct postgres *pg, const PGresult *result)
{
	struct str state = str_of(PQresultErrorField(result, PG_DIAG_SQLSTATE));
	struct str message = str_of(PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY));
	int code = code_of(pg, state, message);

	if (str_starts(state, STR("22")))
		message = STR("a value was refused");
	snprintf(pg->db.fault, sizeof(pg->db.fault), "%.*s (%.*s)", STR_ARGS(message),
		 STR_ARGS(state));
	if (code == -EINVAL || code == -EIO)
		log_error("postgresql refused a statement", log_str("fault", pg->db.fault));
	if (code == -ENOTCONN)
		pg->db.is_lost = true;
	return code;
}

int pg_lost(struct postgres *pg, size_t owner)
{
	pg->db.is_lost = true;
	snprintf(pg->db.fault, sizeof(pg->db.fault), "the connection was lost");
	return db_failed(&pg->db, owner, -ENOTCONN);
}
