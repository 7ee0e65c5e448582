/* SPDX-License-Identifier: Apache-2.0 */

/* The version is counted up first: the lock on its row keeps other changes out until the end. */
#include "expect/rules.h"

#include <errno.h>
#include <stdio.h>

#include "core/json.h"
#include "core/rfc3339.h"

static const struct db_query count_up = {
	.sql = "UPDATE expectation_version SET version = version + 1 WHERE one = 1",
};
static const struct db_query select_stored = {
	.sql = "SELECT name, rule FROM expectation_rules WHERE team_id = $1 LIMIT 20",
};
static const struct db_query store_rule = {
	.sql = "INSERT INTO expectation_rules (team_id, name, rule, is_of_request, changed_at) "
	       "VALUES ($1, $2, $3, $4, $5) ON CONFLICT (team_id, name) DO UPDATE SET "
	       "rule = excluded.rule, is_of_request = excluded.is_of_request, "
	       "changed_at = excluded.changed_at",
};
static const struct db_query delete_rule = {
	.sql = "DELETE FROM expectation_rules WHERE team_id = $1 AND name = $2",
};
static const struct db_query delete_waits = {
	.sql = "DELETE FROM expectations WHERE team_id = $1 AND rule = $2",
};
static const struct db_query select_shown = {
	.sql = "SELECT r.name, r.rule, r.changed_at, (SELECT count(*) FROM expectations e "
	       "WHERE e.team_id = r.team_id AND e.rule = r.name AND e.due_ms > 0), "
	       "(SELECT count(*) FROM expectations e WHERE e.team_id = r.team_id "
	       "AND e.rule = r.name AND e.missed_ms > 0) FROM expectation_rules r "
	       "WHERE r.team_id = $1 AND ($2 = '' OR r.name = $2) ORDER BY r.name LIMIT 20",
};

struct stored {
	struct str name;
	struct str json;
	size_t count;
	bool was_found;
	bool is_the_same;
};

static int on_stored(const struct db_row *row, void *arg)
{
	struct stored *stored = arg;

	stored->count++;
	if (!str_eq(row_text(row, 0), stored->name))
		return 0;
	stored->was_found = true;
	stored->is_the_same = str_eq(row_text(row, 1), stored->json);
	return 0;
}

static int write_rule(struct db *db, const struct uuid *team, const struct expect_rule *rule,
		      struct str json, int64_t now_us)
{
	const struct db_value values[] = {
		db_uuid(team),   db_text(str_of(rule->name)),
		db_text(json),   db_int(rule->is_of_request),
		db_time(now_us),
	};
	int rc = db_run(db, &store_rule, values, ARRAY_LEN(values), NULL, NULL, NULL);

	if (rc == 0)
		rc = db_run(db, &delete_waits, values, 2, NULL, NULL, NULL);
	return rc < 0 ? rc : db_flush(db);
}

static int store_json(struct db *db, const struct uuid *team, const struct expect_rule *rule,
		      struct str json, int64_t now_us, enum rule_result *result)
{
	const struct db_value value = db_uuid(team);
	struct stored stored = { .name = str_of(rule->name), .json = json };
	int rc = db_run(db, &count_up, NULL, 0, NULL, NULL, NULL);

	if (rc == 0)
		rc = db_run_now(db, &select_stored, &value, 1, on_stored, &stored, NULL);
	*result = RULE_THE_SAME;
	if (rc < 0 || stored.is_the_same)
		return rc;
	*result = RULE_TOO_MANY;
	if (!stored.was_found && stored.count >= EXPECT_RULES_PER_TEAM)
		return 0;
	*result = stored.was_found ? RULE_CHANGED : RULE_ADDED;
	return write_rule(db, team, rule, json, now_us);
}

int rules_store(struct db *db, const struct uuid *team, const struct expect_rule *rule,
		int64_t now_us, enum rule_result *result)
{
	struct buf json;
	int rc;

	buf_init(&json, EXPECT_MAX_BYTES);
	buf_add_char(&json, '{');
	expect_rule_write(&json, rule);
	buf_add_char(&json, '}');
	rc = json.err;
	if (rc == 0)
		rc = store_json(db, team, rule, buf_str(&json), now_us, result);
	buf_done(&json);
	return rc;
}

int rules_remove(struct db *db, const struct uuid *team, struct str name, bool *removed)
{
	const struct db_value values[] = { db_uuid(team), db_text(name) };
	int64_t changed = 0;
	int rc = db_run(db, &count_up, NULL, 0, NULL, NULL, NULL);

	if (rc == 0)
		rc = db_run(db, &delete_rule, values, 2, NULL, NULL, &changed);
	if (rc == 0)
		rc = db_run(db, &delete_waits, values, 2, NULL, NULL, NULL);
	if (rc == 0)
		rc = db_flush(db);
	*removed = rc == 0 && changed > 0;
	return rc;
}

/* ---- showing --------------------------------------------------------------------------------- */

struct shown_rules {
	struct buf *out;
	size_t count;
};

static void add_number(struct buf *out, const char *name, int64_t number)
{
	json_add_name(out, name);
	buf_addf(out, "%lld", (long long)number);
}

/* The text is an object that expect_rule_write() wrote, or a newer version. */
static int on_shown(const struct db_row *row, void *arg)
{
	struct shown_rules *shown = arg;
	struct buf *out = shown->out;
	struct str rule = row_text(row, 1);
	char time[RFC3339_TEXT_SIZE];

	if (rule.len < 2)
		return -EBADMSG;
	if (shown->count++)
		buf_add_char(out, ',');
	buf_add_char(out, '{');
	json_add_member(out, "name", row_text(row, 0));
	buf_add_char(out, ',');
	buf_add(out, rule.at + 1, rule.len - 2);
	rfc3339_format(row_time(row, 2), 0, time);
	json_add_member(out, "changed_at", str_of(time));
	add_number(out, "waiting", row_int(row, 3));
	add_number(out, "missed", row_int(row, 4));
	buf_add_char(out, '}');
	return out->err;
}

int rules_write(struct db *db, const struct uuid *team, struct str name, struct buf *out,
		size_t *count)
{
	const struct db_value values[] = { db_uuid(team), db_text(name) };
	struct shown_rules shown = { .out = out };
	int rc = db_run_now(db, &select_shown, values, 2, on_shown, &shown, NULL);

	*count = shown.count;
	return rc;
}
