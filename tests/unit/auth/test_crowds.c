/* SPDX-License-Identifier: Apache-2.0 */

/* Streams that come in a crowd: which answers are remembered, and for which requests. */
#include <criterion/criterion.h>
#include <errno.h>

#include "core/metrics.h"
#include "tests/unit/auth/rig.h"

static struct rig rig;
static const struct metric *lookups;

static void set_up(void)
{
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

/* How many streams it takes until one costs no lookup. They come one after the other, so that they
 * share none. */
static int come_in_a_crowd(int (*visit)(struct rig *rig, enum http_access access))
{
	int64_t reads;
	int visits = 0;

	do {
		reads = metric_value(lookups);
		cr_assert_eq(visit(&rig, ACCESS_STREAM), 200);
		visits++;
	} while (metric_value(lookups) > reads);
	return visits;
}

Test(crowd, opens_streams_on_an_answer_of_a_moment_ago)
{
	int64_t reads;

	cr_expect_gt(come_in_a_crowd(rig_visit_key), 16);
	reads = metric_value(lookups);

	/* A recent answer lasts two seconds; a refusal is looked up each time. */
	rig_ask(&rig, "DELETE FROM team_api_keys");
	while (rig_visit_key(&rig, ACCESS_STREAM) == 200)
		continue;
	cr_expect_eq(metric_value(lookups), reads + 1);
	cr_expect_eq(rig_visit_key(&rig, ACCESS_STREAM), 401);
	cr_expect_eq(metric_value(lookups), reads + 2);
}

Test(crowd, is_asked_anew_for_everything_but_streams)
{
	static const enum http_access others[] = { ACCESS_WAIT, ACCESS_TEAM, ACCESS_CHANGE,
						   ACCESS_ADMIN };

	for (size_t i = 0; i < ARRAY_LEN(others); i++) {
		int64_t reads;

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
