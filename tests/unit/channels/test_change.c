/* SPDX-License-Identifier: Apache-2.0 */

/* PATCH /v1/channels/{id} and POST /v1/channels/{id}/enable over HTTP, on both stores. */
#include <stdio.h>

#include "tests/support/calls.h"

#define BODY(name)                                         \
	"{\"name\":\"" name "\",\"provider\":\"webhook\"," \
	"\"config\":{\"url\":\"https://8.8.8.8/hook\"},"   \
	"\"events\":[\"host.down\",\"capsule.create\"]}"
#define NOBODY "/v1/channels/ch-0000000000000000000000001"

/* The engine leaves the rows of these tests alone. */
static const struct rig_options quiet = { .strict = true, .no_delivery = true };

/* ---- PATCH ----------------------------------------------------------------------------- */

static void rename_and_resubscribe(struct rig *rig)
{
	char path[CALL_PATH_SIZE];
	char text[256];
	cJSON *tree;

	call_create(rig, BODY("old"), path);
	rig_now_us += SECOND_US;
	cr_assert_eq(call(rig, "PATCH", path,
			  "{\"name\":\" New Name\",\"events\":[\"host.up\",\"host.up\"],"
			  "\"provider\":7,\"config\":{\"url\":\"http://127.0.0.1/\"}}"),
		     200, "%s", call_answer);
	tree = call_tree();
	cr_expect_str_eq(json_get_string(tree, "name"), "new-name");
	cr_expect_str_eq(json_get_string(tree, "provider"), "webhook");
	cr_expect_eq(cJSON_GetArraySize(json_get(tree, "events")), 1);
	cr_expect_str_eq(cJSON_GetArrayItem(json_get(tree, "events"), 0)->valuestring, "host.up");
	cr_expect_str_eq(json_get_string(tree, "created_at"), "2027-01-15T08:00:00Z");
	cr_expect_str_eq(json_get_string(tree, "updated_at"), "2027-01-15T08:00:01Z");
	cr_expect(cJSON_IsFalse(json_get(tree, "disabled")));
	cr_expect_null(strstr(call_answer, "secret"));
	cJSON_Delete(tree);
	rig_now_us -= SECOND_US;
	cr_expect_eq(call(rig, "GET", path, ""), 200);
	cr_expect(strstr(call_answer, "\"new-name\""), "it was not stored");
	cr_expect_eq(rig_ask(rig,
			     "SELECT count(*) FROM audit_logs WHERE action = 'update' AND "
			     "resource_type = 'channel' AND status = 'info' AND scope = 'team'"),
		     1);
	rig_ask_text(rig, text, sizeof(text),
		     "SELECT CAST(metadata AS text) FROM audit_logs WHERE action = 'update'");
	cr_expect(strstr(text, "new-name") && !strstr(text, "provider"), "%s", text);
}

Test(change, gives_a_channel_another_name_and_other_events)
{
	ON_BOTH_STORES(&quiet, rename_and_resubscribe);
}

/* A newer control plane has subscribed the channel to kinds that are unknown to us. */
static void edit_a_newer_channel(struct rig *rig)
{
	char path[CALL_PATH_SIZE];

	call_create(rig, BODY("newer"), path);
	rig_ask(rig, "UPDATE channels SET event_types = %s",
		strncmp(rig->database.url, "sqlite:", 7) == 0 ? "'[\"host.up\",\"volume.attach\"]'"
							      : "'{host.up,volume.attach}'");
	cr_expect_eq(call(rig, "PATCH", path,
			  "{\"name\":\"a\",\"events\":[\"volume.attach\",\"volume.create\"]}"),
		     200, "%s", call_answer);
	cr_expect(strstr(call_answer, "\"events\":[\"volume.attach\",\"volume.create\"]"), "%s",
		  call_answer);
	cr_expect_eq(call(rig, "PATCH", path,
			  "{\"name\":\"b\",\"events\":[\"volume.attach\",\"volume.detach\"]}"),
		     400);
	cr_expect(strstr(call_answer, "\"events\""), "%s", call_answer);
	cr_expect_eq(rig_ask(rig, "SELECT count(*) FROM channels WHERE name = 'a'"), 1);
	cr_expect_eq(call(rig, "PATCH", path, "{\"name\":\"c\",\"events\":[\"host.up\"]}"), 200);
	cr_expect_eq(call(rig, "PATCH", path, "{\"name\":\"d\",\"events\":[\"volume.attach\"]}"),
		     400, "it was dropped before");
}

Test(change, keeps_a_kind_it_does_not_know_when_the_channel_has_it)
{
	ON_BOTH_STORES(&quiet, edit_a_newer_channel);
}

static void refuse_bad_patches(struct rig *rig)
{
	static const struct bad_body cases[] = {
		{ "", NULL },
		{ "[]", NULL },
		{ "{\"events\":[\"host.up\"]}", NULL },
		{ "{\"name\":\"a\"}", NULL },
		{ "{\"name\":1,\"events\":[\"host.up\"]}", NULL },
		{ "{\"name\":\"a\",\"events\":\"host.up\"}", NULL },
		{ "{\"name\":\"a\",\"events\":[1]}", NULL },
		{ "{\"name\":\"a\",\"name\":\"b\",\"events\":[\"host.up\"]}", "name" },
		{ "{\"name\":\"-\",\"events\":[]}", "name" },
		{ "{\"name\":\"a\",\"events\":[]}", "events" },
		{ "{\"name\":\"a\",\"events\":[\"channel.test\"]}", "events" },
	};
	char path[CALL_PATH_SIZE];

	call_create(rig, BODY("kept"), path);
	call_refused(rig, "PATCH", path, cases, ARRAY_LEN(cases));
	call_refused_as_too_large(rig, "PATCH", path);
	cr_expect_eq(call(rig, "PATCH", "/v1/channels/ch-x", BODY("a")), 400);
	cr_expect_eq(rig_ask(rig, "SELECT count(*) FROM channels WHERE name = 'kept'"), 1);
	cr_expect_eq(rig_ask(rig, "SELECT count(*) FROM audit_logs"), 1);
}

Test(change, refuses_what_is_wrong_and_writes_nothing)
{
	ON_BOTH_STORES(&quiet, refuse_bad_patches);
}

static void refuse_taken_names(struct rig *rig)
{
	char first[CALL_PATH_SIZE], second[CALL_PATH_SIZE];

	call_create(rig, BODY("first"), first);
	call_create(rig, BODY("second"), second);
	cr_expect_eq(call(rig, "PATCH", second, BODY(" FIRST")), 409, "%s", call_answer);
	cr_expect(strstr(call_answer, "\"conflict\"") && strstr(call_answer, "\"name\""), "%s",
		  call_answer);
	cr_expect_eq(call(rig, "PATCH", first, BODY("first")), 200, "its own name is taken");
	cr_expect_eq(call(rig, "PATCH", first, BODY("first")), 200, "a second time");
	cr_expect_eq(rig_ask(rig, "SELECT count(*) FROM audit_logs WHERE action = 'update'"), 2);
}

Test(change, refuses_a_name_that_is_taken)
{
	ON_BOTH_STORES(&quiet, refuse_taken_names);
}

static void keep_others_out(struct rig *rig)
{
	char path[CALL_PATH_SIZE];
	char sub[CALL_PATH_SIZE + 16];

	call_create(rig, BODY("mine"), path);
	cr_expect_eq(call_as(rig, TEAM_B, "PATCH", path, BODY("theirs")), 404, "%s", call_answer);
	cr_expect(strstr(call_answer, "\"not_found\""));
	cr_expect_eq(call(rig, "PATCH", NOBODY, BODY("a")), 404);
	snprintf(sub, sizeof(sub), "%s/enable", path);
	cr_expect_eq(call_as(rig, TEAM_B, "POST", sub, "{}"), 404);
	cr_expect_eq(call(rig, "POST", NOBODY "/enable", "{}"), 404);
	cr_expect_eq(rig_ask(rig, "SELECT count(*) FROM channels WHERE name = 'mine'"), 1);
	cr_expect_eq(rig_ask(rig, "SELECT count(*) FROM audit_logs"), 1);
	rig_ask(rig, "UPDATE teams SET deleted_at = created_at WHERE id = '" TEAM_A "'");
	cr_expect_eq(call(rig, "PATCH", path, BODY("late")), 403, "%s", call_answer);
	cr_expect_eq(rig_ask(rig, "SELECT count(*) FROM channels WHERE name = 'mine'"), 1);
}

Test(change, keeps_other_teams_and_dead_ones_out)
{
	ON_BOTH_STORES(&quiet, keep_others_out);
}

/* ---- enabling -------------------------------------------------------------------------- */

/* A disabled channel with two pending deliveries and one that failed. */
static void create_disabled(struct rig *rig, char path[CALL_PATH_SIZE])
{
	call_create(rig, BODY("dead"), path);
	rig_ask(rig, "INSERT INTO channel_state (channel_id, updated_at, failures, disabling, "
		     "breaker_opened, breaker_until, failing_since, disabled_at, disabled_reason) "
		     "SELECT id, updated_at, 9, 2, 3, updated_at, updated_at, updated_at, "
		     "'the webhook was deleted' FROM channels");
	for (int i = 1; i <= 3; i++)
		rig_ask(rig,
			"INSERT INTO deliveries (id, stream_id, stream_ms, stream_seq, team_id, "
			"channel_id, event, payload, state, attempts, next_attempt_at, "
			"first_failed_at, created_at, updated_at) SELECT "
			"'00000000-0000-4000-8000-00000000000%d', '%d-0', %d, 0, team_id, id, "
			"'host.up', %s, '%s', 4, updated_at, updated_at, updated_at, updated_at "
			"FROM channels",
			i, i, i, strncmp(rig->database.url, "sqlite", 6) == 0 ? "x'7b7d'" : "'{}'",
			i == 3 ? "failed" : "pending");
}

/* housekeeping has a row of its own there */
#define CLEAN                                                                               \
	"SELECT count(*) FROM channel_state WHERE channel_id IN (SELECT id FROM channels) " \
	"AND disabled_at IS NULL AND disabled_reason IS NULL AND failures = 0 AND "         \
	"disabling = 0 AND breaker_opened = 0 AND breaker_until IS NULL AND "               \
	"failing_since IS NULL"

static void enable_and_deliver(struct rig *rig)
{
	char path[CALL_PATH_SIZE];
	char sub[CALL_PATH_SIZE + 16];
	char text[256];
	cJSON *tree;

	create_disabled(rig, path);
	cr_expect_eq(call(rig, "GET", path, ""), 200);
	tree = call_tree();
	cr_expect(cJSON_IsTrue(json_get(tree, "disabled")));
	cr_expect_str_eq(json_get_string(tree, "disabled_reason"), "the webhook was deleted");
	cJSON_Delete(tree);
	snprintf(sub, sizeof(sub), "%s/enable", path);
	rig_now_us += HOUR_US;
	cr_assert_eq(call(rig, "POST", sub, "{}"), 200, "%s", call_answer);
	rig_now_us -= HOUR_US;
	cr_expect(strstr(call_answer, "\"disabled\":false"), "%s", call_answer);
	cr_expect_null(strstr(call_answer, "deleted"));
	cr_expect_eq(rig_ask(rig, CLEAN), 1);
	cr_expect_eq(rig_ask(rig, "SELECT count(*) FROM deliveries WHERE state = 'pending' AND "
				  "attempts_before = 4 AND requeued_at = next_attempt_at AND "
				  "next_attempt_at > created_at AND first_failed_at IS NULL"),
		     2);
	cr_expect_eq(rig_ask(rig, "SELECT count(*) FROM deliveries WHERE state = 'failed'"), 1);
	rig_ask_text(rig, text, sizeof(text),
		     "SELECT CAST(metadata AS text) FROM audit_logs WHERE action = 'enable' AND "
		     "resource_type = 'channel'");
	cr_expect(strstr(text, "deliver") && strstr(text, "dead"), "%s", text);
	/* A second time changes nothing. */
	cr_expect_eq(call(rig, "POST", sub, "{\"backlog\":\"skip\"}"), 200);
	cr_expect_eq(rig_ask(rig, "SELECT count(*) FROM deliveries WHERE state = 'pending'"), 2);
	cr_expect_eq(rig_ask(rig, "SELECT count(*) FROM audit_logs WHERE action = 'enable'"), 1);
}

Test(enable, lets_the_backlog_go_out_with_a_clock_of_its_own)
{
	ON_BOTH_STORES(&quiet, enable_and_deliver);
}

static void enable_and_skip(struct rig *rig)
{
	char path[CALL_PATH_SIZE];
	char sub[CALL_PATH_SIZE + 16];

	create_disabled(rig, path);
	snprintf(sub, sizeof(sub), "%s/enable", path);
	cr_assert_eq(call(rig, "POST", sub, "{\"backlog\":\"skip\"}"), 200, "%s", call_answer);
	cr_expect_eq(rig_ask(rig, CLEAN), 1);
	cr_expect_eq(rig_ask(rig, "SELECT count(*) FROM deliveries WHERE state = 'dropped' AND "
				  "last_error = 'skipped when the channel was enabled'"),
		     2);
	cr_expect_eq(rig_ask(rig, "SELECT count(*) FROM deliveries WHERE state = 'failed'"), 1);
	cr_expect_eq(rig_ask(rig, "SELECT count(*) FROM audit_logs WHERE action = 'enable'"), 1);
}

static void make_thousands(struct rig *rig, const char *stream_ms)
{
	rig_ask(rig,
		"INSERT INTO deliveries (id, stream_id, stream_ms, stream_seq, team_id, "
		"channel_id, event, payload, state, next_attempt_at, created_at, updated_at) "
		"WITH RECURSIVE n (i) AS (SELECT 4 UNION ALL SELECT i + 1 FROM n WHERE i < 2503) "
		"SELECT %s, i || '-0', %s, 0, team_id, channel_id, event, payload, state, "
		"next_attempt_at, created_at, updated_at FROM deliveries, n WHERE stream_ms = 1",
		strncmp(rig->database.url, "sqlite", 6) == 0
			? "printf('bbbbbbbb-0000-4000-8000-%012d', i)"
			: "('bbbbbbbb-0000-4000-8000-' || lpad(i::text, 12, '0'))::uuid",
		stream_ms);
}

static void skip_thousands(struct rig *rig)
{
	char path[CALL_PATH_SIZE];
	char sub[CALL_PATH_SIZE + 16];

	create_disabled(rig, path);
	make_thousands(rig, "i");
	rig_ask(rig, "UPDATE deliveries SET created_at = '2999-01-01T00:00:00.000000Z' "
		     "WHERE stream_ms IN (5, 2503)");
	snprintf(sub, sizeof(sub), "%s/enable", path);
	cr_assert_eq(call(rig, "POST", sub, "{\"backlog\":\"skip\"}"), 200, "%s", call_answer);
	cr_expect_eq(rig_ask(rig, CLEAN), 1);
	cr_expect_eq(rig_ask(rig, "SELECT count(*) FROM deliveries WHERE state = 'dropped'"), 2500);
	cr_expect_eq(rig_ask(rig, "SELECT count(*) FROM deliveries WHERE state = 'pending' "
				  "AND stream_ms IN (5, 2503)"),
		     2, "what came after the request was skipped, too");
	cr_expect_eq(rig_ask(rig, "SELECT count(*) FROM audit_logs WHERE action = 'enable'"), 1);
}

Test(enable, skips_thousands_piece_by_piece_but_nothing_newer)
{
	ON_BOTH_STORES(&quiet, skip_thousands);
}

static void release_thousands(struct rig *rig)
{
	char path[CALL_PATH_SIZE];
	char sub[CALL_PATH_SIZE + 16];

	create_disabled(rig, path);
	make_thousands(rig, "7"); /* all of one place, so that no order leads from piece to piece */
	snprintf(sub, sizeof(sub), "%s/enable", path);
	cr_assert_eq(call(rig, "POST", sub, "{}"), 200, "%s", call_answer);
	cr_expect_eq(rig_ask(rig, CLEAN), 1);
	cr_expect_eq(rig_ask(rig, "SELECT count(*) FROM deliveries WHERE state = 'pending' "
				  "AND requeued_at IS NOT NULL AND first_failed_at IS NULL"),
		     2502);
	cr_expect_eq(rig_ask(rig, "SELECT count(*) FROM audit_logs WHERE action = 'enable'"), 1);
}

Test(enable, releases_thousands_piece_by_piece)
{
	ON_BOTH_STORES(&quiet, release_thousands);
}

Test(enable, drops_the_backlog_when_asked_to)
{
	ON_BOTH_STORES(&quiet, enable_and_skip);
}

static void refuse_bad_enables(struct rig *rig)
{
	static const struct bad_body cases[] = {
		{ "{", NULL },
		{ "[]", NULL },
		{ "null", NULL },
		{ "\"skip\"", NULL },
		{ "{\"backlog\":\"skip\",\"backlog\":\"skip\"}", "backlog" },
		{ "{\"backlog\":\"later\"}", "backlog" },
		{ "{\"backlog\":\"\"}", "backlog" },
		{ "{\"backlog\":true}", "backlog" },
		{ "{\"backlog\":null}", "backlog" },
	};
	char path[CALL_PATH_SIZE];
	char sub[CALL_PATH_SIZE + 16];

	create_disabled(rig, path);
	snprintf(sub, sizeof(sub), "%s/enable", path);
	call_refused(rig, "POST", sub, cases, ARRAY_LEN(cases));
	call_refused_as_too_large(rig, "POST", sub);
	cr_expect_eq(call(rig, "POST", "/v1/channels/ch-1/enable", "{}"), 400);
	cr_expect_eq(rig_ask(rig, CLEAN), 0);
	cr_expect_eq(call(rig, "POST", sub, ""), 200, "without a body: %s", call_answer);
	cr_expect_eq(rig_ask(rig, CLEAN), 1);
}

Test(enable, refuses_what_is_wrong_and_writes_nothing)
{
	ON_BOTH_STORES(&quiet, refuse_bad_enables);
}
