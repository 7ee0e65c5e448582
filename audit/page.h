/* SPDX-License-Identifier: Apache-2.0 */

/*
 * One page of the trail: its parameters, the statement that reads it, and its JSON. Knows nothing
 * about HTTP requests, so that a test can read pages directly from a store.
 */
#ifndef AUDIT_PAGE_H
#define AUDIT_PAGE_H

#include <stdbool.h>
#include <stdint.h>

#include "api/api.h"
#include "core/buf.h"
#include "core/reason.h"
#include "core/str.h"
#include "core/uuid.h"
#include "store/store.h"

#define PAGE_MAX_VALUES 32 /* limit of each filter */

/* Values of a repeatable, comma-separated filter. No values match everything. */
struct page_filter {
	size_t count;
	struct str values[PAGE_MAX_VALUES]; /* points into page_query.text */
};

struct page_query {
	struct paging paging;
	struct page_filter resource_types;
	struct page_filter actions;
	char *text; /* free with page_query_done() */
};

/* Reads the raw query string (contract e.2). Returns 0, -EINVAL with *why, or -ENOMEM. After a
 * failure there is nothing to free. Unknown parameters are ignored. */
int page_query_parse(struct str query, struct page_query *out, struct reason *why) must_check;
void page_query_done(struct page_query *query);

/* One page: who may see it, and its answer. */
struct page {
	struct uuid team;
	bool with_admin_rows;
	bool with_stored_words; /* `status` shows the word of the table */
	struct page_query query;
	/* NULL: the answer is the JSON of a list. Otherwise it is `begin`, `head` and what this
	 * appends for each row. */
	void (*add_row)(struct page *page, const struct db_row *row);
	const char *begin;
	const char *head;

	struct buf json; /* the answer */
	unsigned rows;
	bool has_more;
	int64_t last_us;
	struct uuid last_id;
	int64_t from_us; /* the rows before this place */
	struct uuid from_id;
	/* The last row that this page may read; no edge: the end of the trail. */
	unsigned edge_rows; /* 2: more follows */
	int64_t edge_us;
	struct uuid edge_id;
};

/* Appends a row as the list shows it, its time with so many fraction digits. */
void page_add_item(struct page *page, const struct db_row *row, int fraction_digits);
/* The word of `status` for a stored severity. */
const char *page_status(const struct page *page, struct str severity);
/* The stored metadata, or nothing unless it is an object with members, of a size we show. */
struct str page_metadata(struct str stored);

extern const struct db_query page_statement;

/* Fills the parameters of page_statement. `values` has room for PAGE_VALUES. */
#define PAGE_VALUES 11
void page_bind(const struct page *page, struct db_value values[PAGE_VALUES]);

void page_init(struct page *page);
/* Runs on the store's thread, perhaps more than once. */
int page_read(struct db *db, struct page *page) must_check;
void page_done(struct page *page);

#endif
