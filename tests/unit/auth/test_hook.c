/* SPDX-License-Identifier: Apache-2.0 */

/* The hook against both databases and a real Redis: which routes each credential opens, and what
 * the hook writes to the tables and to Redis. */
#include <criterion/criterion.h>
#include <errno.h>

#include "core/metrics.h"
#include "tests/unit/auth/rig.h"

/* ---- API keys ----------------------------------------------------------------------------- */

Test(api_key, opens_its_teams_routes_and_says_who_it_is)
{
	ON_BOTH_ENGINES(engine)
	{
		struct rig rig;
		struct http_request request = { .key = API_KEY };
		struct uuid team;

		rig_open(&rig, engine, NULL);
		rig_add_key(&rig, TEAM_UUID, "NULL");
		cr_expect_eq(rig_visit(&rig, &request, ACCESS_CHANGE), 200);
		cr_assert_eq(uuid_parse(STR(TEAM_UUID), &team), 0);
		cr_expect(uuid_eq(&request.identity.team, &team));
		cr_expect(request.identity.has_team);
		cr_expect_eq(request.identity.credential, CREDENTIAL_API_KEY);
		cr_expect_eq(request.identity.role, ROLE_ADMIN);
		cr_expect_eq(request.identity.actor.bytes[15], 1);
		cr_expect_eq(request.identity.expires_us, 0);
		cr_expect_str_eq(request.identity.name, "ci");
		cr_expect_str_eq(request.identity.credential_hash, KEY_HASH);
		cr_expect_str_eq(request.identity.csrf, "");
		cr_expect_eq(rig_visit_key(&rig, ACCESS_ADMIN), 403, "never an administrator");
		rig_close(&rig);
	}
}

Test(api_key, is_refused_once_it_or_its_team_or_its_maker_is_gone)
{
	static const struct {
		const char *team;
		const char *created_by;
		const char *then;
		int expected;
	} cases[] = {
		{ TEAM_UUID, "NULL", NULL, 200 },
		{ TEAM_UUID, "'" USER_UUID "'", NULL, 200 },
		{ TEAM_UUID, "'" USER_UUID "'", "UPDATE users SET status = 'disabled'", 401 },
		{ TEAM_UUID, "'" USER_UUID "'", "UPDATE users SET deleted_at = created_at", 401 },
		{ TEAM_UUID, "NULL", "UPDATE users SET status = 'disabled'", 200 },
		{ GONE_UUID, "NULL", NULL, 401 },
		{ TEAM_UUID, "NULL", "UPDATE teams SET deleted_at = created_at", 401 },
		{ TEAM_UUID, "NULL", "DELETE FROM team_api_keys", 401 },
	};

	ON_BOTH_ENGINES(engine)
	{
		struct rig rig;

		rig_open(&rig, engine, NULL);
		for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
			rig_ask(&rig, "DELETE FROM team_api_keys");
			rig_ask(&rig, "UPDATE users SET status = 'active', deleted_at = NULL");
			rig_ask(&rig, "UPDATE teams SET deleted_at = NULL WHERE id = '%s'",
				TEAM_UUID);
			rig_add_key(&rig, cases[i].team, cases[i].created_by);
			if (cases[i].then)
				rig_ask(&rig, "%s", cases[i].then);
			cr_expect_eq(rig_visit_key(&rig, ACCESS_STREAM), cases[i].expected,
				     "case %zu", i);
		}
		rig_close(&rig);
	}
}

Test(api_key, decides_alone_when_the_header_is_there)
{
	static const char *const keys[] = { "", "x", "wrn_ffffffffffffffffffffffffffffffff" };
	struct rig rig;

	rig_open(&rig, DATABASE_SQLITE, NULL);
	rig_add_session(&rig, "owner", 3600, 1);
	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		struct http_request request = { .key = keys[i], .sid = rig.sid };

		cr_expect_eq(rig_visit(&rig, &request, ACCESS_STREAM), 401, "\"%s\"", keys[i]);
		cr_expect_eq(request.identity.credential, CREDENTIAL_NONE);
	}
	rig_close(&rig);
}

Test(api_key, opens_streams_only_when_sessions_manage)
{
	struct rig rig;
	struct http_request request = { .key = API_KEY };

	rig_open(&rig, DATABASE_SQLITE, NULL);
	rig_add_key(&rig, TEAM_UUID, "NULL");
	rig_reopen_auth(&rig, false, ROLE_MEMBER);
	cr_expect_eq(rig_visit_key(&rig, ACCESS_STREAM), 200);
	cr_expect_eq(rig_visit_key(&rig, ACCESS_CHANGE), 401);
	cr_expect_eq(rig_visit(&rig, &request, ACCESS_TEAM), 401);
	cr_expect_eq(request.cookies_set, 0, "no session was refused");
	rig_close(&rig);
}

static bool key_was_used(void *owner)
{
	return rig_ask(owner, "SELECT count(*) FROM team_api_keys WHERE last_used > %s",
		       sql_time(-30)) == 1;
}

Test(api_key, notes_its_use_at_most_once_a_minute)
{
	ON_BOTH_ENGINES(engine)
	{
		struct rig rig;

		rig_open(&rig, engine, NULL);
		rig_add_key(&rig, TEAM_UUID, "NULL");
		rig_visit_key(&rig, ACCESS_STREAM);
		run_until(&rig.loop, key_was_used, &rig, "a first use is noted");
		rig_ask(&rig, "UPDATE team_api_keys SET last_used = %s", sql_time(-90));
		rig_visit_key(&rig, ACCESS_STREAM);
		run_until(&rig.loop, key_was_used, &rig, "a use after a minute is noted");
		rig_ask(&rig, "UPDATE team_api_keys SET last_used = %s", sql_time(-50));
		rig_visit_key(&rig, ACCESS_STREAM);
		rig_close(&rig); /* which runs the queued writes */
		cr_expect_not(key_was_used(&rig), "not within a minute");
	}
}

/* ---- refusals ------------------------------------------------------------------------------- */

Test(session, is_taken_from_the_browser_where_only_sessions_help)
{
	static const struct {
		bool keys_manage;
		enum http_access access;
		const char *sid;
		unsigned cookies;
	} cases[] = {
		{ true, ACCESS_ADMIN, "nonsense", 2 }, { true, ACCESS_ADMIN, NULL, 2 },
		{ true, ACCESS_TEAM, "nonsense", 0 },  { true, ACCESS_STREAM, NULL, 0 },
		{ false, ACCESS_TEAM, "nonsense", 2 }, { false, ACCESS_CHANGE, NULL, 2 },
		{ false, ACCESS_STREAM, NULL, 0 },
	};
	struct rig rig;

	rig_open(&rig, DATABASE_SQLITE, NULL);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct http_request request = { .sid = cases[i].sid };

		rig_reopen_auth(&rig, cases[i].keys_manage, ROLE_MEMBER);
		cr_expect_eq(rig_visit(&rig, &request, cases[i].access), 401);
		cr_expect_eq(request.cookies_set, cases[i].cookies, "case %zu", i);
	}

	struct http_request unknown = { .sid = rig.sid, .proto = "https" };

	cr_expect_eq(rig_visit(&rig, &unknown, ACCESS_ADMIN), 401);
	cr_expect_str_eq(unknown.cookies[0],
			 "wrenn_sid=; Path=/; Max-Age=0; SameSite=Strict; HttpOnly; Secure");
	cr_expect_str_eq(unknown.cookies[1],
			 "wrenn_csrf=; Path=/; Max-Age=0; SameSite=Strict; Secure");
	rig_close(&rig);
}

Test(session, is_refused_when_the_cookie_is_malformed)
{
	static const char *const cookies[] = {
		"", "x", "000000000000000000000000000000000000000000000000000000000000000",
		"A000000000000000000000000000000000000000000000000000000000000000",
		"00000000000000000000000000000000000000000000000000000000000000000"
	};
	struct rig rig;

	rig_open(&rig, DATABASE_SQLITE, NULL);
	for (size_t i = 0; i < ARRAY_LEN(cookies); i++) {
		struct http_request request = { .sid = cookies[i] };

		cr_expect_eq(rig_visit(&rig, &request, ACCESS_STREAM), 401, "%s", cookies[i]);
	}
	rig_close(&rig);
}

Test(csrf, needs_header_cookie_and_session_to_agree)
{
	static const char other[] =
		"deadbeefdeadbeefdeadbeefdeadbeefdeadbeefdeadbeefdeadbeefdeadbeef";
	static const struct {
		enum http_method method;
		const char *header;
		const char *cookie;
		int expected;
	} cases[] = {
		{ HTTP_GET, NULL, NULL, 200 },    { HTTP_POST, CSRF, CSRF, 200 },
		{ HTTP_PATCH, CSRF, CSRF, 200 },  { HTTP_PUT, CSRF, CSRF, 200 },
		{ HTTP_DELETE, CSRF, CSRF, 200 }, { HTTP_POST, NULL, NULL, 403 },
		{ HTTP_POST, CSRF, NULL, 403 },   { HTTP_POST, NULL, CSRF, 403 },
		{ HTTP_POST, "", "", 403 },       { HTTP_POST, other, other, 403 },
		{ HTTP_POST, CSRF, other, 403 },  { HTTP_POST, other, CSRF, 403 },
		{ HTTP_PATCH, NULL, CSRF, 403 },  { HTTP_PUT, NULL, CSRF, 403 },
		{ HTTP_DELETE, NULL, CSRF, 403 }, { HTTP_OTHER, NULL, CSRF, 403 },
	};
	struct rig rig;

	rig_open(&rig, DATABASE_SQLITE, NULL);
	rig_add_session(&rig, "owner", 3600, 0);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct http_request request = { .method = cases[i].method,
						.sid = rig.sid,
						.csrf_header = cases[i].header,
						.csrf_cookie = cases[i].cookie };

		cr_expect_eq(rig_visit(&rig, &request, ACCESS_CHANGE), cases[i].expected,
			     "case %zu", i);
	}
	rig_close(&rig);
}

Test(csrf, of_a_session_without_a_token_never_agrees)
{
	struct http_request request = { .method = HTTP_POST, .csrf_header = "", .csrf_cookie = "" };
	struct rig rig;

	rig_open(&rig, DATABASE_SQLITE, NULL);
	rig_add_session(&rig, "owner", 3600, 0);
	rig_ask(&rig, "UPDATE sessions SET csrf_token = ''");
	request.sid = rig.sid;
	cr_expect_eq(rig_visit(&rig, &request, ACCESS_CHANGE), 403);
	rig_close(&rig);
}

Test(csrf, is_not_asked_of_api_keys)
{
	struct rig rig;
	struct http_request request = { .method = HTTP_DELETE, .key = API_KEY };

	rig_open(&rig, DATABASE_SQLITE, NULL);
	rig_add_key(&rig, TEAM_UUID, "NULL");
	cr_expect_eq(rig_visit(&rig, &request, ACCESS_CHANGE), 200);
	rig_close(&rig);
}

/* ---- failures, and many requests at once --------------------------------------------------- */

Test(hook, answers_503_while_the_store_is_away)
{
	struct http_request with_key = { .key = API_KEY };
	struct store_options options = {
		.readers = 1,
		.url = "postgres:///none?host=/nonexistent&user=nobody",
	};
	struct store *present;
	struct rig rig;

	rig_open(&rig, DATABASE_SQLITE, NULL);
	options.loop = &rig.loop;
	present = rig.store;
	cr_assert_eq(store_open(&options, &rig.store), 0);
	rig_reopen_auth(&rig, true, ROLE_MEMBER);
	cr_expect_eq(rig_visit(&rig, &with_key, ACCESS_STREAM), 503);
	cr_expect_eq(rig_visit_session(&rig, ACCESS_STREAM), 503);
	store_close(rig.store, NULL, NULL);
	rig.store = present;
	rig_close(&rig);
}

static bool all_answered(void *owner)
{
	const struct http_request *requests = owner;

	for (size_t i = 0; i < 1000; i++)
		if (requests[i].answers == 0)
			return false;
	return true;
}

Test(hook, reads_once_for_all_who_wait_with_the_same_credential)
{
	struct metric *lookups;
	struct rig rig;
	struct http_request *requests = calloc(1000, sizeof(*requests));

	rig_open(&rig, DATABASE_SQLITE, NULL);
	rig_add_key(&rig, TEAM_UUID, "NULL");
	rig_add_session(&rig, "owner", 3600, 0);
	lookups = metric_counter("wrenn_events_auth_lookups_total", NULL, "");
	for (size_t i = 0; i < 1000; i++) {
		if (i % 2)
			requests[i].sid = rig.sid;
		else
			requests[i].key = API_KEY;
		auth_authenticate(&requests[i], ACCESS_STREAM, rig.auth);
	}
	run_until(&rig.loop, all_answered, requests, "all are answered");
	for (size_t i = 0; i < 1000; i++) {
		cr_assert_eq(requests[i].status, 200);
		cr_assert_eq(requests[i].answers, 1);
	}
	cr_expect_eq(metric_value(lookups), 2);

	/* Only the streams of a crowd get a remembered answer. */
	rig_ask(&rig, "DELETE FROM team_api_keys");
	cr_expect_eq(rig_visit_key(&rig, ACCESS_CHANGE), 401);
	cr_expect_eq(metric_value(lookups), 3);
	rig_close(&rig);
	free(requests);
}

Test(hook, counts_results_by_credential)
{
	static const struct {
		const char *labels;
		int64_t expected;
	} counts[] = {
		{ "credential=\"none\",result=\"refused\"", 1 },
		{ "credential=\"api_key\",result=\"accepted\"", 1 },
		{ "credential=\"api_key\",result=\"refused\"", 1 },
		{ "credential=\"api_key\",result=\"forbidden\"", 1 },
		{ "credential=\"session\",result=\"refused\"", 1 },
		{ "credential=\"session\",result=\"accepted\"", 0 },
	};
	struct http_request nothing = { .method = HTTP_GET };
	struct http_request malformed = { .key = "x" };
	struct rig rig;

	rig_open(&rig, DATABASE_SQLITE, NULL);
	rig_add_key(&rig, TEAM_UUID, "NULL");
	rig_visit(&rig, &nothing, ACCESS_STREAM);
	rig_visit(&rig, &malformed, ACCESS_STREAM);
	rig_visit_key(&rig, ACCESS_STREAM);
	rig_visit_key(&rig, ACCESS_ADMIN);
	rig_visit_session(&rig, ACCESS_STREAM);
	for (size_t i = 0; i < ARRAY_LEN(counts); i++)
		cr_expect_eq(metric_value(metric_counter("wrenn_events_auth_total",
							 counts[i].labels, "")),
			     counts[i].expected, "%s", counts[i].labels);
	rig_close(&rig);
}

Test(hook, answers_what_is_under_way_when_everything_closes)
{
	struct rig rig;
	struct http_request with_key = { .key = API_KEY };
	struct http_request with_cookie = { .method = HTTP_GET };

	rig_open(&rig, DATABASE_SQLITE, NULL);
	rig_add_key(&rig, TEAM_UUID, "NULL");
	rig_add_session(&rig, "owner", 3600, 600);
	rig_cache_session(&rig, TEAM_UUID, "owner", 3600);
	with_cookie.sid = rig.sid;
	auth_authenticate(&with_key, ACCESS_STREAM, rig.auth);
	auth_authenticate(&with_cookie, ACCESS_STREAM, rig.auth);
	rig_close(&rig);
	cr_expect_eq(with_key.answers, 1);
	cr_expect_eq(with_cookie.answers, 1);
	cr_expect_eq(with_cookie.status, 503, "it was still waiting for Redis");
}

Test(hook, lets_everybody_through_a_public_route)
{
	struct http_request request = { .key = "nonsense" };

	auth_authenticate(&request, ACCESS_PUBLIC, NULL);
	cr_expect_eq(request.status, 200);
	cr_expect_eq(request.identity.credential, CREDENTIAL_NONE);
}
