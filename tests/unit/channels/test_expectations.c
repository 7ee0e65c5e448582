/* SPDX-License-Identifier: Apache-2.0 */

/* The endpoints of expectations, on both engines. */
#include <stdio.h>

#include "tests/support/rig.h"

#define PATH "/v1/expectations"

static const struct rig_options options = { .strict = false };
static char answer[65536];

static int request(struct rig *rig, const char *method, const char *name, const char *team,
		   const char *body)
{
	char path[256];

	snprintf(path, sizeof(path), PATH "%s%s", name[0] ? "/" : "", name);
	return rig_request(rig, method, path, team, body, answer, sizeof(answer));
}

static int put(struct rig *rig, const char *name, const char *body)
{
	return request(rig, "PUT", name, TEAM_A, body);
}

static int64_t version(struct rig *rig)
{
	return rig_ask(rig, "SELECT version FROM expectation_version");
}

static int64_t audited(struct rig *rig, const char *action)
{
	return rig_ask(rig,
		       "SELECT count(*) FROM audit_logs WHERE resource_type = 'expectation' AND "
		       "resource_id = 'mine' AND action = '%s' AND scope = 'team'",
		       action);
}

#define SHOWN                                                                                 \
	"{\"name\":\"mine\",\"after\":{\"event\":[\"host.down\"]},\"without\":{\"event\":["   \
	"\"host.up\"]},\"within_s\":600,\"changed_at\":\"2027-01-15T08:00:00Z\",\"waiting\":" \
	"%d,\"missed\":%d}\n"

static void expect_shown(int waiting, int missed)
{
	char shown[512];

	snprintf(shown, sizeof(shown), SHOWN, waiting, missed);
	cr_expect_str_eq(answer, shown);
}

static void add_wait(struct rig *rig, const char *team, const char *rule, int due, int missed)
{
	rig_ask(rig,
		"INSERT INTO expectations VALUES ('%s','%s','r%d','2027-01-15T08:00:00.000000Z',1,"
		"%d,%d,0)",
		team, rule, due, due, missed);
}

static void change_one(struct rig *rig)
{
	int64_t before = version(rig);

	cr_expect_eq(put(rig, "mine", "{\"form\":\"host\"}"), 201, "%s", answer);
	expect_shown(0, 0);
	cr_expect_gt(version(rig), before, "the ledger reads the rules again");
	add_wait(rig, TEAM_A, "mine", 5, 0);
	add_wait(rig, TEAM_A, "mine", 6, 7);
	add_wait(rig, TEAM_A, "other", 5, 5);
	add_wait(rig, TEAM_B, "mine", 5, 5);
	cr_expect_eq(put(rig, "mine", "{\"form\":\"host\",\"within_s\":600}"), 200, "%s", answer);
	expect_shown(2, 1);
	cr_expect_eq(request(rig, "GET", "", TEAM_B, ""), 200);
	cr_expect_str_eq(answer, "{\"items\":[]}\n");
	cr_expect_eq(put(rig, "mine", "{\"form\":\"host\",\"within_s\":601}"), 200);
	cr_expect_eq(rig_ask(rig, "SELECT count(*) FROM expectations"), 2,
		     "it forgets what it waited for, and nothing else");
	before = version(rig);
	cr_expect_eq(request(rig, "DELETE", "mine", TEAM_B, ""), 204);
	cr_expect_eq(rig_ask(rig, "SELECT count(*) FROM expectation_rules"), 1);
	cr_expect_eq(request(rig, "DELETE", "mine", TEAM_A, ""), 204);
	cr_expect_eq(request(rig, "DELETE", "mine", TEAM_A, ""), 204);
	cr_expect_eq(rig_ask(rig, "SELECT count(*) FROM expectation_rules"), 0);
	cr_expect_gt(version(rig), before);
	cr_expect_eq(audited(rig, "create"), 1);
	cr_expect_eq(audited(rig, "update"), 1, "the same again changes nothing");
	cr_expect_eq(audited(rig, "delete"), 1);
}

Test(expectations, are_made_changed_and_removed)
{
	ON_BOTH_STORES(&options, change_one);
}

static void have_a_bound(struct rig *rig)
{
	char name[32];

	for (int i = 0; i < 20; i++) {
		snprintf(name, sizeof(name), "rule-%02d", i);
		cr_assert_eq(put(rig, name, "{\"form\":\"capsule\"}"), 201, "%s", answer);
	}
	cr_expect_eq(put(rig, "one-more", "{\"form\":\"host\"}"), 409);
	cr_expect_eq(put(rig, "rule-07", "{\"form\":\"host\"}"), 200, "changing one is possible");
	cr_expect_eq(request(rig, "PUT", "one-more", TEAM_B, "{\"form\":\"host\"}"), 201);
	cr_expect_eq(request(rig, "GET", "", TEAM_A, ""), 200);
	cr_expect(strstr(answer, "\"rule-00\"") < strstr(answer, "\"rule-19\""));
	cr_expect_null(strstr(answer, "one-more"));
}

Test(expectations, are_twenty_a_team)
{
	ON_BOTH_STORES(&options, have_a_bound);
}

static void refuse_bad_input(struct rig *rig)
{
	static const struct {
		const char *name, *body, *field;
	} cases[] = {
		{ "A", "{\"form\":\"host\"}", "name" },
		{ "mine", "{\"form\":\"fax\"}", "form" },
		{ "mine", "{\"form\":\"host\",\"within_s\":1}", "within_s" },
		{ "mine", "{\"after\":{\"event\":\"host\"}}", "after.event" },
		{ "mine", "{", NULL },
		{ "mine", "[]", NULL },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char field[64];

		cr_expect_eq(put(rig, cases[i].name, cases[i].body), 400, "%s", answer);
		snprintf(field, sizeof(field), "\"field\":\"%s\"",
			 cases[i].field ? cases[i].field : "");
		cr_expect(!cases[i].field || strstr(answer, field), "%s: %s", cases[i].body,
			  answer);
	}
	cr_expect_eq(rig_ask(rig, "SELECT count(*) FROM expectation_rules"), 0);
	rig_ask(rig, "UPDATE teams SET deleted_at = '2027-01-01T00:00:00.000000Z'");
	cr_expect_eq(put(rig, "mine", "{\"form\":\"host\"}"), 403);
}

Test(expectations, refuse_what_is_wrong)
{
	ON_BOTH_STORES(&options, refuse_bad_input);
}
