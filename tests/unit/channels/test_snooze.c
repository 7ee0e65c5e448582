/* SPDX-License-Identifier: Apache-2.0 */

/* Quiet hours and snoozes over HTTP, on both stores: set, shown, ended, refused, audited. After a
 * change, deliveries that were held before are checked again at once. */
#include <stdio.h>

#include "core/snooze.h"
#include "tests/support/calls.h"

#define QUIET                                                              \
	"\"quiet\":{\"zone\":\"UTC\",\"from\":\"07:00\",\"to\":\"09:00\"," \
	"\"let_through\":[\"failures\"]}"
#define BODY(more)                                       \
	"{\"name\":\"hook\",\"provider\":\"webhook\","   \
	"\"config\":{\"url\":\"https://8.8.8.8/hook\"}," \
	"\"events\":[\"host.down\"]" more "}"
#define CHANGE(more) "{\"name\":\"hook\",\"events\":[\"host.down\"]" more "}"
#define PREVIEW      "{\"provider\":\"slack\",\"event\":\"host.up\"," QUIET "}"
#define CHANNEL      "11111111-1111-4111-8111-111111111111"
#define CHANNEL_PATH "/v1/channels/ch-10dgnsxljlxoxc3rmyv4e8snl"

static const struct rig_options still = { .strict = true, .no_delivery = true };
static const struct rig_options live = { .tick_ms = 20 };

static void on_both_stores(const struct rig_options *options, void (*steps)(struct rig *rig))
{
	for (int engine = 0; engine < DATABASE_ENGINES; engine++) {
		struct rig rig;

		rig_now_us = START_US;
		rig_open(&rig, (enum database_engine)engine, options);
		steps(&rig);
		rig_close(&rig);
	}
}

static void expect(struct rig *rig, const char *method, const char *path, const char *body,
		   const char *says)
{
	cr_assert_lt(call(rig, method, path, body), 300, "%s: %s", path, call_answer);
	cr_expect(strstr(call_answer, says), "%s in %s", says, call_answer);
}

static void expect_none(struct rig *rig, const char *method, const char *path, const char *body,
			const char *word)
{
	cr_assert_lt(call(rig, method, path, body), 300, "%s", call_answer);
	cr_expect_null(strstr(call_answer, word), "%s", call_answer);
}

static void set_and_end(struct rig *rig)
{
	char path[CALL_PATH_SIZE];
	char snooze[CALL_PATH_SIZE + 40];

	call_create(rig, BODY("," QUIET ",\"snooze\":{\"until\":\"2030-01-01T00:00:00Z\"}"), path);
	cr_expect(strstr(call_answer, QUIET), "%s", call_answer);
	cr_expect_null(strstr(call_answer, "snooze"), "only its endpoint sets it: %s", call_answer);
	snprintf(snooze, sizeof(snooze), "%s/snooze", path);
	expect(rig, "POST", snooze, "{\"for\":\"90m\"}",
	       "\"snooze\":{\"until\":\"2027-01-15T09:30:00Z\"}");
	expect(rig, "POST", snooze, "{\"until\":\"2027-01-16T08:00:00Z\",\"resource\":\"web-7\"}",
	       "\"resources\":{\"web-7\":\"2027-01-16T08:00:00Z\"}");
	expect(rig, "GET", path, "", "\"until\":\"2027-01-15T09:30:00Z\"");
	expect(rig, "PATCH", path, CHANGE(",\"quiet\":null"), "web-7");
	cr_expect_null(strstr(call_answer, "quiet"), "%s", call_answer);
	expect_none(rig, "DELETE", snooze, "", "\"until\"");
	cr_expect(strstr(call_answer, "web-7"), "%s", call_answer);
	snprintf(snooze, sizeof(snooze), "%s/snooze?resource=web-7", path);
	expect_none(rig, "DELETE", snooze, "", "snooze");
	expect_none(rig, "DELETE", snooze, "", "snooze");
	cr_expect_eq(rig_ask(rig, "SELECT count(*) FROM channel_options"), 0);
}

Test(snooze, is_set_and_ended_and_shown)
{
	on_both_stores(&still, set_and_end);
}

static void audit_it(struct rig *rig)
{
	char path[CALL_PATH_SIZE];
	char snooze[CALL_PATH_SIZE + 8];
	char text[512];

	call_create(rig, BODY(""), path);
	snprintf(snooze, sizeof(snooze), "%s/snooze", path);
	expect(rig, "POST", snooze, "{\"for\":\"1h\",\"resource\":\"web-7\"}", "web-7");
	rig_ask_text(rig, text, sizeof(text),
		     "SELECT metadata FROM audit_logs WHERE action = 'snooze'");
	cr_expect(strstr(text, "web-7") && strstr(text, "2027-01-15T09:00:00Z"), "%s", text);
	expect(rig, "DELETE", snooze, "", "web-7");
	cr_expect_eq(rig_ask(rig, "SELECT count(*) FROM audit_logs WHERE action = 'end_snooze'"),
		     1);
}

Test(snooze, leaves_a_row_in_the_audit_trail)
{
	on_both_stores(&still, audit_it);
}

static void refuse_nonsense(struct rig *rig)
{
	static const struct bad_body cases[] = {
		{ "{}", "until" },
		{ "[]", NULL },
		{ "{\"until\":\"2027-01-15T09:00:00Z\",\"for\":\"1h\"}", "until" },
		{ "{\"until\":\"tomorrow\"}", "until" },
		{ "{\"until\":\"2027-01-15T08:00:00Z\"}", "until" },
		{ "{\"until\":\"2027-03-15T08:00:00Z\"}", "until" },
		{ "{\"for\":\"31d\"}", "for" },
		{ "{\"for\":\"0s\"}", "for" },
		{ "{\"for\":8}", "for" },
		{ "{\"for\":\"8h\",\"resource\":\"\"}", "resource" },
		{ "{\"for\":\"8h\",\"resource\":7}", "resource" },
		{ "{\"for\":\"8h\",\"resources\":[\"web-7\"]}", NULL },
	};
	char path[CALL_PATH_SIZE];
	char snooze[CALL_PATH_SIZE + 8];

	call_create(rig, BODY(""), path);
	snprintf(snooze, sizeof(snooze), "%s/snooze", path);
	call_refused(rig, "POST", snooze, cases, ARRAY_LEN(cases));
	cr_expect_eq(call(rig, "PATCH", path, CHANGE(",\"quiet\":{\"zone\":\"Mars\"}")), 400);
	cr_expect(strstr(call_answer, "quiet.from"), "%s", call_answer);
	cr_expect_eq(call_as(rig, TEAM_B, "POST", snooze, "{\"for\":\"1h\"}"), 404);
	cr_expect_eq(call_as(rig, TEAM_B, "DELETE", snooze, ""), 404);
	expect_none(rig, "GET", path, "", "snooze");
}

Test(snooze, refuses_nonsense_and_other_teams)
{
	on_both_stores(&still, refuse_nonsense);
}

static void refuse_too_many(struct rig *rig)
{
	char path[CALL_PATH_SIZE];
	char snooze[CALL_PATH_SIZE + 8];
	char body[64];

	call_create(rig, BODY(""), path);
	snprintf(snooze, sizeof(snooze), "%s/snooze", path);
	for (int i = 0; i < SNOOZE_MAX_RESOURCES; i++) {
		snprintf(body, sizeof(body), "{\"for\":\"1h\",\"resource\":\"r%d\"}", i);
		cr_assert_eq(call(rig, "POST", snooze, body), 200);
	}
	cr_expect_eq(call(rig, "POST", snooze, "{\"for\":\"1h\",\"resource\":\"more\"}"), 409);
	cr_expect(strstr(call_answer, "50 snoozed resources"), "%s", call_answer);
}

Test(snooze, takes_fifty_resources)
{
	const struct rig_options one = still;
	struct rig rig;

	rig_open(&rig, DATABASE_SQLITE, &one);
	refuse_too_many(&rig);
	rig_close(&rig);
}

/* ---- at once ------------------------------------------------------------------------------- */

#define SENT "deliveries WHERE state = 'delivered'"
#define HELD "deliveries WHERE state = 'pending' AND held_until > '2027-01-15T08:00:00.000000Z'"

static void change_at_once(struct rig *rig)
{
	rig_add_channel(rig, CHANNEL, TEAM_A, "hook", "capsule.pause");
	expect(rig, "POST", CHANNEL_PATH "/snooze", "{\"for\":\"1h\"}", "snooze");
	rig_commit_pause(rig, START_MS);
	rig_commit_pause(rig, START_MS + 1);
	rig_wait_rows(rig, 2, HELD);
	expect(rig, "GET", CHANNEL_PATH "/health", "",
	       "\"held\":2,\"held_until\":\"2027-01-15T09:00:00Z\"");
	expect(rig, "GET", CHANNEL_PATH "/deliveries", "",
	       "\"held_until\":\"2027-01-15T09:00:00Z\"");
	rig_now_us += SECOND_US;
	expect(rig, "PATCH", CHANNEL_PATH,
	       "{\"name\":\"hook\",\"events\":[\"capsule.pause\"]," QUIET "}", QUIET);
	rig_wait_rows(rig, 2, HELD);
	rig_now_us += SECOND_US;
	expect_none(rig, "DELETE", CHANNEL_PATH "/snooze", "", "snooze");
	rig_wait_rows(rig, 2, HELD " AND held_until = '2027-01-15T09:00:00.000000Z'");
	cr_expect_eq(receiver_count(rig->receiver), 0);
	rig_now_us += SECOND_US;
	expect_none(rig, "PATCH", CHANNEL_PATH,
		    "{\"name\":\"hook\",\"events\":[\"capsule.pause\"],\"quiet\":null}", "quiet");
	rig_wait_rows(rig, 2, SENT);
	cr_expect_eq(receiver_count(rig->receiver), 2);
}

Test(quiet, hours_and_snoozes_that_change_count_at_once)
{
	on_both_stores(&live, change_at_once);
}

static void preview_it(struct rig *rig)
{
	expect(rig, "POST", "/v1/channels/preview", PREVIEW,
	       "\"held_until\":\"2027-01-15T09:00:00Z\"");
	rig_now_us += HOUR_US;
	expect_none(rig, "POST", "/v1/channels/preview", PREVIEW, "held_until");
}

Test(quiet, hours_are_shown_in_a_preview)
{
	on_both_stores(&still, preview_it);
}
