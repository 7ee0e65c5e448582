/* SPDX-License-Identifier: Apache-2.0 */

/* Every type of value goes in and comes out the same on both engines; what does not fit is refused.
 */
#include "fixture.h"
#include "tests/support/heap.h"

#define LONG_TEXT_LEN (300 * 1024)

static const struct db_query make_table = {
	.sql = "CREATE TABLE things (number bigint, small integer, yes boolean, words text, "
	       "id uuid, seen timestamptz, doc jsonb, list text[], bytes bytea, ratio float8)",
	.sqlite = "CREATE TABLE things (number INTEGER, small INTEGER, yes INTEGER, words TEXT, "
		  "id TEXT, seen TEXT, doc TEXT, list TEXT, bytes BLOB, ratio REAL)",
};
static const struct db_query add_thing = {
	.sql = "INSERT INTO things (number, small, yes, words, id, seen, doc, list, bytes) "
	       "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
};
static const struct db_query get_things = {
	.sql = "SELECT number, small, yes, words, id, seen, doc, list, bytes FROM things",
};

struct thing {
	int64_t number;
	int64_t small;
	bool yes;
	char text[64];
	struct uuid id;
	int64_t seen;
	char doc[64];
	struct buf list;
	char bytes[16];
	size_t bytes_len;
	int rows;
	int nulls;
};

static void copy(char *to, size_t size, struct str from)
{
	cr_assert(from.len < size);
	memcpy(to, from.at, from.len);
	to[from.len] = '\0';
}

static void add_word(struct str word, void *arg)
{
	struct buf *list = arg;

	buf_add_char(list, '<');
	buf_add_str(list, word);
	buf_add_char(list, '>');
}

static int take_thing(const struct db_row *row, void *arg)
{
	struct thing *thing = arg;

	thing->rows++;
	for (int i = 0; i < 9; i++)
		thing->nulls += row_is_null(row, i);
	thing->number = row_int(row, 0);
	thing->small = row_int(row, 1);
	thing->yes = row_bool(row, 2);
	copy(thing->text, sizeof(thing->text), row_text(row, 3));
	thing->id = row_uuid(row, 4);
	thing->seen = row_time(row, 5);
	copy(thing->doc, sizeof(thing->doc), row_text(row, 6));
	row_words(row, 7, add_word, &thing->list);
	struct str bytes = row_blob(row, 8);
	cr_assert(bytes.len <= sizeof(thing->bytes));
	memcpy(thing->bytes, bytes.at, bytes.len);
	thing->bytes_len = bytes.len;
	return 0;
}

static const struct uuid some_id = { .bytes = { 0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef,
						0xfe, 0xdc, 0xba, 0x98, 0x76, 0x54, 0x32, 0x10 } };

static const struct str words[] = { STR("plain"),       STR("with \"quotes\""),
				    STR("back\\slash"), STR("a,b{c}"),
				    STR("NULL"),        STR(""),
				    STR("  spaces "),   STR("\xc3\xa4\n") };

static int round_trip(struct db *db, void *arg)
{
	const struct db_value values[] = {
		db_int(INT64_MIN),
		db_int(-7),
		db_bool(true),
		db_text(STR("it's \"\xe2\x82\xac\" $1 \\ ?1")),
		db_uuid(&some_id),
		db_time(1779598928123456),
		db_json(STR("{\"a\": [1, \"x\"]}")),
		db_words(words, ARRAY_LEN(words)),
		db_blob((struct str){ .at = "\0\x01\xff\\x41'", .len = 7 }),
	};
	int64_t changed = -1;
	int rc = db_run(db, &add_thing, values, ARRAY_LEN(values), NULL, NULL, &changed);

	if (!rc)
		rc = db_run_now(db, &get_things, NULL, 0, take_thing, arg, NULL);
	cr_expect_eq(changed, 1);
	return rc;
}

static int create_things(struct db *db, void *arg)
{
	(void)arg;
	return db_run_now(db, &make_table, NULL, 0, NULL, NULL, NULL);
}

TEST_BOTH(values, come_back_as_they_went_in)
{
	struct thing thing = { .rows = 0 };

	buf_init(&thing.list, 1024);
	cr_assert_eq(run_script(database, create_things, NULL), 0);
	cr_assert_eq(run_script(database, round_trip, &thing), 0);
	cr_expect_eq(thing.rows, 1);
	cr_expect_eq(thing.nulls, 0);
	cr_expect_eq(thing.number, INT64_MIN);
	cr_expect_eq(thing.small, -7);
	cr_expect(thing.yes);
	cr_expect_str_eq(thing.text, "it's \"\xe2\x82\xac\" $1 \\ ?1");
	cr_expect(uuid_eq(&thing.id, &some_id));
	cr_expect_eq(thing.seen, 1779598928123456);
	cr_expect_str_eq(thing.doc, "{\"a\": [1, \"x\"]}");
	cr_expect_str_eq(buf_text(&thing.list),
			 "<plain><with \"quotes\"><back\\slash><a,b{c}><NULL><><  spaces >"
			 "<\xc3\xa4\n>");
	cr_expect_eq(thing.bytes_len, 7);
	cr_expect_arr_eq(thing.bytes, "\0\x01\xff\\x41'", 7);
	buf_done(&thing.list);
}

static int round_trip_nulls(struct db *db, void *arg)
{
	const struct db_value values[9] = { db_null(), db_null(), db_null(),
					    db_text_or_null(STR("")) };
	int rc = db_run(db, &add_thing, values, ARRAY_LEN(values), NULL, NULL, NULL);

	return rc ? rc : db_run_now(db, &get_things, NULL, 0, take_thing, arg, NULL);
}

TEST_BOTH(values, null_reads_as_zero_and_empty)
{
	struct thing thing = { .rows = 0, .number = 9, .seen = 9 };

	buf_init(&thing.list, 1024);
	cr_assert_eq(run_script(database, create_things, NULL), 0);
	cr_assert_eq(run_script(database, round_trip_nulls, &thing), 0);
	cr_expect_eq(thing.nulls, 9);
	cr_expect_eq(thing.number, 0);
	cr_expect_not(thing.yes);
	cr_expect_str_eq(thing.text, "");
	cr_expect(uuid_is_zero(&thing.id));
	cr_expect_eq(thing.seen, 0);
	cr_expect_eq(thing.list.len, 0);
	cr_expect_eq(thing.bytes_len, 0);
	buf_done(&thing.list);
}

static int round_trip_empty(struct db *db, void *arg)
{
	const struct db_value values[] = {
		db_int(0),        db_int(0),         db_bool(0),
		db_text(STR("")), db_null(),         db_time(0),
		db_null(),        db_words(NULL, 0), db_blob((struct str){ .at = NULL })
	};
	int rc = db_run(db, &add_thing, values, ARRAY_LEN(values), NULL, NULL, NULL);

	return rc ? rc : db_run_now(db, &get_things, NULL, 0, take_thing, arg, NULL);
}

TEST_BOTH(values, empty_is_not_null)
{
	struct thing thing = { .rows = 0 };

	buf_init(&thing.list, 1024);
	cr_assert_eq(run_script(database, create_things, NULL), 0);
	cr_assert_eq(run_script(database, round_trip_empty, &thing), 0);
	cr_expect_eq(thing.nulls, 2);
	cr_expect_eq(thing.list.len, 0);
	buf_done(&thing.list);
}

/* ---- values that are refused --------------------------------------------------------------- */

static const struct db_query echo_text = { .sql = "SELECT $1::text", .sqlite = "SELECT $1" };

static int echo(struct db *db, void *arg)
{
	return db_run_now(db, &echo_text, arg, 1, NULL, NULL, NULL);
}

TEST_BOTH(values, refuses_what_an_engine_would_cut_or_misread)
{
	const struct str bad_word = STR("a\0b");
	const struct {
		const char *what;
		struct db_value value;
	} cases[] = {
		{ "NUL in text", db_text(STR("a\0b")) },
		{ "NUL in JSON", db_json(STR("\"\0\"")) },
		{ "NUL in a word", db_words(&bad_word, 1) },
		{ "not UTF-8", db_text(STR("\xff\xfe")) },
		{ "overlong UTF-8", db_text(STR("\xc0\x80")) },
		{ "surrogate", db_text(STR("\xed\xa0\x80")) },
		{ "year 10000", db_time(INT64_C(253402300800000000)) },
		{ "before year 1", db_time(INT64_C(-62135596800000001)) },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		cr_expect_eq(run_script(database, echo, (void *)&cases[i].value), -EINVAL, "%s",
			     cases[i].what);
}

static int run_with_65(struct db *db, void *arg)
{
	struct db_value values[65];

	(void)arg;
	for (size_t i = 0; i < ARRAY_LEN(values); i++)
		values[i] = db_int(1);
	return db_run_now(db, &echo_text, values, ARRAY_LEN(values), NULL, NULL, NULL);
}

TEST_BOTH(values, refuses_more_than_64)
{
	cr_expect_eq(run_script(database, run_with_65, NULL), -EINVAL);
}

static int run_with_none(struct db *db, void *arg)
{
	(void)arg;
	return db_run_now(db, &echo_text, NULL, 0, NULL, NULL, NULL);
}

TEST_BOTH(values, refuses_a_missing_parameter)
{
	cr_expect_eq(run_script(database, run_with_none, NULL), -EIO);
}

static int take_len(const struct db_row *row, void *arg)
{
	*(size_t *)arg = row_text(row, 0).len;
	return 0;
}

static int echo_long(struct db *db, void *arg)
{
	static char text[LONG_TEXT_LEN];
	const struct db_value value = db_text((struct str){ .at = text, .len = sizeof(text) });

	memset(text, 'x', sizeof(text));
	return db_run_now(db, &echo_text, &value, 1, take_len, arg, NULL);
}

TEST_BOTH(values, long_text_is_not_cut)
{
	size_t len = 0;

	cr_assert_eq(run_script(database, echo_long, &len), 0);
	cr_expect_eq(len, LONG_TEXT_LEN);
}

/* ---- rows of another form ---------------------------------------------------------------------
 */

enum reader { AS_INT, AS_BOOL, AS_TEXT, AS_UUID, AS_TIME, AS_WORDS, AS_BLOB };

static void ignore_word(struct str word, void *arg)
{
	(void)word;
	(void)arg;
}

static int read_as(const struct db_row *row, void *arg)
{
	switch (*(enum reader *)arg) {
	case AS_INT:
		cr_expect_eq(row_int(row, 0), 0);
		break;
	case AS_BOOL:
		cr_expect_eq(row_bool(row, 0), false);
		break;
	case AS_TEXT:
		cr_expect_eq(row_text(row, 0).len, 0);
		break;
	case AS_UUID:
		(void)row_uuid(row, 0);
		break;
	case AS_TIME:
		cr_expect_eq(row_time(row, 0), 0);
		break;
	case AS_WORDS:
		row_words(row, 0, ignore_word, NULL);
		break;
	case AS_BLOB:
		cr_expect_eq(row_blob(row, 0).len, 0);
		break;
	}
	return 0;
}

static const struct misfit {
	struct db_query query;
	enum reader reader;
} misfits[] = {
	{ { .sql = "SELECT 'x'" }, AS_INT },
	{ { .sql = "SELECT 'x'" }, AS_BOOL },
	{ { .sql = "SELECT 1.5::float8", .sqlite = "SELECT 1.5" }, AS_INT },
	{ { .sql = "SELECT 99999999999999999999" }, AS_INT },
	{ { .sql = "SELECT 2" }, AS_BOOL },
	{ { .sql = "SELECT 1" }, AS_TEXT },
	{ { .sql = "SELECT now()", .sqlite = "SELECT x'00'" }, AS_TEXT },
	{ { .sql = "SELECT 'x'", .sqlite = "SELECT CAST(x'ff' AS TEXT)" }, AS_UUID },
	{ { .sql = "SELECT 1", .sqlite = "SELECT CAST(x'ff41' AS TEXT)" }, AS_TEXT },
	{ { .sql = "SELECT 1", .sqlite = "SELECT CAST(x'410041' AS TEXT)" }, AS_TEXT },
	{ { .sql = "SELECT 1", .sqlite = "SELECT '0123'" }, AS_UUID },
	{ { .sql = "SELECT 'infinity'::timestamptz", .sqlite = "SELECT 'tomorrow'" }, AS_TIME },
	{ { .sql = "SELECT 1" }, AS_TIME },
	{ { .sql = "SELECT '0044-03-15 BC'::timestamptz", .sqlite = "SELECT ''" }, AS_TIME },
	{ { .sql = "SELECT 1" }, AS_WORDS },
	{ { .sql = "SELECT '{a,NULL}'::text[]", .sqlite = "SELECT '[\"a\",null]'" }, AS_WORDS },
	{ { .sql = "SELECT '{{a},{b}}'::text[]", .sqlite = "SELECT '[[\"a\"]]'" }, AS_WORDS },
	{ { .sql = "SELECT '[0:1]={a,b}'::text[]", .sqlite = "SELECT '{\"a\":1}'" }, AS_WORDS },
	{ { .sql = "SELECT '{1}'::int[]", .sqlite = "SELECT '[1]'" }, AS_WORDS },
	{ { .sql = "SELECT array[repeat('x', 70000)]",
	    .sqlite = "SELECT '[\"' || hex(zeroblob(40000)) || '\"]'" },
	  AS_WORDS },
	{ { .sql = "SELECT 'x'" }, AS_BLOB },
	{ { .sql = "SELECT 1" }, AS_BLOB },
};

static int read_misfit(struct db *db, void *arg)
{
	const struct misfit *misfit = arg;

	return db_run_now(db, &misfit->query, NULL, 0, read_as, (void *)&misfit->reader, NULL);
}

TEST_BOTH(rows, of_another_form_fail_the_statement)
{
	for (size_t i = 0; i < ARRAY_LEN(misfits); i++)
		cr_expect_eq(run_script(database, read_misfit, (void *)&misfits[i]), -EBADMSG,
			     "case %zu: %s", i, misfits[i].query.sql);
}

static int stop_at_two(const struct db_row *row, void *arg)
{
	(void)row;
	return ++*(int *)arg == 2 ? -ECHILD : 0;
}

static const struct db_query three_rows = {
	.sql = "SELECT 1 UNION ALL SELECT 2 UNION ALL SELECT 3"
};

static int stop_early(struct db *db, void *arg)
{
	return db_run_now(db, &three_rows, NULL, 0, stop_at_two, arg, NULL);
}

TEST_BOTH(rows, the_callback_may_stop_the_statement)
{
	int rows = 0;

	cr_expect_eq(run_script(database, stop_early, &rows), -ECHILD);
	cr_expect_eq(rows, 2);
}

/* ---- out of memory ------------------------------------------------------------------------- */

static const struct db_query echo_all = {
	.sql = "SELECT $1::uuid, $2::timestamptz, $3::text[], $4::text",
	.sqlite = "SELECT $1, $2, $3, $4"
};

/* Every allocation of the statement fails in turn. */
static int echo_without_memory(struct db *db, void *arg)
{
	const struct str pair[] = { STR("a"), STR("b") };
	const struct db_value values[] = { db_uuid(&some_id), db_time(1), db_words(pair, 2),
					   db_text(STR("text")) };
	int *failures = arg;

	for (unsigned n = 0;; n++) {
		heap_fail_after(n);
		int rc = db_run_now(db, &echo_all, values, ARRAY_LEN(values), NULL, NULL, NULL);
		if (!heap_recover())
			return rc;
		cr_expect_eq(rc, -ENOMEM, "allocation %u: %d", n, rc);
		db->engine->rollback(db);
		cr_assert_eq(db->engine->begin(db, true), 0);
		(*failures)++;
	}
}

/* -EINVAL would blame the values, and the event they came from would be given up. */
TEST_BOTH(values, out_of_memory_blames_no_value)
{
	int failures = 0;

	cr_expect_eq(run_script(database, echo_without_memory, &failures), 0);
	cr_expect(failures > 0);
}
