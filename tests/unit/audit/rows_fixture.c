/* SPDX-License-Identifier: Apache-2.0 */

#include "rows_fixture.h"

#include <stdlib.h>

#include "core/id.h"
#include "core/json.h"

const struct uuid team = { { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16 } };
const struct uuid other_team = { { 9, 9, 9 } };

struct uuid small_id(unsigned n)
{
	struct uuid id = { { 0 } };

	id.bytes[14] = (uint8_t)(n >> 8);
	id.bytes[15] = (uint8_t)n;
	return id;
}

struct audit_entry entry_at(unsigned n, int64_t created_us)
{
	return (struct audit_entry){
		.id = small_id(n),
		.team = team,
		.actor_type = STR("system"),
		.resource_type = STR("sandbox"),
		.resource_id = STR("cl-6dfzh5ik5uxynzmlf5cshamdk"),
		.action = STR("pause"),
		.scope = STR("team"),
		.status = STR("info"),
		.metadata = STR("{}"),
		.created_us = created_us,
	};
}

/* ---- running jobs ------------------------------------------------------------------------- */

struct insert_job {
	struct store_job job;
	const struct audit_entry *entries;
	size_t count;
	int64_t inserted;
};

static int run_inserts(struct db *db, struct store_job *job)
{
	struct insert_job *insert = container_of(job, struct insert_job, job);

	for (size_t i = 0; i < insert->count; i++) {
		int rc = audit_insert(db, &insert->entries[i], &insert->inserted);

		if (rc < 0)
			return rc;
	}
	return db_flush(db);
}

int insert_all(const struct database *database, const struct audit_entry *entries, size_t count)
{
	struct insert_job insert = { .job = { .run = run_inserts, .needs_audit_lock = true },
				     .entries = entries,
				     .count = count };
	struct reason why = { .text = "" };

	return store_run_blocking(database->url, &insert.job, &why);
}

struct page_job {
	struct store_job job;
	struct page page;
};

static int run_page(struct db *db, struct store_job *job)
{
	return page_read(db, &container_of(job, struct page_job, job)->page);
}

char *read_text(const struct database *database, const struct page *what, const char *query)
{
	struct page_job read = { .job.run = run_page, .page = *what };
	struct reason why = { .text = "" };
	char *text;
	int rc;

	read.page.team = team;
	page_init(&read.page);
	cr_assert_eq(page_query_parse(str_of(query), &read.page.query, &why), 0, "%s", why.text);
	rc = store_run_blocking(database->url, &read.job, &why);
	cr_assert_eq(rc, 0, "%d %s", rc, why.text);
	text = strdup(buf_text(&read.page.json));
	page_done(&read.page);
	return text;
}

cJSON *read_page(const struct database *database, bool with_admin_rows, const char *query)
{
	const struct page what = { .with_admin_rows = with_admin_rows };
	struct reason why = { .text = "" };
	char *text = read_text(database, &what, query);
	cJSON *tree = NULL;
	int rc = json_parse(str_of(text), 4ul * 1024 * 1024, &tree, &why);

	cr_assert_eq(rc, 0, "%s: %.2000s", why.text, text);
	free(text);
	return tree;
}

int item_count(const cJSON *page)
{
	return cJSON_GetArraySize(json_get(page, "items"));
}

const cJSON *item_at(const cJSON *page, int index)
{
	return cJSON_GetArrayItem(json_get(page, "items"), index);
}

void expect_id(const cJSON *item, unsigned n)
{
	struct uuid id = small_id(n);
	char text[ID_TEXT_SIZE];

	id_format(ID_AUDIT, &id, text);
	cr_expect_str_eq(json_get_string(item, "id"), text);
}
