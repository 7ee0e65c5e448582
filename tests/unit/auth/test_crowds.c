/* SPDX-License-Identifier: Apache-2.0 */

/* Streams that come in a crowd: which answers are remembered, and for which requests. */
#include <criterion/criterion.h>
#include <errno.h>

#include "core/crypto.h"
#include "core/metrics.h"
#include "tests/support/clock_by_hand.h"
#include "tests/unit/auth/rig.h"

static struct rig rig;
static const struct metric *lookups;

static void set_up(void)
{
	clock_hold();
	rig_open(&rig, DATABASE_SQLITE, NULL);
	rig_add_key(&rig, TEAM_UUID, "NULL");
	rig_add_session(&rig, "owner", 3600, 0);
	lookups = metric_counter("wrenn_events_auth_lookups_total", NULL, "");
}

static void tear_down(void)
{
	rig_close(&rig);
}

TestSuite(crowd, .init = set_up, .fini = tear_down);

/* Streams make a crowd from the seventeenth on. They come one after the other, so that they share
 * no lookup. */
static void come_in_a_crowd(int (*visit)(struct rig *rig, enum http_access access))
{
	int64_t reads = metric_value(lookups);

	for (int i = 0; i < 16; i++)
		cr_assert_eq(visit(&rig, ACCESS_STREAM), 200);
	cr_expect_eq(metric_value(lookups), reads + 16);
	cr_assert_eq(visit(&rig, ACCESS_STREAM), 200);
	cr_expect_eq(metric_value(lookups), reads + 16);
}

Test(crowd, opens_streams_on_an_answer_of_a_moment_ago)
{
	int64_t reads;

	come_in_a_crowd(rig_visit_key);
	reads = metric_value(lookups);

	/* A recent answer lasts two seconds; a refusal is looked up each time. */
	rig_ask(&rig, "DELETE FROM team_api_keys");
	for (int i = 0; i < 1999; i++) {
		clock_move(1);
		cr_assert_eq(rig_visit_key(&rig, ACCESS_STREAM), 200, "after %d ms", i + 1);
	}
	cr_expect_eq(metric_value(lookups), reads);
	clock_move(1);
	cr_expect_eq(rig_visit_key(&rig, ACCESS_STREAM), 401);
	cr_expect_eq(rig_visit_key(&rig, ACCESS_STREAM), 401);
	cr_expect_eq(metric_value(lookups), reads + 2);
}

Test(crowd, is_over_half_a_second_after_its_last_sixteen)
{
	come_in_a_crowd(rig_visit_key);
	rig_ask(&rig, "DELETE FROM team_api_keys");
	clock_move(499);
	cr_expect_eq(rig_visit_key(&rig, ACCESS_STREAM), 200);
	clock_move(1);
	cr_expect_eq(rig_visit_key(&rig, ACCESS_STREAM), 401);
}

Test(crowd, is_not_made_by_streams_that_come_slowly)
{
	int64_t reads = metric_value(lookups);

	for (int i = 0; i < 100; i++) {
		clock_move(7); /* fifteen in a tenth of a second */
		cr_assert_eq(rig_visit_key(&rig, ACCESS_STREAM), 200);
	}
	cr_expect_eq(metric_value(lookups), reads + 100);
}

/* The nth of many keys. */
static void write_key(int number, char key[40])
{
	snprintf(key, 40, "wrn_%032x", number);
}

static void add_keys(int count)
{
	for (int i = 0; i < count; i++) {
		char key[40];
		char hash[65];

		write_key(i, key);
		crypto_sha256_hex(str_of(key), hash);
		rig_ask(&rig,
			"INSERT INTO team_api_keys (id, team_id, name, key_hash, key_prefix) "
			"VALUES "
			"('00000000-0000-4000-8000-1%011d', '%s', 'ci', '%s', 'wrn_000000')",
			i, TEAM_UUID, hash);
	}
}

Test(crowd, costs_one_lookup_for_each_credential)
{
	int64_t reads;

	add_keys(50);
	come_in_a_crowd(rig_visit_key);
	reads = metric_value(lookups);
	for (int i = 0; i < 1000; i++) {
		char key[40];
		struct http_request request = { .key = key };

		write_key(i % 50, key);
		clock_move(1);
		cr_assert_eq(rig_visit(&rig, &request, ACCESS_STREAM), 200);
	}
	cr_expect_eq(metric_value(lookups), reads + 50);
}

Test(crowd, is_looked_up_for_everything_except_streams)
{
	static const enum http_access others[] = { ACCESS_WAIT, ACCESS_TEAM, ACCESS_CHANGE,
						   ACCESS_ADMIN };

	for (size_t i = 0; i < ARRAY_LEN(others); i++) {
		int64_t reads;

		clock_move(10000); /* the last crowd and its answers are over */
		come_in_a_crowd(rig_visit_key);
		reads = metric_value(lookups);
		rig_visit_key(&rig, others[i]);
		cr_expect_eq(metric_value(lookups), reads + 1, "access %d", (int)others[i]);
	}
}

Test(crowd, is_not_made_by_keys_that_do_not_fit)
{
	int64_t reads;

	cr_assert_eq(rig_visit_key(&rig, ACCESS_STREAM), 200);
	for (int i = 0; i < 200; i++) {
		struct http_request unknown = { .key = "wrn_ffffffffffffffffffffffffffffffff" };

		cr_assert_eq(rig_visit(&rig, &unknown, ACCESS_STREAM), 401);
	}
	reads = metric_value(lookups);
	cr_expect_eq(rig_visit_key(&rig, ACCESS_STREAM), 200);
	cr_expect_eq(metric_value(lookups), reads + 1);
}

/* ---- looks at the credentials of open streams --------------------------------------------- */

static struct identity key_identity(void)
{
	struct identity who = { .credential = CREDENTIAL_API_KEY, .has_team = true };

	cr_assert_eq(uuid_parse(STR(TEAM_UUID), &who.team), 0);
	memcpy(who.credential_hash, KEY_HASH, sizeof(who.credential_hash));
	return who;
}

Test(crowd, is_not_let_in_on_a_look_at_an_open_stream)
{
	const struct identity who = key_identity();
	int64_t reads;

	cr_assert_eq(rig_recheck(&rig, &who, ACCESS_STREAM), 0);
	come_in_a_crowd(rig_visit_session);
	reads = metric_value(lookups);
	cr_expect_eq(rig_visit_key(&rig, ACCESS_STREAM), 200);
	cr_expect_eq(metric_value(lookups), reads + 1);
}

Test(crowd, is_stopped_by_a_look_that_finds_the_key_revoked)
{
	const struct identity who = key_identity();

	come_in_a_crowd(rig_visit_key);
	rig_ask(&rig, "DELETE FROM team_api_keys");
	cr_assert_eq(rig_recheck(&rig, &who, ACCESS_STREAM), -EACCES);
	cr_expect_eq(rig_visit_key(&rig, ACCESS_STREAM), 401);
}
