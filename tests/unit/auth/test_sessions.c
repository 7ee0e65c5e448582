/* SPDX-License-Identifier: Apache-2.0 */

/* Browser sessions through the hook, against both databases and a real Redis: the tables, the
 * cached copy, the parts of it that count, and what the hook writes to both. */
#include <criterion/criterion.h>
#include <errno.h>

#include "tests/unit/auth/rig.h"

/* ---- sessions from the tables -------------------------------------------------------------- */

Test(session, without_a_cached_copy_is_read_from_the_tables)
{
	ON_BOTH_ENGINES(engine)
	{
		struct rig rig;
		struct http_request request = { .method = HTTP_GET };
		struct uuid team;

		rig_open(&rig, engine, NULL);
		rig_add_session(&rig, "admin", 3600, 60);
		request.sid = rig.sid;
		cr_expect_eq(rig_visit(&rig, &request, ACCESS_CHANGE), 200);
		cr_assert_eq(uuid_parse(STR(TEAM_UUID), &team), 0);
		cr_expect(uuid_eq(&request.identity.team, &team));
		cr_expect_eq(request.identity.credential, CREDENTIAL_SESSION);
		cr_expect_eq(request.identity.role, ROLE_ADMIN);
		cr_expect_eq(request.identity.actor.bytes[0], 0x11);
		cr_expect_str_eq(request.identity.name, "Ada");
		cr_expect_str_eq(request.identity.csrf, CSRF);
		cr_expect_str_eq(request.identity.credential_hash, rig.hash);
		cr_expect_not(request.identity.is_admin);
		cr_expect_gt(request.identity.expires_us, 0);
		cr_expect_eq(rig_ttl_ms(&rig), -2, "the hook must not write the key");
		rig_close(&rig);
	}
}

Test(session, from_the_tables_obeys_every_rule_of_its_life)
{
	static const struct {
		const char *role;
		int64_t expires_in_s;
		int64_t seen_ago_s;
		const char *then;
		int stream;
		int admin;
	} cases[] = {
		{ "member", 3600, 0, NULL, 200, 403 },
		{ "member", 3600, 21500, NULL, 200, 403 },
		{ "member", 3600, 21700, NULL, 401, 401 },
		{ "member", -5, 0, NULL, 401, 401 },
		{ NULL, 3600, 0, NULL, 403, 403 },
		{ "janitor", 3600, 0, NULL, 403, 403 },
		{ "owner", 3600, 0, "UPDATE users SET status = 'disabled'", 401, 401 },
		{ "owner", 3600, 0, "UPDATE users SET status = 'inactive'", 401, 401 },
		{ "owner", 3600, 0, "UPDATE users SET deleted_at = created_at", 401, 401 },
		{ "owner", 3600, 0, "UPDATE teams SET deleted_at = created_at", 403, 403 },
		{ "owner", 3600, 0, "UPDATE users SET is_admin = TRUE", 200, 200 },
		{ NULL, 3600, 0, "UPDATE users SET is_admin = TRUE", 403, 200 },
		{ "owner", 3600, 0, "DELETE FROM sessions", 401, 401 },
	};

	ON_BOTH_ENGINES(engine)
	{
		struct rig rig;

		rig_open(&rig, engine, NULL);
		for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
			rig_make_cookie(&rig);
			rig_ask(&rig, "DELETE FROM sessions");
			rig_ask(&rig, "DELETE FROM users_teams");
			rig_ask(&rig, "UPDATE users SET status = 'active', deleted_at = NULL, "
				      "is_admin = FALSE");
			rig_ask(&rig, "UPDATE teams SET deleted_at = NULL WHERE id = '%s'",
				TEAM_UUID);
			rig_add_session(&rig, cases[i].role, cases[i].expires_in_s,
					cases[i].seen_ago_s);
			if (cases[i].then)
				rig_ask(&rig, "%s", cases[i].then);
			cr_expect_eq(rig_visit_session(&rig, ACCESS_ADMIN), cases[i].admin,
				     "case %zu, admin", i);
			cr_expect_eq(rig_visit_session(&rig, ACCESS_STREAM), cases[i].stream,
				     "case %zu, stream", i);
		}
		rig_close(&rig);
	}
}

static bool session_was_seen(void *owner)
{
	return rig_ask(owner, "SELECT count(*) FROM sessions WHERE last_seen_at > %s",
		       sql_time(-30)) == 1;
}

Test(session, notes_that_it_was_seen_at_most_once_a_minute)
{
	ON_BOTH_ENGINES(engine)
	{
		struct rig rig;

		rig_open(&rig, engine, NULL);
		rig_add_session(&rig, "member", 3600, 600);
		rig_visit_session(&rig, ACCESS_STREAM);
		run_until(&rig.loop, session_was_seen, &rig, "noted from the table path");
		rig_cache_session(&rig, TEAM_UUID, "member", 3600);
		rig_ask(&rig, "UPDATE sessions SET last_seen_at = %s", sql_time(-90));
		rig_visit_session(&rig, ACCESS_STREAM);
		run_until(&rig.loop, session_was_seen, &rig, "noted from the cached path");
		rig_ask(&rig, "UPDATE sessions SET last_seen_at = %s", sql_time(-50));
		rig_visit_session(&rig, ACCESS_STREAM);
		rig_close(&rig);
		cr_expect_not(session_was_seen(&rig), "not within a minute");
	}
}

/* ---- sessions from Redis -------------------------------------------------------------------- */

Test(cached_session, is_enough_while_its_team_exists)
{
	static const struct {
		const char *team;
		const char *role;
		int expected;
	} cases[] = {
		{ TEAM_UUID, "member", 200 },
		{ GONE_UUID, "owner", 403 },
		{ "22222222-2222-4222-8222-222222222222", "owner", 403 },
		{ "00000000-0000-0000-0000-000000000000", "owner", 403 },
		{ NULL, "", 403 },
	};

	ON_BOTH_ENGINES(engine)
	{
		struct rig rig;

		rig_open(&rig, engine, NULL);
		for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
			struct http_request request = { .sid = rig.sid };

			rig_cache_session(&rig, cases[i].team, cases[i].role, 3600);
			cr_expect_eq(rig_visit(&rig, &request, ACCESS_STREAM), cases[i].expected,
				     "case %zu", i);
			if (i == 0)
				cr_expect_str_eq(request.identity.csrf, CSRF);
		}
		rig_close(&rig);
	}
}

Test(cached_session, is_never_believed_about_administrators)
{
	ON_BOTH_ENGINES(engine)
	{
		struct rig rig;
		struct http_request request = { .method = HTTP_GET };

		rig_open(&rig, engine, NULL);
		rig_cache_session(&rig, NULL, "", 3600); /* says is_admin */
		cr_expect_eq(rig_visit_session(&rig, ACCESS_ADMIN), 403);
		rig_ask(&rig, "UPDATE users SET is_admin = TRUE");
		request.sid = rig.sid;
		cr_expect_eq(rig_visit(&rig, &request, ACCESS_ADMIN), 200);
		cr_expect(request.identity.is_admin);
		cr_expect(uuid_is_zero(&request.identity.team));
		rig_ask(&rig, "UPDATE users SET status = 'disabled'");
		cr_expect_eq(rig_visit_session(&rig, ACCESS_ADMIN), 403);
		rig_close(&rig);
	}
}

Test(cached_session, ends_at_its_time_whatever_the_tables_say)
{
	struct rig rig;

	rig_open(&rig, DATABASE_SQLITE, NULL);
	rig_add_session(&rig, "owner", 3600, 0);
	rig_cache_session(&rig, TEAM_UUID, "owner", -1);
	cr_expect_eq(rig_visit_session(&rig, ACCESS_STREAM), 401);
	rig_close(&rig);
}

Test(cached_session, that_is_nonsense_counts_as_absent)
{
	static const char *const texts[] = { "", "{", "[]", "{\"id\":7}", "{\"id\":\"\"}" };
	struct rig rig;

	rig_open(&rig, DATABASE_SQLITE, NULL);
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		rig_cache(&rig, texts[i]);
		cr_expect_eq(rig_visit_session(&rig, ACCESS_STREAM), 401, "%s", texts[i]);
	}
	rig_add_session(&rig, "owner", 3600, 0);
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		rig_cache(&rig, texts[i]);
		cr_expect_eq(rig_visit_session(&rig, ACCESS_STREAM), 200, "%s", texts[i]);
	}
	freeReplyObject(redisCommand(rig.control, "DEL wrenn:session:%s", rig.hash));
	freeReplyObject(redisCommand(rig.control, "LPUSH wrenn:session:%s x", rig.hash));
	cr_expect_eq(rig_visit_session(&rig, ACCESS_STREAM), 200, "a key of another type");
	rig_close(&rig);
}

struct ttl_wish {
	struct rig *rig;
	long long above_ms;
};

static bool ttl_is_above(void *owner)
{
	const struct ttl_wish *wish = owner;

	return rig_ttl_ms(wish->rig) > wish->above_ms;
}

Test(cached_session, lives_on_by_six_hours_but_never_past_its_end)
{
	struct rig rig;
	struct ttl_wish wish = { .rig = &rig, .above_ms = 21000 * 1000 };
	redisReply *before, *after;

	rig_open(&rig, DATABASE_SQLITE, NULL);
	rig_cache_session(&rig, TEAM_UUID, "owner", 80000);
	before = redisCommand(rig.control, "GET wrenn:session:%s", rig.hash);
	rig_visit_session(&rig, ACCESS_STREAM);
	run_until(&rig.loop, ttl_is_above, &wish, "the key lives six hours");
	cr_expect_leq(rig_ttl_ms(&rig), 21600 * 1000);
	after = redisCommand(rig.control, "GET wrenn:session:%s", rig.hash);
	cr_expect_str_eq(before->str, after->str, "the value must stay as it is");
	freeReplyObject(before);
	freeReplyObject(after);

	rig_cache_session(&rig, TEAM_UUID, "owner", 1000);
	wish.above_ms = 900 * 1000;
	rig_visit_session(&rig, ACCESS_STREAM);
	run_until(&rig.loop, ttl_is_above, &wish, "the key lives until the session ends");
	cr_expect_leq(rig_ttl_ms(&rig), 1000 * 1000);
	rig_close(&rig);
}

Test(session, does_without_redis)
{
	struct redis_server server = { 0 };
	struct rig rig;

	redis_server_start(&server, NULL);
	rig_open(&rig, DATABASE_SQLITE, &server);
	rig_add_session(&rig, "owner", 3600, 0);
	rig_cache_session(&rig, TEAM_UUID, "owner", 3600);
	redis_server_kill(&server);
	/* The first may be under way when the connection breaks; the second finds it broken. */
	cr_expect_eq(rig_visit_session(&rig, ACCESS_STREAM), 200);
	cr_expect_eq(rig_visit_session(&rig, ACCESS_STREAM), 200);
	rig_close(&rig);
	redis_server_stop(&server);
}
