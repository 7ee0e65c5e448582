/* SPDX-License-Identifier: Apache-2.0 */

/* Every list is bounded; the next look returns the rest. */
#include "expect/waits.h"

#include <errno.h>
#include <stdio.h>

#include "expect/notice.h"
#include "expect/rule.h"

#define FORGET_MS (INT64_C(7) * 24 * 3600 * 1000)

/* ---- one row --------------------------------------------------------------------------------- */

static const struct db_query read_row = {
	.sql = "SELECT rule_changed_at, since_ms, due_ms, missed_ms, arrived_ms FROM expectations "
	       "WHERE team_id = $1 AND rule = $2 AND resource = $3",
};
static const struct db_query write_row = {
	.sql = "INSERT INTO expectations (team_id, rule, resource, rule_changed_at, since_ms, "
	       "due_ms, missed_ms, arrived_ms) VALUES ($1, $2, $3, $4, $5, $6, $7, $8) "
	       "ON CONFLICT (team_id, rule, resource) DO UPDATE SET "
	       "rule_changed_at = excluded.rule_changed_at, since_ms = excluded.since_ms, "
	       "due_ms = excluded.due_ms, missed_ms = excluded.missed_ms, "
	       "arrived_ms = excluded.arrived_ms",
};
static const struct db_query delete_row = {
	.sql = "DELETE FROM expectations WHERE team_id = $1 AND rule = $2 AND resource = $3",
};
static const struct db_query count_rows = {
	.sql = "SELECT count(*) FROM (SELECT 1 FROM expectations WHERE team_id = $1 LIMIT 1000) "
	       "AS held",
};

int wait_row_ask(struct db *db, const struct wait_key *key, db_row_fn on_row, void *arg)
{
	const struct db_value values[] = { db_uuid(key->team), db_text(key->rule),
					   db_text(key->resource) };

	return db_run(db, &read_row, values, ARRAY_LEN(values), on_row, arg, NULL);
}

struct wait_row wait_row_read(const struct db_row *row)
{
	return (struct wait_row){
		.rule_changed_us = row_time(row, 0),
		.since_ms = row_int(row, 1),
		.due_ms = row_int(row, 2),
		.missed_ms = row_int(row, 3),
		.arrived_ms = row_int(row, 4),
	};
}

int wait_row_write(struct db *db, const struct wait_key *key, const struct wait_row *row)
{
	const struct db_value values[] = {
		db_uuid(key->team),     db_text(key->rule),
		db_text(key->resource), db_time(row->rule_changed_us),
		db_int(row->since_ms),  db_int(row->due_ms),
		db_int(row->missed_ms), db_int(row->arrived_ms),
	};

	if (row->due_ms || row->missed_ms)
		return db_run(db, &write_row, values, ARRAY_LEN(values), NULL, NULL, NULL);
	return db_run(db, &delete_row, values, 3, NULL, NULL, NULL);
}

static int on_number(const struct db_row *row, void *arg)
{
	*(int64_t *)arg = row_int(row, 0);
	return 0;
}

int wait_rows_count(struct db *db, const struct uuid *team, int64_t *out)
{
	const struct db_value value = db_uuid(team);

	return db_run(db, &count_rows, &value, 1, on_number, out, NULL);
}

/* ---- all rows -------------------------------------------------------------------------------- */

/* $1 is the lowest id, so that both statements walk an index. */
static const struct db_query has_rule = {
	.sql = "SELECT 1 FROM expectation_rules WHERE team_id >= $1 LIMIT 1",
};
static const struct db_query has_row = {
	.sql = "SELECT 1 FROM expectations WHERE team_id >= $1 LIMIT 1",
};
static const struct db_query move_ends = {
	.sql = "UPDATE expectations SET due_ms = due_ms + $1 WHERE due_ms > 0 AND since_ms <= $2",
};

/* The rule that a row belongs to, of a team that is not deleted. */
#define ITS_RULE                                                     \
	"FROM expectation_rules r JOIN teams t ON t.id = r.team_id " \
	"WHERE r.team_id = e.team_id AND r.name = e.rule "           \
	"AND r.changed_at = e.rule_changed_at AND t.deleted_at IS NULL"

static const struct db_query purge_due = {
	.sql = "DELETE FROM expectations WHERE (team_id, rule, resource) IN ("
	       "SELECT e.team_id, e.rule, e.resource FROM expectations e "
	       "WHERE e.due_ms > 0 AND e.due_ms <= $1 AND NOT EXISTS (SELECT 1 " ITS_RULE ") "
	       "LIMIT 500)",
};
static const struct db_query purge_missed = {
	.sql = "DELETE FROM expectations WHERE (team_id, rule, resource) IN ("
	       "SELECT team_id, rule, resource FROM expectations "
	       "WHERE missed_ms > 0 AND missed_ms <= $1 AND due_ms = 0 LIMIT 500)",
};

static int on_one(const struct db_row *row, void *arg)
{
	(void)row;
	*(bool *)arg = true;
	return 0;
}

int waits_exist(struct db *db, bool *out)
{
	static const struct uuid zero;
	const struct db_value first = db_uuid(&zero);
	int rc;

	*out = false;
	rc = db_run_now(db, &has_rule, &first, 1, on_one, out, NULL);
	if (rc == 0 && !*out)
		rc = db_run_now(db, &has_row, &first, 1, on_one, out, NULL);
	return rc;
}

int waits_move(struct db *db, int64_t step_ms, int64_t before_ms)
{
	const struct db_value values[] = { db_int(step_ms), db_int(before_ms) };

	return db_run(db, &move_ends, values, 2, NULL, NULL, NULL);
}

int waits_purge(struct db *db, int64_t now_ms)
{
	const struct db_value now = db_int(now_ms);
	const struct db_value forget = db_int(now_ms - FORGET_MS);
	int rc = db_run(db, &purge_due, &now, 1, NULL, NULL, NULL);

	return rc < 0 ? rc : db_run(db, &purge_missed, &forget, 1, NULL, NULL, NULL);
}

/* ---- notices --------------------------------------------------------------------------------- */

/* A team has at most 1,000 rows, so a team whose misses cannot be announced never fills the
 * list. */
#define MAX_NOTICES 32

#define WITH_RULE                                                                \
	"SELECT e.team_id, e.rule, e.resource, e.rule_changed_at, e.since_ms, "  \
	"e.due_ms, e.missed_ms, e.arrived_ms, r.rule AS text "                   \
	"FROM expectations e "                                                   \
	"JOIN expectation_rules r ON r.team_id = e.team_id AND r.name = e.rule " \
	"AND r.changed_at = e.rule_changed_at "                                  \
	"JOIN teams t ON t.id = e.team_id AND t.deleted_at IS NULL "

/* The oldest of each team, then the second of each, and so on. */
#define IN_TURN(column, where)                                                              \
	"SELECT team_id, rule, resource, rule_changed_at, since_ms, due_ms, "               \
	"missed_ms, arrived_ms, text FROM (SELECT w.*, row_number() OVER ("                 \
	"PARTITION BY team_id ORDER BY " column ") AS turn FROM (" WITH_RULE "WHERE " where \
	" ORDER BY e." column " LIMIT 20000) w) ranked ORDER BY turn, " column " LIMIT 1024"

static const struct db_query select_due = {
	.sql = IN_TURN("due_ms", "e.due_ms > 0 AND e.due_ms <= $1"),
};
static const struct db_query select_arrived = {
	.sql = IN_TURN("arrived_ms", "e.arrived_ms > 0"),
};

struct written {
	struct buf *out;
	int64_t now_ms;
	size_t count;
	bool is_arrived; /* which half of the row */
};

static int on_ended(const struct db_row *row, void *arg)
{
	struct written *written = arg;
	struct expect_notice notice;
	struct expect_rule rule;
	struct uuid team = row_uuid(row, 0);
	int rc;

	if (written->count == MAX_NOTICES)
		return 0;
	rc = expect_rule_parse(row_text(row, 8), &rule);
	if (rc < 0)
		return rc == -ENOMEM ? rc : 0; /* of a newer version */
	snprintf(rule.name, sizeof(rule.name), "%.*s", STR_ARGS(row_text(row, 1)));
	notice = (struct expect_notice){
		.team = &team,
		.rule = &rule,
		.resource = row_text(row, 2),
		.since_ms = row_int(row, 4),
		.due_ms = row_int(row, written->is_arrived ? 6 : 5),
		.arrived_ms = written->is_arrived ? row_int(row, 7) : 0,
	};
	expect_notice_write(written->out, &notice, written->now_ms);
	buf_add_char(written->out, '\n');
	expect_rule_done(&rule);
	written->count++;
	return written->out->err;
}

int waits_write_notices(struct db *db, int64_t now_ms, struct buf *out)
{
	struct written due = { .out = out, .now_ms = now_ms };
	struct written arrived = { .out = out, .now_ms = now_ms, .is_arrived = true };
	const struct db_value now = db_int(now_ms);
	int rc = db_run_now(db, &select_due, &now, 1, on_ended, &due, NULL);

	return rc < 0 ? rc : db_run_now(db, &select_arrived, NULL, 0, on_ended, &arrived, NULL);
}
