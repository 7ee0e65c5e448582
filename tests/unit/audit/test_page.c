/* SPDX-License-Identifier: Apache-2.0 */

/* How a page shows rows, including those of other programs. */
#include <stdlib.h>

#include "core/json.h"
#include "rows_fixture.h"

Test(audit_page, answers_either_outcomes_or_the_words_of_the_table)
{
	static const struct {
		const char *stored;
		const char *seed;
		const char *dashboard;
	} words[] = {
		{ "success", "success", "success" }, { "info", "success", "info" },
		{ "warning", "success", "warning" }, { "error", "failure", "error" },
		{ "novel", "success", "info" },
	};

	ON_BOTH_ENGINES(engine)
	{
		struct database database = database_make(engine);
		for (size_t i = 0; i < ARRAY_LEN(words); i++) {
			struct audit_entry entry = entry_at((unsigned)i + 1, BASE_US);
			const struct page dashboard = { .with_stored_words = true };
			const struct page seed = { .with_stored_words = false };
			char expected[100];
			char *text;

			entry.status = str_of(words[i].stored);
			entry.action = entry.status;
			cr_assert_eq(insert_all(&database, &entry, 1), 0);
			snprintf(expected, sizeof(expected),
				 "\"status\":\"%s\",\"severity\":\"%s\"", words[i].dashboard,
				 words[i].stored);
			snprintf(expected + 60, 40, "action=%s", words[i].stored);
			text = read_text(&database, &dashboard, expected + 60);
			cr_expect(strstr(text, expected), "%s in %s", expected, text);
			free(text);
			text = read_text(&database, &seed, expected + 60);
			snprintf(expected, sizeof(expected), "\"status\":\"%s\"", words[i].seed);
			cr_expect(strstr(text, expected), "%s in %s", expected, text);
			free(text);
		}
	}
}

Test(audit_page, escapes_what_ends_lines_for_some_readers)
{
	ON_BOTH_ENGINES(engine)
	{
		struct database database = database_make(engine);
		const struct page what = { .with_admin_rows = false };
		struct audit_entry entry = entry_at(1, BASE_US);
		char *text;

		entry.actor_name = STR("A\xc2\x85"
				       "B");
		entry.metadata =
			STR("{\"name\":\"x\xe2\x80\xa8\x7f\xc2\x9fy\",\"n\":12345678901234567890}");
		cr_assert_eq(insert_all(&database, &entry, 1), 0);
		text = read_text(&database, &what, "");
		cr_expect(strstr(text, "\"A\\u0085B\""), "%s", text);
		cr_expect(strstr(text, "x\\u2028\\u007f\\u009fy"), "%s", text);
		cr_expect(strstr(text, "12345678901234567890"), "%s", text);
		free(text);
	}
}

Test(audit_page, shows_rows_whose_metadata_is_no_object)
{
	static const char *const texts[] = { "[1,2]", "\"text\"", "7", "null", "{}" };

	ON_BOTH_ENGINES(engine)
	{
		struct database database = database_make(engine);

		for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
			struct audit_entry entry = entry_at((unsigned)i + 1, BASE_US);

			entry.metadata = str_of(texts[i]);
			cr_assert_eq(insert_all(&database, &entry, 1), 0);
		}
		/* SQLite stores any text in this column. */
		if (engine == DATABASE_SQLITE) {
			database_ask(&database, "UPDATE audit_logs SET metadata = '{\"a\":' "
						"WHERE metadata = '7'");
			database_ask(&database, "UPDATE audit_logs SET metadata = '' "
						"WHERE metadata = 'null'");
		}

		cJSON *page = read_page(&database, false, "");

		cr_assert_eq(item_count(page), (int)ARRAY_LEN(texts));
		for (int i = 0; i < item_count(page); i++)
			cr_expect_null(json_get(item_at(page, i), "metadata"), "row %d", i);
		cJSON_Delete(page);
	}
}

#define MANY "12000"

/* Many rows of one kind, newer than the few that the request matches. */
static void add_many(const struct database *database, enum database_engine engine)
{
	static const char *const sql[] = {
		[DATABASE_SQLITE] =
			"WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE "
			"i < " MANY ") INSERT INTO audit_logs (id, team_id, actor_type, "
			"resource_type, action, created_at) SELECT "
			"printf('%08d-0000-4000-8000-000000000000', i), "
			"'01020304-0506-0708-090a-0b0c0d0e0f10', 'system', 'sandbox', 'pause', "
			"'2027-01-01T00:00:00.000000Z' FROM n",
		[DATABASE_POSTGRES] =
			"INSERT INTO audit_logs (id, team_id, actor_type, resource_type, action, "
			"created_at) SELECT (lpad(i::text, 8, '0') || "
			"'-0000-4000-8000-000000000000')::uuid, "
			"'01020304-0506-0708-090a-0b0c0d0e0f10', 'system', 'sandbox', 'pause', "
			"'2027-01-01T00:00:00Z' FROM generate_series(1, " MANY ") AS i",
	};

	database_ask(database, sql[engine]);
}

static int count_pages(const struct database *database, const char *filter, int *items)
{
	char query[256];
	int pages = 0;
	bool is_last = false;

	*items = 0;
	snprintf(query, sizeof(query), "%s", filter);
	while (!is_last && pages < 10) {
		cJSON *page = read_page(database, false, query);

		*items += item_count(page);
		pages++;
		is_last = !json_get_string(page, "next_before");
		if (!is_last)
			snprintf(query, sizeof(query), "%s&before=%s&before_id=%s", filter,
				 json_get_string(page, "next_before"),
				 json_get_string(page, "next_before_id"));
		cJSON_Delete(page);
	}
	return pages;
}

/* Three requests skip 12,000 rows that do not match, each at most 5,000. */
Test(audit_page, looks_at_so_many_rows_and_then_says_where_to_go_on)
{
	ON_BOTH_ENGINES(engine)
	{
		struct database database = database_make(engine);
		const struct audit_entry entries[] = { entry_at(1, BASE_US), entry_at(2, BASE_US) };
		int items;

		cr_assert_eq(insert_all(&database, entries, 2), 0);
		add_many(&database, engine);
		database_ask(
			&database,
			"UPDATE audit_logs SET action = 'resume', "
			"resource_type = 'host' WHERE created_at < '2027-01-01T00:00:00.000000Z'");
		cr_expect_eq(count_pages(&database, "action=resume", &items), 3);
		cr_expect_eq(items, 2);
		cr_expect_eq(count_pages(&database, "action=nothing", &items), 3);
		cr_expect_eq(items, 0);
		/* An index leads past rows of other types. */
		cr_expect_eq(count_pages(&database, "resource_type=host", &items), 1);
		cr_expect_eq(items, 2);
		cr_expect_eq(count_pages(&database, "resource_type=host,key&limit=1", &items), 2);
		cr_expect_eq(items, 2);
		cr_expect_eq(count_pages(&database, "resource_type=key", &items), 1);
		cr_expect_eq(items, 0);
		/* Rows that the caller may not see are skipped too. */
		database_ask(&database,
			     "UPDATE audit_logs SET scope = 'admin' WHERE action = 'pause'");
		cr_expect_eq(count_pages(&database, "limit=50", &items), 3);
		cr_expect_eq(items, 2);
	}
}
