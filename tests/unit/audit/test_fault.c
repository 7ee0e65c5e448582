/* SPDX-License-Identifier: Apache-2.0 */

/* Every allocation fails in turn: a page of the trail is read whole, or there was no memory. */
#include <criterion/criterion.h>
#include <errno.h>

#include "store/store.h"
#include "tests/support/heap.h"
#include "tests/unit/audit/rows_fixture.h"

struct page_job {
	struct store_job job;
	struct page page;
};

static int run_page(struct db *db, struct store_job *job)
{
	return page_read(db, &container_of(job, struct page_job, job)->page);
}

static void read_once(void *arg)
{
	const struct database *database = arg;
	struct page_job read = { .job.run = run_page, .page.team = team };
	struct reason why = { .text = "" };
	int rc;

	page_init(&read.page);
	rc = page_query_parse(STR("limit=2&action=pause"), &read.page.query, &why);
	if (rc == 0)
		rc = store_run_blocking(database->url, &read.job, &why);
	cr_expect(rc == 0 || rc == -ENOMEM, "%d %s", rc, why.text);
	cr_expect(rc != 0 || (read.page.rows == 2 && read.page.json.err == 0), "%u rows",
		  read.page.rows);
	page_done(&read.page);
}

Test(fault, a_page_is_read_whole_or_there_was_no_memory)
{
	struct database database = database_make(DATABASE_SQLITE);
	struct audit_entry entries[3];

	for (unsigned i = 0; i < ARRAY_LEN(entries); i++)
		entries[i] = entry_at(i + 1, BASE_US + i);
	cr_assert_eq(insert_all(&database, entries, ARRAY_LEN(entries)), 0);
	heap_fail_each(read_once, &database);
}
