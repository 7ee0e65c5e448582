/* SPDX-License-Identifier: Apache-2.0 */

/* Writes rows and reads pages on both engines: order, cursor, scopes, filters, hostile rows, and
 * the query plan. */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>

#include "audit/audit.h"
#include "audit/page.h"
#include "core/id.h"
#include "core/json.h"
#include "core/rfc3339.h"
#include "rows_fixture.h"

/* ---- tests -------------------------------------------------------------------------------- */

Test(audit_rows, writes_an_entry_once_however_often_it_is_inserted)
{
	ON_BOTH_ENGINES(engine)
	{
		struct database database = database_make(engine);
		const struct audit_entry entries[] = { entry_at(1, BASE_US),
						       entry_at(1, BASE_US + 7),
						       entry_at(2, BASE_US) };

		cr_assert_eq(insert_all(&database, entries, 3), 0);
		cr_assert_eq(insert_all(&database, entries, 3), 0);
		cr_expect_eq(database_ask(&database, "SELECT count(*) FROM audit_logs"), 2);
		cr_expect_eq(database_ask(&database, "SELECT count(*) FROM audit_logs "
						     "WHERE action = 'pause'"),
			     2, "the first is unchanged");
	}
}

Test(audit_rows, writes_an_entry_once_though_an_older_version_gave_it_another_id)
{
	ON_BOTH_ENGINES(engine)
	{
		struct database database = database_make(engine);
		struct audit_entry old = entry_at(7, BASE_US);
		struct audit_entry now = entry_at(1, BASE_US);
		struct audit_entry other = entry_at(2, BASE_US + 1);
		cJSON *page;

		now.old_id = old.id;
		other.old_id = small_id(8); /* no row has this id */
		cr_assert_eq(insert_all(&database, &old, 1), 0);
		cr_assert_eq(insert_all(&database, &now, 1), 0);
		cr_assert_eq(insert_all(&database, &other, 1), 0);
		cr_assert_eq(insert_all(&database, &other, 1), 0);
		page = read_page(&database, false, "");
		cr_expect_eq(item_count(page), 2);
		cJSON_Delete(page);
	}
}

Test(audit_rows, hands_on_the_fault_of_an_entry_that_could_not_be_built)
{
	struct database database = database_make(DATABASE_SQLITE);
	struct audit_entry entry = entry_at(1, BASE_US);

	entry.metadata_buf.err = -ENOMEM;
	cr_expect_eq(insert_all(&database, &entry, 1), -ENOMEM);
	cr_expect_eq(database_ask(&database, "SELECT count(*) FROM audit_logs"), 0);
}

Test(audit_rows, shows_an_entry_with_its_members_and_their_absence)
{
	ON_BOTH_ENGINES(engine)
	{
		struct database database = database_make(engine);
		struct audit_entry full = entry_at(2, BASE_US + 999999);
		struct audit_entry bare = entry_at(1, BASE_US);

		full.actor_type = STR("user");
		full.actor_id = STR("usr-0x5yg3bfyrehlas5fmd3rslxq");
		full.actor_name = STR("Ada \"the\" \xc3\x84");
		full.status = STR("error");
		full.metadata = STR("{\"reason\":\"x\",\"n\":{\"deep\":[1,2]}}");
		bare.resource_id = STR("");
		cr_assert_eq(insert_all(&database, (struct audit_entry[]){ full, bare }, 2), 0);

		cJSON *page = read_page(&database, false, "");
		const cJSON *item = item_at(page, 0);

		cr_assert_eq(item_count(page), 2);
		expect_id(item, 2);
		cr_expect_str_eq(json_get_string(item, "actor_type"), "user");
		cr_expect_str_eq(json_get_string(item, "actor_id"),
				 "usr-0x5yg3bfyrehlas5fmd3rslxq");
		cr_expect_str_eq(json_get_string(item, "actor_name"), "Ada \"the\" \xc3\x84");
		cr_expect_str_eq(json_get_string(item, "status"), "failure");
		cr_expect_str_eq(json_get_string(item, "severity"), "error");
		cr_expect_str_eq(json_get_string(item, "created_at"), "2026-05-24T05:02:05Z");
		cr_expect_str_eq(json_get_string(json_get(item, "metadata"), "reason"), "x");
		cr_expect_null(json_get(item, "team_id"));

		item = item_at(page, 1);
		cr_expect_str_eq(json_get_string(item, "status"), "success");
		cr_expect_str_eq(json_get_string(item, "severity"), "info");
		cr_expect_null(json_get(item, "actor_id"));
		cr_expect_null(json_get(item, "actor_name"));
		cr_expect_null(json_get(item, "resource_id"));
		cr_expect_null(json_get(item, "metadata"));
		cr_expect_null(json_get(page, "next_before"), "no cursor on the last page");
		cr_expect_null(json_get(page, "next_before_id"));
		cJSON_Delete(page);
	}
}

Test(audit_rows, answers_an_empty_trail_with_no_items_and_no_cursor)
{
	ON_BOTH_ENGINES(engine)
	{
		struct database database = database_make(engine);
		cJSON *page = read_page(&database, true, "");

		cr_expect(cJSON_IsArray(json_get(page, "items")));
		cr_expect_eq(item_count(page), 0);
		cr_expect_null(json_get(page, "next_before"));
		cJSON_Delete(page);
	}
}

Test(audit_rows, pages_through_one_second_without_skipping_a_row)
{
	ON_BOTH_ENGINES(engine)
	{
		struct database database = database_make(engine);
		const struct audit_entry entries[] = { entry_at(1, BASE_US - 100000),
						       entry_at(2, BASE_US + 500000),
						       entry_at(3, BASE_US + 800000) };
		cJSON *page;

		cr_assert_eq(insert_all(&database, entries, 3), 0);
		page = read_page(&database, false, "limit=1");
		expect_id(item_at(page, 0), 3);
		cr_expect_str_eq(json_get_string(page, "next_before"),
				 "2026-05-24T05:02:05.800000Z");
		cJSON_Delete(page);

		page = read_page(&database, false, "limit=1&before=2026-05-24T05:02:05.800000Z");
		expect_id(item_at(page, 0), 2);
		cJSON_Delete(page);

		page = read_page(&database, false,
				 "limit=1&before=2026-05-24T07:02:05.500000%2B02:00");
		expect_id(item_at(page, 0), 1);
		cr_expect_null(json_get(page, "next_before"));
		cJSON_Delete(page);
	}
}

/* Follows the cursors to the end and counts. Expects every row once, newest first. */
static unsigned walk(const struct database *database, unsigned limit, bool is_full)
{
	char query[256];
	unsigned seen = 0;
	char last[64] = "~";

	snprintf(query, sizeof(query), "limit=%u", limit);
	for (;;) {
		cJSON *page = read_page(database, false, query);
		const char *before = json_get_string(page, "next_before");

		for (int i = 0; i < item_count(page); i++) {
			const char *id = json_get_string(item_at(page, i), "id");

			cr_assert_lt(strcmp(id, last), 0, "%s after %s", id, last);
			snprintf(last, sizeof(last), "%s", id);
			seen++;
		}
		if (!before) {
			cJSON_Delete(page);
			return seen;
		}
		cr_assert(!is_full || item_count(page) == (int)limit);
		cr_assert_gt(item_count(page), 0);
		snprintf(query, sizeof(query), "limit=%u&before=%s&before_id=%s", limit, before,
			 json_get_string(page, "next_before_id"));
		cJSON_Delete(page);
	}
}

Test(audit_rows, breaks_ties_of_one_microsecond_by_id)
{
	ON_BOTH_ENGINES(engine)
	{
		struct database database = database_make(engine);
		struct audit_entry entries[300];

		for (unsigned i = 0; i < 300; i++)
			entries[i] = entry_at((i * 7) % 300 + 1, BASE_US);
		cr_assert_eq(insert_all(&database, entries, 300), 0);
		cr_expect_eq(walk(&database, 1, true), 300);
		cr_expect_eq(walk(&database, 100, true), 300, "a page that ends on the last row");
		cr_expect_eq(walk(&database, 7, true), 300);
	}
}

Test(audit_rows, ignores_a_tie_breaker_without_a_time)
{
	ON_BOTH_ENGINES(engine)
	{
		struct database database = database_make(engine);
		const struct audit_entry entries[] = { entry_at(5, BASE_US), entry_at(6, BASE_US) };
		cJSON *page;

		cr_assert_eq(insert_all(&database, entries, 2), 0);
		page = read_page(&database, false, "before_id=log-0000000000000000000000000");
		cr_expect_eq(item_count(page), 2);
		cJSON_Delete(page);
		/* A time without an id selects strictly older rows. */
		page = read_page(&database, false, "before=2026-05-24T05:02:05Z");
		cr_expect_eq(item_count(page), 0);
		cJSON_Delete(page);
	}
}

Test(audit_rows, shows_no_row_of_another_team_and_admin_rows_only_on_demand)
{
	ON_BOTH_ENGINES(engine)
	{
		struct database database = database_make(engine);
		struct audit_entry entries[] = { entry_at(1, BASE_US), entry_at(2, BASE_US),
						 entry_at(3, BASE_US), entry_at(4, BASE_US) };
		cJSON *page;

		entries[1].scope = STR("admin");
		entries[2].team = other_team;
		entries[3].scope = STR("secret");
		cr_assert_eq(insert_all(&database, entries, 4), 0);
		page = read_page(&database, false, "");
		cr_expect_eq(item_count(page), 1);
		expect_id(item_at(page, 0), 1);
		cJSON_Delete(page);
		page = read_page(&database, true, "");
		cr_expect_eq(item_count(page), 2);
		expect_id(item_at(page, 0), 2);
		expect_id(item_at(page, 1), 1);
		cJSON_Delete(page);
	}
}

Test(audit_rows, filters_by_type_and_action)
{
	static const struct {
		const char *query;
		int expected;
	} cases[] = {
		{ "resource_type=sandbox", 2 },
		{ "resource_type=sandbox,host", 3 },
		{ "resource_type=sandbox&resource_type=host", 3 },
		{ "action=pause", 2 },
		{ "action=pause&resource_type=sandbox", 1 },
		{ "action=nothing", 0 },
		{ "action=", 3 },
		{ "action=pause'%20OR%201=1--", 0 },
		{ "action=%22%5C%7B%7D,NULL", 0 },
		{ "resource_type=SANDBOX", 0 },
	};

	ON_BOTH_ENGINES(engine)
	{
		struct database database = database_make(engine);
		struct audit_entry entries[] = { entry_at(1, BASE_US), entry_at(2, BASE_US),
						 entry_at(3, BASE_US) };

		entries[1].action = STR("create");
		entries[2].resource_type = STR("host");
		cr_assert_eq(insert_all(&database, entries, 3), 0);
		for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
			cJSON *page = read_page(&database, false, cases[i].query);

			cr_expect_eq(item_count(page), cases[i].expected, "%s: %d", cases[i].query,
				     item_count(page));
			cJSON_Delete(page);
		}
	}
}

Test(audit_rows, ends_a_page_of_huge_rows_early_with_a_cursor)
{
	ON_BOTH_ENGINES(engine)
	{
		struct database database = database_make(engine);
		struct buf metadata;
		struct audit_entry entries[40];

		buf_init(&metadata, 65536);
		buf_add_text(&metadata, "{\"blob\":\"");
		for (int i = 0; i < 60000; i++)
			buf_add_char(&metadata, 'x');
		buf_add_text(&metadata, "\"}");
		for (unsigned i = 0; i < 40; i++) {
			entries[i] = entry_at(i + 1, BASE_US);
			entries[i].metadata = buf_str(&metadata);
		}
		cr_assert_eq(insert_all(&database, entries, 40), 0);

		cJSON *page = read_page(&database, false, "");

		cr_expect_gt(item_count(page), 10);
		cr_expect_lt(item_count(page), 40);
		cr_expect_not_null(json_get(page, "next_before"));
		cJSON_Delete(page);
		cr_expect_eq(walk(&database, 50, false), 40);
		buf_done(&metadata);
	}
}

/* ---- our own changes ------------------------------------------------------------------------ */

struct change_job {
	struct store_job job;
	enum audit_mode mode;
	struct identity who;
};

static int run_change(struct db *db, struct store_job *job)
{
	struct change_job *change = container_of(job, struct change_job, job);
	int rc = audit_insert_change(db, change->mode, &change->who, STR("channel"),
				     STR("ch-0x5yg3bfyrehlas5fmd3rslxq"), STR("delete"),
				     STR("warning"), STR("{\"name\":\"ops\"}"), BASE_US);

	return rc < 0 ? rc : db_flush(db);
}

Test(audit_rows, records_changes_with_their_actor_unless_switched_off)
{
	ON_BOTH_ENGINES(engine)
	{
		struct database database = database_make(engine);
		struct change_job change = {
			.job = { .run = run_change, .needs_audit_lock = true },
			.who = { .team = team, .actor = small_id(0x77), .name = "Ada" }
		};
		struct reason why;

		change.mode = AUDIT_OFF;
		change.who.credential = CREDENTIAL_SESSION;
		cr_assert_eq(store_run_blocking(database.url, &change.job, &why), 0);
		cr_expect_eq(database_ask(&database, "SELECT count(*) FROM audit_logs"), 0);

		change.mode = AUDIT_MISSING;
		cr_assert_eq(store_run_blocking(database.url, &change.job, &why), 0);
		change.mode = AUDIT_ALL;
		change.who.credential = CREDENTIAL_API_KEY;
		cr_assert_eq(store_run_blocking(database.url, &change.job, &why), 0);
		cr_expect_eq(
			database_ask(&database,
				     "SELECT count(*) FROM audit_logs WHERE actor_type = 'user' "
				     "AND actor_id = 'usr-000000000000000000000003b' "
				     "AND actor_name = 'Ada' AND scope = 'team'"),
			1);
		cr_expect_eq(database_ask(&database,
					  "SELECT count(*) FROM audit_logs WHERE "
					  "actor_type = 'api_key' "
					  "AND actor_id = 'key-000000000000000000000003b'"),
			     1);
	}
}

/* ---- the plan ------------------------------------------------------------------------------- */

static int gather_plan(const struct db_row *row, void *arg)
{
	struct buf *plan = arg;

	buf_add_str(plan, row_text(row, 0));
	buf_add_char(plan, '\n');
	return 0;
}

static int gather_sqlite_plan(const struct db_row *row, void *arg)
{
	struct buf *plan = arg;

	buf_add_str(plan, row_text(row, 3));
	buf_add_char(plan, '\n');
	return 0;
}

struct plan_job {
	struct store_job job;
	struct db_query query;
	struct page page;
	struct buf plan;
};

static int run_plan(struct db *db, struct store_job *job)
{
	struct plan_job *explain = container_of(job, struct plan_job, job);
	struct db_value values[PAGE_VALUES];

	page_bind(&explain->page, values);
	return db_run_now(db, &explain->query, values, PAGE_VALUES,
			  db_is_embedded(db) ? gather_sqlite_plan : gather_plan, &explain->plan,
			  NULL);
}

Test(audit_rows, walks_the_index_and_sorts_nothing)
{
	ON_BOTH_ENGINES(engine)
	{
		struct database database = database_make(engine);
		struct plan_job explain = { .job.run = run_plan, .page.team = team };
		struct audit_entry *entries = calloc(5000, sizeof(*entries));
		char sql[2][2048];
		struct reason why = { .text = "" };

		for (unsigned i = 0; i < 5000; i++) {
			entries[i] = entry_at(i, BASE_US + i);
			if (i % 5 == 0)
				entries[i].team = other_team;
		}
		cr_assert_eq(insert_all(&database, entries, 5000), 0);
		free(entries);
		database_ask(&database, "ANALYZE");

		buf_init(&explain.plan, 65536);
		snprintf(sql[0], sizeof(sql[0]), "EXPLAIN %s", page_statement.sql);
		snprintf(sql[1], sizeof(sql[1]), "EXPLAIN QUERY PLAN %s", page_statement.sqlite);
		explain.query = (struct db_query){ .sql = sql[0], .sqlite = sql[1] };
		page_init(&explain.page);
		cr_assert_eq(page_query_parse(STR("action=pause"), &explain.page.query, &why), 0);
		cr_assert_eq(store_run_blocking(database.url, &explain.job, &why), 0, "%s",
			     why.text);

		const char *plan = buf_text(&explain.plan);

		cr_expect_not_null(
			strstr(plan, engine == DATABASE_SQLITE
					     ? "USING INDEX audit_logs_newest (team_id=? AND "
					       "(created_at,id)>(?,?) AND (created_at,id)<(?,?))"
					     : "Index Scan using audit_logs_newest"),
			"%s", plan);
		cr_expect_null(strcasestr(plan, "sort"), "%s", plan);
		cr_expect_null(strstr(plan, "TEMP B-TREE"), "%s", plan);
		page_done(&explain.page);
		buf_done(&explain.plan);
	}
}
