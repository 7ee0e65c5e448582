/* SPDX-License-Identifier: Apache-2.0 */

/* The query of the endpoints: where to begin and how long to wait. */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>

#include "sse/query.h"

#define NOW_MS INT64_C(1779598928123)

static const struct str no_header = { .at = NULL };

static const struct {
	const char *query;
	enum start start;
	struct stream_id cursor;
} good[] = {
	{ "", START_NOW, { 0, 0 } },
	{ "unknown=1&x", START_NOW, { 0, 0 } },
	{ "last_event_id=5-7", START_ID, { 5, 7 } },
	{ "last_event_id=0-0", START_ID, { 0, 0 } },
	{ "last_event_id=18446744073709551615-18446744073709551615",
	  START_ID,
	  { UINT64_MAX, UINT64_MAX } },
	{ "since=earliest", START_EARLIEST, { 0, 0 } },
	{ "since=90s", START_TIME, { 1779598838122, UINT64_MAX } },
	{ "since=10m", START_TIME, { 1779598328122, UINT64_MAX } },
	{ "since=2h", START_TIME, { 1779591728122, UINT64_MAX } },
	{ "since=0s", START_TIME, { 1779598928122, UINT64_MAX } },
	{ "since=2026-05-24T05%3A02%3A08Z", START_TIME, { 1779598927999, UINT64_MAX } },
	{ "since=2026-05-24T07:02:08%2B02:00", START_TIME, { 1779598927999, UINT64_MAX } },
	{ "since=2026-05-24T05:02:08.123456Z", START_TIME, { 1779598928122, UINT64_MAX } },
	{ "since=1960-01-01T00:00:00Z", START_TIME, { 0, 0 } },
	{ "since=3650d", START_TIME, { 1464238928122, UINT64_MAX } },
};

Test(query, says_where_to_begin)
{
	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		struct stream_query query;
		struct reason why = { .text = "" };

		cr_assert_eq(
			stream_query_parse(str_of(good[i].query), no_header, NOW_MS, &query, &why),
			0, "%s: %s", good[i].query, why.text);
		cr_expect_eq(query.start, good[i].start, "%s", good[i].query);
		cr_expect_eq(stream_id_compare(query.cursor, good[i].cursor), 0, "%s: %lu-%lu",
			     good[i].query, query.cursor.ms, query.cursor.seq);
		cr_expect_null(query.filter);
		cr_expect_lt(query.timeout_s, 55, "a proxy would cut it at 60");
	}
}

static const struct {
	const char *query;
	const char *field;
} bad[] = {
	{ "last_event_id=", "last_event_id" },
	{ "last_event_id", "last_event_id" },
	{ "last_event_id=5", "last_event_id" },
	{ "last_event_id=5-", "last_event_id" },
	{ "last_event_id=-5", "last_event_id" },
	{ "last_event_id=5-5-5", "last_event_id" },
	{ "last_event_id=%205-5", "last_event_id" },
	{ "last_event_id=$", "last_event_id" },
	{ "last_event_id=18446744073709551616-0", "last_event_id" },
	{ "last_event_id=1-1&last_event_id=1-1", "last_event_id" },
	{ "since=", "since" },
	{ "since=90", "since" },
	{ "since=s", "since" },
	{ "since=-5m", "since" },
	{ "since=99999999999999999999d", "since" },
	{ "since=Earliest", "since" },
	{ "since=2026-05-24T05:02:08", "since" },
	{ "since=2026-05-24T07:02:08+02:00", "since" }, /* "+" decodes to a space */
	{ "since=2026-13-24T05:02:08Z", "since" },
	{ "since=1m&since=1m", "since" },
	{ "since=1m&last_event_id=1-1", "since" },
	{ "last_event_id=1-1&since=earliest", "since" },
	{ "timeout=", "timeout" },
	{ "timeout=0", "timeout" },
	{ "timeout=601", "timeout" },
	{ "timeout=-1", "timeout" },
	{ "timeout=1.5", "timeout" },
	{ "timeout=60s", "timeout" },
	{ "timeout=99999999999999999999999", "timeout" },
	{ "timeout=1&timeout=1", "timeout" },
	{ "event=", "event" },
	{ "event=host.up&event=host.sideways", "event" },
	{ "resource=", "resource" },
	{ "outcome=", "outcome" },
	{ "outcome=fine", "outcome" },
};

Test(query, refuses_what_is_malformed_and_names_the_parameter)
{
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct stream_query query;
		struct reason why = { .text = "" };

		cr_expect_eq(
			stream_query_parse(str_of(bad[i].query), no_header, NOW_MS, &query, &why),
			-EINVAL, "%s", bad[i].query);
		cr_expect_str_eq(why.field, bad[i].field, "%s: %s", bad[i].query, why.text);
		cr_expect_neq(why.text[0], '\0');
	}
}

Test(query, refuses_escapes_that_are_none)
{
	static const char *const queries[] = { "since=%", "since=%zz", "event=%00", "x=%ff" };

	for (size_t i = 0; i < ARRAY_LEN(queries); i++) {
		struct stream_query query;

		cr_expect_eq(
			stream_query_parse(str_of(queries[i]), no_header, NOW_MS, &query, NULL),
			-EINVAL, "%s", queries[i]);
	}
}

Test(query, lets_the_header_win)
{
	struct stream_query query;

	cr_assert_eq(stream_query_parse(STR("since=1m"), STR("9-9"), NOW_MS, &query, NULL), 0);
	cr_expect_eq(query.start, START_ID);
	cr_expect_eq(query.cursor.ms, 9);
	cr_assert_eq(stream_query_parse(STR("last_event_id=1-1"), STR("9-9"), NOW_MS, &query, NULL),
		     0);
	cr_expect_eq(query.cursor.ms, 9);
}

/* Clients without a cursor send it empty. */
Test(query, takes_an_empty_header_for_none)
{
	struct stream_query query;

	cr_assert_eq(stream_query_parse(STR(""), STR(""), NOW_MS, &query, NULL), 0);
	cr_expect_eq(query.start, START_NOW);
	cr_assert_eq(stream_query_parse(STR("last_event_id=1-1"), STR(""), NOW_MS, &query, NULL),
		     0);
	cr_expect_eq(query.start, START_ID);
}

Test(query, refuses_a_malformed_header)
{
	static const char *const headers[] = { "x", "1", "1-1x", "1--1", "\"1-1\"" };

	for (size_t i = 0; i < ARRAY_LEN(headers); i++) {
		struct stream_query query;
		struct reason why = { .text = "" };

		cr_expect_eq(stream_query_parse(STR(""), str_of(headers[i]), NOW_MS, &query, &why),
			     -EINVAL, "\"%s\"", headers[i]);
		cr_expect_str_eq(why.field, "Last-Event-ID");
	}
}

Test(query, gathers_repeated_filters)
{
	struct stream_query query;

	cr_assert_eq(stream_query_parse(STR("event=host.up&event=capsule.*,host.down&resource=a%26b"
					    "&outcome=error&outcome=success&timeout=600"),
					no_header, NOW_MS, &query, NULL),
		     0);
	cr_expect_eq(query.timeout_s, 600);
	cr_expect(
		filter_lets_through(query.filter, EVENT_CAPSULE_PAUSE, OUTCOME_ERROR, STR("a&b")));
	cr_expect_not(filter_lets_through(query.filter, EVENT_SNAPSHOT_CREATE, OUTCOME_ERROR,
					  STR("a&b")));
	cr_expect_not(
		filter_lets_through(query.filter, EVENT_CAPSULE_PAUSE, OUTCOME_ERROR, STR("a")));
	free(query.filter);
}
