/* SPDX-License-Identifier: Apache-2.0 */

/* Rows of the trail written and read straight from a store, for tests of both. */
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

/* In one transaction; its rc. */
int insert_all(const struct database *database, const struct audit_entry *entries, size_t count);

/* The answer as text, to be freed by the caller; `what` says for whom it is. */
char *read_text(const struct database *database, const struct page *what, const char *query);
/* The answer as a tree, to be deleted by the caller. */
cJSON *read_page(const struct database *database, bool with_admin_rows, const char *query);

int item_count(const cJSON *page);
const cJSON *item_at(const cJSON *page, int index);
void expect_id(const cJSON *item, unsigned n);

#endif
