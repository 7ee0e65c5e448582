/* SPDX-License-Identifier: Apache-2.0 */

/* Keys and sessions from the command line must open the routes that they are for. */
#include <criterion/criterion.h>
#include <errno.h>

#include "core/id.h"
#include "tests/unit/auth/rig.h"

static struct uuid team_of(const char *text)
{
	struct uuid team;

	cr_assert_eq(uuid_parse(str_of(text), &team), 0);
	return team;
}

static const char unknown_team[] = "22222222-2222-4222-8222-222222222222";

Test(keys_create, makes_a_key_that_opens_its_team)
{
	ON_BOTH_ENGINES(engine)
	{
		struct uuid team = team_of(TEAM_UUID);
		struct reason why = { .text = "" };
		struct http_request request = { .method = HTTP_POST };
		char key[37], id[ID_TEXT_SIZE], actor[ID_TEXT_SIZE];
		struct rig rig;

		rig_open(&rig, engine, NULL);
		cr_assert_eq(auth_key_create(rig.database.url, &team, STR("deploy"), key, id, &why),
			     0, "%s", why.text);
		cr_expect_eq(strlen(key), 36);
		request.key = key;
		cr_expect_eq(rig_visit(&rig, &request, ACCESS_CHANGE), 200);
		cr_expect_str_eq(request.identity.name, "deploy");
		id_format(ID_KEY, &request.identity.actor, actor);
		cr_expect_str_eq(id, actor);
		cr_expect_eq(
			rig_ask(&rig,
				"SELECT count(*) FROM team_api_keys WHERE key_prefix = '%.10s' "
				"AND key_hash = '%s'",
				key, request.identity.credential_hash),
			1);

		cr_expect_eq(auth_key_revoke(rig.database.url, str_of(id), &why), 0);
		cr_expect_eq(auth_key_revoke(rig.database.url, str_of(id), &why), -ENOENT);
		cr_expect_str_eq(why.text, "no such key; 'keys list' shows the ids");
		request.answers = 0;
		cr_expect_eq(rig_visit(&rig, &request, ACCESS_CHANGE), 401);
		rig_close(&rig);
	}
}

Test(keys_create, adds_an_unknown_team_to_the_embedded_store_only)
{
	struct uuid team = team_of(unknown_team);

	ON_BOTH_ENGINES(engine)
	{
		struct database database = database_make(engine);
		struct reason why = { .text = "" };
		char key[37], id[ID_TEXT_SIZE];
		int rc = auth_key_create(database.url, &team, STR("x"), key, id, &why);

		if (engine == DATABASE_SQLITE) {
			cr_expect_eq(rc, 0, "%s", why.text);
			cr_expect_eq(database_ask(&database,
						  "SELECT count(*) FROM teams WHERE name LIKE "
						  "'team-%' AND length(slug) = 13"),
				     1);
		} else {
			cr_expect_eq(rc, -ENOENT);
			cr_expect_not_null(strstr(why.text, "there is no team team-"), "%s",
					   why.text);
			cr_expect_eq(database_ask(&database, "SELECT count(*) FROM team_api_keys"),
				     0);
		}
	}
}

Test(keys_create, refuses_a_deleted_team)
{
	ON_BOTH_ENGINES(engine)
	{
		struct uuid team = team_of(GONE_UUID);
		struct reason why = { .text = "" };
		char key[37], id[ID_TEXT_SIZE];
		struct rig rig;

		rig_open(&rig, engine, NULL);
		cr_expect_eq(auth_key_create(rig.database.url, &team, STR("x"), key, id, &why),
			     -ENOENT);
		cr_expect_not_null(strstr(why.text, "is deleted"), "%s", why.text);
		rig_close(&rig);
	}
}

Test(commands, refuse_labels_that_would_not_fit_one_line)
{
	static const char long_name[] =
		"0123456789012345678901234567890123456789012345678901234567890123"
		"0123456789012345678901234567890123456789012345678901234567890123";
	static const char *const names[] = { "",     "a\nb",      "a\tb",          "\x1b[31m",
					     "\xff", "\xc2\x85x", "\xe2\x80\xaex", long_name };
	struct uuid team = team_of(TEAM_UUID);
	struct database database = database_make(DATABASE_SQLITE);

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		struct reason why = { .field = "" };
		char key[65], csrf[65], id[ID_TEXT_SIZE];
		struct str name = str_of(names[i]);

		cr_expect_eq(auth_key_create(database.url, &team, name, key, id, &why), -EINVAL);
		cr_expect_str_eq(why.field, "name");
		cr_expect_eq(auth_team_create(database.url, name, id, &why), -EINVAL);
		cr_expect_eq(auth_session_create(database.url, &team, name, ROLE_OWNER, false, key,
						 csrf, &why),
			     -EINVAL);
	}
	cr_expect_eq(database_ask(&database, "SELECT count(*) FROM team_api_keys"), 0);
}

Test(keys_list, gives_one_line_per_key_whatever_its_label)
{
	ON_BOTH_ENGINES(engine)
	{
		struct reason why = { .text = "" };
		struct buf lines;
		struct rig rig;

		rig_open(&rig, engine, NULL);
		buf_init(&lines, 65536);
		cr_assert_eq(auth_key_list(rig.database.url, &lines, &why), 0);
		cr_expect_eq(lines.len, 0);

		rig_add_key(&rig, TEAM_UUID, "NULL");
		rig_ask(&rig,
			"UPDATE team_api_keys SET created_at = '2026-05-24T05:02:08.000000Z', "
			"name = 'a\tb\n\x1b'");
		cr_assert_eq(auth_key_list(rig.database.url, &lines, &why), 0);
		cr_expect_str_eq(buf_text(&lines),
				 "key-0000000001d7tmz9j2abdrls1\t" TEAM_ID
				 "\twrn_001122\tab\t2026-05-24T05:02:08Z\tnever\n");

		buf_reset(&lines);
		rig_ask(&rig, "UPDATE team_api_keys SET last_used = '2026-05-25T05:02:08.000000Z'");
		cr_assert_eq(auth_key_list(rig.database.url, &lines, &why), 0);
		cr_expect_not_null(strstr(buf_text(&lines), "\t2026-05-25T05:02:08Z\n"));
		buf_done(&lines);
		rig_close(&rig);
	}
}

Test(keys_list, says_when_the_lines_do_not_fit)
{
	struct reason why = { .text = "" };
	struct buf lines;
	struct rig rig;

	rig_open(&rig, DATABASE_SQLITE, NULL);
	rig_add_key(&rig, TEAM_UUID, "NULL");
	buf_init(&lines, 20);
	cr_expect_eq(auth_key_list(rig.database.url, &lines, &why), -E2BIG);
	buf_done(&lines);
	rig_close(&rig);
}

Test(keys_revoke, refuses_what_is_no_key_id)
{
	static const char *const ids[] = { "", "key-", TEAM_ID, "key-f5lxx1zz5pnorynqglhzmsp34",
					   "key-'; DROP TABLE team_api_keys--" };
	struct database database = database_make(DATABASE_SQLITE);

	for (size_t i = 0; i < ARRAY_LEN(ids); i++) {
		struct reason why;

		cr_expect_eq(auth_key_revoke(database.url, str_of(ids[i]), &why), -EINVAL, "%s",
			     ids[i]);
	}
}

Test(teams_create, makes_a_team_that_keys_can_belong_to)
{
	ON_BOTH_ENGINES(engine)
	{
		struct database database = database_make(engine);
		struct reason why = { .text = "" };
		struct uuid team;
		char text[ID_TEXT_SIZE], key[37], id[ID_TEXT_SIZE];

		cr_assert_eq(auth_team_create(database.url, STR("Ops"), text, &why), 0, "%s",
			     why.text);
		cr_assert_eq(id_parse(ID_TEAM, str_of(text), &team), 0);
		cr_expect_eq(auth_key_create(database.url, &team, STR("x"), key, id, &why), 0);
		cr_expect_eq(database_ask(&database, "SELECT count(*) FROM teams "
						     "WHERE name = 'Ops'"),
			     1);
	}
}

Test(sessions_create, makes_a_session_that_opens_its_team_and_can_change_things)
{
	ON_BOTH_ENGINES(engine)
	{
		struct uuid team = team_of(TEAM_UUID);
		struct reason why = { .text = "" };
		char sid[65], csrf[65];
		struct rig rig;

		rig_open(&rig, engine, NULL);
		rig_reopen_auth(&rig, true, ROLE_ADMIN);
		cr_assert_eq(auth_session_create(rig.database.url, &team, STR("Grace"), ROLE_ADMIN,
						 false, sid, csrf, &why),
			     0, "%s", why.text);

		struct http_request change = {
			.method = HTTP_POST, .sid = sid, .csrf_header = csrf, .csrf_cookie = csrf
		};
		struct http_request admin = { .sid = sid };

		cr_expect_eq(rig_visit(&rig, &change, ACCESS_CHANGE), 200, "%s", change.message);
		cr_expect_str_eq(change.identity.name, "Grace");
		cr_expect_eq(change.identity.role, ROLE_ADMIN);
		cr_expect(uuid_eq(&change.identity.team, &team));
		cr_expect_eq(rig_visit(&rig, &admin, ACCESS_ADMIN), 403);
		rig_close(&rig);
	}
}

Test(sessions_create, makes_platform_administrators_on_demand)
{
	struct uuid team = team_of(unknown_team);
	struct reason why = { .text = "" };
	char sid[65], csrf[65];
	struct rig rig;

	rig_open(&rig, DATABASE_SQLITE, NULL);
	for (int i = 0; i < 2; i++) /* a second user of the same name is no conflict */
		cr_assert_eq(auth_session_create(rig.database.url, &team, STR("Grace"), ROLE_MEMBER,
						 true, sid, csrf, &why),
			     0, "%s", why.text);

	struct http_request request = { .sid = sid };

	cr_expect_eq(rig_visit(&rig, &request, ACCESS_ADMIN), 200);
	rig_close(&rig);
}

Test(sessions_create, refuses_a_session_without_a_role)
{
	struct uuid team = team_of(TEAM_UUID);
	struct database database = database_make(DATABASE_SQLITE);
	struct reason why;
	char sid[65], csrf[65];

	cr_expect_eq(auth_session_create(database.url, &team, STR("x"), ROLE_NONE, false, sid, csrf,
					 &why),
		     -EINVAL);
	cr_expect_str_eq(why.field, "role");
}

Test(teams_list, shows_id_name_and_time_and_no_deleted_team)
{
	ON_BOTH_ENGINES(engine)
	{
		struct rig rig;
		struct reason why = { .text = "" };
		struct buf lines;
		const char *text;

		rig_open(&rig, engine, NULL);
		buf_init(&lines, 65536);
		cr_assert_eq(auth_team_list(rig.database.url, &lines, &why), 0, "%s", why.text);
		text = buf_text(&lines);
		cr_expect_not_null(strstr(text, "team-0000000000000000000000000\tPlatform\t2"),
				   "%s", text);
		cr_expect_eq(lines.bytes[lines.len - 1], '\n');
		cr_expect_null(strstr(text, "Gone"), "%s", text);
		buf_done(&lines);
		rig_close(&rig);
	}
}
