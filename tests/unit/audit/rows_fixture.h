/* SPDX-License-Identifier: Apache-2.0 */

/* Writes and reads rows of the trail directly in a store, for tests of both. */
#ifndef TESTS_AUDIT_ROWS_FIXTURE_H
#define TESTS_AUDIT_ROWS_FIXTURE_H

#include <cjson/cJSON.h>

#include "audit/audit.h"
#include "audit/page.h"
#include "tests/support/databases.h"

#define BASE_US INT64_C(1779598925000000) /* 2026-05-24T05:02:05Z */

#define ON_BOTH_ENGINES(engine) \
	for (enum database_engine engine = DATABASE_SQLITE; (engine) < DATABASE_ENGINES; (engine)++)

extern const struct uuid team;
extern const struct uuid other_team;

struct uuid small_id(unsigned n);
struct audit_entry entry_at(unsigned n, int64_t created_us);

/* Runs in one transaction and returns its rc. */
int insert_all(const struct database *database, const struct audit_entry *entries, size_t count);

/* Returns the answer as text, which the caller frees. `what` says who reads the page. */
char *read_text(const struct database *database, const struct page *what, const char *query);
/* Returns the answer as a tree, which the caller deletes. */
cJSON *read_page(const struct database *database, bool with_admin_rows, const char *query);

int item_count(const cJSON *page);
const cJSON *item_at(const cJSON *page, int index);
void expect_id(const cJSON *item, unsigned n);

#endif
