/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Reads deliveries and writes them as JSON while the rows come in (contract o.13).
 *
 * A page reads one row more than asked for. If that row is there, the answer has a cursor, with
 * the six digits of the rows. No index serves some filters. Then a page looks at 10,000 rows at
 * most, and may have fewer items than asked for, or none, and still a cursor. No row can break a
 * page: long text is cut, and a payload that is not JSON is left out.
 */
#include "views/deliveries.h"

#include "core/id.h"
#include "core/json.h"
#include "core/rfc3339.h"
#include "providers/provider.h"

#define MAX_PAYLOAD ((size_t)256 * 1024)
#define ITEM_COLUMNS                                                                         \
	"id, channel_id, stream_id, event, outcome, resource, state, attempts, created_at, " \
	"delivered_at, next_attempt_at, last_status, last_error, digest_id, "                \
	"instead_of, note, held_until"

enum column {
	COLUMN_ID,
	COLUMN_CHANNEL,
	COLUMN_STREAM_ID,
	COLUMN_EVENT,
	COLUMN_OUTCOME,
	COLUMN_RESOURCE,
	COLUMN_STATE,
	COLUMN_ATTEMPTS,
	COLUMN_CREATED,
	COLUMN_DELIVERED,
	COLUMN_NEXT,
	COLUMN_STATUS,
	COLUMN_ERROR,
	COLUMN_DIGEST,
	COLUMN_INSTEAD_OF,
	COLUMN_NOTE,
	COLUMN_HELD,
	COLUMN_PAYLOAD
};

/* The rows from one place in the order of the list up to another, without the later place. */
#define BETWEEN                                                                  \
	"FROM deliveries WHERE channel_id = $1 AND (created_at, id) < ($2, $3) " \
	"AND (created_at, id) >= ($4, $5) "
#define NEWEST_FIRST "ORDER BY created_at DESC, id DESC "
/* The rest of each is the condition of the partial index deliveries_state. */
#define OF_STATE        "AND state = $6 AND state <> 'delivered' "
#define OF_STATE_SQLITE OF_STATE "AND state <> 'pending' "

/* Along the index (channel_id, created_at, id). */
static const struct db_query select_page = {
	.sql = "SELECT " ITEM_COLUMNS " " BETWEEN "AND ($7 OR state = ANY($8)) "
	       "AND ($9 OR event = ANY($10)) " NEWEST_FIRST "LIMIT $6",
	.sqlite =
		"SELECT " ITEM_COLUMNS " " BETWEEN
		"AND ($7 OR state IN (SELECT value FROM json_each($8))) "
		"AND ($9 OR event IN (SELECT value FROM json_each($10))) " NEWEST_FIRST "LIMIT $6",
};
/* Along the index (channel_id, state, created_at, id). */
static const struct db_query select_page_of_state = {
	.sql = "SELECT " ITEM_COLUMNS " " BETWEEN OF_STATE
	       "AND ($8 OR event = ANY($9)) " NEWEST_FIRST "LIMIT $7",
	.sqlite = "SELECT " ITEM_COLUMNS " " BETWEEN OF_STATE_SQLITE
		  "AND ($8 OR event IN (SELECT value FROM json_each($9))) " NEWEST_FIRST "LIMIT $7",
};
/* The last row that one request looks at, and the one after it. */
static const struct db_query select_edge = {
	.sql = "SELECT created_at, id " BETWEEN NEWEST_FIRST "LIMIT 2 OFFSET 9999",
};
static const struct db_query select_edge_of_state = {
	.sql = "SELECT created_at, id " BETWEEN OF_STATE NEWEST_FIRST "LIMIT 2 OFFSET 9999",
	.sqlite =
		"SELECT created_at, id " BETWEEN OF_STATE_SQLITE NEWEST_FIRST "LIMIT 2 OFFSET 9999",
};
static const struct db_query select_one = {
	.sql = "SELECT " ITEM_COLUMNS ", payload FROM deliveries WHERE id = $1 AND team_id = $2",
};
static const struct db_query select_attempts = {
	.sql = "SELECT 1 AS number, first_started_at, first_duration_us, first_status, "
	       "first_verdict, first_detail FROM deliveries "
	       "WHERE id = $1 AND first_started_at IS NOT NULL UNION ALL "
	       "SELECT number, started_at, duration_us, status, verdict, detail "
	       "FROM delivery_attempts WHERE delivery_id = $1 ORDER BY number LIMIT 300",
};
static const struct db_query select_folded = {
	.sql = "SELECT event, outcome, count(*) FROM deliveries WHERE digest_id = $1 "
	       "GROUP BY event, outcome ORDER BY 3 DESC, 1, 2",
};

/* A retry may come later than the end of an earlier hold. */
static void add_next(struct buf *out, int64_t next_us, int64_t held_us)
{
	field_add_time(out, "next_attempt_at", next_us);
	if (held_us == next_us)
		field_add_time(out, "held_until", held_us);
}

/* Everything except `attempts` and the closing brace. */
static void open_item(struct buf *out, const struct db_row *row)
{
	const struct uuid id = row_uuid(row, COLUMN_ID);
	const struct uuid channel = row_uuid(row, COLUMN_CHANNEL);
	const struct uuid digest = row_uuid(row, COLUMN_DIGEST);
	const struct uuid instead_of = row_uuid(row, COLUMN_INSTEAD_OF);
	char text[ID_TEXT_SIZE];

	buf_add_char(out, '{');
	field_add_uuid(out, "id", &id);
	id_format(ID_CHANNEL, &channel, text);
	json_add_member(out, "channel_id", str_of(text));
	json_add_member(out, "event_id", row_text(row, COLUMN_STREAM_ID));
	json_add_member(out, "event", row_text(row, COLUMN_EVENT));
	field_add_text(out, "outcome", row_text(row, COLUMN_OUTCOME));
	field_add_text(out, "resource", row_text(row, COLUMN_RESOURCE));
	json_add_member(out, "state", row_text(row, COLUMN_STATE));
	field_add_time(out, "created_at", row_time(row, COLUMN_CREATED));
	field_add_time(out, "delivered_at", row_time(row, COLUMN_DELIVERED));
	if (str_is(row_text(row, COLUMN_STATE), "pending"))
		add_next(out, row_time(row, COLUMN_NEXT), row_time(row, COLUMN_HELD));
	if (!row_is_null(row, COLUMN_STATUS))
		field_add_number(out, "last_status", row_int(row, COLUMN_STATUS));
	field_add_text(out, "last_error", row_text(row, COLUMN_ERROR));
	if (!row_is_null(row, COLUMN_DIGEST))
		field_add_uuid(out, "digest_id", &digest);
	if (row_is_null(row, COLUMN_INSTEAD_OF))
		return;
	id_format(ID_CHANNEL, &instead_of, text);
	json_add_member(out, "instead_of", str_of(text));
	field_add_text(out, "note", row_text(row, COLUMN_NOTE));
}

/* ---- the list -------------------------------------------------------------------------------- */

/* A place in the order of the list. */
struct row_place {
	int64_t us;
	struct uuid id;
};

struct delivery_page {
	struct buf *out;
	const struct list_query *query;
	bool of_state; /* one state is asked for, and it has an index of its own */
	struct row_place before;
	struct row_place from;
	unsigned rows;
	bool has_more;
	struct row_place last;
	unsigned edge_rows;
};

static int on_item(const struct db_row *row, void *arg)
{
	struct delivery_page *page = arg;

	if (page->rows == page->query->paging.limit) {
		page->has_more = true;
		return 0;
	}
	if (page->rows++ > 0)
		buf_add_char(page->out, ',');
	open_item(page->out, row);
	field_add_number(page->out, "attempts", row_int(row, COLUMN_ATTEMPTS));
	buf_add_char(page->out, '}');
	page->last.us = row_time(row, COLUMN_CREATED);
	page->last.id = row_uuid(row, COLUMN_ID);
	return page->out->err;
}

static void add_cursor(struct buf *out, const struct row_place *place)
{
	char text[RFC3339_TEXT_SIZE];

	rfc3339_format(place->us, 6, text);
	json_add_member(out, "next_before", str_of(text));
	field_add_uuid(out, "next_before_id", &place->id);
}

static void set_bounds(struct delivery_page *page, const struct list_query *query)
{
	page->before =
		(struct row_place){ .us = query->paging.before_us, .id = query->paging.before_id };
	/* the lowest id: no row of exactly that time */
	if (query->until_us <= query->paging.before_us)
		page->before = (struct row_place){ .us = query->until_us };
	page->from = (struct row_place){ .us = query->since_us };
}

/* Rows that do not match cost time, too. A request ends after this many of them, and the next one
 * continues there. */
static bool may_pass_over(const struct delivery_page *page)
{
	return page->query->events.count > 0 || (page->query->states.count > 0 && !page->of_state);
}

static int on_edge(const struct db_row *row, void *arg)
{
	struct delivery_page *page = arg;

	if (page->edge_rows++ == 0)
		page->from = (struct row_place){ .us = row_time(row, 0), .id = row_uuid(row, 1) };
	return 0;
}

static int find_edge(struct db *db, const struct uuid *channel, struct delivery_page *page)
{
	const struct db_value values[] = {
		db_uuid(channel),          db_time(page->before.us),
		db_uuid(&page->before.id), db_time(page->from.us),
		db_uuid(&page->from.id),   db_text(page->query->states.values[0]),
	};

	if (!may_pass_over(page))
		return 0;
	if (page->of_state)
		return db_run_now(db, &select_edge_of_state, values, 6, on_edge, page, NULL);
	return db_run_now(db, &select_edge, values, 5, on_edge, page, NULL);
}

static int write_items(struct db *db, const struct uuid *channel, struct delivery_page *page)
{
	const struct list_query *query = page->query;
	struct db_value values[10] = {
		db_uuid(channel),       db_time(page->before.us), db_uuid(&page->before.id),
		db_time(page->from.us), db_uuid(&page->from.id),
	};
	size_t count = 5;

	if (page->of_state)
		values[count++] = db_text(query->states.values[0]);
	values[count++] = db_int((int64_t)query->paging.limit + 1);
	if (!page->of_state) {
		values[count++] = db_bool(query->states.count == 0);
		values[count++] = db_words(query->states.values, query->states.count);
	}
	values[count++] = db_bool(query->events.count == 0);
	values[count++] = db_words(query->events.values, query->events.count);
	return db_run_now(db, page->of_state ? &select_page_of_state : &select_page, values, count,
			  on_item, page, NULL);
}

/* On SQLite pending rows are in fewer indexes, since each is changed for every delivery. */
static bool has_index(const struct db *db, const struct list_query *query)
{
	if (query->states.count != 1 || str_is(query->states.values[0], "delivered"))
		return false;
	return !db_is_embedded(db) || !str_is(query->states.values[0], "pending");
}

int deliveries_list(struct db *db, const struct uuid *channel, const struct list_query *query,
		    struct buf *out)
{
	struct delivery_page page = { .out = out, .query = query };
	int rc;

	page.of_state = has_index(db, query);
	set_bounds(&page, query);
	buf_add_text(out, "{\"items\":[");
	rc = find_edge(db, channel, &page);
	if (rc == 0)
		rc = write_items(db, channel, &page);
	if (rc < 0)
		return rc;
	buf_add_char(out, ']');
	if (page.has_more)
		add_cursor(out, &page.last);
	else if (page.edge_rows > 1)
		add_cursor(out, &page.from);
	buf_add_char(out, '}');
	return out->err;
}

/* ---- one delivery ---------------------------------------------------------------------------- */

struct whole {
	struct buf *out;
	bool found;
	bool is_digest;
	bool with_count; /* `attempts` as a number */
	struct buf payload;
};

static int on_one(const struct db_row *row, void *arg)
{
	struct whole *whole = arg;

	whole->found = true;
	whole->is_digest = str_is(row_text(row, COLUMN_EVENT), DIGEST_EVENT);
	open_item(whole->out, row);
	field_add_number(whole->out, whole->with_count ? "attempts" : "attempt_count",
			 row_int(row, COLUMN_ATTEMPTS));
	if (!whole->with_count)
		buf_add_str(&whole->payload, row_blob(row, COLUMN_PAYLOAD));
	return whole->out->err;
}

static void separate(struct buf *out)
{
	if (out->len > 0 && out->bytes[out->len - 1] == '}')
		buf_add_char(out, ',');
}

static int on_attempt(const struct db_row *row, void *arg)
{
	struct buf *out = arg;

	separate(out);
	buf_add_char(out, '{');
	field_add_number(out, "number", row_int(row, 0));
	field_add_time(out, "started_at", row_time(row, 1));
	field_add_number(out, "duration_ms", row_int(row, 2) / 1000);
	if (!row_is_null(row, 3))
		field_add_number(out, "status", row_int(row, 3));
	json_add_member(out, "verdict", row_text(row, 4));
	field_add_text(out, "detail", row_text(row, 5));
	buf_add_char(out, '}');
	return out->err;
}

static int on_folded(const struct db_row *row, void *arg)
{
	struct buf *out = arg;

	separate(out);
	buf_add_char(out, '{');
	json_add_member(out, "event", row_text(row, 0));
	field_add_text(out, "outcome", row_text(row, 1));
	field_add_number(out, "count", row_int(row, 2));
	buf_add_char(out, '}');
	return out->err;
}

static int add_array(struct db *db, const struct db_query *query, const char *name,
		     const struct uuid *id, db_row_fn on_row, struct buf *out)
{
	const struct db_value value = db_uuid(id);
	int rc;

	json_add_name(out, name);
	buf_add_char(out, '[');
	rc = db_run_now(db, query, &value, 1, on_row, out, NULL);
	buf_add_char(out, ']');
	return rc;
}

/* The stored text, with every digit, after it has proved to be JSON. */
static void add_payload(struct buf *out, const struct buf *payload)
{
	cJSON *tree = NULL;

	if (payload->err || json_parse_foreign(buf_str(payload), MAX_PAYLOAD, &tree, NULL) < 0)
		return;
	cJSON_Delete(tree);
	json_add_name(out, "payload");
	json_add_parsed(out, buf_str(payload));
}

static int find_one(struct db *db, const struct uuid *team, const struct uuid *id,
		    struct whole *whole)
{
	const struct db_value values[] = { db_uuid(id), db_uuid(team) };

	return db_run_now(db, &select_one, values, ARRAY_LEN(values), on_one, whole, NULL);
}

int delivery_show(struct db *db, const struct uuid *team, const struct uuid *id, struct buf *out,
		  bool *found)
{
	struct whole whole = { .out = out, .with_count = true };
	int rc;

	rc = find_one(db, team, id, &whole);
	if (whole.found)
		buf_add_char(out, '}');
	*found = whole.found;
	return rc < 0 ? rc : out->err;
}

int delivery_show_whole(struct db *db, const struct uuid *team, const struct uuid *id,
			struct buf *out, bool *found)
{
	struct whole whole = { .out = out };
	int rc;

	buf_init(&whole.payload, MAX_PAYLOAD);
	rc = find_one(db, team, id, &whole);
	if (rc == 0 && whole.found)
		rc = add_array(db, &select_attempts, "attempts", id, on_attempt, out);
	if (rc == 0 && whole.is_digest)
		rc = add_array(db, &select_folded, "folded", id, on_folded, out);
	if (rc == 0 && whole.found) {
		add_payload(out, &whole.payload);
		buf_add_char(out, '}');
	}
	buf_done(&whole.payload);
	*found = whole.found;
	return rc < 0 ? rc : out->err;
}
