/* SPDX-License-Identifier: Apache-2.0 */

/* How owners send deliveries again, over HTTP, on both stores. */
#include <stdio.h>
#include <stdlib.h>

#include "tests/support/view_rig.h"

#define WELL ",\"outcome\":\"success\""

static const struct rig_options options = { .strict = false };

/* ---- redeliver ----------------------------------------------------------------------------- */

static void redeliver(struct rig *rig)
{
	const char *path = "/v1/deliveries/aaaaaaaa-0000-4000-8000-000000000001/redeliver";
	cJSON *tree;

	add_quiet_channel(rig, CHANNEL_1, TEAM_A, "capsule.create");
	add_row(rig, CHANNEL_1, TEAM_A, 1, "folded");
	rig_ask(rig, "UPDATE deliveries SET digest_id = id, first_failed_at = created_at, "
		     "delivered_at = created_at");
	cr_assert_eq(call(rig, "POST", path, ""), 202, "%s", call_answer);
	tree = call_tree();
	cr_expect_str_eq(json_get_string(tree, "state"), "pending");
	cr_expect_str_eq(json_get_string(tree, "id"), "aaaaaaaa-0000-4000-8000-000000000001");
	cr_expect_eq(json_get(tree, "attempts")->valueint, 3, "attempts go on counting");
	cr_expect_null(json_get(tree, "digest_id"));
	cJSON_Delete(tree);
	cr_expect_eq(rig_ask(rig, "SELECT count(*) FROM deliveries WHERE state = 'pending' "
				  "AND attempts_before = 3 AND requeued_at = next_attempt_at "
				  "AND first_failed_at IS NULL AND digest_id IS NULL "
				  "AND delivered_at IS NULL"),
		     1);
	cr_expect_eq(call(rig, "POST", path, ""), 409, "it waits already");
	cr_expect(strstr(call_answer, "invalid_state"), "%s", call_answer);

	rig_ask(rig, "UPDATE deliveries SET state = 'dropped'");
	rig_ask(rig, "DELETE FROM channels");
	cr_expect_eq(call(rig, "POST", path, ""), 409, "nowhere to send it");
	cr_expect(strstr(call_answer, "deleted"), "%s", call_answer);
	cr_expect_eq(rig_ask(rig, "SELECT count(*) FROM deliveries WHERE state = 'dropped'"), 1);
}

Test(views, send_a_delivery_again_unless_it_waits_already)
{
	ON_BOTH_STORES(&options, redeliver);
}

static void really_send(struct rig *rig)
{
	struct event *event = rig_event("capsule.create", USER, WELL, START_MS);
	char id[UUID_TEXT_SIZE];
	char path[128];

	rig_add_channel(rig, CHANNEL_1, TEAM_A, "hook", "capsule.create");
	cr_assert_eq(rig_commit(rig, &event, 1), 0);
	rig_wait_rows(rig, 1, "deliveries WHERE state = 'delivered'");
	rig_ask(rig, "UPDATE deliveries SET state = 'failed'");
	rig_ask_text(rig, id, sizeof(id), "SELECT CAST(id AS text) FROM deliveries");
	snprintf(path, sizeof(path), "/v1/deliveries/%s/redeliver", id);
	cr_assert_eq(call(rig, "POST", path, ""), 202, "%s", call_answer);
	rig_wait_received(rig, 2);
	rig_wait_rows(rig, 1, "deliveries WHERE state = 'delivered'");
	rig_ask(rig, "UPDATE deliveries SET state = 'dropped'");
	cr_assert_eq(call(rig, "POST", path_of(CHANNEL_1, "/recover"), ""), 202, "%s", call_answer);
	rig_wait_received(rig, 3);
	rig_wait_rows(rig, 1, "deliveries WHERE state = 'delivered'");
}

Test(views, wake_the_engine_when_a_delivery_is_sent_again)
{
	ON_BOTH_STORES(&options, really_send);
}

/* ---- recover ------------------------------------------------------------------------------- */

static int64_t recover(struct rig *rig, const char *body)
{
	int64_t requeued;
	cJSON *tree;

	cr_assert_eq(call(rig, "POST", path_of(CHANNEL_1, "/recover"), body), 202, "%s: %s", body,
		     call_answer);
	tree = call_tree();
	requeued = json_get(tree, "requeued")->valueint;
	cr_expect(cJSON_IsFalse(json_get(tree, "more")));
	cJSON_Delete(tree);
	return requeued;
}

static void recover_some(struct rig *rig)
{
	add_quiet_channel(rig, CHANNEL_1, TEAM_A, "capsule.create");
	add_quiet_channel(rig, CHANNEL_2, TEAM_A, "capsule.create");
	for (int i = 1; i <= 4; i++)
		add_row(rig, CHANNEL_1, TEAM_A, i, i % 2 ? "failed" : "dropped");
	add_row(rig, CHANNEL_1, TEAM_A, 5, "delivered");
	add_row(rig, CHANNEL_1, TEAM_A, 6, "folded");
	add_row(rig, CHANNEL_2, TEAM_A, 7, "failed");
	cr_expect_eq(recover(rig, "{\"since\":\"30m\"}"), 0, "all are an hour old");
	cr_expect_eq(recover(rig, "{\"since\":\"2h\",\"until\":\"2027-01-15T07:00:02Z\"}"), 1);
	cr_expect_eq(recover(rig, "{\"since\":\"2h\",\"until\":\"2027-01-15T07:00:02Z\"}"), 0,
		     "a second time there is nothing left");
	cr_expect_eq(recover(rig, "{\"state\":\"dropped\"}"), 2);
	cr_expect_eq(recover(rig, ""), 1, "without a body: the last day, both states");
	cr_expect_eq(rig_ask(rig, "SELECT count(*) FROM deliveries WHERE state = 'pending' "
				  "AND channel_id = '" CHANNEL_1 "'"),
		     4, "delivered and folded ones stay, and so do another channel's");
	cr_expect_eq(rig_ask(rig, "SELECT count(*) FROM deliveries WHERE state = 'failed'"), 1);
}

Test(views, recover_what_a_channel_missed)
{
	ON_BOTH_STORES(&options, recover_some);
}

static void recover_thousands(struct rig *rig)
{
	add_quiet_channel(rig, CHANNEL_1, TEAM_A, "capsule.create");
	add_row(rig, CHANNEL_1, TEAM_A, 1, "failed");
	/* 2,500 rows, most of them of the same time. */
	rig_ask(rig,
		"INSERT INTO deliveries (id, stream_id, stream_ms, stream_seq, team_id, "
		"channel_id, event, payload, state, next_attempt_at, created_at, updated_at) "
		"WITH RECURSIVE n (i) AS (SELECT 2 UNION ALL SELECT i + 1 FROM n WHERE i < 2500) "
		"SELECT %s, i || '-0', i, 0, team_id, channel_id, event, payload, state, "
		"next_attempt_at, created_at, updated_at FROM deliveries, n",
		strncmp(rig->database.url, "sqlite", 6) == 0
			? "printf('bbbbbbbb-0000-4000-8000-%012d', i)"
			: "('bbbbbbbb-0000-4000-8000-' || lpad(i::text, 12, '0'))::uuid");
	cr_expect_eq(recover(rig, ""), 2500);
	cr_expect_eq(rig_ask(rig, "SELECT count(*) FROM deliveries WHERE state = 'failed'"), 0);
}

Test(views, recover_thousands_piece_by_piece)
{
	ON_BOTH_STORES(&options, recover_thousands);
}

static void refuse_bad_recoveries(struct rig *rig)
{
	static const char *const bodies[] = {
		"{",
		"[]",
		"7",
		"{\"since\":1}",
		"{\"since\":\"\"}",
		"{\"since\":\"soon\"}",
		"{\"until\":false}",
		"{\"state\":\"pending\"}",
		"{\"state\":[\"failed\"]}",
		"{\"since\":\"1h\",\"until\":\"2h\"}",
		"{\"since\":\"1h\",\"since\":\"2h\"}",
	};
	char *large = malloc(70000);

	add_quiet_channel(rig, CHANNEL_1, TEAM_A, "capsule.create");
	add_row(rig, CHANNEL_1, TEAM_A, 1, "failed");
	for (size_t i = 0; i < ARRAY_LEN(bodies); i++)
		cr_expect_eq(call(rig, "POST", path_of(CHANNEL_1, "/recover"), bodies[i]), 400,
			     "%s", bodies[i]);
	memset(large, ' ', 69999);
	large[69999] = '\0';
	cr_expect_eq(call(rig, "POST", path_of(CHANNEL_1, "/recover"), large), 413);
	free(large);
	cr_expect_eq(rig_ask(rig, "SELECT count(*) FROM deliveries WHERE state = 'failed'"), 1);
}

Test(views, refuse_to_recover_what_cannot_be_read)
{
	ON_BOTH_STORES(&options, refuse_bad_recoveries);
}
