/* SPDX-License-Identifier: Apache-2.0 */

/* The pure parts: forms of keys and cookies, the copy of a session in Redis with any content, and
 * which credential may do what. */
#include <criterion/criterion.h>
#include <errno.h>

#include "auth/access.h"
#include "auth/credential.h"
#include "auth/sessions.h"

#define ZEROS   "0000000000000000000000000000000000000000000000000000000000000000"
#define ID      "60e05bd1b195af2f94112fa7197a5c88289058840ce7c6df9693756bc6250f55"
#define TEAM    "0f8fad5b-d9cb-469f-a165-70867728950e"
#define USER    "11111111-2222-4333-8444-555555555555"
#define EXPIRES "2026-05-24T07:02:08.123456789+02:00"

Test(key, is_prefix_and_32_lower_case_digits)
{
	static const struct {
		const char *text;
		bool expected;
	} cases[] = {
		{ "wrn_00112233445566778899aabbccddeeff", true },
		{ "wrn_00112233445566778899AABBCCDDEEFF", false },
		{ "wrn_00112233445566778899aabbccddeef", false },
		{ "wrn_00112233445566778899aabbccddeefff", false },
		{ "WRN_00112233445566778899aabbccddeeff", false },
		{ "wrn-00112233445566778899aabbccddeeff", false },
		{ "wrn_00112233445566778899aabbccddeefg", false },
		{ "wrn_", false },
		{ "", false },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		cr_expect_eq(key_is_well_formed(str_of(cases[i].text)), cases[i].expected, "%s",
			     cases[i].text);
}

Test(cookie, is_64_lower_case_digits)
{
	static const struct {
		const char *text;
		bool expected;
	} cases[] = {
		{ ZEROS, true },
		{ ID, true },
		{ ZEROS "0", false },
		{ "000000000000000000000000000000000000000000000000000000000000000", false },
		{ "A000000000000000000000000000000000000000000000000000000000000000", false },
		{ "g000000000000000000000000000000000000000000000000000000000000000", false },
		{ "", false },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		cr_expect_eq(cookie_is_well_formed(str_of(cases[i].text)), cases[i].expected, "%s",
			     cases[i].text);
}

/* ---- the copy in Redis -------------------------------------------------------------------- */

#define MEMBERS(id, user, team, csrf, role, expires)                              \
	"{\"id\":" id ",\"user_id\":" user ",\"team_id\":" team ",\"csrf\":" csrf \
	",\"role\":" role ",\"expires_at\":" expires
#define GOOD(team, role) \
	MEMBERS("\"" ID "\"", "\"" USER "\"", team, "\"" ZEROS "\"", role, "\"" EXPIRES "\"")

static int parse(const char *json, struct session *out)
{
	memset(out, 0x55, sizeof(*out));
	return session_parse(str_of(json), STR(ID), out);
}

Test(cached_session, is_read_member_by_member)
{
	struct session session;

	cr_assert_eq(
		parse(GOOD("\"" TEAM "\"", "\"admin\"") ",\"email\":\"a@b\",\"name\":\"Ada "
							"\\u00c4\",\"is_admin\":true,"
							"\"created_at\":\"2026-05-24T05:02:08Z\","
							"\"last_seen_at\":\"2026-05-24T05:02:08."
							"5Z\",\"user_agent\":\"\","
							"\"ip\":\"::1\",\"novel\":{\"x\":[1]}}",
		      &session),
		0);
	cr_expect(session.has_team);
	cr_expect_eq(session.team.bytes[0], 0x0f);
	cr_expect_eq(session.user.bytes[0], 0x11);
	cr_expect_eq(session.role, ROLE_ADMIN);
	cr_expect_eq(session.expires_us, INT64_C(1779598928123456));
	cr_expect_str_eq(session.name, "Ada \xc3\x84");
	cr_expect_str_eq(session.csrf, ZEROS);
}

Test(cached_session, has_no_team_when_that_is_null_absent_the_platforms_or_without_a_role)
{
	static const char *const cases[] = {
		GOOD("null", "\"owner\"") "}",
		GOOD("null", "\"\"") "}",
		GOOD("\"00000000-0000-0000-0000-000000000000\"", "\"owner\"") "}",
		GOOD("\"" TEAM "\"", "\"\"") "}",
		"{\"id\":\"" ID "\",\"user_id\":\"" USER "\",\"csrf\":\"" ZEROS
		"\",\"role\":\"owner\",\"expires_at\":\"" EXPIRES "\"}",
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct session session;

		cr_assert_eq(parse(cases[i], &session), 0, "%zu", i);
		cr_expect_not(session.has_team, "%zu", i);
	}
}

Test(cached_session, is_refused_when_the_control_plane_cannot_have_written_it)
{
	static const char *const cases[] = {
		"",
		"null",
		"[]",
		"\"text\"",
		"{}",
		"{",
		GOOD("null", "\"owner\""),
		GOOD("null", "\"owner\"") "}x",
		GOOD("null", "\"owner\"") ",\"role\":\"owner\"}",
		GOOD("null", "\"owner\"") ",\"ip\":\"\xff\"}",
		GOOD("null", "\"owner\"") ",\"ip\":null}",
		GOOD("null", "\"owner\"") ",\"name\":7}",
		GOOD("null", "\"owner\"") ",\"is_admin\":\"true\"}",
		GOOD("null", "\"owner\"") ",\"last_seen_at\":\"yesterday\"}",
		GOOD("null", "\"owner\"") ",\"created_at\":0}",
		GOOD("null", "\"god\"") "}",
		GOOD("null", "null") "}",
		GOOD("null", "1") "}",
		GOOD("\"team-0x5yg3bfyrehlas5fmd3rslxq\"", "\"owner\"") "}",
		GOOD("\"\"", "\"owner\"") "}",
		GOOD("7", "\"owner\"") "}",
		MEMBERS("\"" ZEROS "\"", "\"" USER "\"", "null", "\"x\"", "\"\"",
			"\"" EXPIRES "\"") "}",
		MEMBERS("null", "\"" USER "\"", "null", "\"x\"", "\"\"", "\"" EXPIRES "\"") "}",
		MEMBERS("\"" ID "\"", "\"usr-1\"", "null", "\"x\"", "\"\"", "\"" EXPIRES "\"") "}",
		MEMBERS("\"" ID "\"", "null", "null", "\"x\"", "\"\"", "\"" EXPIRES "\"") "}",
		MEMBERS("\"" ID "\"", "\"" USER "\"", "null", "null", "\"\"",
			"\"" EXPIRES "\"") "}",
		MEMBERS("\"" ID "\"", "\"" USER "\"", "null", "\"" ZEROS "12345678\"", "\"\"",
			"\"" EXPIRES "\"") "}",
		MEMBERS("\"" ID "\"", "\"" USER "\"", "null", "\"x\"", "\"\"",
			"\"2026-05-24\"") "}",
		MEMBERS("\"" ID "\"", "\"" USER "\"", "null", "\"x\"", "\"\"", "1779598928") "}",
		MEMBERS("\"" ID "\"", "\"" USER "\"", "null", "\"x\"", "\"\"", "null") "}",
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct session session, untouched;

		memset(&untouched, 0x55, sizeof(untouched));
		cr_expect_eq(parse(cases[i], &session), -EINVAL, "%zu: %s", i, cases[i]);
		cr_expect_eq(memcmp(&session, &untouched, sizeof(session)), 0, "%zu", i);
	}
}

Test(cached_session, is_refused_when_huge_or_deep)
{
	struct session session;
	struct buf json;

	buf_init(&json, 100000);
	buf_add_text(&json, GOOD("null", "\"owner\"") ",\"name\":\"");
	for (int i = 0; i < 17000; i++)
		buf_add_char(&json, 'x');
	buf_add_text(&json, "\"}");
	cr_expect_eq(parse(buf_text(&json), &session), -EINVAL);

	buf_reset(&json);
	buf_add_text(&json, GOOD("null", "\"owner\"") ",\"novel\":");
	for (int i = 0; i < 1000; i++)
		buf_add_char(&json, '[');
	for (int i = 0; i < 1000; i++)
		buf_add_char(&json, ']');
	buf_add_char(&json, '}');
	cr_expect_eq(parse(buf_text(&json), &session), -EINVAL);
	buf_done(&json);
}

Test(cached_session, cuts_a_long_name_between_characters)
{
	struct session session;
	struct buf json;

	buf_init(&json, 4096);
	buf_add_text(&json, GOOD("null", "\"owner\"") ",\"name\":\"");
	for (int i = 0; i < 100; i++)
		buf_add_text(&json, "\xc3\x84");
	buf_add_text(&json, "\"}");
	cr_assert_eq(parse(buf_text(&json), &session), 0);
	cr_expect_eq(strlen(session.name), 126);
	buf_done(&json);
}

/* ---- who may what ------------------------------------------------------------------------- */

#define KEY     CREDENTIAL_API_KEY
#define SESSION CREDENTIAL_SESSION

static const struct judge_case {
	enum credential credential;
	bool has_team;
	bool is_admin;
	enum team_role role;
	enum http_access access;
	bool keys_manage;
	enum team_role change_role;
	enum judgement expected;
} judge_cases[] = {
	/* clang-format off */
	{ KEY,     true, false, ROLE_ADMIN, ACCESS_STREAM, true,  ROLE_MEMBER, ACCESS_GRANTED },
	{ KEY,     true, false, ROLE_ADMIN, ACCESS_TEAM,   true,  ROLE_MEMBER, ACCESS_GRANTED },
	{ KEY,     true, false, ROLE_ADMIN, ACCESS_CHANGE, true,  ROLE_ADMIN,  ACCESS_GRANTED },
	{ KEY,     true, false, ROLE_ADMIN, ACCESS_CHANGE, true,  ROLE_OWNER,  ACCESS_LOW_ROLE },
	{ KEY,     true, false, ROLE_ADMIN, ACCESS_ADMIN,  true,  ROLE_MEMBER, ACCESS_NO_ADMIN },
	{ KEY,     true, false, ROLE_ADMIN, ACCESS_STREAM, false, ROLE_MEMBER, ACCESS_GRANTED },
	{ KEY,     true, false, ROLE_ADMIN, ACCESS_WAIT,   false, ROLE_MEMBER, ACCESS_GRANTED },
	{ KEY,     true, false, ROLE_ADMIN, ACCESS_TEAM,   false, ROLE_MEMBER, ACCESS_NEEDS_LOGIN },
	{ KEY,     true, false, ROLE_ADMIN, ACCESS_CHANGE, false, ROLE_MEMBER, ACCESS_NEEDS_LOGIN },
	{ SESSION, true, false, ROLE_MEMBER, ACCESS_STREAM, true, ROLE_MEMBER, ACCESS_GRANTED },
	{ SESSION, true, false, ROLE_MEMBER, ACCESS_TEAM,  false, ROLE_OWNER,  ACCESS_GRANTED },
	{ SESSION, true, false, ROLE_MEMBER, ACCESS_CHANGE, true, ROLE_MEMBER, ACCESS_GRANTED },
	{ SESSION, true, false, ROLE_MEMBER, ACCESS_CHANGE, true, ROLE_ADMIN,  ACCESS_LOW_ROLE },
	{ SESSION, true, false, ROLE_ADMIN,  ACCESS_CHANGE, true, ROLE_ADMIN,  ACCESS_GRANTED },
	{ SESSION, true, true,  ROLE_ADMIN,  ACCESS_CHANGE, true, ROLE_OWNER,  ACCESS_LOW_ROLE },
	{ SESSION, true, false, ROLE_OWNER,  ACCESS_CHANGE, true, ROLE_OWNER,  ACCESS_GRANTED },
	{ SESSION, true, false, ROLE_OWNER,  ACCESS_ADMIN,  true, ROLE_MEMBER, ACCESS_NO_ADMIN },
	{ SESSION, false, true, ROLE_NONE,   ACCESS_ADMIN,  true, ROLE_MEMBER, ACCESS_GRANTED },
	{ SESSION, false, true, ROLE_NONE,   ACCESS_STREAM, true, ROLE_MEMBER, ACCESS_NO_TEAM },
	{ SESSION, false, true, ROLE_NONE,   ACCESS_TEAM,   true, ROLE_MEMBER, ACCESS_NO_TEAM },
	{ SESSION, false, true, ROLE_NONE,   ACCESS_CHANGE, true, ROLE_MEMBER, ACCESS_NO_TEAM },
	/* clang-format on */
};

Test(access, is_judged_by_credential_team_role_and_route)
{
	for (size_t i = 0; i < ARRAY_LEN(judge_cases); i++) {
		const struct judge_case *c = &judge_cases[i];
		const struct access_rules rules = { .api_keys_manage = c->keys_manage,
						    .change_role = c->change_role };
		struct found found = { .is_admin = c->is_admin,
				       .identity = { .credential = c->credential,
						     .has_team = c->has_team,
						     .role = c->role } };

		cr_expect_eq(access_judge(&rules, &found, c->access), c->expected, "case %zu", i);
		found.rc = -EACCES;
		cr_expect_eq(access_judge(&rules, &found, c->access), ACCESS_UNKNOWN, "case %zu",
			     i);
	}
}

Test(access, acts_for_the_platform_team_on_admin_routes_only)
{
	struct found found = { .is_admin = true,
			       .identity = { .credential = CREDENTIAL_SESSION,
					     .has_team = false,
					     .team = { { 7 } } } };
	struct identity who;

	access_identify(&found, ACCESS_ADMIN, &who);
	cr_expect(who.is_admin);
	cr_expect(who.has_team);
	cr_expect(uuid_is_zero(&who.team));
	access_identify(&found, ACCESS_STREAM, &who);
	cr_expect_not(who.is_admin);
	cr_expect_eq(who.team.bytes[0], 7);
}
