/* SPDX-License-Identifier: Apache-2.0 */

/* /v1/channels over HTTP, on both stores. */
#include <stdio.h>
#include <stdlib.h>

#include "tests/support/calls.h"

#define BODY(name)                                         \
	"{\"name\":\"" name "\",\"provider\":\"webhook\"," \
	"\"config\":{\"url\":\"https://8.8.8.8/hook\"},"   \
	"\"events\":[\"host.down\",\"capsule.create\"]}"

#define NOBODY "/v1/channels/ch-0000000000000000000000001"

static const struct rig_options strict = { .strict = true };

static void create_and_read(struct rig *rig)
{
	char path[64];
	cJSON *tree;
	char text[256];

	cr_assert_eq(call(rig, "POST", "/v1/channels", BODY(" Ops Alerts")), 201, "%s",
		     call_answer);
	tree = call_tree();
	cr_expect_str_eq(json_get_string(tree, "name"), "ops-alerts");
	cr_expect_str_eq(json_get_string(tree, "provider"), "webhook");
	cr_expect_str_eq(json_get_string(tree, "team_id"), TEAM_A_ID);
	cr_expect_str_eq(json_get_string(tree, "created_at"), "2027-01-15T08:00:00Z");
	cr_expect_str_eq(json_get_string(tree, "updated_at"), "2027-01-15T08:00:00Z");
	cr_expect_eq(strlen(json_get_string(tree, "secret")), 64);
	cr_expect_str_eq(cJSON_GetArrayItem(json_get(tree, "events"), 0)->valuestring, "host.down");
	cr_expect_null(json_get(tree, "config"));
	snprintf(path, sizeof(path), "/v1/channels/%s", json_get_string(tree, "id"));
	cJSON_Delete(tree);

	cr_assert_eq(call(rig, "GET", path, ""), 200);
	tree = call_tree();
	cr_expect_str_eq(json_get_string(tree, "name"), "ops-alerts");
	cr_expect_null(json_get(tree, "secret"), "the secret is shown again");
	cr_expect_null(json_get(tree, "config"));
	cr_expect_eq(cJSON_GetArraySize(json_get(tree, "events")), 2);
	cJSON_Delete(tree);

	cr_expect_eq(rig_ask(rig, "SELECT count(*) FROM audit_logs WHERE action = 'create' "
				  "AND resource_type = 'channel' AND status = 'success' "
				  "AND team_id = '" TEAM_A "'"),
		     1);
	rig_ask_text(rig, text, sizeof(text), "SELECT CAST(metadata AS text) FROM audit_logs");
	cr_expect(strstr(text, "ops-alerts") && strstr(text, "webhook"), "%s", text);
	rig_ask_text(rig, text, sizeof(text), "SELECT CAST(config AS text) FROM channels");
	cr_expect_null(strstr(text, "8.8.8.8"), "the URL is stored in plaintext");
}

Test(endpoints, make_a_channel_and_show_its_secret_once)
{
	ON_BOTH_STORES(&strict, create_and_read);
}

static void refuse_bad_bodies(struct rig *rig)
{
	static const struct {
		const char *body;
		const char *field; /* NULL: no details */
	} cases[] = {
		{ "", NULL },
		{ "{", NULL },
		{ "{\"name\":\"-\",\"provider\":\"webhook\",\"config\":{},\"events\":[]}", "name" },
		{ "{\"name\":\"a\",\"provider\":\"pager\",\"config\":{},\"events\":[]}",
		  "provider" },
		{ "{\"name\":\"a\",\"provider\":\"webhook\",\"config\":{},\"events\":[]}",
		  "events" },
		{ "{\"name\":\"a\",\"provider\":\"webhook\",\"config\":{},"
		  "\"events\":[\"host.up\"]}",
		  "url" },
		{ "{\"name\":\"a\",\"provider\":\"webhook\",\"events\":[\"host.up\"],"
		  "\"config\":{\"url\":\"http://127.0.0.1/token-in-path\"}}",
		  "url" },
		{ "{\"name\":\"a\",\"provider\":\"webhook\",\"events\":[\"host.up\"],"
		  "\"config\":{\"url\":\"http://localhost/token-in-path\"}}",
		  "url" },
		{ "{\"name\":\"a\",\"provider\":\"webhook\",\"events\":[\"host.up\"],"
		  "\"config\":{\"url\":\"http://nowhere.invalid/token-in-path\"}}",
		  "url" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const cJSON *error;
		const cJSON *details;
		cJSON *tree;

		cr_expect_eq(call(rig, "POST", "/v1/channels", cases[i].body), 400, "%s",
			     cases[i].body);
		tree = call_tree();
		error = json_get(tree, "error");
		details = json_get(error, "details");
		cr_expect_str_eq(json_get_string(error, "code"), "invalid_request");
		cr_expect_null(strstr(call_answer, "token-in-path"), "the URL is repeated");
		if (cases[i].field)
			cr_expect_str_eq(json_get_string(details, "field"), cases[i].field);
		else
			cr_expect_null(details);
		cJSON_Delete(tree);
	}
	cr_expect_eq(rig_ask(rig, "SELECT count(*) FROM channels"), 0);
	cr_expect_eq(rig_ask(rig, "SELECT count(*) FROM audit_logs"), 0);
}

Test(endpoints, refuse_what_is_wrong_and_write_nothing)
{
	ON_BOTH_STORES(&strict, refuse_bad_bodies);
}

static void refuse_taken_name(struct rig *rig)
{
	char path[64];
	char other[4096];

	call_create(rig, BODY("same"), path);
	cr_expect_eq(call(rig, "POST", "/v1/channels", BODY(" SAME ")), 409);
	cr_expect(strstr(call_answer, "\"conflict\""), "%s", call_answer);
	cr_expect_eq(rig_ask(rig, "SELECT count(*) FROM channels"), 1);
	cr_expect_eq(rig_ask(rig, "SELECT count(*) FROM audit_logs"), 1, "a row for nothing");
	cr_expect_eq(rig_request(rig, "POST", "/v1/channels", TEAM_B, BODY("same"), other,
				 sizeof(other)),
		     201, "the name is free in another team");
}

Test(endpoints, refuse_a_name_the_team_has_already)
{
	ON_BOTH_STORES(&strict, refuse_taken_name);
}

static void refuse_the_51st(struct rig *rig)
{
	char path[64];
	char body[512];

	for (int i = 0; i < 50; i++) {
		snprintf(body, sizeof(body), BODY("c%d"), i);
		call_create(rig, body, path);
	}
	cr_expect_eq(call(rig, "POST", "/v1/channels", BODY("c50")), 409);
	cr_expect(strstr(call_answer, "\"conflict\""));
	cr_expect_eq(rig_ask(rig, "SELECT count(*) FROM channels"), 50);
	cr_expect_eq(call(rig, "DELETE", path, ""), 204);
	cr_expect_eq(call(rig, "POST", "/v1/channels", BODY("c50")), 201);
}

Test(endpoints, let_a_team_have_fifty_channels)
{
	ON_BOTH_STORES(&strict, refuse_the_51st);
}

static void list(struct rig *rig)
{
	static const char *const newest_first[] = { "third", "second", "first" };
	char path[64];
	char other[4096];
	cJSON *tree;

	cr_assert_eq(call(rig, "GET", "/v1/channels", ""), 200);
	cr_assert_str_eq(call_answer, "[]\n");
	call_create(rig, BODY("first"), path);
	rig_now_us += SECOND_US;
	call_create(rig, BODY("second"), path);
	rig_now_us += SECOND_US;
	call_create(rig, BODY("third"), path);
	cr_assert_eq(call(rig, "GET", "/v1/channels", ""), 200);
	tree = call_tree();
	cr_assert_eq(cJSON_GetArraySize(tree), 3);
	for (int i = 0; i < 3; i++)
		cr_expect_str_eq(json_get_string(cJSON_GetArrayItem(tree, i), "name"),
				 newest_first[i]);
	cr_expect_null(strstr(call_answer, "secret"));
	cJSON_Delete(tree);
	cr_assert_eq(rig_request(rig, "GET", "/v1/channels", TEAM_B, "", other, sizeof(other)),
		     200);
	cr_assert_str_eq(other, "[]\n", "another team's channels are listed");
}

Test(endpoints, list_the_teams_channels_newest_first)
{
	ON_BOTH_STORES(&strict, list);
}

/* Follows the Link header. Two of the three channels were created at the same time. */
static void follow_pages(struct rig *rig)
{
	char seen[4] = "";
	char path[256] = "/v1/channels?limit=1";
	char created[64];

	call_create(rig, BODY("a"), created);
	rig_now_us += SECOND_US / 2;
	call_create(rig, BODY("b"), created);
	call_create(rig, BODY("c"), created);
	for (size_t i = 0; i < 3; i++) {
		cJSON *tree;

		cr_assert_eq(call(rig, "GET", path, ""), 200, "%s", call_answer);
		tree = call_tree();
		cr_assert_eq(cJSON_GetArraySize(tree), 1);
		seen[i] = json_get_string(cJSON_GetArrayItem(tree, 0), "name")[0];
		cJSON_Delete(tree);

		struct str link =
			answer_header(&(struct answer){ .headers = str_of(rig_headers) }, "Link");

		cr_assert_eq(link.len > 0, i < 2, "%s", rig_headers);
		if (link.len > 0) {
			struct str rest = str_from(link, 1);
			struct str next = str_cut(&rest, '>');

			cr_expect(str_is(rest, "; rel=\"next\""));
			snprintf(path, sizeof(path), "%.*s", STR_ARGS(next));
		}
	}
	cr_expect_eq(seen[2], 'a');
	cr_expect_eq(seen[0] + seen[1], 'b' + 'c', "%s", seen);
}

Test(endpoints, lead_from_one_page_of_channels_to_the_next)
{
	ON_BOTH_STORES(&strict, follow_pages);
}

static void refuse_bad_pages(struct rig *rig)
{
	static const char *const bad[] = { "limit=0", "limit=x", "limit=1&limit=2", "before=now",
					   "before_id=1" };
	char path[128];

	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		snprintf(path, sizeof(path), "/v1/channels?%s", bad[i]);
		cr_expect_eq(call(rig, "GET", path, ""), 400, "%s: %s", bad[i], call_answer);
	}
	cr_expect_eq(call(rig, "GET", "/v1/channels?limit=99999", ""), 200, "%s", call_answer);
}

Test(endpoints, refuse_pages_that_make_no_sense)
{
	ON_BOTH_STORES(&strict, refuse_bad_pages);
}

static void hide_from_others(struct rig *rig)
{
	char path[64];
	char other[4096];

	call_create(rig, BODY("mine"), path);
	cr_expect_eq(rig_request(rig, "GET", path, TEAM_B, "", other, sizeof(other)), 404);
	cr_expect(strstr(other, "\"not_found\""));
	cr_expect_eq(rig_request(rig, "DELETE", path, TEAM_B, "", other, sizeof(other)), 204);
	cr_expect_eq(rig_ask(rig, "SELECT count(*) FROM channels"), 1, "it was removed");
	cr_expect_eq(rig_ask(rig, "SELECT count(*) FROM audit_logs WHERE action = 'delete'"), 0);
}

Test(endpoints, keep_channels_from_other_teams)
{
	ON_BOTH_STORES(&strict, hide_from_others);
}

static void remove_channel(struct rig *rig)
{
	char path[64];
	char text[256];

	call_create(rig, BODY("gone"), path);
	cr_expect_eq(call(rig, "DELETE", path, ""), 204);
	cr_expect_str_eq(call_answer, "");
	cr_expect_eq(call(rig, "GET", path, ""), 404);
	cr_expect_eq(call(rig, "DELETE", path, ""), 204, "removing it again");
	cr_expect_eq(rig_ask(rig, "SELECT count(*) FROM audit_logs WHERE action = 'delete' "
				  "AND status = 'warning'"),
		     1);
	rig_ask_text(rig, text, sizeof(text),
		     "SELECT CAST(metadata AS text) FROM audit_logs WHERE action = 'delete'");
	cr_expect(strstr(text, "gone") && strstr(text, "webhook"), "%s", text);
}

Test(endpoints, remove_a_channel_and_audit_it_once)
{
	ON_BOTH_STORES(&strict, remove_channel);
}

static void refuse_bad_ids(struct rig *rig)
{
	static const char *const ids[] = {
		"x",
		"ch-",
		"ch-zzzzzzzzzzzzzzzzzzzzzzzzz",
		"team-0x5yg3bfyrehlas5fmd3rslxq",
		"ch-0X5YG3BFYREHLAS5FMD3RSLXQ",
		"ch-0x5yg3bfyrehlas5fmd3rslxq0",
		"ch-f5lxx1zz5pnorynqglhzmsp34",
	};

	for (size_t i = 0; i < ARRAY_LEN(ids); i++) {
		char path[128];

		snprintf(path, sizeof(path), "/v1/channels/%s", ids[i]);
		cr_expect_eq(call(rig, "GET", path, ""), 400, "%s", path);
		cr_expect_eq(call(rig, "DELETE", path, ""), 400, "%s", path);
	}
	cr_expect_eq(call(rig, "GET", "/v1/channels/ch-0000000000000000000000001", ""), 404);
}

Test(endpoints, refuse_malformed_ids_on_every_method)
{
	ON_BOTH_STORES(&strict, refuse_bad_ids);
}

static void keep_supplied_secret(struct rig *rig)
{
	char path[64];
	cJSON *tree;

	cr_assert_eq(
		call(rig, "POST", "/v1/channels",
		     "{\"name\":\"a\",\"provider\":\"webhook\",\"events\":[\"host.up\"],"
		     "\"config\":{\"url\":\"http://8.8.8.8/\",\"secret\":\"my very own secret\"}}"),
		201);
	tree = call_tree();
	cr_expect_str_eq(json_get_string(tree, "secret"), "my very own secret");
	cJSON_Delete(tree);
	call_create(rig, BODY("b"), path);
}

Test(endpoints, keep_a_secret_that_was_supplied)
{
	ON_BOTH_STORES(&strict, keep_supplied_secret);
}

static void refuse_dead_team(struct rig *rig)
{
	rig_ask(rig, "UPDATE teams SET deleted_at = created_at WHERE id = '" TEAM_A "'");
	cr_expect_eq(call(rig, "POST", "/v1/channels", BODY("late")), 403, "%s", call_answer);
	cr_expect_eq(rig_ask(rig, "SELECT count(*) FROM channels"), 0);
}

Test(endpoints, make_nothing_for_a_deleted_team)
{
	ON_BOTH_STORES(&strict, refuse_dead_team);
}

Test(endpoints, write_no_audit_rows_when_auditing_is_off)
{
	const struct rig_options off = { .strict = true, .audit_mode = AUDIT_OFF };
	struct rig rig;
	char path[64];

	rig_open(&rig, DATABASE_SQLITE, &off);
	call_create(&rig, BODY("quiet"), path);
	cr_expect_eq(call(&rig, "DELETE", path, ""), 204);
	cr_expect_eq(rig_ask(&rig, "SELECT count(*) FROM audit_logs"), 0);
	rig_close(&rig);
}

Test(endpoints, answer_503_while_the_store_is_away)
{
	struct database nowhere = { .url = "postgres:///none?host=/nonexistent&user=nobody" };
	const struct rig_options options = { .strict = true, .database = &nowhere };
	struct rig rig;

	rig_open(&rig, DATABASE_POSTGRES, &options);
	cr_expect_eq(call(&rig, "GET", "/v1/channels", ""), 503, "%s", call_answer);
	cr_expect(strstr(call_answer, "\"service_unavailable\""));
	cr_expect_eq(call(&rig, "POST", "/v1/channels", BODY("a")), 503);
	cr_expect_eq(call(&rig, "DELETE", NOBODY, ""), 503);
	cr_expect_eq(call(&rig, "PATCH", NOBODY, BODY("a")), 503);
	cr_expect_eq(call(&rig, "PUT", NOBODY "/config", "{\"config\":{}}"), 503);
	cr_expect_eq(call(&rig, "POST", NOBODY "/enable", "{}"), 503);
	rig_close(&rig);
}
