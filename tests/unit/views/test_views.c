/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What owners see of their deliveries and channels, over HTTP, on both stores.
 */
#include <stdio.h>
#include <stdlib.h>

#include "tests/support/view_rig.h"

static const struct rig_options options = { .strict = false };

static int count_items(struct rig *rig, const char *query)
{
	char rest[256];
	cJSON *tree;
	int count;

	snprintf(rest, sizeof(rest), "/deliveries%s", query);
	cr_assert_eq(call(rig, "GET", path_of(CHANNEL_1, rest), ""), 200, "%s: %s", query,
		     call_answer);
	tree = call_tree();
	count = cJSON_GetArraySize(json_get(tree, "items"));
	cJSON_Delete(tree);
	return count;
}

/* ---- the list ------------------------------------------------------------------------------ */

static void list_and_filter(struct rig *rig)
{
	const cJSON *item;
	cJSON *tree;

	add_quiet_channel(rig, CHANNEL_1, TEAM_A, "capsule.create");
	cr_expect_eq(count_items(rig, ""), 0);
	for (int i = 1; i <= 6; i++)
		add_row(rig, CHANNEL_1, TEAM_A, i, i <= 2 ? "failed" : "delivered");
	add_row(rig, CHANNEL_1, TEAM_A, 7, "pending");
	add_row(rig, CHANNEL_2, TEAM_A, 8, "failed");

	cr_assert_eq(call(rig, "GET", path_of(CHANNEL_1, "/deliveries"), ""), 200);
	tree = call_tree();
	item = cJSON_GetArrayItem(json_get(tree, "items"), 0);
	cr_expect_str_eq(json_get_string(item, "id"), "aaaaaaaa-0000-4000-8000-000000000007");
	cr_expect_str_eq(json_get_string(item, "event_id"), "7-0");
	cr_expect_str_eq(json_get_string(item, "event"), "capsule.create");
	cr_expect_str_eq(json_get_string(item, "state"), "pending");
	cr_expect_str_eq(json_get_string(item, "outcome"), "success");
	cr_expect_str_eq(json_get_string(item, "resource"), "cl-1");
	cr_expect_str_eq(json_get_string(item, "created_at"), "2027-01-15T07:00:07Z");
	cr_expect_str_eq(json_get_string(item, "next_attempt_at"), "2027-01-15T07:00:00Z");
	cr_expect_str_eq(json_get_string(item, "last_error"), "it said no");
	cr_expect_eq(json_get(item, "attempts")->valueint, 3);
	cr_expect_eq(json_get(item, "last_status")->valueint, 500);
	cr_expect_null(json_get(item, "payload"));
	cr_expect_null(json_get(tree, "next_before"), "there is no more");
	item = cJSON_GetArrayItem(json_get(tree, "items"), 1);
	cr_expect_null(json_get(item, "next_attempt_at"), "it is over");
	cJSON_Delete(tree);

	cr_expect_eq(count_items(rig, ""), 7);
	cr_expect_eq(count_items(rig, "?state=failed"), 2);
	cr_expect_eq(count_items(rig, "?state=failed,pending&state=folded"), 3);
	cr_expect_eq(count_items(rig, "?event=host.down"), 3);
	cr_expect_eq(count_items(rig, "?event=host.down&state=failed"), 1);
	cr_expect_eq(count_items(rig, "?event=notification.digest"), 0);
	cr_expect_eq(count_items(rig, "?since=2027-01-15T07:00:04Z"), 4);
	cr_expect_eq(count_items(rig, "?until=2027-01-15T07:00:04Z"), 3);
	cr_expect_eq(count_items(rig, "?since=59m"), 0);
	cr_expect_eq(count_items(rig, "?since=2h"), 7);
	cr_expect_eq(count_items(rig, "?limit=99999"), 7);
	cr_expect_eq(count_items(rig, "?newer_parameter=x"), 7);
}

Test(views, list_the_deliveries_of_a_channel_by_state_kind_and_time)
{
	ON_BOTH_STORES(&options, list_and_filter);
}

static void walk_pages(struct rig *rig)
{
	char query[256] = "?limit=2";
	int seen = 0;

	add_quiet_channel(rig, CHANNEL_1, TEAM_A, "capsule.create");
	/* All rows have the same time, so only the id orders them. */
	for (int i = 1; i <= 5; i++)
		add_row(rig, CHANNEL_1, TEAM_A, i, "delivered");
	rig_ask(rig, "UPDATE deliveries SET created_at = '2027-01-15T07:00:00.123456Z'");
	for (int page = 0; page < 3; page++) {
		char rest[300];
		const char *before;
		cJSON *tree;

		snprintf(rest, sizeof(rest), "/deliveries%s", query);
		cr_assert_eq(call(rig, "GET", path_of(CHANNEL_1, rest), ""), 200, "%s",
			     call_answer);
		tree = call_tree();
		seen += cJSON_GetArraySize(json_get(tree, "items"));
		before = json_get_string(tree, "next_before");
		if (page == 2) {
			cr_expect_null(before, "the last page has no cursor");
		} else {
			cr_assert_not_null(before);
			cr_expect_str_eq(before, "2027-01-15T07:00:00.123456Z");
			snprintf(query, sizeof(query), "?limit=2&before=%s&before_id=%s", before,
				 json_get_string(tree, "next_before_id"));
		}
		cJSON_Delete(tree);
	}
	cr_expect_eq(seen, 5, "every row once");
}

Test(views, walk_pages_without_losing_rows_of_the_same_moment)
{
	ON_BOTH_STORES(&options, walk_pages);
}

/* 12,000 rows of `state`, the newest first. */
static void add_thousands(struct rig *rig, const char *state)
{
	bool is_sqlite = strncmp(rig->database.url, "sqlite", 6) == 0;

	rig_ask(rig,
		"INSERT INTO deliveries (id, stream_id, stream_ms, stream_seq, team_id, "
		"channel_id, event, payload, state, next_attempt_at, created_at, updated_at) "
		"WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 12000) "
		"SELECT %s, i || '-0', i + 100, 0, team_id, channel_id, 'host.up', payload, '%s', "
		"next_attempt_at, '2027-01-15T07:30:00.000000Z', updated_at "
		"FROM deliveries, n WHERE stream_ms = 1",
		is_sqlite ? "printf('bbbbbbbb-0000-4000-8000-%012d', i)"
			  : "('bbbbbbbb-0000-4000-8000-' || lpad(i::text, 12, '0'))::uuid",
		state);
}

/* Two pages: the first finds nothing among its 10,000 rows, the second all rows that match. */
static void expect_after_one_empty(struct rig *rig, const char *filter, int count)
{
	char rest[300];
	cJSON *tree;

	snprintf(rest, sizeof(rest), "/deliveries?%s", filter);
	cr_assert_eq(call(rig, "GET", path_of(CHANNEL_1, rest), ""), 200, "%s", call_answer);
	tree = call_tree();
	cr_expect_eq(cJSON_GetArraySize(json_get(tree, "items")), 0, "%s: %s", filter, call_answer);
	cr_assert_not_null(json_get_string(tree, "next_before"), "%s", filter);
	cr_expect_str_eq(json_get_string(tree, "next_before_id"),
			 "bbbbbbbb-0000-4000-8000-000000002001", "%s", filter);
	snprintf(rest, sizeof(rest), "/deliveries?%s&before=%s&before_id=%s", filter,
		 json_get_string(tree, "next_before"), json_get_string(tree, "next_before_id"));
	cJSON_Delete(tree);
	cr_assert_eq(call(rig, "GET", path_of(CHANNEL_1, rest), ""), 200, "%s", call_answer);
	tree = call_tree();
	cr_expect_eq(cJSON_GetArraySize(json_get(tree, "items")), count, "%s: %s", filter,
		     call_answer);
	cr_expect_null(json_get(tree, "next_before"), "%s", filter);
	cJSON_Delete(tree);
}

static void expect_backlog(struct rig *rig, bool has_more)
{
	const cJSON *backlog;
	cJSON *tree;

	cr_assert_eq(call(rig, "GET", path_of(CHANNEL_1, "/health"), ""), 200, "%s", call_answer);
	tree = call_tree();
	backlog = json_get(tree, "backlog");
	cr_expect_eq(json_get(backlog, "pending")->valueint, 10000, "%s", call_answer);
	cr_expect_eq(cJSON_IsTrue(json_get(backlog, "has_more")), has_more, "%s", call_answer);
	cJSON_Delete(tree);
}

static void bound_pages(struct rig *rig)
{
	add_quiet_channel(rig, CHANNEL_1, TEAM_A, "capsule.create");
	for (int i = 1; i <= 4; i++)
		add_row(rig, CHANNEL_1, TEAM_A, i, i == 4 ? "dropped" : "failed");
	add_thousands(rig, "delivered");
	expect_after_one_empty(rig, "event=host.down", 2);
	expect_after_one_empty(rig, "state=failed,dropped", 4);
	expect_after_one_empty(rig, "state=failed,dropped&event=capsule.create", 2);
	cr_expect_eq(count_items(rig, "?state=failed"), 3, "an index serves it");
	cr_expect_eq(count_items(rig, "?state=failed&event=host.down"), 1);
	cr_expect_eq(count_items(rig, "?event=host.down&until=2027-01-15T07:00:05Z"), 2);
	cr_expect_eq(count_items(rig, "?event=host.down&since=2027-01-15T07:30:01Z"), 0);
	cr_expect_null(strstr(call_answer, "next_before"), "nothing follows");
	rig_ask(rig, "UPDATE deliveries SET state = 'failed'");
	expect_after_one_empty(rig, "state=failed&event=host.down", 2);
	rig_ask(rig, "DELETE FROM deliveries WHERE stream_ms < 100 OR stream_ms > 10100");
	cr_expect_eq(count_items(rig, "?event=host.down"), 0);
	cr_expect_null(strstr(call_answer, "next_before"), "exactly as many as one page looks at");
	rig_ask(rig, "UPDATE deliveries SET state = 'pending'");
	expect_backlog(rig, false);
	add_row(rig, CHANNEL_1, TEAM_A, 5, "pending");
	add_row(rig, CHANNEL_1, TEAM_A, 6, "pending");
	expect_backlog(rig, true);
}

Test(views, look_at_a_bounded_number_of_rows_for_a_page)
{
	ON_BOTH_STORES(&options, bound_pages);
}

static void refuse_bad_queries(struct rig *rig)
{
	static const struct {
		const char *query;
		const char *field;
	} cases[] = {
		{ "?limit=0", "limit" },
		{ "?limit=", "limit" },
		{ "?limit=-1", "limit" },
		{ "?limit=1&limit=2", "limit" },
		{ "?before=yesterday", "before" },
		{ "?before=", "before" },
		{ "?before=2027-01-15T07:00:00Z&before=2027-01-15T07:00:00Z", "before" },
		{ "?before_id=ch-1", "before_id" },
		{ "?state=lost", "state" },
		{ "?event=capsule.explode", "event" },
		{ "?event=channel.test", "event" },
		{ "?since=soon", "since" },
		{ "?since=", "since" },
		{ "?since=1h&since=2h", "since" },
		{ "?until=x", "until" },
	};

	add_quiet_channel(rig, CHANNEL_1, TEAM_A, "capsule.create");
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char rest[256];
		cJSON *tree;

		snprintf(rest, sizeof(rest), "/deliveries%s", cases[i].query);
		cr_expect_eq(call(rig, "GET", path_of(CHANNEL_1, rest), ""), 400, "%s",
			     cases[i].query);
		tree = call_tree();
		cr_expect_str_eq(
			json_get_string(json_get(json_get(tree, "error"), "details"), "field"),
			cases[i].field, "%s: %s", cases[i].query, call_answer);
		cJSON_Delete(tree);
	}
}

Test(views, refuse_parameters_that_make_no_sense)
{
	ON_BOTH_STORES(&options, refuse_bad_queries);
}

/* ---- ids, and other teams ------------------------------------------------------------------ */

static void keep_teams_apart(struct rig *rig)
{
	static const struct {
		const char *method;
		const char *path;
	} malformed[] = {
		{ "GET", "/v1/channels/ch-1/deliveries" },
		{ "GET", "/v1/channels/ch-1/health" },
		{ "POST", "/v1/channels/ch-1/recover" },
		{ "GET", "/v1/deliveries/1" },
		{ "GET", "/v1/deliveries/aaaaaaaa-0000-4000-8000-00000000000z" },
		{ "POST", "/v1/deliveries/ch-1/redeliver" },
		{ "GET", "/v1/events/1/explain" },
		{ "GET", "/v1/events/1-x/explain" },
	};
	const char *one = "/v1/deliveries/aaaaaaaa-0000-4000-8000-000000000001";
	const char *again = "/v1/deliveries/aaaaaaaa-0000-4000-8000-000000000001/redeliver";

	add_quiet_channel(rig, CHANNEL_1, TEAM_A, "capsule.create");
	add_row(rig, CHANNEL_1, TEAM_A, 1, "failed");
	for (size_t i = 0; i < ARRAY_LEN(malformed); i++)
		cr_expect_eq(call(rig, malformed[i].method, malformed[i].path, ""), 400, "%s",
			     malformed[i].path);

	cr_expect_eq(call(rig, "GET", one, ""), 200);
	cr_expect_eq(call_as(rig, STRANGER, "GET", one, ""), 404);
	cr_expect_eq(call_as(rig, STRANGER, "POST", again, ""), 404);
	cr_expect_eq(call_as(rig, STRANGER, "GET", path_of(CHANNEL_1, "/deliveries"), ""), 404);
	cr_expect_eq(call_as(rig, STRANGER, "GET", path_of(CHANNEL_1, "/health"), ""), 404);
	cr_expect_eq(call_as(rig, STRANGER, "POST", path_of(CHANNEL_1, "/recover"),
			     "{\"since\":\"9d\"}"),
		     404);
	cr_expect_eq(call_as(rig, STRANGER, "GET", "/v1/events/1-0/explain", ""), 404);
	cr_expect_eq(call(rig, "GET", path_of(NOBODYS_ID, "/deliveries"), ""), 404);
	cr_expect_eq(call(rig, "GET", path_of(NOBODYS_ID, "/health"), ""), 404);
	cr_expect_eq(call(rig, "POST", path_of(NOBODYS_ID, "/recover"), ""), 404);
	cr_expect_eq(call(rig, "GET", "/v1/deliveries/" NOBODYS_ID, ""), 404);
	cr_expect_eq(call(rig, "POST", "/v1/deliveries/" NOBODYS_ID "/redeliver", ""), 404);
	cr_expect_eq(rig_ask(rig, "SELECT count(*) FROM deliveries WHERE state = 'failed'"), 1,
		     "nothing was touched");
}

Test(views, keep_teams_apart_and_refuse_malformed_ids)
{
	ON_BOTH_STORES(&options, keep_teams_apart);
}

/* ---- one delivery -------------------------------------------------------------------------- */

static void show_one(struct rig *rig)
{
	const cJSON *attempts;
	cJSON *tree;

	add_quiet_channel(rig, CHANNEL_1, TEAM_A, "capsule.create");
	add_row(rig, CHANNEL_1, TEAM_A, 1, "failed");
	rig_ask(rig, "INSERT INTO delivery_attempts (delivery_id, number, started_at, duration_us, "
		     "status, verdict, detail) VALUES "
		     "('aaaaaaaa-0000-4000-8000-000000000001', 2, '2027-01-15T07:00:20.000000Z', "
		     "2500, 410, 'disabled', 'gone \"for\" good'), "
		     "('aaaaaaaa-0000-4000-8000-000000000001', 1, '2027-01-15T07:00:10.000000Z', "
		     "10000000, NULL, 'retry', '')");
	cr_assert_eq(call(rig, "GET", "/v1/deliveries/aaaaaaaa-0000-4000-8000-000000000001", ""),
		     200);
	tree = call_tree();
	attempts = json_get(tree, "attempts");
	cr_assert_eq(cJSON_GetArraySize(attempts), 2);
	cr_expect_eq(json_get(cJSON_GetArrayItem(attempts, 0), "number")->valueint, 1);
	cr_expect_eq(json_get(cJSON_GetArrayItem(attempts, 0), "duration_ms")->valueint, 10000);
	cr_expect_null(json_get(cJSON_GetArrayItem(attempts, 0), "status"));
	cr_expect_eq(json_get(cJSON_GetArrayItem(attempts, 1), "status")->valueint, 410);
	cr_expect_str_eq(json_get_string(cJSON_GetArrayItem(attempts, 1), "verdict"), "disabled");
	cr_expect_str_eq(json_get_string(cJSON_GetArrayItem(attempts, 1), "detail"),
			 "gone \"for\" good");
	cr_expect_eq(json_get(tree, "attempt_count")->valueint, 3);
	cr_expect_eq(json_get(json_get(tree, "payload"), "a")->valueint, 1);
	cr_expect_null(json_get(tree, "folded"));
	cJSON_Delete(tree);
}

/* Sent again: the first success is in the row, the second beside it. */
static void show_first_success(struct rig *rig)
{
	const cJSON *attempts;
	const cJSON *first;
	cJSON *tree;

	add_quiet_channel(rig, CHANNEL_1, TEAM_A, "capsule.create");
	add_row(rig, CHANNEL_1, TEAM_A, 1, "delivered");
	rig_ask(rig, "UPDATE deliveries SET first_started_at = '2027-01-15T07:00:10.123456Z', "
		     "first_duration_us = 2500, first_status = 202, first_verdict = 'accepted', "
		     "first_detail = 'taken'");
	rig_ask(rig, "INSERT INTO delivery_attempts (delivery_id, number, started_at, duration_us, "
		     "status, verdict, detail) VALUES ('aaaaaaaa-0000-4000-8000-000000000001', 2, "
		     "'2027-01-15T07:00:20.000000Z', 1000, 204, 'delivered', '')");
	cr_assert_eq(call(rig, "GET", "/v1/deliveries/aaaaaaaa-0000-4000-8000-000000000001", ""),
		     200);
	tree = call_tree();
	attempts = json_get(tree, "attempts");
	first = cJSON_GetArrayItem(attempts, 0);
	cr_assert_eq(cJSON_GetArraySize(attempts), 2);
	cr_expect_eq(json_get(first, "number")->valueint, 1);
	cr_expect_eq(json_get(first, "duration_ms")->valueint, 2);
	cr_expect_eq(json_get(first, "status")->valueint, 202);
	cr_expect_str_eq(json_get_string(first, "verdict"), "accepted");
	cr_expect_str_eq(json_get_string(first, "detail"), "taken");
	cr_expect_str_eq(json_get_string(first, "started_at"), "2027-01-15T07:00:10Z");
	cr_expect_eq(json_get(cJSON_GetArrayItem(attempts, 1), "number")->valueint, 2);
	cJSON_Delete(tree);
	cr_expect_eq(rig_ask(rig, "SELECT count(*) FROM attempts"), 2);
}

Test(views, show_a_delivery_with_its_attempts_and_its_payload)
{
	ON_BOTH_STORES(&options, show_one);
}

Test(views, show_the_first_success_that_is_in_its_row)
{
	ON_BOTH_STORES(&options, show_first_success);
}

static void show_digest(struct rig *rig)
{
	const cJSON *folded;
	cJSON *tree;

	add_quiet_channel(rig, CHANNEL_1, TEAM_A, "capsule.create");
	for (int i = 1; i <= 6; i++)
		add_row(rig, CHANNEL_1, TEAM_A, i, i == 6 ? "delivered" : "folded");
	rig_ask(rig, "UPDATE deliveries SET event = 'notification.digest', outcome = NULL "
		     "WHERE stream_ms = 6");
	rig_ask(rig, "UPDATE deliveries SET digest_id = 'aaaaaaaa-0000-4000-8000-000000000006' "
		     "WHERE stream_ms < 6");
	cr_assert_eq(call(rig, "GET", "/v1/deliveries/aaaaaaaa-0000-4000-8000-000000000006", ""),
		     200);
	tree = call_tree();
	folded = json_get(tree, "folded");
	cr_assert_eq(cJSON_GetArraySize(folded), 2, "%s", call_answer);
	cr_expect_str_eq(json_get_string(cJSON_GetArrayItem(folded, 0), "event"), "capsule.create");
	cr_expect_eq(json_get(cJSON_GetArrayItem(folded, 0), "count")->valueint, 3);
	cr_expect_eq(json_get(cJSON_GetArrayItem(folded, 1), "count")->valueint, 2);
	cr_expect_null(json_get(tree, "outcome"));
	cJSON_Delete(tree);
	cr_assert_eq(call(rig, "GET", "/v1/deliveries/aaaaaaaa-0000-4000-8000-000000000001", ""),
		     200);
	cr_expect(strstr(call_answer, "\"digest_id\":\"aaaaaaaa-0000-4000-8000-000000000006\""));
}

Test(views, count_what_was_folded_into_a_digest)
{
	ON_BOTH_STORES(&options, show_digest);
}

static void survive_damage(struct rig *rig)
{
	add_quiet_channel(rig, CHANNEL_1, TEAM_A, "capsule.create");
	add_row(rig, CHANNEL_1, TEAM_A, 1, "failed");
	rig_ask(rig, "UPDATE deliveries SET payload = %s",
		strncmp(rig->database.url, "sqlite", 6) == 0 ? "X'7b22'" : "'\\x7b22'");
	cr_assert_eq(call(rig, "GET", "/v1/deliveries/aaaaaaaa-0000-4000-8000-000000000001", ""),
		     200);
	cJSON_Delete(call_tree());
	cr_expect_null(strstr(call_answer, "payload"), "what is no JSON is left out");
}

Test(views, leave_out_a_payload_that_is_damaged)
{
	ON_BOTH_STORES(&options, survive_damage);
}

/* ---- health -------------------------------------------------------------------------------- */

static void expect_health(struct rig *rig, const char *set, const char *state, const char *breaker)
{
	cJSON *tree;

	rig_ask(rig, "UPDATE channel_state SET failures = 0, breaker_opened = 0, "
		     "breaker_until = NULL, failing_since = NULL, disabled_at = NULL, "
		     "disabled_reason = NULL WHERE channel_id = '" CHANNEL_1 "'");
	if (set[0])
		rig_ask(rig, "UPDATE channel_state SET %s WHERE channel_id = '" CHANNEL_1 "'", set);
	cr_assert_eq(call(rig, "GET", path_of(CHANNEL_1, "/health"), ""), 200);
	tree = call_tree();
	cr_expect_str_eq(json_get_string(tree, "state"), state, "%s: %s", set, call_answer);
	cr_expect_str_eq(json_get_string(json_get(tree, "breaker"), "state"), breaker, "%s", set);
	cJSON_Delete(tree);
}

static void show_health(struct rig *rig)
{
	const cJSON *backlog;
	cJSON *tree;

	rig_add_channel(rig, CHANNEL_2, TEAM_A, "new", "capsule.create");
	cr_assert_eq(call(rig, "GET", path_of(CHANNEL_2, "/health"), ""), 200);
	cr_expect(strstr(call_answer, "\"state\":\"healthy\""), "%s", call_answer);

	add_quiet_channel(rig, CHANNEL_1, TEAM_A, "capsule.create");
	add_row(rig, CHANNEL_1, TEAM_A, 2, "pending");
	add_row(rig, CHANNEL_1, TEAM_A, 3, "pending");
	add_row(rig, CHANNEL_1, TEAM_A, 1, "failed");
	expect_health(rig, "", "healthy", "closed");
	expect_health(rig, "failures = 2, failing_since = '2027-01-15T07:30:00.000000Z'", "failing",
		      "closed");
	expect_health(rig,
		      "failures = 5, breaker_opened = 1, "
		      "breaker_until = '2027-01-15T08:00:30.000000Z'",
		      "failing", "open");
	cr_expect(strstr(call_answer, "\"until\":\"2027-01-15T08:00:30Z\""), "%s", call_answer);
	expect_health(rig,
		      "failures = 5, breaker_opened = 1, "
		      "breaker_until = '2027-01-15T07:59:30.000000Z'",
		      "probing", "probing");
	expect_health(rig,
		      "failures = 9, disabled_at = '2027-01-15T07:00:00.000000Z', "
		      "disabled_reason = 'the webhook was deleted', "
		      "last_success_at = '2027-01-14T07:00:00.000000Z', "
		      "last_error_at = '2027-01-15T06:59:59.000000Z', last_error = 'HTTP 410'",
		      "disabled", "disabled");
	tree = call_tree();
	backlog = json_get(tree, "backlog");
	cr_expect_eq(json_get(backlog, "pending")->valueint, 2);
	cr_expect_str_eq(json_get_string(backlog, "oldest_at"), "2027-01-15T07:00:02Z");
	cr_expect_str_eq(json_get_string(tree, "last_success_at"), "2027-01-14T07:00:00Z");
	cr_expect_str_eq(json_get_string(tree, "last_error_at"), "2027-01-15T06:59:59Z");
	cr_expect_str_eq(json_get_string(tree, "last_error"), "HTTP 410");
	cr_expect_str_eq(json_get_string(tree, "disabled_reason"), "the webhook was deleted");
	cJSON_Delete(tree);
	cr_expect_null(strstr(call_answer, "127.0.0.1"), "no setting is shown");
}

Test(views, show_how_a_channel_is_doing)
{
	ON_BOTH_STORES(&options, show_health);
}

/* The pace after the destination complained of our speed. */
static void show_the_learned_pace(struct rig *rig)
{
	static const char url[] = "https://hooks.slack.com/services/T0/B0/s3cret";
	static const char *const fields[] = { "webhook_url", url, NULL };
	const struct provider_config config = { .count = 1,
						.fields = { { "webhook_url", STR(url) } } };
	const struct provider *slack = provider_find(STR("slack"));
	struct verdict verdict = verdict_of(VERDICT_RETRY);
	struct paced paced = { .provider = slack, .count = 1 };
	char interval[64];

	rig_now_us = START_US;
	rig_add_chat(rig, CHANNEL_1, "slack", fields, "capsule.create");
	cr_assert_eq(slack->paces(&config, paced.list), 1);
	snprintf(interval, sizeof(interval), "\"interval_ms\":%lld,\"burst\":%u}",
		 (long long)paced.list[0].interval_us / 1000, paced.list[0].burst);
	cr_assert_eq(call(rig, "GET", path_of(CHANNEL_1, "/health"), ""), 200);
	cr_expect(strstr(call_answer, interval), "%s", call_answer);
	cr_expect_null(strstr(call_answer, "rate_limited"), "%s", call_answer);
	verdict.is_throttled = true;
	verdict.retry_after_ms = 90000;
	paces_learn(rig->route->paces, &paced, &verdict, 429, rig->channels->mono_us());
	snprintf(interval, sizeof(interval), "\"interval_ms\":%lld,",
		 (long long)paced.list[0].interval_us / 500);
	cr_assert_eq(call(rig, "GET", path_of(CHANNEL_1, "/health"), ""), 200);
	cr_expect(strstr(call_answer, interval), "%s", call_answer);
	cr_expect(strstr(call_answer, "\"next_at\":\"2027-01-15T08:01:30Z\""), "%s", call_answer);
	cr_expect(strstr(call_answer, "\"rate_limited\":{\"by\":\"Slack\",\"until\":"
				      "\"2027-01-15T08:01:30Z\"}"),
		  "%s", call_answer);
	cr_expect_null(strstr(call_answer, "s3cret"), "%s", call_answer);
}

Test(views, show_the_pace_a_destination_taught)
{
	ON_BOTH_STORES(&options, show_the_learned_pace);
}
