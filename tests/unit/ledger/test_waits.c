/* SPDX-License-Identifier: Apache-2.0 */

/* Which waits one look reports when many are due, on both engines. */
#include <stdio.h>

#include "expect/waits.h"
#include "tests/support/rig.h"

#define HOST_RULE                                                         \
	"{\"after\":{\"event\":[\"host.down\"]},\"without\":{\"event\":[" \
	"\"host.up\"]},\"within_s\":600}"
#define MANY   40 /* more than one look reports */
#define NOW_MS START_MS

static const struct rig_options options = { .strict = false };

struct look_job {
	struct store_job job;
	struct buf notices;
};

static int run_look(struct db *db, struct store_job *job)
{
	return waits_write_notices(db, NOW_MS, &container_of(job, struct look_job, job)->notices);
}

/* Returns how many notices there are, and in *out how many of them name the resource. */
static size_t look(struct rig *rig, const char *resource, size_t *out)
{
	struct look_job look = { .job.run = run_look };
	struct reason why = { .text = "" };
	size_t count = 0;

	*out = 0;
	buf_init(&look.notices, 1 << 20);
	cr_assert_eq(store_run_blocking(rig->database.url, &look.job, &why), 0, "%s", why.text);
	for (const char *at = buf_text(&look.notices); (at = strchr(at, '\n')); at++)
		count++;
	for (const char *at = buf_text(&look.notices); (at = strstr(at, resource)); at++)
		(*out)++;
	buf_done(&look.notices);
	return count;
}

static void add_rule(struct rig *rig, const char *team, const char *name, const char *json)
{
	rig_ask(rig,
		"INSERT INTO expectation_rules (team_id, name, rule, is_of_request, changed_at) "
		"VALUES ('%s', '%s', '%s', 0, '2027-01-01T00:00:00.000000Z')",
		team, name, json);
}

/* `ends` is the values of due_ms, missed_ms and arrived_ms. */
static void add_wait(struct rig *rig, const char *team, const char *rule, const char *resource,
		     const char *ends)
{
	rig_ask(rig,
		"INSERT INTO expectations (team_id, rule, resource, rule_changed_at, since_ms, "
		"due_ms, missed_ms, arrived_ms) VALUES ('%s', '%s', '%s', "
		"'2027-01-01T00:00:00.000000Z', 1, %s)",
		team, rule, resource, ends);
}

static void add_many(struct rig *rig, const char *rule, const char *ends)
{
	char sql[16384];
	int len = snprintf(sql, sizeof(sql), "INSERT INTO expectations VALUES ");

	for (int i = 0; i < MANY; i++)
		len += snprintf(sql + len, sizeof(sql) - (size_t)len,
				"%s('" TEAM_A "', '%s', '%s-%d', '2027-01-01T00:00:00.000000Z', "
				"1, %s)",
				i ? ", " : "", rule, rule, i, ends);
	rig_ask_text(rig, (char[8]){ "" }, 8, sql);
}

static void pass_over_rules(struct rig *rig)
{
	size_t named;

	add_rule(rig, TEAM_A, "newer", "{\"unless\":[]}");
	add_rule(rig, TEAM_A, "host", HOST_RULE);
	add_many(rig, "newer", "1, 0, 0");
	add_wait(rig, TEAM_A, "host", "late-host", "2, 0, 0");
	cr_expect_eq(look(rig, "late-host", &named), 1);
	cr_expect_geq(named, 1);
	rig_ask(rig, "UPDATE expectations SET missed_ms = due_ms, arrived_ms = due_ms, due_ms = 0");
	cr_expect_eq(look(rig, "late-host", &named), 1);
	cr_expect_geq(named, 1);
}

Test(waits, of_a_rule_that_cannot_be_read_do_not_hold_up_others)
{
	ON_BOTH_STORES(&options, pass_over_rules);
}

static void take_turns(struct rig *rig)
{
	size_t named;

	add_rule(rig, TEAM_A, "host", HOST_RULE);
	add_rule(rig, TEAM_B, "host", HOST_RULE);
	add_many(rig, "host", "1, 0, 0");
	add_wait(rig, TEAM_B, "host", "host-of-b", "2, 0, 0");
	cr_expect_eq(look(rig, "host-of-b", &named), 32);
	cr_expect_geq(named, 1);
	rig_ask(rig, "UPDATE expectations SET missed_ms = due_ms, arrived_ms = due_ms, due_ms = 0");
	cr_expect_eq(look(rig, "host-of-b", &named), 32);
	cr_expect_geq(named, 1);
}

Test(waits, of_one_team_do_not_delay_those_of_another)
{
	ON_BOTH_STORES(&options, take_turns);
}
