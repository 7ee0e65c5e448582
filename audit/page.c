/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Reads one page of the trail and writes its JSON while the rows come in (contract e.3, e.4).
 *
 * The query fetches one row more than the page shows: if it exists, the page ends with a cursor. A
 * page also ends with a cursor after MAX_PAGE bytes. A filter of resource types begins at the first
 * row of such a type, which an index finds; a filter of actions has no index. Other programs may
 * write rows, and no row may break the page: long text is cut, metadata other than a small JSON
 * object is omitted, and control characters are escaped.
 */
#include "audit/page.h"

#include <errno.h>
#include <string.h>

#include "audit/row_id.h"
#include "core/id.h"
#include "core/json.h"
#include "core/rfc3339.h"
#include "core/utf8.h"

#define MAX_PAGE     (1024ul * 1024)
#define MAX_ROW      (256ul * 1024) /* more than the sum of the limits below */
#define MAX_TEXT     1024
#define MAX_METADATA 65536

/* Rows that the caller may not see or did not ask for cost time, too. After this many rows a
 * request answers with the items found so far and a cursor to continue from. */
#define LOOKED_AT "5000"

/* Along the index (team_id, resource_type, created_at desc). */
static const struct db_query select_newest = {
	.sql = "SELECT created_at FROM audit_logs "
	       "WHERE team_id = $1 AND resource_type = $2 AND created_at <= $3 "
	       "ORDER BY created_at DESC LIMIT 1",
};

/* Finds the last row that a request looks at, and whether another follows it. */
static const struct db_query select_edge = {
	.sql = "SELECT created_at, id FROM audit_logs "
	       "WHERE team_id = $1 AND (created_at, id) < ($2, $3) "
	       "ORDER BY created_at DESC, id DESC LIMIT 2 OFFSET " LOOKED_AT " - 1",
};

/* On both databases this walks the index (team_id, created_at desc, id desc) from the cursor to the
 * edge, without a sort. The comparison of row values is the cursor of e.3. */
#define SELECT_PAGE                                                                                \
	"SELECT id, actor_type, actor_id, actor_name, resource_type, resource_id, action, scope, " \
	"status, metadata, created_at FROM audit_logs "                                            \
	"WHERE team_id = $1 AND (created_at, id) < ($2, $3) "                                      \
	"AND (created_at, id) >= ($10, $11) "                                                      \
	"AND (scope = 'team' OR ($4 AND scope = 'admin')) "
#define NEWEST_FIRST "ORDER BY created_at DESC, id DESC LIMIT $9"

const struct db_query page_statement = {
	.sql = SELECT_PAGE
	"AND ($5 OR resource_type = ANY($6)) AND ($7 OR action = ANY($8)) " NEWEST_FIRST,
	.sqlite =
		SELECT_PAGE "AND ($5 OR resource_type IN (SELECT value FROM json_each($6))) "
			    "AND ($7 OR action IN (SELECT value FROM json_each($8))) " NEWEST_FIRST,
};

void page_bind(const struct page *page, struct db_value values[PAGE_VALUES])
{
	const struct page_query *query = &page->query;
	const struct page_filter *types = &query->resource_types;
	const struct page_filter *actions = &query->actions;

	values[0] = db_uuid(&page->team);
	values[1] = db_time(page->from_us);
	values[2] = db_uuid(&page->from_id);
	values[3] = db_bool(page->with_admin_rows);
	values[4] = db_bool(types->count == 0);
	values[5] = db_words(types->values, types->count);
	values[6] = db_bool(actions->count == 0);
	values[7] = db_words(actions->values, actions->count);
	values[8] = db_int((int64_t)query->paging.limit + 1);
	values[9] = db_time(page->edge_us);
	values[10] = db_uuid(&page->edge_id);
}

static void add_text(struct buf *out, const char *name, struct str value)
{
	json_add_member(out, name, utf8_cut(value, MAX_TEXT));
}

static void add_text_unless_empty(struct buf *out, const char *name, struct str value)
{
	if (value.len)
		add_text(out, name, value);
}

struct str page_metadata(struct str stored)
{
	cJSON *object = NULL;
	bool is_shown;

	if (json_parse_foreign(stored, MAX_METADATA, &object, NULL) < 0)
		return STR("");
	is_shown = cJSON_IsObject(object) && object->child;
	cJSON_Delete(object);
	return is_shown ? stored : STR("");
}

/* As it is stored, with every digit. */
static void add_metadata(struct buf *out, struct str stored)
{
	struct str shown = page_metadata(stored);

	if (shown.len) {
		json_add_name(out, "metadata");
		json_add_parsed(out, shown);
	}
}

/* The event that made the row, if any. */
static void add_event(struct buf *out, const struct uuid *row)
{
	struct stream_id event;
	char text[STREAM_ID_TEXT_SIZE];

	if (!row_id_event(row, &event))
		return;
	stream_id_format(event, text);
	json_add_member(out, "event_id", str_of(text));
}

/* The table has four severities, the API two outcomes (contract e.4). */
static const char *outcome_of(struct str severity)
{
	return str_is(severity, "error") ? "failure" : "success";
}

/* The dashboard supports these four words. Other programs may have stored others. */
static const char *known_severity(struct str severity)
{
	static const char *const words[] = { "success", "warning", "error" };

	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		if (str_is(severity, words[i]))
			return words[i];
	}
	return "info";
}

const char *page_status(const struct page *page, struct str severity)
{
	return page->with_stored_words ? known_severity(severity) : outcome_of(severity);
}

void page_add_item(struct page *page, const struct db_row *row, int fraction_digits)
{
	struct buf *out = &page->json;
	struct uuid id = row_uuid(row, 0);
	struct str severity = row_text(row, 8);
	char id_text[ID_TEXT_SIZE];
	char time_text[RFC3339_TEXT_SIZE];

	id_format(ID_AUDIT, &id, id_text);
	rfc3339_format(row_time(row, 10), fraction_digits, time_text);

	buf_add_char(out, '{');
	json_add_member(out, "id", str_of(id_text));
	add_text(out, "actor_type", row_text(row, 1));
	add_text_unless_empty(out, "actor_id", row_text(row, 2));
	add_text_unless_empty(out, "actor_name", row_text(row, 3));
	add_text(out, "resource_type", row_text(row, 4));
	add_text_unless_empty(out, "resource_id", row_text(row, 5));
	add_text(out, "action", row_text(row, 6));
	add_text(out, "scope", row_text(row, 7));
	json_add_member(out, "status", str_of(page_status(page, severity)));
	add_text(out, "severity", severity);
	add_metadata(out, row_text(row, 9));
	add_event(out, &id);
	json_add_member(out, "created_at", str_of(time_text));
	buf_add_char(out, '}');
}

static int on_row(const struct db_row *row, void *arg)
{
	struct page *page = arg;

	if (page->rows == page->query.paging.limit || page->json.len > MAX_PAGE) {
		page->has_more = true;
		return 0;
	}
	if (page->add_row) {
		page->add_row(page, row);
	} else {
		buf_add_text(&page->json, page->rows > 0 ? "," : "");
		page_add_item(page, row, 0);
	}
	page->rows++;
	page->last_us = row_time(row, 10);
	page->last_id = row_uuid(row, 0);
	return page->json.err;
}

static int on_newest(const struct db_row *row, void *arg)
{
	int64_t *newest_us = arg;

	if (row_time(row, 0) > *newest_us)
		*newest_us = row_time(row, 0);
	return 0;
}

/* Rows of other types before the first that is asked for are not read. */
static int find_first(struct db *db, struct page *page)
{
	const struct page_query *query = &page->query;
	int64_t newest_us = 0; /* none */
	int rc = 0;

	page->from_us = query->paging.before_us;
	page->from_id = query->paging.before_id;
	for (size_t i = 0; i < query->resource_types.count && rc == 0; i++) {
		const struct db_value values[] = { db_uuid(&page->team),
						   db_text(query->resource_types.values[i]),
						   db_time(page->from_us) };

		rc = db_run_now(db, &select_newest, values, ARRAY_LEN(values), on_newest,
				&newest_us, NULL);
	}
	if (query->resource_types.count > 0 && newest_us < page->from_us) {
		page->from_us = newest_us;
		memset(page->from_id.bytes, 0xff, sizeof(page->from_id.bytes));
	}
	return rc;
}

static int on_edge(const struct db_row *row, void *arg)
{
	struct page *page = arg;

	if (page->edge_rows++ == 0) {
		page->edge_us = row_time(row, 0);
		page->edge_id = row_uuid(row, 1);
	}
	return 0;
}

/* Without an edge the page may read to the end of the trail. */
static int find_edge(struct db *db, struct page *page)
{
	const struct page_query *query = &page->query;
	const struct db_value values[] = { db_uuid(&page->team), db_time(page->from_us),
					   db_uuid(&page->from_id) };

	page->edge_rows = 0;
	page->edge_us = 0;
	page->edge_id = (struct uuid){ .bytes = { 0 } };
	if (page->with_admin_rows && query->resource_types.count == 0 && query->actions.count == 0)
		return 0;
	return db_run_now(db, &select_edge, values, ARRAY_LEN(values), on_edge, page, NULL);
}

static void add_cursor(struct page *page)
{
	char time_text[RFC3339_TEXT_SIZE];
	char id_text[ID_TEXT_SIZE];

	/* Six digits, as in the rows: a cursor with fewer would skip rows (W15). */
	rfc3339_format(page->last_us, 6, time_text);
	id_format(ID_AUDIT, &page->last_id, id_text);
	json_add_member(&page->json, "next_before", str_of(time_text));
	json_add_member(&page->json, "next_before_id", str_of(id_text));
}

static void end_list(struct page *page)
{
	buf_add_char(&page->json, ']');
	if (page->has_more)
		add_cursor(page);
	buf_add_char(&page->json, '}');
}

void page_init(struct page *page)
{
	buf_init(&page->json, MAX_PAGE + MAX_ROW);
}

int page_read(struct db *db, struct page *page)
{
	struct db_value values[PAGE_VALUES];

	buf_reset(&page->json);
	page->rows = 0;
	page->has_more = false;
	buf_add_text(&page->json, page->add_row ? page->begin : "{\"items\":[");
	buf_add_text(&page->json, page->add_row ? page->head : "");

	int rc = find_first(db, page);

	if (rc == 0)
		rc = find_edge(db, page);
	if (rc < 0)
		return rc;
	page_bind(page, values);
	rc = db_run_now(db, &page_statement, values, PAGE_VALUES, on_row, page, NULL);

	if (rc < 0)
		return rc;
	if (!page->has_more && page->edge_rows > 1) {
		page->has_more = true;
		page->last_us = page->edge_us;
		page->last_id = page->edge_id;
	}
	if (!page->add_row)
		end_list(page);
	return page->json.err;
}

void page_done(struct page *page)
{
	page_query_done(&page->query);
	buf_done(&page->json);
}
