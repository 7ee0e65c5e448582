/* SPDX-License-Identifier: Apache-2.0 */

/* Events and results over time: what is counted, into which step, for whom. On both stores. */
#include <stdio.h>

#include "core/rfc3339.h"
#include "tests/support/destination.h"
#include "tests/support/view_rig.h"

#define DAY_US (24 * HOUR_US)

/* One number of the last answer; `from_end` 0 is the newest step. */
static int count_of(const cJSON *tree, const char *series, int from_end)
{
	const cJSON *array = json_get(tree, series);
	const cJSON *item = cJSON_GetArrayItem(array, cJSON_GetArraySize(array) - 1 - from_end);

	cr_assert_not_null(item, "%s[-%d] in %s", series, from_end + 1, call_answer);
	return item->valueint;
}

static int sum_of(const cJSON *tree, const char *series)
{
	const cJSON *item;
	int sum = 0;

	cJSON_ArrayForEach(item, json_get(tree, series)) sum += item->valueint;
	return sum;
}

static cJSON *events_of(struct rig *rig, const char *team, const char *range)
{
	char path[100];

	snprintf(path, sizeof(path), "/v1/events/activity?range=%s", range);
	cr_assert_eq(call_as(rig, team, "GET", path, ""), 200, "%s", call_answer);
	return call_tree();
}

static cJSON *results_of(struct rig *rig, const char *range)
{
	char rest[100];

	snprintf(rest, sizeof(rest), "/activity?range=%s", range);
	cr_assert_eq(call(rig, "GET", path_of(CHANNEL_1, rest), ""), 200, "%s", call_answer);
	return call_tree();
}

/* ---- events -------------------------------------------------------------------------------- */

static void commit(struct rig *rig, int64_t first_ms)
{
	struct event *events[] = {
		rig_event("capsule.pause", USER, ",\"outcome\":\"success\"", first_ms),
		rig_event_of_b("capsule.pause", first_ms + 1),
		rig_event("capsule.resume", SYSTEM, ",\"outcome\":\"error\"", first_ms + 2),
		rig_event("host.up", SYSTEM, "", first_ms + 3),
	};

	cr_assert_eq(rig_commit(rig, events, 4), 0);
}

static void count_events(struct rig *rig)
{
	cJSON *tree;

	commit(rig, START_MS - 60000);
	commit(rig, START_MS);
	/* At and before the position: entries that are read again are no new events. */
	commit(rig, START_MS - 1);
	tree = events_of(rig, TEAM_A, "1h");
	cr_expect_eq(count_of(tree, "events", 0), 3);
	cr_expect_eq(count_of(tree, "failed", 0), 1);
	cr_expect_eq(count_of(tree, "events", 1), 3);
	cr_expect_eq(sum_of(tree, "events"), 6);
	cJSON_Delete(tree);
	tree = events_of(rig, TEAM_A, "24h");
	cr_expect_eq(count_of(tree, "events", 0), 3, "the hour began with the second batch");
	cr_expect_eq(count_of(tree, "events", 1), 3);
	cJSON_Delete(tree);
	tree = events_of(rig, TEAM_B, "30d");
	cr_expect_eq(sum_of(tree, "events"), 2, "%s", call_answer);
	cr_expect_eq(sum_of(tree, "failed"), 0);
	cJSON_Delete(tree);
}

Test(activity, counts_the_events_of_a_team_once)
{
	static const struct rig_options options = { .no_delivery = true };

	ON_BOTH_STORES(&options, count_events);
}

/* ---- results ------------------------------------------------------------------------------- */

static struct destination destination;

static void count_results(struct rig *rig)
{
	cJSON *tree;

	destination.status = 200;
	rig_add_channel(rig, CHANNEL_1, TEAM_A, "hook", "capsule.pause");
	rig_commit_pause(rig, START_MS);
	rig_wait_rows(rig, 1, "deliveries WHERE state = 'delivered'");
	destination.status = 503;
	rig_commit_pause(rig, START_MS + 1);
	rig_wait_rows(rig, 1, "deliveries WHERE state = 'pending' AND attempts = 1");
	tree = results_of(rig, "1h");
	cr_expect_eq(count_of(tree, "delivered", 0), 1);
	cr_expect_eq(count_of(tree, "retried", 0), 1);
	cr_expect_eq(count_of(tree, "failed", 0), 0);
	cJSON_Delete(tree);

	rig_now_us += DAY_US + HOUR_US; /* too old to be tried again after this try */
	rig_wait_rows(rig, 1, "deliveries WHERE state = 'failed'");
	tree = results_of(rig, "7d");
	cr_expect_eq(count_of(tree, "failed", 0), 1);
	cr_expect_eq(count_of(tree, "retried", 0), 0);
	cr_expect_eq(count_of(tree, "delivered", 25), 1);
	cr_expect_eq(count_of(tree, "retried", 25), 1);
	cr_expect_eq(sum_of(tree, "failed") + sum_of(tree, "delivered"), 2);
	cJSON_Delete(tree);
	rig_now_us = START_US; /* for the next store */
}

Test(activity, counts_what_came_of_each_attempt)
{
	static const struct rig_options options = { .answer = destination_answer,
						    .arg = &destination };

	ON_BOTH_STORES(&options, count_results);
}

/* ---- ranges -------------------------------------------------------------------------------- */

static void add_hour(struct rig *rig, int64_t at_us, int delivered)
{
	char at[RFC3339_TEXT_SIZE];

	rfc3339_format(at_us, 6, at);
	rig_ask(rig,
		"INSERT INTO channel_activity (channel_id, step_s, begins_at, delivered, failed, "
		"retried) VALUES ('" CHANNEL_1 "', 3600, '%s', %d, 0, 0)",
		at, delivered);
}

static void expect_shape(struct rig *rig, const char *range, int points, int step_s, int sum)
{
	cJSON *tree = results_of(rig, range);
	const cJSON *labels = json_get(tree, "labels");
	const cJSON *last = cJSON_GetArrayItem(labels, points - 1);

	cr_expect_str_eq(json_get_string(tree, "range"), range);
	cr_expect_eq(cJSON_GetArraySize(labels), points, "%s", range);
	cr_expect_eq(cJSON_GetArraySize(json_get(tree, "delivered")), points);
	cr_expect_eq(json_get(tree, "step_s")->valueint, step_s);
	cr_expect_str_eq(last->valuestring,
			 step_s > 3600 ? "2027-01-15T00:00:00Z" : "2027-01-15T08:00:00Z");
	cr_expect_eq(sum_of(tree, "delivered"), sum, "%s", range);
	cJSON_Delete(tree);
}

static void ask_ranges(struct rig *rig)
{
	cJSON *tree;

	add_quiet_channel(rig, CHANNEL_1, TEAM_A, "capsule.pause");
	add_hour(rig, START_US, 1);
	add_hour(rig, START_US - 8 * HOUR_US, 10);
	add_hour(rig, START_US - 23 * HOUR_US, 100);
	add_hour(rig, START_US - 24 * HOUR_US, 1000);
	add_hour(rig, START_US - 7 * DAY_US, 10000);
	add_hour(rig, START_US - 40 * DAY_US, 100000);
	expect_shape(rig, "1h", 60, 60, 0);
	expect_shape(rig, "24h", 24, 3600, 111);
	expect_shape(rig, "7d", 168, 3600, 1111);
	expect_shape(rig, "30d", 30, 86400, 11111);
	tree = results_of(rig, "30d");
	cr_expect_eq(count_of(tree, "delivered", 0), 11, "the hours of one day are one step");
	cr_expect_eq(count_of(tree, "delivered", 1), 1100);
	cJSON_Delete(tree);
}

Test(activity, gives_a_point_for_each_step_of_a_range)
{
	static const struct rig_options options = { .no_delivery = true };

	ON_BOTH_STORES(&options, ask_ranges);
}

static void refuse(struct rig *rig)
{
	add_quiet_channel(rig, CHANNEL_1, TEAM_A, "capsule.pause");
	cr_expect_eq(call(rig, "GET", path_of(CHANNEL_1, "/activity"), ""), 200);
	cr_expect_not_null(strstr(call_answer, "\"range\":\"24h\""));
	cr_expect_eq(call_as(rig, STRANGER, "GET", path_of(CHANNEL_1, "/activity"), ""), 404);
	cr_expect_eq(call(rig, "GET", path_of(NOBODYS_ID, "/activity"), ""), 404);
	cr_expect_eq(call(rig, "GET", "/v1/channels/ch-x/activity", ""), 400);
	cr_expect_eq(call(rig, "GET", path_of(CHANNEL_1, "/activity?range=1y"), ""), 400);
	cr_expect_eq(call(rig, "GET", path_of(CHANNEL_1, "/activity?range=1h&range=7d"), ""), 400);
	cr_expect_eq(call(rig, "GET", "/v1/events/activity?range=", ""), 400);
	cr_expect_not_null(strstr(call_answer, "range must be"));
}

Test(activity, refuses_other_ranges_and_strangers)
{
	static const struct rig_options options = { .no_delivery = true };

	ON_BOTH_STORES(&options, refuse);
}
