/* SPDX-License-Identifier: Apache-2.0 */

/* A recheck ends exactly the streams that could no longer be opened. */
#include <criterion/criterion.h>
#include <errno.h>

#include "tests/unit/auth/rig.h"

static struct identity log_in_with_key(struct rig *rig)
{
	struct http_request request = { .key = API_KEY };

	cr_assert_eq(rig_visit(rig, &request, ACCESS_STREAM), 200);
	return request.identity;
}

static struct identity log_in(struct rig *rig, enum http_access access)
{
	struct http_request request = { .sid = rig->sid };

	cr_assert_eq(rig_visit(rig, &request, access), 200);
	return request.identity;
}

Test(recheck, follows_an_api_key)
{
	ON_BOTH_ENGINES(engine)
	{
		struct rig rig;
		struct identity who;

		rig_open(&rig, engine, NULL);
		rig_add_key(&rig, TEAM_UUID, "NULL");
		who = log_in_with_key(&rig);
		cr_expect_eq(rig_recheck(&rig, &who, ACCESS_STREAM), 0);
		rig_ask(&rig, "DELETE FROM team_api_keys");
		cr_expect_eq(rig_recheck(&rig, &who, ACCESS_STREAM), -EACCES);
		rig_add_key(&rig, TEAM_UUID, "NULL");
		cr_expect_eq(rig_recheck(&rig, &who, ACCESS_STREAM), 0);
		rig_ask(&rig, "UPDATE teams SET deleted_at = created_at");
		cr_expect_eq(rig_recheck(&rig, &who, ACCESS_STREAM), -EACCES);
		rig_close(&rig);
	}
}

Test(recheck, follows_a_session_through_the_tables)
{
	ON_BOTH_ENGINES(engine)
	{
		struct rig rig;
		struct identity who;

		rig_open(&rig, engine, NULL);
		rig_add_session(&rig, "member", 3600, 0);
		who = log_in(&rig, ACCESS_STREAM);
		cr_expect_eq(rig_recheck(&rig, &who, ACCESS_STREAM), 0);
		rig_ask(&rig, "DELETE FROM users_teams");
		cr_expect_eq(rig_recheck(&rig, &who, ACCESS_STREAM), -EACCES, "left the team");
		rig_ask(&rig, "DELETE FROM sessions");
		cr_expect_eq(rig_recheck(&rig, &who, ACCESS_STREAM), -EACCES, "signed out");
		rig_close(&rig);
	}
}

Test(recheck, refuses_a_session_that_moved_on_to_another_team)
{
	ON_BOTH_ENGINES(engine)
	{
		struct rig rig;
		struct identity who;

		rig_open(&rig, engine, NULL);
		rig_ask(&rig, "UPDATE teams SET deleted_at = NULL");
		rig_cache_session(&rig, TEAM_UUID, "member", 3600);
		who = log_in(&rig, ACCESS_STREAM);
		cr_expect_eq(rig_recheck(&rig, &who, ACCESS_STREAM), 0);
		rig_cache_session(&rig, GONE_UUID, "member", 3600);
		cr_assert_eq(rig_visit_session(&rig, ACCESS_STREAM), 200, "as such it is valid");
		cr_expect_eq(rig_recheck(&rig, &who, ACCESS_STREAM), -EACCES);
		rig_close(&rig);
	}
}

Test(recheck, ends_with_the_administrator)
{
	ON_BOTH_ENGINES(engine)
	{
		struct rig rig;
		struct identity who;

		rig_open(&rig, engine, NULL);
		rig_cache_session(&rig, TEAM_UUID, "member", 3600);
		rig_ask(&rig, "UPDATE users SET is_admin = TRUE");
		who = log_in(&rig, ACCESS_ADMIN);
		cr_expect_eq(rig_recheck(&rig, &who, ACCESS_ADMIN), 0);
		rig_ask(&rig, "UPDATE users SET is_admin = FALSE");
		cr_expect_eq(rig_recheck(&rig, &who, ACCESS_ADMIN), -EACCES);
		rig_close(&rig);
	}
}

Test(recheck, is_no_use_of_the_credential)
{
	struct rig rig;
	struct identity who;

	rig_open(&rig, DATABASE_SQLITE, NULL);
	rig_add_key(&rig, TEAM_UUID, "NULL");
	rig_add_session(&rig, "member", 3600, 0);
	rig_cache_session(&rig, TEAM_UUID, "member", 3600);
	who = log_in(&rig, ACCESS_STREAM);
	freeReplyObject(redisCommand(rig.control, "PEXPIRE wrenn:session:%s 60000", rig.hash));
	rig_ask(&rig, "UPDATE sessions SET last_seen_at = %s", sql_time(-600));
	cr_expect_eq(rig_recheck(&rig, &who, ACCESS_STREAM), 0);
	/* A command from the recheck would have reached Redis before this one. */
	cr_expect_eq(rig_recheck(&rig, &who, ACCESS_STREAM), 0);
	cr_expect_leq(rig_ttl_ms(&rig), 60000);
	rig_close(&rig);
	cr_expect_eq(rig_ask(&rig, "SELECT count(*) FROM sessions WHERE last_seen_at > %s",
			     sql_time(-300)),
		     0);
}

Test(recheck, says_when_it_could_not_find_out)
{
	struct store_options options = {
		.readers = 1,
		.url = "postgres:///none?host=/nonexistent&user=nobody",
	};
	struct identity who = { .credential = CREDENTIAL_API_KEY, .credential_hash = KEY_HASH };
	struct store *present;
	struct rig rig;
	int rc;

	rig_open(&rig, DATABASE_SQLITE, NULL);
	options.loop = &rig.loop;
	present = rig.store;
	cr_assert_eq(store_open(&options, &rig.store), 0);
	rig_reopen_auth(&rig, true, ROLE_MEMBER);
	rc = rig_recheck(&rig, &who, ACCESS_STREAM);
	cr_expect_lt(rc, 0);
	cr_expect_neq(rc, -EACCES, "a stream stays open while the store is away");
	store_close(rig.store, NULL, NULL);
	rig.store = present;
	rig_close(&rig);
}

static void count_call(int rc, void *owner)
{
	(void)rc;
	++*(unsigned *)owner;
}

Test(recheck, calls_back_once_even_when_everything_closes)
{
	struct identity who = { .credential = CREDENTIAL_SESSION };
	unsigned calls = 0;
	struct rig rig;

	rig_open(&rig, DATABASE_SQLITE, NULL);
	memcpy(who.credential_hash, rig.hash, sizeof(rig.hash));
	for (int i = 0; i < 3; i++)
		cr_assert_eq(auth_recheck(rig.auth, &who, ACCESS_STREAM, count_call, &calls), 0);
	rig_close(&rig);
	cr_expect_eq(calls, 3);
}
